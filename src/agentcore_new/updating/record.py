"""The record that a project has of its version and its answers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentcore_new import __version__
from agentcore_new.earlier import RECORD
from agentcore_new.errors import CannotUpdate, NotAProject
from agentcore_new.options import Value
from agentcore_new.updating.history import History

VERSION = "agentcore_new_version"
LINE = re.compile(r"(\w+):(.*)")
DEVELOPMENT = ".dev0"
# By which `copier update` finds the templates of the project: a tag.
COMMIT = re.compile(r"^_commit:.*$")


@dataclass(frozen=True, slots=True)
class Record:
    """What a project says of itself.

    Args:
        version: The release that made it, or brought it up to date.
        answers: Every answer that this release asks for.
    """

    version: str
    answers: Mapping[str, Value]


def read(folder: Path) -> str:
    """Return the text of the record of the project in `folder`.

    Raises:
        NotAProject: There is none.
        CannotUpdate: It is no text.
    """
    file = folder / RECORD
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise no_project(folder) from None
    except (OSError, ValueError) as error:
        raise _unreadable(f"it is not a file of text ({error})") from error


def no_project(folder: Path) -> NotAProject:
    """Return the error of a folder without a record."""
    return NotAProject(
        f"{folder} is no project: it has no {RECORD}.",
        hint="Name the folder that `agentcore-new create` has made.",
    )


def parse(text: str, history: History) -> Record:
    """Return what a record says, if it is one of a release.

    Raises:
        CannotUpdate: It is not, or says what that release cannot have written.
    """
    found: dict[str, Value] = {}
    for number, line in enumerate(text.split("\n"), 1):
        said = line.strip()
        if not said or said.startswith(("#", "_")):
            continue
        match = LINE.fullmatch(said)
        value = _literal(match[2]) if match else None
        if match is None or value is None:
            raise _unreadable(f"line {number} is not as agentcore-new writes it")
        if match[1] in found:
            raise _unreadable(f"line {number} says {match[1]} once more")
        found[match[1]] = value
    version = found.pop(VERSION, None)
    if not isinstance(version, str):
        raise _unreadable(f"it has no {VERSION}")
    _refuse_unknown(version, history)
    return Record(version, _checked(found, version, history))


def renewed(text: str, rendered: str, before: str) -> str:
    """Return the record as it is to be: `rendered`, and what its owner added.

    Args:
        text: As it is.
        rendered: As a new project has it.
        before: As a new project of the recorded version and answers had it.
    """
    known = {*before.split("\n")}
    names = {line.partition(":")[0] for line in rendered.split("\n") if LINE.fullmatch(line)}
    added = [
        COMMIT.sub(f'_commit: "v{__version__}"', line)
        for line in text.replace("\r\n", "\n").split("\n")
        if line not in known and line.partition(":")[0] not in names
    ]
    return rendered + "".join(f"{line}\n" for line in added)


def _literal(text: str) -> Value | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, str | bool) else None


def _refuse_unknown(version: str, history: History) -> None:
    if version in history:
        return
    details = {"version": version, "this_version": __version__}
    if version.endswith(DEVELOPMENT):
        raise CannotUpdate(
            f"The project was made by {version}, which is no release: its templates are not kept.",
            hint="Create it anew with a release, beside it, and bring over what you changed.",
            details=details,
        )
    if _numbers(version) > _numbers(__version__):
        raise CannotUpdate(
            f"The project was made by {version}, and this is {__version__}.",
            hint="Upgrade agentcore-new.",
            details=details,
        )
    raise CannotUpdate(
        f"The project was made by {version[:64]}, of which no templates are known.",
        hint=f"Known are: {', '.join(history)}",
        details=details,
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _checked(found: Mapping[str, Value], version: str, history: History) -> dict[str, Value]:
    """Return the answers in the order of the questions, if a project of the version has them."""
    edition = history.edition(version)
    if unknown := [name for name in found if name not in edition.questions]:
        raise _unreadable(
            f"{version} knows no {unknown[0]}. Was it made between releases, or edited by hand?"
        )
    if missing := [name for name in edition.questions if name not in found]:
        raise _unreadable(f"it does not say {missing[0]}")
    for name, value in found.items():
        values = edition.values(name)
        if value not in values if values else not isinstance(value, str):
            raise _unreadable(f"{version} knows no {name} {json.dumps(value)}")
    return {name: found[name] for name in edition.questions}


def _unreadable(problem: str) -> CannotUpdate:
    return CannotUpdate(
        f"{RECORD} cannot be read: {problem.rstrip('.')}.",
        hint=f"`git log -p {RECORD}` shows what it said; nothing but `update` should change it.",
        details={"path": RECORD},
    )
