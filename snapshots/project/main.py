"""The entrypoint: serves the agent on Amazon Bedrock AgentCore, a turn of its session a prompt."""

from pathlib import Path

from bedrock_agentcore import RequestContext
from dotenv import load_dotenv
from starlette.responses import Response

from agent import close_session, open_session, run_turn
#if transcript
from chat.actions import perform, read_action
from chat.recording import record
from chat.session import SessionManager
#end
from serving.invocation import read_invocation
#if not stream
from serving.replies import answer
#end
from serving.server import make_app, serve
from serving.sessions import SessionCache
#if stream
from serving.streaming import Send, stream
#end
from serving.turns import Session, complete, plain_failures

load_dotenv(Path(__file__).with_name(".env"))

sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)
#if transcript
transcripts = SessionManager()
transcripts.connect()
app = make_app(sessions, transcripts)
#else
app = make_app(sessions)
#end


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
    serve(app)
