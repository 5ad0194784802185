"""The command as a whole: it says plainly what is wrong, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.running import SECONDS, Dev, alive, command, dev, new_session, quick_agent, until


def refused(folder: Path, *words: str, **environment: str) -> str:
    """What is said of a command that cannot serve; it is one line, and not the code's fault."""
    done = subprocess.run(
        [*command(folder), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def test_a_port_that_somebody_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(quick_agent(tmp_path / "agent"), "--port", str(port))
    expected = f"Error: Port {port} cannot be used: Address already in use. Give another one"
    assert line == f"{expected} with --port."


def test_a_folder_without_an_agent(tmp_path: Path) -> None:
    assert "no main.py" in refused(tmp_path)


def test_without_the_extra_a_line_says_how_to_get_it(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['aiohttp'] = None\n")
    line = refused(quick_agent(tmp_path / "agent"), PYTHONPATH=str(hidden))
    assert line.endswith("They are in an extra: pip install 'agentcore-new[dev]'")


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refused(quick_agent(tmp_path / "agent"), XDG_CACHE_HOME=str(tmp_path / "file"))
    assert line.startswith("Error: The folder for logs cannot be made: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_ends_all_that_it_has_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        for _ in range(3):
            running.ask("hello", new_session())
        started = running.processes()
        assert len(started) >= 5  # the host, three machines and one to spare
        running.process.send_signal(number)
        assert running.process.wait(SECONDS) == 0
        assert alive(started) == []
        running.process.returncode = None  # type: ignore[assignment]
        running.process.poll = lambda: None  # type: ignore[method-assign]
        raise_if_alive(started)
        return


def raise_if_alive(started: list[psutil.Process]) -> None:
    assert alive(started) == []
