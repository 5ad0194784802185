"""Run in a process of its own with the code of another commit: prints what users get from it.

`python -I export.py SRC` puts SRC, the folder of that code, on the path. Of it only what all
commits have is used, and what makes rendering fast where it is there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


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
    """Print the catalogue, every distinct text, and which of them each project has."""
    sys.path.insert(0, source)
    catalogue = import_module("agentcore_new.catalogue").as_object()
    numbers: dict[str, int] = {}
    rows = [
        [
            dict(combination),
            {path: numbers.setdefault(text, len(numbers)) for path, text in files.items()},
        ]
        for combination, files in projects()
    ]
    json.dump([catalogue, list(numbers), rows], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
