"""Which templates lines of a generated file come from, by the lines that the templates have."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from agentcore_new.render import PROJECT_FOLDER, SUFFIX


class MarkedLine(Protocol):
    """A line of a change."""

    @property
    def mark(self) -> str:
        """Blank, minus or plus."""

    @property
    def text(self) -> str:
        """The line without its end."""


class Sources:
    """The templates of two editions.

    Args:
        before: The text of each template by its path, where lines that go come from.
        after: The same for lines that come.
    """

    def __init__(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        self._paths = {"-": before.keys(), "+": after.keys()}
        self._with = {"-": _index(before), "+": _index(after)}

    def of(self, path: str, lines: Iterable[MarkedLine]) -> tuple[str, ...]:
        """Return the templates that have the most of the lines that change, word for word.

        Where none has, that is the template of the file itself.

        Args:
            path: The file.
            lines: Those of a change.
        """
        own = f"{PROJECT_FOLDER}/{path}"
        known = {*self._paths["-"], *self._paths["+"]}
        its = own if own in known else f"{own}{SUFFIX}"
        votes: Counter[str] = Counter()
        for line in lines:
            if line.mark in self._with and line.text.strip():
                having = self._with[line.mark].get(line.text, set())
                # Other files' templates have the same line by chance.
                votes.update(
                    {its}
                    if its in having
                    else {each for each in having if not each.startswith(f"{PROJECT_FOLDER}/")}
                )
        most = max(votes.values(), default=0)
        found = sorted(template for template, count in votes.items() if count == most)
        return (its,) if not found or its in found else tuple(found)


def _index(templates: Mapping[str, str]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for path, text in templates.items():
        for line in text.split("\n"):
            index.setdefault(line, set()).add(path)
    return index
