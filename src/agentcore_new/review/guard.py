"""The whole static guard: every combination holds, and is what the snapshots say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from agentcore_new import snapshots
from agentcore_new.errors import Error
from agentcore_new.matrix import Report, check_projects, render_with_faults
from agentcore_new.options import Answers, combinations
from agentcore_new.review import changelog, repository
from agentcore_new.review.checkout import SNAPSHOTS
from agentcore_new.review.snapshot_folder import Difference, differences

Watch = Callable[[Iterable[Answers]], Iterable[Answers]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard found.

    Args:
        report: What does not hold for the files themselves.
        snapshots: How many there should be.
        differences: Snapshots that are not what is rendered.
        undocumented: The commit since which snapshots changed and the CHANGELOG's Unreleased
            section did not; None if there is none.
    """

    report: Report
    snapshots: int
    differences: tuple[Difference, ...]
    undocumented: str | None

    @property
    def holds(self) -> bool:
        """Whether there is nothing to mend."""
        return not (self.report.faults or self.differences or self.undocumented)


def inspect(root: Path, watch: Watch = iter) -> Verdict:
    """Check every combination and compare it with the snapshots; nothing is written.

    Args:
        root: The top of the checkout.
        watch: Is given the combinations and passes them on, to see how far it is.

    Raises:
        Error: A tool that checks is not installed.
    """
    projects, broken = render_with_faults(watch(list(combinations())))
    found = check_projects(projects)
    report = Report(found.combinations, found.distinct_files, (*broken, *found.faults))
    if broken:  # what was not rendered cannot be compared
        return Verdict(report, 0, (), None)
    planned = snapshots.plan(projects)
    wrong = differences(root / SNAPSHOTS, planned)
    return Verdict(report, len(planned), tuple(wrong), undocumented(root))


def planned() -> dict[str, str]:
    """Return the text of each snapshot that there should be, by its path.

    Raises:
        Error: A template cannot be rendered.
    """
    projects, broken = render_with_faults(combinations())
    if broken:
        raise Error(f"The templates cannot be rendered: {broken[0]}.")
    return snapshots.plan(projects)


def undocumented(root: Path) -> str | None:
    """Return the first of the last release and the main branch that differs in snapshots alone.

    Users get something else then, and the CHANGELOG does not say so. Without git there is none.
    """
    text = (root / changelog.FILE).read_text(encoding="utf-8")
    for commit in repository.bases(root):
        before = repository.file_at(root, commit, changelog.FILE)
        if before is not None and changelog.unreleased(before) != changelog.unreleased(text):
            continue
        if repository.differs(root, commit, SNAPSHOTS):
            return commit
    return None
