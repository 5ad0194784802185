"""What a turn reads of its session: the last rows that the model remembers, within bounds."""

from typing import Any

import pytest

from store.kinds import IN_A_DATABASE, IN_MEMORY, each
from store.subject import Subject


def numbers(rows: list[Any]) -> list[int]:
    return [row.number for row in rows]


async def test_rows_that_the_model_does_not_remember_are_not_counted(subject: Subject) -> None:
    store, key, nothing = subject.open(), subject.key(), subject.modules.rows.NOTHING
    bodies = ["one", "two", None, None, "five", None, None, None]
    positions = await subject.add(store, key, *(subject.row("said", body=body) for body in bodies))
    position, rows = await store.since(key, nothing, 2)
    assert position == positions[-1]
    assert [(row.number, row.body) for row in rows] == [(2, "two"), (5, "five")]
    assert numbers((await store.since(key, positions[1], 2))[1]) == [5]
    # of the rows after it, none is remembered; how far the session goes is told all the same
    assert await store.since(key, positions[4], 2) == (position, [])


async def test_a_session_of_failed_turns_alone_has_nothing_to_remember(subject: Subject) -> None:
    store, key, nothing = subject.open(), subject.key(), subject.modules.rows.NOTHING
    failed = [subject.row("prompt", "error", body=None) for _ in range(3)]
    positions = await subject.add(store, key, *failed)
    assert await store.since(key, nothing, 100) == (positions[-1], [])
    position = await store.add(key, positions[-1], subject.row("said", "reply"))
    assert numbers((await store.since(key, nothing, 100))[1]) == [4]
    assert numbers((await store.since(key, positions[-1], 100))[1]) == [4]
    assert position.rows == 4


@each(IN_A_DATABASE)
@pytest.mark.parametrize("limit", [3, 100])
async def test_no_more_is_read_than_a_session_may_have_in_memory(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(subject.modules.sql, "MAX_READ", 1_000)
    store, key, nothing = subject.open(), subject.key(), subject.modules.rows.NOTHING
    sizes = [100, 100, 400, None, 400, 400]
    rows = [subject.row("said", body=None if size is None else "x" * size) for size in sizes]
    position = (await subject.add(store, key, *rows))[-1]
    # those before which there are less than 1,000 bytes, of the newest first
    assert numbers((await store.since(key, nothing, limit))[1]) == [3, 5, 6]
    # the newest is read, however large it is
    after = await store.add(key, position, subject.row("said", body="x" * 5_000))
    assert numbers((await store.since(key, nothing, limit))[1]) == [7]
    await store.add(key, after, subject.row("said", body="short"))
    assert numbers((await store.since(key, position, limit))[1]) == [7, 8]


async def test_a_row_comes_back_as_it_was(subject: Subject) -> None:
    store, key, nothing = subject.open(), subject.key(), subject.modules.rows.NOTHING
    bodies = ["", '{"a": "\\u0000"}', "x" * 1_000_000, "'; --", ":key %s"]
    await subject.add(store, key, *(subject.row("said", body=body) for body in bodies))
    # as another process sees it, where it can
    other = store if subject.kind in IN_MEMORY else subject.open()
    assert [row.body for row in (await other.since(key, nothing, 100))[1]] == bodies
