"""Changes of a project's own files: which are told, how soon, and which are not."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from agentcore_new.dev import watching
from agentcore_new.dev.files import Files
from agentcore_new.dev.watching import changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "agent"
    (folder / "prompts").mkdir(parents=True)
    (folder / "main.py").write_text("1\n")
    (folder / "prompts/system.txt").write_text("Be kind.\n")
    return folder


Changes = AsyncGenerator[list[Path], None]


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Changes]:
    """What is told, by the system's watch: it is at work already."""
    async with aclosing(changes(folder)) as told:
        (folder / "main.py").write_text("# the first change\n")
        assert await anext(told) == [folder / "main.py"]
        yield told


async def next_of(told: Changes, folder: Path) -> list[str]:
    """The next that is told, by their paths below the folder."""
    return [path.relative_to(folder).as_posix() for path in await anext(told)]


async def all_of(told: Changes, folder: Path, last: str) -> list[str]:
    """Those of all that are told until this one is."""
    found = await next_of(told, folder)
    while last not in found:
        found += await next_of(told, folder)
    return found


OWN = [
    ".env",
    ".env.local",
    "pyproject.toml",
    "prompts/system.md",
    "data.json",
    "a/b.YAML",
    "x.jinja",
]
OTHERS = [
    *(".venv/lib/a.py", "other/pyvenv.cfg", "other/lib/b.py", ".cache/a.json", ".git/index.json"),
    *("__pycache__/main.py", "node_modules/a/package.json", "build/a.py", "dist/b.py"),
    *("sessions.db", "sessions.sqlite3", "sessions.db-wal", "a.sqlite-journal", "agent.log"),
    *(".main.py.swp", "main.py~", "#main.py#", ".#main.py", "main.py.bak", "4913"),
    *("main.cpython-311.pyc", "picture.png", "events.jsonl", ".env.example", "tests/test_agent.py"),
    *("a.egg-info/top_level.txt", "README.md", "site-packages/a.py"),
]


def test_what_may_change_how_it_runs_is_looked_at(folder: Path) -> None:
    for name in [*OWN, *OTHERS]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    look = Files(folder).look()
    found = {Path(path).relative_to(folder).as_posix() for path in look.files}
    assert found == {"main.py", "prompts/system.txt", *OWN}
    below = {Path(path).relative_to(folder).as_posix() for path in look.folders}
    assert below == {".", "prompts", "a"}


async def test_each_way_to_change_a_file(folder: Path) -> None:
    async with watched(folder) as told:
        (folder / "new.py").write_text("")
        assert await next_of(told, folder) == ["new.py"]
        (folder / "new.py").rename(folder / "prompts/moved.py")
        assert await next_of(told, folder) == ["new.py", "prompts/moved.py"]
        (folder / "prompts/moved.py").unlink()
        assert await next_of(told, folder) == ["prompts/moved.py"]
        # as editors save: another file takes its name, or the old one is put aside
        (folder / ".main.py.tmp").write_text("2\n")
        (folder / ".main.py.tmp").replace(folder / "main.py")
        assert await next_of(told, folder) == ["main.py"]
        (folder / "main.py").rename(folder / "main.py~")
        (folder / "main.py").write_text("3\n")
        assert await next_of(told, folder) == ["main.py"]
        (folder / ".env").write_text("A=1\n")
        assert await next_of(told, folder) == [".env"]


@pytest.mark.parametrize("is_emptied", [False, True])
async def test_a_file_that_is_half_way_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_emptied: bool
) -> None:
    monkeypatch.setattr(watching, "HALF_WAY_SECONDS", 0.5)
    async with watched(folder) as told:
        task = asyncio.ensure_future(next_of(told, folder))
        file = folder / "prompts/system.txt"
        if is_emptied:
            file.write_text("")
        else:
            file.unlink()
        await asyncio.sleep(0.15)  # longer than the watch waits for more
        assert not task.done()
        file.write_text("Be kind once more.\n")
        assert await task == ["prompts/system.txt"]
        (folder / "main.py").write_text("2\n")
        assert await next_of(told, folder) == ["main.py"]


async def test_a_burst_is_not_told_file_by_file(folder: Path) -> None:
    async with watched(folder) as told:
        for number in range(100):
            (folder / f"prompts/{number:02}.md").write_text("x")
            (folder / "main.py").write_text(f"{number}\n")
        tellings = 1
        found = await next_of(told, folder)
        while "prompts/99.md" not in found:
            found += await next_of(told, folder)
            tellings += 1
        assert {*found} == {"main.py", *(f"prompts/{number:02}.md" for number in range(100))}
        assert tellings < 10


