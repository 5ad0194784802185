"""Neither git nor an image takes secrets or conversations."""

import re
import subprocess
from pathlib import Path

import pytest

from agentcore_new.answers import complete
from agentcore_new.render import render

NAMES = [
    *(".env", ".env.local", ".env.production"),
    *("chat.db", "chat.db-wal", "chat.db-shm", "chat.db-journal"),
    *("sessions.sqlite3", "sessions.sqlite3-wal", "sessions.sqlite3-shm"),
]
PATHS = [folder + name for folder in ("", "data/", "a/b/") for name in NAMES]
FILES = render(complete({"framework": "adk", "container": True}))
# where the frameworks' own tools keep what is said to them
OF_TOOLS = {"adk": ".adk/artifacts/x", "langgraph": ".langgraph_api/.langgraph_ops.pckl"}


@pytest.mark.parametrize("path", PATHS)
def test_git_ignores(path: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(FILES[".gitignore"])
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=tmp_path, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("framework", OF_TOOLS)
def test_neither_takes_what_a_frameworks_tool_keeps(framework: str, tmp_path: Path) -> None:
    files = render(complete({"framework": framework, "container": True}))
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(files[".gitignore"])
    command = ["git", "check-ignore", "-q", OF_TOOLS[framework]]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert docker_ignores(OF_TOOLS[framework], files[".dockerignore"])


def test_git_takes_every_file_of_a_project(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(FILES[".gitignore"])
    # the last one shows that the command tells
    command = ["git", "check-ignore", *FILES, "data/.env.local"]
    assert subprocess.check_output(command, cwd=tmp_path) == b"data/.env.local\n"


def docker_ignores(path: str, ignored: str = FILES[".dockerignore"]) -> bool:
    """Match as Docker does: a pattern is for the whole path of a file, or of a folder above it."""
    parents = [path, *map(str, Path(path).parents)]
    for line in ignored.splitlines():
        if line.startswith("#"):
            continue
        pattern = re.escape(line).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, each) for each in parents):
            return True
    return False


@pytest.mark.parametrize("path", [*PATHS, ".git/config", ".venv/x", "a/__pycache__/b.pyc"])
def test_an_image_is_without(path: str) -> None:
    assert docker_ignores(path)


def test_an_image_has_what_runs() -> None:
    left_out = {path for path in FILES if docker_ignores(path)}
    assert left_out == {".env.example", *(path for path in FILES if path.startswith("tests/"))}
