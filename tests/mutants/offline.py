"""Faults of the offline model: which tool it calls, and how each framework is told of the call."""

from mutants.mutant import contract, one

ANSWER = "templates/project/model/offline.py.jinja"
CALLS = "templates/project/model/offline_calls.py"
RULES = "tests/machinery/test_offline_calls.py"


def model(framework: str) -> str:
    """The offline model of a framework."""
    return f"templates/frameworks/{framework}/model/offline.py.jinja"


def offline(test: str, variant: str) -> str:
    """The tests of the offline model, for one project."""
    return contract("offline", f"'{test} and {variant}'")


OFFLINE = (
    one(
        "offline: a name with underscores alone",
        CALLS,
        '.replace("_", "[_ ]")',
        "",
        RULES,
    ),
    one(
        "offline: of two names at one place, the shorter",
        CALLS,
        "-found.end()",
        "found.end()",
        RULES,
    ),
    one(
        "offline: arguments from before the name",
        CALLS,
        "find_arguments(prompt, first.end(), tools[name])",
        "find_arguments(prompt, 0, tools[name])",
        RULES,
    ),
    one(
        "offline: a range taken for a negative number",
        CALLS,
        r'NUMBER = r"(?<![\w.])-?',
        r'NUMBER = r"(?<![a-z.])-?',
        RULES,
    ),
    one(
        "offline: a default that a word of the prompt replaces",
        CALLS,
        ' or "default" in about or',
        " or",
        RULES,
    ),
    one(
        "offline: a tool called without what is missing",
        CALLS,
        "        if not found:\n            return None\n",
        "        if not found:\n            continue\n",
        RULES,
    ),
    one(
        "offline: a whole number with its .0",
        CALLS,
        r'return re.sub(r"^(-?\d+)\.0$", r"\1", text)',
        "return text",
        RULES,
    ),
    one(
        "offline: all calls with one id",
        CALLS,
        "default_factory=lambda: uuid4().hex",
        'default="call"',
        RULES,
    ),
    one(
        "offline: what a tool returned forgotten",
        ANSWER,
        "for result in results if call)",
        "for result in results if not call)",
        offline("added", "strands-bedrock-json"),
    ),
    # Strands
    one(
        "Strands offline: results of tools taken for prompts",
        model("strands"),
        "prompts = [text for text in texts if text]  #",
        "prompts = [text for text in texts]  #",
        offline("counted", "strands-bedrock-json"),
    ),
    one(
        "Strands offline: a call without its arguments",
        model("strands"),
        "json.dumps(said.arguments)",
        "json.dumps({})",
        offline("added", "strands-bedrock-stream"),
    ),
    one(
        "Strands offline: what a tool returned without a text lost",
        model("strands"),
        'content.get("text", str(content))',
        'content.get("text", "")',
        offline("object", "strands-bedrock-json"),
    ),
    # OpenAI Agents SDK
    one(
        "Agents SDK offline: a tool called for ever",
        model("openai"),
        '[each["output"] for each in items[-1:] if each.get("type") == "function_call_output"],',
        "[],",
        offline("added", "openai-openai-json"),
    ),
    one(
        "Agents SDK offline: a streamed call lost",
        model("openai"),
        "            output=[item(said)],\n",
        "            output=[item(str(said))],\n",
        offline("added", "openai-openai-stream"),
    ),
    one(
        "Agents SDK offline: what earlier tools returned shown again",
        model("openai"),
        "for each in items[-1:] if",
        "for each in items if",
        offline("counted", "openai-openai-json"),
    ),
    # Google ADK
    one(
        "ADK offline: results of tools taken for prompts",
        model("adk"),
        "prompts = [text for text in texts if text]  #",
        "prompts = [text for text in texts]  #",
        offline("counted", "adk-gemini-json"),
    ),
    one(
        "ADK offline: the object that ADK makes of a result shown",
        model("adk"),
        'each.get("result", each)',
        "each",
        offline("added", "adk-gemini-stream"),
    ),
    one(
        "ADK offline: a tool without parameters unknown",
        model("adk"),
        "for each in functions}",
        "for each in functions if each.parameters_json_schema}",
        offline("kind", "adk-gemini-json"),
    ),
    # LangGraph
    one(
        "LangGraph offline: tools that the model is not told of",
        model("langgraph"),
        "return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])",
        "return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools][:0])",
        offline("added", "langgraph-bedrock-json"),
    ),
    one(
        "LangGraph offline: a streamed call lost",
        model("langgraph"),
        'AIMessageChunk(content="", tool_call_chunks=[call])',
        'AIMessageChunk(content="", id=call["id"])',
        offline("added", "langgraph-bedrock-stream"),
    ),
    one(
        "LangGraph offline: results of tools counted as turns",
        model("langgraph"),
        "if isinstance(message, HumanMessage)]",
        "if isinstance(message, HumanMessage | ToolMessage)]",
        offline("counted", "langgraph-bedrock-json"),
    ),
    # AutoGen
    one(
        "AutoGen offline: tools that the model is not told of, streamed",
        model("autogen"),
        "result = await self.create(messages, **kwargs)",
        "result = await self.create(messages)",
        offline("added", "autogen-bedrock-stream"),
    ),
    one(
        "AutoGen offline: a tool called for ever",
        model("autogen"),
        "[result.content for result in answered],",
        "[result.content for result in answered[:0]],",
        offline("added", "autogen-bedrock-json"),
    ),
)
