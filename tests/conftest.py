"""What every test relies on: no test sees the git set-up, keys or projects of the machine."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from loops import anyio_backend, pytest_pyfunc_call  # noqa: F401 - pytest finds them here
from pins import UNPINNED

if TYPE_CHECKING:
    from postgres import Postgres

# What needs signals, pseudo-terminals or file locks of Unix; the commands are tested there too.
if sys.platform == "win32":
    collect_ignore = ["contract", "test_browser.py", "test_postgres.py", "test_readme.py"]
    collect_ignore += [
        "test_agentcore_json.py",
        "test_terminal.py",
        "test_workflows.py",
        "dev/test_on_a_terminal.py",
        "review/test_on_a_terminal.py",
    ]
    collect_ignore += ["transcript/test_databases.py"]
    collect_ignore += ["updating/test_kills.py", "updating/test_on_unix.py"]
    collect_ignore += ["dev/test_hosting.py", "dev/test_forking.py"]
elif sys.platform != "linux":
    collect_ignore = ["dev/test_forking.py"]

# A shared machine has no deadlines; CI draws the same cases each time, people draw new ones.
settings.register_profile("agentcore-new", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("agentcore-new")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not go with the versions that are installed."""
    left_out = "pinned" if UNPINNED else "unpinned"
    gone = [item for item in items if item.get_closest_marker(left_out)]
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=gone)


@pytest.fixture(autouse=True)
def own_git_setup(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give git an identity and nothing else, and return the home folder it is set up in."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_AUTHOR_NAME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A server for all tests of a worker; who stops or pauses it, starts or resumes it again."""
    from postgres import Postgres

    with Postgres() as server:
        yield server
