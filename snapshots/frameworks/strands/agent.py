"""The agent, on Strands Agents: its system prompt, its tools, how a turn of it runs."""

import logging
from contextlib import suppress

from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.types.content import Message, Messages
from strands.types.exceptions import MaxTokensReachedException

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
Turn = Messages  # of one turn, tool calls and results among them
#if not memory
FORMAT: TurnFormat[Turn] = TurnFormat("strands/1")
#end
#if tracing
spans.keep_texts_out()
#end

AGENT_TOOLS = [tool(prepared(function)) for function in TOOLS]


def make_agent(session: Session[Turn]) -> Agent:
    """An agent for one turn: it shares the model and the tools, and owns its copy of the messages."""
    return Agent(
        model=load_model(),
        messages=[{**message} for turn in session.turns for message in turn],
        tools=[*AGENT_TOOLS],
        system_prompt=SYSTEM_PROMPT,
        conversation_manager=NullConversationManager(),  # the session is bounded already
        retry_strategy=None,  # the model's client retries already
        callback_handler=None,  # the default prints replies
    )


def text_of(message: Message) -> str:
    """What the model says in a message, without its thoughts."""
    return "".join(block.get("text", "") for block in message["content"])


#if stream
async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#else
async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
    agent = make_agent(session)
    start = len(agent.messages)
    with suppress(MaxTokensReachedException):  # a text that was cut short is a reply
#if stream
        async for event in agent.stream_async(prompt):
            if "data" in event:
                send(event["data"])
#else
        await agent.invoke_async(prompt)
#end
    return text_of(agent.messages[-1]), agent.messages[start:]


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session, at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    log.info("Closed session %s", key.session if key else "of a single turn")
