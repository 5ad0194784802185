"""The host: agents start as with Python itself, only faster, and none of them is left behind."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from contract.environments import python_of
from contract.otlp import receiving
from contract.projects import TRACED, Variant
from contract.server import free_port

from agentcore_new.dev.hosting import Host
from agentcore_new.dev.project import Project
from agentcore_new.errors import CannotServe
from dev.hosted import (
    GRANDCHILD,
    QUICK,
    SECONDS,
    SERVE,
    environment_in,
    hosted,
    processes_in,
    until,
)

PYTHON = Path(sys.executable)
FRONT = Path(__file__).with_name("front.py")
SESSION = "a-session-id-of-33-characters-or-more"
# What an agent may see of how it was started.
FACTS = """
import json, multiprocessing, os, pickle, signal, sys, threading
from pathlib import Path

class Kept:
    pass

facts = {
    "arguments": sys.argv,
    "all arguments": sys.orig_argv[1:],
    "name": [__name__, __file__, __package__, repr(__spec__), type(__loader__).__name__],
    "of the module": sorted(globals()),
    "is main": sys.modules["__main__"].__dict__ is globals(),
    "pickled": pickle.dumps(Kept()).hex(),
    "path": sys.path,
    "folder": os.getcwd(),
    "signals": [repr(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
    "blocked": repr(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "woken": signal.set_wakeup_fd(-1),
    "threads": [each.name for each in threading.enumerate()],
    "stdin": sys.stdin.read(),
    "leader": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "buffered": sys.stdout.write_through,
    "encoding": [sys.stdout.encoding, sys.stderr.encoding, sys.stderr.errors],
    "descriptors": sorted(int(each.name) for each in Path("/proc/self/fd").iterdir())[:3],
    "environment": {n: v for n, v in os.environ.items() if n not in ("PORT", "PYTHONPATH")},
    "variables": os.environ.get("PYTHONPATH"),
}
print(json.dumps(facts))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of an agent, without one."""
    path = tmp_path / "agent"
    path.mkdir()
    return path


# What it starts is what Python starts.


async def test_it_starts_like_python_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
        monkeypatch.setenv(name, "/somewhere/else")
    monkeypatch.setenv("OF_THE_CALLER", "\udc80 is no UTF-8")
    (folder / "main.py").write_text(FACTS)
    async with hosted(folder, PYTHON) as agent:
        process = await agent.fork(OF_THE_MACHINE="1")
        assert await process.wait() == 0
        forked = json.loads(agent.said())
    own = {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    printed = subprocess.check_output(
        [PYTHON, "main.py"],
        cwd=folder,
        env={**environment, "OF_THE_MACHINE": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert forked == json.loads(printed)


async def test_packages_are_imported_once_and_own_modules_each_time(
    folder: Path, tmp_path: Path
) -> None:
    python, packages = environment_in(folder / ".venv")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (packages / "elsewhere.pth").write_text(f"{elsewhere}\n")  # an editable install
    (packages / "package.py").write_text("import os; print('package', os.getpid())\n")
    (packages / "deep").mkdir()
    (packages / "deep" / "__init__.py").touch()
    (packages / "deep" / "module.py").write_text("import os; print('deep', os.getpid())\n")
    (elsewhere / "edited.py").write_text("import os; print('edited', os.getpid())\n")
    (folder / "own").mkdir()
    (folder / "own" / "__init__.py").write_text("from . import part\nfrom .part import value\n")
    (folder / "own" / "part.py").write_text(
        "import edited, os, package, missing_here\nfrom deep import module\nvalue = 1\n"
        "print('own', os.getpid())\n"
    )
    (folder / "main.py").write_text("try:\n    import own\nexcept ImportError as e: print(e)\n")
    async with hosted(folder, python) as agent:
        first, second = await agent.fork(), await agent.fork()
        await asyncio.gather(first.wait(), second.wait())
        for number, process in enumerate((first, second)):
            said = agent.said(number).splitlines()
            assert said == [f"edited {process.pid}", "No module named 'missing_here'"]
        (folder / "own" / "part.py").write_text("print('another')\nvalue = 1\n")
        assert await (await agent.fork()).wait() == 0
        assert agent.said() == "another\n"
        imported = (agent.logs / "host.log").read_text()
    # by whoever is no process of the agent, whose modules came later
    package, missing, deep = imported.splitlines()
    assert package.removeprefix("package ") == deep.removeprefix("deep ")
    assert missing.startswith("missing_here cannot be imported yet: ModuleNotFoundError(")


async def test_packages_see_what_is_set_up_before_their_import(folder: Path) -> None:
    python, packages = environment_in(folder / ".venv")
    (packages / "dotenv.py").write_text(
        "import os\ndef load_dotenv(file):\n"
        "    name, value = open(file).read().split('=')\n    os.environ[name] = value\n"
    )
    (packages / "package.py").write_text(
        "import os\nprint('imported')\nseen = [os.environ.get(name) for name in 'ABC']\n"
    )
    main = (
        "import os\nfrom dotenv import load_dotenv\nstart = [*map(os.environ.get, 'ABC')]\n"
        "os.environ['A'] = 'a'\nos.environ.setdefault('B', 'b')\nload_dotenv('.env')\n"
        "import package\nprint(start, package.seen)\n"
    )
    (folder / "main.py").write_text(main)
    (folder / ".env").write_text("C=c")
    given = {"B": "of the caller"}
    async with hosted(folder, python, given) as agent:
        assert await (await agent.fork()).wait() == 0
        assert agent.said() == "[None, 'of the caller', None] ['a', 'of the caller', 'c']\n"
        (folder / ".env").write_text("C=changed")
        assert await (await agent.fork()).wait() == 0
        start, seen = "[None, 'of the caller', None]", "['a', 'of the caller', 'changed']"
        assert agent.said() == f"imported\n{start} {seen}\n"


async def test_with_a_package_that_starts_threads_each_process_imports_it(folder: Path) -> None:
    python, packages = environment_in(folder / ".venv")
    (packages / "threads.py").write_text(
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "print('threads of', os.getpid())\n"
    )
    (folder / "main.py").write_text(f"import threads\n{FACTS}")
    async with hosted(folder, python) as agent:
        process = await agent.fork(OF_THE_MACHINE="1")
        assert await process.wait() == 0
        first, second = agent.said().splitlines()
        assert first == f"threads of {process.pid}"
        facts = json.loads(second)
    assert facts["arguments"] == facts["all arguments"] == ["main.py"]
    assert facts["path"][0] == facts["folder"] == str(folder)
    assert facts["is main"]
    assert facts["leader"] == [True, True]
    assert facts["environment"]["OF_THE_MACHINE"] == "1"


async def test_forks_draw_other_numbers(folder: Path) -> None:
    (folder / "main.py").write_text(
        "import random, uuid\nprint(random.random(), uuid.uuid4(), uuid.uuid1())\n"
    )
    async with hosted(folder, PYTHON) as agent:
        first, second = await agent.fork(), await agent.fork()
        assert [await first.wait(), await second.wait()] == [0, 0]
        assert not set(agent.said(0).split()) & set(agent.said(1).split())


async def test_an_agent_that_chooses_its_port_gets_another(folder: Path) -> None:
    (folder / "main.py").write_text(
        "from bedrock_agentcore import BedrockAgentCoreApp\n"
        "app = BedrockAgentCoreApp()\n"
        "@app.entrypoint\n"
        "def invoke(payload):\n"
        "    return {'echo': payload['prompt']}\n"
        "app.run(host='0.0.0.0')\n"
    )
    async with hosted(folder, PYTHON) as agent:
        processes = [await agent.serving(), await agent.serving()]
        for process, port in zip(processes, agent.ports, strict=True):
            assert await ask(port, "hello") == '{"echo": "hello"}'
            listening = psutil.Process(process.pid).net_connections("tcp4")
            assert {each.laddr for each in listening if each.status == psutil.CONN_LISTEN} == {
                ("127.0.0.1", port)
            }
            process.terminate()
            assert await process.wait() in (0, -signal.SIGTERM)


# How it ends.


async def test_an_agent_that_fails_tells_it_in_its_log_as_python_does(folder: Path) -> None:
    (folder / "main.py").write_text("import sys\n\ndef fail():\n    1 / 0\n\nfail()\n")
    async with hosted(folder, PYTHON) as agent:
        assert await (await agent.fork()).wait() == 1
        failed = [str(PYTHON), str(folder / "main.py")]
        expected = subprocess.run(failed, capture_output=True, text=True, check=False).stderr
        assert agent.said() == expected
        (folder / "main.py").write_text("import sys\nsys.exit('That is all.')\n")
        assert await (await agent.fork()).wait() == 1
        assert agent.said() == "That is all.\n"
        (folder / "main.py").write_text("import sys\nsys.exit(7)\n")
        assert await (await agent.fork()).wait() == 7
        (folder / "main.py").write_text("def broken(:\n")
        assert await (await agent.fork()).wait() == 1
        assert agent.said().startswith(f'  File "{folder}/main.py", line 1\n')
        (folder / "main.py").unlink()
        assert await (await agent.fork()).wait() == 1
        assert "main.py" in agent.said()


async def test_a_signal_ends_the_whole_group(folder: Path) -> None:
    (folder / "main.py").write_text(QUICK + GRANDCHILD + SERVE)
    async with hosted(folder, PYTHON) as agent:
        process = await agent.serving()
        assert len(processes_in(folder)) == 3
        process.terminate()
        assert await process.wait() == -signal.SIGTERM
        await until(lambda: len(processes_in(folder)) == 1)
        process.terminate()  # says nothing to nobody
        process.kill()


async def test_what_ignores_the_signal_is_killed(folder: Path) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n"
    (folder / "main.py").write_text(QUICK + ignoring + SERVE)
    async with hosted(folder, PYTHON, grace=0.3) as agent:
        process = await agent.serving()
        process.terminate()
        await until(lambda: agent.said() == "no\n")
        assert process.exit_code is None
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        last = await agent.serving()
    assert last.exit_code == -signal.SIGKILL
    assert agent.said() == "no\n"


async def test_when_it_is_closed_agents_may_end_by_themselves(folder: Path) -> None:
    ending = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye')))\n"
    (folder / "main.py").write_text(QUICK + ending + GRANDCHILD + SERVE)
    async with hosted(folder, PYTHON) as agent:
        processes = [await agent.serving(), await agent.serving()]
        host = agent.host
    assert [process.exit_code for process in processes] == [0, 0]
    assert [agent.said(0), agent.said(1)] == ["bye\n", "bye\n"]
    assert not host.lost.is_set()
    with pytest.raises(CannotServe):
        await agent.fork()


async def test_when_the_host_is_killed_nothing_is_left(folder: Path) -> None:
    (folder / "main.py").write_text(QUICK + GRANDCHILD + SERVE)
    async with hosted(folder, PYTHON) as agent:
        process = await agent.serving()
        psutil.Process(process.pid).parent().kill()  # type: ignore[union-attr]
        await agent.host.lost.wait()
        assert await process.wait() == -signal.SIGKILL
        await until(lambda: processes_in(folder) == [])
        with pytest.raises(CannotServe):
            await agent.host.check([folder / "main.py"])


@pytest.mark.parametrize("stubborn", [False, True])
async def test_when_the_front_is_killed_nothing_is_left(
    folder: Path, tmp_path: Path, stubborn: bool
) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n"
    (folder / "main.py").write_text(QUICK + GRANDCHILD + stubborn * ignoring + SERVE)
    with front(folder, tmp_path) as (started, _):
        started.kill()
        await until(lambda: processes_in(folder) == [])
    assert (tmp_path / "agent.log").read_text() == stubborn * "no\n"


async def test_what_the_terminal_sends_reaches_the_front_alone(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "main.py").write_text(QUICK + SERVE)
    with front(folder, tmp_path) as (started, pid):
        groups = {os.getpgid(each) for each in (pid, psutil.Process(pid).ppid(), started.pid)}
        assert len(groups) == 3
        os.killpg(started.pid, signal.SIGINT)
        started.wait()
        await until(lambda: processes_in(folder) == [])
    assert "KeyboardInterrupt" not in (tmp_path / "host.log").read_text()


async def test_while_it_imports_it_can_be_closed(folder: Path) -> None:
    python, packages = environment_in(folder / ".venv")
    (packages / "forever.py").write_text("import time\nprint('waits')\ntime.sleep(600)\n")
    (folder / "main.py").write_text("import forever\n")
    started = time.monotonic()
    async with hosted(folder, python) as agent:
        await until(lambda: "waits" in (agent.logs / "host.log").read_text())
    assert time.monotonic() - started < 15
    with pytest.raises(CannotServe):
        await agent.fork()


# What cannot be started, and what is no Python.


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("missing", "No such file or directory"),
        ("/bin/false", "it says nothing"),
        ("broken", "This is no Python"),
    ],
)
async def test_an_interpreter_that_does_not_run_is_told(
    folder: Path, python: str, said: str
) -> None:
    broken = folder / "broken"
    broken.write_text("#!/bin/sh\necho This is no Python. >&2\nexit 3\n")
    broken.chmod(0o755)
    project = Project(folder, folder / python, actions=False, traces=False)
    host = Host(project, os.environ, folder / "log")
    with pytest.raises(CannotServe, match=said):
        await host.start()
    await host.close()


@pytest.mark.parametrize(
    ("source", "line", "text", "message"),
    [
        (b"a = 1\n\nif a\n", 3, "if a", "expected ':'"),
        (b"a = '\xff'\n", None, None, "utf-8"),
        (b"# -*- coding: nothing -*-\n", None, None, "encoding"),
        (b"a = 1\0\n", None, None, "null bytes"),
        (b"a\n  = 1\n", 2, "= 1", "unexpected indent"),
        (b"return\n", 1, "return", "'return' outside function"),
    ],
)
async def test_what_is_no_python_is_found(
    folder: Path, source: bytes, line: int | None, text: str | None, message: str
) -> None:
    (folder / "main.py").write_text("print('\\d')\nopen('ran', 'w')\n")
    (folder / "broken.py").write_bytes(source)
    async with hosted(folder, PYTHON) as agent:
        before = sorted(folder.rglob("*"))
        assert await agent.host.check([folder / "main.py", folder / "gone.py"]) is None
        files = (folder / name for name in ("main.py", "broken.py"))
        problem = await agent.host.check(files)
        assert problem
        assert problem.file == folder / "broken.py"
        assert message in problem.message
        if text is not None:
            assert (problem.line, problem.text) == (line, text)
        assert sorted(folder.rglob("*")) == before
        assert (agent.logs / "host.log").read_text() == ""


async def test_a_file_that_cannot_be_read_is_no_python(folder: Path) -> None:
    (folder / "main.py").touch()
    (folder / "folder.py").mkdir()
    async with hosted(folder, PYTHON) as agent:
        problem = await agent.host.check([Path("folder.py")])
        assert problem
        assert problem.line is None
        assert "Is a directory" in problem.message


# With each framework.


@pytest.mark.real
@pytest.mark.parametrize("variant", [each for each in TRACED if each.stream], ids=str)
async def test_every_framework_can_be_forked(variant: Variant, folder: Path) -> None:
    variant.write(folder)
    with receiving() as receiver:
        environment = {
            "AGENT_OFFLINE": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        python = python_of(variant.framework)
        async with hosted(folder, python, environment, traces=True) as agent:
            processes = [await agent.serving()]
            started = time.monotonic()
            processes.append(await agent.serving())
            seconds = time.monotonic() - started
            for number, (process, port) in enumerate(zip(processes, agent.ports, strict=True)):
                session = f"{number}-{SESSION}"
                assert "Offline" in await ask(port, "What is 2 + 3?", session)
                (trace,) = await asyncio.to_thread(receiver.wait, session)
                assert len(trace.of("execute_tool")) == 1
                assert "Serving on" in agent.said(number)
                process.terminate()
                assert await process.wait() in (0, -signal.SIGTERM)
                assert "Traceback" not in agent.said(number)
    assert seconds < 1


@contextmanager
def front(folder: Path, logs: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A front in a process and group of its own, and the pid of its only agent, which serves."""
    port = free_port()
    command = [PYTHON, FRONT, folder, logs, str(port), "0.5"]
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        try:
            assert started.stdout
            pid = int(started.stdout.readline())
            wait_for(port)
            yield started, pid
        finally:
            started.kill()


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError


async def ask(port: int, prompt: str, session: str = SESSION) -> str:
    """What an agent answers."""
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": session}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/invocations", json={"prompt": prompt}, headers=headers
        )
    assert answer.status_code == 200, answer.text
    return answer.text
