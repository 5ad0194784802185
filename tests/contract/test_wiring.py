"""Sessions leave when all of them have too many bytes, as main.py puts it together.

Point 17, bounded inside too.
"""

import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import ONE_EACH, Variant, each

pytestmark = [pytest.mark.real, each(ONE_EACH)]

# one text in three sessions, each of which counts it
SESSIONS = """
import asyncio, main
from serving.identity import SessionKey

LARGE = "x" * 100 * 1024 * 1024

async def run():
    for name in ("first", "second", "third"):
        async with main.sessions.turn(SessionKey(None, None, name)) as session:
            session.keep([LARGE])
        print(len(main.sessions))

asyncio.run(run())
"""


def test_sessions_are_bounded_in_bytes(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    command = [str(python_of(variant.framework)), "-c", SESSIONS]
    held = subprocess.check_output(command, cwd=project, text=True, stderr=subprocess.DEVNULL)
    assert held.split() == ["1", "2", "2"]
