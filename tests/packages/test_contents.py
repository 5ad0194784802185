"""Of a project what runs is packed: no secret, nothing that was said, no tests and no caches."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from agentcore_new.answers import complete
from agentcore_new.creation import create
from agentcore_new.errors import CannotPackage, GitFailed
from agentcore_new.packaging.contents import contents

NEVER = (
    ".env",
    ".env.local",
    ".idea/workspace.xml",
    ".mypy_cache/cache.json",
    ".venv/lib/site.py",
    "Dockerfile",
    "README.md",
    "agent.egg-info/PKG-INFO",
    "build/lib.py",
    "compose.yaml",
    "debug.log",
    "dist/an-agent.zip",
    "environment/lib/site.py",
    "model/.env",
    "model/__pycache__/load.cpython-313.pyc",
    "node_modules/left/pad.js",
    "old.pyc",
    "tests/test_agent.py",
    "uv.lock",
)
ALWAYS = (
    "agent.py",
    "data/prices.csv",
    "main.py",
    "model/README.md",
    "model/load.py",
    "model/tests/cases.json",
    "prompts/system.md",
    "pyproject.toml",
)
DATABASES = ("a name of its own", "chat.db", "chat.db-wal", "data/old.sqlite3")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One that has been worked with."""
    folder = tmp_path / "an agent"
    for name in (*NEVER, *ALWAYS):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text", encoding="utf-8")
    (folder / "environment" / "pyvenv.cfg").touch()
    for name in DATABASES:
        if name == DATABASES[0]:
            with closing(sqlite3.connect(folder / name)) as database:
                database.execute("CREATE TABLE said (text TEXT)")
        else:
            (folder / name).touch()
    return folder


def test_what_runs_is_packed_and_databases_are_named(project: Path) -> None:
    found = contents(project)
    assert found.packed == ALWAYS
    assert found.left_out == DATABASES


def test_what_git_ignores_is_not_packed(project: Path) -> None:
    subprocess.run(["git", "init", "-q", project], check=True)
    (project / ".gitignore").write_text("/data/*.csv\n*.local.py\n", encoding="utf-8")
    (project / "model" / ".gitignore").write_text("own.py\n", encoding="utf-8")
    for name in ("own.py", "agent.local.py", "model/own.py"):
        (project / name).touch()
    subprocess.run(["git", "add", "-f", "agent.local.py"], cwd=project, check=True)
    packed = contents(project).packed
    assert set(packed) == {*ALWAYS, "own.py", "agent.local.py"} - {"data/prices.csv"}


def test_a_project_in_a_repository_of_more_is_packed_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", project.parent], check=True)
    (project.parent / ".gitignore").write_text("*.csv\n", encoding="utf-8")
    (project.parent / "other.py").touch()
    monkeypatch.chdir(project)
    for folder in (project, Path()):
        assert set(contents(folder).packed) == {*ALWAYS} - {"data/prices.csv"}


def test_a_repository_that_git_cannot_read_is_one_sentence(project: Path) -> None:
    (project / ".git").mkdir()
    with pytest.raises(GitFailed, match="git could not say what it ignores"):
        contents(project)


def test_of_a_generated_project_its_modules_are_packed(tmp_path: Path) -> None:
    answers = {"project_name": "an-agent", "framework": "strands", "session_store": "sqlite"}
    created = create(complete({**answers, "container": True, "transcript": True}), tmp_path)
    files = {path.as_posix() for path in created.target.rglob("*.py")}
    here = f"{created.target.as_posix()}/"
    modules = {path.removeprefix(here) for path in files}
    assert set(contents(created.target).packed) == {
        *(path for path in modules if not path.startswith("tests/")),
        "pyproject.toml",
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_cannot_be_read_is_one_sentence_and_a_pipe_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "linked.py").symlink_to("main.py")
    assert contents(tmp_path).packed == ("linked.py", "main.py")
    for link, to, said in (
        ("gone.py", "nowhere.py", "gone.py cannot be read: No such file or directory."),
        ("around", ".", "around is a link to a folder. "),
    ):
        (tmp_path / link).symlink_to(to)
        with pytest.raises(CannotPackage) as refused:
            contents(tmp_path)
        assert f"{refused.value.message} ".endswith(f"{said.strip()} ")
        (tmp_path / link).unlink()
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    with pytest.raises(CannotPackage, match="no name that a file of a package can have"):
        contents(tmp_path)
