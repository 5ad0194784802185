"""The modules of a generated project that no framework changes, to be imported by their tests.

Importing this one writes them into a temporary folder and puts that on the path: from then on
`sessions`, `invocation`, `chat` and the like are those of a project with `--stream --transcript`.
"""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from agentcore_new import render
from agentcore_new.answers import complete

MODULES = (
    *("body.py", "chat/", "invocation.py", "model/credentials.py", "replies.py", "server.py"),
    *("sessions.py", "streaming.py", "tools.py", "turns.py", "values.py"),
)
FILES = render.render(complete({"framework": "strands", "stream": True, "transcript": True}))
FOLDER = Path(tempfile.mkdtemp(prefix="generated-"))


def _write() -> None:
    atexit.register(shutil.rmtree, FOLDER)
    for path, text in FILES.items():
        if path.startswith(MODULES):
            file = FOLDER / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
    sys.path.append(str(FOLDER))


_write()
