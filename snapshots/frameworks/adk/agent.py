"""The agent, on Google ADK: its system prompt, its tools, how a turn of it runs."""

import logging
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

from google.adk.agents import LlmAgent
#if stream
from google.adk.agents.run_config import RunConfig, StreamingMode
#end
from google.adk.apps import App
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService
from google.adk.sessions import Session as AdkSession
from google.adk.sessions.base_session_service import ListSessionsResponse
from google.genai.types import Content, Part

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
NAME = "adk_agent"
#if tracing
spans.keep_texts_out()
#end


@dataclass
class Turn:
    """What is kept of one turn."""

    events: list[Event]
    state: dict[str, Any]  # after it
#if not memory


def dump_turn(turn: Turn) -> dict[str, Any]:
    """Return a turn as plain values."""
    events = [event.model_dump(mode="json", exclude_none=True) for event in turn.events]
    return {"events": events, "state": turn.state}


def load_turn(turn: dict[str, Any]) -> Turn:
    """Return the turn that was dumped."""
    events = [Event.model_validate(event, extra="ignore") for event in turn["events"]]
    return Turn(events, turn["state"])


FORMAT = TurnFormat("adk/1", dump_turn, load_turn)
#end


class TurnSessions(BaseSessionService):
    """The sessions of the turns that run now; in between, the session cache keeps them."""

    def __init__(self) -> None:
        self.running: dict[str, AdkSession] = {}

    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: Any = None
    ) -> AdkSession | None:
        return self.running.get(session_id)

    async def create_session(self, **_: Any) -> AdkSession:
        raise NotImplementedError

    async def list_sessions(self, **_: Any) -> ListSessionsResponse:
        raise NotImplementedError

    async def delete_session(self, **_: Any) -> None:
        raise NotImplementedError


TURNS = TurnSessions()


@cache
def assistant() -> LlmAgent:
    """The one agent of all sessions."""
    return LlmAgent(
        name=NAME,
        model=load_model(),
        instruction=SYSTEM_PROMPT,
        tools=[prepared(function) for function in TOOLS],
    )


def __getattr__(name: str) -> LlmAgent:
    # `adk run` and `adk web` look for it; at import there need not be a key of the model yet
    if name == "root_agent":
        return assistant()
    raise AttributeError(name)


@cache
def runner() -> Runner:
    """The one runner of all sessions."""
    return Runner(app=App(name=NAME, root_agent=assistant()), session_service=TURNS)


def text_of(event: Event) -> str:
    """What the model says in an event, without its thoughts."""
    parts = event.content.parts if event.content else None
    return "".join(part.text for part in parts or [] if part.text and not part.thought)


#if stream
async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#else
async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
    history = [event for turn in session.turns for event in turn.events]
    running = AdkSession(
        id=uuid4().hex,  # of this turn alone: one that ran out of its time may still go on
        app_name=NAME,
        user_id=(session.key and session.key.user) or "anonymous",
        events=[*history],
        state=deepcopy(session.turns[-1].state) if session.turns else {},
    )
    reply, error = "", None
    TURNS.running[running.id] = running
    try:
        async for event in runner().run_async(
            user_id=running.user_id,
            session_id=running.id,
            new_message=Content(role="user", parts=[Part(text=prompt)]),
#if stream
            run_config=RunConfig(streaming_mode=StreamingMode.SSE),
#end
        ):
            error = event.error_code or error
#if stream
            if event.partial:
                send(text_of(event))
#end
            if event.is_final_response():
                reply = text_of(event)
    finally:
        del TURNS.running[running.id]
    if error and not reply:  # a text that was cut short is a reply, a blocked answer is none
        raise RuntimeError(error)
    state = {name: value for name, value in running.state.items() if not name.startswith("temp:")}
    return reply, Turn(running.events[len(history) :], state)


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session, at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    log.info("Closed session %s", key.session if key else "of a single turn")
