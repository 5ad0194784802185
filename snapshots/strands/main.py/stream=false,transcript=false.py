"""An agent on Strands Agents, served by Amazon Bedrock AgentCore."""

from contextlib import suppress

from bedrock_agentcore import BedrockAgentCoreApp, RequestContext
from dotenv import load_dotenv
from starlette.middleware import Middleware
from starlette.responses import Response
from strands import Agent, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.types.content import Message, Messages
from strands.types.exceptions import MaxTokensReachedException

from body import BodyLimit
from invocation import SessionKey, read_invocation, refuse_unreadable
from model.load import load_model
from replies import answer
from server import lifespan, serve
from sessions import SessionCache
from tools import prepared
from turns import Session, complete, plain_failures

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."

Turn = Messages  # of one turn, tool calls and results among them


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


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


async def run_turn(session: Session[Turn], prompt: str) -> tuple[str, Turn]:
    """Run a turn on a copy of the session; return the reply and the turn."""
    agent = make_agent(session)
    start = len(agent.messages)
    with suppress(MaxTokensReachedException):  # a text that was cut short is a reply
        await agent.invoke_async(prompt)
    return text_of(agent.messages[-1]), agent.messages[start:]


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
    """Answer one prompt."""
    prompt, key = read_invocation(payload, context)
    async with plain_failures(), sessions.turn(key) as session:
        reply, done = await complete(run_turn(session, prompt))
        session.keep(done)
    return answer(reply)


if __name__ == "__main__":
    load_dotenv()
    serve(app)
