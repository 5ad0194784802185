"""The files of a project, in memory: pure, apart from reading the templates.

The templates are a Copier template too; `copier.yml` is written with the settings of this module.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import jinja2.runtime

from agentcore_new.answers import Answers, template_variables
from agentcore_new.options import FILE_CONDITIONS
from agentcore_new.package_data import template_root

PROJECT_FOLDER = "templates/project"
SUFFIX = ".jinja"
# What tools leave in a folder of sources, and never part of a project.
DEBRIS = ("__pycache__", "*.py[co]", ".DS_Store", "*~")
# Of Jinja, Copier's too. Text gets into each language by the macros of quote.jinja, not as HTML.
SETTINGS: Mapping[str, Any] = {
    "autoescape": False,
    "keep_trailing_newline": True,
    "lstrip_blocks": True,
    "trim_blocks": True,
    "undefined": jinja2.StrictUndefined,
}

Produce = Callable[[Mapping[str, Any]], str]


class Renderer:
    """The templates of one folder, each read and compiled once.

    Args:
        root: The folder that holds `templates/`.
        context_class: What the templates look their variables up in.
    """

    def __init__(
        self, root: Path, context_class: type[jinja2.runtime.Context] = jinja2.runtime.Context
    ) -> None:
        self._environment = jinja2.Environment(  # noqa: S701
            loader=jinja2.FileSystemLoader(root), cache_size=-1, auto_reload=False, **SETTINGS
        )
        self._environment.context_class = context_class
        conditions = {
            path: self._environment.compile_expression(condition)
            for path, condition in FILE_CONDITIONS.items()
        }
        self._producers: dict[str, Produce] = {}
        self._sources = dict(sorted(_sources(root / PROJECT_FOLDER)))
        self._conditions = {
            path: [condition for part, condition in conditions.items() if _is_in(path, part)]
            for path in self._sources
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that a project can have, sorted."""
        return tuple(self._sources)

    def text(self, path: str, variables: Mapping[str, Any]) -> str | None:
        """Return the text of one file; None if the project does not have it.

        Args:
            path: One of `paths`.
            variables: As `answers.template_variables` returns them.
        """
        if all(condition(**variables) for condition in self._conditions[path]):
            return self._producer(path)(variables)
        return None

    def render(self, answers: Answers) -> dict[str, str]:
        """Return the text of every file of the project, by path and sorted by it.

        Args:
            answers: Every answer, as `answers.complete` returns them.
        """
        variables = template_variables(answers)
        texts = {path: self.text(path, variables) for path in self._sources}
        return {path: text for path, text in texts.items() if text is not None}

    def _producer(self, path: str) -> Produce:
        """Return what makes the file `path`, prepared at its first use."""
        if path not in self._producers:
            source = self._sources[path]
            if source.suffix == SUFFIX:
                template = self._environment.get_template(f"{PROJECT_FOLDER}/{path}{SUFFIX}")
                self._producers[path] = template.render
            else:
                text = source.read_bytes().decode("utf-8")
                self._producers[path] = lambda _variables: text
        return self._producers[path]


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file that a project can have, and the template of it."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_debris(name)]
        for name in files:
            if not is_debris(name):
                source = Path(parent, name)
                yield source.relative_to(folder).as_posix().removesuffix(SUFFIX), source


def _is_in(path: str, part: str) -> bool:
    return path == part or path.startswith(f"{part}/")


def is_debris(path: str) -> bool:
    """Return whether tools left a file there, by its path or its name."""
    return any(fnmatch(name, pattern) for name in path.split("/") for pattern in DEBRIS)


@cache
def _packaged() -> Renderer:
    return Renderer(template_root())


def render(answers: Answers) -> dict[str, str]:
    """Return the text of every file of the project, by path and sorted by it.

    Args:
        answers: Every answer, as `answers.complete` returns them.
    """
    return _packaged().render(answers)
