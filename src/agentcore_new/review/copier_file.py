"""`copier.yml`, written from the options: what Copier asks, checks, derives and leaves out."""

import json
import re
import string
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from agentcore_new import __version__, names, render, texts
from agentcore_new.options import (
    DERIVED,
    FILE_CONDITIONS,
    QUESTIONS,
    ByAnswer,
    ByExpression,
    Option,
    Text,
    Value,
)

FILE = "copier.yml"
# Below it are the file itself and, named for the function that does the same, each validator.
TEMPLATES = Path(__file__).with_name("copier")
# What YAML takes for a text as it stands, unless it is one of its words.
PLAIN = re.compile(r"\.?[A-Za-z_]([A-Za-z0-9 ,.?'()/_-]*[A-Za-z0-9?)_])?")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def text() -> str:
    """Return the text of `copier.yml`.

    Raises:
        jinja2.TemplateNotFound: A text is checked by a function that has no validator here.
    """
    return (
        _environment()
        .get_template("copier.yml.jinja")
        .render(
            folder=render.PROJECT_FOLDER,
            suffix=render.SUFFIX,
            settings=render.SETTINGS,
            excluded=[*render.DEBRIS, *map(_without, FILE_CONDITIONS, FILE_CONDITIONS.values())],
            questions=[_question(each) for each in QUESTIONS],
            version=__version__,
            answers=_answers(),
        )
    )


def _question(question: Option | Text) -> dict[str, Any]:
    """Return what the template needs of a question."""
    choices = question.choices if isinstance(question, Option) else ()
    return {
        "name": question.name,
        "type": "bool" if isinstance(question, Option) and not choices else "str",
        "help": question.question,
        "default": _default(question.default),
        "choices": {choice.title: choice.value for choice in choices},
        "check": _path(question) if isinstance(question, Text) else "",
        "derived": {
            name: _default(row) for name, row in DERIVED.items() if row.answer == question.name
        },
    }


def _path(question: Text) -> str:
    return f"{question.check.__module__.rpartition('.')[2]}.{question.check.__name__}"


def _default(default: Value | ByAnswer | ByExpression) -> str:
    """Return a default as a value of YAML, of which Copier makes what `answers.default` makes."""
    match default:
        case ByAnswer(answer, values):
            rows = [f"{value!r}: {result!r}," for value, result in values.items()]
            return _block(["{{ {", *rows, f"}}[{answer}] }}}}"])
        case ByExpression(_, expression):
            return _block([f"{{{{ {expression} }}}}"])
        case str(pattern):
            parts = string.Formatter().parse(pattern)
            return scalar(
                "".join(said + (f"{{{{ {name} }}}}" if name else "") for said, name, *_ in parts)
            )
        case value:
            return scalar(value)


def _answers() -> str:
    """Return the expression of every answer with its name, which Copier reads as JSON."""
    rows = [f"[{question.name!r}, {question.name}]," for question in QUESTIONS]
    return _block(["{{ [", *rows, "] | tojson }}"])


def _block(lines: Iterable[str]) -> str:
    """Return lines as a folded scalar, which is one line for Copier."""
    return ">-\n" + textwrap.indent("\n".join(lines), " " * 4)


def _without(path: str, condition: str) -> str:
    """Return the pattern that leaves out a file where it has no place.

    For its update Copier looks at it with the answers to an earlier release too, which may not have
    asked for all that the condition needs.
    """
    names = meta.find_undeclared_variables(_environment().parse(f"<< {condition} >>"))
    known = "".join(f"{name} is defined and " for name in sorted(names))
    return f"{{% if {known}not ({condition}) %}}/{path}{{% endif %}}"


def scalar(value: object) -> str:
    """Return `value` as YAML reads it back: a switch, a class by name, all else as text."""
    if isinstance(value, bool):
        return str(value).lower()
    # a class by where its package has it, which is how Copier knows it
    package = value.__module__.partition(".")[0] if isinstance(value, type) else ""
    word = f"{package}.{value.__name__}" if isinstance(value, type) else str(value)
    if PLAIN.fullmatch(word) and word.lower() not in WORDS:
        return word
    # not ASCII alone: YAML does not join the two halves of a character outside of the first plane
    return json.dumps(word, ensure_ascii=False)


def _listed(words: Iterable[str]) -> str:
    """Return a list of Jinja, over as many lines as it takes."""
    items = ", ".join(repr(word) for word in words)
    return textwrap.fill(f"[{items}]", 92, break_long_words=False, break_on_hyphens=False)


@cache
def _environment() -> jinja2.Environment:
    """Return a Jinja whose own marks leave those alone that are written for Copier."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it makes YAML
        keep_trailing_newline=True,
        trim_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    filters: Mapping[str, Any] = {"scalar": scalar, "literal": json.dumps, "listed": _listed}
    environment.filters.update(filters)
    environment.globals.update(names=names, texts=texts, letters=string.ascii_letters)
    return environment
