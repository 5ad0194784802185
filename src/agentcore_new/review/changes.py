"""What users get that is new, between two editions, as plain records."""

from dataclasses import dataclass
from typing import Literal

from agentcore_new.review.catalogue_changes import ChoiceChange

NO_NEWLINE = "\\ (no newline at the end)"
Kind = Literal["changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Who:
    """Which projects have something.

    Args:
        words: Their options, in the shortest words.
        options: The options of which they have not all values, with those that they have.
    """

    words: str
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class HunkLine:
    """A line of a hunk.

    Args:
        mark: Blank for one around the change, minus or plus.
        text: The line without its end.
        who: Which projects lose or gain it; None for one around the change.
        newline: Whether it has an end; if not, NO_NEWLINE stands behind the text.
    """

    mark: str
    text: str
    who: Who | None = None
    newline: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that change together.

    Args:
        line: The number of the first line that changes, in the first project that has it.
        who: Which projects have a part of it.
        templates: What the lines come from.
        lines: The lines, and some around them.
        line_before: Whether the line has that number before: it is there no more.
        line_with: Whose projects have it at that number, of those that get it; empty for all.
    """

    line: int
    who: Who
    templates: tuple[str, ...]
    lines: tuple[HunkLine, ...]
    line_before: bool = False
    line_with: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What is new in one file."""

    path: str
    kind: Kind
    who: Who
    hunks: tuple[Hunk, ...]

    @property
    def added(self) -> int:
        """How many lines its hunks add."""
        return sum(line.mark == "+" for hunk in self.hunks for line in hunk.lines)

    @property
    def removed(self) -> int:
        """How many lines its hunks remove."""
        return sum(line.mark == "-" for hunk in self.hunks for line in hunk.lines)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A new value of a choice, and what its projects share with those of the other values.

    Args:
        option: The choice.
        value: The new value.
        shared: How many files have no line of its own.
        own: The other files.
        lacking: How many lines of its files it lacks that all others have.
        missing: The files that it does not have, and all others do.
    """

    option: str
    value: str
    shared: int
    own: tuple[str, ...]
    lacking: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DependencyChange:
    """A dependency that has another version, has come or gone.

    Args:
        group: `dependencies`, or the name of an extra.
        name: Of the package.
        before: What was required; None if nothing was.
        after: What is required; None if nothing is.
        who: Which projects have the change.
    """

    group: str
    name: str
    before: str | None
    after: str | None
    who: Who


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit since the base that changed what users get, or may have."""

    sha: str
    subject: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that is new from one edition to the next.

    Args:
        base: The name of the edition before.
        combinations: How many there are now.
        commits: Those in between.
        choices: What can be chosen.
        newcomers: New values of a choice.
        dependencies: What the projects require.
        files: What is in the files, changed ones first.
    """

    base: str
    combinations: int
    commits: tuple[Commit, ...]
    choices: tuple[ChoiceChange, ...]
    newcomers: tuple[Newcomer, ...]
    dependencies: tuple[DependencyChange, ...]
    files: tuple[FileChange, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.choices or self.newcomers or self.dependencies or self.files)
