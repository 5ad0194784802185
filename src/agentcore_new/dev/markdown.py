"""What an agent answers, from Markdown to HTML that is safe to put into the page."""

from collections.abc import MutableMapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

SCHEMES = ("http://", "https://", "mailto:")

# What is longer is shown as it is: to render it for each piece of a stream takes too long.
LONGEST = 50_000


def render(text: str) -> str:
    """Return Markdown as HTML in which nothing runs, and which loads nothing."""
    if len(text) > LONGEST:
        return f"<pre>{escape(text)}</pre>\n"
    return str(_parser().render(text))


class _Renderer(RendererHTML):
    """Links lead out of the page, images are names, and nothing has a style of its own."""

    def link_open(
        self,
        tokens: Sequence[Token],
        index: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        """Open links elsewhere, without telling where they were."""
        if not tokens[index].attrGet("href"):
            return "<a>"  # to nowhere
        tokens[index].attrSet("target", "_blank")
        tokens[index].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, index, options, env)

    def image(
        self,
        tokens: Sequence[Token],
        index: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        """Say what an image shows, and on request where it is."""
        token = tokens[index]
        shown = self.renderInlineAsText(token.children or [], options, env) or "image"
        where = escape(str(token.attrGet("src") or ""))
        return f'<span class="image" title="{where}">{escape(shown)}</span>'

    def td_open(
        self,
        tokens: Sequence[Token],
        index: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        """Align a cell by its class: the page's policy forbids styles in attributes."""
        token = tokens[index]
        style = token.attrs.pop("style", None)
        if style is not None:
            token.attrSet("class", str(style).rpartition(":")[2])
        return self.renderToken(tokens, index, options, env)

    th_open = td_open


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - of the library
        """Let only links to elsewhere be links; the rest stays the text that it was."""
        return url.strip().lower().startswith(SCHEMES)


@cache
def _parser() -> MarkdownIt:
    parser = _Markdown("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"])
