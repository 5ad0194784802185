"""The page in a real browser: what it shows, what it hides, and that it runs nothing."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import find_browser

from agentcore_new.options import Value
from agentcore_new.review.changes import Commit, HunkLine, Who
from agentcore_new.review.comparison import compare
from agentcore_new.review.diff_html import html
from agentcore_new.review.edition import Edition
from agentcore_new.review.rendering import Project
from agentcore_new.review.within_lines import segments

real = pytest.mark.real

# what a machine without a network and a screen needs
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update --virtual-time-budget=5000"
)
HOSTILE = (
    "</td></table></script><script>document.title = 'run'</script>"
    "<img src=x onerror=\"document.title = 'run'\"><a href='javascript:run()'>{{ 7 * 7 }}"
)
NEW_FILE = f'"><img src=x onerror="{HOSTILE}.md'
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
LONG_WORD = "whole" * 40
SUBJECT = "The subject of a commit"


def edition(
    name: str, files: Callable[[dict[str, Value]], dict[str, str]], **options: Sequence[Value]
) -> Edition:
    """An edition whose projects are made by a function of their combination."""
    combinations = [
        dict(zip(options, values, strict=True)) for values in product(*options.values())
    ]
    catalogue: dict[str, Any] = {
        "frameworks": [{"name": each, "title": f"The {each} SDK"} for each in options["framework"]],
        "options": [
            {"name": each, "values": list(values), "default": values[0]}
            for each, values in options.items()
        ],
    }
    projects = tuple(Project(each, files(each)) for each in combinations)
    return Edition(name, catalogue, projects, {})


def pyproject(requirement: str) -> str:
    return f'[project]\ndependencies = ["{requirement}"]\n'


def before(_: object) -> dict[str, str]:
    return {
        "main.py": "one\ntwo\nthree\ncalls = connect(old, 1)\n",
        "README.md": "text\n",
        "pyproject.toml": pyproject("package>=1"),
    }


def after(combination: dict[str, Value]) -> dict[str, str]:
    framework, stream = combination["framework"], combination["stream"]
    return {
        "main.py": f"one\n{'TWO' if stream else 'two'}\nthree\ncalls = connect(new, 1)\n"
        + ("only z\n" if framework == "z" else ""),
        "README.md": f"{HOSTILE if framework == 'y' else 'text'}\n",
        NEW_FILE: f"{LONG_WORD}\n",
        "pyproject.toml": pyproject("package>=2" if framework == "x" else "package>=1"),
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    old = edition(HOSTILE, before, framework="xy", stream=(False, True))
    new = edition("now", after, framework="xyz", stream=(False, True))
    file = tmp_path_factory.mktemp("page") / "diff.html"
    changes = compare(old, new, [Commit("abc1234", SUBJECT)])
    file.write_text(html(changes, new.options), encoding="utf-8")
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


def dumped(page: Path, folder: Path, *flags: str, **chosen: str) -> str:
    """Open the page with these filters, as a link to it would."""
    done = subprocess.run(
        [
            find_browser() or "chromium",
            *FLAGS.split(),
            *flags,
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
    return done.stdout


def opened(page: Path, folder: Path, **chosen: str) -> Document:
    return Document(dumped(page, folder, **chosen))


def driven(page: Path, folder: Path, script: str) -> Any:
    """Let a script use the page, as somebody would, and return what it gives to `report`."""
    # The policy lets no script run but the page's own.
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    driver = (
        "<pre id=report></pre><script>const report = (found) =>"
        " { document.getElementById('report').textContent = JSON.stringify(found); };"
        f"{script}</script>"
    )
    file = folder / "driven.html"
    file.write_text(text.replace("</body>", f"{driver}</body>"), encoding="utf-8")
    found = re.search(r'<pre id="report">(.*?)</pre>', dumped(file, folder), re.DOTALL)
    assert found
    return json.loads(unescape(found[1]))


@real
def test_what_is_in_a_template_is_shown_and_not_run(page: Path, tmp_path: Path) -> None:
    document = opened(page, tmp_path)
    assert document.title == f"What users get, compared with {HOSTILE}"
    assert "img" not in document.tags
    assert document.tags.count("script") == 1
    assert HOSTILE in document.shown
    # in the index, and above its lines
    assert document.shown.count(f"{NEW_FILE} (new file)") == 2


@real
def test_should_an_escape_fail_the_policy_still_forbids_it(page: Path, tmp_path: Path) -> None:
    broken = page.with_name("broken.html")
    text = page.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main>", f"<main>{HOSTILE}"), encoding="utf-8")
    document = opened(broken, tmp_path)
    assert "img" in document.tags
    assert document.title != "run"
    # and without the policy it would have run
    broken.write_text(POLICY.sub("", broken.read_text(encoding="utf-8")), encoding="utf-8")
    assert opened(broken, tmp_path).title == "run"


def test_it_needs_nothing_from_outside(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # no attribute that leads anywhere but within the page; text that looks like one is escaped
    tags = re.findall(r"<[a-z][^>]*>", text)
    links = re.findall(r'\b(?:src|href|action)="([^"]*)"', " ".join(tags))
    assert {link[0] for link in links} == {"#"}
    assert "url(" not in text
    assert "@import" not in text


def test_what_attributes_say_is_escaped() -> None:
    quotes = "'\"><img src=x>"
    old = edition("base", lambda _: {}, framework=(quotes, "y"))
    new = edition("now", lambda each: {quotes: str(each)}, framework=(quotes, "y"))
    text = html(compare(old, new), new.options)
    assert "<img" not in text
    assert "framework" in text


# What the filters leave: the rows of tables, and the lines, with some words of each.
DEPENDENCY, NEWCOMER, CHOICE = "package>=2", "framework z", "frameworks.z.title"
EVERYTHING = [DEPENDENCY, NEWCOMER, CHOICE, SUBJECT, "TWO", "only z", HOSTILE, LONG_WORD]
FILTERED: list[tuple[dict[str, str], list[str]]] = [
    ({}, EVERYTHING),
    ({"framework": "x"}, [DEPENDENCY, SUBJECT, "TWO", LONG_WORD]),
    ({"framework": "y"}, [SUBJECT, "TWO", HOSTILE, LONG_WORD]),
    # what a new value has in common with the others is not its own
    ({"framework": "z"}, [NEWCOMER, CHOICE, SUBJECT, "only z"]),
    ({"option": "stream=true"}, EVERYTHING),
    ({"option": "stream=false"}, [each for each in EVERYTHING if each != "TWO"]),
    ({"framework": "x", "option": "stream=false"}, [DEPENDENCY, SUBJECT, LONG_WORD]),
    ({"file": "MAIN"}, [NEWCOMER, "TWO", "only z"]),
    ({"file": "pyproject"}, [DEPENDENCY]),
    ({"framework": "x", "file": "readme"}, []),
    ({"file": "readme", "view": "split"}, [HOSTILE]),
]


@real
def test_filters_hide_rows_in_every_table(page: Path, tmp_path: Path) -> None:
    chosen = [each for each, _ in FILTERED]
    found = driven(
        page,
        tmp_path,
        f"const chosen = {json.dumps(chosen)};"
        """
        const isShown = (each) => !each.closest("[hidden]");
        const texts = (selector) => [...document.querySelectorAll(selector)]
            .filter(isShown).map((each) => each.textContent);
        report(chosen.map((fields) => {
            form.reset();
            for (const name in fields) form.elements[name].value = fields[name];
            form.dispatchEvent(new Event("input"));
            return {
                query: location.search,
                rows: [...texts(".facts:not(#index) tbody tr"), ...texts(".run > div")],
                index: texts("#index tr a"),
                files: texts("article h2"),
                count: document.getElementById("shown").textContent,
                hunks: texts(".hunk").length,
            };
        }));
        """,
    )
    for (fields, expected), result in zip(FILTERED, found, strict=True):
        for text in EVERYTHING:
            assert any(text in row for row in result["rows"]) == (text in expected), (fields, text)
        assert result["index"] == result["files"], fields
        assert result["count"].startswith(f"{result['hunks']} of "), fields
        assert result["query"] == (f"?{urlencode(fields)}" if fields else ""), fields


@real
def test_a_link_has_the_filters_in_it(page: Path, tmp_path: Path) -> None:
    chosen = {"framework": "x", "option": "stream=true", "file": "main", "view": "split"}
    shown = opened(page, tmp_path, **chosen).shown
    assert "TWO" in shown
    assert not {HOSTILE, "only z", LONG_WORD, SUBJECT} & {*shown}
    # around a change the lines stand on both sides, what changes on one
    assert [shown.count(line) for line in ("one", "TWO")] == [2, 1]


@real
def test_what_was_seen_is_folded_and_stays_so_over_a_reload(page: Path, tmp_path: Path) -> None:
    found = driven(
        page,
        tmp_path,
        """
        const state = () => ({
            open: articles.map((each) => each.querySelector("details").open),
            checked: articles.map((each) => each.querySelector("input").checked),
            dimmed: indexRows.map((each) => each.className),
            count: document.getElementById("seen").textContent,
        });
        const states = JSON.parse(sessionStorage.getItem("states") ?? "[]");
        const press = (id) => { document.getElementById(id).click(); states.push(state()); };
        if (states.length === 0) {
            states.push(state());
            articles[0].querySelector("input").click();
            states.push(state());
            sessionStorage.setItem("states", JSON.stringify(states));
            location.reload();
        } else {
            states.push(state());
            press("fold");
            press("unfold");
            const style = getComputedStyle(header);
            const room = getComputedStyle(document.documentElement).scrollPaddingTop;
            report({
                states,
                header: [style.position, style.backgroundColor, style.opacity, style.zIndex],
                padding: parseInt(room),
                height: header.offsetHeight,
            });
        }
        """,
    )
    first, seen, reloaded, folded, unfolded = found["states"]
    files = len(first["open"])
    assert all(first["open"])
    assert not any(first["checked"])
    assert first["count"] == f"0 of {files} files seen"
    assert seen == reloaded
    assert seen["open"] == [False, *[True] * (files - 1)]
    assert seen["checked"] == [True, *[False] * (files - 1)]
    assert seen["dimmed"] == ["seen", *[""] * (files - 1)]
    assert seen["count"] == f"1 of {files} files seen"
    assert not any(folded["open"])
    assert all(unfolded["open"])
    # Nothing shines through the header or lies above it, and links lead below it.
    position, background, opacity, layer = found["header"]
    assert (position, opacity) == ("sticky", "1")
    assert background.startswith("rgb(")
    assert int(layer) > 0
    assert found["padding"] >= found["height"] > 0


@real
@pytest.mark.parametrize("view", ["", "split"])
def test_a_narrow_window_needs_no_scrolling_sideways(page: Path, tmp_path: Path, view: str) -> None:
    # A window of the browser cannot be as narrow; a frame can.
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe width="400" height="800" src="{page.as_uri()}?view={view}"></iframe><script>'
        """
        addEventListener("load", () => {
            const { document: shown, innerWidth, innerHeight } = frames[0];
            const fits = (each) => each.scrollWidth <= each.clientWidth;
            // What is wider than a hunk would be cut off.
            const isNarrow = shown.documentElement.scrollWidth <= innerWidth
                && [...shown.querySelectorAll("h1, h3, .run > div")].every(fits);
            const isLow = shown.querySelector("header").offsetHeight < innerHeight / 6;
            document.title = `${innerWidth} ${isNarrow} ${isLow}`;
        });
        </script>""",
        encoding="utf-8",
    )
    text = dumped(frame, tmp_path, "--allow-file-access-from-files")
    assert Document(text).title == "400 true true"


def test_what_changed_in_a_line_is_marked(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert '<div class="removed">calls = connect(<mark>old</mark>, 1)</div>' in text
    assert '<div class="added">calls = connect(<mark>new</mark>, 1)</div>' in text
    # of lines that have nothing in common there is nothing to mark
    assert '<div class="added">TWO</div>' in text


def lines(*texts: str) -> list[HunkLine]:
    everybody = Who("all")
    return [HunkLine(text[0], text[1:], None if text[0] == " " else everybody) for text in texts]


@pytest.mark.parametrize(
    ("hunk", "marked"),
    [
        (["-a = f(x)", "+a = f(y)"], ["x", "y"]),
        (["-a = f(x)", "+# why", "+a = f(y)"], ["x", "", "y"]),
        (["-a = f(x)", " ", "+a = f(y)"], ["", "", ""]),
        (["-    something", "+    different"], ["", ""]),
        (["-a, b = 1", "-c, d = 2", "+c, d = 3", "+a, b = 4"], ["1", "2", "3", "4"]),
        (["-", "+"], ["", ""]),
    ],
)
def test_lines_are_paired_with_those_like_them(hunk: list[str], marked: list[str]) -> None:
    found = segments(lines(*hunk))
    assert ["".join(text for text, _ in each) for each in found] == [each[1:] for each in hunk]
    assert ["".join(text for text, is_new in each if is_new) for each in found] == marked


def test_lines_of_the_same_projects_are_paired_first() -> None:
    one, other = Who("one"), Who("other")
    found = segments(
        [
            HunkLine("-", "a = f(x, 1)", one),
            HunkLine("-", "a = f(y, 2)", other),
            HunkLine("+", "a = f(x, 3)", other),
            HunkLine("+", "a = f(y, 4)", one),
        ]
    )
    assert [[text for text, is_new in each if is_new] for each in found] == [
        ["x", "1"],
        ["y", "2"],
        ["x", "3"],
        ["y", "4"],
    ]


def test_each_hunk_and_each_file_has_a_link_of_its_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    ids = re.findall(r'<section class="hunk" id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 3
    assert re.findall(r'<h3><a href="#([^"]+)"', text) == ids
    files = re.findall(r'<article class="[a-z]+" id="([^"]+)"', text)
    assert len(files) == len(set(files)) > 3
    assert re.findall(r'<td data-column="file"><a href="#([^"]+)"', text) == files


def test_of_a_large_change_whole_files_are_folded() -> None:
    def files(mapping: Mapping[str, int]) -> Callable[[object], dict[str, str]]:
        return lambda _: {path: "line\n" * count for path, count in mapping.items()}

    old = edition("base", files({"a.py": 1}), framework="x")
    for count, is_open in ((10, True), (2_000, False)):
        new = edition("now", files({"a.py": 2, "b.py": count}), framework="x")
        text = html(compare(old, new), new.options)
        assert re.findall(r"<article class=\"(\w+)\".*?<details( open)?>", text, re.DOTALL) == [
            ("changed", " open"),
            ("added", " open" if is_open else ""),
        ]


def test_an_edition_without_a_change_has_a_page() -> None:
    one = Edition("base", {"frameworks": [], "options": []}, (Project({"framework": "x"}, {}),), {})
    assert "Nothing is different in any file." in html(compare(one, one), one.options)
