"""What holds for every text by itself: no debris of templates, and the syntax of its language."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from agentcore_new.package_data import template_root
from agentcore_new.review.faults import Finding, Rule
from agentcore_new.review.optional_tools import require

JINJA_MARKS = ("{{", "{%", "{#", "}}", "%}", "#}")
# A closing mark alone is ordinary in code (`{{1: {2: 3}}}`), but not with a blank before it.
JINJA_RESIDUE = re.compile(r"\{\{|\{%|\{#|[^\s{][ \t]+[-+]?(?:\}\}|%\}|#\})")
DOCKER_INSTRUCTION = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|ONBUILD|RUN|SHELL|STOPSIGNAL"
    "|USER|VOLUME|WORKDIR"
)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=\S*")


def is_python(path: str) -> bool:
    """Tell whether the file at `path` is Python."""
    return path.endswith(".py")


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what does not hold for one text.

    Raises:
        Error: PyYAML is not installed.
    """
    for rule in (_whitespace, _residue, _machine_path):
        yield from rule(path, text)
    syntax = _syntax(PurePosixPath(path))
    if syntax is not None:
        yield from syntax(path, text)


def _whitespace(path: str, text: str) -> Iterator[Finding]:
    """A text ends with one newline and has no debris of left-out blocks."""
    if not text:
        if not is_python(path):
            yield "empty", "the file has no text"
        return
    if "\r" in text:
        yield "newline", f"line {_line(text, text.index(chr(13)))} has a carriage return"
    if not text.endswith("\n"):
        yield "newline", "the last line has no newline"
    if text.startswith("\n") or text.endswith("\n\n"):
        yield "blank-lines", "there is a blank line at the start or at the end"
    # Two are usual between functions; elsewhere they are left over from a block.
    most = 2 if is_python(path) else 1
    if (many := text.find("\n" * (most + 2))) >= 0:
        yield "blank-lines", f"more than {most} in a row after line {_line(text, many)}"
    trailing = [text.find(blank) for blank in (" \n", "\t\n") if blank in text]
    if trailing or text.endswith((" ", "\t")):
        yield "trailing-blanks", f"line {_line(text, min(trailing, default=len(text)))}"


def _residue(_path: str, text: str) -> Iterator[Finding]:
    """No template syntax is left."""
    if not any(mark in text for mark in JINJA_MARKS):  # which costs a tenth of the search
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if JINJA_RESIDUE.search(line):
            yield "jinja", f"line {number}: {line.strip()[:80]}"


def _machine_path(_path: str, text: str) -> Iterator[Finding]:
    """No text names a folder of this machine."""
    for folder in _folders_of_this_machine(os.getcwd()):  # noqa: PTH109 - for each of many texts
        if folder in text:
            yield "machine-path", f"the text has {folder}"


@cache
def _folders_of_this_machine(current: str) -> frozenset[str]:
    # `/` and `/app` are in Dockerfiles with good reason.
    folders = [each for each in (template_root(), Path(current)) if len(each.parts) > 2]
    return frozenset([*map(str, folders), *(each.as_posix() for each in folders)])


def _syntax(path: PurePosixPath) -> Rule | None:
    """Return what checks the language of `path`, if there is something besides ruff."""
    if path.name == "Dockerfile":
        return _dockerfile
    if path.name in {".gitignore", ".dockerignore"}:
        return _ignore_file
    if path.name.startswith(".env"):
        return _env_file
    return {".toml": _toml, ".yml": _yaml, ".yaml": _yaml, ".json": _json}.get(path.suffix)


def _toml(_path: str, text: str) -> Iterator[Finding]:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield "toml", str(error)


def _json(_path: str, text: str) -> Iterator[Finding]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        yield "json", str(error)


def _yaml(_path: str, text: str) -> Iterator[Finding]:
    require("yaml", "PyYAML")
    import yaml

    try:
        # the parser in C, where PyYAML has it
        value = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        yield "yaml", str(error)
    else:
        if not isinstance(value, dict):
            yield "yaml", f"a mapping is expected, and this is {type(value).__name__}"


def _dockerfile(_path: str, text: str) -> Iterator[Finding]:
    """Every instruction is known, the first is FROM, and something is started."""
    without_comments = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", without_comments).splitlines()
    instructions = [line.split()[0] for line in lines if line.strip()]
    for instruction in instructions:
        if not DOCKER_INSTRUCTION.fullmatch(instruction):
            yield "dockerfile", f"{instruction} is not an instruction"
    if next((each for each in instructions if each != "ARG"), None) != "FROM":
        yield "dockerfile", "FROM is not the first instruction"
    if not {"CMD", "ENTRYPOINT"} & set(instructions):
        yield "dockerfile", "nothing is started"


def _env_file(_path: str, text: str) -> Iterator[Finding]:
    """Every line is empty, a comment or NAME=value."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line.startswith("#") and not VARIABLE.fullmatch(line):
            yield "env", f"line {number} is neither a comment nor NAME=value: {line[:80]}"


def _ignore_file(_path: str, text: str) -> Iterator[Finding]:
    """Every line is empty, a comment or a pattern, and no pattern is there twice."""
    patterns = [line for line in text.splitlines() if line and not line.startswith("#")]
    for pattern in dict.fromkeys(patterns):
        if re.search(r"\s", pattern) or patterns.count(pattern) > 1:
            yield "ignore", f"the pattern {pattern!r} has a blank or is there twice"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
