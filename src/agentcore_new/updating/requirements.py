"""Requirements that stand in each other's way as lines, and do not as a list of packages."""

import re
from collections.abc import Iterable

FILE = "pyproject.toml"
HUNK = re.compile(
    rb"^<{7} [^\n]*\n(?P<yours>(?:[^\n]*\n)*?)"
    rb"\|{7} [^\n]*\n(?P<base>(?:[^\n]*\n)*?)"
    rb"={7}\n(?P<theirs>(?:[^\n]*\n)*?)"
    rb">{7} [^\n]*\n",
    re.M,
)
# A line of an array: a requirement in quotes, and the comma behind it.
REQUIREMENT = re.compile(
    rb"""\s*(?P<quote>["'])(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)[^"']*(?P=quote)\s*,\s*(#.*)?"""
)

Lines = dict[bytes, bytes]


def resolved(merged: bytes) -> bytes:
    """Return `merged` without the conflicts in which each requirement changed on one side alone."""
    return HUNK.sub(_resolution, merged)


def has_markers(data: bytes) -> bool:
    """Return whether a conflict is left."""
    return HUNK.search(data) is not None


def _resolution(hunk: re.Match[bytes]) -> bytes:
    yours, base, theirs = (
        _by_name(hunk[side].splitlines()) for side in ("yours", "base", "theirs")
    )
    if yours is None or base is None or theirs is None:
        return hunk[0]
    chosen: dict[bytes, bytes | None] = {}
    for name in {**theirs, **yours, **base}:
        mine, were, new = yours.get(name), base.get(name), theirs.get(name)
        if mine != were and new not in (were, mine):
            return hunk[0]
        chosen[name] = new if mine == were else mine
    lines = [line for name in _order(yours, theirs) if (line := chosen[name]) is not None]
    return b"".join(line + b"\n" for line in lines)


def _by_name(lines: Iterable[bytes]) -> Lines | None:
    """Return each line by the package that it is of; None if one is of none, or two are of one."""
    found: Lines = {}
    for line in lines:
        match = REQUIREMENT.fullmatch(line)
        name = match and re.sub(rb"[-_.]+", b"-", match["name"]).lower()
        if not name or name in found:
            return None
        found[name] = line
    return found


def _order(yours: Lines, theirs: Lines) -> list[bytes]:
    """Return all names as theirs are, each of yours alone behind the one that it stood behind."""
    order = list(theirs)
    above = None
    for name in yours:
        if name not in order:
            order.insert(order.index(above) + 1 if above in order else 0, name)
        above = name
    return order
