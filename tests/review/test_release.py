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

from agentcore_new import __version__
from review.conftest import ROOT, commit, document, edit, git

pytestmark = pytest.mark.real

VERSION = "7.0.0"


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
    files = (checkout / "CHANGELOG.md", checkout / "src/agentcore_new/__init__.py")
    return [git(checkout, *each) for each in words] + [file.read_text() for file in files]


def test_a_release_is_a_commit_a_tag_and_two_files(checkout: Path) -> None:
    done = release(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "git push --follow-tags" in done.stdout
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "describe", "--exact-match").strip() == f"v{VERSION}"
    assert git(checkout, "log", "-1", "--format=%s").strip() == f"Release {VERSION}"
    today = datetime.now(UTC).date().isoformat()
    changes = (checkout / "CHANGELOG.md").read_text()
    assert (
        f"## [Unreleased]\n\n## [{VERSION}] - {today}\n\n### Changed\n\n- Something new." in changes
    )
    answers = "snapshots/adk/dot_copier-answers.yml"
    assert all(VERSION in file.read_text() for file in (checkout / answers).iterdir())
    wheel = checkout / f"dist/agentcore_new-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert "agentcore_new/templates/project/main.py.jinja" in names
    assert "agentcore_new/review/diff.html.jinja" in names
    with tarfile.open(checkout / f"dist/agentcore_new-{VERSION}.tar.gz") as source:
        assert f"agentcore_new-{VERSION}/copier.yml" in source.getnames()
    # a second one has nothing to say, and is refused
    again = release(checkout, "7.0.1")
    assert again.returncode == 1
    assert "no entry under Unreleased" in again.stderr


@pytest.mark.parametrize(
    ("version", "told"),
    [("1", "no version"), ("v7.0.0", "no version"), (__version__, "not newer"), ("0.0.1", "newer")],
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
    edit(checkout, "templates/project/invocation.py", "MAX_ID_CHARS = 256", "MAX_ID_CHARS = 255")
    commit(checkout, "A change without its snapshots")
    before = state(checkout)
    assert "agentcore-new check" in release(checkout).stderr
    assert state(checkout) == before


def test_a_build_that_fails_leaves_all_as_it_was(checkout: Path) -> None:
    (checkout / "README.md").unlink()
    commit(checkout, "Without what the build needs")
    before = state(checkout)
    done = release(checkout)
    assert done.returncode == 1
    assert "build" in done.stderr
    assert state(checkout) == before
