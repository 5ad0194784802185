"""What the commands print: text for people, objects for `--json`."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agentcore_new import __version__, installation, options
from agentcore_new.answers import Answers, default
from agentcore_new.creation import Created, Repository
from agentcore_new.options import Option, Text, Value

if TYPE_CHECKING:
    from agentcore_new.packaging.package import Package

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"

# How the synopsis calls the project's name, which has no flag.
NAME = "NAME"

REPOSITORY_NOTES = {
    Repository.COMMITTED: "git: all files are in the first commit.",
    Repository.NO_IDENTITY: (
        "git: no commit, because git has no user.name and user.email; the files are staged."
    ),
    Repository.INSIDE_REPOSITORY: "git: no new repository, the project is inside one.",
}


def tree(name: str, paths: Iterable[str]) -> str:
    """Return `paths` as a tree below `name`, folders first."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        "├└│─".encode(encoding)
        branches = ("├── ", "└── ", "│   ")
    except UnicodeEncodeError:
        branches = ("|-- ", "`-- ", "|   ")
    return "\n".join([name, *_branches([path.split("/") for path in paths], *branches)])


def _branches(paths: list[list[str]], branch: str, last: str, bar: str) -> list[str]:
    below: dict[str, list[list[str]]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).extend([rest] if rest else [])
    lines = []
    names = sorted(below, key=lambda name: (not below[name], name))
    for name in names:
        at_end = name == names[-1]
        lines.append(f"{last if at_end else branch}{name}{'/' if below[name] else ''}")
        inner = " " * len(bar) if at_end else bar
        lines += [inner + line for line in _branches(below[name], branch, last, bar)]
    return lines


def change_folder(output_dir: Path, name: str) -> str:
    """Return the shell command that goes to the project, from where the user is."""
    path = str(output_dir.expanduser() / name)
    return f"cd {shlex.quote(f'./{path}' if path.startswith('-') else path)}"


def next_commands(go_there: str, answers: Answers, *, installed: bool) -> list[str]:
    """Return the shell commands that start the project without an account, and try it.

    Args:
        go_there: The command that goes to the project's folder.
        answers: The project's answers.
        installed: The dependencies are installed.
    """
    # as the server says it when it starts
    session = shlex.quote(f"{SESSION_HEADER}: my-first-session-of-33-characters")
    request = shlex.quote(json.dumps({"prompt": "What is 2 + 3?"}))
    return [
        go_there,
        # uv installs on its own what it runs.
        *([] if installed or installation.has_uv() else installation.shell_commands()),
        f"AGENT_OFFLINE=1 {'uv run' if installation.has_uv() else installation.PYTHON} main.py",
        f"curl {'-N ' if answers['stream'] else ''}http://127.0.0.1:8080/invocations"
        f" -H {session} -d {request}",
    ]


def equivalent_command(
    answers: Answers, output_dir: Path, switches: Mapping[str, bool | None]
) -> str:
    """Return the one-line command that creates the same project and asks nothing.

    Args:
        answers: The project's answers; those that are defaults are left out.
        output_dir: The folder that holds the project's own.
        switches: Further switches of the command line by name; None for those not given.
    """
    words = ["agentcore-new", "create", str(answers["project_name"])]
    for question in options.QUESTIONS:
        value = answers[question.name]
        required = isinstance(question, Option) and question.required
        if question is options.PROJECT_NAME:
            continue
        if value == default(question, answers) and not required:
            continue
        if isinstance(value, str):
            words += [question.flag, value]
        elif isinstance(question, Option):
            words.append(question.flag if value else question.negated)
    if output_dir != Path():
        words += ["--output-dir", str(output_dir)]
    words += [
        f"--{name}" if value else f"--no-{name}"
        for name, value in switches.items()
        if value is not None
    ]
    return shlex.join([*words, "--yes"])


def defaults_text(answers: Answers, given: Mapping[str, Value | None]) -> str:
    """Return the answers that are not `given`, and what changes them, as a person reads them.

    Nothing, if all are given.
    """
    lines = [
        f"  {question.name.replace('_', ' ')}: {_shown(answers[question.name])}"
        f" ({_changed_by(question, answers[question.name])})"
        for question in options.QUESTIONS
        if given.get(question.name) is None
    ]
    return "\n".join(
        ["\nNot given, so the default (and what changes it):\n", *lines] if lines else []
    )


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else "on" if value else "off"


def _changed_by(question: Option | Text, value: Value) -> str:
    if question is options.PROJECT_NAME:
        return NAME
    return question.negated if isinstance(question, Option) and value is True else question.flag


def again_text(command: str) -> str:
    """Return the equivalent command as a person reads it."""
    return f"\nThe same again, without questions:\n\n  {command}"


def created_text(created: Created, given: Mapping[str, Value | None]) -> str:
    """Return what a person reads after a project was created, or would be.

    Args:
        created: The project.
        given: The answers that the person gave, by name.
    """
    count = f"{len(created.files)} files"
    if created.dry_run:
        lines = [f"Would write {count} to {created.target}:", ""]
        lines += [f"  {path}" for path in created.files]
    else:
        lines = [f"Created {count} in {created.target}", ""]
        lines += [tree(created.target.name, created.files)]
    if created.replaced:
        verb = "Would replace" if created.dry_run else "Replaced"
        lines += ["", f"{verb}: {', '.join(created.replaced)}"]
    if created.left_over:
        told = (
            f"Left over from an earlier creation, and not touched: {', '.join(created.left_over)}"
        )
        lines += ["", told]
    if not created.dry_run and created.repository in REPOSITORY_NOTES:
        lines += ["", REPOSITORY_NOTES[created.repository]]
    if defaults := defaults_text(created.answers, given):
        lines.append(defaults)
    return "\n".join(lines)


def next_text(commands: Sequence[str]) -> str:
    """Return the next commands as a person reads them."""
    *start, attempt = commands
    return "\n".join(
        [
            "\nNext, to run it without an account:\n",
            *(f"  {command}" for command in start),
            "\nand in another terminal, twice:\n",
            f"  {attempt}",
        ]
    )


def created_object(created: Created, commands: Sequence[str], command: str) -> dict[str, object]:
    """Return what `--json` says of a created project."""
    return {
        "ok": True,
        "dry_run": created.dry_run,
        "path": str(created.target),
        "answers": dict(created.answers),
        "files": list(created.files),
        "replaced": list(created.replaced),
        "left_over": list(created.left_over),
        "git": str(created.repository),
        "next_commands": list(commands),
        "command": command,
        "version": __version__,
    }


def as_json(content: Mapping[str, object]) -> str:
    """Return `content` as JSON of ASCII characters only, which any pipe takes."""
    return json.dumps(content, indent=2)


def package_text(made: "Package") -> str:
    """Say what a package is, and what was left out of it."""
    sizes = f"{made.size / 1_000_000:.1f} MB, unpacked {made.unpacked / 1_000_000:.1f} MB"
    lines = [
        f"{made.path}: {made.files:,} files, {sizes}, for Python {made.python} on Linux on Arm."
    ]
    if made.left_out:
        lines.append(f"Left out, as databases: {', '.join(made.left_out)}")
    return "\n".join(lines)


def package_object(made: "Package") -> dict[str, object]:
    """Return what a package is, for `--json`."""
    return {
        "ok": True,
        "path": str(made.path),
        "python": made.python,
        "platform": made.platform,
        "files": made.files,
        "bytes": made.size,
        "unpacked_bytes": made.unpacked,
        "left_out": list(made.left_out),
    }
