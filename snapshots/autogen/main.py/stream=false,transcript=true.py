"""An agent on AutoGen, served by Amazon Bedrock AgentCore."""

from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_core.models import LLMMessage
from autogen_core.tools import FunctionTool, StaticStreamWorkbench
from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.middleware import Middleware
from starlette.responses import Response

from body import BodyLimit
from chat.actions import perform, read_action
from chat.recording import record
from chat.session import SessionManager
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from replies import answer
from server import lifespan, serve
from sessions import SessionCache
from tools import prepared
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."

Turn = list[LLMMessage]  # of one turn, tool calls and results included


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


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
    )


async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
    messages = [message for turn in session.turns for message in turn]
    context = UnboundedChatCompletionContext(messages)
    cancellation = CancellationToken()
    try:
        result = await make_agent(context).run(task=prompt, cancellation_token=cancellation)
    except BaseException:
        cancellation.cancel()  # a cancelled task does not stop what the agent has started
        raise
    return result.messages[-1].to_text(), (await context.get_messages())[len(messages) :]


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
        reply, done = await complete(run_turn(session, prompt))
        session.keep(done)
        recorded.end(reply)
    return answer(reply)


if __name__ == "__main__":
    load_dotenv()
    transcripts.connect()
    serve(app)
