"""The page in a real browser, with a stand-in for the front."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from agentcore_new.dev.markdown import render
from dev.browsing import launched, opener, say
from dev.stand_in import StandIn

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("page")]

Open = Callable[..., Page]

HOSTILE = (
    "</p></textarea></script><script>document.title = 'run'</script>"
    "<img src=x onerror=\"document.title = 'run'\">[x](javascript:run()) ${7 * 7} 'quoted\""
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def front() -> Iterator[StandIn]:
    with StandIn().serving() as front:
        yield front


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    with opener(browser) as open_page:
        yield open_page


def at(front: StandIn, session: dict[str, Any]) -> str:
    return f"{front.url}#{session['id']}"


def test_the_first_prompt_opens_a_session(front: StandIn, opened: Open) -> None:
    page = opened(front.url)
    front.says["hello"] = ["Some **strong", "** words"]
    expect(page.get_by_label("Prompt")).to_be_focused()
    say(page, "hello")
    turn = page.get_by_role("article")
    expect(turn.locator("strong")).to_have_text("strong")
    expect(turn.locator(".rendered")).to_have_text("Some strong words")
    expect(turn.locator(".state")).to_have_text("done 200")
    [session] = front.sessions.values()
    expect(page.locator("[aria-current]")).to_contain_text(session["id"][:8])
    assert page.url == at(front, session)
    prompt = page.get_by_label("Prompt")
    expect(prompt).to_have_value("")
    expect(prompt).to_be_focused()
    say(page, "again")
    expect(page.get_by_role("article")).to_have_count(2)
    assert len(front.sessions) == 1


def test_an_answer_is_shown_as_it_comes_and_can_be_stopped(front: StandIn, opened: Open) -> None:
    session = front.session()
    page = opened(at(front, session))
    front.says["go on"] = ["one ", "two"]
    front.waits.add("go on")
    say(page, "go on")
    turn = page.get_by_role("article")
    expect(turn.locator(".rendered")).to_have_text("one two")
    expect(turn).to_have_attribute("aria-busy", "true")
    expect(page.locator(".session .running")).to_have_text("running")
    page.keyboard.press("Escape")
    expect(turn.locator(".state")).to_have_text("stopped")
    expect(turn.locator(".rendered")).to_have_text("one two")
    assert ("POST", "/api/turns/1/stop", {}) in front.asked
    front.waits.clear()
    turn.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("article").last.locator(".state")).to_have_text("done 200")
    assert [each["prompt"] for each in front.turns.values()] == ["go on", "go on"]


def test_what_has_been_selected_stays_selected_while_more_comes(
    front: StandIn, opened: Open
) -> None:
    session = front.session()
    turn = front.turn(session, "p", "first block\n\nsecond", state="running")
    page = opened(at(front, session))
    page.locator(".rendered p").first.select_text()

    def more() -> None:
        turn["text"] += " grows\n\nthird"
        turn["html"] = render(turn["text"])
        front.tell_turn(turn)

    front.do(more)
    expect(page.locator(".rendered p")).to_have_text(["first block", "second grows", "third"])
    assert page.evaluate("String(getSelection())") == "first block"


def test_two_sessions_side_by_side(front: StandIn, opened: Open) -> None:
    one, other = front.session("one"), front.session("other")
    pages = [opened(at(front, each)) for each in (one, other)]
    for page, prompt in zip(pages, ("to one", "to other"), strict=True):
        say(page, prompt)
    for page, prompt in zip(pages, ("to one", "to other"), strict=True):
        expect(page.locator(".rendered")).to_have_text([prompt])
        expect(page.locator(".session .about")).to_have_text(["1 turn", "1 turn"])
    pages[0].get_by_role("button", name="other").click()
    expect(pages[0].locator(".rendered")).to_have_text(["to other"])
    expect(pages[0].get_by_role("heading", name="other")).to_be_visible()


def test_an_error_is_shown_as_what_it_is(front: StandIn, opened: Open) -> None:
    session = front.session()
    front.says["fail"] = []
    front.fails["fail"] = {
        "state": "failed",
        "status": 424,
        "error": "The agent answered with an error.",
        "original": {"status": 503, "body": json.dumps({"error": HOSTILE})},
    }
    page = opened(at(front, session))
    say(page, "fail")
    failure = page.locator(".failure")
    expect(failure).to_contain_text("424 The agent answered with an error.")
    expect(failure).to_contain_text("The agent itself answered 503; AgentCore makes a 424 of it")
    assert json.loads(failure.locator("pre").inner_text()) == {"error": HOSTILE}


def test_untrusted_text_never_runs(front: StandIn, opened: Open) -> None:
    session = front.session(HOSTILE, user=HOSTILE, tenant=HOSTILE, machine=front.machine(1))
    session["machine"]["why"] = HOSTILE
    front.agent["name"] = front.agent["folder"] = HOSTILE
    front.log[1] = f"\x1b[31m{HOSTILE}\x1b[0m"
    front.calls = [
        {"name": HOSTILE, "kind": HOSTILE, "start": 0, "seconds": 1, "failed": True, "tokens": None}
    ]
    front.turn(
        session,
        HOSTILE,
        f"{HOSTILE}\n\n```{HOSTILE}\n{HOSTILE}",
        state="failed",
        error=HOSTILE,
        original={"status": 400, "body": HOSTILE},
        tools=[{"name": HOSTILE, "seconds": None, "failed": False}],
        pieces=[{"at": 0.1, "data": HOSTILE}],
    )
    message = {"role": HOSTILE, "message": HOSTILE, "timestamp": HOSTILE}
    front.actions = {
        "history": {"status": 200, "body": {"messages": [message], "before": None}},
        "status": {"status": 500, "body": {"error": HOSTILE}},
        "sessions": {
            "status": 200,
            "body": {
                "sessions": [{"session_id": "x", "first_line": HOSTILE, "last_used": HOSTILE}]
            },
        },
    }
    front.problem = {"line": 1, "log": [HOSTILE]}
    front.problem |= dict.fromkeys(("kind", "message", "file", "text", "hint"), HOSTILE)
    page = opened(at(front, session))
    expect(page.get_by_label("Log of the machine")).to_have_text(HOSTILE)
    front.do(lambda: front.tell({"type": "notice", "text": HOSTILE}))
    expect(page.locator(".notices")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Details").click()
    expect(page.locator(".events")).to_contain_text(HOSTILE)
    page.get_by_role("tab", name="Memory").click()
    for title in ("History", "Status", "Kept sessions"):
        page.get_by_role("button", name=f"Ask: {title}").click()
    expect(page.locator(".kept")).to_contain_text(HOSTILE)
    expect(page.locator(".messages")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Name")).to_have_value(HOSTILE)
    assert page.title() == f"{HOSTILE} · {HOSTILE}"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("a").count() == 0


def test_should_html_slip_through_the_policy_still_forbids_it(
    front: StandIn, browser: Browser
) -> None:
    session = front.session()
    front.turn(session, "p", html=f"<p>shown</p>{HOSTILE}")
    # this one complains, of the script that was not run
    context = browser.new_context()
    page = context.new_page()
    page.goto(at(front, session))
    expect(page.locator(".rendered p").first).to_have_text("shown")
    expect(page.locator(".rendered img")).to_have_count(1)
    assert "run" not in page.title()
    context.close()


def test_a_link_opens_elsewhere_and_an_image_is_not_loaded(front: StandIn, opened: Open) -> None:
    session = front.session()
    front.turn(session, "p", "[there](https://example.com/) ![a tower](https://example.com/x.png)")
    page = opened(at(front, session))
    link = page.get_by_role("link", name="there")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.locator(".image")).to_have_text("a tower")


def test_sessions_are_made_renamed_and_deleted(front: StandIn, opened: Open) -> None:
    page = opened(front.url)
    page.get_by_role("button", name="New session with").click()
    for label, text in (("Name", "trip"), ("User", "ada"), ("Tenant", "acme")):
        page.get_by_label(label, exact=True).fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("[aria-current]")).to_contain_text("trip")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label("Prompt")).to_be_focused()
    [session] = front.sessions.values()
    assert (session["name"], session["user"], session["tenant"]) == ("trip", "ada", "acme")
    # the next one is of the same user
    page.keyboard.press("Alt+n")
    expect(page.locator(".session")).to_have_count(2)
    expect(page.locator("[aria-current]")).not_to_contain_text("trip")
    assert [each["user"] for each in front.sessions.values()] == ["ada", "ada"]
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+r")
    expect(page.get_by_label("Name", exact=True)).to_have_value("trip")
    page.get_by_label("Name", exact=True).fill("journey")
    page.get_by_label("Tenant", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-current] .name")).to_have_text("journey")
    assert (session["name"], session["user"], session["tenant"]) == ("journey", "ada", None)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert session["id"] in front.sessions
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".session")).to_have_count(1)
    assert session["id"] not in front.sessions


def test_what_the_front_refuses_is_said_and_nothing_is_lost(front: StandIn, opened: Open) -> None:
    page = opened(front.url)
    page.keyboard.press("Alt+Shift+n")
    page.get_by_label("Session id").fill("too-short")
    page.keyboard.press("Enter")
    expect(page.locator(".notices")).to_contain_text("The session id is too short.")
    expect(page.get_by_label("Session id")).to_have_value("too-short")
    page.get_by_role("button", name="Cancel").click()
    session = front.session()
    page.goto(at(front, session))
    page.route("**/turns", lambda route: route.abort())
    page.get_by_label("Prompt").fill("keep this")
    page.keyboard.press("Enter")
    expect(page.locator(".notices")).to_contain_text("The front does not answer.")
    expect(page.get_by_label("Prompt")).to_have_value("keep this")


def test_the_machine_of_a_session(front: StandIn, opened: Open) -> None:
    session = front.session(machine=front.machine(7, age=58.9, idle=3.0))
    front.log[7] = "started\n"
    page = opened(at(front, session))
    panel = page.get_by_role("tabpanel")
    for text in ("Ready", "machine 7", "40007", "Healthy", "84.3 MB"):
        expect(panel).to_contain_text(text)
    # what counts goes on by itself
    expect(panel).to_contain_text("1 min")
    expect(panel).to_contain_text(re.compile(r"Idle for [4-9] s of 15 min"))
    log = page.get_by_label("Log of the machine")
    expect(log).to_have_text("started\n")
    front.do(lambda: front.log.update({7: "started\n" + "a line\n" * 200 + "the last"}))
    expect(log).to_contain_text("the last")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 5
    page.get_by_role("button", name="kill -9").click()
    expect(panel).to_contain_text("Ended")
    expect(panel).to_contain_text("Killed from the page (SIGKILL).")
    expect(page.get_by_role("button", name="kill -9")).to_be_disabled()
    expect(page.get_by_role("img", name="machine ended")).to_be_visible()
    page.get_by_role("button", name="Restart all").click()
    expect(page.get_by_role("button", name="Stop this machine")).to_be_disabled()
    assert [path for _, path, _ in front.asked] == [
        "/api/machines/7/kill",
        "/api/machines/restart",
    ]


def test_a_log_of_json_can_be_read(front: StandIn, opened: Open) -> None:
    session = front.session(machine=front.machine(1))
    line: dict[str, Any] = {
        "timestamp": "2026-11-26T12:02:17.003Z",
        "level": "ERROR",
        "message": "It failed",
    }
    line |= {"logger": "bedrock_agentcore.app", "stackTrace": ["Traceback\n", "KeyError\n"]}
    lines = [json.dumps(line), "{'no': json}", '{"other": 1}', "plain"]
    front.log[1] = "\n".join(lines)
    page = opened(at(front, session))
    log = page.get_by_label("Log of the machine")
    expect(log).to_contain_text("ERROR It failed\nTraceback\nKeyError\n{'no': json}")
    expect(log).to_contain_text('{"other": 1}\nplain')
    page.get_by_role("button", name="As it is").click()
    expect(log).to_have_text("\n".join(lines))


def test_a_conversation_shows_where_its_machine_changed(front: StandIn, opened: Open) -> None:
    session = front.session()
    for number in (1, 1, 2):
        front.turn(session, "p", "text", machine=number)
    page = opened(at(front, session))
    expect(page.locator(".turns > .turn, .turns > .other")).to_have_count(4)
    expect(page.locator(".other + .turn")).to_have_attribute("aria-label", "Turn 3")


def test_one_process_for_all(opened: Open) -> None:
    with StandIn(per_session=False).serving() as front:
        front.machines = [front.machine(3, state="stopping"), front.machine(1)]
        session = front.session()
        page = opened(at(front, session))
        expect(page.get_by_role("tabpanel")).to_contain_text("machine 1")
        expect(page.get_by_text("One process has all sessions")).to_be_visible()


def test_a_turn_as_it_went_over_the_wire(front: StandIn, opened: Open) -> None:
    session = front.session()
    front.says["hello"] = ["data: one", "data: two"]
    front.tools["hello"] = [{"name": "add", "seconds": 0.25, "failed": False}]
    front.calls = [
        {"name": "gpt", "kind": "model", "start": 0.1, "seconds": 0.5, "failed": False}
        | {"tokens": [12, 3]},
        {"name": "add", "kind": "tool", "start": 0.6, "seconds": 0.25, "failed": True}
        | {"tokens": None},
    ]
    page = opened(at(front, session))
    say(page, "hello")
    expect(page.get_by_label("Tool calls")).to_have_text(re.compile(r"add\s+0.25 s"))
    page.keyboard.press("Alt+t")
    panel = page.get_by_role("tabpanel")
    expect(panel.locator(".events code")).to_have_text(["data: one", "data: two"])
    expect(panel.locator(".events .at").first).to_have_text(re.compile(r"\+\d\.\d{3}"))
    for text in ("POST /invocations", '"prompt": "hello"', "X-Amz-Date", "no header of x-amz-*"):
        expect(panel).to_contain_text(text)
    expect(panel).to_contain_text("content-type")
    expect(panel.locator(".calls li")).to_have_text(
        [re.compile(r"gpt\s+0.50 s, 12 → 3 tokens"), re.compile(r"add\s+failed, 0.25 s")]
    )


def test_what_the_agent_remembers_is_shown_apart(front: StandIn, opened: Open) -> None:
    session = front.session(user="ada")
    for number in range(2):
        front.turn(session, f"prompt {number}", "answer")
    moment = "2026-11-26T11:31:05Z"
    front.actions = {
        "history": {
            "status": 200,
            "body": {
                "messages": [
                    {"role": "user", "message": "prompt 1", "timestamp": moment},
                    {"role": "assistant", "message": "**answer**", "timestamp": moment},
                ],
                "before": None,
            },
        },
        "status": {
            "status": 200,
            "body": {"status": "done", "current_step": "adding", "progress": 40, "issues": ["i"]}
            | {"updated_at": moment},
        },
        "sessions": {
            "status": 200,
            "body": {
                "sessions": [
                    {"session_id": "k" * 40, "first_line": "last week", "last_used": moment},
                    {"session_id": session["id"], "first_line": "prompt 0", "last_used": moment},
                ]
            },
        },
        "forget": {"status": 200, "body": {"forgotten": True, "messages": 2}},
    }
    page = opened(at(front, session))
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("Alt+h")
    panel = page.get_by_role("tabpanel")
    ask = panel.get_by_role("button", name="Ask: ")
    expect(ask).to_have_count(3)
    assert not front.asked  # unless somebody wants it: a machine starts for it
    panel.get_by_role("button", name="Ask: History").click()
    expect(panel).to_contain_text("The agent recalls 1 prompt; this page saw 2 answered turns.")
    expect(panel.locator(".messages p")).to_have_text(["prompt 1", "**answer**"])
    panel.get_by_role("button", name="Ask: Status").click()
    expect(panel).to_contain_text("adding")
    expect(panel.get_by_role("progressbar")).to_have_js_property("value", 40)
    panel.get_by_role("button", name="Ask: Kept sessions of ada").click()
    expect(panel.locator(".kept li")).to_have_count(2)
    panel.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.locator(".notices")).to_contain_text("has forgotten 2 messages")
    expect(panel.locator(".messages")).to_have_count(0)
    panel.get_by_role("button", name="Ask: Kept").click()
    panel.get_by_role("button", name="Add to the list").click()
    expect(page.locator("[aria-current] .name")).to_have_text("last week")
    assert (front.sessions["k" * 40]["user"], len(front.sessions)) == ("ada", 2)
    assert {body["action"] for _, path, body in front.asked if path.endswith("actions")} == {
        "history",
        "status",
        "sessions",
        "forget",
    }


def test_a_long_history_is_read_piece_by_piece(front: StandIn, opened: Open) -> None:
    def piece(text: str, before: str | None) -> dict[str, Any]:
        message = {"role": "user", "message": text, "timestamp": "2026-11-26T11:31:05Z"}
        return {"status": 200, "body": {"messages": [message], "before": before}}

    session = front.session()
    for _ in range(2):
        front.turn(session, "p", "answer")
    front.actions = {"history": piece("later", "x-1-0"), "history before": piece("earlier", None)}
    page = opened(at(front, session))
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("Alt+h")
    page.get_by_role("button", name="Ask: History").click()
    panel = page.get_by_role("tabpanel")
    expect(panel.locator(".messages p")).to_have_text(["later"])
    expect(panel.locator(".compared.less")).to_have_count(0)  # as far as is known
    panel.get_by_role("button", name="Earlier").click()
    expect(panel.locator(".messages p")).to_have_text(["earlier", "later"])
    expect(panel.get_by_role("button", name="Earlier")).to_have_count(0)
    assert front.asked[-1][2] == {"action": "history", "before": "x-1-0"}


def test_a_turn_can_be_sent_again_by_curl(front: StandIn, opened: Open) -> None:
    session = front.session()
    front.turn(session, "it's $HOME", "the **answer**")
    page = opened(at(front, session))
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "the **answer**"
    page.get_by_role("button", name="Details").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("tabpanel").get_by_role("button", name="Copied")).to_be_visible()
    words = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert words[:4] == ["curl", "-N", "-X", "POST"]
    assert words[-1] == f"{front.url}invocations"
    assert json.loads(words[words.index("--data-raw") + 1]) == {"prompt": "it's $HOME"}
    assert "Content-Type: application/json" in words


def test_an_agent_without_actions_is_not_asked_for_them(opened: Open) -> None:
    with StandIn(actions=False).serving() as front:
        page = opened(at(front, front.session()))
        expect(page.get_by_role("tab")).to_have_text(["Machine", "Turn"])


def test_a_problem_is_a_banner_until_it_is_healed(front: StandIn, opened: Open) -> None:
    front.problem = {
        "kind": "syntax",
        "message": "'(' was never closed",
        "file": "agent.py",
        "line": 31,
        "text": "    return sum(costs",
        "hint": None,
        "log": [],
    }
    page = opened(front.url)
    banner = page.get_by_role("alert")
    for text in ("Syntax error", "'(' was never closed", "agent.py:31", "    return sum(costs"):
        expect(banner).to_contain_text(text)
    start: dict[str, Any] = {
        "kind": "start",
        "hint": "Set OPENAI_API_KEY.",
        "log": ["Traceback", "KeyError"],
    }
    start |= {"message": "Exit code 1.", "file": None, "line": None, "text": None}
    front.do(lambda: front.tell({"type": "problem", "problem": start}))
    expect(banner.locator("pre")).to_have_text("Traceback\nKeyError")
    expect(banner).to_contain_text("Set OPENAI_API_KEY.")
    front.do(lambda: front.tell({"type": "problem", "problem": None}))
    front.do(lambda: front.tell({"type": "notice", "text": "Reloaded in 0.4 s"}))
    expect(banner).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("Reloaded in 0.4 s")


def test_the_address_names_the_session(front: StandIn, opened: Open) -> None:
    page = opened(f"{front.url}#{'s' * 40}")
    expect(page.get_by_role("heading", name="Session ssssssss")).to_be_visible()
    assert [*front.sessions] == ["s" * 40]
    page.goto(f"{front.url}#short")
    expect(page.locator(".notices")).to_contain_text("The session id is too short.")
    expect(page.get_by_role("heading", name="New session")).to_be_visible()
    page.goto(f"{front.url}#%")
    expect(page.get_by_role("heading", name="New session")).to_be_visible()


def test_a_reload_loses_nothing(front: StandIn, opened: Open) -> None:
    session, _ = front.session("one"), front.session("other")
    page = opened(at(front, session))
    say(page, "hello")
    expect(page.locator(".rendered")).to_have_text("hello")
    page.keyboard.type("not sent yet")
    page.reload()
    expect(page.locator(".rendered")).to_have_text("hello")
    expect(page.get_by_label("Prompt")).to_have_value("not sent yet")
    expect(page.locator("[aria-current] .name")).to_have_text("one")


def test_a_front_that_starts_again_finds_what_was_there(browser: Browser) -> None:
    # a lost connection is told by the browser as an error
    context = browser.new_context()
    context.set_default_timeout(20_000)
    page = context.new_page()
    with StandIn().serving() as front:
        session, other = front.session("one", user="ada"), front.session("other")
        front.waits.add("go on")
        page.goto(at(front, session))
        for prompt in ("hello", "go on"):
            say(page, prompt)
            expect(page.locator(".rendered").last).to_have_text(prompt)
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.get_by_label("Prompt").fill("meanwhile")
    with StandIn(front.port).serving() as again:
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.locator(".session .name")).to_have_text(["other", "one"])
        expect(page.locator(".rendered")).to_have_text(["hello", "go on"])
        expect(page.locator(".failure")).to_contain_text("The front ended before")
        page.keyboard.press("Enter")
        expect(page.locator(".rendered")).to_have_text(["hello", "go on", "meanwhile"])
        assert again.sessions[session["id"]]["user"] == "ada"
        assert {*again.sessions} == {session["id"], other["id"]}
    context.close()


def test_a_thousand_sessions(front: StandIn, opened: Open) -> None:
    for number in range(1_000):
        front.session(f"session {number}")
    page = opened(front.url)
    expect(page.locator(".session")).to_have_count(1_000)
    find = page.get_by_role("searchbox")
    find.fill("session 77")
    expect(page.locator(".session")).to_have_count(11)
    page.get_by_role("button", name="session 777").click()
    expect(page.get_by_role("heading", name="session 777")).to_be_visible()
    find.fill("")
    page.get_by_label("Prompt").focus()
    say(page, "hello")
    expect(page.locator(".rendered")).to_have_text("hello")
    # one stop for all of them on the way of Tab
    assert page.locator(".session[tabindex='0']").count() == 1
    expect(page.locator("[aria-current]")).to_be_in_viewport()


def test_every_key_does_what_the_list_says(front: StandIn, opened: Open) -> None:
    one, other = front.session("one"), front.session("other")
    front.turn(one, "the last prompt", "answer")
    page = opened(at(front, one))
    prompt, dialog = page.get_by_label("Prompt"), page.get_by_role("dialog")
    expect(page.get_by_role("article")).to_be_visible()
    page.keyboard.press("?")
    expect(dialog.locator("dt")).to_have_count(13)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(prompt).to_be_focused()
    page.keyboard.type("is it ?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("yes")
    expect(prompt).to_have_value("is it ?\nyes")
    assert prompt.evaluate("field => field.scrollHeight <= field.clientHeight")
    prompt.fill("")
    page.keyboard.press("ArrowUp")
    expect(prompt).to_have_value("the last prompt")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("heading", name="other")).to_be_visible()
    expect(prompt).to_have_value("")
    page.keyboard.press("Alt+ArrowDown")
    expect(prompt).to_have_value("the last prompt")
    for key, name in (("t", "Turn"), ("h", "Memory"), ("m", "Machine")):
        page.keyboard.press(f"Alt+{key}")
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Machine").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Turn")).to_be_focused()
    page.keyboard.press("/")
    expect(prompt).to_be_focused()
    # in the list the arrows go from one to the next, and the focus stays there
    page.locator("[aria-current]").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("heading", name="other")).to_be_visible()
    expect(page.locator("[aria-current]")).to_be_focused()
    assert page.url == at(front, other)


def test_everything_is_reached_by_tab_and_seen(front: StandIn, opened: Open) -> None:
    session = front.session("one", machine=front.machine(1))
    front.turn(session, "p", "answer")
    page = opened(at(front, session))
    expect(page.get_by_role("article")).to_be_visible()
    names = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const at = document.activeElement;
                const { outlineStyle, outlineWidth } = getComputedStyle(at);
                return [at.ariaLabel || at.innerText.trim(), `${outlineStyle} ${outlineWidth}`];
            }"""
        )
        if page.evaluate("document.activeElement !== document.body"):
            assert outline == "solid 2px", name
        names.add(name.split("\n")[0])
    assert {"New", "one", "Edit", "Delete", "Retry", "Details", "Machine", "Prompt"} <= names
    assert {"Stop this machine", "kill -9", "Restart all", "Log of the machine"} <= names


