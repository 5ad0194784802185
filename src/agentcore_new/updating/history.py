"""The templates of every release, as they were: `history.xz`, which only ever grows.

Its JSON has each text once, by path, so that those that are alike lie side by side when it is
compressed; a release says which of the texts it has. `review/freezing.py` appends to it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentcore_new.errors import CannotUpdate
from agentcore_new.updating.edition import Edition

FILE = Path(__file__).with_name("history.xz")


@dataclass(frozen=True, slots=True)
class History:
    """Every released state of the templates.

    Args:
        texts: Of each path, the texts that it has had, the oldest first.
        releases: Of each version, the oldest first, the number of the text that a path has.
    """

    texts: Mapping[str, tuple[str, ...]]
    releases: Mapping[str, Mapping[str, int]]

    def __contains__(self, version: str) -> bool:
        return version in self.releases

    def __iter__(self) -> Iterator[str]:
        return iter(self.releases)

    def files(self, version: str) -> dict[str, str]:
        """Return the frozen files of a release, by path."""
        return {path: self.texts[path][number] for path, number in self.releases[version].items()}

    def edition(self, version: str) -> Edition:
        """Return what renders the projects of a release."""
        return Edition(self.files(version))

    def with_release(self, version: str, files: Mapping[str, str]) -> "History":
        """Return this history and one more release; nothing of what there is changes."""
        texts = dict(self.texts)
        numbers = {}
        for path, text in sorted(files.items()):
            known = texts.get(path, ())
            texts[path] = known if text in known else (*known, text)
            numbers[path] = texts[path].index(text)
        return History(dict(sorted(texts.items())), {**self.releases, version: numbers})


def read(file: Path) -> History:
    """Return the history in a file.

    Raises:
        CannotUpdate: This Python cannot decompress it.
    """
    content: dict[str, Any] = json.loads(_lzma().decompress(file.read_bytes()))
    texts = {path: tuple(known) for path, known in content["texts"].items()}
    return History(texts, content["releases"])


def write(file: Path, history: History) -> None:
    """Write a history to a file."""
    content = {"texts": history.texts, "releases": history.releases}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    lzma = _lzma()
    file.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


@cache
def packaged() -> History:
    """Return the history that this package has."""
    return read(FILE)


def _lzma() -> Any:  # noqa: ANN401 - a module
    try:
        import lzma
    except ImportError as error:  # a Python that was built where there was no liblzma
        raise CannotUpdate(
            "This Python has no lzma, with which the earlier templates are compressed.",
            hint="Install agentcore-new for another one, such as uv's own.",
        ) from error
    return lzma
