"""What the texts of a project that are no Python say is there: found once for each part."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from agentcore_new.review.project_rules.python_facts import is_of_others, module_name

# What is named and is no part of a new project, with the reason.
MADE_BY_USERS = {
    ".env": "a copy of .env.example",
    ".venv": "made by `python3 -m venv`",
    "agentcore": "the folder of the AgentCore CLI, in its own project",
}
# Variables by their prefixes, with what reads them.
VARIABLES_OF_LIBRARIES = {
    "AWS_": "botocore",
    "DOCKER_CONTAINER": "bedrock_agentcore",
    "PYTHON": "the interpreter",
}
# Names that are not the project's own, with what has them.
NAMES_OF_LIBRARIES = {
    "Command": "LangGraph: how an interrupt is answered",
}
FILES_WITHOUT_SUFFIX = ("Dockerfile", "Makefile")

SUFFIX = r"\.(?:cfg|css|csv|db|html|ini|js|jsonl?|lock|md|py|sh|sql|tf|toml|txt|ya?ml)"
# A suffix alone is none.
PATH = re.compile(
    rf"(?:\.?[\w-]+/)*(?:[\w-][\w.-]*{SUFFIX}|(?!{SUFFIX}\Z)\.[a-z][\w.-]*|\.?[\w-]+/)"
)
WORD_ENDS = re.compile(r"""[\s'"|;&<>,=]+""")
FENCE = "```"
FENCED = re.compile(rf"^[ >]*{FENCE}[^\n]*\n(.*?){FENCE}", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<![`\\])(`+)(?!`)((?:(?!\n\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:|[/#])([^)\s#]+)")
CONSTANT = r"[A-Z][A-Z0-9_]+"
ASSIGNED = re.compile(rf"(?<![\w$-])({CONSTANT})=")
COMMENTED = re.compile(rf"^#?[ \t]*({CONSTANT})=", re.MULTILINE)
# A constant, snake_case, CamelCase, a call or a quoted word.
NAME = re.compile(
    rf'({CONSTANT}|_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+|(?:[A-Z]+[a-z0-9]+)+|[A-Za-z_]\w*(?=\(.*\))|"\w+")'
    r"(?:\(.*\).*)?"
)
LOCATED = re.compile(r"`([A-Za-z_]\w*)(?:\([^`\n]*)?`\s+in\s+`([\w./-]+(?:\.py|/))`")
EXTRA_OPTION = re.compile(r"--extra[ =]+([\w-]+)")
EXTRAS_OF_FOLDER = re.compile(r"\.\[([\w, -]+)\]")
PYTHON_MODULE = re.compile(r"""\bpython[\d.]*["',\s]+-m["',\s]+([\w.]+)""")
PYTHON_FILE = re.compile(r"""\b(?:python[\d.]*|uv run)["',\s]+(?:python\s+)?([\w./-]+\.py)\b""")
OWN_EXTRAS = re.compile(r"([\w.-]+)\[([\w, -]+)\]")
SUBSTITUTED = re.compile(rf"\$\{{({CONSTANT})")
INSTRUCTION = re.compile(r"^\s*([A-Z]+)\s+(.*)$", re.MULTILINE)

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a text, or a part of one, says is there.

    Args:
        files: Files and folders, these without a slash at the end.
        variables: Environment variables.
        names: Names that the Python files have, as identifiers or texts.
        located: Names, each with the file or folder that has it.
        extras: Optional dependencies.
        modules: Modules of the project.
        run: Modules that are run, those of others among them.
    """

    files: frozenset[str] = NONE
    variables: frozenset[str] = NONE
    names: frozenset[str] = NONE
    located: frozenset[tuple[str, str]] = frozenset()
    extras: frozenset[str] = NONE
    modules: frozenset[str] = NONE
    run: frozenset[str] = NONE


@dataclass(frozen=True, slots=True)
class Table:
    """What one table of pyproject.toml says.

    Args:
        mentions: What is named there.
        name: The project's name, if the table has it.
        extras: The optional dependencies that the table has.
        own: Names of distributions, each with an extra that is asked of it.
    """

    mentions: Mentions
    name: str = ""
    extras: frozenset[str] = NONE
    own: frozenset[tuple[str, str]] = frozenset()


def readme(text: str) -> list[Mentions]:
    """Return what each section of a README names."""
    sections = text.split("\n## ")
    if any(section.count(FENCE) % 2 for section in sections):  # a code block has such a line
        sections = [text]
    return [_section(section) for section in sections]


def pyproject(text: str) -> list[Table]:
    """Return what each table of pyproject.toml says; nothing, if it is not TOML."""
    _, *tables = f"\n{text}".split("\n[")
    try:
        return [_table(f"[{table}") for table in tables]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return [_table(text)]  # a line starts with `[` and is no table
    except tomllib.TOMLDecodeError:
        return []


@cache
def dockerfile(text: str) -> Mentions:
    """Return what a Dockerfile names."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    copied: list[str] = []
    commands: list[str] = []
    for instruction, words in INSTRUCTION.findall(lines):
        if instruction in ("COPY", "ADD"):
            copied.extend(_copied(words))
        elif instruction in ("CMD", "ENTRYPOINT", "ENV", "HEALTHCHECK", "RUN"):
            commands.append(words)
    return _mentions("\n".join(commands), files=copied)


@cache
def example_variables(text: str) -> Mentions:
    """Return the variables of .env.example, commented out or not."""
    return Mentions(variables=_own_variables(COMMENTED.findall(text)))


@cache
def substituted(text: str) -> frozenset[str]:
    """Return the variables whose values a Compose file takes from outside."""
    return frozenset(SUBSTITUTED.findall(text))


@cache
def other(text: str) -> Mentions:
    """Return what any other text runs."""
    return Mentions(run=_run(text))


@cache
def _section(text: str) -> Mentions:
    code = FENCED.findall(text)
    prose = FENCED.sub("", text)
    spans = [match[1] for match in SPAN.findall(prose)]
    located = frozenset((name, path.rstrip("/")) for name, path in LOCATED.findall(prose))
    named = {found[1].strip('"') for span in spans if (found := NAME.fullmatch(span))}
    return _mentions(
        "\n".join([*code, *spans]),
        files=(target.removeprefix("./") for target in LINK.findall(prose)),
        names=named.difference(name for name, _ in located),
        located=located,
    )


def _mentions(
    code: str,
    files: Iterable[str] = (),
    names: Iterable[str] = (),
    located: frozenset[tuple[str, str]] = frozenset(),
) -> Mentions:
    """Return what `code` names, and what else is given."""
    words = [word.removeprefix("@").removeprefix("./") for word in WORD_ENDS.split(code)]
    named = [word for word in words if PATH.fullmatch(word) or word in FILES_WITHOUT_SUFFIX]
    paths = [path.rstrip("/") for path in (*named, *files)]
    extras = ",".join((*EXTRA_OPTION.findall(code), *EXTRAS_OF_FOLDER.findall(code)))
    modules = PYTHON_MODULE.findall(code)
    return Mentions(
        files=frozenset(path for path in paths if path.partition("/")[0] not in MADE_BY_USERS),
        variables=_own_variables(ASSIGNED.findall(code)),
        names=_own_variables(names).difference(NAMES_OF_LIBRARIES, FILES_WITHOUT_SUFFIX),
        located=located,
        extras=_split(extras),
        modules=frozenset(each for each in modules if not is_of_others(each.partition(".")[0])),
        run=_run(code),
    )


def _own_variables(names: Iterable[str]) -> frozenset[str]:
    """Return `names` without the variables that libraries read."""
    return frozenset(name for name in names if not name.startswith(tuple(VARIABLES_OF_LIBRARIES)))


def _run(code: str) -> frozenset[str]:
    files = (path.removeprefix("./") for path in PYTHON_FILE.findall(code))
    return frozenset([*PYTHON_MODULE.findall(code), *map(module_name, files)])


def _split(extras: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[\s,]+", extras)))


def _copied(words: str) -> Iterator[str]:
    """Yield the files and folders that COPY or ADD takes from the project."""
    arguments = [word for word in re.split(r"""[\s"',\[\]]+""", words) if word]
    if any(word.startswith("--from=") for word in arguments):
        return
    for source in [word for word in arguments if not word.startswith("--")][:-1]:
        if source != "." and "://" not in source and not re.search(r"[*?]", source):
            yield source.removeprefix("./")


@cache
def _table(text: str) -> Table:
    """Return what one table of pyproject.toml says.

    Raises:
        tomllib.TOMLDecodeError: It is not TOML.
    """
    data = tomllib.loads(text)
    described = _at(data, "project.readme")
    readme_file = described.get("file", "") if isinstance(described, dict) else described
    ignored = _at(data, "tool.ruff.lint.per-file-ignores") or {}
    paths = [
        *filter(None, [readme_file]),
        *(_at(data, "tool.pytest.ini_options.testpaths") or ()),
        *(_at(data, "tool.pytest.ini_options.pythonpath") or ()),
        # Of a pattern, the folder that it starts with.
        *(re.sub(r"[^/]*[*?\[].*", "", pattern) for pattern in ignored),
    ]
    extras = _at(data, "project.optional-dependencies") or {}
    groups = _at(data, "dependency-groups") or {}
    requirements = [each for group in (extras, groups) for row in group.values() for each in row]
    return Table(
        Mentions(
            files=frozenset(path.rstrip("/") for path in paths if path.strip("./")),
            modules=frozenset(_at(data, "tool.ruff.lint.isort.known-first-party") or ()),
        ),
        name=_at(data, "project.name") or "",
        extras=frozenset(extras),
        own=frozenset(
            (found[1], extra)
            for requirement in requirements
            if isinstance(requirement, str) and (found := OWN_EXTRAS.match(requirement))
            for extra in _split(found[2])
        ),
    )


def _at(data: Any, key: str) -> Any:  # noqa: ANN401
    """Return what TOML has at a dotted key, None where it has nothing."""
    for part in key.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data
