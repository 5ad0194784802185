"""What is kept of a session, and when a turn ends.

Point 13, failure.
Point 17, bounded inside too.
"""

import asyncio
import logging

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from serving import turns
from serving.sessions import SessionBusyError
from serving.turns import RunningTurns, Session, complete, plain_failures
from starlette.exceptions import HTTPException


def test_a_session_keeps_its_last_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_TURNS", 3)
    session: Session[str] = Session(None)
    for turn in "abcde":
        before = session.turns
        session.keep(turn)
        assert before is not session.turns
    assert session.turns == ["c", "d", "e"]
    assert len(session.sizes) == 3


def test_the_oldest_turns_leave_for_bytes_and_the_newest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "MAX_SESSION_BYTES", 3_000)
    session: Session[list[str]] = Session(None)
    for size in (1_000, 1_000, 1_500, 10_000):
        session.keep(["x" * size])
    assert [len(text) for (text,) in session.turns] == [10_000]
    assert 10_000 < session.size() < 11_000
    for size in (1_000, 1_000):
        session.keep(["x" * size])
    assert [len(text) for (text,) in session.turns] == [1_000, 1_000]


async def status(failure: BaseException) -> int:
    """What a caller gets for it."""
    with pytest.raises(HTTPException) as raised:
        async with plain_failures():
            raise failure
    return raised.value.status_code


async def test_a_model_that_takes_too_long_by_its_own_measure_is_a_failed_one() -> None:
    assert await status(TimeoutError("the model's own")) == 502
    assert await status(ValueError()) == 502
    assert await status(SessionBusyError()) == 429


async def test_turns_end_together_and_those_to_come_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = RunningTurns()
    monkeypatch.setattr(turns, "running", running)

    async def turn() -> None:
        async with plain_failures():
            await asyncio.sleep(60)

    async with asyncio.timeout(10):
        tasks = [asyncio.create_task(turn()) for _ in range(3)]
        await asyncio.sleep(0)
        running.end_within(0.1)
        late = asyncio.create_task(turn())
        await running.ended(5)
        for task in [*tasks, late]:
            failure = task.exception()
            assert isinstance(failure, HTTPException)
            assert failure.status_code == 503


async def test_the_end_is_not_waited_for_longer_than_asked() -> None:
    running = RunningTurns()

    async def stubborn() -> None:
        async with running.limit(60):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0.2)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    running.end_within(0.01)
    await running.ended(0.05)
    assert not task.done()
    await asyncio.wait([task])


async def test_nothing_to_end_is_no_failure() -> None:
    running = RunningTurns()
    running.end_within(1)
    await running.ended(1)
    assert running.ending


@pytest.mark.parametrize("reply", ["", " \n"])
async def test_an_empty_reply_is_a_failure(reply: str, caplog: pytest.LogCaptureFixture) -> None:
    async def turn() -> tuple[str, str]:
        return reply, "turn"

    with caplog.at_level(logging.ERROR), pytest.raises(HTTPException):
        async with plain_failures():
            await complete(turn())
    assert "EmptyReplyError" in caplog.text
