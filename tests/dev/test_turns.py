"""What is kept of sessions and turns: so much, and no more."""

import pytest

from agentcore_new.dev.turns import EVENTS_CHARS, SESSIONS, TURNS_OF_A_SESSION, Record


@pytest.mark.parametrize("number", [SESSIONS // 2 + 1, SESSIONS - 1, SESSIONS])
def test_as_many_sessions_as_can_be_are_all_kept(number: int) -> None:
    record = Record()
    for each in range(number):
        record.open(str(each))
    assert len([*record]) == number


def test_of_more_the_longest_unused_leave() -> None:
    record = Record()
    for each in range(SESSIONS):
        record.open(str(each))
    record.open("0")
    record.open("new")
    assert record.session("0")
    assert record.session("1") is None
    assert len([*record]) == SESSIONS


def test_of_the_turns_of_a_session_the_last_are_kept() -> None:
    record = Record()
    turns = [record.begin("s", "", [], [], "", str(each)) for each in range(TURNS_OF_A_SESSION)]
    for turn in turns:
        turn.ended("done")
    record.begin("s", "", [], [], "", "last")
    assert record.turn(turns[0].id) is None
    assert record.turn(turns[1].id) is turns[1]


def test_what_runs_is_kept_however_old_it_is() -> None:
    record = Record()
    old = record.begin("old", "", [], [], "", "trace")
    for number in range(TURNS_OF_A_SESSION):
        record.begin("old", "", [], [], "", str(number)).ended("done")
    for number in range(SESSIONS):
        record.open(str(number))
    assert record.turn(old.id) is record.traced("trace") is old
    assert record.session("old")
    old.ended("done")
    record.open("new")
    assert record.session("old") is None
    assert record.turn(old.id) is record.traced("trace") is None


def test_of_the_events_of_a_turn_so_much_is_kept_and_all_are_counted() -> None:
    turn = Record().begin("s", "", [], [], "", "trace")
    for _ in range(3):
        turn.arrived("x" * EVENTS_CHARS, "")
    assert (len(turn.events), turn.unkept) == (1, 2)
