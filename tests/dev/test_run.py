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

import agentcore_new
from agentcore_new.dev.logs import make_folder
from agentcore_new.dev.project import Project
from agentcore_new.dev.run import KEEPS_TRACES, OTLP, Settings, environment
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
    path = os.pathsep.join([str(hidden), str(Path(agentcore_new.__file__).parents[1])])
    line = refused(quick_agent(tmp_path / "agent"), PYTHONPATH=path)
    assert line.endswith("They are in an extra: pip install 'agentcore-new[dev]'")


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refused(quick_agent(tmp_path / "agent"), XDG_CACHE_HOME=str(tmp_path / "file"))
    assert line.startswith("Error: The folder for logs cannot be made: ")


def grown(running: Dev, sessions: int = 3) -> list[psutil.Process]:
    """Have some sessions, and return all processes: the host, the machines, one to spare."""
    for _ in range(sessions):
        running.ask("hello", new_session())
    running.wait("machine-ready", sessions + 1)
    started = running.processes()
    assert len(started) == sessions + 2
    return started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_ends_all_that_it_has_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        started = grown(running)
        assert running.end(number) == 0
        assert alive(started) == []


def test_when_it_is_killed_nothing_outlives_it(tmp_path: Path) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        started = grown(running)
        running.end(signal.SIGKILL)
        until(lambda: not alive(started), "the last process")


