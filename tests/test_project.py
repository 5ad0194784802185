import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore_new import project
from agentcore_new.errors import Error, TargetInTheWay, UnsafeTarget, WriteFailed

FILES = {"main.py": "new\n", "model/load.py": "new\n", "tests/deep/test_x.py": "new\n"}


def snapshot(folder: Path) -> dict[str, str]:
    """Return everything below `folder`: the text of files, the targets of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = path.read_text() if path.is_file() else "/"
    return found


def write(
    target: Path, *, force: bool = False, prepare: Callable[[Path], None] | None = None
) -> None:
    plan = project.plan(target, FILES, force=force)
    project.write(plan, prepare or (lambda _folder: None))


def test_a_new_project_has_exactly_its_files(tmp_path: Path) -> None:
    write(tmp_path / "new")
    made = snapshot(tmp_path / "new")
    assert {path: text for path, text in made.items() if text != "/"} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_missing_folders_above_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a/b/new")
    assert (tmp_path / "a/b/new/main.py").read_text() == "new\n"


def test_a_new_project_is_as_readable_as_any_folder(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_empty_folder_is_filled_and_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir(mode=0o750)
    write(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o750
    assert (tmp_path / "new/main.py").exists()


def test_a_plan_touches_nothing(tmp_path: Path) -> None:
    assert project.plan(tmp_path / "a/new", FILES).files == FILES
    assert snapshot(tmp_path) == {}


# What stands in the way.


def occupied(folder: Path) -> Path:
    """Make a project that somebody has worked in."""
    (folder / "model").mkdir(parents=True)
    (folder / "main.py").write_text("old\n")
    (folder / "notes.txt").write_text("mine\n")
    (folder / "model/mine.py").write_text("mine\n")
    return folder


def test_a_folder_with_files_is_refused_by_their_names(tmp_path: Path) -> None:
    before = snapshot(occupied(tmp_path / "new"))
    with pytest.raises(TargetInTheWay) as refusal:
        write(tmp_path / "new")
    assert "main.py, model/, notes.txt" in refusal.value.message
    assert "replaces main.py and touches nothing else" in refusal.value.hint
    assert refusal.value.details["files"] == ["main.py", "model/", "notes.txt"]
    assert snapshot(tmp_path / "new") == before


def test_a_long_list_is_cut_in_the_text_alone(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"file{number:02}").touch()
    with pytest.raises(TargetInTheWay, match="file07 and 4 more") as refusal:
        write(tmp_path)
    assert refusal.value.details["files"] == [f"file{number:02}" for number in range(12)]


def test_force_replaces_generated_files_alone(tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    plan = project.plan(target, FILES, force=True)
    assert plan.replaced == ("main.py",)
    project.write(plan)
    assert snapshot(target) == {
        "main.py": "new\n",
        "model": "/",
        "model/load.py": "new\n",
        "model/mine.py": "mine\n",
        "notes.txt": "mine\n",
        "tests": "/",
        "tests/deep": "/",
        "tests/deep/test_x.py": "new\n",
    }


def test_force_does_not_write_through_a_hard_link(tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    os.link(target / "main.py", tmp_path / "elsewhere.py")
    write(target, force=True)
    assert (tmp_path / "elsewhere.py").read_text() == "old\n"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("mine\n")
    for force in (False, True):
        with pytest.raises(TargetInTheWay, match="is not a folder"):
            write(tmp_path / "new", force=force)
    assert snapshot(tmp_path) == {"new": "mine\n"}


def test_a_file_above_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine\n")
    with pytest.raises(WriteFailed, match="file is not a folder"):
        write(tmp_path / "file/new")
    assert snapshot(tmp_path) == {"file": "mine\n"}


@pytest.mark.parametrize(("path", "make"), [("main.py", Path.mkdir), ("tests", Path.touch)])
def test_force_does_not_replace_folders_by_files_or_files_by_folders(
    path: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / path)
    before = snapshot(tmp_path)
    with pytest.raises(TargetInTheWay, match=f"something else .*: {path}"):
        write(tmp_path, force=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("leads_to", ["outside", "new/inside", "nowhere"])
@pytest.mark.parametrize("link", ["main.py", "tests", "tests/deep", "model/load.py"])
def test_links_in_the_target_are_never_followed(link: str, leads_to: str, tmp_path: Path) -> None:
    target = tmp_path / "new"
    for folder in (target / link).parent, tmp_path / "outside", target / "inside":
        folder.mkdir(parents=True, exist_ok=True)
    (target / link).symlink_to(tmp_path / leads_to)
    before = snapshot(tmp_path)
    with pytest.raises(UnsafeTarget) as refusal:
        write(target, force=True)
    assert refusal.value.details["links"] == [link]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("leads_to", ["outside", "nowhere"])
def test_a_target_that_is_a_link_is_never_followed(leads_to: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "new").symlink_to(leads_to)
    before = snapshot(tmp_path)
    for force in (False, True):
        with pytest.raises(UnsafeTarget, match="new is a symbolic link"):
            write(tmp_path / "new", force=force)
    assert snapshot(tmp_path) == before


# Whole or not at all.


def test_what_prepare_adds_goes_along_and_its_failure_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "new", prepare=lambda folder: (folder / "extra").touch())
    assert (tmp_path / "new/extra").exists()

    def fail(folder: Path) -> None:
        assert (folder / "main.py").exists()
        raise Error("no")

    before = snapshot(tmp_path)
    with pytest.raises(Error, match="no"):
        write(tmp_path / "a/b/other", prepare=fail)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("signal_like", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("is_there", [False, True])
def test_an_interrupt_leaves_nothing(
    signal_like: type[BaseException], is_there: bool, tmp_path: Path
) -> None:
    if is_there:
        occupied(tmp_path / "a/new")

    def interrupt(_folder: Path) -> None:
        raise signal_like

    before = snapshot(tmp_path)
    with pytest.raises(signal_like):
        write(tmp_path / "a/new", force=True, prepare=interrupt)
    assert snapshot(tmp_path) == before


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from agentcore_new import project
from agentcore_new.errors import WriteFailed
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
plan = project.plan(Path(sys.argv[1]), {"a": "x", "b": "x" * 5000, "c": "x"}, force=True)
try:
    project.write(plan)
except WriteFailed as error:
    sys.exit(f"refused: {error.message}")
"""


