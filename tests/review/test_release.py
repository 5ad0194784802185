"""A release, on a copy of the repository: whole, or as if nothing had happened."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentcore_new.review import freezing
from agentcore_new.updating import history
from review.conftest import ROOT, commit, document, edit, git

pytestmark = pytest.mark.real

VERSION, NEXT = "7.0.0", "7.0.1"


@pytest.fixture
def checkout(checkout: Path) -> Path:
    """The copy with all that a release needs, and something to release."""
    for name in ("README.md", "constraints.txt", ".gitignore"):
        shutil.copy(ROOT / name, checkout / name)
    document(checkout, "- Something new.")
    commit(checkout, "Something new")
    return checkout


def release(checkout: Path, version: str = VERSION) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "agentcore_new.review.release", version],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def state(checkout: Path) -> list[str]:
    """What must not change when a release is refused."""
    words = (("rev-parse", "HEAD"), ("tag",), ("status", "--porcelain"))
    names = ("CHANGELOG.md", "copier.yml", "src/agentcore_new/__init__.py")
    texts = [(checkout / name).read_text() for name in names]
    frozen = history.read(checkout / freezing.FILE)
    return [git(checkout, *each) for each in words] + texts + list(frozen)


def at(checkout: Path, commit: str) -> Path:
    """A work tree of its own for a commit."""
    folder = checkout.parent / commit
    git(checkout, "worktree", "add", "--quiet", "--detach", str(folder), commit)
    return folder


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `check` with the code of a folder."""
    return subprocess.run(
        [sys.executable, "-m", "agentcore_new", "check"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_release_is_a_commit_a_tag_and_two_files(checkout: Path) -> None:
    done = release(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "git push --follow-tags" in done.stdout
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "describe", "--exact-match", "HEAD~1").strip() == f"v{VERSION}"
    subjects = git(checkout, "log", "-2", "--format=%s").splitlines()
    assert subjects == [f"Begin {NEXT}", f"Release {VERSION}"]
    # what is tagged holds, and so does what comes after it
    tagged = at(checkout, f"v{VERSION}")
    for folder, version in ((tagged, VERSION), (checkout, f"{NEXT}.dev0")):
        assert (
            f'__version__ = "{version}"' in (folder / "src/agentcore_new/__init__.py").read_text()
        )
        assert f'default: "{version}"' in (folder / "copier.yml").read_text()
        answers = (folder / "snapshots/project/dot.copier-answers.yml").read_text()
        assert f'agentcore_new_version: "{version}"' in answers
        found = check(folder)
        assert (found.returncode, found.stderr) == (0, ""), found.stdout
    today = datetime.now(UTC).date().isoformat()
    changes = (checkout / "CHANGELOG.md").read_text()
    assert (
        f"## [Unreleased]\n\n## [{VERSION}] - {today}\n\n### Changed\n\n- Something new." in changes
    )
    wheel = checkout / f"dist/agentcore_new-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert "agentcore_new/templates/project/main.py.jinja" in names
    assert "agentcore_new/review/diff.html.jinja" in names
    with tarfile.open(checkout / f"dist/agentcore_new-{VERSION}.tar.gz") as source:
        assert f"agentcore_new-{VERSION}/copier.yml" in source.getnames()
    # its templates are frozen with it, and are in the wheel
    file = checkout / "src/agentcore_new/updating/history.xz"
    frozen = history.read(file)
    assert list(frozen) == [*history.packaged(), VERSION]
    assert frozen.files(VERSION) == freezing.frozen(tagged)
    assert (tagged / file.relative_to(checkout)).read_bytes() == file.read_bytes()
    with zipfile.ZipFile(wheel) as files:
        assert files.read("agentcore_new/updating/history.xz") == file.read_bytes()
    # a second one has nothing to say, and is refused
    again = release(checkout, NEXT)
    assert again.returncode == 1
    assert "no entry under Unreleased" in again.stderr


def test_a_release_comes_after_another(checkout: Path) -> None:
    git(checkout, "tag", "v0.0.1", "HEAD~1")
    edit(
        checkout,
        "templates/project/serving/identity.py",
        "MAX_ID_CHARS = 256",
        "MAX_ID_CHARS = 255",
    )
    command = (sys.executable, "-m", "agentcore_new", "snapshots")
    env = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    subprocess.run(command, cwd=checkout, env=env, check=True, capture_output=True)
    commit(checkout, "Something that users get")
    hook = checkout / ".git/hooks/pre-commit"  # as CONTRIBUTING advises
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nPYTHONPATH=src {sys.executable} -m agentcore_new check\n")
    hook.chmod(0o755)
    done = release(checkout)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("failing", ["tag", "build", "Begin"])
def test_whatever_fails_all_is_as_it_was(checkout: Path, failing: str) -> None:
    if failing == "tag":
        git(checkout, "config", "tag.gpgSign", "true")
        git(checkout, "config", "gpg.program", "false")
    elif failing == "build":
        (checkout / "README.md").unlink()
        commit(checkout, "Without what the build needs")
    else:
        hook = checkout / ".git/hooks/commit-msg"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f'#!/bin/sh\nif grep -q "^{failing}" "$1"; then echo no; exit 1; fi\n')
        hook.chmod(0o755)
    before = state(checkout)
    done = release(checkout)
    assert (done.returncode, done.stdout) == (1, "")
    assert failing.lower() in done.stderr.lower()
    assert done.stderr.endswith("\nNothing was changed.\n")
    assert state(checkout) == before


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1", "no version"),
        ("v7.0.0", "no version"),
        ("7.0.0.dev0", "no version"),
        ("0.0.1", "newer"),
    ],
)
def test_a_version_that_is_none_is_refused(checkout: Path, version: str, told: str) -> None:
    before = state(checkout)
    done = release(checkout, version)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert state(checkout) == before


def test_what_is_not_committed_is_not_released(checkout: Path) -> None:
    (checkout / "new.txt").write_text("")
    before = state(checkout)
    assert "uncommitted changes" in release(checkout).stderr
    assert state(checkout) == before


def test_a_tag_is_not_moved(checkout: Path) -> None:
    git(checkout, "tag", f"v{VERSION}", "HEAD~1")
    assert f"There is a tag v{VERSION} already." in release(checkout).stderr


def test_templates_that_do_not_hold_are_not_released(checkout: Path) -> None:
    edit(
        checkout,
        "templates/project/serving/identity.py",
        "MAX_ID_CHARS = 256",
        "MAX_ID_CHARS = 255",
    )
    commit(checkout, "A change without its snapshots")
    before = state(checkout)
    assert "agentcore-new check" in release(checkout).stderr
    assert state(checkout) == before
