"""Everything that can be refused or can fail in a foreseen way, and how it is told.

The text for people, the object for `--json` and the exit code are all made here.
"""

from collections.abc import Mapping
from typing import ClassVar

Detail = str | int | bool | None | list[str]


class Error(Exception):
    """A foreseen failure: one plain line, and if there is one, a line on what to do.

    Args:
        message: What went wrong, as one sentence.
        hint: What to do about it, as one sentence.
        details: Values for programs, part of the JSON object alone.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, hint: str = "", details: Mapping[str, Detail] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = dict(details or {})


class UsageError(Error):
    """The command line itself is wrong."""

    kind = "usage"
    exit_code = 2


class InvalidAnswer(Error):
    """A value that the name or another text cannot have."""

    kind = "invalid-answer"


class UnknownChoice(UsageError):
    """A value that is none of an option's choices."""

    kind = "unknown-choice"


class MissingAnswer(UsageError):
    """A value that must be given, where nobody can be asked for it."""

    kind = "missing-answer"


class TargetInTheWay(Error):
    """Files stand where the project would go."""

    kind = "target-in-the-way"


class UnsafeTarget(Error):
    """A symbolic link leads out of the target."""

    kind = "unsafe-target"


class WriteFailed(Error):
    """The disk refused; nothing is left behind."""

    kind = "write-failed"


class GitFailed(Error):
    """Git could not make the repository or the commit; nothing is left behind."""

    kind = "git-failed"


class InstallFailed(Error):
    """The dependencies could not be installed; the project itself is there."""

    kind = "install-failed"


class NotAProject(Error):
    """There is no project in the folder."""

    kind = "not-a-project"


class CannotPackage(Error):
    """A project cannot be made a package that AgentCore takes; nothing is left behind."""

    kind = "cannot-package"


class CannotUpdate(Error):
    """A project cannot be brought to this version or to these answers; nothing was changed."""

    kind = "cannot-update"


class NotCommitted(Error):
    """What an update would replace could not be got back; nothing was changed."""

    kind = "not-committed"


class Unresolved(Error):
    """An earlier update left something to resolve; nothing was changed."""

    kind = "unresolved"


class MissingExtra(Error):
    """A command needs packages that are not installed."""

    kind = "missing-extra"


class CannotServe(Error):
    """An agent cannot be served on this machine; nothing was started."""

    kind = "cannot-serve"


class InvocationFailed(Error):
    """An agent did not answer, or answered with an error."""

    kind = "invocation-failed"


class NotACheckout(Error):
    """The templates' repository is not here."""

    kind = "not-a-checkout"


class UnknownBase(Error):
    """There is nothing of that name to compare with, or its code does not run here."""

    kind = "unknown-base"


def as_text(error: Error) -> str:
    """Return `error` as one line for a person."""
    return f"Error: {error.message} {error.hint}".rstrip()


def as_object(error: Error) -> dict[str, Detail | dict[str, Detail]]:
    """Return `error` as the object that `--json` prints."""
    body: dict[str, Detail] = {"kind": error.kind, "message": error.message}
    if error.hint:
        body["hint"] = error.hint
    return {"ok": False, "error": body | error.details}
