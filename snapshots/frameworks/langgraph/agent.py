"""The agent, on LangGraph: its system prompt, its tools, how a turn of it runs."""

import logging
from functools import cache
from typing import Any
from uuid import uuid4

from langchain.agents import create_agent
#if stream & memory
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
#elif not stream & memory
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
#elif not memory
from langchain_core.messages import (
    AIMessage,
#if stream
    AIMessageChunk,
#end
    AnyMessage,
    HumanMessage,
    messages_from_dict,
    messages_to_dict,
)
#end
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph

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
Turn = dict[str, Any]  # the state of the graph after it, but of the messages only its own
#if not memory


def dump_turn(turn: Turn) -> Turn:
    """Return a turn as plain values."""
    return {**turn, "messages": messages_to_dict(turn["messages"])}


def load_turn(turn: Turn) -> Turn:
    """Return the turn that was dumped."""
    return {**turn, "messages": messages_from_dict(turn["messages"])}


FORMAT = TurnFormat("langgraph/1", dump_turn, load_turn)
#end


@cache
def graph() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The one graph of all sessions; it has no checkpointer, the session cache keeps the state."""
    tools = [tool(prepared(function)) for function in TOOLS]
#if tracing
    return create_agent(
        load_model(), tools=tools, system_prompt=SYSTEM_PROMPT, middleware=[spans.Spans()]
    )
#else
    return create_agent(load_model(), tools=tools, system_prompt=SYSTEM_PROMPT)
#end


def turn_input(session: Session[Turn], prompt: str) -> Turn:
    """The state after the last turn, with the messages of all turns and the prompt."""
    messages = [message for turn in session.turns for message in turn["messages"]]
    last = session.turns[-1] if session.turns else {}
    return {**last, "messages": [*messages, HumanMessage(prompt, id=uuid4().hex)]}


def turn_output(asked: AnyMessage, state: Turn) -> tuple[str, Turn]:
    """The reply, and the turn: the state with the messages from the prompt on."""
    messages: list[AnyMessage] = state["messages"]
    start = [message.id for message in messages].index(asked.id)
    if not isinstance(messages[-1], AIMessage):
        raise TypeError(f"The last message is no reply of the model: {messages[-1].type}")
    return messages[-1].text, {**state, "messages": messages[start:]}


#if stream
async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#else
async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
    state = turn_input(session, prompt)
    asked = state["messages"][-1]
#if stream
    async for _, update in graph().astream(state, stream_mode=["messages", "values"]):
        if isinstance(update, dict):
            state = update
        elif isinstance(update[0], AIMessageChunk):
            send(update[0].text)
    return turn_output(asked, state)
#else
    return turn_output(asked, await graph().ainvoke(state))
#end


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session, at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    log.info("Closed session %s", key.session if key else "of a single turn")
