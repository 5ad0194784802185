#if strands
"""An agent on Strands Agents, served by Amazon Bedrock AgentCore."""

from contextlib import suppress

#elif framework=openai
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
#elif adk/langgraph
#if adk
"""An agent on Google ADK, served by Amazon Bedrock AgentCore."""

from copy import deepcopy
from dataclasses import dataclass
#elif langgraph
"""An agent on LangGraph, served by Amazon Bedrock AgentCore."""

#end
from functools import cache
from typing import Any
from uuid import uuid4

#elif autogen
"""An agent on AutoGen, served by Amazon Bedrock AgentCore."""

from autogen_agentchat.agents import AssistantAgent
#if stream
from autogen_agentchat.messages import ModelClientStreamingChunkEvent, TextMessage
#end
from autogen_core import CancellationToken
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_core.models import LLMMessage
from autogen_core.tools import FunctionTool, StaticStreamWorkbench
#end
from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
#if adk
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
#elif langgraph
from langchain.agents import create_agent
#if stream
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
#else
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
#end
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph
#end
from starlette.middleware import Middleware
from starlette.responses import Response
#if strands
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.types.content import Message, Messages
from strands.types.exceptions import MaxTokensReachedException
#end

from body import BodyLimit
#if transcript
from chat.actions import perform, read_action
from chat.recording import record
from chat.session import SessionManager
#end
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
#if not stream
from replies import answer
#end
from server import lifespan, serve
from sessions import SessionCache
#if stream
from streaming import Send, stream
#end
from tools import prepared
from turns import Session, complete, plain_failures

#if adk
NAME = "adk_agent"
#end
SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."
#if not adk

#if strands
Turn = Messages  # of one turn, tool calls and results among them
#elif framework=openai
Turn = list[TResponseInputItem]  # of one turn, tool calls and results included
#elif langgraph
Turn = dict[str, Any]  # the state of the graph after it, but of the messages only its own
#elif autogen
Turn = list[LLMMessage]  # of one turn, tool calls and results included
#end
#end


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


#if strands
TOOLS = [tool(prepared(function)) for function in (add_numbers,)]


def make_agent(session: Session[Turn]) -> Agent:
    """An agent for one turn: it shares the model and the tools, and owns its copy of the messages."""
    return Agent(
        model=load_model(),
        messages=[{**message} for turn in session.turns for message in turn],
        tools=[*TOOLS],
        system_prompt=SYSTEM_PROMPT,
        conversation_manager=NullConversationManager(),  # the session is bounded already
        retry_strategy=None,  # the model's client retries already
        callback_handler=None,  # the default prints replies
    )


def text_of(message: Message) -> str:
    """What the model says in a message, without its thoughts."""
    return "".join(block.get("text", "") for block in message["content"])
#elif framework=openai
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
#elif adk
TOOLS = [prepared(function) for function in (add_numbers,)]


@dataclass
class Turn:
    """What is kept of one turn."""

    events: list[Event]
    state: dict[str, Any]  # after it


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
def runner() -> Runner:
    """The one runner of all sessions."""
    agent = LlmAgent(
        name=NAME,
        model=load_model(),
        instruction=SYSTEM_PROMPT,
        tools=[*TOOLS],
    )
    return Runner(app=App(name=NAME, root_agent=agent), session_service=TURNS)


def text_of(event: Event) -> str:
    """What the model says in an event, without its thoughts."""
    parts = event.content.parts if event.content else None
    return "".join(part.text for part in parts or [] if part.text and not part.thought)
#elif langgraph
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
#elif autogen
TOOLS = StaticStreamWorkbench(
    [
        FunctionTool(prepared(function), description=function.__doc__ or "")
        for function in (add_numbers,)
    ]
)


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
#if stream
        model_client_stream=True,
    )
#end
#end
#if not autogen | stream


#if stream
async def run_turn(session: Session[Turn], prompt: str, send: Send) -> tuple[str, Turn]:
    """Run a turn on a copy of the session, sending its deltas; return the reply and the turn."""
#end
#end
#if not stream
#if autogen
    )


#end
async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
#end
#if strands
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
#elif framework=openai
    items = turn_input(session, prompt)
