"""The wheel, installed by itself, makes byte for byte what the checkout makes."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from dev.running import dev, new_session, quick_agent

from agentcore_new.answers import combinations, complete
from agentcore_new.render import render
from agentcore_new.review.faults import label
from agentcore_new.review.rendering import render_all
from agentcore_new.updating import history

ROOT = Path(__file__).parents[1]
# the wheel is built and installed once, by one worker
pytestmark = pytest.mark.xdist_group("wheel")

# Runs in the other environment: prints a line with a hash for each combination.
PRINT_HASHES = """
import hashlib
import json
from agentcore_new.review.faults import label
from agentcore_new.review.rendering import render_all
from agentcore_new.answers import combinations

for project in render_all(combinations()).projects:
    files = json.dumps(project.files).encode()
    print(label(project.combination), hashlib.sha256(files).hexdigest())
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, which must succeed, and return what it prints."""
    done = attempt(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempt(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that does not see this checkout."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return subprocess.run(
        command,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, which is made from the source distribution as for a release."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel and what it depends on alone."""
    folder = tmp_path_factory.mktemp("bare")
    # The versions that are tested here, whatever was published since.
    versions = {each.metadata["Name"]: each.version for each in distributions()}
    # but our own, which may have been installed before it had this version
    held = [f"{name}=={version}\n" for name, version in versions.items() if name != "agentcore-new"]
    (folder / "held.txt").write_text("".join(held))
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, "env", cwd=folder)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = (sys.executable, "-m", "uv", "pip", "install", "--python", python)
    run(*install, "--constraints", "held.txt", wheel, cwd=folder)
    return python


def test_every_combination_has_the_same_bytes(python: Path, tmp_path: Path) -> None:
    from_wheel = run(python, "-P", "-c", PRINT_HASHES, cwd=tmp_path).splitlines()
    from_checkout = run(sys.executable, "-P", "-c", PRINT_HASHES, cwd=tmp_path).splitlines()
    assert from_wheel == from_checkout
    assert [line.split()[0] for line in from_wheel] == [
        label(project.combination) for project in render_all(combinations()).projects
    ]


def test_the_environment_has_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    where = run(python, "-P", "-c", "import agentcore_new as a; print(a.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])
    run(python, "-P", "-m", "agentcore_new", "--version", cwd=tmp_path)


def test_the_wheel_holds_the_package_and_its_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = "agentcore_new/"
    others = {name.split("/")[0] for name in names if not name.startswith(package)}
    assert all(name.endswith(".dist-info") for name in others)
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    wanted = {
        package + path.relative_to(ROOT).as_posix() for path in (*templates, ROOT / "copier.yml")
    }
    wanted.add(f"{package}updating/history.xz")
    assert {name for name in wanted if "__pycache__" not in name} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_without_its_extra_dev_says_how_to_get_it(python: Path, tmp_path: Path) -> None:
    done = attempt(python, "-P", "-m", "agentcore_new", "dev", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith("They are in an extra: pip install 'agentcore-new[dev]'")


def test_with_its_extra_it_serves_an_agent_and_the_page(
    wheel: Path, python: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, "env", cwd=tmp_path)
    program = tmp_path / "env/bin/python"
    held = python.parents[2] / "held.txt"
    install = (sys.executable, "-m", "uv", "pip", "install", "--python", program)
    run(*install, "--constraints", held, f"agentcore-new[dev] @ {wheel.as_uri()}", cwd=tmp_path)
    agent = quick_agent(tmp_path / "agent")
    with dev(agent, home=tmp_path / "home", program=program) as running:
        assert running.ask("hello", new_session()).json["result"].startswith("turn 1 ")
        assert "<title>" in running.request("GET", "/").body
        vendored = running.request("GET", "/page/vendor/htm-preact-standalone.js")
        assert vendored.status == 200


def earlier_project(folder: Path) -> Path:
    """A project of the first release with an edit, committed."""
    edition = history.packaged().edition("0.1.0")
    answers: dict[str, str | bool] = {"framework": "adk"}
    for name in edition.questions:
        answers.setdefault(name, edition.default(name, answers))
    for path, text in edition.render(answers).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.replace("# adk-agent\n", "# adk-agent, mine\n").encode())
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "Mine")):
        run("git", *words, cwd=folder)
    return folder


def updated(program: Path, *words: str, project: Path) -> None:
    """Update a project with nothing in the environment, and no network by any proxy."""
    bare = {"PATH": os.environ["PATH"], "no_proxy": "", "https_proxy": "http://127.0.0.1:9"}
    if os.name == "nt":
        bare["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    done = subprocess.run(
        [program, *words, "update", "--session-store", "sqlite"],
        cwd=project,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    wanted = render(complete({"framework": "adk", "session_store": "sqlite"}))
    for path, text in wanted.items():
        mine = text.replace("# adk-agent\n", "# adk-agent, mine\n")
        assert (project / path).read_bytes() == mine.encode(), path


def test_the_wheel_updates_a_project_with_nothing_around_it(python: Path, tmp_path: Path) -> None:
    updated(python, "-P", "-m", "agentcore_new", project=earlier_project(tmp_path / "p"))


INSTALLERS = {
    "uv": ("uv", "tool", "install", "--python", sys.executable, "--constraints", "held.txt"),
    "pipx": ("pipx", "install", "--quiet", "--python", sys.executable, "--pip-args"),
}


@pytest.mark.parametrize("installer", INSTALLERS)
def test_installed_as_a_tool_it_updates_a_project(
    installer: str, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {each.metadata["Name"]: each.version for each in distributions()}
    held = [f"{name}=={version}\n" for name, version in versions.items() if name != "agentcore-new"]
    (tmp_path / "held.txt").write_text("".join(held))
    for folder, variables in {
        "tools": ("UV_TOOL_DIR", "PIPX_HOME"),
        "bin": ("UV_TOOL_BIN_DIR", "PIPX_BIN_DIR"),
        "man": ("PIPX_MAN_DIR",),
    }.items():
        for variable in variables:
            monkeypatch.setenv(variable, str(tmp_path / folder))
    words = INSTALLERS[installer]
    if installer == "pipx":
        words += (f"--constraint {(tmp_path / 'held.txt').as_posix()}",)
    run(sys.executable, "-m", *words, wheel, cwd=tmp_path)
    program = tmp_path / "bin" / ("agentcore-new.exe" if os.name == "nt" else "agentcore-new")
    updated(program, project=earlier_project(tmp_path / "p"))


@pytest.mark.parametrize("command", ["check", "snapshots", "diff"])
def test_what_needs_the_repository_says_so(python: Path, tmp_path: Path, command: str) -> None:
    done = attempt(python, "-P", "-m", "agentcore_new", command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: This command is for work on the templates")


def test_what_needs_the_repository_is_not_shown(python: Path, tmp_path: Path) -> None:
    shown = run(python, "-P", "-m", "agentcore_new", "--help", cwd=tmp_path)
    (listed,) = re.findall(r"^Commands:\n((?:  .*\n)+)", shown, re.M)
    assert re.findall(r"^  (\w+)", listed, re.M) == [
        "create",
        "preview",
        "package",
        "update",
        "frameworks",
        "dev",
        "invoke",
    ]
