"""What tests of `dev` have in common."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of an agent, without one."""
    path = tmp_path.resolve() / "agent"
    path.mkdir()
    return path
