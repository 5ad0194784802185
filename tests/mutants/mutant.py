"""What a mutant is, and the words with which the tables of mutants are written.

Each table is a module of its own with one tuple, and table.py puts them together.
"""

from dataclasses import dataclass

CACHE = "templates/project/serving/sessions.py.jinja"
MAIN = "templates/project/main.py.jinja"
STRANDS = "templates/frameworks/strands/agent.py.jinja"
LANGGRAPH = "templates/frameworks/langgraph/agent.py.jinja"
INVOCATION = "templates/project/serving/invocation.py"
TURNS = "templates/project/serving/turns.py.jinja"
REPLIES = "templates/project/serving/replies.py"
STREAMING = "templates/project/serving/streaming.py"
TRANSCRIPT = "templates/project/serving/transcript"


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that must be in a file exactly once, and what it becomes."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault.

    Args:
        name: What is wrong, in words.
        edits: What makes it so.
        tests: What pytest runs to notice it, as its arguments.
    """

    name: str
    edits: tuple[Edit, ...]
    tests: str


def one(name: str, path: str, old: str, new: str, tests: str) -> Mutant:
    """A mutant of one edit."""
    return Mutant(name, (Edit(path, old, new),), tests)


def contract(modules: str, variant: str) -> str:
    """The modules of the contract, for one project."""
    return " ".join(f"tests/contract/test_{name}.py" for name in modules.split()) + f" -k {variant}"


UNIT = "tests/session_cache"
JSON = "strands-bedrock-json"
STREAM = "strands-bedrock-stream"
