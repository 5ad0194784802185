"""The entrypoint: serves the agent on Amazon Bedrock AgentCore, a turn of its session a prompt."""

from pathlib import Path

from bedrock_agentcore import RequestContext
from dotenv import load_dotenv
from starlette.responses import Response

#if memory & transcript
from agent import Turn, close_session, open_session, run_turn
#elif memory & not transcript
from agent import close_session, open_session, run_turn
#elif not memory
from agent import FORMAT, close_session, open_session, run_turn
#end
from serving.invocation import read_invocation
#if tracing
from serving.last_spans import LastSpans
#end
#if not stream
from serving.replies import answer
#end
from serving.server import make_app, serve
from serving.sessions import SessionCache
#if not memory | transcript
from serving.store.keeping import KeptSessions
#if memory
from serving.store.memory import AsItIs, MemoryStore
#else
from serving.store.opening import open_store
#end
#end
#if stream
from serving.streaming import Send, stream
#end
#if tracing
from serving.tracing import traced
#end
#if transcript
from serving.transcript.actions import perform, read_action
from serving.transcript.transcripts import Transcripts
#if memory
from serving.turns import complete
#else
from serving.turns import Session, complete
#end
#else
from serving.turns import Session, complete, plain_failures
#end

load_dotenv(Path(__file__).with_name(".env"))

#if memory & transcript
store = MemoryStore()
kept: KeptSessions[Turn] = KeptSessions(store, AsItIs())
sessions = SessionCache(open_session, kept.closing(close_session), sizeof=store.sizeof, maxsize=128)
#elif not memory
kept = KeptSessions(open_store(), FORMAT)
sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)
#end
#if transcript
transcripts = Transcripts(sessions, kept)
#end
#if not memory & tracing | transcript & tracing
app = make_app(sessions, kept, LastSpans())
#elif not memory & not tracing | transcript & not tracing
app = make_app(sessions, kept)
#elif memory & not transcript
sessions = SessionCache(open_session, close_session, sizeof=Session.size, maxsize=128)
#if tracing
app = make_app(sessions, LastSpans())
#else
app = make_app(sessions)
#end
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
        return await perform(action, transcripts)
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
#if tracing
        async with traced(key, context, prompt), transcripts.turn(key, prompt) as turn:
#else
        async with transcripts.turn(key, prompt) as turn:
#end
            reply, done = await complete(run_turn(turn.session, prompt, turn.sends(send)))
            await turn.keep(reply, done)
#elif not transcript & tracing
        async with traced(key, context, prompt), plain_failures(), sessions.turn(key) as session:
#elif not transcript & not tracing
        async with plain_failures(), sessions.turn(key) as session:
#end
#if memory & not transcript
            _, done = await complete(run_turn(session, prompt, send))
            session.keep(done)
#elif not memory & not transcript
            await kept.refresh(session)
            _, done = await complete(run_turn(session, prompt, send))
            await kept.keep(session, done)
#end

    return await stream(turn)
#else
#if transcript
#if tracing
    async with traced(key, context, prompt), transcripts.turn(key, prompt) as turn:
#else
    async with transcripts.turn(key, prompt) as turn:
#end
        reply, done = await complete(run_turn(turn.session, prompt))
        await turn.keep(reply, done)
#elif not transcript & tracing
    async with traced(key, context, prompt), plain_failures(), sessions.turn(key) as session:
#elif not transcript & not tracing
    async with plain_failures(), sessions.turn(key) as session:
#end
#if memory & not transcript
        reply, done = await complete(run_turn(session, prompt))
        session.keep(done)
#elif not memory & not transcript
        await kept.refresh(session)
        reply, done = await complete(run_turn(session, prompt))
        await kept.keep(session, done)
#end
    return answer(reply)
#end


if __name__ == "__main__":
    serve(app)
