"""Run in a process of its own with the code of another commit: prints what users get from it.

`python -I export.py SRC` puts SRC, the folder of that code, on the path. Of it only what all
commits have is used, and what makes rendering fast where it is there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import jinja2

PROJECT_FOLDER, SUFFIX = "templates/project/", ".jinja"


class Reads:
    """Which templates are read for each text, noted wherever Jinja renders one."""

    def __init__(self) -> None:
        # by the template that is rendered: of each text all the templates it comes from
        self._found: dict[str, dict[str, dict[str, None]]] = {}
        self._open: list[dict[str, None]] = []

    def note(self) -> None:
        """Begin to note what is read."""
        get_template, render = jinja2.Environment.get_template, jinja2.Template.render

        def noting_get(
            environment: jinja2.Environment,
            *words: Any,  # noqa: ANN401 - as in the method itself
            **options: Any,  # noqa: ANN401
        ) -> jinja2.Template:
            template = get_template(environment, *words, **options)
            for names in self._open[-1:]:
                names[template.name or ""] = None
            return template

        def noting_render(template: jinja2.Template, *words: Any, **options: Any) -> str:  # noqa: ANN401
            self._open.append({template.name or "": None})
            try:
                text = render(template, *words, **options)
            finally:
                names = self._open.pop()
            self._found.setdefault(template.name or "", {}).setdefault(text, {}).update(names)
            return text

        jinja2.Environment.get_template = noting_get  # type: ignore[assignment,method-assign]
        jinja2.Template.render = noting_render  # type: ignore[assignment,method-assign]

    def of(self, path: str, text: str) -> list[str]:
        """Return the templates that a file's text comes from, its own first."""
        texts = self._found.get(f"{PROJECT_FOLDER}{path}{SUFFIX}", {})
        return list(texts.get(text, [PROJECT_FOLDER + path]))


def projects() -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """Yield the values of the options, and the files, of every combination."""
    options = import_module("agentcore_new.options")
    try:
        combinations = import_module("agentcore_new.answers").combinations
    except ModuleNotFoundError:  # before the answers had a module
        combinations = options.combinations
    try:
        rendering = import_module("agentcore_new.review.rendering")
    except ModuleNotFoundError:  # before each text was rendered once
        render = import_module("agentcore_new.render").render
        for answers in combinations():
            yield {option.name: answers[option.name] for option in options.OPTIONS}, render(answers)
        return
    rendered = rendering.render_all(combinations())
    if rendered.faults:
        raise SystemExit(str(rendered.faults[0]))
    for project in rendered.projects:
        yield project.combination, project.files


def main(source: str) -> None:
    """Print the catalogue, every distinct text, which of them each project has, and from where."""
    sys.path.insert(0, source)
    reads = Reads()
    reads.note()
    catalogue = import_module("agentcore_new.catalogue").as_object()
    numbers: dict[str, int] = {}
    templates: dict[str, dict[int, list[str]]] = {}
    rows = []
    for combination, files in projects():
        row = {}
        for path, text in files.items():
            row[path] = number = numbers.setdefault(text, len(numbers))
            known = templates.setdefault(path, {})
            if number not in known:
                known[number] = reads.of(path, text)
        rows.append([dict(combination), row])
    json.dump([catalogue, list(numbers), rows, templates], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
