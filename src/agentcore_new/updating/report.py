"""What an update did, or would do: plain data, a text for people, an object for `--json`."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from agentcore_new import installation
from agentcore_new.earlier import RECORD
from agentcore_new.options import QUESTIONS, Value
from agentcore_new.updating.merge import Kind
from agentcore_new.updating.planning import Plan
from agentcore_new.updating.record import DEVELOPMENT

# What a command exits with that did its work and leaves some to a person.
TO_RESOLVE = 3

REASONS = {
    Kind.SAME_LINES: "you and this version changed the same lines, or lines side by side",
    Kind.BOTH_ADDED: "you have a file of the name that this version gives to one of its own",
    Kind.BOTH_RENAMED: "you renamed it, and this version did too: keep one",
    Kind.NO_TEXT: "it is no text: it is as you had it, and this version has another",
}


class Status(StrEnum):
    """What became of an update."""

    UPDATED = "updated"
    COMPLETED = "completed"
    UP_TO_DATE = "up-to-date"
    PREVIEWED = "previewed"


@dataclass(frozen=True, slots=True)
class Report:
    """An update, as there is to tell of it. All paths are from the project's folder.

    Args:
        status: What became of it.
        path: The project's folder.
        old_version: The version that it is of.
        version: This one.
        answers: Every answer from now on.
        changed_answers: What each changed answer was.
        changed: Files that have another text.
        added: New files.
        removed: Files that went; nobody had changed them.
        moved: Files with changes of one's own that have another name now.
        kept: Files that are no longer part of a new project, and stay as they were changed.
        left_deleted: Files that changed, and stay away.
        to_resolve: What both sides changed, and how.
        undoable: git has what was there before.
    """

    status: Status
    path: str
    old_version: str
    version: str
    answers: Mapping[str, Value]
    changed_answers: Mapping[str, Value | None]
    changed: Sequence[str] = ()
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[str] = ()
    left_deleted: Sequence[str] = ()
    to_resolve: Mapping[str, str] = field(default_factory=dict)
    undoable: bool = True

    @property
    def exit_code(self) -> int:
        """What the command exits with."""
        was_written = self.status in (Status.UPDATED, Status.COMPLETED)
        return TO_RESOLVE if was_written and self.to_resolve else 0


def of_plan(start: Report, plan: Plan, status: Status, *, undoable: bool = True) -> Report:
    """Return the report of what a plan does, from one that has the versions and answers."""
    return replace(
        start,
        status=status,
        changed=plan.changed,
        added=plan.added,
        removed=plan.removed,
        moved=dict(plan.moved),
        kept=plan.kept,
        left_deleted=plan.left_deleted,
        to_resolve={path: str(conflict.kind) for path, conflict in plan.to_resolve.items()},
        undoable=undoable,
    )


def as_data(report: Report) -> dict[str, Any]:
    """Return what `of_data` reads again, of which JSON can be made."""
    return asdict(report)


def of_data(data: Mapping[str, Any], status: Status) -> Report:
    """Return a report that was data, with another status."""
    return Report(**{**data, "status": status})


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type after an update, from where its owner is.

    Args:
        review: Shows it; empty where git has nothing to compare with.
        undo: Undoes all of it; empty where nothing could.
        following: What comes next, one after the other.
    """

    review: str
    undo: str
    following: tuple[str, ...]


def commands(report: Report, folder: Path) -> Commands:
    """Return the shell commands that show an update, undo it, and go on from it.

    Args:
        report: Of the update.
        folder: The project, as its owner named it.
    """
    is_here = folder == Path()
    git = "git" if is_here else f"git -C {shlex.quote(str(folder))}"
    go_there = [] if is_here else [f"cd {shlex.quote(str(folder))}"]
    if installation.has_uv():
        test = ["uv run pytest"]
    else:
        test = [*installation.shell_commands(), f"{installation.PYTHON} -m pytest"]
    if not report.undoable:
        return Commands("", "", (*go_there, *test))
    add = [f"git add {shlex.join(report.to_resolve)}"] if report.to_resolve else []
    commit = f"git commit -m {shlex.quote(f'Update to agentcore-new {report.version}')}"
    following = (*go_there, *add, *test, commit)
    return Commands(f"{git} diff HEAD", f"{git} restore -SW .", following)


def as_text(report: Report, folder: Path) -> str:
    """Return what a person reads."""
    if report.status is Status.UP_TO_DATE:
        return f"{report.path} is up to date with {report.version}."
    head = {
        Status.PREVIEWED: "Would update",
        Status.UPDATED: "Updated",
        Status.COMPLETED: "Completed the update that was interrupted, of",
    }[report.status]
    lines = [f"{head} {report.path} from {report.old_version} to {report.version}."]
    lines += _answers(report)
    lines += _listed("Changed", report.changed)
    lines += _listed("Added", report.added)
    lines += _listed("Removed", report.removed)
    moved = [f"{was} -> {now}" for was, now in dict(report.moved).items()]
    lines += _listed("Moved, with your changes", moved)
    lines += _listed("Kept, because you changed them; new projects do not have them", report.kept)
    lines += _listed("Left deleted, though this version changed them", report.left_deleted)
    reasons = [f"{path}: {REASONS[Kind(kind)]}" for path, kind in dict(report.to_resolve).items()]
    lines += _listed("To be resolved by you", reasons)
    if report.status is Status.PREVIEWED:
        return "\n".join([*lines, "", "Nothing was written."])
    told = commands(report, folder)
    if told.undo:
        lines += ["", "To see it, and to undo all of it:", "", f"  {told.review}", f"  {told.undo}"]
    if report.to_resolve:
        lines += ["", "Next, edit what stands between <<<<<<< and >>>>>>>, and then:", ""]
    else:
        lines += ["", "Next:", ""]
    return "\n".join([*lines, *(f"  {command}" for command in told.following)])


def warning(report: Report) -> str:
    """Return what is to be known of an update to no release; nothing of any other."""
    if report.status is Status.UP_TO_DATE or not report.version.endswith(DEVELOPMENT):
        return ""
    return f"{report.version} is no release, and no later version can update what it wrote."


def as_object(report: Report, folder: Path) -> dict[str, object]:
    """Return what `--json` prints."""
    told = commands(report, folder)
    return {
        "ok": True,
        **as_data(report),
        "review": told.review,
        "undo": told.undo,
        "next_commands": list(told.following),
        "warnings": list(filter(None, [warning(report)])),
    }


def _answers(report: Report) -> list[str]:
    flags = {question.name: question.name.replace("_", " ") for question in QUESTIONS}
    return [
        f"  {flags.get(name, name)}: {_shown(was)} -> {_shown(report.answers[name])}"
        for name, was in report.changed_answers.items()
    ]


def _shown(value: Value | None) -> str:
    return "" if value is None else value if isinstance(value, str) else "on" if value else "off"


def _listed(title: str, paths: Sequence[str]) -> list[str]:
    shown = [path for path in paths if path != RECORD]
    return ["", f"{title}:", *(f"  {path}" for path in shown)] if shown else []
