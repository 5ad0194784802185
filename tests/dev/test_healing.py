"""What is broken for a while: it is said, nothing spins, and once it is mended all goes on."""

import shutil
import signal
import time
import venv
from pathlib import Path

import psutil
import pytest

from dev.running import Dev, dev, new_session, quick_agent, until


def with_package(tmp_path: Path, source: str) -> tuple[Path, Path]:
    """An agent, and the package in its environment that it imports first."""
    folder = quick_agent(tmp_path / "agent")
    (folder / ".venv").unlink()
    venv.create(folder / ".venv", symlinks=True)
    (installed,) = (folder / ".venv").glob("lib/python*/site-packages")
    package = installed / "a_package.py"
    package.write_text(source)
    main = folder / "main.py"
    main.write_text(main.read_text().replace("import json\n", "import a_package\nimport json\n"))
    return folder, package


def touch(file: Path) -> None:
    file.write_text(file.read_text() + "\n")


def host_of(running: Dev) -> psutil.Process:
    (host,) = psutil.Process(running.process.pid).children()
    return host


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGINT, signal.SIGINT]], ids=len)
def test_told_to_stop_it_waits_for_no_slow_import(tmp_path: Path, signals: list[int]) -> None:
    mark = tmp_path / "begun"
    slow = f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(30)\n"
    folder, _ = with_package(tmp_path, slow)
    with dev(folder, home=tmp_path / "home") as running:
        running.wait("machine-starting")
        until(mark.exists)
        begun = time.monotonic()
        assert running.end(*signals) == 0
        assert time.monotonic() - begun < 10


def test_a_package_that_ends_the_process_is_not_imported_again_and_again(tmp_path: Path) -> None:
    folder, package = with_package(tmp_path, "import os\nos._exit(3)\n")
    with dev(folder, home=tmp_path / "home") as running:
        failed = running.wait("machine-failed")
        assert failed["why"] == "The process that starts the agent has ended."
        assert running.ask("hello", new_session()).status == 424
        running.wait("turn-ended")  # what was told until then is read
        started = len(running.all("machine-starting"))
        time.sleep(1)
        assert len(running.all("machine-starting")) == started
        package.write_text("")
        touch(folder / "main.py")
        session = new_session()
        until(lambda: running.ask("hello", session).status == 200)


def test_what_starts_the_machines_may_be_lost_after_it_was_started_anew(tmp_path: Path) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        running.wait("machine-ready")
        before = host_of(running)
        running.api("POST", "machines/restart", {})
        running.wait("machine-ready", 2)
        until(lambda: not before.is_running())
        host_of(running).kill()
        running.wait("machine-ready", 3)
        assert running.ask("hello", new_session()).status == 200


def test_a_project_that_goes_and_comes_back(tmp_path: Path) -> None:
    folder = quick_agent(tmp_path / "agent")
    with dev(folder, home=tmp_path / "home") as running:
        session = new_session()
        running.ask("hello", session)
        shutil.move(folder, tmp_path / "elsewhere")
        until(lambda: running.ask("hello", new_session()).status == 424)
        shutil.move(tmp_path / "elsewhere", folder)
        until(lambda: running.ask("hello", new_session()).status == 200)


def test_a_change_does_not_wait_for_code_that_does_not_come_up(tmp_path: Path) -> None:
    folder = quick_agent(tmp_path / "agent")
    main = folder / "main.py"
    good, mark = main.read_text(), tmp_path / "begun"
    with dev(folder, home=tmp_path / "home") as running:
        running.wait("machine-ready")
        main.write_text(
            f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(25)\n"
        )
        until(mark.exists)
        begun = time.monotonic()
        main.write_text(good + "\n")
        running.wait("reloaded")
        assert time.monotonic() - begun < 10


def test_a_long_line_that_is_no_python_is_told_in_part(tmp_path: Path) -> None:
    folder = quick_agent(tmp_path / "agent")
    with dev(folder, home=tmp_path / "home") as running:
        running.wait("machine-ready")
        (folder / "data.py").write_text(f"x = ({'1, ' * 1_000_000}")
        told = running.wait("syntax-error")
        assert (told["file"], len(told["text"])) == ("data.py", 500)
        (folder / "data.py").write_text("x = 1\n")
        running.wait("reloaded")
