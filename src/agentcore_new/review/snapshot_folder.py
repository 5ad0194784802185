"""The folder of snapshots on disk: compared with what is rendered, and rewritten."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Literal

Kind = Literal["missing", "changed", "left over"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A snapshot that is not what is rendered.

    Args:
        path: Below the folder of the snapshots.
        kept: What is on disk; None if nothing is.
        rendered: What should be; None if nothing should.
    """

    path: str
    kept: bytes | None
    rendered: bytes | None

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
                f"snapshots/{self.path}",
                "as rendered",
                lineterm="",
            )
        )


def differences(folder: Path, planned: Mapping[str, str]) -> list[Difference]:
    """Compare the folder with what `snapshots.plan` returned; nothing is written."""
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


def write(folder: Path, found: Iterable[Difference]) -> None:
    """Make the folder what is rendered; folders that are empty then are removed."""
    for difference in found:
        file = folder / difference.path
        if difference.rendered is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(difference.rendered)
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
