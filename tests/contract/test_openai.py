"""What the OpenAI Agents SDK alone does: it sends traces, unless it is told not to."""

import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import DEFAULTS, Variant, each

pytestmark = [
    pytest.mark.real,
    each([variant for variant in DEFAULTS if variant.framework == "openai"]),
]

TRACED = """
import agent, asyncio
from agents.tracing import TracingProcessor, set_trace_processors
from serving.turns import Session

class Noting(TracingProcessor):
    def on_trace_start(self, trace):
        print("a trace")
    def nothing(self, *_):
        pass
    on_trace_end = on_span_start = on_span_end = shutdown = force_flush = nothing

async def turn(*send):
    set_trace_processors([Noting()])
    await agent.run_turn(Session(None), "hello", *send)
    print("done")

asyncio.run(turn(%s))
"""


def test_a_turn_leaves_no_traces(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    said = subprocess.check_output(
        [python_of("openai"), "-c", TRACED % ("lambda _: None" if variant.stream else "")],
        cwd=project,
        env={"AGENT_OFFLINE": "1", "OPENAI_API_KEY": "none"},
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert said == "done\n"
