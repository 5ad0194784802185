"""An agent on Google ADK, served by Amazon Bedrock AgentCore."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import uuid4

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.apps import App
from google.adk.events import Event
from google.adk.runners import Runner
from google.adk.sessions import BaseSessionService
from google.adk.sessions import Session as History
from google.adk.sessions.base_session_service import ListSessionsResponse
from google.genai.types import Content, Part
from starlette.applications import Starlette
from starlette.responses import StreamingResponse

from chat.actions import perform, read_action
from chat.recording import record, shown
from chat.session import SessionManager
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from sessions import SessionCache
from streaming import Send, stream
from turns import Session, complete, plain_failures

NAME = "adk_agent"
SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
MAX_TURNS = 100


@shown
def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


class TurnSessions(BaseSessionService):
    """The sessions of the turns that run now; in between, the session cache keeps them."""

    def __init__(self) -> None:
        self.running: dict[str, History] = {}

    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: Any = None
    ) -> History | None:
        return self.running.get(session_id)

    async def create_session(self, **_: Any) -> History:
        raise NotImplementedError

    async def list_sessions(self, **_: Any) -> ListSessionsResponse:
        raise NotImplementedError

    async def delete_session(self, **_: Any) -> None:
        raise NotImplementedError


TURNS = TurnSessions()


@cache
def runner() -> Runner:
    """The one runner of all sessions."""
    agent = LlmAgent(
        name=NAME,
        model=load_model(),
        instruction=SYSTEM_PROMPT,
        tools=[add_numbers],
    )
    return Runner(app=App(name=NAME, root_agent=agent), session_service=TURNS)


def text_of(event: Event) -> str:
    """What the model says in an event, without its thoughts."""
    parts = event.content.parts if event.content else None
    return "".join(part.text for part in parts or [] if part.text and not part.thought)


def last_turns(session: History) -> History:
    """The session with the events of its last MAX_TURNS turns."""
    turns = list(dict.fromkeys(event.invocation_id for event in session.events))[-MAX_TURNS:]
    session.events = [event for event in session.events if event.invocation_id in turns]
    return session


async def run_turn(history: History, prompt: str, send: Send) -> tuple[str, History]:
    """Run a turn on a copy of the history, sending its deltas; return reply and new history."""
    session = history.model_copy(update={"events": [*history.events], "state": {**history.state}})
    reply, error = "", None
    TURNS.running[session.id] = session
    try:
        async for event in runner().run_async(
            user_id=session.user_id,
            session_id=session.id,
            new_message=Content(role="user", parts=[Part(text=prompt)]),
            run_config=RunConfig(streaming_mode=StreamingMode.SSE),
        ):
            error = error or event.error_code
            if event.partial:
                send(text_of(event))
            if event.is_final_response():
                reply = text_of(event)
    finally:
        # A turn that ran out of its time may get here only when the next one is running.
        if TURNS.running.get(session.id) is session:
            del TURNS.running[session.id]
    if error:  # a blocked answer, say, which ADK takes for an answer
        raise RuntimeError(error)
    return reply, last_turns(session)


async def open_session(key: SessionKey | None) -> Session[History]:
    """Start a session; called at its first turn."""
    user = (key and key.user) or "anonymous"
    return Session(History(id=uuid4().hex, app_name=NAME, user_id=user))


async def close_session(key: SessionKey | None, session: Session[History]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    app.logger.info("Closed session %s", key.session if key else "of a single turn")


sessions = SessionCache(open_session, close_session, maxsize=128)
transcripts = SessionManager()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Close the sessions on shutdown."""
    yield
    await sessions.aclose()
    await transcripts.aclose()


app = BedrockAgentCoreApp(lifespan=lifespan)
app.add_exception_handler(ValueError, refuse_unreadable)
app.add_exception_handler(RecursionError, refuse_unreadable)


@app.entrypoint
async def invoke(payload: object, context: RequestContext) -> StreamingResponse | dict[str, object]:
    """Answer one prompt with the deltas of its reply, as server-sent events; or do an action."""
    if action := read_action(payload, context):
        return await perform(action, transcripts, sessions)
    prompt, key = read_invocation(payload, context)

    async def turn(send: Send) -> None:
        async with (
            record(transcripts, key, prompt) as recorded,
            plain_failures(),
            sessions.turn(key) as session,
        ):
            recorded.begin(session.conversation_id)
            sent = recorded.sends(send)
            reply, session.history = await complete(run_turn(session.history, prompt, sent))
            recorded.end(reply)

    return stream(turn)


if __name__ == "__main__":
    load_dotenv()
    transcripts.connect()
    app.run(port=int(os.environ.get("PORT", "8080")), timeout_graceful_shutdown=30)
