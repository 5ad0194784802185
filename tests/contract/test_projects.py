"""Freshly created projects, used as their README says: installed, tested, served offline."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pins
import pytest

from contract.environments import CACHE, UV, UV_CACHE, installed_in
from contract.projects import DEFAULTS, IN_EITHER_SHAPE, STORED, TRANSCRIPTS, Variant
from contract.server import AUDIT, free_port, reached_out

pytestmark = pytest.mark.real

# they say where the tests' own packages are, and which
NOT_PASSED_ON = {"PIP_BUILD_CONSTRAINT", "PIP_CONSTRAINT", "PYTHONHOME", "PYTHONPATH"}
NOT_PASSED_ON |= {"VIRTUAL_ENV"}
# a virtual environment has these from Python itself
FROM_PYTHON = {"pip", "setuptools"}
_SH_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def by_framework(variants: list[Variant]) -> pytest.MarkDecorator:
    """One worker takes all projects of a framework, which share what they install."""
    return pytest.mark.parametrize(
        "project",
        [
            pytest.param(v, id=str(v), marks=pytest.mark.xdist_group(f"project-{v.framework}"))
            for v in variants
        ],
    )


def readme_commands(variant: Variant, word: str) -> list[str]:
    """The commands of the README's block that has this word in it."""
    for block in _SH_BLOCK.findall(variant.files()["README.md"]):
        if word in block:
            commands: list[str] = block.replace("\\\n", "").strip().splitlines()
            return commands
    raise LookupError(f"no commands with {word!r}")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The machine's own, for its network; caches are shared, virtual environments are not."""
    tools = [Path(UV).parent, Path(sys.executable).parent]
    return {
        **{name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON},
        "PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "UV_CACHE_DIR": UV_CACHE,
        "UV_PYTHON": sys.executable,
        "UV_COMPILE_BYTECODE": "1",
        "PIP_CACHE_DIR": str(CACHE.parent / "pip"),
        **more,
    }


def pinned(framework: str, folder: Path) -> dict[str, str]:
    """Let uv and pip take the listed versions, unless those of the day are asked for.

    pip reads variables, which are returned; uv reads the pyproject.toml alone, which is changed.
    """
    if pins.UNPINNED:
        return {}
    lines = pins.of_projects(framework)
    table = f"[tool.uv]\nconstraint-dependencies = {json.dumps(lines)}\n"
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text()
    assert text.count("[tool.uv]\n") == 1
    pyproject.write_text(text.replace("[tool.uv]\n", table))
    constraints = folder.with_name("constraints.txt")
    constraints.write_text("\n".join(lines))
    # the project is the one thing to build; of packages, what builds them would not be listed
    only_wheels = {"UV_NO_BUILD": "1", "PIP_ONLY_BINARY": ":all:"}
    names = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
    return only_wheels | dict.fromkeys(names, str(constraints))


def unlisted(framework: str, python: Path) -> set[tuple[str, str]]:
    """What is installed, but not as listed; nothing, where the versions of the day are wanted."""
    if pins.UNPINNED:
        return set()
    others = installed_in(python).items() - pins.versions(pins.of_projects(framework)).items()
    return {each for each in others if each[0] not in FROM_PYTHON | {f"{framework}-agent"}}


