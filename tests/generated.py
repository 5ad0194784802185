"""The modules of generated projects that no framework changes, to be imported by their tests.

Importing this one writes those of a project with `--stream --transcript` and SQLite into
a temporary folder and puts that on the path: from then on `serving` and the like are its modules.
`with_store` has those of projects with other stores beside them.
"""

import atexit
import shutil
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from agentcore_new import options, render
from agentcore_new.answers import complete

FOLDER = Path(tempfile.mkdtemp(prefix="generated-"))


def _projects(store: str) -> list[dict[str, str]]:
    """A project of each framework."""
    given: dict[str, str | bool | None] = {"project_name": "my-agent", "model_provider": "bedrock"}
    given |= {"stream": True, "session_store": store, "transcript": True}
    return [
        render.render(complete(given | {"framework": framework}))
        for framework in options.FRAMEWORK.values
    ]


def _in_common(projects: list[dict[str, str]]) -> tuple[str, ...]:
    """The paths of the modules that are the same in all of them."""
    return tuple(
        path
        for path, text in projects[0].items()
        if path.endswith(".py") and not path.startswith("tests/")
        if all(project.get(path) == text for project in projects)
    )


def _write(files: dict[str, str], paths: tuple[str, ...], folder: Path) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files[path], encoding="utf-8", newline="")


class Modules:
    """What `serving` has in a project with this store: each module as an attribute."""

    def __init__(self, session_store: str) -> None:
        self.session_store = session_store
        self.folder = FOLDER / "with" / session_store
        projects = _projects(session_store)
        paths = _in_common(projects)
        _write(projects[0], paths, self.folder)
        others = _take_out()
        sys.path.insert(0, str(self.folder))
        try:
            for path in paths:
                name = path.removesuffix(".py")
                if name.startswith("serving/") and not name.endswith("__init__"):
                    setattr(self, Path(name).name, import_module(name.replace("/", ".")))
        finally:
            sys.path.remove(str(self.folder))
            _take_out()
            sys.modules.update(others)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"with {self.session_store} there is no {name}.py")


def _take_out() -> dict[str, Any]:
    """Take the modules of a project out of those that are imported."""
    roots = {path.partition("/")[0].removesuffix(".py") for path in MODULES}
    names = [name for name in sys.modules if name.partition(".")[0] in roots]
    return {name: sys.modules.pop(name) for name in names}


@cache
def with_store(store: str) -> Modules:
    """The modules of a project with another store, which do not know those on the path."""
    return Modules(store)


PROJECTS = _projects("sqlite")
FILES = PROJECTS[0]
MODULES = _in_common(PROJECTS)

atexit.register(shutil.rmtree, FOLDER)
_write(FILES, MODULES, FOLDER)
sys.path.append(str(FOLDER))
