"""What AutoGen alone does: it starts tasks that a cancelled turn does not end by itself."""

import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import DEFAULTS, Variant, each

pytestmark = [
    pytest.mark.real,
    each([variant for variant in DEFAULTS if variant.framework == "autogen"]),
]

CANCELLED = """
import agent, asyncio
from autogen_core import FunctionCall
from autogen_core.models import CreateResult, ModelInfo, RequestUsage
from autogen_core.tools import FunctionTool, StaticStreamWorkbench
from autogen_ext.models.replay import ReplayChatCompletionClient
from serving.turns import Session

called = asyncio.Event()

async def hang() -> str:
    called.set()
    await asyncio.sleep(3600)
    return "late"

CALL = CreateResult(
    finish_reason="function_calls",
    content=[FunctionCall(id="1", name="hang", arguments="{}")],
    usage=RequestUsage(0, 0),
    cached=False,
)
MODEL = ReplayChatCompletionClient([CALL])
MODEL.model_info["function_calling"] = True
agent.load_model = lambda: MODEL
agent.WORKBENCH = StaticStreamWorkbench([FunctionTool(hang, description="Hang.")])

async def run(*send):
    turn = asyncio.create_task(agent.run_turn(Session(None), "hello", *send))
    await asyncio.wait_for(called.wait(), 10)
    turn.cancel()
    await asyncio.wait([turn])
    await asyncio.sleep(0.1)
    print(len(asyncio.all_tasks()) - 1)

asyncio.run(run(%s))
"""


def test_nothing_goes_on_when_a_turn_is_cancelled(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    code = CANCELLED % ("lambda _: None" if variant.stream else "")
    command = [str(python_of("autogen")), "-c", code]
    assert subprocess.check_output(command, cwd=project, text=True) == "0\n"
