"""What `check` and `snapshots` print: lines for people, objects for `--json`."""

from collections import Counter
from collections.abc import Iterator, Sequence

from agentcore_new.review.copier_file import FILE
from agentcore_new.review.guard import Verdict
from agentcore_new.review.snapshot_folder import Difference

ACCEPT = "agentcore-new snapshots"
SHOWN = 5  # distinct differences that are shown as diffs, each in so many lines
LINES = 25
MARKS = {"missing": "+", "changed": "~", "left over": "-"}


def check_lines(verdict: Verdict) -> list[str]:
    """Return what a person reads of a verdict."""
    report, wrong = verdict.report, verdict.differences
    lines = [f"{fault}" for fault in report.faults]
    for diff in list(_distinct(wrong))[:SHOWN]:
        lines += ["", *diff[:LINES]]
        if len(diff) > LINES:
            lines.append(f"… {len(diff) - LINES} more lines")
    if wrong:
        lines += ["", *(f"{MARKS[each.kind]} {each.path}" for each in wrong), ""]
    count = f"{report.combinations} combinations, {report.distinct_files} distinct files"
    lines.append(f"{count}: {_counted(len(report.faults), 'fault') if report.faults else 'good'}.")
    if wrong:
        kinds = Counter(each.kind for each in wrong)
        told = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        lines.append(f"{FILE} and {verdict.snapshots} snapshots: {told}. To accept: {ACCEPT}")
    elif verdict.snapshots:
        lines.append(f"{FILE} and {verdict.snapshots} snapshots: as rendered.")
    if verdict.undocumented:
        lines.append(
            f"CHANGELOG.md: the snapshots changed since {verdict.undocumented[:12]}, and there is"
            " no new entry under Unreleased. Say what users will notice."
        )
    return lines


def check_object(verdict: Verdict) -> dict[str, object]:
    """Return what `--json` says of a verdict."""
    return {
        "ok": verdict.holds,
        "combinations": verdict.report.combinations,
        "distinct_files": verdict.report.distinct_files,
        "faults": [
            {
                "path": fault.path,
                "combination": dict(fault.combination),
                "rule": fault.rule,
                "message": fault.message,
            }
            for fault in verdict.report.faults
        ],
        "snapshots": verdict.snapshots,
        "differences": [
            {"path": each.path, "kind": each.kind, "diff": each.diff()}
            for each in verdict.differences
        ],
        "undocumented_since": verdict.undocumented,
        "accept_with": ACCEPT if verdict.differences else None,
    }


def rewritten_lines(written: Sequence[Difference]) -> list[str]:
    """Return what a person reads of what was rewritten."""
    lines = [f"{MARKS[each.kind]} {each.path}" for each in written]
    return lines or [f"The snapshots are as rendered, and {FILE} is: nothing was written."]


def _distinct(wrong: Sequence[Difference]) -> Iterator[list[str]]:
    """Yield the diffs that change other lines than those before."""
    seen = set()
    for each in wrong:
        diff = each.diff()
        changed = tuple(line for line in diff[2:] if line[0] in "+-")
        if changed not in seen:
            seen.add(changed)
            yield diff


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
