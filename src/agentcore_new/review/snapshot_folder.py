"""What is committed of what is rendered, the snapshots first of all: compared, and rewritten."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path, PurePosixPath
from typing import Literal

from agentcore_new.review.checkout import SNAPSHOTS

Kind = Literal["missing", "changed", "left over"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A snapshot, or another committed file, that is not what is rendered.

    Args:
        path: Below its folder.
        kept: What is on disk; None if nothing is.
        rendered: What should be; None if nothing should.
        folder: The folder, below the top of the checkout.
    """

    path: str
    kept: bytes | None
    rendered: bytes | None
    folder: str = SNAPSHOTS

    @property
    def kind(self) -> Kind:
        """What is wrong with it."""
        if self.kept is None:
            return "missing"
        return "left over" if self.rendered is None else "changed"

    def diff(self) -> list[str]:
        """Return the lines of a unified diff, from what is kept to what is rendered."""
        return list(
            unified_diff(
                _lines(self.kept),
                _lines(self.rendered),
                (PurePosixPath(self.folder) / self.path).as_posix(),
                "as rendered",
                lineterm="",
            )
        )


def differences(root: Path, planned: Mapping[str, str]) -> list[Difference]:
    """Compare the snapshots with what `snapshots.plan` returned; nothing is written.

    Args:
        root: The top of the checkout.
        planned: The text of each snapshot by its path.
    """
    folder = root / SNAPSHOTS
    kept = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    rendered = {path: text.encode() for path, text in planned.items()}
    return [
        Difference(path, kept.get(path), rendered.get(path))
        for path in sorted(kept.keys() | rendered.keys())
        if kept.get(path) != rendered.get(path)
    ]


def difference(root: Path, path: str, text: str) -> list[Difference]:
    """Compare one file at the top of the checkout with its text; nothing is written."""
    file = root / path
    kept = file.read_bytes() if file.is_file() else None
    rendered = text.encode()
    return [] if kept == rendered else [Difference(path, kept, rendered, folder="")]


def write(root: Path, found: Iterable[Difference]) -> None:
    """Make all that differs what is rendered; folders that are empty then are removed."""
    for each in found:
        folder = root / each.folder
        file = folder / each.path
        if each.rendered is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(each.rendered)
            continue
        file.unlink()
        for parent in file.relative_to(folder).parents:
            if parent.parts and not any((folder / parent).iterdir()):
                (folder / parent).rmdir()


def _lines(content: bytes | None) -> list[str]:
    # Not splitlines: a carriage return or form feed is no line end but something to see.
    lines = (content or b"").decode(errors="backslashreplace").split("\n")
    shown = [line.replace("\r", "\\r") for line in lines[:-1]]
    return [*shown, f"{lines[-1]}\\ (no newline at the end)"] if lines[-1] else shown
