"""Killed at any moment: nothing is lost, and the next run completes what was begun."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from agentcore_new.errors import CannotUpdate, WriteFailed
from agentcore_new.updating import journal, worktree
from agentcore_new.updating.folder import WORK
from agentcore_new.updating.planning import Change
from agentcore_new.updating.report import Status
from agentcore_new.updating.update import update
from updating.projects import (
    RECORD,
    brought,
    commit_all,
    edit,
    files,
    git,
    made,
    state,
    undo,
    unmerged,
    with_markers,
)
from updating.test_refused import IDENTITY, KNOWN

KILLED = Path(__file__).with_name("killed.py")


class Killed(BaseException):
    """As far as a test can be killed and go on."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> "Kill":
    return Kill(monkeypatch)


class Kill:
    """Ends an update before a rename, without anything that a handler would do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def before(self, number: int, project: Path, **given: object) -> bool:
        """Update, and return whether it was killed before its rename of that number."""
        left = number
        rename = os.rename

        def counted(*paths: object, **folders: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            rename(*paths, **folders)  # type: ignore[arg-type]

        with self._monkeypatch.context() as patch:
            patch.setattr(os, "rename", counted)
            # what a handler would tidy up
            patch.setattr("shutil.rmtree", lambda *_, **__: None)
            try:
                update(project, given, known=KNOWN)  # type: ignore[arg-type]
            except Killed:
                return True
        return False


def conflicting(folder: Path) -> Path:
    """A project in which one file is to be resolved, three are replaced, added and removed."""
    project = made(folder, KNOWN, container=True)
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    edit(project, "agent.py", "You are", "You be")
    commit_all(project)
    return project


ASKED = {"container": False, "stream": True}


def everything(project: Path) -> dict[str, set[bytes]]:
    """Each text that there is of a file, wherever an update has it."""
    found: dict[str, set[bytes]] = {}
    for path, data in files(project).items():
        name = path.removeprefix(f"{WORK}/old/").removeprefix(f"{WORK}/new/")
        found.setdefault(name, set()).add(data)
    return found


@pytest.mark.real
def test_before_each_rename(tmp_path: Path, kill: Kill) -> None:
    reference = conflicting(tmp_path / "reference")
    assert brought(reference, KNOWN, **ASKED).report.exit_code == 3
    wanted, stages = files(reference), unmerged(reference)
    assert with_markers(wanted) == {IDENTITY}
    for number in count():
        project = conflicting(tmp_path / str(number))
        before = files(project)
        if not kill.before(number, project, **ASKED):
            break
        there = everything(project)
        assert all(data in there[path] for path, data in before.items())
        begun = (project / WORK / journal.JOURNAL).exists()
        done = brought(project, KNOWN, **ASKED).report
        assert done.status is (Status.COMPLETED if begun else Status.UPDATED)
        assert dict(done.to_resolve) == {IDENTITY: "same-lines"}
        assert done.exit_code == 3
        assert files(project) == wanted
        assert unmerged(project) == stages
        undo(project)
        assert files(project) == before
    assert number > 10


def test_killed_while_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = conflicting(tmp_path / "p")
    before = state(project)
    stage = worktree.stage
    for late in (False, True):

        def told(*arguments: object, late: bool = late) -> None:
            if late:
                stage(*arguments)  # type: ignore[arg-type]
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(worktree, "stage", told)
            with pytest.raises(Killed):
                brought(project, KNOWN, **ASKED)
    assert brought(project, KNOWN, **ASKED).report.status is Status.COMPLETED
    assert unmerged(project) == {IDENTITY: {"1", "2", "3"}}
    assert not (project / WORK).exists()
    undo(project)
    assert state(project) == before


def test_the_record_is_the_last_that_changes(tmp_path: Path, kill: Kill) -> None:
    """Whoever reads it sees the version of which all files are there."""
    for number in range(3, 9):
        project = conflicting(tmp_path / str(number))
        assert kill.before(number, project, **ASKED)
        step = journal.found(project)
        assert step
        assert step.steps[-1].path == RECORD
        assert f"{WORK}/new/{RECORD}" in files(project)


def test_a_preview_says_that_an_update_was_interrupted(tmp_path: Path, kill: Kill) -> None:
    project = conflicting(tmp_path / "p")
    assert kill.before(4, project)
    before = state(project)
    with pytest.raises(CannotUpdate, match="was interrupted"):
        update(project, {}, preview=True, known=KNOWN)
    assert state(project) == before


def test_who_asks_for_something_else_is_told_when_it_is_complete(
    tmp_path: Path, kill: Kill
) -> None:
    project = conflicting(tmp_path / "p")
    assert kill.before(4, project)
    with pytest.raises(CannotUpdate, match="interrupted is complete now; this is another"):
        brought(project, KNOWN, stream=True)
    assert with_markers(files(project)) == {IDENTITY}
    assert not (project / WORK).exists()


@pytest.mark.parametrize("mine", [b"mine\n", None])
def test_a_file_that_changes_before_the_rerun_stays_as_it_is(
    tmp_path: Path, kill: Kill, mine: bytes | None
) -> None:
    project = conflicting(tmp_path / "p")
    before = files(project)
    assert kill.before(5, project, **ASKED)
    done = [path for path, data in files(project).items() if before.get(path) not in (data, None)]
    assert done
    if mine is None:
        git(project, "restore", "-W", ".")  # the owner gets the files back
    else:
        (project / done[0]).write_bytes(mine)
    with pytest.raises(CannotUpdate, match="changed while the project was being updated"):
        brought(project, KNOWN, **ASKED)
    left = files(project)
    kept = {path for path in left if path.startswith(f"{WORK}.kept/")}
    if mine is None:
        assert left == before
        assert brought(project, KNOWN, **ASKED).report.exit_code == 3
    else:
        assert {path: data for path, data in left.items() if path not in kept} == {
            **before, done[0]: mine,
        }  # fmt: skip
        assert left[f"{WORK}.kept/old/{done[0]}"] == before[done[0]]


def test_what_is_left_of_an_update_that_is_complete_goes(tmp_path: Path) -> None:
    project = conflicting(tmp_path / "p")
    (project / f"{WORK}.done" / "old").mkdir(parents=True)
    (project / WORK / "new").mkdir(parents=True)
    brought(project, KNOWN)
    assert not [path for path in files(project) if path.startswith(WORK)]


@pytest.mark.parametrize("number", range(5))
def test_a_disk_that_refuses_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    project = conflicting(tmp_path / "p")
    before = state(project)
    left = number
    rename = os.rename

    def refuses(*paths: object, **folders: object) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise OSError(28, "No space left on device")
        rename(*paths, **folders)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuses)
        with pytest.raises(WriteFailed, match="No space left on device"):
            brought(project, KNOWN)
    assert state(project) == before


def test_a_disk_that_refuses_to_tidy_up_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = conflicting(tmp_path / "p")
    rename = os.rename

    def refuses(source: object, to: object, **folders: object) -> None:
        if str(to).endswith(".done"):
            raise OSError(13, "Permission denied")
        rename(source, to, **folders)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuses)
        with pytest.raises(WriteFailed, match="could not be removed"):
            brought(project, KNOWN)
    assert brought(project, KNOWN).report.status is Status.COMPLETED
    assert not (project / WORK).exists()


@pytest.mark.parametrize("what", ["changed", "gone", "came", "link"])
def test_what_changes_between_plan_and_write_is_not_lost(tmp_path: Path, what: str) -> None:
    project = tmp_path
    (project / "a.txt").write_text("a")
    (project / "b.txt").write_text("b")
    (project / "folder").mkdir()
    changes = [
        Change("a.txt", b"a", b"A"),
        Change("folder/new.txt", None, b"new"),
        Change("b.txt", b"b", b"B"),
    ]
    prepared = journal.prepare(project, changes, {})
    if what == "changed":
        (project / "b.txt").write_text("mine")
    elif what == "gone":
        (project / "b.txt").unlink()
    elif what == "came":
        (project / "folder/new.txt").write_text("mine")
    else:
        (project / "folder").rmdir()
        (project / "elsewhere").mkdir()
        (project / "folder").symlink_to("elsewhere")
    before = {path: data for path, data in files(project).items() if not path.startswith(WORK)}
    with pytest.raises((CannotUpdate, WriteFailed)):
        journal.complete(project, prepared, lambda: None)
    assert files(project) == before


@pytest.mark.real
def test_killed_by_the_system_at_any_moment(tmp_path: Path) -> None:
    """The command itself, on a project of the first release, which changes in 30 files."""

    def run(number: int, project: Path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(KILLED), str(number), "update", str(project), "--stream"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def begun(name: str) -> Path:
        project = made(tmp_path / name, KNOWN, "0.1.0")
        edit(project, "main.py", "You are", "You be")
        commit_all(project)
        return project

    reference = begun("reference")
    assert run(9_999, reference).returncode == 3
    wanted, stages = files(reference), unmerged(reference)
    for number in count():
        project = begun(str(number))
        before = files(project)
        done = run(number, project)
        if done.returncode != -signal.SIGKILL:
            break
        there = everything(project)
        assert all(data in there[path] for path, data in before.items())
        again = run(9_999, project)
        assert again.returncode == 3, again.stderr
        assert (files(project), unmerged(project)) == (wanted, stages)
    assert number > 40
