"""What a project may be called, and the names derived from its name.

`templates/reserved_names.txt` lists every distribution and top-level module that a generated
project depends on, direct or transitive, in normal form; Copier reads the same file.
"""

import keyword
import os
import string
import unicodedata
from functools import cache
from pathlib import Path

from agentcore_new.errors import InvalidAnswer
from agentcore_new.expressions import value
from agentcore_new.package_data import template_root

MAX_LENGTH = 64
# The AgentCore CLI deploys as PROJECT_NAME, of at most 48 characters, and a PROJECT has up to 23.
MAX_RUNTIME_NAME = 24
CHARACTERS = string.ascii_letters + string.digits + "-_"
# Compared without regard to case, because the derived identifier is in lower case.
KEYWORDS = tuple(sorted(word.lower() for word in keyword.kwlist))

# Each name that is derived from the project's own, as an expression that Copier evaluates too.
DISTRIBUTION_NAME = "'-'.join(project_name.lower().replace('-', ' ').replace('_', ' ').split())"
# Google ADK keeps `user` for the author of the user's messages.
AGENT_NAME = (
    "'user_agent' if project_name.lower() == 'user' else project_name.lower().replace('-', '_')"
)
RUNTIME_NAME = f"project_name.replace('-', '_')[:{MAX_RUNTIME_NAME}]"


def distribution_name(project_name: str) -> str:
    """Return the name of the distribution, in the normal form of the Python packaging index."""
    return value(DISTRIBUTION_NAME, project_name=project_name)


def agent_name(project_name: str) -> str:
    """Return the Python identifier of the agent."""
    return value(AGENT_NAME, project_name=project_name)


def runtime_name(project_name: str) -> str:
    """Return the name of the AgentCore runtime: letters, digits and `_`, at most 24."""
    return value(RUNTIME_NAME, project_name=project_name)


def module_names(folder: Path) -> tuple[str, ...]:
    """Return, in normal form, what Python can import of a folder of templates."""
    with os.scandir(folder) as entries:
        found = {
            entry.name.removesuffix(".jinja").removesuffix(".py").replace("_", "-").lower()
            for entry in entries
            if entry.name.endswith((".py", ".py.jinja"))
            or (entry.is_dir() and any(Path(entry.path).glob("__init__.py*")))
        }
    return tuple(sorted(found))


# The top-level modules of a generated project, whatever its options.
PROJECT_MODULES = module_names(template_root() / "templates" / "project")


@cache
def reserved_names() -> frozenset[str]:
    """Return, in normal form, the names that a project would shadow."""
    listed = (template_root() / "templates" / "reserved_names.txt").read_text("utf-8").split()
    return frozenset([*listed, *PROJECT_MODULES])


def check(name: str) -> str:
    """Return `name`, if a project can have it.

    Raises:
        InvalidAnswer: It cannot; the message says why, the hint has a name that would do.
    """
    if problem := _problem(name):
        suggestion = _suggestion(name)
        shown = name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH] + "…"
        raise InvalidAnswer(
            f"{shown!r} cannot be a project's name: {problem}.",
            hint=f"A good name would be: {suggestion}",
            details={"answer": "project_name", "suggestion": suggestion},
        )
    return name


def _problem(name: str) -> str:
    """Return what is wrong with `name`, or nothing."""
    if not name.strip():
        return "it is empty"
    if "/" in name or "\\" in name or name in (".", ".."):
        return "it is a path (--output-dir says where the project goes)"
    if any(unicodedata.category(character).startswith("C") for character in name):
        return "it has a control or invisible character"
    if any(character.isspace() for character in name):
        return "it has a blank"
    if not name.isascii():
        return "it has a character that is not ASCII"
    if not name[0].isalpha():
        return "it must start with a letter"
    if foreign := [character for character in name if character not in CHARACTERS]:
        return f"{foreign[0]!r} is not a letter, a digit, '-' or '_'"
    if len(name) > MAX_LENGTH:
        return f"it has {len(name)} characters and at most {MAX_LENGTH} are allowed"
    if agent_name(name) in KEYWORDS:
        return "it is a keyword of Python"
    if distribution_name(name) in PROJECT_MODULES:
        return "the project has a module of that name"
    if distribution_name(name) in reserved_names():
        return "a package that the project depends on has that name"
    return ""


def _suggestion(name: str) -> str:
    """Return a valid name that is as near to `name` as possible."""
    last_part = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = unicodedata.normalize("NFKD", last_part).encode("ascii", "ignore").decode()
    kept = "".join(character if character in CHARACTERS else "-" for character in plain)
    words = "-".join(filter(None, kept.split("-"))).strip("_")
    if not words[:1].isalpha():
        words = f"agent-{words}" if words else "my-agent"
    words = words[:MAX_LENGTH].rstrip("-_")
    if not _problem(words):
        return words
    if words.lower().startswith("agent"):
        return f"my-{words}"
    return f"{words[: MAX_LENGTH - len('-agent')]}-agent"