@pytest.mark.parametrize("is_dark", [False, True])
def test_it_can_be_used_at_400_pixels(front: StandIn, opened: Open, is_dark: bool) -> None:
    session = front.session("name " * 40, user="u" * 200, machine=front.machine(1))
    text = f"{'long' * 100}\n\n```\n{'x' * 300}\n```\n\n|{'a|' * 30}\n|{'-|' * 30}\n|{'b|' * 30}"
    front.turn(session, "p" * 300, text, machine=1)
    front.log[1] = "l" * 500
    page = opened(at(front, session), width=400, height=700, is_dark=is_dark)
    views = page.get_by_role("group", name="What is shown")
    expect(page.locator(".rendered pre")).to_be_visible()
    prompt = page.get_by_label("Prompt")
    for name, shown in (
        ("Conversation", prompt),
        ("Sessions", page.locator(".session")),
        ("Machine", page.get_by_label("Log of the machine")),
    ):
        views.get_by_role("button", name=name).click()
        expect(shown).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.get_by_role("tab", name="Turn").click()
    views.get_by_role("button", name="Conversation").click()
    page.get_by_role("button", name="Details").click()
    expect(page.locator(".events")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    # whoever opens a session is in its conversation
    views.get_by_role("button", name="Sessions").click()
    page.locator(".session").click()
    expect(prompt).to_be_in_viewport()


def test_light_and_dark(front: StandIn, opened: Open) -> None:
    def contrast(page: Page) -> float:
        expect(page.get_by_role("heading", name="Talk to")).to_be_visible()
        colours = page.evaluate(
            """() => {
                const { color } = getComputedStyle(document.querySelector(".welcome"));
                const { backgroundColor } = getComputedStyle(document.querySelector(".panel.side"));
                return [color, backgroundColor].map((text) => text.match(/\\d+/g).map(Number));
            }"""
        )
        light, dark = sorted((luminance(each) for each in colours), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    pages = [opened(front.url, is_dark=is_dark) for is_dark in (False, True)]
    for page in pages:
        assert contrast(page) > 4.5
    front.session(machine=front.machine(1, state="starting"))
    still = opened(front.url, is_still=True)
    for page, name in ((pages[0], "pulse"), (still, "none")):
        page.reload()
        expect(page.locator(".dot.starting")).to_have_css("animation-name", name)
    backgrounds = {
        page.evaluate("getComputedStyle(document.body).backgroundColor") for page in pages
    }
    assert len(backgrounds) == 2


def luminance(colour: list[int]) -> float:
    """As WCAG counts it."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
