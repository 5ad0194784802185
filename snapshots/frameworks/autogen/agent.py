"""The agent, on AutoGen: its system prompt, its tools, how a turn of it runs."""

import logging

from autogen_agentchat.agents import AssistantAgent
#if stream
from autogen_agentchat.messages import ModelClientStreamingChunkEvent, TextMessage
#end
from autogen_core import CancellationToken
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_core.models import LLMMessage
from autogen_core.tools import FunctionTool, StaticStreamWorkbench
#if not memory
from pydantic import TypeAdapter
#end

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
Turn = list[LLMMessage]  # of one turn, tool calls and results included
#if not memory
MESSAGES = TypeAdapter(Turn)
FORMAT = TurnFormat(
    "autogen/1",
    dump=lambda turn: MESSAGES.dump_python(turn, mode="json"),
    load=MESSAGES.validate_python,
)
#end

WORKBENCH = StaticStreamWorkbench(
    [FunctionTool(prepared(function), description=function.__doc__ or "") for function in TOOLS]
)


def make_agent(context: UnboundedChatCompletionContext) -> AssistantAgent:
    """An agent for one turn: it shares the model client and the tools, and owns its context."""
    return AssistantAgent(
        "autogen_agent",
#if tracing
        model_client=spans.TracedClient(load_model()),
#else
        model_client=load_model(),
#end
        model_context=context,
        workbench=WORKBENCH,
        system_message=SYSTEM_PROMPT,
        max_tool_iterations=10,
        reflect_on_tool_use=True,  # the reply is the model's, also when the iterations run out
#if stream
        model_client_stream=True,
    )


async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#else
    )


async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
    messages = [message for turn in session.turns for message in turn]
    context = UnboundedChatCompletionContext(messages)
#if stream
    cancellation, reply = CancellationToken(), ""
    try:
        async for event in make_agent(context).run_stream(
            task=prompt, cancellation_token=cancellation
        ):
            if isinstance(event, ModelClientStreamingChunkEvent):
                send(event.content)
            elif isinstance(event, TextMessage):
                reply = event.content
#else
    cancellation = CancellationToken()
    try:
        result = await make_agent(context).run(task=prompt, cancellation_token=cancellation)
        reply = result.messages[-1].to_text()
#end
    except BaseException:
        cancellation.cancel()  # a cancelled task does not stop what the agent has started
        raise
    return reply, (await context.get_messages())[len(messages) :]


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session, at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    log.info("Closed session %s", key.session if key else "of a single turn")
