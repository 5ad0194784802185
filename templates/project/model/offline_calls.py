"""Which tool a prompt calls, and with what: the offline model goes by words, it understands none."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?"  # not a part of a word or of another number
SIGNS = {"+": "add_numbers"}  # "2 + 3" is read as "add_numbers 2 3"


def number(text: str) -> float:
    """Read a number; it stays whole if it is written so."""
    return float(text) if "." in text else int(text)


# How a value looks in a prompt, and how it is read, by the JSON type of the parameter.
VALUES: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "number": (re.compile(NUMBER), number),
    "integer": (re.compile(NUMBER), number),
    "boolean": (re.compile(r"(?i)\b(?:true|false)\b"), lambda text: text.lower() == "true"),
    "string": (re.compile(r'"[^"]*"|\w(?:\S*\w)?'), lambda text: text.strip('"')),
}


@dataclass(frozen=True)
class Call:
    """A call of a tool, as the model asks for it."""

    name: str
    arguments: dict[str, Any]
    id: str = field(default_factory=lambda: uuid4().hex, compare=False)


def find_call(prompt: str, tools: Mapping[str, Any]) -> Call | None:
    """Return the call of the tool that the prompt names first, if its arguments follow.

    Args:
        prompt: What the user says.
        tools: The name of each tool, with the JSON schema of its parameters.
    """
    for sign, name in SIGNS.items():
        between_two = rf"({NUMBER})\s*{re.escape(sign)}\s*({NUMBER})"
        prompt = re.sub(between_two, rf"{name} \1 \2", prompt)
    named = {found: name for name in tools if (found := find_name(prompt, name))}
    if not named:
        return None
    first = min(named, key=lambda found: (found.start(), -found.end()))  # and the longest there
    name = named[first]
    arguments = find_arguments(prompt, first.end(), tools[name])
    return None if arguments is None else Call(name, arguments)


def find_name(prompt: str, name: str) -> re.Match[str] | None:
    """Find the name of a tool, with underscores or spaces, in any case."""
    pattern = rf"\b{re.escape(name)}\b".replace("_", "[_ ]")
    return re.search(pattern, prompt, re.IGNORECASE)


def find_arguments(prompt: str, start: int, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the required arguments, in order, from `start` on; None if one is missing."""
    arguments = {}
    for parameter, about in schema.get("properties", {}).items():
        # Some frameworks call a parameter required that has a default or may be null.
        if parameter not in schema.get("required", ()) or "default" in about or "anyOf" in about:
            continue
        pattern, read = VALUES.get(str(about.get("type")), (None, str))
        found = pattern and pattern.search(prompt, start)
        if not found:
            return None
        arguments[parameter] = read(found[0])
        start = found.end()
    return arguments


def shown(result: object) -> str:
    """Write what a tool returned, a whole number without its ".0"."""
    text = result if isinstance(result, str) else json.dumps(result, default=str)
    return re.sub(r"^(-?\d+)\.0$", r"\1", text)
