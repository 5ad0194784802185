"""The modules of a generated project that no framework changes, to be imported by their tests.

Importing this one writes them into a temporary folder and puts that on the path: from then on
`sessions`, `invocation` and `chat` are those of a project with a transcript.
"""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from agentcore_new import options, render

MODULES = ("sessions.py", "invocation.py", "chat/")
FOLDER = Path(tempfile.mkdtemp(prefix="generated-"))


def _write() -> None:
    atexit.register(shutil.rmtree, FOLDER)
    files = render.render(options.complete({"framework": "strands", "transcript": True}))
    for path, text in files.items():
        if path.startswith(MODULES):
            file = FOLDER / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
    sys.path.append(str(FOLDER))


_write()