@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_nothing(is_there: bool, tmp_path: Path) -> None:
    target = tmp_path / "above/new"
    if is_there:
        target.mkdir(parents=True)
        (target / "a").write_text("mine\n")
    before = snapshot(tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(target)], capture_output=True, text=True, check=False
    )
    assert result.stderr == f"refused: {target} could not be written: File too large.\n"
    assert snapshot(tmp_path) == before


class Ended(BaseException):
    """What a signal makes of the program."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_signal_while_files_move_waits_until_all_have(
    number: signal.Signals, is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_number: int, _frame: object) -> None:
        raise Ended

    if is_there:
        occupied(tmp_path / "new")
    plan = project.plan(tmp_path / "new", FILES, force=True)
    rename = os.rename

    def interrupted(*words: Any, **folders: Any) -> None:
        signal.raise_signal(number)
        rename(*words, **folders)

    monkeypatch.setattr(os, "rename", interrupted)
    before = signal.signal(number, end)
    try:
        with pytest.raises(Ended):
            project.write(plan)
    finally:
        signal.signal(number, before)
    assert {path: (tmp_path / "new" / path).read_text() for path in FILES} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert not list((tmp_path / "new").glob(".new.*"))


def test_a_read_only_folder_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(WriteFailed, match="Read-only file system"):
        write(tmp_path / "new")
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("at", range(4))
def test_a_failure_while_replacing_puts_everything_back(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = occupied(tmp_path / "new")
    before = snapshot(tmp_path)
    plan = project.plan(target, FILES, force=True)
    rename = os.rename
    calls = iter(range(100))

    def failing(*words: Any, **folders: Any) -> None:
        if next(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(*words, **folders)

    # One rename sets the old main.py aside, three bring the new files.
    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(WriteFailed, match="No space left"):
        project.write(plan)
    assert snapshot(tmp_path) == before


def test_a_name_that_is_too_long_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(WriteFailed, match="File name too long"):
        write(tmp_path / ("x" * 300) / "new")


# Several at once.


def test_of_several_at_once_one_wins_and_the_others_are_refused(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def create() -> None:
        try:
            write(tmp_path / "new", prepare=lambda _folder: wait())
            outcomes.append("won")
        except TargetInTheWay:
            outcomes.append("refused")

    def wait() -> None:
        barrier.wait(timeout=10)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "refused", "refused", "won"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new/main.py").read_text() == "new\n"


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_appears_meanwhile_is_not_harmed(kind: str, tmp_path: Path) -> None:
    def appear(_folder: Path) -> None:
        target = tmp_path / "new"
        if kind == "file":
            target.write_text("mine\n")
        elif kind == "link":
            target.symlink_to(tmp_path)
        else:
            target.mkdir()
            (target / "mine").touch()
        appeared.update(snapshot(target.parent))

    appeared: dict[str, str] = {}
    with pytest.raises((TargetInTheWay, UnsafeTarget)):
        write(tmp_path / "new", prepare=appear)
    staged = {path for path in appeared if path.startswith(".")}
    assert snapshot(tmp_path) == {p: t for p, t in appeared.items() if p not in staged}


# What takes the place of a file or folder between check and write.

LINKS = ("main.py", "tests", "tests/deep", "model", "model/load.py")


def swap(path: Path, to: Path) -> None:
    """Put a link where something else was, which is kept beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(path.with_name(f"{path.name}-before"))
    path.symlink_to(to)


