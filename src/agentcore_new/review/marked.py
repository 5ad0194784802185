"""A union as a text to be read: marks say which projects have the lines between them.

The marks are comments of the language, `#if stream` to `#end`, nested where one set is part of
another; a file that some projects do not have begins with `#only stream`. A line that looks like a
mark is written behind one of its own, `#text `.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from agentcore_new.errors import Error
from agentcore_new.options import Value
from agentcore_new.review.cube import Combination, Cube
from agentcore_new.review.union import Line, lines
from agentcore_new.review.words import holds, words

NEGATION = "not "
NO_NEWLINE = "no newline"


@dataclass(frozen=True, slots=True)
class Marks:
    """How marks look in a language: as its comments, and unlike what a formatter leaves."""

    begin: str
    end: str
    text: str

    def line(self, words: str) -> str:
        """Return the mark that says this."""
        return f"{self.begin}{words}{self.end}\n"

    def escaped(self, line: str) -> str:
        """Return a line of a project so that it is no mark."""
        is_taken = self.parsed(line)[0] or line.startswith(self.text)
        return f"{self.text}{line}" if is_taken else line

    def unescaped(self, line: str) -> str:
        """Return the line of a project again."""
        return line.removeprefix(self.text)

    def parsed(self, line: str) -> tuple[str, str]:
        """Return what a mark is and what it says; two empty texts for what is none."""
        words = line.removesuffix("\n").removeprefix(self.begin).removesuffix(self.end)
        if self.line(words) == line:
            kind, _, told = words.partition(" ")
            if kind in ("only", "if", "elif") and told:
                return kind, told
            if words in ("else", "end", NO_NEWLINE):
                return words, ""
        return "", ""


COMMENT = Marks("#", "", "#text ")
HTML_COMMENT = Marks("<!--", "-->", "<!--text-->")


@dataclass(frozen=True, slots=True)
class Run:
    """Lines one after the other that the same cells have."""

    lines: tuple[str, ...]
    some: int


def marked(path: str, cube: Cube, union: Sequence[Line], present: int, within: int) -> str:
    """Return the union as a text with marks.

    Args:
        path: The file, which tells the language.
        cube: The combinations.
        union: The lines of all of them.
        present: The cells that have the file.
        within: The cells that a reader expects to have it.
    """
    marks = _marks(path)
    head = [] if present == within else [marks.line(f"only {words(cube, present, within)}")]
    return "".join([*head, *_blocks(marks, cube, _runs(union), present)])


def restored(
    path: str, text: str, axes: Mapping[str, Sequence[Value]], combination: Combination
) -> str | None:
    """Return the text that one combination has, from a text with marks; None if it has none.

    Args:
        path: The file, which tells the language.
        text: What `marked` returned.
        axes: All values of each option.
        combination: A value of each option.

    Raises:
        Error: The marks are not those of a union.
    """
    marks = _marks(path)
    found: list[str] = []
    shown = [True]  # whether the lines of each open block are those of the combination
    met = [True]  # whether a branch of it was
    for kind, told, line in _read(marks, text):
        if kind == "only":
            if not holds(told, axes, combination):
                return None
        elif kind == "if":
            shown.append(holds(told, axes, combination))
            met.append(shown[-1])
        elif kind in ("elif", "else", "end") and len(shown) == 1:
            raise Error(f"{path} has a mark without its beginning: {line.strip()}")
        elif kind in ("elif", "else"):
            shown[-1] = not met[-1] and (kind == "else" or holds(told, axes, combination))
            met[-1] = met[-1] or shown[-1]
        elif kind == "end":
            shown.pop()
            met.pop()
        elif all(shown):
            if kind == NO_NEWLINE:
                found[-1] = found[-1].removesuffix("\n")
            else:
                found.append(line)
    if len(shown) > 1:
        raise Error(f"{path} has a mark without its end.")
    return "".join(found)


# Of all combinations, one after the other, each restores the same few texts.
@lru_cache(maxsize=256)
def _read(marks: Marks, text: str) -> tuple[tuple[str, str, str], ...]:
    """Return of each line what `parsed` says of it, and what it is in a project."""
    return tuple((*marks.parsed(line), marks.unescaped(line)) for line in lines(text))


def _marks(path: str) -> Marks:
    return HTML_COMMENT if PurePosixPath(path).suffix in {".md", ".html"} else COMMENT


def _runs(union: Sequence[Line]) -> list[Run]:
    runs: list[Run] = []
    start = 0
    for number, (_, some) in enumerate(union):
        if number + 1 == len(union) or union[number + 1][1] != some:
            runs.append(Run(tuple(line for line, _ in union[start : number + 1]), some))
            start = number + 1
    return runs


def _blocks(marks: Marks, cube: Cube, runs: Sequence[Run], within: int) -> Iterator[str]:
    """Yield the lines of `runs` and their marks, inside of a block that only `within` have."""
    met, branches = 0, 0  # the cells of the branches so far, and how many these are
    while runs:
        some, size = _branch(runs, within)
        if branches and (some == within or some & met):
            yield marks.line("end")
            met, branches = 0, 0
        if some != within:
            told = words(cube, some, within)
            # Of two alternatives the second is the rest, if one is told as what the other is not.
            alternatives = (told, words(cube, met, within))
            is_rest = branches == 1 and some == within & ~met
            is_rest = is_rest and any(each.startswith(NEGATION) for each in alternatives)
            yield marks.line("else" if is_rest else f"{'elif' if branches else 'if'} {told}")
            met, branches = met | some, branches + 1
            yield from _blocks(marks, cube, runs[:size], some)
        else:
            for line in runs[0].lines:
                yield from _line(marks, line)
        runs = runs[size:]
    if branches:
        yield marks.line("end")


def _branch(runs: Sequence[Run], within: int) -> tuple[int, int]:
    """Return the cells of the largest block that begins here, and how many runs are in it."""
    best, size = runs[0].some, 1
    for run in runs:
        if run.some == within:
            break
        if not runs[0].some & ~run.some:
            count = next((n for n, each in enumerate(runs) if each.some & ~run.some), len(runs))
            if count > size and any(each is run for each in runs[:count]):
                best, size = run.some, count
    return best, size


def _line(marks: Marks, line: str) -> Iterator[str]:
    yield marks.escaped(line if line.endswith("\n") else f"{line}\n")
    if not line.endswith("\n"):
        yield marks.line(NO_NEWLINE)
