"""An agent on OpenAI Agents SDK, served by Amazon Bedrock AgentCore."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import Agent, RunConfig, Runner, TResponseInputItem, function_tool
from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.applications import Starlette

from chat.actions import perform, read_action
from chat.recording import record, shown
from chat.session import SessionManager
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from sessions import SessionCache
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
MAX_TURNS = 100

History = list[list[TResponseInputItem]]  # the items of each turn, tool calls and results included


@function_tool
@shown
def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


AGENT = Agent(
    name="openai_agent",
    instructions=SYSTEM_PROMPT,
    tools=[add_numbers],
)


def turn_input(history: History, prompt: str) -> list[TResponseInputItem]:
    """The items of all turns, as a list of its own, and the prompt."""
    return [*(item for turn in history for item in turn), {"role": "user", "content": prompt}]


def run_config() -> RunConfig:
    """The model, and no traces: the SDK would send them to OpenAI."""
    return RunConfig(model=load_model(), tracing_disabled=True)


async def run_turn(history: History, prompt: str) -> tuple[str, History]:
    """Run a turn on a copy of the history; return its reply and the new history."""
    items = turn_input(history, prompt)
    result = await Runner.run(AGENT, items, run_config=run_config())
    turn = result.to_input_list()[len(items) - 1 :]
    return str(result.final_output), [*history, turn][-MAX_TURNS:]


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