def not_staged(folder: Path) -> dict[str, str]:
    return {path: text for path, text in snapshot(folder).items() if "/.new." not in path}


def elsewhere(folder: Path) -> Path:
    """Make a folder of the user's, with files of the names that would be written."""
    for path in FILES:
        for name in (path, path.rpartition("/")[2]):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("precious\n")
    return folder


@pytest.fixture(params=[True, False], ids=["held", "not held"])
def _held_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With folders held open, and without as on Windows."""
    monkeypatch.setattr(project, "HELD_OPEN", request.param and project.HELD_OPEN)


@pytest.mark.usefixtures("_held_open")
@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_comes_after_the_check_is_not_followed(link: str, tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    outside = elsewhere(tmp_path / "outside")
    leads_to = outside / "main.py" if link.endswith(".py") else outside
    found: dict[str, str] = {}

    def come(_folder: Path) -> None:
        swap(target / link, leads_to)
        found.update(not_staged(tmp_path))

    with pytest.raises(UnsafeTarget) as refusal:
        write(target, force=True, prepare=come)
    assert refusal.value.details["links"] == [link]
    assert snapshot(tmp_path) == found


@pytest.mark.usefixtures("_held_open")
@pytest.mark.parametrize("link", [link for link in LINKS if link != "main.py"])
def test_a_link_that_comes_while_files_move_is_not_followed(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = occupied(tmp_path / "new")
    outside = elsewhere(tmp_path / "outside")
    plan = project.plan(target, FILES, force=True)
    rename = os.rename
    moves = iter(range(100))
    found: dict[str, str] = {}

    def before_the_second(*words: Any, **folders: Any) -> None:
        if next(moves) == 1:  # main.py is set aside
            swap(target / link, outside / "main.py" if link.endswith(".py") else outside)
            found.update({**not_staged(tmp_path), "new/main.py": "old\n"})
        rename(*words, **folders)

    monkeypatch.setattr(os, "rename", before_the_second)
    with pytest.raises(UnsafeTarget) as refusal:
        project.write(plan)
    assert refusal.value.details["links"] == [link]
    assert snapshot(tmp_path) == found


def test_a_target_that_becomes_a_link_is_not_written_to(tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    plan = project.plan(target, FILES, force=True)
    swap(target, elsewhere(tmp_path / "outside"))
    before = snapshot(tmp_path)
    prepared: list[Path] = []
    with pytest.raises(UnsafeTarget, match="new is a symbolic link"):
        project.write(plan, prepared.append)
    assert prepared == []
    assert snapshot(tmp_path) == before


def test_a_target_that_becomes_a_link_while_files_move_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = occupied(tmp_path / "new")
    outside = elsewhere(tmp_path / "outside")
    before = snapshot(outside)
    plan = project.plan(target, FILES, force=True)
    rename = os.rename
    moves = iter(range(100))

    def after_the_first(*words: Any, **folders: Any) -> None:
        if next(moves) == 1:
            rename(target, tmp_path / "moved")
            target.symlink_to(outside)
        rename(*words, **folders)

    monkeypatch.setattr(os, "rename", after_the_first)
    project.write(plan)
    assert snapshot(outside) == before
    assert {path: (tmp_path / "moved" / path).read_text() for path in FILES} == FILES


def test_no_folder_is_left_open(tmp_path: Path) -> None:
    def opened() -> int:
        return len([*Path("/dev/fd").iterdir()])

    target = occupied(tmp_path / "new")
    before = opened()
    write(target, force=True)
    assert opened() == before
    with pytest.raises(UnsafeTarget):
        write(target, force=True, prepare=lambda _folder: swap(target / "model", tmp_path))
    assert opened() == before


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_repository_that_comes_meanwhile_is_not_replaced(kind: str, tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    found: dict[str, str] = {}

    def come(folder: Path) -> None:
        (folder / ".git").mkdir()
        (folder / ".git/HEAD").write_text("new\n")
        if kind == "link":
            (target / ".git").symlink_to("nowhere")
        elif kind == "file":
            (target / ".git").write_text("gitdir: mine\n")
        else:
            (target / ".git").mkdir()
            (target / ".git/HEAD").write_text("mine\n")
        found.update(not_staged(tmp_path))

    with pytest.raises(WriteFailed, match="File exists"):
        write(target, force=True, prepare=come)
    assert snapshot(tmp_path) == found


def test_a_folder_in_place_of_a_file_is_not_replaced_either(tmp_path: Path) -> None:
    target = occupied(tmp_path / "new")
    found: dict[str, str] = {}

    def come(_folder: Path) -> None:
        (target / "main.py").unlink()
        (target / "main.py").mkdir()
        (target / "main.py/mine").write_text("mine\n")
        found.update(not_staged(tmp_path))

    with pytest.raises(TargetInTheWay, match="something else"):
        write(target, force=True, prepare=come)
    assert snapshot(tmp_path) == found