def test_agents_that_do_not_end_are_killed_when_it_is_told_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "stubborn").touch()
    with dev(quick_agent(tmp_path / "agent"), home=home) as running:
        started = grown(running, 1)
        begun = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        running.wait("stopping")
        assert running.end(signal.SIGINT) == 0
        assert time.monotonic() - begun < 14  # AgentCore gives them 15 seconds
        assert alive(started) == []


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8])
def test_told_to_stop_at_any_moment_of_its_start_it_leaves_nothing(
    tmp_path: Path, moment: float
) -> None:
    mark = str(tmp_path)
    process = subprocess.Popen(
        command(quick_agent(tmp_path / "agent")),
        env={**os.environ, "HOME": mark, "QUICK_HOME": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert "agentcore_new/dev/" not in errors  # before, it is Python itself that is interrupted
    assert process.returncode in (0, 1, 130, -signal.SIGINT)  # 1: before Python had begun
    assert of_this_test(mark) == []


def of_this_test(mark: str) -> list[psutil.Process]:
    """Those that have the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("QUICK_HOME") == mark and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_logs_of_runs_that_have_ended_do_not_pile_up(tmp_path: Path) -> None:
    agent, home = quick_agent(tmp_path / "agent"), tmp_path / "home"
    for _ in range(2):
        with dev(agent, home=home) as running:
            running.ask("hello", new_session())
    (of_agent,) = (home / ".cache/agentcore-new/dev").iterdir()
    assert len([*of_agent.iterdir()]) == 1


def test_logs_of_another_run_that_goes_on_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ours = make_folder(tmp_path / "agent")
    other = ours.with_name(str(os.getppid()))
    other.mkdir()
    assert make_folder(tmp_path / "agent") == ours
    assert other.exists()


@pytest.mark.parametrize("name", [None, *KEEPS_TRACES])
def test_traces_go_to_the_page_unless_somebody_else_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    for each in KEEPS_TRACES:
        monkeypatch.delenv(each, raising=False)
    if name:
        monkeypatch.setenv(name, "http://127.0.0.1:4318")
    project = Project(tmp_path, Path(sys.executable), actions=False, traces=True)
    given = environment(project, Settings(tmp_path), "http://127.0.0.1:8000")
    told = {each: given[each] for each in KEEPS_TRACES if each in given}
    assert told == ({name: "http://127.0.0.1:4318"} if name else {OTLP: "http://127.0.0.1:8000"})


@pytest.mark.parametrize(
    ("line", "is_theirs"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", True),
        ("export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = 'http://127.0.0.1:4318'", True),
        ("# OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", False),
        ("OTEL_EXPORTER_OTLP_ENDPOINT=", False),
        ("MY_OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", False),
    ],
)
def test_or_the_projects_own_settings_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, *, is_theirs: bool
) -> None:
    for each in KEEPS_TRACES:
        monkeypatch.delenv(each, raising=False)
    (tmp_path / ".env").write_text(f"AGENT=1\n{line}\nMODEL=x\n")
    project = Project(tmp_path, Path(sys.executable), actions=False, traces=True)
    given = environment(project, Settings(tmp_path), "http://127.0.0.1:8000")
    assert (OTLP not in given) == is_theirs


def test_all_sessions_in_one_process(tmp_path: Path) -> None:
    agent = quick_agent(tmp_path / "agent")
    with dev(agent, "--one-process", home=tmp_path / "home") as running:
        texts = [running.ask("hello", new_session()).json["result"] for _ in range(3)]
        assert len({text.split()[3] for text in texts}) == 1
        assert len(running.processes()) == 2


def test_idle_machines_are_taken_after_so_many_seconds(tmp_path: Path) -> None:
    agent = quick_agent(tmp_path / "agent")
    with dev(agent, "--idle-seconds", "1", home=tmp_path / "home") as running:
        session = new_session()
        running.ask("hello", session)
        ended = running.wait("machine-ended")
        assert (ended["session"], ended["why"]) == (session, "It was idle for 1 s.")
        assert running.ask("hello", session).json["result"].startswith("turn 1 ")


def test_a_machine_is_stopped_killed_and_started_anew_by_hand(tmp_path: Path) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        session = new_session()
        for how, why in (("stop", "It was stopped by hand."), ("kill", "It was killed by hand.")):
            running.ask("hello", session)
            number = running.machine_of(session)
            running.api("POST", f"machines/{number}/{how}", {})
            assert running.wait("machine-ended", machine=number)["why"] == why
            log = running.api("GET", f"machines/{number}/log")["text"]
            assert ("told to stop" in log) == (how == "stop")
        running.ask("hello", session)
        before = {each.pid for each in running.processes()}
        running.api("POST", "machines/restart", {})
        until(lambda: not before & {each.pid for each in running.processes()}, "their end")
        assert running.ask("hello", session).json["result"].startswith("turn 1 ")


def test_an_environment_that_is_made_anew_is_told_while_it_is_gone(tmp_path: Path) -> None:
    folder = quick_agent(tmp_path / "agent")
    with dev(folder, home=tmp_path / "home") as running:
        session = new_session()
        running.ask("hello", session)
        environment = (folder / ".venv").readlink()
        (folder / ".venv").unlink()
        assert running.ask("hello", session).status == 200  # what runs goes on
        running.api("POST", "machines/restart", {})
        failed = running.wait("machine-failed")
        assert failed["why"].endswith(
            ".venv/bin/python cannot be started: No such file or directory."
        )
        assert failed["hint"] == "Create the project's environment, as its README says."
        assert running.ask("hello", session).json["message"] == failed["why"]
        (folder / ".venv").symlink_to(environment)
        running.api("POST", "machines/restart", {})
        running.wait("healed")
        assert running.ask("hello", session).json["result"].startswith("turn 1 ")


def test_an_agent_that_dies_without_a_folder_for_its_log_is_told_as_well(tmp_path: Path) -> None:
    folder = quick_agent(tmp_path / "agent")
    (folder / "main.py").write_text(
        "import shutil, sys\n"
        "from pathlib import Path\n"
        'shutil.rmtree(Path.home() / ".cache/agentcore-new")\n'
        "sys.exit(3)\n"
    )
    with dev(folder, home=tmp_path / "home") as running:
        failed = running.wait("machine-failed")
        assert failed["why"] == "The agent's process ended with exit code 3 at its start."


def test_when_what_starts_the_machines_is_lost_all_starts_anew(tmp_path: Path) -> None:
    with dev(quick_agent(tmp_path / "agent"), home=tmp_path / "home") as running:
        session = new_session()
        running.ask("hello", session)
        before = running.processes()
        (host,) = psutil.Process(running.process.pid).children()
        host.kill()
        until(lambda: not alive(before), "the end of what it had started")
        until(lambda: running.ask("hello", session).status == 200, "an answer")
