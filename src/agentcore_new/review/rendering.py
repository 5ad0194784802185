"""Every combination rendered: each template once for the values on which it depends.

What a template reads of its variables is noted while it is rendered, includes and all: where those
have the same values again, so has the text.
"""

import traceback
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
import jinja2.runtime

from agentcore_new.answers import Answers, template_variables
from agentcore_new.options import OPTIONS, Value
from agentcore_new.package_data import template_root
from agentcore_new.render import SUFFIX, Renderer
from agentcore_new.review.faults import Fault

Variables = Mapping[str, Any]
# A text, that there is none, or why a template fails and where.
_Result = str | tuple[jinja2.TemplateError, TracebackType | None] | None


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
class Rendered:
    """The project of each combination, empty where a template fails, and why it fails."""

    projects: tuple[Project, ...]
    faults: tuple[Fault, ...]


def chosen(answers: Answers) -> dict[str, Value]:
    """Return the values of the options among `answers`, without the free texts."""
    return {option.name: answers[option.name] for option in OPTIONS}


def render_all(combinations: Iterable[Answers], root: Path | None = None) -> Rendered:
    """Render the project of each of `combinations`.

    Args:
        combinations: Complete answers.
        root: The folder that holds `templates/`; None for that of this code.
    """
    root = root or template_root()
    read: set[str] = set()
    renderer = Renderer(root, _noting(read))
    texts = {path: _Once(partial(renderer.text, path), read) for path in renderer.paths}
    projects: list[Project] = []
    faults: dict[tuple[str, str], Fault] = {}
    for answers in combinations:
        variables, combination = template_variables(answers), chosen(answers)
        files: dict[str, str] = {}
        try:
            for path, text_of in texts.items():
                if (text := text_of(variables)) is not None:
                    files[path] = text
        except jinja2.TemplateError as error:
            files = {}
            path, message = _template_fault(root, error)
            faults.setdefault((path, message), Fault(path, combination, "render", message))
        projects.append(Project(combination, files))
    return Rendered(tuple(projects), tuple(faults.values()))


class _Once:
    """A function of the variables, called once for the values of those that it reads.

    Args:
        function: Is given the variables.
        read: The names that it reads of them are added to it.
    """

    def __init__(self, function: Callable[[Variables], str | None], read: set[str]) -> None:
        self._function = function
        self._read = read
        # by the names that a call read: with other values it may read something else
        self._known: dict[tuple[str, ...], dict[Hashable, _Result]] = {}

    def __call__(self, variables: Variables) -> str | None:
        for names, results in self._known.items():
            key = tuple([variables[name] for name in names])
            if key in results:
                return _result(results[key])
        self._read.clear()
        result: _Result
        try:
            result = self._function(variables)
        except jinja2.TemplateError as error:
            result = (error, error.__traceback__)
        names = tuple(sorted(self._read & variables.keys()))
        self._known.setdefault(names, {})[tuple([variables[name] for name in names])] = result
        return _result(result)


def _result(result: _Result) -> str | None:
    if isinstance(result, tuple):
        error, where = result
        raise error.with_traceback(where)  # each time that it is raised would make it longer
    return result


def _noting(read: set[str]) -> type[jinja2.runtime.Context]:
    """Return a class of contexts that note which variables a template looks up."""

    class Noting(jinja2.runtime.Context):
        def resolve_or_missing(self, key: str) -> Any:  # noqa: ANN401 - as in the class above
            read.add(key)
            return super().resolve_or_missing(key)

    return Noting


def _template_fault(root: Path, error: jinja2.TemplateError) -> tuple[str, str]:
    """Return the template in which `error` arose, and what is wrong there."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or "", f"line {error.lineno}: {error.message}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # Jinja gives its frames the files and lines of the templates.
        if frame.filename.endswith(SUFFIX):
            path = Path(frame.filename).relative_to(root).as_posix()
            return path, f"line {frame.lineno}: {error.message}"
    return "", str(error)
