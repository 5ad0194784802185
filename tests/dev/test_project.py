"""Which project a folder has, and which Python it runs with."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from agentcore_new.dev.project import Project, find
from agentcore_new.errors import CannotServe, Error, NotAProject, as_text

# Stands in for uv where it is asked what it was told: it makes what a link is, and says who it is.
RECORDED = """#!/bin/sh
printf '%s\\n' "$PWD|${VIRTUAL_ENV-none}|$UV_PROJECT_ENVIRONMENT|$*" >> "$(dirname "$0")/said"
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
ln -sf "$PYTHON_OF_TESTS" "$UV_PROJECT_ENVIRONMENT/bin/python"
"""
FAILING = """#!/bin/sh
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
ln -s "$PYTHON_OF_TESTS" "$UV_PROJECT_ENVIRONMENT/bin/python"
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo "line $number" >&2; done
exit 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an agent."""
    folder = tmp_path / "an agent"
    folder.mkdir()
    (folder / "main.py").write_text("")
    return folder


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH besides the system's, which has no uv."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("PYTHON_OF_TESTS", sys.executable)
    return tools


def install(tools: Path, text: str) -> None:
    (tools / "uv").write_text(text)
    (tools / "uv").chmod(0o755)


def environment(folder: Path, to: str = sys.executable) -> Path:
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(to)
    return python


def found(folder: Path) -> Project:
    """The project, for which nothing has to be run."""
    said: list[str] = []
    project = find(folder, said.append)
    assert said == []
    return project


def refused(folder: Path, kind: type[Error]) -> str:
    """What is said of a folder that is refused."""
    with pytest.raises(kind) as raised:
        find(folder, lambda _: None)
    return as_text(raised.value)


def test_the_environment_of_the_folder_is_used_as_it_is(folder: Path) -> None:
    python = environment(folder)
    assert found(folder) == Project(folder, python, actions=False, traces=False)
    assert found(folder).name == "an agent"
    for name in ("serving/transcript/actions.py", "serving/telemetry.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    assert found(folder) == Project(folder, python, actions=True, traces=True)


def test_one_of_windows(folder: Path) -> None:
    python = folder / ".venv/Scripts/python.exe"
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    python.chmod(0o755)
    assert found(folder).python == python


def test_a_folder_may_be_named_in_any_way(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Project(folder, environment(folder), actions=False, traces=False)
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert found(link) == whole
    monkeypatch.chdir(folder)
    assert found(Path()) == whole
    assert found(Path("../link")) == whole
    monkeypatch.setenv("HOME", str(folder.parent))
    assert found(Path("~/an agent")) == whole


def test_no_agent_is_refused_and_one_close_by_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around, below = folder.parent, folder / "serving/store"
    below.mkdir(parents=True)
    monkeypatch.chdir(around)
    there = "There is one elsewhere: agentcore-new dev 'an agent'"
    assert refused(below, NotAProject) == (
        f"Error: There is no main.py in {below}, so it is no agent. {there}"
    )
    assert refused(folder / "main.py", NotAProject).endswith(f"is not a folder. {there}")
    missing = refused(folder / "missing", NotAProject)
    assert missing == f"Error: There is no folder {folder / 'missing'}. {there}"
    assert refused(Path(), NotAProject).endswith(f"no agent. {there}")
    monkeypatch.chdir(folder)
    assert refused(around, NotAProject).endswith("elsewhere: agentcore-new dev .")
    monkeypatch.chdir(below)
    outside = refused(around, NotAProject)
    assert outside.endswith(f"agentcore-new dev {shlex.quote(str(folder))}")


def test_what_is_of_no_agent_is_not_named(tmp_path: Path, folder: Path) -> None:
    for name in (".hidden", "env", "node_modules", "a/b/c"):
        (tmp_path / "none" / name).mkdir(parents=True)
        (tmp_path / "none" / name / "main.py").write_text("")
    (tmp_path / "none/env/pyvenv.cfg").write_text("")
    said = refused(tmp_path / "none", NotAProject)
    assert said.endswith("Name the folder that has it: agentcore-new dev FOLDER")
    (folder / "main.py").unlink()
    (folder / "main.py").mkdir()
    assert "no main.py" in refused(folder, NotAProject)


def test_a_folder_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    assert "one" in refused(tmp_path / "one", NotAProject)
    assert "cannot be looked at" in refused(tmp_path / ("x" * 300), NotAProject)


def test_a_broken_environment_is_named(folder: Path, tools: Path) -> None:
    python = environment(folder, "/nowhere/bin/python3.10")
    said = refused(folder, CannotServe)
    assert said.startswith(
        f"Error: The environment {python.parents[1]} is broken:"
        " its Python is gone (/nowhere/bin/python3.10). Make it anew: rm -r "
    )
    assert "python3 -m venv .venv" in said
    install(tools, RECORDED)
    assert "Remove it, and it is made anew: rm -r '" in refused(folder, CannotServe)
    python.unlink()
    assert "is broken: it has no Python" in refused(folder, CannotServe)
    python.write_text("no program")
    python.chmod(0o644)
    assert "python cannot be run" in refused(folder, CannotServe)
    assert not (tools / "said").exists()


def test_a_link_to_an_environment(folder: Path, tmp_path: Path) -> None:
    (folder / ".venv").symlink_to(tmp_path / "other/.venv")
    assert "which is not there" in refused(folder, CannotServe)
    environment(tmp_path / "other")
    assert found(folder).python == folder / ".venv/bin/python"


def test_without_uv_it_is_said_what_to_type(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.x]\n")
    go = (
        f"cd {shlex.quote(str(folder))} && python3 -m venv .venv && .venv/bin/python -m pip install"
    )
    nothing = refused(folder, CannotServe)
    assert "nothing says what it needs" in nothing
    assert nothing.endswith(f"To make it: {go} bedrock-agentcore")
    (folder / "requirements.txt").write_text("")
    said = refused(folder, CannotServe)
    assert f"no environment ({folder / '.venv'}), and no uv to make it" in said
    assert said.endswith(f"To make it: {go} -r requirements.txt")
    (folder / "pyproject.toml").write_text("[project]\n")
    assert refused(folder, CannotServe).endswith(f"{go} '.[test]'")


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({"pyproject.toml": "[project]\n"}, ["sync --directory F"]),
        ({"pyproject.toml": "[project]\n", "requirements.txt": ""}, ["sync --directory F"]),
        ({"pyproject.toml": "no TOML"}, ["sync --directory F"]),
        (
            {"pyproject.toml": "[tool.x]\n", "requirements.txt": ""},
            [
                "venv --directory F .venv",
                "pip install --directory F --python .venv -r requirements.txt",
            ],
        ),
    ],
)
def test_uv_makes_the_environment_in_the_folder(
    folder: Path,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    commands: list[str],
) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    install(tools, RECORDED)
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "/somewhere/else")
    told: list[str] = []
    project = find(folder, told.append)
    assert project.python == folder / ".venv/bin/python"
    said = [line.split("|") for line in (tools / "said").read_text().splitlines()]
    assert [[*line[1:]] for line in said] == [
        ["none", str(folder / ".venv"), each.replace("F", str(folder))] for each in commands
    ]
    quoted = [f"uv {each.replace('F', shlex.quote(str(folder)))}" for each in commands]
    assert told == [f"Making the project's environment: {each}" for each in quoted]
    assert found(folder) == project  # and not once more


def test_what_uv_says_last_is_told_and_nothing_is_left(folder: Path, tools: Path) -> None:
    (folder / "pyproject.toml").write_text("[project]\n")
    install(tools, FAILING)
    said = refused(folder, CannotServe)
    assert "could not be made: line 3 line 4" in said
    assert "line 14 Once that is mended, try it with: uv sync --directory '" in said
    assert not (folder / ".venv").exists()


def test_a_uv_that_makes_nothing(folder: Path, tools: Path) -> None:
    (folder / "pyproject.toml").write_text("[project]\n")
    install(tools, "#!/bin/sh\n")
    assert "uv has made no environment" in refused(folder, CannotServe)
    install(tools, "#!/nowhere/sh\n")
    assert "uv cannot be run: No such file or directory" in refused(folder, CannotServe)


def test_with_the_real_uv(
    folder: Path, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / "uv").symlink_to(uv.find_uv_bin())
    for name in ("UV_OFFLINE", "UV_NO_CONFIG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_PYTHON", sys.executable)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    table = '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.11"\n'
    missing = 'dependencies = ["missing @ file:///nowhere/missing-1-py3-none-any.whl"]\n'
    (folder / "pyproject.toml").write_text(f"{table}{missing}[tool.uv]\npackage = false\n")
    assert "missing" in refused(folder, CannotServe)
    assert not (folder / ".venv").exists()
    (folder / "pyproject.toml").write_text(f"{table}[tool.uv]\npackage = false\n")
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "main.py").write_text("")
    (listed / "requirements.txt").write_text("# nothing\n")
    for agent in (folder, listed):
        python = find(agent, lambda _: None).python
        asked = [str(python), "-c", "import sys; print(sys.prefix)"]
        assert subprocess.check_output(asked, text=True).strip() == str(agent / ".venv")
