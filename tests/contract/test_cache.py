"""Which sessions are held, who waits for whom, and what leaves when.

Point 5, cap and order.
Point 6, in use is not evicted.
Point 7, one at a time.
Point 8, one creation.
Point 9, eviction really frees.
"""

from contextlib import ExitStack

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import CONTRACT, each
from contract.server import Server
from contract.wire import conversation

pytestmark = [pytest.mark.real, each(CONTRACT)]

CAP = 128


def visit(client: Client, names: list[str]) -> None:
    """A turn of each of these sessions, one after the other."""
    for name in names:
        assert client.ask("hello", name).status == 200


def test_the_least_recently_used_session_leaves(server: Server) -> None:
    client, names = server.client, [f"lru-{n}" for n in range(CAP + 1)]
    visit(client, names[: CAP - 1])
    assert server.closed("lru") == []
    visit(client, names[CAP - 1 : CAP])
    assert server.closed("lru") == []
    visit(client, names[:1])
    visit(client, names[CAP:])
    assert server.closed("lru") == ["lru-1"]
    assert client.ask("again", "lru-2").text == "turn 2: again"
    assert client.ask("again", "lru-0").text == "turn 3: again"
    assert client.ask("again", "lru-1").text == f"turn {server.variant.turn_after(1)}: again"
    assert server.closed("lru") == ["lru-1", "lru-3"]


def test_a_session_in_use_stays(server: Server, models: FakeModels) -> None:
    client = server.client
    client.ask("before", "used")
    held = client.begin("held <<hold=gate>>", "used")
    models.wait_held("gate")
    visit(client, [f"wave-{n}" for n in range(200)])
    assert server.closed("used") == []
    # the cap counts the session that is in use
    assert server.closed("wave") == [f"wave-{n}" for n in range(200 - (CAP - 1))]
    models.release("gate")
    assert held.result().text == "turn 2: held"
    assert client.ask("after", "used").text == "turn 3: after"
    assert client.ask("again", "wave-199").text == "turn 2: again"
    assert client.ask("again", "wave-72").text == f"turn {server.variant.turn_after(1)}: again"


def test_more_than_fit_may_be_in_use(server: Server, models: FakeModels) -> None:
    client, names = server.client, [f"crowd-{n}" for n in range(CAP + 12)]
    turns = [client.begin("held <<hold=gate>>", name) for name in names]
    # a model client may have no more connections than this; the others wait, in use all the same
    models.wait_held("gate", 30, count=100)
    client.ping()
    models.release("gate")
    assert {turn.result().text for turn in turns} == {"turn 1: held"}
    gone = server.closed("crowd")
    assert len(gone) == len(set(gone)) == 12
    kept = next(name for name in names if name not in gone)
    assert client.ask("again", kept).text == "turn 2: again"
    assert client.ask("again", gone[0]).text == f"turn {server.variant.turn_after(1)}: again"


def test_a_burst_of_new_sessions_leaves_no_more_than_the_cap(server: Server) -> None:
    client, names = server.client, [f"burst-{n}" for n in range(200)]
    replies = client.together([("hello", name) for name in names])
    assert {reply.text for reply in replies} == {"turn 1: hello"}
    assert len(server.closed("burst")) == 200 - CAP


def test_turns_of_one_session_run_in_order_of_arrival(client: Client, models: FakeModels) -> None:
    prompts = [f"prompt {n}" for n in range(32)]
    with ExitStack() as connections:
        connections.enter_context(client.connection(f"{prompts[0]} <<hold=gate>>", "queue"))
        models.wait_held("gate")
        for prompt in prompts[1:]:
            connections.enter_context(client.connection(prompt, "queue"))
            # what was sent before has arrived when the second of two more requests is answered
            client.fence()
            client.fence()
        models.release("gate")
        assert client.ask("last", "queue").text == "turn 33: last"
    assert models.transcript("last") == conversation([*prompts, "last"])


def test_many_first_turns_make_one_session(client: Client, models: FakeModels) -> None:
    replies = client.together([(f"prompt {n}", "first") for n in range(32)])
    assert sorted(int(reply.text.split()[1].strip(":")) for reply in replies) == [*range(1, 33)]
    order = [request.last_user_text for request in models.requests]
    assert models.transcript(order[-1]) == conversation(order)


def test_sessions_run_side_by_side(client: Client, models: FakeModels) -> None:
    held = [client.begin("held <<hold=gate>>", f"beside-{n}") for n in range(32)]
    models.wait_held("gate", count=32)
    assert client.ask("hello", "beside").text == "turn 1: hello"
    assert client.ask("hello").text == "turn 1: hello"
    assert client.ping() == "HealthyBusy"
    models.release("gate")
    assert {turn.result().text for turn in held} == {"turn 1: held"}


def test_the_end_of_a_turn_is_a_use(tight: Server, models: FakeModels) -> None:
    client = tight.client
    held = client.begin("held <<hold=gate>>", "end-0")
    models.wait_held("gate")
    visit(client, ["end-1", "end-2", "end-3"])
    models.release("gate")
    held.result()
    visit(client, ["end-4", "end-5"])
    assert tight.closed("end") == ["end-1", "end-2"]


def test_a_turn_waits_for_the_closing_of_its_session(tight: Server, models: FakeModels) -> None:
    client, waits = tight.client, tight.control / "closing-waits"
    visit(client, ["late-0", "late-1", "late-2", "late-3"])
    waits.touch()
    visit(client, ["late-4"])
    again = client.begin("again", "late-0")
    # nobody else is held up by the closing
    visit(client, ["late-4", "late-5"])
    assert not again.done()
    assert models.requests_for("again") == []
    waits.unlink()
    turn = tight.variant.turn_after(1)
    assert again.result().text == f"turn {turn}: again"
    assert client.ask("more", "late-0").text == f"turn {turn + 1}: more"
    assert tight.closed("late-0") == ["late-0"]


def test_an_error_in_closing_stops_nobody(tight: Server) -> None:
    client = tight.client
    visit(client, ["close-fails", "fine-0", "fine-1", "fine-2", "fine-3"])
    turn = tight.variant.turn_after(1)
    assert client.ask("again", "close-fails").text == f"turn {turn}: again"
    assert [r["message"] for r in tight.records() if r.get("errorMessage") == "cannot close"]


def test_a_failing_open_poisons_nothing(tight: Server) -> None:
    replies = tight.client.together([(f"prompt {n}", "open-fails") for n in range(8)])
    failed = [reply for reply in replies if reply.error]
    assert len(failed) == 1
    assert "cannot open" not in failed[0].error
    numbers = sorted(int(reply.text.split()[1].strip(":")) for reply in replies if reply.text)
    assert numbers == [1, 2, 3, *[4] * 4]
