"""Each kind of store that a project can have."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import generated
import pytest

from store.subject import Subject

# `unnamed` is what a project that was created with PostgreSQL has for a first run
IN_MEMORY = ["memory", "unnamed"]
IN_A_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.real)]
ALL = [*IN_MEMORY, *IN_A_DATABASE]


def each(kinds: Sequence[object]) -> pytest.MarkDecorator:
    """Run a test with these alone."""
    return pytest.mark.parametrize("subject", kinds, indirect=True)


@pytest.fixture(params=ALL)
async def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Subject]:
    """An empty store; without `each`, one of each kind."""
    kind: str = request.param
    modules = generated.with_store("postgres" if kind == "unnamed" else kind)
    if kind == "sqlite":
        monkeypatch.setenv("SESSION_DB", str(tmp_path / "sessions.db"))
    if kind == "postgres":
        url = request.getfixturevalue("postgres").create_database()
        monkeypatch.setenv("DATABASE_URL", url)
    in_memory = kind in IN_MEMORY
    made = Subject(
        kind, modules, modules.memory.MemoryStore if in_memory else modules.opening.open_store
    )
    yield made
    await made.aclose()
