"""From a project to the same project of this version, or with other answers, step by step."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore_new import __version__, render
from agentcore_new.earlier import RECORD
from agentcore_new.errors import CannotUpdate
from agentcore_new.options import Value
from agentcore_new.updating import folder as disk
from agentcore_new.updating import history, journal, lines, record, report, worktree
from agentcore_new.updating.history import History
from agentcore_new.updating.merge import Conflict, Kind, refuse_old_git
from agentcore_new.updating.planning import Change, Plan, plan
from agentcore_new.updating.report import Report, Status
from agentcore_new.updating.request import requested


@dataclass(frozen=True, slots=True)
class Update:
    """An update that was made, or would be.

    Args:
        report: What there is to tell.
        changes: The files, as they were and are.
    """

    report: Report
    changes: tuple[Change, ...] = ()


def update(
    folder: Path,
    given: Mapping[str, Value | None],
    tell: Callable[[str], object] = lambda _said: None,
    *,
    preview: bool = False,
    force: bool = False,
    known: History | None = None,
) -> Update:
    """Bring the project in `folder` to this version and to other answers.

    Args:
        folder: The project.
        given: Changed answers by name; None stands for one that is not given.
        tell: Is told what is done, before it is.
        preview: Write nothing.
        force: Also where git could not undo it.
        known: The releases; those of this package.

    Raises:
        NotAProject: There is no project.
        CannotUpdate: It is of no release, or cannot be merged.
        NotCommitted: git could not give back what would be replaced.
        Unresolved: An earlier update left conflicts.
        UnsafeTarget: There is a symbolic link where something changes.
        TargetInTheWay: There is something else where a file or folder goes.
        WriteFailed: The disk refused.
        GitFailed: Git failed.
    """
    target = disk.resolve(folder)
    if not target.is_dir():
        raise record.no_project(target)
    with journal.locked(target):
        if interrupted := journal.found(target):
            return _completed(target, interrupted, given, preview=preview)
        # only now: when it was interrupted, the record can be elsewhere
        text = record.read(target)
        if not preview:
            journal.tidy(target)
        refuse_old_git()
        worktree.refuse_unresolved(target)
        was = record.parse(text, known or history.packaged())
        edition = (known or history.packaged()).edition(was.version)
        answers = requested(was.answers, edition, given)
        tell(f"Rendering {was.version} and {__version__}")
        old, new = edition.render(was.answers), render.render(answers)
        start = Report(
            Status.UP_TO_DATE,
            str(target),
            was.version,
            __version__,
            answers,
            _changed(was.answers, answers, given),
        )
        if old == new:
            return Update(start)
        tell("Merging")
        planned = _with_record(target, plan(target, old, new, (was.version, __version__)), old, new)
        if preview:
            return Update(report.of_plan(start, planned, Status.PREVIEWED), planned.changes)
        git_has = worktree.look(target)
        there = [change.path for change in planned.changes if change.before is not None]
        worktree.refuse_uncommitted(git_has, there, force=force)
        made = report.of_plan(start, planned, Status.UPDATED, undoable=git_has is not None)
        tell("Writing")
        _write(target, planned, made)
        return Update(made, planned.changes)


def _changed(
    was: Mapping[str, Value], answers: Mapping[str, Value], given: Mapping[str, Value | None]
) -> dict[str, Value | None]:
    """Return what each answer was that is another now; None of a new one that is given."""
    return {
        name: was.get(name)
        for name, value in answers.items()
        if (was[name] != value if name in was else given.get(name) is not None)
    }


def _with_record(
    target: Path, planned: Plan, old: Mapping[str, str], new: Mapping[str, str]
) -> Plan:
    """Add the record, which says last that all is done."""
    before = disk.read(target, [RECORD])[RECORD]
    text = record.renewed(before.decode("utf-8-sig"), new[RECORD], old[RECORD])
    change = Change(RECORD, before, lines.as_in(text.encode(), before))
    return Plan(
        (*planned.changes, change),
        planned.moved,
        planned.kept,
        planned.left_deleted,
        planned.to_resolve,
    )


def _write(target: Path, planned: Plan, made: Report) -> None:
    # a file that git does not have yet is not left unmerged: `git restore` could not undo that
    new = {change.path for change in planned.changes if change.before is None}
    left = {path: row for path, row in planned.to_resolve.items() if path not in new}
    about = {"report": report.as_data(made), "conflicts": _encoded(left)}
    prepared = journal.prepare(target, planned.changes, about)
    journal.complete(target, prepared, lambda: _finish(target, prepared))


def _finish(target: Path, done: journal.Journal) -> None:
    if done.about["report"]["undoable"]:
        paths = [step.path for step in done.steps]
        worktree.stage(target, paths, _decoded(done.about["conflicts"]))


def _completed(
    target: Path,
    interrupted: journal.Journal,
    given: Mapping[str, Value | None],
    *,
    preview: bool,
) -> Update:
    """Complete an update that was interrupted, whatever is asked for now.

    Raises:
        CannotUpdate: Something else is asked for, or nothing is to be written.
    """
    made = report.of_data(interrupted.about["report"], Status.COMPLETED)
    if preview:
        raise CannotUpdate(
            f"An update to {made.version} was interrupted in {target}.",
            hint="`agentcore-new update` completes it.",
        )
    journal.complete(target, interrupted, lambda: _finish(target, interrupted))
    asked = {name: value for name, value in given.items() if value is not None}
    if made.version != __version__ or any(made.answers[x] != value for x, value in asked.items()):
        raise CannotUpdate(
            f"An update to {made.version} that was interrupted is complete now; this is another.",
            hint="Look at it, commit it, and update again.",
            details={"version": made.version},
        )
    return Update(made)


def _encoded(conflicts: Mapping[str, Conflict]) -> dict[str, Any]:
    return {
        path: {
            "kind": str(conflict.kind),
            "stages": {
                str(number): base64.b64encode(data).decode("ascii")
                for number, data in conflict.stages.items()
            },
        }
        for path, conflict in conflicts.items()
    }


def _decoded(data: Mapping[str, Any]) -> dict[str, Conflict]:
    return {
        path: Conflict(
            Kind(row["kind"]),
            {int(number): base64.b64decode(text) for number, text in row["stages"].items()},
        )
        for path, row in data.items()
    }
