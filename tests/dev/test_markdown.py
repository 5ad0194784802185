"""What becomes of an answer: Markdown is shown, and nothing in it runs or is loaded."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentcore_new.dev.markdown import LONGEST, render

TAGS = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span", "strong"}
TAGS |= {"table", "tbody", "td", "th", "thead", "tr", "ul", *(f"h{size}" for size in range(1, 7))}
ATTRIBUTES = {
    "a": {"href", "target", "rel", "title"},
    "span": {"class", "title"},
    "td": {"class"},
    "th": {"class"},
    "code": {"class"},
    "ol": {"start"},
}


class Elements(HTMLParser):
    """The elements of a text, with their attributes, as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("a comment", {"text": data}))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("a declaration", {"text": decl}))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.found if tag == "a"]


def assert_harmless(text: str) -> Elements:
    elements = Elements(render(text))
    for tag, attributes in elements.found:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), tag
        if tag == "a" and attributes:
            assert re.match(r"(https?://|mailto:)", attributes["href"] or "", re.IGNORECASE)
            assert (attributes["target"], attributes["rel"]) == ("_blank", "noopener noreferrer")
    return elements


HOSTILE = [
    "<script>alert(1)</script>",
    "<script\n>alert(1)",
    "a <b onmouseover=alert(1)>b</b>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<style>*{display:none}</style>",
    "<iframe src='javascript:alert(1)'>",
    "<!-- --><!DOCTYPE x><?php ?><![CDATA[<script>alert(1)</script>]]>",
    "</div></article><script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](/api/machines/restart)",
    "[x](//example.com/x)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x] [y][x]",
    "![x](javascript:alert(1))",
    "![x](https://example.com/pixel.png)",
    "![x][y]\n\n[y]: data:image/png;base64,AAAA 'a\"><script>'",
    '![x](https://example.com/" onerror="alert(1))',
    "![<script>alert(1)</script>](https://example.com/x.png 'y')",
    "[![x](https://example.com/x.png)](javascript:alert(1))",
    '[x](https://example.com/"onclick="alert(1))',
    "[x](https://example.com 'a\" onclick=\"alert(1)')",
    "[x](https://example.com/?a=<script>)",
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>",
    "`<script>alert(1)</script>",
    "> - 1. <script>alert(1)</script>\n> - `",
    "| <script> | [x](javascript:alert(1)) |\n|:-:|-:|\n| <img src=x onerror=alert(1)> | b |",
    "**<script>** ~~<b onclick=x>~~",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x00<script>\ufeff</script>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_an_answer_runs(text: str) -> None:
    assert_harmless(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_nor_does_any_beginning_of_it(text: str) -> None:
    for end in range(len(text)):
        assert_harmless(text[:end])


PIECES = ["<", ">", "[", "](", ")", "!", "`", "```", "javascript:", "https://a.b", '"', "'", "&#"]
PIECES += [
    "<script>",
    "\n",
    "\n\n",
    "    ",
    "| a |",
    "|-|",
    "> ",
    "- ",
    "x",
    "~~",
    "**",
    "data:",
    "\t",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=200))
@example("<" * 300)
def test_whatever_it_is_made_of(text: str) -> None:
    assert_harmless(text)


def test_it_is_markdown() -> None:
    text = (
        "# Title\n\nSome *soft* and **strong** words, ~~gone~~.\n\n3. three\n4. four\n\n"
        "> said\n\n```python\nif a < b: ...\n```\n\n| a | b |\n|:-:|--:|\n| 1 | 2 |\n"
    )
    html = render(text)
    for part in (
        "<h1>Title</h1>",
        "<em>soft</em>",
        "<strong>strong</strong>",
        "<s>gone</s>",
        '<ol start="3">',
        "<blockquote>",
        '<code class="language-python">if a &lt; b: ...\n</code>',
        '<th class="center">a</th>',
        '<td class="right">2</td>',
    ):
        assert part in html
    # the policy of the page forbids it
    assert "style=" not in html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[x](https://example.com/a?b=c)", "https://example.com/a?b=c"),
        ("[x](HTTP://example.com)", "HTTP://example.com"),
        ("<https://example.com>", "https://example.com"),
        ("<ada@example.com>", "mailto:ada@example.com"),
        ("[x]\n\n[x]: https://example.com", "https://example.com"),
    ],
)
def test_links_lead_elsewhere(text: str, address: str) -> None:
    assert assert_harmless(text).links == [address]


def test_an_image_is_its_name() -> None:
    elements = assert_harmless("See ![a **tall** tower](https://example.com/x.png)!")
    assert elements.text.strip() == "See a tall tower!"
    assert elements.found[1] == ("span", {"class": "image", "title": "https://example.com/x.png"})


def test_what_is_not_allowed_stays_readable() -> None:
    elements = assert_harmless("<script>alert(1)</script> [x](javascript:alert(1))")
    assert elements.text.strip() == "<script>alert(1)</script> [x](javascript:alert(1))"


def test_a_fence_that_is_not_closed_yet_is_code_already() -> None:
    assert render("so:\n\n```py\nx = '<b>'\n") == (
        "<p>so:</p>\n<pre><code class=\"language-py\">x = '&lt;b&gt;'\n</code></pre>\n"
    )


def test_a_very_long_answer_is_shown_as_it_is() -> None:
    text = "*a* <b>" * LONGEST
    assert Elements(render(text)).found == [("pre", {})]
    assert Elements(render(text)).text.strip() == text


def test_no_text_takes_long() -> None:
    def seconds(text: str) -> float:
        start = time.process_time()
        render(text[:LONGEST])
        return time.process_time() - start

    ordinary = (
        "Some *text* with `code`, [a link](https://example.com) and **more** of it.\n\n- x\n\n"
    )
    usual = seconds(ordinary * 1_000)
    for piece in (
        "[",
        "![",
        "*a",
        "> ",
        "<",
        "|a",
        "~~a ",
        "[a](<",
        "&",
        "a\n",
        "- ",
        "**a *",
        "`a",
    ):
        assert seconds(piece * LONGEST) < 20 * usual, piece
