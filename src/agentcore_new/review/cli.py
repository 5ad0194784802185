"""The commands of those who work on the templates: parse, call, print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentcore_new import errors, output, terminal
from agentcore_new.review import checkout

if TYPE_CHECKING:
    from agentcore_new.answers import Answers
    from agentcore_new.review.changes import Changes
    from agentcore_new.review.edition import Edition

app = typer.Typer()
# Of an installed package nobody needs them: there they say what they are for, and are not listed.
HIDDEN = not checkout.is_here()

DIFF_EXAMPLES = """Examples:

\b
  # What this branch changes, in colours; then as a page to click through
  agentcore-new diff
  agentcore-new diff --output diff.html

\b
  # What users of the last release will get
  agentcore-new diff v0.1.0
"""


@app.command(hidden=HIDDEN)
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the templates: every combination of options, the snapshots, and copier.yml.

    For work on the templates, in a clone of their repository.
    """
    from agentcore_new.review import guard, verdict

    found = guard.inspect(checkout.root(), iter if as_json else _with_progress)
    if as_json:
        print(output.as_json(verdict.check_object(found)))
    else:
        terminal.print_diff(verdict.check_lines(found))
    raise typer.Exit(0 if found.holds else 1)


@app.command(hidden=HIDDEN)
def snapshots() -> None:
    """Rewrite the snapshots and copier.yml: accept what the templates and options now give.

    For work on the templates, in a clone of their repository.
    """
    from agentcore_new.review import guard, snapshot_folder, verdict

    root = checkout.root()
    found = guard.unaccepted(root)
    snapshot_folder.write(root, found)
    print("\n".join(verdict.rewritten_lines(found)))


def _with_progress(combinations: Iterable[Answers]) -> Iterator[Answers]:
    return terminal.with_progress(combinations, "Rendering every combination")


class Format(StrEnum):
    """How the changes are written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


SUFFIXES = {
    ".md": Format.MARKDOWN,
    ".json": Format.JSON,
    ".html": Format.HTML,
    ".htm": Format.HTML,
}


@app.command(epilog=DIFF_EXAMPLES, hidden=HIDDEN)
def diff(
    base: Annotated[
        str | None,
        typer.Argument(
            metavar="BASE",
            help="A commit, tag or branch to compare with.",
            show_default="where this branch left the main branch",
        ),
    ] = None,
    style: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How to write it.",
            case_sensitive=False,
            show_default="by the name of --output, else text",
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--output", help="A file to write instead of printing.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Show what users will get that is new: each changed line once, and in which projects.

    For work on the templates, in a clone of their repository. BASE is rendered with its own
    templates and its own code.
    """
    from agentcore_new.review import comparison, edition, repository

    root = checkout.root()
    if note := repository.other_worktree(root, Path.cwd()):
        print(note, file=sys.stderr)
    chosen = Format.JSON if as_json else style or _format_of(to)
    compared = repository.base(root, base)
    before = edition.of_commit(root, compared.commit, compared.name)
    now = edition.of_folder(root, "the working tree")
    commits = repository.commits_since(root, compared.commit, edition.SOURCES)
    found = comparison.compare(before, now, commits)
    if chosen is Format.TEXT and to is None:
        from agentcore_new.review import diff_text

        terminal.print_diff(list(diff_text.lines(found)), paged=True)
        return
    text = _written(chosen, found, now)
    if to is None:
        print(text, end="")
    else:
        _write(to, text)


def _format_of(file: Path | None) -> Format:
    """Return the format that the name of a file asks for."""
    return SUFFIXES.get(file.suffix.lower(), Format.TEXT) if file else Format.TEXT


def _written(style: Format, found: Changes, now: Edition) -> str:
    """Return the changes in one of the formats."""
    if style is Format.MARKDOWN:
        from agentcore_new.review.diff_markdown import markdown

        return markdown(found)
    if style is Format.JSON:
        from agentcore_new.review.diff_json import as_object

        return output.as_json(as_object(found)) + "\n"
    if style is Format.HTML:
        from agentcore_new.review.diff_html import html

        return html(found, now.options)
    from agentcore_new.review.diff_text import lines

    return "\n".join(lines(found)) + "\n"


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise errors.WriteFailed(f"{file} cannot be written: {error.strerror}.") from error
