"""Tables and source text: with rich on a terminal, as plain text anywhere else."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock, Timer
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_interactive() -> bool:
    """Return whether there is somebody to ask, who sees the question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_tables(tables: Sequence[Table]) -> None:
    """Print `tables`, as wide as the terminal is, or as plain columns."""
    if not sys.stdout.isatty():
        print("\n\n".join(plain_table(table) for table in tables))
        return
    # Rich costs more to import than everything else together: only where it is seen.
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    for table in tables:
        shown = RichTable(title=Text(table.title), title_justify="left", box=box.SIMPLE_HEAD)
        for column in table.columns:
            # Cut nothing off: a version or model id is there to be copied.
            shown.add_column(column, overflow="fold")
        for row in table.rows:
            # As Text, for which `[extra]` is no markup.
            shown.add_row(*map(Text, row))
        console.print(shown)


def plain_table(table: Table) -> str:
    """Return `table` as columns of text."""
    rows = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([table.title, *(f"  {line}" for line in lines)])


def print_diff(lines: Sequence[str], *, paged: bool = False) -> None:
    """Print lines of text and unified diffs, those that are added or removed in colour.

    Args:
        lines: What to print.
        paged: More lines than the terminal has are shown by the pager.
    """
    if not sys.stdout.isatty():
        print("\n".join(lines))
        return
    from rich.console import Console
    from rich.text import Text

    styles = {"+": "green", "-": "red", "@": "cyan"}
    console = Console()
    text = Text("\n").join(Text(line, style=styles.get(line[:1], "")) for line in lines)
    with console.pager(styles=True) if paged and len(lines) > console.height else nullcontext():
        console.print(text, soft_wrap=True)


def with_progress(items: Iterable[T], title: str) -> Iterator[T]:
    """Pass `items` on and show how far it is, on a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, title, console=Console(stderr=True), transient=True)


class Patience:
    """Says what is being done, if that takes longer than a moment.

    Args:
        seconds: How long a moment is.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._said = ""
        self._is_shown = False
        self._lock = Lock()
        self._timer = Timer(seconds, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Callable[[str], None]:
        self._timer.start()
        return self._tell

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()

    def _tell(self, said: str) -> None:
        with self._lock:
            self._said = said
            if self._is_shown:
                print(said, file=sys.stderr, flush=True)

    def _show(self) -> None:
        with self._lock:
            self._is_shown = True
            if self._said:
                print(self._said, file=sys.stderr, flush=True)


def print_file(path: str, text: str) -> None:
    """Print the file `path`, with colours on a terminal, and exactly as it is anywhere else."""
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    from rich.console import Console
    from rich.syntax import Syntax

    lexer = Syntax.guess_lexer(path, code=text)
    Console().print(
        Syntax(
            text.removesuffix("\n"),
            lexer,
            theme="ansi_dark",
            background_color="default",
            word_wrap=True,
        )
    )
