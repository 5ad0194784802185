"""What an earlier creation left in a folder, by the record that a project has of its answers."""

import json
import os
import re
from collections.abc import Container
from pathlib import Path

from agentcore_new.answers import complete
from agentcore_new.errors import Error
from agentcore_new.options import Value
from agentcore_new.render import render

RECORD = ".copier-answers.yml"
# A line as the record's template writes it: a text is a literal of JSON too.
ANSWER = re.compile(r'^(\w+): ("(?:[^"\\]|\\["\\])*"|true|false)$', re.M)


def left_over(target: Path, now: Container[str]) -> tuple[str, ...]:
    """Return the files that an earlier creation had, which are there and are not in `now`.

    What it had is rendered again, by the templates of today. Without a record that can be read
    nothing is known, and nothing returned.

    Args:
        target: The project's folder.
        now: The paths of the files that it has from now on.
    """
    try:
        before = render(complete(_recorded((target / RECORD).read_text(encoding="utf-8"))))
    except (OSError, ValueError, Error):
        return ()
    return tuple(path for path in before if path not in now and os.path.lexists(target / path))


def _recorded(text: str) -> dict[str, Value]:
    """Return the answers in a record.

    Raises:
        ValueError: A text has a character that none can have.
    """
    return {name: json.loads(literal) for name, literal in ANSWER.findall(text)}
