"""The command, with the real uv and packages that nobody has published."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from agentcore_new.errors import CannotPackage
from agentcore_new.packaging import archive
from agentcore_new.packaging.package import package
from packages.wheels import AARCH64, X86_64, library, write_project, write_wheel

Command = Callable[..., subprocess.CompletedProcess[str]]
MODERN = "cp313-cp313-manylinux_2_28_aarch64"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `agentcore-new package`."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("UV_OFFLINE", "1")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agentcore_new", "package", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path
        )

    return run


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a refusal says: one line, beside that on what was being done."""
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Choosing")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_package_has_the_project_and_what_it_depends_on(run: Command, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "pure", script="purely")
    write_wheel(wheels, "native", tag=MODERN, files={"native/fast.so": library(AARCH64)})
    write_wheel(wheels, "native", tag="cp313-cp313-manylinux2014_x86_64")
    project = write_project(tmp_path / "an-agent", wheels, "pure", "native")
    (project / ".env").write_text("KEY=secret", encoding="utf-8")
    (project / "chat.db").touch()
    first = run("an-agent")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("an-agent/dist/an-agent.zip: ")
    assert "for Python 3.13 on Linux on Arm.\nLeft out, as databases: chat.db\n" in first.stdout
    assert first.stderr.splitlines()[0] == "Choosing packages for Python 3.13 on Linux on Arm"
    archive = project / "dist" / "an-agent.zip"
    bytes_of_first = archive.read_bytes()
    with ZipFile(archive) as made:
        names = {name for name in made.namelist() if ".dist-info/" not in name}
        assert names == {
            "main.py", "pyproject.toml", "bin/purely", "pure/__init__.py",
            "native/__init__.py", "native/fast.so",
        }  # fmt: skip
        info = {name for name in made.namelist() if name.startswith("pure-1.0.dist-info/")}
        assert info == {
            f"pure-1.0.dist-info/{name}"
            for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")
        }
        assert made.read("bin/purely").startswith(b"#!/usr/bin/env python3\n")
        assert str(tmp_path).encode() not in b"".join(
            made.read(name) for name in made.namelist() if name != "pyproject.toml"
        )
    # of the second, the first is no part, and its bytes are the same
    told = run("an-agent", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == {
        "ok": True,
        "path": "an-agent/dist/an-agent.zip",
        "python": "3.13",
        "platform": "aarch64-manylinux_2_28",
        "files": len(names) + 7,
        "bytes": len(bytes_of_first),
        "unpacked_bytes": json.loads(told.stdout)["unpacked_bytes"],
        "left_out": ["chat.db"],
    }
    assert archive.read_bytes() == bytes_of_first
    assert run(project, "--output", "elsewhere.zip").returncode == 0
    assert (tmp_path / "elsewhere.zip").read_bytes() == bytes_of_first


def test_what_no_python_or_another_one_alone_can_have_says_so(run: Command, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "old", tag="cp312-cp312-manylinux_2_34_aarch64")
    write_wheel(wheels, "foreign", tag="cp313-cp313-manylinux2014_x86_64")
    write_wheel(wheels, "newest", tag="cp313-cp313-manylinux_2_39_aarch64")
    old = refused(run(write_project(tmp_path / "one", wheels, "old")))
    assert old.startswith("Error: Not every package is there for Python 3.13 on Linux on Arm: ")
    assert "old" in old
    assert old.endswith(" For Python 3.12 they are: --python 3.12")
    assert run(tmp_path / "one", "--python", "3.12").returncode == 0
    for name in ("foreign", "newest"):
        told = refused(run(write_project(tmp_path / name, wheels, name)))
        assert name in told
        assert told.endswith(" Nor are they for another Python that AgentCore has.")
        assert not (tmp_path / name / "dist").exists()


def test_a_library_for_another_machine_is_refused_whatever_its_wheel_says(
    run: Command, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "lying", tag=MODERN, files={"lying/fast.so": library(X86_64)})
    told = refused(run(write_project(tmp_path / "one", wheels, "lying")))
    assert told.startswith("Error: lying/fast.so is not for Linux on Arm.")
    project = write_project(tmp_path / "two", wheels)
    (project / "own.so").write_bytes(library(X86_64))
    assert refused(run(project)).startswith("Error: own.so is not for Linux on Arm.")


def test_what_uv_itself_cannot_do_is_one_line(run: Command, tmp_path: Path) -> None:
    project = write_project(tmp_path / "one", tmp_path / "wheels")
    (project / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    assert refused(run(project)).startswith("Error: uv could not install the packages: ")


@pytest.mark.usefixtures("run")  # the environment of it
def test_what_is_too_large_unpacked_is_not_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(tmp_path / "wheels", "pure", files={"pure/data": bytes(100_000)})
    project = write_project(tmp_path / "one", tmp_path / "wheels", "pure")
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(CannotPackage, match=r"The unpacked package has 0\.1 MB"):
        package(project, "3.13", None, lambda _: None)
    assert not (project / "dist").exists()


def test_locked_versions_are_taken(run: Command, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "pure", "1.0")
    project = write_project(tmp_path / "one", wheels, "pure")
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
    write_wheel(wheels, "pure", "2.0")
    assert run(project).returncode == 0
    with ZipFile(project / "dist" / "one.zip") as made:
        assert "pure-1.0.dist-info/METADATA" in made.namelist()
    write_project(project, wheels, "pure>=2")
    assert refused(run(project)).endswith("`uv lock` makes it anew.")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["nowhere"], 1, "nowhere is no project: it has no main.py."),
        (["."], 1, ". is no project: it has no main.py."),
        (["one", "--python", "3.11"], 2, "AgentCore runs no new agents on Python 3.11."),
        (["one", "--output", "taken.zip"], 1, "taken.zip is there, and is no package"),
        (["one", "two"], 2, ""),
    ],
)
def test_what_is_refused_before_anything_is_done(
    run: Command, tmp_path: Path, words: list[str], code: int, line: str
) -> None:
    write_project(tmp_path / "one", tmp_path / "wheels")
    (tmp_path / "taken.zip").write_text("mine", encoding="utf-8")
    done = run(*words)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {line}")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "taken.zip").read_text() == "mine"
    told = json.loads(run(*words, "--json").stdout)
    assert told["ok"] is False


def test_without_uv_a_line_says_how_to_get_it(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path / "one", tmp_path / "wheels")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(run("one")).startswith("Error: Packing needs uv, ")
