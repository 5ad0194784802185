"""Tables and source text: with rich on a terminal, as plain text anywhere else."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass


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
