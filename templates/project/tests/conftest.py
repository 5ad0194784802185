"""Every test talks to the offline model, in a session of its own."""

import os
from uuid import uuid4

import pytest

os.environ["PYTHON_DOTENV_DISABLED"] = "1"  # what .env says is for the agent, not for its tests


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Need no account and no network."""
    monkeypatch.setenv("AGENT_OFFLINE", "1")


@pytest.fixture
def session() -> str:
    """An id that no other test uses."""
    return uuid4().hex
