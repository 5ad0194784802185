"""A released state of the templates: what it asks, and the projects that it makes.

What it asks, derives and leaves out stands in its `copier.json`, which is its `copier.yml` as JSON:
Copier's rules, as far as our templates use them. No code of that release is run.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

import jinja2

from agentcore_new.options import Value

# What `copier.yml` is called in a frozen state, where it is JSON.
SETTINGS = "copier.json"


class Edition:
    """The templates of one release.

    Args:
        files: Their texts by path, `copier.json` among them.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._settings: dict[str, Any] = json.loads(files[SETTINGS])
        options = dict(self._settings["_envops"])
        options["undefined"] = getattr(jinja2, options["undefined"].rpartition(".")[2])
        # Settings of the release, for files that are no HTML.
        self._environment = jinja2.Environment(  # noqa: S701
            loader=jinja2.DictLoader(files), **options
        )

    @cached_property
    def questions(self) -> tuple[str, ...]:
        """The names of what is asked, in order."""
        return tuple(name for name, row in self._rows() if row.get("when") is not False)

    def values(self, name: str) -> tuple[Value, ...]:
        """Return every answer that a question can have; nothing for a free text."""
        row = self._settings[name]
        choices: tuple[Value, ...] = tuple(row.get("choices", {}).values())
        return (False, True) if row["type"] == "bool" else choices

    def default(self, name: str, answers: Mapping[str, Value]) -> Value:
        """Return the default of a question, given every answer that was asked before it."""
        variables: dict[str, Any] = {}
        for each, row in self._rows():
            if each == name:
                break
            variables[each] = answers[each] if each in answers else self._value(row, variables)
        value: Value = self._value(self._settings[name], variables)
        return value

    def render(self, answers: Mapping[str, Value]) -> dict[str, str]:
        """Return the text of every file of the project, by path and sorted by it.

        Args:
            answers: Every answer.
        """
        variables: dict[str, Any] = {}
        for name, row in self._rows():
            asked = name in self.questions
            variables[name] = answers[name] if asked else self._value(row, variables)
        excluded = [
            pattern
            for each in self._settings["_exclude"]
            if (pattern := self._environment.from_string(each).render(variables))
        ]
        return {
            path: self._text(source, variables)
            for path, source in sorted(self._sources())
            if not any(_matches(path, pattern) for pattern in excluded)
        }

    def _rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each question and what is derived, in order."""
        for name, row in self._settings.items():
            if not name.startswith("_"):
                yield name, row

    def _value(self, row: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:  # noqa: ANN401
        default = row["default"]
        if not isinstance(default, str):
            return default
        text = self._environment.from_string(default).render(variables)
        return json.loads(text) if row["type"] in ("bool", "json") else text

    def _sources(self) -> Iterator[tuple[str, str]]:
        """Yield each file that a project can have, and the path of its template."""
        folder = f"{self._settings['_subdirectory']}/"
        for path in self._files:
            if path.startswith(folder):
                suffix = self._settings["_templates_suffix"]
                yield path.removeprefix(folder).removesuffix(suffix), path

    def _text(self, source: str, variables: Mapping[str, Any]) -> str:
        if source.endswith(self._settings["_templates_suffix"]):
            return self._environment.get_template(source).render(variables)
        return self._files[source]


def _matches(path: str, pattern: str) -> bool:
    """Return whether a pattern leaves out a path: below the top if it begins with `/`."""
    if pattern.startswith("/"):
        return path == pattern[1:] or path.startswith(f"{pattern[1:]}/")
    return any(fnmatch(part, pattern) for part in path.split("/"))
