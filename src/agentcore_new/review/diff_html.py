"""The changes as one page that needs nothing else: filtered, unified or side by side."""

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files

import jinja2

from agentcore_new.review.changes import Changes, Hunk
from agentcore_new.review.diff_text import KINDS, summary, tables


def html(changes: Changes, options: dict[str, list[str]]) -> str:
    """Return the page.

    Args:
        changes: What it shows.
        options: The values of each option that can be filtered by.
    """
    folder = files("agentcore_new.review")
    style = (folder / "diff.css").read_text(encoding="utf-8")
    script = (folder / "diff.js").read_text(encoding="utf-8")
    # Everything from the templates is escaped, and should that fail, nothing but this script runs.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string((folder / "diff.html.jinja").read_text(encoding="utf-8"))
    return page.render(
        changes=changes,
        summary=summary(changes),
        tables=tables(changes),
        kinds=KINDS,
        options=options,
        lacks=lambda hunk: " ".join(_lacks(hunk, options)),
        numbered=_numbered,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _lacks(hunk: Hunk, options: dict[str, list[str]]) -> Iterator[str]:
    """Yield the values with which no project has the hunk."""
    for name, present in hunk.where.common:
        for value in options.get(name, ()):
            if value not in present:
                yield f"{name}={value}"


def _numbered(hunk: Hunk) -> Iterator[tuple[str, str, str, str]]:
    """Yield class, number before, number now and text of each line."""
    before, after = hunk.before, hunk.after
    for line in hunk.lines:
        mark, text = line[0], line[1:]
        if mark == "-":
            yield "removed", str(before), "", text
        elif mark == "+":
            yield "added", "", str(after), text
        else:
            yield "same", str(before), str(after), text
        before += mark != "+"
        after += mark != "-"
