"""The agent, on OpenAI Agents SDK: its system prompt, its tools, how a turn of it runs."""

import logging
from typing import Any

from agents import (
    Agent,
    ItemHelpers,
    RunConfig,
    RunErrorHandlerInput,
    RunErrorHandlerResult,
    RunErrorHandlers,
    Runner,
    TResponseInputItem,
    function_tool,
)

from model.load import load_model
#if tracing
from serving import spans
#end
from serving.identity import SessionKey
#if not memory
from serving.store.codec import TurnFormat
#end
#if stream
from serving.streaming import Send
#end
from serving.tools import Tool, prepared
from serving.turns import Session

# What it is told, and what it can do.

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


TOOLS: list[Tool] = [add_numbers]

# How a turn of it runs.

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
Turn = list[TResponseInputItem]  # of one turn, tool calls and results included
#if not memory
FORMAT: TurnFormat[Turn] = TurnFormat("openai/1")
#end
#if tracing
spans.take_over()
#end

AGENT = Agent(
    name="openai_agent",
    instructions=SYSTEM_PROMPT,
    tools=[function_tool(prepared(function)) for function in TOOLS],
)


def said(refusal: RunErrorHandlerInput[Any]) -> RunErrorHandlerResult | None:
    """What the model said before its provider stopped it, which is a reply; None if nothing."""
    text = ItemHelpers.text_message_outputs(refusal.run_data.new_items)
    return RunErrorHandlerResult(text, include_in_history=False) if text else None


CUT_SHORT = RunErrorHandlers(model_refusal=said)


def turn_input(session: Session[Turn], prompt: str) -> list[TResponseInputItem]:
    """The items of all turns, as a list of its own, and the prompt."""
    return [*(item for turn in session.turns for item in turn), {"role": "user", "content": prompt}]


def run_config() -> RunConfig:
#if tracing
    """The model, and no texts in the SDK's own traces, which are all that it tells of itself."""
    return RunConfig(model=load_model(), trace_include_sensitive_data=False)
#else
    """The model, and no traces: the SDK would send them to OpenAI."""
    return RunConfig(model=load_model(), tracing_disabled=True)
#end


#if stream
async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#else
async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
    items = turn_input(session, prompt)
#if stream
    result = Runner.run_streamed(AGENT, items, run_config=run_config(), error_handlers=CUT_SHORT)
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            send(event.data.delta)
#else
    result = await Runner.run(AGENT, items, run_config=run_config(), error_handlers=CUT_SHORT)
#end
    return str(result.final_output), result.to_input_list()[len(items) - 1 :]


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session, at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    log.info("Closed session %s", key.session if key else "of a single turn")
