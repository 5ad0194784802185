"""The page with the whole command behind it, used by clicking and typing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contract.environments import python_of
from contract.projects import Variant
from playwright.sync_api import Browser, Page, expect

from dev.browsing import launched, opener, say
from dev.running import Dev, dev, quick_agent, with_python

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("page")]

Open = Callable[..., Page]

SECONDS = 30_000  # ms


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=SECONDS)
    with launched() as browser:
        yield browser
    expect.set_options(timeout=None)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    with opener(browser) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home-of-dev")


@pytest.fixture(scope="module")
def quick(home: Path) -> Iterator[Dev]:
    with dev(quick_agent(home / "agent"), home=home) as running:
        yield running


def url(running: Dev) -> str:
    return f"http://127.0.0.1:{running.port}/"


def answers(page: Page, expected: list[str | re.Pattern[str]]) -> None:
    expect(page.locator(".rendered")).to_have_text(expected)


def test_two_sessions_have_a_machine_each(quick: Dev, opened: Open) -> None:
    one, other = opened(url(quick)), opened(url(quick))
    for page in (one, other):
        say(page, "hello")
        answers(page, [re.compile(r"turn 1 of \d+: hello")])
        expect(page.get_by_role("tabpanel")).to_contain_text("Ready")
    assert one.locator(".rendered").inner_text() != other.locator(".rendered").inner_text()
    expect(one.locator(".session .dot.ready")).to_have_count(2)


def test_an_answer_streams_and_is_stopped(quick: Dev, opened: Open, home: Path) -> None:
    page = opened(url(quick))
    say(page, "stream **one** @more two @never")
    answers(page, ["one"])
    (home / "more").touch()
    answers(page, ["one @more two"])
    expect(page.locator(".turn .state")).to_have_text("running")
    page.keyboard.press("Escape")
    expect(page.locator(".turn .state")).to_have_text("stopped")
    page.keyboard.press("Alt+t")
    events = page.locator(".events code")
    expect(events).to_have_text(['"**one** "', '"@more "', '"two "'])


def test_a_killed_agent_without_a_store_forgets(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    for turn in (1, 2):
        say(page, "hello")
        expect(page.locator(".rendered").last).to_contain_text(f"turn {turn} of")
    log = page.get_by_label("Log of the machine")
    expect(log).to_contain_text("started as ['main.py']")
    page.get_by_role("button", name="kill -9").click()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("Ended")
    expect(panel.locator(".why")).to_contain_text("killed")
    page.get_by_label("Prompt").focus()
    say(page, "hello")
    expect(page.locator(".rendered").last).to_contain_text("turn 1 of")
    expect(page.locator(".other")).to_have_count(1)


def test_a_machine_that_dies_in_a_turn(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    say(page, "die 3")
    expect(page.locator(".failure")).to_be_visible()
    expect(page.get_by_role("tabpanel")).to_contain_text("Ended")
    expect(page.get_by_role("tabpanel").locator(".why")).to_contain_text("3")


def test_an_error_of_the_agent_is_a_424_to_the_caller(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    say(page, "status 503")
    failure = page.locator(".failure")
    expect(failure).to_contain_text("424")
    expect(failure).to_contain_text("The agent itself answered 503")
    expect(failure.locator("pre")).to_contain_text('"error": "status 503"')
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".failure")).to_have_count(2)


def test_user_and_tenant_reach_the_agent(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    page.keyboard.press("Alt+Shift+n")
    page.get_by_label("User").fill("ada")
    page.get_by_label("Tenant").fill("acme")
    page.keyboard.press("Enter")
    say(page, "headers")
    answer = page.locator(".rendered")
    for part in ("Runtime-User-Id", "ada", "Runtime-Custom-Tenant-Id", "acme"):
        expect(answer).to_contain_text(part)


def test_a_reply_with_script_and_markdown_in_it(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    script = "<script>document.title='run'</script><img src=x onerror=document.title='run'>"
    say(page, f"**bold** {script} [x](javascript:run())")
    answer = page.locator(".rendered")
    expect(answer.locator("strong")).to_have_text("bold")
    expect(answer).to_contain_text(script)
    assert answer.locator("script, img, a").count() == 0
    assert "run" not in page.title()


def test_restart_all_and_reload_of_the_page(quick: Dev, opened: Open) -> None:
    page = opened(url(quick))
    say(page, "hello")
    expect(page.locator(".rendered")).to_contain_text("turn 1 of")
    page.get_by_role("button", name="Restart all").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("All were started anew.")
    page.reload()
    expect(page.locator(".rendered")).to_contain_text("turn 1 of")
    expect(page.get_by_role("tabpanel")).to_contain_text("All were started anew.")


def test_a_syntax_error_is_a_banner_until_the_next_good_save(
    home: Path, opened: Open, tmp_path: Path
) -> None:
    folder = quick_agent(tmp_path / "agent")
    with dev(folder, home=home) as running:
        page = opened(url(running))
        say(page, "hello")
        expect(page.locator(".rendered")).to_contain_text("turn 1 of")
        main = folder / "main.py"
        good = main.read_text("utf-8")
        main.write_text(good.replace('word == "status"', 'word == ("status"'), "utf-8")
        banner = page.locator(".problem")
        expect(banner).to_contain_text("Syntax error")
        line = good[: good.index('word == "status"')].count("\n") + 1
        expect(banner).to_contain_text(f"main.py:{line}")
        expect(banner.locator("pre")).to_contain_text('if word == ("status":')
        main.write_text(good.replace("turn {", "new turn {"), "utf-8")
        expect(banner).to_have_count(0)
        expect(page.get_by_role("status")).to_contain_text("Reloaded in")
        page.get_by_label("Prompt").focus()
        say(page, "hello")
        expect(page.locator(".rendered").last).to_contain_text("new turn 1 of")


def test_a_killed_agent_with_a_store_recalls(home: Path, opened: Open, tmp_path: Path) -> None:
    variant = Variant("strands", "bedrock", stream=True, transcript=True, store="sqlite")
    folder = with_python(variant.write(tmp_path / "agent"), python_of("strands"))
    with dev(folder, "--offline", home=home) as running:
        page = opened(url(running))
        page.keyboard.press("Alt+Shift+n")
        page.get_by_label("User").fill("ada")
        page.keyboard.press("Enter")
        say(page, "What is 2 + 3?")
        expect(page.locator(".turn .state")).to_have_text("done 200")
        page.get_by_role("button", name="kill -9").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("Ended")
        page.get_by_label("Prompt").focus()
        say(page, "hello")
        expect(page.locator(".turn .state").last).to_have_text("done 200")
        expect(page.locator(".rendered").last).to_contain_text("turn 2")
        page.keyboard.press("Alt+h")
        panel = page.get_by_role("tabpanel")
        ask = panel.get_by_role("button", name="Ask", exact=True)
        ask.first.click()
        expect(panel).to_contain_text(
            "The agent recalls 2 prompts; this page saw 2 answered turns."
        )
        expect(panel.locator(".messages .user p")).to_have_text(["What is 2 + 3?", "hello"])
        ask.first.click()
        expect(panel).to_contain_text("Status")
        ask.first.click()
        expect(panel.locator(".kept")).to_contain_text("What is 2 + 3?")
        panel.get_by_role("button", name="Forget").click()
        page.get_by_role("dialog").get_by_role("button", name="Forget").click()
        expect(page.locator(".notices")).to_contain_text("has forgotten 4 messages")
        ask.first.click()
        expect(panel).to_contain_text("The agent recalls 0 prompts")
