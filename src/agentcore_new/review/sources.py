"""Which templates lines of a generated file come from.

Known is which templates were read for a text. Of these the ones are named that have its lines; a
line with substitutions is found by what of it is literal.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from agentcore_new.render import PROJECT_FOLDER, SUFFIX
from agentcore_new.review.edition import Edition

TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
TELLING = 3  # letters and digits of a line, without which it could be from anywhere
LITERAL = 0.5  # the part of a line that a template must have as it is


class Sources:
    """The templates of two editions.

    Args:
        before: Where lines that go come from.
        after: Where lines that come are from.
    """

    def __init__(self, before: Edition, after: Edition) -> None:
        self._editions = {"-": before, "+": after}

    def read(self, mark: str, path: str, text: str | None) -> tuple[str, ...]:
        """Return the templates that were read for a text, the file's own first.

        Args:
            mark: Minus for a text of before, plus for one of now.
            path: The file.
            text: What the file is; None if it is not there.
        """
        own = f"{PROJECT_FOLDER}/{path}"
        templates = self._editions[mark].templates
        known = self._editions[mark].read.get(path, {})
        return known.get(text or "", (own if own in templates else f"{own}{SUFFIX}",))

    def of(self, mark: str, candidates: Sequence[str], lines: Iterable[str]) -> tuple[str, ...]:
        """Return the fewest templates that have all of some lines, as far as that can be told.

        Args:
            mark: Minus for lines that go, plus for lines that come.
            candidates: The templates that were read.
            lines: Those that change; where no template has one, it is from the first.
        """
        templates = self._editions[mark].templates
        left = {line for line in lines if sum(map(str.isalnum, line)) >= TELLING}
        having = {
            name: {line for line in left if _has(templates.get(name, ""), line)}
            for name in candidates
        }
        found: list[str] = []
        while left:
            best = max(candidates, key=lambda name: len(having[name] & left))
            if not having[best] & left:
                break
            found.append(best)
            left -= having[best]
        return tuple(found or candidates[:1])


@cache
def _has(template: str, line: str) -> bool:
    literal, others = _lines(template)
    return line in literal or any(_covers(parts, line) for parts in others)


@cache
def _lines(template: str) -> tuple[frozenset[str], tuple[tuple[str, ...], ...]]:
    """Return the lines that are literal, and the literal parts of the others."""
    lines = template.split("\n")
    parts = (tuple(part for part in TAG.split(line) if part) for line in lines if TAG.search(line))
    return frozenset(lines), tuple(set(parts))


def _covers(parts: Sequence[str], line: str) -> bool:
    """Tell whether enough of a line is in some literal parts, in their order."""
    covered, at = 0, 0
    for part in parts:
        if (start := line.find(part, at)) >= 0:
            covered, at = covered + len(part.strip()), start + len(part)
    return covered >= LITERAL * len(line.strip()) > 0
