"""The modules of a generated project that no framework changes, to be imported by their tests.

Importing this one writes them into a temporary folder and puts that on the path: from then on
`sessions`, `invocation`, `chat` and the like are those of a project with `--stream --transcript`.
"""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from agentcore_new import options, render
from agentcore_new.answers import complete

PROJECTS = [
    render.render(
        complete(
            {"framework": framework, "model_provider": "bedrock"}
            | {"stream": True, "transcript": True}
        )
    )
    for framework in options.FRAMEWORK.values
]
FILES = PROJECTS[0]
MODULES = tuple(
    path
    for path, text in FILES.items()
    if path.endswith(".py") and not path.startswith("tests/")
    if all(project.get(path) == text for project in PROJECTS)
)
FOLDER = Path(tempfile.mkdtemp(prefix="generated-"))


def _write() -> None:
    atexit.register(shutil.rmtree, FOLDER)
    for path in MODULES:
        file = FOLDER / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(FILES[path], encoding="utf-8", newline="")
    sys.path.append(str(FOLDER))


_write()