#if stream
    result = Runner.run_streamed(AGENT, items, run_config=run_config(), error_handlers=CUT_SHORT)
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            send(event.data.delta)
#else
    result = await Runner.run(AGENT, items, run_config=run_config(), error_handlers=CUT_SHORT)
#end
    return str(result.final_output), result.to_input_list()[len(items) - 1 :]
#elif adk
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
#elif langgraph
    state = turn_input(session, prompt)
#if stream
    asked = state["messages"][-1]
    async for _, update in graph().astream(state, stream_mode=["messages", "values"]):
        if isinstance(update, dict):
            state = update
        elif isinstance(update[0], AIMessageChunk):
            send(update[0].text)
    return turn_output(asked, state)
#else
    return turn_output(state["messages"][-1], await graph().ainvoke(state))
#end
#elif autogen
    messages = [message for turn in session.turns for message in turn]
    context = UnboundedChatCompletionContext(messages)
#if stream
    cancellation, reply = CancellationToken(), ""
    try:
        async for event in make_agent(context).run_stream(
            task=prompt, cancellation_token=cancellation
        ):
            if isinstance(event, ModelClientStreamingChunkEvent):
                send(event.content)
            elif isinstance(event, TextMessage):
                reply = event.content
#else
    cancellation = CancellationToken()
    try:
        result = await make_agent(context).run(task=prompt, cancellation_token=cancellation)
#end
    except BaseException:
        cancellation.cancel()  # a cancelled task does not stop what the agent has started
        raise
#if stream
    return reply, (await context.get_messages())[len(messages) :]
#else
    return result.messages[-1].to_text(), (await context.get_messages())[len(messages) :]
#end
#end


async def open_session(key: SessionKey | None) -> Session[Turn]:
    """Start a session; called at its first turn."""
    return Session(key)


async def close_session(key: SessionKey | None, session: Session[Turn]) -> None:
    """Give back what open_session acquired; called once, when the session has left the cache."""
    app.logger.info("Closed session %s", key.session if key else "of a single turn")


sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)
#if transcript
transcripts = SessionManager()
#end


app = BedrockAgentCoreApp(
#if transcript
    lifespan=lifespan(sessions, transcripts),
#else
    lifespan=lifespan(sessions),
#end
    middleware=[Middleware(BodyLimit)],
)
app.add_exception_handler(ValueError, refuse_unreadable)
app.add_exception_handler(RecursionError, refuse_unreadable)


@app.entrypoint
#if transcript
async def invoke(payload: object, context: RequestContext) -> Response | dict[str, object]:
#if stream
    """Answer one prompt with the deltas of its reply, as server-sent events; or do an action."""
#else
    """Answer one prompt, or do an action."""
#end
    if action := read_action(payload, context):
        return await perform(action, transcripts, sessions)
#else
async def invoke(payload: object, context: RequestContext) -> Response:
#if stream
    """Answer one prompt with the deltas of its reply, as server-sent events."""
#else
    """Answer one prompt."""
#end
#end
    prompt, key = read_invocation(payload, context)
#if stream

    async def turn(send: Send) -> None:
#if transcript
        async with (
            record(transcripts, key, prompt) as recorded,
            plain_failures(),
            sessions.turn(key) as session,
        ):
            recorded.begin(session.conversation_id)
            sent = recorded.sends(send)
            reply, done = await complete(run_turn(session, prompt, sent))
#else
        async with plain_failures(), sessions.turn(key) as session:
            _, done = await complete(run_turn(session, prompt, send))
#end
            session.keep(done)
#if transcript
            recorded.end(reply)
#end

    return await stream(turn)
#else
#if transcript
    async with (
        record(transcripts, key, prompt) as recorded,
        plain_failures(),
        sessions.turn(key) as session,
    ):
        recorded.begin(session.conversation_id)
#else
    async with plain_failures(), sessions.turn(key) as session:
#end
        reply, done = await complete(run_turn(session, prompt))
        session.keep(done)
#if transcript
        recorded.end(reply)
#end
    return answer(reply)
#end


if __name__ == "__main__":
    load_dotenv()
#if transcript
    transcripts.connect()
#end
    serve(app)
