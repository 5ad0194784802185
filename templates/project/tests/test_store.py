"""What holds for the store of this agent: what is answered is kept, and nothing else is."""

import asyncio

import pytest

import main
from tests.client import Answer, ask


async def restart() -> None:
    """Leave nothing in memory, as the end of the process does."""
    await main.sessions.aclose()
    assert len(main.sessions) == 0


def test_a_session_is_recalled_after_a_restart(session: str) -> None:
    async def run() -> None:
        await ask("hello", session)
        await ask("add_numbers 2 3", session)
        for turn in (3, 4):
            await restart()
            assert await ask("again", session) == Answer(f"Offline reply {turn} to: again")

    asyncio.run(run())


def test_a_turn_that_cannot_be_kept_ends_with_an_error(
    session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("what the driver said")

    async def run() -> None:
        await ask("before", session)
        for method in ("since", "add"):
            with monkeypatch.context() as patch:
                patch.setattr(main.kept.store, method, away)
                refused = await ask("lost", session)
            assert refused.error.startswith("The store of the sessions does not answer. ")
        await restart()
        assert await ask("after", session) == Answer("Offline reply 2 to: after")

    asyncio.run(run())
