#only tracing
"""The trace of a turn, which tells of its session, model and end, and of its texts if asked to.

Nothing is recorded unless `opentelemetry-instrument` has started the process. Names are those of
OpenTelemetry's semantic conventions for generative AI; `spans.py` has what happens in a turn.
"""

import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bedrock_agentcore import RequestContext
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.exceptions import HTTPException

from model.settings import PROVIDER, is_offline, model_id
from serving.identity import SessionKey

#if strands
AGENT = "strands_agent"
#elif framework=openai
AGENT = "openai_agent"
#elif adk
AGENT = "adk_agent"
#elif langgraph
AGENT = "langgraph_agent"
#elif autogen
AGENT = "autogen_agent"
#end
TEXTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@asynccontextmanager
async def traced(
    key: SessionKey | None, context: RequestContext, prompt: str
) -> AsyncIterator[None]:
    """Put a turn into a span, its waiting included."""
    # The ids are drawn by `random`, with whose state AgentCore may have started other machines too.
    random.seed()
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": AGENT,
        **model_attributes(),
    }
    if key:
        attributes |= {"session.id": key.session, "gen_ai.conversation.id": key.session}
    if texts_wanted():
        attributes["gen_ai.input.messages"] = _message("user", prompt)
    parent = None  # whatever is current
    if context.request and not trace.get_current_span().get_span_context().is_valid:
        parent = propagate.extract(context.request.headers)
    with trace.get_tracer(__name__).start_as_current_span(
        f"invoke_agent {AGENT}",
        parent,
        SpanKind.SERVER,
        attributes,
        record_exception=False,  # what a provider says in one may be anything
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            fail(span, error)
            raise


def tell_reply(reply: str) -> None:
    """Put a reply into the span of its turn, if texts are asked for."""
    if texts_wanted():
        message = _message("assistant", reply)
        trace.get_current_span().set_attribute("gen_ai.output.messages", message)


def texts_wanted() -> bool:
    """Whether prompts and replies may be told."""
    return os.environ.get(TEXTS, "").strip().lower() not in ("", "0", "false", "no_content")


def model_attributes() -> dict[str, str]:
    """Say which model is asked."""
    if is_offline():
        return {"gen_ai.provider.name": "offline", "gen_ai.request.model": "offline"}
    return {"gen_ai.provider.name": PROVIDER, "gen_ai.request.model": model_id()}


def fail(span: Span, error: BaseException) -> None:
    """Say that what the span is of has failed, and how, in no words of others."""
    told = str(error.status_code) if isinstance(error, HTTPException) else type(error).__qualname__
    span.set_attribute("error.type", told)
    span.set_status(StatusCode.ERROR)


def _message(role: str, text: str) -> str:
    parts = [{"type": "text", "content": text}]
    return json.dumps([{"role": role, "parts": parts}], ensure_ascii=False)
