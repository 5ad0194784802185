"""An agent on AutoGen, served by Amazon Bedrock AgentCore."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent, TextMessage
from autogen_core import CancellationToken
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_core.models import LLMMessage
from autogen_core.tools import FunctionTool, StaticStreamWorkbench
from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.applications import Starlette
from starlette.responses import StreamingResponse

from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from sessions import SessionCache
from streaming import Send, stream
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
MAX_TURNS = 100

History = list[list[LLMMessage]]  # the messages of each turn, tool calls and results included


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


TOOLS = StaticStreamWorkbench([FunctionTool(add_numbers, description="Add two numbers.")])


def make_agent(context: UnboundedChatCompletionContext) -> AssistantAgent:
    """An agent for one turn: it shares the model client and the tools, and owns its context."""
    return AssistantAgent(
        "autogen_agent",
        model_client=load_model(),
        model_context=context,
        workbench=TOOLS,
        system_message=SYSTEM_PROMPT,
        max_tool_iterations=10,
        reflect_on_tool_use=True,  # the reply is the model's, also when the iterations run out
        model_client_stream=True,
    )


async def run_turn(history: History, prompt: str, send: Send) -> tuple[str, History]:
    """Run a turn on a copy of the history, sending its deltas; return reply and new history."""
    messages = [message for turn in history for message in turn]
    context = UnboundedChatCompletionContext(messages)
    cancellation, reply = CancellationToken(), ""
    try:
        async for event in make_agent(context).run_stream(
            task=prompt, cancellation_token=cancellation
        ):
            if isinstance(event, ModelClientStreamingChunkEvent):
                send(event.content)
            elif isinstance(event, TextMessage):
                reply = event.content
    except BaseException:
        cancellation.cancel()  # a cancelled task does not stop what the agent has started
        raise
    turn = (await context.get_messages())[len(messages) :]
    return reply, [*history, turn][-MAX_TURNS:]


async def open_session(key: SessionKey | None) -> Session[History]:
    """Start a session; called at its first turn."""
    return Session([])


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
async def invoke(payload: object, context: RequestContext) -> StreamingResponse:
    """Answer one prompt with the deltas of its reply, as server-sent events."""
    prompt, key = read_invocation(payload, context)

    async def turn(send: Send) -> None:
        async with plain_failures(), sessions.turn(key) as session:
            _, session.history = await complete(run_turn(session.history, prompt, send))

    return stream(turn)


if __name__ == "__main__":
    load_dotenv()
    app.run(port=int(os.environ.get("PORT", "8080")), timeout_graceful_shutdown=30)
