"""However an agent is started it is the same: it reads its settings, and refuses bad ones."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from contract.client import until
from contract.environments import python_of
from contract.projects import ALTERNATING, ONE_EACH, Variant, each
from contract.server import AUDIT, START_SECONDS, free_port, reached_out

pytestmark = pytest.mark.real

# from which folder, and what of Python; {folder} is the project's, {port} a free one
WAYS = {
    "main": ("{folder}", "main.py"),
    "main from elsewhere": ("/", "{folder}/main.py"),
    "uvicorn": ("{folder}", "-m uvicorn main:app --reload --port {port}"),
    "uvicorn from elsewhere": ("/", "-m uvicorn main:app --app-dir {folder} --port {port}"),
}
every_way = pytest.mark.parametrize("way", WAYS)
# what the tests of a way need not try with every framework, whose main.py is the same
WITH_A_STORE = ALTERNATING[:2]
# what each store does not take, and how it says so
WRONG = {
    "sqlite": {"SESSION_TTL_HOURS": "nonsense"},
    "postgres": {"DATABASE_URL": "nonsense"},
}
TOLD = {
    "sqlite": "SESSION_TTL_HOURS must be a number from 1, not 'nonsense'.",
    "postgres": "DATABASE_URL is not valid: write postgresql://user:password@host/database, ",
}
PAYLOAD = {"prompt": "hello"}
HEADERS = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "start"}


@contextmanager
def started(
    way: str, variant: Variant, folder: Path, port: int, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that serves the project in `folder`; at the end, nothing of it is left."""
    here, words = (text.format(folder=folder, port=port) for text in WAYS[way])
    variables = {
        "PATH": os.defpath,
        "HOME": str(folder.parent),
        "PYTHONPATH": str(AUDIT),
        "CONTRACT_AUDIT": str(folder.parent / "audit"),
    }
    with subprocess.Popen(
        [python_of(variant.framework), *words.split()],
        cwd=here,
        env=variables | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def told(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End a process and all that it has started; what it has printed, and written as errors."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    return process.communicate(timeout=30)


@contextmanager
def answering(process: subprocess.Popen[str], port: int) -> Iterator[httpx.Client]:
    """A client of the process, from its first answer on."""
    give_up = time.monotonic() + START_SECONDS
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        while process.poll() is None and time.monotonic() < give_up:
            try:
                client.get("/ping")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                yield client
                return
    raise RuntimeError("\n".join(told(process)))


def offline_project(variant: Variant, folder: Path, **settings: object) -> Path:
    """A project whose .env makes it answer offline, with these settings too."""
    project = variant.write(folder / "project")
    lines = {"AGENT_OFFLINE": 1, **settings}
    (project / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    return project


def settings_are_read(way: str, variant: Variant, folder: Path) -> None:
    """Assert that it answers as .env says, and says so."""
    port = free_port()
    project = offline_project(variant, folder, PORT=port)
    with started(way, variant, project, port) as process:
        with answering(process, port) as client:
            for turn in (1, 2):
                answer = client.post("/invocations", json=PAYLOAD, headers=HEADERS).text
                # of a streamed reply, the number is a delta of its own
                assert f"Offline reply {turn} to" in answer or f'data: " {turn}"' in answer
            # a streamed turn ends just behind its last words
            until(lambda: bool(client.get("/ping").json()["status"] == "Healthy"))
        printed, _ = told(process)
    by = "nswered by the offline model (AGENT_OFFLINE=1)."
    where = f"Serving on http://127.0.0.1:{port}, a" if way.startswith("main") else "A"
    assert printed.startswith(where + by)
    audit = (folder / "audit").read_text().splitlines()
    assert reached_out(audit) == []


@each(ONE_EACH)
@pytest.mark.parametrize("way", ["main from elsewhere", "uvicorn"])
def test_its_settings_are_read(variant: Variant, tmp_path: Path, way: str) -> None:
    settings_are_read(way, variant, tmp_path)


@each(WITH_A_STORE)
@every_way
def test_its_settings_are_read_with_a_transcript(
    variant: Variant, tmp_path: Path, way: str
) -> None:
    settings_are_read(way, variant, tmp_path)


@each(WITH_A_STORE)
@every_way
def test_a_store_that_cannot_be_is_told_in_one_line(
    variant: Variant, tmp_path: Path, way: str
) -> None:
    project, port = offline_project(variant, tmp_path, **WRONG[variant.store]), free_port()
    with started(way, variant, project, port, PORT=str(port)) as process:
        if "--reload" in WAYS[way][1]:  # which waits for a change that mends it
            assert process.stderr is not None
            lines = [process.stderr.readline() for _ in range(4)]
            _, rest = told(process)
            (variable,) = WRONG[variant.store]
            said = [line for line in (*lines, *rest.splitlines()) if variable in line]
            assert "Traceback" not in "".join((*lines, rest))
        else:
            _, errors = process.communicate(timeout=START_SECONDS)
            said = errors.splitlines()
            assert process.returncode == 1
    (line,) = said
    assert line.startswith(TOLD[variant.store])


@each(ONE_EACH)
def test_a_port_in_use_is_told_in_one_line(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("main", variant, project, port, PORT=str(port)) as process:
            printed, errors = process.communicate(timeout=START_SECONDS)
    assert (process.returncode, printed) == (1, "")
    used = f"Port {port} cannot be used: Address already in use. Set PORT to another.\n"
    assert errors == used


@each(ONE_EACH[:1])
@pytest.mark.parametrize("port", ["x", "0", "-1", "65536", "8080.0", " ", "9" * 5_000, "²"])
def test_a_port_that_is_none_is_told_in_one_line(
    variant: Variant, tmp_path: Path, port: str
) -> None:
    project = variant.write(tmp_path / "project")
    with started("main", variant, project, 0, PORT=port) as process:
        printed, errors = process.communicate(timeout=START_SECONDS)
    assert (process.returncode, printed) == (1, "")
    assert errors == f"PORT must be a number from 1 to 65535, not {port!r}.\n"
