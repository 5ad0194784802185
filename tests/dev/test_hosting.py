"""The host: agents start as with Python itself, only faster, and none of them is left behind."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from agentcore_new.dev.hosting import Host
from agentcore_new.dev.project import Project
from agentcore_new.errors import CannotServe
from dev.hosted import (
    GRANDCHILD,
    PYTHON,
    QUICK,
    SERVE,
    ask,
    environment_in,
    front,
    hosted,
    processes_in,
    until,
)

# Where it listens.


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
    async with hosted(folder, PYTHON, grace=1.0) as agent:
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
    (folder / "main.py").write_text(stubborn * ignoring + GRANDCHILD + QUICK + SERVE)
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


async def test_what_nobody_waits_for_any_more_is_not_left(folder: Path) -> None:
    python, packages = environment_in(folder / ".venv")
    (packages / "slow.py").write_text(
        "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n"
    )
    (folder / "main.py").write_text(f"import slow\n{QUICK}{SERVE}")
    async with hosted(folder, python) as agent:
        given_up = asyncio.create_task(agent.fork())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.wait([given_up])
        (folder / "go").touch()
        process = await agent.serving()
        await until(lambda: len(processes_in(folder)) == 2)
        assert process.exit_code is None


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
