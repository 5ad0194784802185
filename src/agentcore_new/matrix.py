"""Every combination of every option, and what holds for each file of each.

A guard on the templates, for those who work on them: ruff and PyYAML are in the `test` extra, and
nothing here is imported by the commands that users run. `python -m agentcore_new.matrix` runs it.
"""

import importlib.util
import json
import py_compile
import re
import subprocess
import sys
import tempfile
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import jinja2

from agentcore_new.errors import Error, as_text
from agentcore_new.options import OPTIONS, Answers, Value, combinations
from agentcore_new.package_data import template_root
from agentcore_new.render import SUFFIX, render

PYPROJECT = "pyproject.toml"
RUFF_COMMANDS = (("check",), ("format", "--check"))
# A closing mark alone is ordinary in code (`{{1: {2: 3}}}`), but not with a blank before it.
JINJA_RESIDUE = re.compile(r"\{\{|\{%|\{#|[^\s{][ \t]+[-+]?(?:\}\}|%\}|#\})")
DOCKER_INSTRUCTION = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|ONBUILD|RUN|SHELL|STOPSIGNAL"
    "|USER|VOLUME|WORKDIR"
)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=\S*")

Finding = tuple[str, str]
Rule = Callable[[str, str], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Project:
    """The project of one combination.

    Args:
        combination: The value of each option, in the order of the options.
        files: The text of each file, by path.
    """

    combination: Mapping[str, Value]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold for a file.

    Args:
        path: The file, or the template if that could not be rendered.
        combination: The first combination with this text.
        rule: The name of the rule.
        message: What is wrong, and where.
    """

    path: str
    combination: Mapping[str, Value]
    rule: str
    message: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        message = " ".join(self.message.split())
        return f"{self.path} [{label(self.combination)}] {self.rule}: {message}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a pass over the matrix found.

    Args:
        combinations: How many there are.
        distinct_files: How many different files (by path and text) all their projects have.
        faults: What does not hold; a fault of several combinations is listed once.
    """

    combinations: int
    distinct_files: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """Return the report as lines, the counts being the last."""
        count = f"{self.combinations} combinations, {self.distinct_files} distinct files"
        return "\n".join([*map(str, self.faults), count])


def label(combination: Mapping[str, Value]) -> str:
    """Return values as they are written in names: `framework=adk,stream=true`."""
    return ",".join(f"{name}={str(value).lower()}" for name, value in combination.items())


def is_python(path: str) -> bool:
    """Tell whether the file at `path` is Python."""
    return path.endswith(".py")


def chosen(answers: Answers) -> dict[str, Value]:
    """Return the values of the options among `answers`, without the free texts."""
    return {option.name: answers[option.name] for option in OPTIONS}


def render_all(
    combos: Iterable[Answers], render: Callable[[Answers], Mapping[str, str]] = render
) -> list[Project]:
    """Return the project of each of `combos`.

    Args:
        combos: Complete answers.
        render: What makes the files.
    """
    return [Project(chosen(answers), render(answers)) for answers in combos]


def render_with_faults(
    combos: Iterable[Answers], render: Callable[[Answers], Mapping[str, str]] = render
) -> tuple[list[Project], tuple[Fault, ...]]:
    """Return the project of each of `combos`, empty where a template fails, and why it fails.

    Args:
        combos: Complete answers.
        render: What makes the files.
    """
    projects: list[Project] = []
    faults: dict[tuple[str, str], Fault] = {}
    for answers in combos:
        try:
            projects.extend(render_all([answers], render))
        except jinja2.TemplateError as error:
            path, message = _template_fault(error)
            fault = Fault(path, chosen(answers), "render", message)
            faults.setdefault((path, message), fault)
            projects.append(Project(chosen(answers), {}))
    return projects, tuple(faults.values())


def check(
    combos: Iterable[Answers], render: Callable[[Answers], Mapping[str, str]] = render
) -> Report:
    """Render each of `combos` and check each distinct file once.

    Args:
        combos: Complete answers.
        render: What makes the files.

    Raises:
        Error: A tool that checks is not installed.
    """
    projects, faults = render_with_faults(combos, render)
    report = check_projects(projects)
    return Report(report.combinations, report.distinct_files, (*faults, *report.faults))


def check_projects(projects: Sequence[Project]) -> Report:
    """Check each distinct file of `projects` once.

    Raises:
        Error: A tool that checks is not installed.
    """
    owners: dict[tuple[str, str], Project] = {}
    with_new_code: list[Project] = []
    for project in projects:
        new = [item for item in project.files.items() if item not in owners]
        owners.update(dict.fromkeys(new, project))
        if any(is_python(path) for path, _ in new):
            with_new_code.append(project)
    faults = [
        Fault(path, project.combination, rule, message)
        for (path, text), project in owners.items()
        for rule, message in _findings(path, text)
    ]
    if with_new_code:
        with tempfile.TemporaryDirectory(prefix="agentcore-new-") as folder:
            faults.extend(_code_faults(Path(folder).resolve(), with_new_code, owners))
    faults.sort(key=lambda fault: fault.path)
    return Report(len(projects), len(owners), tuple(faults))


def _template_fault(error: jinja2.TemplateError) -> tuple[str, str]:
    """Return the template in which `error` arose, and what is wrong there."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or "", f"line {error.lineno}: {error.message}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # Jinja gives its frames the files and lines of the templates.
        if frame.filename.endswith(SUFFIX):
            path = Path(frame.filename).relative_to(template_root()).as_posix()
            return path, f"line {frame.lineno}: {error.message}"
    return "", str(error)


# What holds for one text.


def _findings(path: str, text: str) -> Iterator[Finding]:
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
    many = re.search(r"\n" * (most + 2), text)
    if many:
        yield "blank-lines", f"more than {most} in a row after line {_line(text, many.start())}"
    trailing = re.search(r"[ \t]+$", text, re.MULTILINE)
    if trailing:
        yield "trailing-blanks", f"line {_line(text, trailing.start())}"


def _residue(_path: str, text: str) -> Iterator[Finding]:
    """No template syntax is left."""
    for number, line in enumerate(text.splitlines(), start=1):
        if JINJA_RESIDUE.search(line):
            yield "jinja", f"line {number}: {line.strip()[:80]}"


def _machine_path(_path: str, text: str) -> Iterator[Finding]:
    """No text names a folder of this machine."""
    for folder in {template_root(), Path.cwd()}:
        # `/` and `/app` are in Dockerfiles with good reason.
        if len(folder.parts) > 2 and (str(folder) in text or folder.as_posix() in text):
            yield "machine-path", f"the text has {folder}"


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
    _require("yaml", "PyYAML")
    import yaml

    try:
        value = yaml.safe_load(text)
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


# What the tools say about the Python files, which they read from disk.


def _code_faults(
    folder: Path, projects: Sequence[Project], owners: Mapping[tuple[str, str], Project]
) -> Iterator[Fault]:
    """Yield the faults of the Python files of `projects`, each distinct file once."""
    for number, project in enumerate(projects):
        for path, text in project.files.items():
            # Whole packages, so that ruff tells first-party imports as in a real project.
            if is_python(path) or path == PYPROJECT:
                file = folder / str(number) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="")
    for number, project in enumerate(projects):
        for path, text in project.files.items():
            if is_python(path) and owners[path, text] is project:
                for rule, message in _compile(folder / str(number) / path, path, folder / "pyc"):
                    yield Fault(path, project.combination, rule, message)
    for file, rule, message in _ruff(folder):
        number_name, _, path = file.relative_to(folder).as_posix().partition("/")
        project = projects[int(number_name)]
        if owners[path, project.files[path]] is project:
            yield Fault(path, project.combination, rule, message)


def _compile(file: Path, path: str, compiled: Path) -> Iterator[Finding]:
    """Compile one file; a warning of the compiler is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            py_compile.compile(str(file), cfile=str(compiled), dfile=path, doraise=True)
        except (py_compile.PyCompileError, Warning) as error:
            yield "py_compile", str(error)


def _ruff(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield file, rule and message of all that ruff finds, each project having its own settings."""
    _require("ruff", "ruff")
    for command in RUFF_COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--output-format=json", "."],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        try:
            diagnostics = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise Error(f"ruff {command[0]} failed: {done.stderr.strip()}") from None
        for found in diagnostics:
            row = (found["location"] or {}).get("row", 1)
            rule = f"ruff {command[0]} {found['code']}"
            yield Path(found["filename"]).resolve(), rule, f"line {row}: {found['message']}"


def _require(module: str, distribution: str) -> None:
    """Refuse to go on without what only those who work on the templates have."""
    if importlib.util.find_spec(module) is None:
        raise Error(
            f"{distribution} is not installed, and the templates cannot be checked without it.",
            hint="It is in an extra: pip install 'agentcore-new[test]'",
        )


def main() -> int:
    """Check every combination, print the report and return the exit code."""
    try:
        report = check(combinations())
    except Error as error:
        print(as_text(error), file=sys.stderr)
        return error.exit_code
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
