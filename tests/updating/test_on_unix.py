"""What is refused, and stays as it is, on systems with links, scripts and locks of Unix."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from agentcore_new.errors import CannotUpdate, GitFailed, UnsafeTarget
from updating.projects import RECORD, brought, commit_all, files, fresh, git, made, state
from updating.test_refused import IDENTITY, KNOWN, refused


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return made(tmp_path / "p", KNOWN)


@pytest.mark.parametrize("path", [IDENTITY, "serving"])
def test_a_symbolic_link_where_something_changes(project: Path, tmp_path: Path, path: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (project / path).rename(elsewhere)
    (project / path).symlink_to(elsewhere)
    commit_all(project)
    refused(project, UnsafeTarget, f"{path} is a symbolic link")


def test_a_symbolic_link_where_nothing_changes_stays(project: Path, tmp_path: Path) -> None:
    (project / "main.py").rename(tmp_path / "main.py")
    (project / "main.py").symlink_to(tmp_path / "main.py")
    commit_all(project)
    brought(project, KNOWN)
    assert (project / "main.py").is_symlink()
    assert files(project) == fresh()


def fake_git(folder: Path, script: str) -> str:
    """A git that is found first, and may go on to the real one."""
    folder.mkdir()
    real = shutil.which("git")
    (folder / "git").write_text(f"#!/bin/sh\nreal={real}\n{script}\n")
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_git_that_is_too_old(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_git(
        tmp_path / "bin",
        'for w; do :; done; [ "$w" = version ] && echo git version 2.37.9 && exit'
        '\nexec "$real" "$@"',
    )
    monkeypatch.setenv("PATH", path)
    refused(project, CannotUpdate, "This is git 2.37", "2.38 or newer")


def test_no_git_at_all(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(project)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(CannotUpdate, match="git is not installed"):
        brought(project, KNOWN)
    monkeypatch.undo()
    assert state(project) == before


def test_a_git_that_fails(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'case "$*" in *fast-import*) echo broken >&2; exit 3;; esac\nexec "$real" "$@"'
    monkeypatch.setenv("PATH", fake_git(tmp_path / "bin", script))
    refused(project, GitFailed, "git fast-import failed: broken.")


def test_two_at_once(project: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from agentcore_new.updating import journal\n"
            "with journal.locked(Path(sys.argv[1])): print('here', flush=True); sys.stdin.read()",
            project,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"here\n"
    refused(project, CannotUpdate, "is being updated by another process")
    holder.communicate()
    brought(project, KNOWN)


def test_a_script_stays_one(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN)
    (project / IDENTITY).chmod(0o755)
    commit_all(project)
    before = (project / IDENTITY).stat().st_mode
    brought(project, KNOWN)
    assert (project / IDENTITY).stat().st_mode == before


def test_paths_with_odd_names_are_no_obstacle(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN)
    name = 'ser "ving" \\ näm\u00e9\t.py'
    (project / IDENTITY).rename(project / name)
    commit_all(project)
    done = brought(project, KNOWN).report
    assert {*done.changed} == {name, RECORD}
    assert files(project)[name] == fresh()[IDENTITY]


def test_a_diff_has_colours_on_a_terminal(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, "0.1.0")
    variables = {**os.environ, "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "FORCE_COLOR", "LINES", "COLUMNS"):  # pytest-xdist sets the last two
        variables.pop(name, None)
    shown = pexpect.run(
        shlex.join([sys.executable, "-m", "agentcore_new", "update", "--diff", str(project)]),
        env=variables,
        dimensions=(9_999, 200),
        encoding="utf-8",
        timeout=30,
    )
    text = str(shown).replace("\r\n", "\n")
    assert "\x1b[32m+++ b/agent.py\x1b[0m\n" in text
    assert "\x1b[31m--- a/main.py\x1b[0m\n" in text
    assert "\x1b[36m@@ " in text
    assert git(project, "status", "--porcelain") == ""
