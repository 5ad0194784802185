"""Every test talks to the offline model, in a session of its own."""

import os
#if sqlite
import tempfile
#end
from uuid import uuid4

import pytest

os.environ["PYTHON_DOTENV_DISABLED"] = "1"  # what .env says is for the agent, not for its tests
#if sqlite
os.environ["SESSION_DB"] = f"{tempfile.mkdtemp()}/sessions.db"
#elif postgres/agentcore-memory
os.environ["AGENT_OFFLINE"] = "1"
#if postgres
os.environ.pop("DATABASE_URL", None)  # offline and without it, sessions are kept in memory
#elif agentcore-memory
os.environ.pop("MEMORY_ID", None)  # offline and without it, sessions are kept in memory
#end
#end


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Need no account and no network."""
    monkeypatch.setenv("AGENT_OFFLINE", "1")


@pytest.fixture
def session() -> str:
    """An id that no other test uses."""
    return uuid4().hex
