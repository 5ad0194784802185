"""The whole static guard: every combination holds, and what is committed of it is as rendered."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentcore_new.answers import Answers, combinations
from agentcore_new.errors import Error
from agentcore_new.review import (
    changelog,
    copier_file,
    project_rules,
    repository,
    snapshots,
    text_rules,
)
from agentcore_new.review.checkout import SNAPSHOTS
from agentcore_new.review.code_tools import code_faults
from agentcore_new.review.faults import Fault
from agentcore_new.review.rendering import Project, render_all
from agentcore_new.review.snapshot_folder import Difference, difference, differences

# What records the version in a project: users need not be told that it is another one.
VERSION_LINES = "^(# Written by agentcore-new |agentcore_new_version: )"

Watch = Callable[[Iterable[Answers]], Iterable[Answers]]


@dataclass(frozen=True, slots=True)
class Report:
    """What does not hold for the files themselves.

    Args:
        combinations: How many there are.
        distinct_files: How many different files (by path and text) all their projects have.
        faults: What does not hold; a fault of several combinations is listed once.
    """

    combinations: int
    distinct_files: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard found.

    Args:
        report: What does not hold for the files themselves.
        snapshots: How many there should be.
        differences: Snapshots that are not what is rendered, and copier.yml if it is not.
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
    rendered = render_all(watch(list(combinations())))
    report = examine(rendered.projects, rendered.faults)
    if rendered.faults:  # what was not rendered cannot be compared
        return Verdict(report, 0, (), None)
    planned = snapshots.plan(rendered.projects)
    return Verdict(report, len(planned), _differences(root, planned), undocumented(root))


def examine(projects: Sequence[Project], broken: Sequence[Fault] = ()) -> Report:
    """Check each distinct file of `projects` once, and each project across its files.

    Args:
        projects: One for each combination.
        broken: What is known of templates that could not be rendered.

    Raises:
        Error: A tool that checks is not installed.
    """
    owners = _owners(projects)
    faults = [*faults_of_texts(owners), *code_faults(owners), *_across_files(projects)]
    faults.sort(key=lambda fault: fault.path)
    return Report(len(projects), len(owners), (*broken, *faults))


def faults_of_texts(owners: Mapping[tuple[str, str], Project]) -> Iterator[Fault]:
    """Yield what does not hold for single texts, but for what the tools for code say.

    Args:
        owners: The first project with each text, by path and text.

    Raises:
        Error: PyYAML is not installed.
    """
    for (path, text), project in owners.items():
        for rule, message in text_rules.findings(path, text):
            yield Fault(path, project.combination, rule, message)


def _owners(projects: Sequence[Project]) -> dict[tuple[str, str], Project]:
    owners: dict[tuple[str, str], Project] = {}
    for project in projects:
        for item in project.files.items():
            owners.setdefault(item, project)
    return owners


def _across_files(projects: Sequence[Project]) -> Iterator[Fault]:
    """Yield what does not hold between the files of a project, each finding once."""
    told: set[tuple[str, str, str]] = set()
    for project in projects:
        for finding in project_rules.findings(project.files) if project.files else ():
            if finding not in told:
                told.add(finding)
                path, rule, message = finding
                yield Fault(path, project.combination, rule, message)


def unaccepted(root: Path) -> tuple[Difference, ...]:
    """Return what is committed and not as rendered: snapshots, and copier.yml; nothing is written.

    Raises:
        Error: A template cannot be rendered.
    """
    rendered = render_all(combinations())
    if rendered.faults:
        raise Error(f"The templates cannot be rendered: {rendered.faults[0]}.")
    return _differences(root, snapshots.plan(rendered.projects))


def _differences(root: Path, planned: Mapping[str, str]) -> tuple[Difference, ...]:
    return (
        *difference(root, copier_file.FILE, copier_file.text()),
        *differences(root, planned),
    )


def undocumented(root: Path) -> str | None:
    """Return the first of the last release and the main branch that differs in snapshots alone.

    Users get something else then, and the CHANGELOG does not say so. Without git there is none.
    """
    text = (root / changelog.FILE).read_text(encoding="utf-8")
    for commit in repository.bases(root):
        before = repository.file_at(root, commit, changelog.FILE)
        if before is not None and changelog.tells_more(text, before):
            continue
        if repository.differs(root, commit, SNAPSHOTS, VERSION_LINES):
            return commit
    return None
