"""The changes as an object for programs: texts are exactly those of the files."""

from dataclasses import asdict

from agentcore_new.review.changes import NO_NEWLINE, Changes, FileChange, Hunk, Who


def as_object(changes: Changes) -> dict[str, object]:
    """Return all of it; lines have their mark, and each change says whose projects have it."""
    return {
        "ok": True,
        "base": changes.base,
        "combinations": changes.combinations,
        "changed": bool(changes),
        "commits": [asdict(commit) for commit in changes.commits],
        "options": [asdict(choice) for choice in changes.choices],
        "newcomers": [asdict(newcomer) for newcomer in changes.newcomers],
        "dependencies": [{**asdict(each), "who": _who(each.who)} for each in changes.dependencies],
        "files": [_file(file) for file in changes.files],
    }


def _file(file: FileChange) -> dict[str, object]:
    return {
        "path": file.path,
        "kind": file.kind,
        "who": _who(file.who),
        "hunks": [_hunk(hunk) for hunk in file.hunks],
    }


def _hunk(hunk: Hunk) -> dict[str, object]:
    return {
        "line": hunk.line,
        "line_before": hunk.line_before,
        "line_with": hunk.line_with or None,
        "who": _who(hunk.who),
        "templates": list(hunk.templates),
        "lines": [
            {
                "mark": line.mark,
                "text": line.text if line.newline else line.text.removesuffix(NO_NEWLINE),
                "newline": line.newline,
                "who": line.who.words if line.who else None,
            }
            for line in hunk.lines
        ],
    }


def _who(who: Who) -> dict[str, object]:
    return {"words": who.words, "options": {name: list(values) for name, values in who.options}}
