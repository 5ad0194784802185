"""On Linux the host forks: agents start as by Python itself, only faster."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from contract.environments import python_of
from contract.otlp import receiving
from contract.projects import TRACED, Variant

from dev.hosted import (
    PYTHON,
    QUICK,
    SERVE,
    SESSION,
    ask,
    environment_in,
    front,
    hosted,
    processes_in,
    until,
)

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
    "descriptors": sorted(int(each.name) for each in Path("/proc/self/fd").iterdir()),
    "environment": {n: v for n, v in os.environ.items() if n not in ("PORT", "PYTHONPATH")},
    "variables": os.environ.get("PYTHONPATH"),
}
print(json.dumps(facts))
"""


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


async def test_a_module_of_the_project_goes_before_a_package_of_its_name(folder: Path) -> None:
    python, packages = environment_in(folder / ".venv")
    (packages / "package.py").write_text("import colours\n")
    (packages / "colours.py").write_text("print('of the package')\n")
    (folder / "main.py").write_text("import package\n")
    async with hosted(folder, python) as agent:
        assert await (await agent.fork()).wait() == 0
        assert agent.said() == ""
        (folder / "colours.py").write_text("print('of the project')\n")
        assert await (await agent.fork()).wait() == 0
        assert agent.said() == "of the project\n"


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
    python, packages = environment_in(folder / ".venv")
    (packages / "numpy").mkdir()
    (packages / "numpy" / "__init__.py").touch()
    (packages / "numpy" / "random.py").write_text(  # NumPy keeps the state of its parent
        "from random import Random\none = Random()\nseed, random = one.seed, one.random\n"
    )
    (folder / "main.py").write_text(
        "import random, uuid\nfrom numpy import random as other\n"
        "print(random.random(), uuid.uuid4(), uuid.uuid1(), other.random())\n"
    )
    async with hosted(folder, python) as agent:
        first, second = await agent.fork(), await agent.fork()
        assert [await first.wait(), await second.wait()] == [0, 0]
        assert not set(agent.said(0).split()) & set(agent.said(1).split())


async def test_it_ends_with_the_host_though_the_front_does_nothing(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "main.py").write_text(QUICK + SERVE)
    with front(folder, tmp_path) as (started, pid):
        started.send_signal(signal.SIGSTOP)
        psutil.Process(psutil.Process(pid).ppid()).kill()
        await until(lambda: processes_in(folder) == [])


# With each framework.


@pytest.mark.real
@pytest.mark.parametrize("variant", [each for each in TRACED if each.stream], ids=str)
async def test_every_framework_can_be_forked(variant: Variant, folder: Path) -> None:
    variant.write(folder)
    with receiving() as receiver:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        lines = (f"{name}={value}\n" for name, value in told.items())
        (folder / ".env").write_text("".join(lines))
        environment, python = {"AGENT_OFFLINE": "1"}, python_of(variant.framework)
        async with hosted(folder, python, environment, traces=True) as agent:
            processes = [await agent.serving() for _ in range(2)]
            # none is an interpreter of its own, that would have to import it all again
            commands = [psutil.Process(process.pid).cmdline() for process in processes]
            (host,) = {psutil.Process(process.pid).ppid() for process in processes}
            assert commands == [psutil.Process(host).cmdline()] * 2
            for number, (process, port) in enumerate(zip(processes, agent.ports, strict=True)):
                session = f"{number}-{SESSION}"
                assert "Offline" in await ask(port, "What is 2 + 3?", session)
                (trace,) = await asyncio.to_thread(receiver.wait, session)
                assert len(trace.of("execute_tool")) == 1
                assert "Serving on" in agent.said(number)
                process.terminate()
                assert await process.wait() in (0, -signal.SIGTERM)
                assert "Traceback" not in agent.said(number)
