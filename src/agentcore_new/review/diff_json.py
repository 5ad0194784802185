"""The changes as an object for programs."""

from dataclasses import asdict
from typing import Any

from agentcore_new.review.changes import Changes, Where


def as_object(changes: Changes) -> dict[str, object]:
    """Return all of it; lines have their mark, and each place says whose projects it is in."""
    return {
        "ok": True,
        "base": changes.base,
        "combinations": changes.combinations,
        "changed": bool(changes),
        "options": [asdict(choice) for choice in changes.choices],
        "dependencies": [
            {**_without_where(asdict(each)), **_where(each.where)} for each in changes.dependencies
        ],
        "files": [
            {
                "path": file.path,
                "kind": file.kind,
                "frameworks": list(file.frameworks),
                "hunks": [
                    {**_without_where(asdict(hunk)), **_where(hunk.where)} for hunk in file.hunks
                ],
            }
            for file in changes.files
        ],
    }


def _without_where(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "where"}


def _where(where: Where) -> dict[str, object]:
    return {
        "count": where.count,
        "total": where.total,
        "common": {name: list(values) for name, values in where.common},
        "exact": where.exact,
    }
