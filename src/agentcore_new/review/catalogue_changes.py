"""What is new in what can be chosen, between two catalogues."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ChoiceChange:
    """A value, default or description of what can be chosen."""

    what: str
    before: str | None
    after: str | None


def choice_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ChoiceChange]:
    """Yield what is in just one of two catalogues, or not the same in both.

    Args:
        before: As `frameworks --json` printed it.
        after: As it prints it now.
    """
    one, other = dict(_flat(before)), dict(_flat(after))
    for what in dict.fromkeys([*one, *other]):
        if one.get(what) != other.get(what):
            yield ChoiceChange(what, one.get(what), other.get(what))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield each value of the catalogue by where it is, as `options.stream.default`."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            # Dependencies have a table of their own, and the version changes with each release.
            if name not in ("ok", "version", "dependencies", "name"):
                yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        rows = list(value)
        if any(isinstance(row, Mapping) for row in rows):
            for row in rows:
                yield from _flat(row, f"{path}.{row['name']}")
        else:
            yield path, ", ".join(map(_shown, rows))
    else:
        yield path, "" if value is None else _shown(value)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
