"""An agent on LangGraph, served by Amazon Bedrock AgentCore."""

from functools import cache
from typing import Any
from uuid import uuid4

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph
from starlette.middleware import Middleware
from starlette.responses import Response

from body import BodyLimit
from chat.actions import perform, read_action
from chat.recording import record
from chat.session import SessionManager
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from server import lifespan, serve
from sessions import SessionCache
from streaming import Send, stream
from tools import prepared
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."

Turn = dict[str, Any]  # the state of the graph after it, but of the messages only its own


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


TOOLS = [tool(prepared(function)) for function in (add_numbers,)]


@cache
def graph() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The one graph of all sessions; it has no checkpointer, the session cache keeps the state."""
    return create_agent(load_model(), tools=TOOLS, system_prompt=SYSTEM_PROMPT)


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


async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
    state = turn_input(session, prompt)
    asked = state["messages"][-1]
    async for _, update in graph().astream(state, stream_mode=["messages", "values"]):
        if isinstance(update, dict):
            state = update
        elif isinstance(update[0], AIMessageChunk):
            send(update[0].text)
    return turn_output(asked, state)


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session; called at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    app.logger.info("Closed session %s", key.session if key else "of a single turn")


sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)
transcripts = SessionManager()


app = BedrockAgentCoreApp(
    lifespan=lifespan(sessions, transcripts),
    middleware=[Middleware(BodyLimit)],
)
app.add_exception_handler(ValueError, refuse_unreadable)
app.add_exception_handler(RecursionError, refuse_unreadable)


@app.entrypoint
async def invoke(payload: object, context: RequestContext) -> Response | dict[str, object]:
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
            reply, done = await complete(run_turn(session, prompt, sent))
            session.keep(done)
            recorded.end(reply)

    return await stream(turn)


if __name__ == "__main__":
    load_dotenv()
    transcripts.connect()
    serve(app)
