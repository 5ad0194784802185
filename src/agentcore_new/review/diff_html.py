"""The changes as one page that needs nothing else: filtered, folded, unified or side by side."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

import jinja2

from agentcore_new.options import FRAMEWORK
from agentcore_new.review.catalogue_changes import ChoiceChange
from agentcore_new.review.changes import (
    Changes,
    Commit,
    DependencyChange,
    FileChange,
    Hunk,
    Newcomer,
    Who,
)
from agentcore_new.review.dependencies import PYPROJECT
from agentcore_new.review.presenter import Record, groups, heading, sections, summary, tabled
from agentcore_new.review.within_lines import Segment, segments
from agentcore_new.terminal import Table

LONG = 20  # rows, above which a table is folded
LARGE = 1_000  # changed lines, from which on new and removed files are folded
CLASSES = {" ": "same", "-": "removed", "+": "added"}


@dataclass(frozen=True, slots=True)
class Concern:
    """What the filters ask of a part of the page.

    Args:
        who: The values that its projects have, of the options that make a difference.
        paths: The files that it is about; a part that names none is hidden by a filter of files.
    """

    who: Mapping[str, Sequence[str]]
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that all change, or all stay, each with its class and its segments."""

    is_changed: bool
    lines: tuple[tuple[str, tuple[Segment, ...]], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A group of a hunk: the words for who has it, what the filters ask, and its runs."""

    who: str
    concern: Concern
    runs: tuple[Run, ...]


def html(changes: Changes, options: Mapping[str, Sequence[str]]) -> str:
    """Return the page.

    Args:
        changes: What it shows.
        options: The values of each option, the framework among them, to filter by.
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
        base=changes.base,
        summary=summary(changes),
        tables=list(_tables(changes)),
        sections=list(sections(changes)),
        frameworks=options.get(FRAMEWORK.name, ()),
        options={name: values for name, values in options.items() if name != FRAMEWORK.name},
        is_large=sum(file.added + file.removed for file in changes.files) > LARGE,
        long=LONG,
        concern=_concern,
        blocks=_blocks,
        heading=heading,
        key=_key,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _key(file: FileChange) -> str:
    """Return what a file is marked as seen by: once it changes, it was not seen."""
    return hashlib.sha256(repr(file).encode()).hexdigest()[:16]


def _tables(changes: Changes) -> Iterator[tuple[Table, list[tuple[tuple[str, ...], Concern]]]]:
    """Yield each table, and its rows with what they are about."""
    for table, records in tabled(changes):
        rows = zip(table.rows, records, strict=True)
        yield table, [(row, _concern(record)) for row, record in rows]


def _concern(
    record: Record | Who | FileChange,
) -> Concern:
    match record:
        case Who():
            return Concern(dict(record.options))
        case FileChange():
            return Concern(dict(record.who.options), (record.path,))
        case DependencyChange():
            return Concern(dict(record.who.options), (PYPROJECT,))
        case Newcomer():
            return Concern({record.option: (record.value,)}, record.own)
        case ChoiceChange():
            # Of a framework, as in `frameworks.adk.models`; options are there for everybody.
            kind, _, rest = record.what.partition(".")
            its = rest.partition(".")[0]
            return Concern({FRAMEWORK.name: (its,)} if kind == "frameworks" and its else {})
        case Commit():
            return Concern({})


def _blocks(hunk: Hunk) -> Iterator[Block]:
    shown = iter(segments(hunk.lines))
    for group in groups(hunk):
        runs = tuple(
            Run(is_changed, tuple((CLASSES[line.mark], next(shown)) for line in lines))
            for is_changed, lines in groupby(group.lines, lambda line: line.mark != " ")
        )
        first = group.lines[0].who
        yield Block(group.who, Concern(dict(first.options) if group.who and first else {}), runs)
