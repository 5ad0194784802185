"""Faults of `--tracing`: what is told of turns, to whom, and what is asked before."""

from mutants.mutant import MAIN, TURNS, one

TRACING = "templates/project/serving/tracing.py.jinja"
TELEMETRY = "templates/project/serving/telemetry.py.jinja"
LAST_SPANS = "templates/project/serving/last_spans.py"
SPANS = "templates/frameworks/{}/spans.py.jinja"
DOCKERFILE = "templates/project/Dockerfile.jinja"


def told(words: str, variant: str = "strands-bedrock-json") -> str:
    """The tests of what is told that have these words, for one project."""
    return f"tests/contract/test_tracing.py -k '{variant} and ({words})'"


def start(words: str, variant: str = "strands") -> str:
    """The tests of how the process starts that have these words, for one framework."""
    return f"tests/contract/test_tracing_start.py -k '{variant} and ({words})'"


OPENAI, ADK = "openai-openai-stream", "adk-gemini-json"
LANGGRAPH, AUTOGEN = "langgraph-bedrock-json", "autogen-bedrock-stream"

TRACES = (
    one(
        "a turn without a trace",
        MAIN,
        "{% if tracing %}\nfrom serving.last_spans import LastSpans\n",
        "{% set tracing = false %}\n{% if tracing %}\nfrom serving.last_spans import LastSpans\n",
        told("is_a_trace"),
    ),
    one(
        "a trace without its session",
        TRACING,
        '"session.id": key.session, ',
        "",
        told("is_a_trace"),
    ),
    one(
        "ids of traces that machines share",
        TRACING,
        "    random.seed()\n",
        "",
        start("alike"),
    ),
    one(
        "a trace that forgets that of its caller",
        TRACING,
        "parent = propagate.extract(context.request.headers)",
        "parent = propagate.extract({})",
        told("caller"),
    ),
    one(
        "a failed turn told as a good one",
        TRACING,
        "    span.set_status(StatusCode.ERROR)\n",
        "",
        told("fails_is_told or over_its_time"),
    ),
    one(
        "a failed turn without its status",
        TRACING,
        "str(error.status_code) if isinstance(error, HTTPException) else type(error).__qualname__",
        "type(error).__qualname__",
        told("fails_is_told"),
    ),
    one(
        "prompts in traces unasked",
        TRACING,
        "    if texts_wanted():\n        attributes[",
        "    if True:\n        attributes[",
        told("no_text"),
    ),
    one(
        "replies in traces unasked",
        TRACING,
        "    if texts_wanted():\n        message =",
        "    if True:\n        message =",
        told("no_text"),
    ),
    one(
        "replies nowhere, though wanted",
        TURNS,
        "    tell_reply(mended(reply))\n",
        "    tell_reply('')\n",
        told("wanted"),
    ),
    one(
        "texts wanted by whoever does not want them",
        TRACING,
        'not in ("", "0", "false", "no_content")',
        'not in ("", "0", "no_content")',
        told("no_text"),
    ),
    one(
        "the last spans lost",
        LAST_SPANS,
        "        if flush:\n",
        "        if not flush:\n",
        told("last_turn"),
    ),
    one(
        "another model in traces than the one that is asked",
        TRACING,
        '"gen_ai.request.model": model_id()',
        '"gen_ai.request.model": PROVIDER',
        told("is_a_trace"),
    ),
    one(
        "a collector looked for where nothing is set",
        TELEMETRY,
        '        defaults["OTEL_TRACES_EXPORTER"] = "none"\n',
        "        pass\n",
        start("nothing_is_set"),
    ),
    one(
        "metrics sent where nothing is set",
        TELEMETRY,
        '"OTEL_METRICS_EXPORTER": "none", ',
        "",
        start("nothing_is_set"),
    ),
    one(
        "a cloud asked where nothing is set",
        TELEMETRY,
        '    defaults["OTEL_PYTHON_CONFIGURATOR"] = "configurator"  # AWS\'s asks where it runs\n',
        '    defaults["OTEL_PYTHON_CONFIGURATOR"] = "aws_configurator"\n',
        start("nothing_is_set"),
    ),
    one(
        "what the environment says overridden",
        TELEMETRY,
        '"aws_configurator", **environment}',
        '"aws_configurator", **environment, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}',
        start("on_agentcore and container"),
    ),
    one(
        "AWS's distribution looked for where it is not",
        TELEMETRY,
        "    return {**defaults, **environment, **here}\n",
        "    return {**defaults, **here, **environment}\n",
        start("on_agentcore and container", "autogen"),
    ),
    one(
        "the spans of libraries beside those of the turn",
        TELEMETRY,
        '        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",  # a turn has its spans already\n',
        "",
        told("is_a_trace or nothing_but", LANGGRAPH),
    ),
    one(
        ".env read too late for OpenTelemetry",
        TELEMETRY,
        '    load_dotenv(Path(__file__).parents[1] / ".env")\n',
        "",
        start("env_file"),
    ),
    one(
        "a container without traces",
        DOCKERFILE,
        'CMD ["opentelemetry-instrument", "python", "main.py"]',
        'CMD ["python", "main.py"]',
        start("image"),
    ),
    one(
        "a container that tells unasked",
        DOCKERFILE,
        'ENTRYPOINT ["python", "-m", "serving.telemetry"]\n',
        "",
        start("image"),
    ),
    one(
        "Strands: texts in its spans",
        SPANS.format("strands"),
        '        told.append("gen_ai_unredacted_attributes=")  # none\n',
        "        pass\n",
        told("no_text"),
    ),
    one(
        "ADK: texts in its spans",
        SPANS.format("adk"),
        "str(texts_wanted()).lower()",
        "str(True).lower()",
        start("older", "adk"),
    ),
    one(
        "LangGraph: calls of tools untold",
        SPANS.format("langgraph"),
        "    async def awrap_tool_call(",
        "    async def wrapped_tool_call(",
        told("is_a_trace", LANGGRAPH),
    ),
    one(
        "LangGraph: a failed call told as a good one",
        SPANS.format("langgraph"),
        "            fail(span, error)\n",
        "",
        told("fails_is_told", LANGGRAPH),
    ),
    one(
        "LangGraph: tokens uncounted",
        SPANS.format("langgraph"),
        "(usage := message.usage_metadata)",
        "(usage := None)",
        told("is_a_trace", LANGGRAPH),
    ),
    one(
        "OpenAI: calls of tools untold",
        SPANS.format("openai"),
        "        if isinstance(data, FunctionSpanData):\n",
        "        if isinstance(data, Trace):\n",
        told("is_a_trace", OPENAI),
    ),
    one(
        "OpenAI: told to OpenAI as well",
        SPANS.format("openai"),
        "    set_trace_provider(provider)\n",
        "    __import__('agents').add_trace_processor(Spans())\n",
        f"tests/contract/test_tracing.py -k {OPENAI}",  # it waits for 5 s before it tells
    ),
    one(
        "OpenAI: a failed call told as a good one",
        SPANS.format("openai"),
        "            ended.set_status(StatusCode.ERROR)\n",
        "",
        told("fails_is_told", OPENAI),
    ),
    one(
        "OpenAI: calls that never end",
        SPANS.format("openai"),
        "        ended.end()\n",
        "",
        told("is_a_trace", OPENAI),
    ),
    one(
        "AutoGen: calls of the model untold",
        "templates/frameworks/autogen/agent.py.jinja",
        '"spans.TracedClient(load_model())" if tracing else "load_model()"',
        '"load_model()"',
        told("is_a_trace", AUTOGEN),
    ),
    one(
        "AutoGen: streamed calls of the model without their tokens",
        SPANS.format("autogen"),
        "                    _tell_usage(span, piece)\n",
        "                    pass\n",
        told("is_a_trace", AUTOGEN),
    ),
    one(
        "AutoGen: a failed call told as a good one",
        SPANS.format("autogen"),
        "        fail(span, error)\n",
        "",
        told("fails_is_told", AUTOGEN),
    ),
)
