"""A browser for the tests of the page, and a watch over what the page does in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from browser import find_browser
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# what a machine without a network and a screen needs
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)
# A browser says so of every answer that is an error.
EXPECTED = "Failed to load resource"


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS.split())
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What pages asked for, and what they complained of."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self._asked(request.url))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", lambda message: self._said(message.type, message.text))

    def _asked(self, url: str) -> None:
        where = urlsplit(url)
        if where.scheme != "data" and where.hostname != "127.0.0.1":
            self.complaints.append(f"asked for {url}")

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and EXPECTED not in text:
            self.complaints.append(text)


def say(page: Page, prompt: str) -> None:
    """Type it where the page expects it."""
    expect(page.get_by_label("Prompt")).to_be_focused()
    page.keyboard.type(prompt)
    page.keyboard.press("Enter")


@contextmanager
def opener(browser: Browser) -> "Iterator[Callable[..., Page]]":
    """Give what opens a page in a context of its own, which must not complain."""
    contexts: list[BrowserContext] = []
    watch = Watch()

    def open_page(
        url: str,
        *,
        width: int = 1300,
        height: int = 800,
        is_dark: bool = False,
        is_still: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce" if is_still else "no-preference",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch.over(context)
        page = context.new_page()
        page.goto(url)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert not watch.complaints
