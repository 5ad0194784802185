"""Create a project: from answers to files on disk, a repository and an environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agentcore_new import __version__, earlier, git, project
from agentcore_new.answers import Answers, Check, checked
from agentcore_new.errors import GitFailed, InvalidAnswer, WriteFailed
from agentcore_new.options import PROJECT_NAME, Option, Text, Value
from agentcore_new.render import render


class Repository(StrEnum):
    """What became of `--git`, or would."""

    COMMITTED = "committed"
    WOULD_COMMIT = "would-commit"
    NO_IDENTITY = "no-identity"
    INSIDE_REPOSITORY = "inside-repository"
    NO_GIT = "no-git"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Created:
    """A project that was created, or would be (`dry_run`).

    Args:
        answers: Every answer.
        target: Its folder, absolute.
        files: The text of each file, by path.
        replaced: Which of them replaced another file.
        left_over: Files of an earlier creation that are no longer part of it, and stay.
        repository: What became of `--git`.
        dry_run: Nothing was written.
    """

    answers: Answers
    target: Path
    files: Mapping[str, str]
    replaced: tuple[str, ...]
    left_over: tuple[str, ...]
    repository: Repository
    dry_run: bool


def create(
    answers: Answers,
    output_dir: Path,
    *,
    repository: bool | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Created:
    """Write the project of `answers` to a folder of its name in `output_dir`, whole or not at all.

    Args:
        answers: Every answer, as `answers.complete` returns them.
        output_dir: The folder that holds the project's own; made if it is not there.
        repository: Make a git repository; None: if there is a git, and none around the project.
        force: Replace files of these names in a folder that is not empty.
        dry_run: Write nothing.

    Raises:
        TargetInTheWay: There are files where the project would go.
        UnsafeTarget: There are symbolic links where the project would go.
        WriteFailed: The disk refused.
        GitFailed: Git failed.
    """
    target = _target(output_dir, str(answers["project_name"]))
    plan = project.plan(target, render(answers), force=force)
    left_over = earlier.left_over(target, plan.files) if plan.merges else ()
    outcome = _repository(target, wanted=repository)
    if dry_run:
        outcome = _foretold(outcome, target)
    else:
        message = f"Create {target.name} with agentcore-new {__version__}"

        def commit(folder: Path) -> None:
            nonlocal outcome
            if outcome is Repository.COMMITTED and not git.commit_all(
                folder, list(plan.files), message
            ):
                outcome = Repository.NO_IDENTITY

        project.write(plan, prepare=commit)
    return Created(answers, target, plan.files, plan.replaced, left_over, outcome, dry_run)


def check_for(output_dir: Path, *, force: bool = False) -> Check:
    """Return the check of answers that refuses the name of a taken folder too, as `create` does.

    Args:
        output_dir: The folder that holds the project's own.
        force: A folder with files in it is not refused.
    """

    def check(question: Option | Text, value: Value) -> Value:
        answer = checked(question, value)
        if question is PROJECT_NAME:
            project.plan(_target(output_dir, str(answer)), {}, force=force)
        return answer

    return check


def _target(output_dir: Path, name: str) -> Path:
    try:
        return output_dir.expanduser().resolve() / name
    except (OSError, RuntimeError) as error:
        raise WriteFailed(f"{output_dir} cannot be found: {error}.") from error


def _foretold(outcome: Repository, target: Path) -> Repository:
    """Return what a dry run says of what is to be done."""
    if outcome is not Repository.COMMITTED:
        return outcome
    # Where no repository has settings of its own, as the new one will not have.
    known = git.has_identity(Path(target.anchor))
    return Repository.WOULD_COMMIT if known else Repository.NO_IDENTITY


def _repository(target: Path, *, wanted: bool | None) -> Repository:
    """Return what is to be done about git."""
    if wanted is False:
        return Repository.OFF
    if not git.is_installed():
        if wanted:
            raise GitFailed("git is not installed.", hint="--no-git creates no repository.")
        return Repository.NO_GIT
    # One's own repository is never made anew; one inside another is made if it is asked for.
    if os.path.lexists(target / ".git") or (not wanted and git.is_inside_repository(target)):
        return Repository.INSIDE_REPOSITORY
    return Repository.COMMITTED


def file_of(files: Mapping[str, str], path: str) -> str:
    """Return the text of the file `path`.

    Raises:
        InvalidAnswer: The project has no such file; the hint has one like it.
    """
    if path in files:
        return files[path]
    # Imported where it is used: only a slip needs it.
    from difflib import get_close_matches

    near = get_close_matches(path, files, n=1) or list(files)
    raise InvalidAnswer(
        f"The project has no file {path!r}.",
        hint=f"It has: {', '.join(near)}",
        details={"answer": "file", "choices": list(files)},
    )
