"""A copy of the repository, with a history of its own, to be changed by the tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("CHANGELOG.md", "copier.yml", "pyproject.toml", "snapshots", "src", "templates")
UNRELEASED = "## [Unreleased]\n"

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with one commit on its main branch, whose Unreleased section is empty."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    released = (folder / "CHANGELOG.md").read_text().partition("\n## [0")
    text = released[0].partition(UNRELEASED)[0] + UNRELEASED + "".join(released[1:])
    (folder / "CHANGELOG.md").write_text(text)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "The beginning")
    return folder


@pytest.fixture
def agentcore_new(checkout: Path) -> Command:
    """Run the command of the copy, as a program."""

    def run(
        *words: str | Path, cwd: Path = checkout, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "agentcore_new", *words],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(checkout / "src"), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def git(folder: Path, *words: str) -> str:
    """Run git, which must succeed."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit(folder: Path, message: str) -> None:
    """Commit everything."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace text that must be there."""
    file = folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def document(folder: Path, entry: str = "- Something that users notice.") -> None:
    """Add an entry under Unreleased."""
    edit(folder, "CHANGELOG.md", UNRELEASED, f"{UNRELEASED}\n### Changed\n\n{entry}\n")
