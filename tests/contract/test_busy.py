"""`/ping` says HealthyBusy while a turn runs or waits, whatever became of its client.

Point 19, busy is told.
"""

import time

import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.projects import CONTRACT, each
from contract.server import Server, limited, turns_of

pytestmark = [pytest.mark.real, each(CONTRACT)]

BUSY, IDLE = "HealthyBusy", "Healthy"


@pytest.fixture(autouse=True)
def idle(client: Client) -> None:
    """No turn runs that another test has left."""
    until(lambda: client.ping() == IDLE)


def is_idle_since(client: Client, moment: float) -> bool:
    """Whether the server says that its last turn has ended after this moment."""
    status, since = client.health()
    return status == IDLE and since >= int(moment)


def test_a_turn_makes_it_busy_and_its_end_idle(client: Client, models: FakeModels) -> None:
    turn = client.begin("held <<hold=gate>>", "busy")
    models.wait_held("gate")
    assert client.ping() == BUSY
    released = time.time()
    models.release("gate")
    assert turn.result().text == "turn 1: held"
    until(lambda: is_idle_since(client, released))


def test_one_that_waits_is_busy_too(client: Client, models: FakeModels) -> None:
    first = client.begin("first <<hold=one>>", "line")
    models.wait_held("one")
    second = client.begin("second <<hold=two>>", "line")
    other = client.begin("other <<hold=three>>", "another line")
    models.wait_held("three")
    for gate in ("one", "two"):
        models.wait_held(gate)
        assert client.ping() == BUSY
        models.release(gate)
    assert {turn.result().error for turn in (first, second)} == {""}
    assert client.ping() == BUSY
    models.release("three")
    other.result()
    until(lambda: client.ping() == IDLE)


def test_one_whose_client_has_gone_is_busy_to_its_end(client: Client, models: FakeModels) -> None:
    with client.connection("left <<hold=gate>>", "left behind"):
        models.wait_held("gate")
    client.fence()
    assert client.ping() == BUSY
    released = time.time()
    models.release("gate")
    until(lambda: is_idle_since(client, released))
    assert client.ask("again", "left behind").text == "turn 2: again"


def test_a_hundred_at_once_are_counted_to_the_last(client: Client, models: FakeModels) -> None:
    last = client.begin("last <<hold=gate>>", "last of many")
    models.wait_held("gate")
    asked = [("hello", f"many {n}") for n in range(80)]
    replies = client.together(
        [*asked, *[("hello <<fail=400>>", f"failing {n}") for n in range(20)]]
    )
    assert [bool(reply.error) for reply in replies] == [False] * 80 + [True] * 20
    assert client.ping() == BUSY
    models.release("gate")
    last.result()
    until(lambda: client.ping() == IDLE)


def test_what_is_refused_leaves_it_idle(client: Client) -> None:
    for prompt in ("", "p" * 100_001):
        assert client.ask(prompt, "refused").status == 400
    assert client.ping() == IDLE


def test_a_turn_at_its_limit_is_over(tight: Server, models: FakeModels) -> None:
    with turns_of(tight, seconds=2):
        turn = tight.client.begin("late <<hold=gate>>", "late")
        models.wait_held("gate")
        assert tight.client.ping() == BUSY
        assert turn.result().error.startswith("The agent took too long to answer.")
        until(lambda: tight.client.ping() == IDLE)
    models.release("gate")
    assert tight.client.ask("again", "late").text == "turn 1: again"


def test_the_time_is_that_of_the_turn_and_not_of_the_ping(tight: Server) -> None:
    client = tight.client
    until(lambda: client.ping() == IDLE)
    with limited(tight, "wall-ahead", 1000):
        began = tight.time_of_day()
        client.ask("hello", "unseen", user="unseen")
        client.fence()
        ended = tight.time_of_day()
    with limited(tight, "wall-ahead", 2000):
        until(lambda: client.ping() == IDLE)
        assert int(began) <= client.health()[1] <= ended
