"""The page in a real browser: what it shows, what it hides, and that it runs nothing."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import find_browser

from agentcore_new.options import Value
from agentcore_new.review.changes import compare
from agentcore_new.review.diff_html import html
from agentcore_new.review.edition import Edition
from agentcore_new.review.rendering import Project
from review.test_changes import BOOLS, edition

pytestmark = pytest.mark.real

# what a machine without a network and a screen needs
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)
HOSTILE = (
    "</td></table></script><script>document.title = 'run'</script>"
    "<img src=x onerror=\"document.title = 'run'\"><a href='javascript:run()'>{{ 7 * 7 }}"
)


def before(_: object) -> dict[str, str]:
    return {"main.py": "one\ntwo\nthree\n", "README.md": "text\n"}


def after(combination: dict[str, Value]) -> dict[str, str]:
    stream = combination["stream"]
    return {
        "main.py": f"one\n{'TWO' if stream else 'two'}\nthree\nfour\n",
        "README.md": f"{HOSTILE if combination['framework'] == 'y' else 'text'}\n",
        f'"><img src=x onerror="{HOSTILE}.md': "new\n",
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    old = edition(before, framework="xy", stream=BOOLS)
    new = edition(after, framework="xy", stream=BOOLS)
    named = Edition(HOSTILE, old.catalogue, old.projects)
    file = tmp_path_factory.mktemp("page") / "diff.html"
    file.write_text(html(compare(named, new), new.options), encoding="utf-8")
    return file


class Document(HTMLParser):
    """What of a page can be seen, once its script has run."""

    VOID = ("meta", "input", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title = ""
        self.shown: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        hidden = "hidden" in dict(attrs) or (bool(self._open) and self._open[-1][1])
        if tag not in self.VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title":
            self.title += data
        elif data.strip() and self._open and not self._open[-1][1]:
            self.shown.append(data)


def opened(page: Path, folder: Path, **chosen: str) -> Document:
    """Open the page with these filters, as a link to it would."""
    done = subprocess.run(
        [
            find_browser() or "chromium",
            *FLAGS.split(),
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            f"{page.as_uri()}?{urlencode(chosen)}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    return Document(done.stdout)


def test_what_is_in_a_template_is_shown_and_not_run(page: Path, tmp_path: Path) -> None:
    document = opened(page, tmp_path)
    assert document.title == f"What users get, compared with {HOSTILE}"
    assert "img" not in document.tags
    assert document.tags.count("script") == 1
    assert HOSTILE in document.shown
    assert f'"><img src=x onerror="{HOSTILE}.md (new file) ' in document.shown


def test_should_an_escape_fail_the_policy_still_forbids_it(page: Path, tmp_path: Path) -> None:
    broken = page.with_name("broken.html")
    text = page.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main>", f"<main>{HOSTILE}"), encoding="utf-8")
    document = opened(broken, tmp_path)
    assert "img" in document.tags
    assert document.title != "run"
    # and without the policy it would have run
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    broken.write_text(policy.sub("", broken.read_text(encoding="utf-8")), encoding="utf-8")
    assert opened(broken, tmp_path).title == "run"


def test_it_needs_nothing_from_outside(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # no attribute that leads anywhere but within the page; text that looks like one is escaped
    tags = re.findall(r"<[a-z][^>]*>", text)
    links = re.findall(r'\b(?:src|href|action)="([^"]*)"', " ".join(tags))
    assert {link[0] for link in links} == {"#"}
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize(
    ("chosen", "shown", "hidden"),
    [
        ({}, ["TWO", "four", HOSTILE], []),
        ({"framework": "x"}, ["TWO", "four"], [HOSTILE]),
        ({"framework": "y"}, ["TWO", "four", HOSTILE], []),
        ({"option": "stream=false"}, ["four", HOSTILE], ["TWO"]),
        ({"option": "stream=true"}, ["TWO", "four", HOSTILE], []),
        ({"file": "MAIN"}, ["TWO", "four"], [HOSTILE, "new"]),
        ({"file": "readme", "framework": "x"}, [], ["TWO", "four", HOSTILE, "new"]),
        ({"view": "split"}, ["TWO", "four", HOSTILE], []),
        ({"view": "split", "option": "stream=false"}, ["four", HOSTILE], ["TWO"]),
    ],
    ids=lambda value: urlencode(value) if isinstance(value, dict) else "",
)
def test_filters_hide_what_is_not_asked_for(
    page: Path, tmp_path: Path, chosen: dict[str, str], shown: list[str], hidden: list[str]
) -> None:
    seen = opened(page, tmp_path, **chosen).shown
    for text in shown:
        assert text in seen
    for text in hidden:
        assert text not in seen


def test_each_hunk_has_a_link_of_its_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    ids = re.findall(r'<section class="hunk" id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 3
    assert re.findall(r'<h3><a href="#([^"]+)"', text) == ids


def test_the_sides_show_the_same_lines_beside_each_other(page: Path, tmp_path: Path) -> None:
    seen = opened(page, tmp_path, view="split", file="main.py", option="stream=true").shown
    assert seen.count("two") == 1
    assert seen.index("TWO") == seen.index("two") + 2  # the number of the line is between them


def test_a_project_of_one_combination_has_a_page() -> None:
    one = Edition("base", {"frameworks": [], "options": []}, (Project({"framework": "x"}, {}),))
    assert "Nothing is different in any file." in html(compare(one, one), one.options)
