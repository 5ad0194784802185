"""An agent on LangGraph, served by Amazon Bedrock AgentCore."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from langchain.agents import create_agent
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph
from starlette.applications import Starlette

from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from sessions import SessionCache
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
MAX_TURNS = 100

History = dict[str, Any]  # the state of the graph, with the messages of all turns


@tool
def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@cache
def graph() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The one graph of all sessions; it has no checkpointer, the session cache keeps the state."""
    return create_agent(load_model(), tools=[add_numbers], system_prompt=SYSTEM_PROMPT)


def turn_input(history: History, prompt: str) -> History:
    """A copy of the state with the prompt added."""
    return {**history, "messages": [*history["messages"], HumanMessage(prompt)]}


def last_turns(state: History) -> History:
    """The state with the messages of its last MAX_TURNS turns."""
    messages: list[AnyMessage] = state["messages"]
    starts = [i for i, message in enumerate(messages) if message.type == "human"]
    return {**state, "messages": messages[starts[-MAX_TURNS:][0] :]}


async def run_turn(history: History, prompt: str) -> tuple[str, History]:
    """Run a turn on a copy of the history; return its reply and the new history."""
    state = await graph().ainvoke(turn_input(history, prompt))
    return state["messages"][-1].text, last_turns(state)


async def open_session(key: SessionKey | None) -> Session[History]:
    """Start a session; called at its first turn."""
    return Session({"messages": []})


async def close_session(key: SessionKey | None, session: Session[History]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    app.logger.info("Closed session %s", key.session if key else "of a single turn")


sessions = SessionCache(open_session, close_session, maxsize=128)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Close the sessions on shutdown."""
    yield
    await sessions.aclose()


app = BedrockAgentCoreApp(lifespan=lifespan)
app.add_exception_handler(ValueError, refuse_unreadable)
app.add_exception_handler(RecursionError, refuse_unreadable)


@app.entrypoint
async def invoke(payload: object, context: RequestContext) -> dict[str, str]:
    """Answer one prompt."""
    prompt, key = read_invocation(payload, context)
    async with plain_failures(), sessions.turn(key) as session:
        reply, session.history = await complete(run_turn(session.history, prompt))
    return {"result": reply}


if __name__ == "__main__":
    load_dotenv()
    app.run(port=int(os.environ.get("PORT", "8080")), timeout_graceful_shutdown=30)
