"""An agent on Strands Agents, served by Amazon Bedrock AgentCore."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.applications import Starlette
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.types.content import Messages

from chat.actions import perform, read_action
from chat.recording import record, shown
from chat.session import SessionManager
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from sessions import SessionCache
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
MAX_TURNS = 100

History = list[Messages]  # the messages of each turn, tool calls and results among them


@tool
@shown
def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def make_agent(history: History) -> Agent:
    """An agent for one turn: it shares the model and the tools, and owns its copy of the messages."""
    return Agent(
        model=load_model(),
        messages=[{**message} for turn in history for message in turn],
        tools=[add_numbers],
        system_prompt=SYSTEM_PROMPT,
        conversation_manager=NullConversationManager(),  # MAX_TURNS bounds the history
        retry_strategy=None,  # the model's client retries already
        callback_handler=None,  # the default prints replies
    )


async def run_turn(history: History, prompt: str) -> tuple[str, History]:
    """Run a turn on a copy of the history; return its reply and the new history."""
    agent = make_agent(history)
    start = len(agent.messages)
    result = await agent.invoke_async(prompt)
    return str(result).strip(), [*history, agent.messages[start:]][-MAX_TURNS:]


async def open_session(key: SessionKey | None) -> Session[History]:
    """Start a session; called at its first turn."""
    return Session([])


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
async def invoke(payload: object, context: RequestContext) -> dict[str, object]:
    """Answer one prompt, or do an action."""
    if action := read_action(payload, context):
        return await perform(action, transcripts, sessions)
    prompt, key = read_invocation(payload, context)
    async with (
        record(transcripts, key, prompt) as recorded,
        plain_failures(),
        sessions.turn(key) as session,
    ):
        recorded.begin(session.conversation_id)
        reply, session.history = await complete(run_turn(session.history, prompt))
        recorded.end(reply)
    return {"result": reply}


if __name__ == "__main__":
    load_dotenv()
    transcripts.connect()
    app.run(port=int(os.environ.get("PORT", "8080")), timeout_graceful_shutdown=30)
