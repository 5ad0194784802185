"""The browser is installed where there is none, and otherwise nobody is asked for anything."""

import os
import subprocess
import sys
from pathlib import Path

import browser
import pytest

# notes what it is told to do, and does it
APT_GET = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> {folder}/calls
case "$*" in install*) {installs} ;; esac
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def apt_get(folder: Path, installs: str) -> None:
    (folder / "apt-get").write_text(APT_GET.format(folder=folder, installs=installs))
    (folder / "apt-get").chmod(0o755)


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("program", browser.PROGRAMS)
def test_where_there_is_one_nothing_is_installed(bin_folder: Path, program: str) -> None:
    (bin_folder / program).touch(mode=0o755)
    apt_get(bin_folder, "exit 1")
    assert browser.main() is None
    assert browser.find_browser() == str(bin_folder / program)
    assert calls(bin_folder) == []


def test_root_installs_it(bin_folder: Path) -> None:
    chromium = bin_folder / "chromium"
    (bin_folder / "hidden").touch(mode=0o755)
    apt_get(bin_folder, f"/bin/mv {bin_folder / 'hidden'} {chromium}")
    assert browser.main() is None
    assert browser.find_browser() == str(chromium)
    options = "--quiet --yes --no-install-recommends chromium"
    assert calls(bin_folder) == [
        "noninteractive update --quiet",
        f"noninteractive install {options}",
    ]


@pytest.mark.parametrize(
    ("installs", "told"),
    [("exit 100", "--no-install-recommends chromium` failed."), ("exit 0", "though apt-get has")],
)
def test_what_fails_is_said(bin_folder: Path, installs: str, told: str) -> None:
    apt_get(bin_folder, installs)
    assert told in str(browser.main())


def test_who_is_not_root_is_told_what_to_do(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    apt_get(bin_folder, "exit 0")
    assert str(browser.main()).endswith("needs root: sudo apt-get install chromium")
    assert calls(bin_folder) == []


def test_it_is_one_line_and_the_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, browser.__file__],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{browser.MISSING}, nor apt-get to install it.\n"
