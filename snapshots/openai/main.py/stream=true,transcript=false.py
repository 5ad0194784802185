"""An agent on OpenAI Agents SDK, served by Amazon Bedrock AgentCore."""

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
from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.middleware import Middleware
from starlette.responses import Response

from body import BodyLimit
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from server import lifespan, serve
from sessions import SessionCache
from streaming import Send, stream
from tools import prepared
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."

Turn = list[TResponseInputItem]  # of one turn, tool calls and results included


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


TOOLS = [function_tool(prepared(function)) for function in (add_numbers,)]

AGENT = Agent(
    name="openai_agent",
    instructions=SYSTEM_PROMPT,
    tools=[*TOOLS],
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
    """The model, and no traces: the SDK would send them to OpenAI."""
    return RunConfig(model=load_model(), tracing_disabled=True)


async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
    items = turn_input(session, prompt)
    result = Runner.run_streamed(AGENT, items, run_config=run_config(), error_handlers=CUT_SHORT)
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            send(event.data.delta)
    return str(result.final_output), result.to_input_list()[len(items) - 1 :]


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session; called at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    app.logger.info("Closed session %s", key.session if key else "of a single turn")


sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)


app = BedrockAgentCoreApp(
    lifespan=lifespan(sessions),
    middleware=[Middleware(BodyLimit)],
)
app.add_exception_handler(ValueError, refuse_unreadable)
app.add_exception_handler(RecursionError, refuse_unreadable)


@app.entrypoint
async def invoke(payload: object, context: RequestContext) -> Response:
    """Answer one prompt with the deltas of its reply, as server-sent events."""
    prompt, key = read_invocation(payload, context)

    async def turn(send: Send) -> None:
        async with plain_failures(), sessions.turn(key) as session:
            _, done = await complete(run_turn(session, prompt, send))
            session.keep(done)

    return await stream(turn)


if __name__ == "__main__":
    load_dotenv()
    serve(app)