async def test_folders_that_come_to_be_are_watched_too(folder: Path) -> None:
    async with watched(folder) as told:
        (folder / "one/two").mkdir(parents=True)
        (folder / "one/two/a.py").write_text("")
        assert await next_of(told, folder) == ["one/two/a.py"]
        (folder / "one/two/b.py").write_text("")
        assert await next_of(told, folder) == ["one/two/b.py"]
        (folder / "one").rename(folder / "three")
        moved = ["a.py", "b.py"]
        assert await next_of(told, folder) == [
            f"{each}/two/{name}" for each in ("one", "three") for name in moved
        ]
        (folder / "three/two/a.py").write_text("1\n")
        assert await next_of(told, folder) == ["three/two/a.py"]
        shutil.rmtree(folder / "three")
        assert await next_of(told, folder) == ["three/two/a.py", "three/two/b.py"]


async def test_what_an_agent_writes_itself_is_not_told(folder: Path) -> None:
    async with watched(folder) as told:
        for name in OTHERS:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
        (folder / "last.py").write_text("")
        found = await all_of(told, folder, "last.py")
        # who makes an environment makes its mark first; whatever was there before was told
        assert set(found) - {"other/lib/b.py"} == {"last.py"}


async def test_what_git_ignores_is_not_told_but_settings_are(folder: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    (folder / ".gitignore").write_text(".env\nout/\n*.local.json\nkept.txt\n")
    (folder / "kept.txt").write_text("x")
    git("init")
    git("add", "--force", "kept.txt", "main.py")
    async with watched(folder) as told:
        (folder / "out").mkdir()
        (folder / "out/result.json").write_text("x")
        (folder / "a.local.json").write_text("x")
        (folder / "kept.txt").write_text("xy")
        (folder / ".env").write_text("A=1\n")
        (folder / "z.txt").write_text("x")
        assert sorted(await all_of(told, folder, "z.txt")) == [".env", "kept.txt", "z.txt"]
        (folder / ".gitignore").write_text("b.json\n")
        assert await next_of(told, folder) == ["a.local.json", "out/result.json"]
        (folder / "b.json").write_text("x")
        (folder / "c.json").write_text("x")
        assert await all_of(told, folder, "c.json") == ["c.json"]


def test_a_project_that_git_ignores_as_a_whole_has_files(folder: Path) -> None:
    (folder.parent / ".gitignore").write_text("agent/\n")
    subprocess.run(["git", "init"], cwd=folder.parent, check=True, capture_output=True)
    assert str(folder / "main.py") in Files(folder).look().files


async def test_it_stops_and_can_be_left_at_any_moment(folder: Path) -> None:
    stop = asyncio.Event()
    told = changes(folder, stop)
    task = asyncio.ensure_future(anext(told, None))
    await asyncio.sleep(0.05)
    stop.set()
    assert await task is None
    for wait in (0, 0.001, 0.05):
        told = changes(folder)
        task = asyncio.ensure_future(anext(told, None))
        await asyncio.sleep(wait)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await told.aclose()


async def test_a_folder_that_goes_and_comes_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.02)
    async with watched(folder) as told:
        folder.rename(folder.with_name("aside"))
        assert await next_of(told, folder) == ["main.py", "prompts/system.txt"]
        folder.with_name("aside").rename(folder)
        assert await next_of(told, folder) == ["main.py", "prompts/system.txt"]
        (folder / "main.py").write_text("back\n")
        assert await next_of(told, folder) == ["main.py"]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_where_the_system_does_not_watch_it_is_looked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(watching, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(watching, "RustNotify", refuse)
    if by_hand:
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    said: list[str] = []
    async with aclosing(changes(folder, tell=said.append)) as told:
        for number in range(3):
            (folder / f"prompts/{number}.md").write_text("x")
            assert await next_of(told, folder) == [f"prompts/{number}.md"]
    line = "Changes of files are looked for every half second: OS file watch limit reached."
    assert said == ([] if by_hand else [line])


async def test_an_environment_of_many_files_costs_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def within(path: str | Path) -> int:
        listed.append(str(path))
        return scandir(path)  # type: ignore[return-value]

    for number in range(20):
        (folder / f".venv/lib/{number}").mkdir(parents=True)
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", within)
    async with watched(folder):
        assert set(listed) == {str(folder), str(folder / "prompts")}
