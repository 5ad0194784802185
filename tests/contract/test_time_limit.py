"""A turn ends at its time where a framework or a tool swallows its cancellation.

Point 13, failure.
"""

import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import ONE_EACH, Variant, each

pytestmark = [pytest.mark.real, each(ONE_EACH)]

CARELESS = """
import asyncio
from serving import turns
from starlette.exceptions import HTTPException

async def careless():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)
    return "late", []

async def main():
    turns.TURN_SECONDS = 0.1
    try:
        async with turns.plain_failures():
            await turns.complete(careless())
    except HTTPException as failure:
        print(failure.status_code)

asyncio.run(main())
"""


def test_no_turn_outlives_its_time(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    command = [str(python_of(variant.framework)), "-c", CARELESS]
    assert subprocess.check_output(command, cwd=project, text=True, timeout=30) == "504\n"