def run(command: str, folder: Path, variables: dict[str, str]) -> str:
    """Run a line of shell, and return its output if it succeeds."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@contextmanager
def running(command: str, folder: Path, variables: dict[str, str], port: int) -> Iterator[None]:
    """A server in the background, from its first answer on."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec env {command}"],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        give_up = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < give_up:
            try:
                httpx.get(f"http://127.0.0.1:{port}/ping", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                break
        else:
            raise RuntimeError((folder / "log").read_text())
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def send(command: str, port: int) -> httpx.Response:
    """Send what a curl command of the README sends, to another port."""
    _, *words = shlex.split(command.replace("8080", str(port)))
    words = [word for word in words if word != "-N"]
    url, options = words[0], words[1:]
    values = dict.fromkeys(("-H", "-d"), "") | dict(zip(options[::2], options[1::2], strict=True))
    name, _, value = values["-H"].partition(": ")
    headers = {name: value, "Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(url, headers=headers, content=values["-d"], trust_env=False)


def curl(command: str, port: int) -> str:
    """Do the same with a prompt, and return the whole reply."""
    answer = send(command, port)
    if answer.headers["content-type"] == "application/json":
        return str(answer.json()["result"])
    frames = answer.text.strip().split("\n\n")
    return "".join(json.loads(frame.removeprefix("data: ")) for frame in frames)


@by_framework([*dict.fromkeys([*IN_EITHER_SHAPE, *TRANSCRIPTS, *STORED])])
def test_uv_sync_pytest_and_the_offline_server(
    project: Variant, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, port = project.write(tmp_path / "project"), free_port()
    shared = tmp_path_factory.getbasetemp() / f"venv-{project.framework}"
    variables = environment(tmp_path, UV_PROJECT_ENVIRONMENT=str(shared), PORT=str(port))
    variables |= pinned(project.framework, folder)
    run("uv sync", folder, variables)
    assert unlisted(project.framework, shared / "bin" / "python") == set()
    settings = folder / ".env"  # for the agent, not for its tests
    settings.write_text("AGENT_OFFLINE=0\nDATABASE_URL=nonsense\n")
    assert re.search(r"\d+ passed", run("uv run pytest", folder, variables))
    settings.unlink()
    (start,) = readme_commands(project, "AGENT_OFFLINE=1 uv run")
    (request,) = readme_commands(project, "curl")
    variables |= {"PYTHONPATH": str(AUDIT), "CONTRACT_AUDIT": str(tmp_path / "audit")}
    with running(start, folder, variables, port):
        log = (folder / "log").read_text().splitlines()
        (pasted,) = (line for line in log if line.startswith("curl "))
        assert shlex.split(pasted) == shlex.split(request.replace("8080", str(port)))
        for turn in (1, 2):
            answer = f"Offline reply {turn} to: What is 2 + 3? add_numbers: 5"
            assert curl(request, port) == answer
        if project.transcript:
            actions = readme_commands(project, '"action"')
            history, status, sessions, forget = [send(each, port).json() for each in actions]
            assert len(history["messages"]) == 4
            assert status["status"] == "done"
            assert [each["session_id"] for each in sessions["sessions"]] == [
                "my-first-session-of-33-characters"
            ]
            assert forget == {"forgotten": True, "messages": 4}
            assert curl(request, port).startswith("Offline reply 1")
    if project.store == "sqlite":  # the others are offline without what has to be named
        with running(start, folder, variables, port):
            turn = 2 if project.transcript else 3
            assert curl(request, port).startswith(f"Offline reply {turn}")
    assert reached_out((tmp_path / "audit").read_text().splitlines()) == []


@by_framework([variant for variant in DEFAULTS if not variant.stream])
def test_the_pip_way(project: Variant, tmp_path: Path) -> None:
    folder = project.write(tmp_path / "project")
    variables = environment(tmp_path, PORT=str(free_port())) | pinned(project.framework, folder)
    *commands, start = readme_commands(project, "pip install")
    output = [run(command, folder, variables) for command in commands]
    assert re.search(r"\d+ passed", output[-1])
    assert unlisted(project.framework, folder / ".venv" / "bin" / "python") == set()
    (request,) = readme_commands(project, "curl")
    with running(start, folder, variables, int(variables["PORT"])):
        assert curl(request, int(variables["PORT"])).startswith("Offline reply 1")
    (folder / ".env").write_text("AGENT_OFFLINE=1\n")
    with running(start.replace("AGENT_OFFLINE=1 ", ""), folder, variables, int(variables["PORT"])):
        assert curl(request, int(variables["PORT"])).startswith("Offline reply 1")
