"""Faults of each framework's own agent.py: the agent, its tools, and how one turn of it runs."""

from mutants.mutant import LANGGRAPH, STRANDS, contract, one

OPENAI = "templates/frameworks/openai/agent.py.jinja"
ADK = "templates/frameworks/adk/agent.py.jinja"
AUTOGEN = "templates/frameworks/autogen/agent.py.jinja"

OF_STRANDS = "strands-bedrock-json"
OF_OPENAI = "openai-openai-json"
OF_ADK = "adk-gemini-json"
OF_LANGGRAPH = "langgraph-bedrock-json"
OF_AUTOGEN = "autogen-bedrock-json"


def streamed(variant: str) -> str:
    """The same project, which streams."""
    return variant.replace("json", "stream")


def tests(modules: str, words: str, variant: str) -> str:
    """Some tests of these modules, for one project without transcripts."""
    return contract(modules, f"'({words}) and {variant} and not transcript'")


AGENTS = (
    one(
        "Strands: no system prompt",
        STRANDS,
        "        system_prompt=SYSTEM_PROMPT,\n",
        "",
        tests("pairs", "told", OF_STRANDS),
    ),
    one(
        "Strands: no tools",
        STRANDS,
        "        tools=[*AGENT_TOOLS],\n",
        "",
        tests("pairs", "told", OF_STRANDS),
    ),
    one(
        "Strands: its own window over the history",
        STRANDS,
        "NullConversationManager(),  # the",
        "None,  # the",
        tests("recall", "hundred", OF_STRANDS),
    ),
    one(
        "Strands: the prompt of each turn forgotten",
        STRANDS,
        "    return text_of(agent.messages[-1]), agent.messages[start:]\n",
        "    return text_of(agent.messages[-1]), agent.messages[start + 1 :]\n",
        tests("recall", "every_earlier", OF_STRANDS),
    ),
    one(
        "Strands: all turns kept again with each",
        STRANDS,
        "    return text_of(agent.messages[-1]), agent.messages[start:]\n",
        "    return text_of(agent.messages[-1]), agent.messages\n",
        tests("recall", "every_earlier", streamed(OF_STRANDS)),
    ),
    one(
        "Strands: a history that nobody sees",
        STRANDS,
        "[{**message} for turn in session.turns for message in turn]",
        "[]",
        tests("recall", "every_earlier", OF_STRANDS),
    ),
    one(
        "Strands: replies printed",
        STRANDS,
        "        callback_handler=None,  # the default prints replies\n",
        "",
        tests("failures", "private", OF_STRANDS),
    ),
    one(
        "Strands: retries of its own",
        STRANDS,
        "        retry_strategy=None,  # the model's client retries already\n",
        "",
        tests("models", "asked_again", OF_STRANDS),
    ),
    one(
        "Strands: a stream without deltas",
        STRANDS,
        '                send(event["data"])\n',
        "                pass\n",
        tests("streaming", "deltas", streamed(OF_STRANDS)),
    ),
    one(
        "Strands: a text that was cut taken for an error",
        STRANDS,
        "    with suppress(MaxTokensReachedException):",
        "    with suppress(ZeroDivisionError):",
        tests("replies", "cut", OF_STRANDS),
    ),
    one(
        "OpenAI: a text that was filtered taken for an error",
        OPENAI,
        "RunErrorHandlers(model_refusal=said)",
        "RunErrorHandlers()",
        tests("replies", "cut", "openai-anthropic-json"),
    ),
    one(
        "OpenAI: no instructions",
        OPENAI,
        "    instructions=SYSTEM_PROMPT,\n",
        "",
        tests("pairs", "told", OF_OPENAI),
    ),
    one(
        "OpenAI: no tools",
        OPENAI,
        "    tools=[function_tool(prepared(function)) for function in TOOLS],\n",
        "",
        tests("pairs", "told", OF_OPENAI),
    ),
    one(
        "OpenAI: traces sent",
        OPENAI,
        ", tracing_disabled=True",
        "",
        tests("openai", "traces", OF_OPENAI),
    ),
    one(
        "OpenAI: the prompt of each turn forgotten",
        OPENAI,
        "result.to_input_list()[len(items) - 1 :]",
        "result.to_input_list()[len(items) :]",
        tests("recall", "every_earlier", OF_OPENAI),
    ),
    one(
        "OpenAI: all turns kept again with each, streamed",
        OPENAI,
        "result.to_input_list()[len(items) - 1 :]",
        "result.to_input_list()",
        tests("recall", "every_earlier", streamed(OF_OPENAI)),
    ),
    one(
        "OpenAI: a history that nobody sees",
        OPENAI,
        "[*(item for turn in session.turns for item in turn), {",
        "[{",
        tests("recall", "every_earlier", OF_OPENAI),
    ),
    one(
        "OpenAI: arguments of tools streamed",
        OPENAI,
        'event.data.type == "response.output_text.delta"',
        'event.data.type.endswith(".delta")',
        tests("replies", "nothing_of_a_tool", streamed(OF_OPENAI)),
    ),
    one(
        "ADK: no instruction",
        ADK,
        "        instruction=SYSTEM_PROMPT,\n",
        "",
        tests("pairs", "told", OF_ADK),
    ),
    one(
        "ADK: no tools",
        ADK,
        "        tools=[prepared(function) for function in TOOLS],\n",
        "",
        tests("pairs", "told", OF_ADK),
    ),
    one(
        "ADK: tools on the loop of all sessions",
        ADK,
        "tools=[prepared(function) for function in TOOLS]",
        "tools=[function for function in (*TOOLS, prepared)][:1]",
        tests("tools", "its_time", OF_ADK),
    ),
    one(
        "ADK: the state shared with the turn",
        ADK,
        "deepcopy(session.turns[-1].state)",
        "session.turns[-1].state",
        tests("adk", "failed_turn", OF_ADK),
    ),
    one(
        "ADK: what is in the state shared with the turn",
        ADK,
        "deepcopy(session.turns[-1].state)",
        "{**session.turns[-1].state}",
        tests("adk", "failed_turn", OF_ADK),
    ),
    one(
        "ADK: the state forgotten",
        ADK,
        "Turn(running.events[len(history) :], state)",
        "Turn(running.events[len(history) :], {})",
        tests("adk", "is_kept", OF_ADK),
    ),
    one(
        "ADK: temporary state kept",
        ADK,
        ' if not name.startswith("temp:")',
        "",
        tests("adk", "is_kept", OF_ADK),
    ),
    one(
        "ADK: everybody anonymous to tools",
        ADK,
        '(session.key and session.key.user) or "anonymous"',
        '"anonymous"',
        tests("adk", "its_user", OF_ADK),
    ),
    one(
        "ADK: a session of a turn that stays",
        ADK,
        "        del TURNS.running[running.id]\n",
        "        pass\n",
        tests("adk", "stays_in", OF_ADK),
    ),
    one(
        "ADK: one session for all turns that run",
        ADK,
        "        id=uuid4().hex,",
        '        id=uuid4().hex[:0] + "one",',
        tests("recall", "interleaved", OF_ADK),
    ),
    one(
        "ADK: thoughts part of the reply",
        ADK,
        " and not part.thought)",
        ")",
        tests("replies", "thoughts", OF_ADK),
    ),
    one(
        "ADK: an error taken for an answer",
        ADK,
        "    if error and not reply:",
        "    if False:",
        tests("adk", "named", OF_ADK),
    ),
    one(
        "ADK: a text that was cut taken for an error",
        ADK,
        "    if error and not reply:",
        "    if error:",
        tests("replies", "cut", streamed(OF_ADK)),
    ),
    one(
        "ADK: all turns kept again with each",
        ADK,
        "running.events[len(history) :]",
        "running.events",
        tests("recall", "every_earlier", OF_ADK),
    ),
    one(
        "ADK: a history that nobody sees",
        ADK,
        "        events=[*history],\n",
        "        events=[],\n",
        tests("recall", "every_earlier", OF_ADK),
    ),
    one(
        "ADK: the whole reply after its deltas",
        ADK,
        "            if event.partial:\n",
        "            if event.partial or event.is_final_response():\n",
        tests("streaming", "deltas", streamed(OF_ADK)),
    ),
    one(
        "ADK: a stream in one piece",
        ADK,
        "            run_config=RunConfig(streaming_mode=StreamingMode.SSE),\n",
        "            run_config=RunConfig(streaming_mode=StreamingMode.NONE),\n",
        tests("streaming", "deltas", streamed(OF_ADK)),
    ),
    one(
        "LangGraph: no system prompt",
        LANGGRAPH,
        ", system_prompt=SYSTEM_PROMPT)",
        ")",
        tests("pairs", "told", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: no tools",
        LANGGRAPH,
        "    tools = [tool(prepared(function)) for function in TOOLS]\n",
        "    tools = [tool(prepared(function)) for function in TOOLS[:0]]\n",
        tests("pairs", "told", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: what a tool returns taken for a reply",
        LANGGRAPH,
        "    if not isinstance(messages[-1], AIMessage):\n",
        "    if not messages[-1]:\n",
        tests("langgraph", "no_reply", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: what tools return streamed",
        LANGGRAPH,
        "        elif isinstance(update[0], AIMessageChunk):\n",
        "        elif isinstance(update, tuple):\n",
        tests("replies", "nothing_of_a_tool", streamed(OF_LANGGRAPH)),
    ),
    one(
        "LangGraph: all turns kept again with each",
        LANGGRAPH,
        '"messages": messages[start:]}',
        '"messages": messages[start * 0 :]}',
        tests("memory", "whole", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: a history that nobody sees",
        LANGGRAPH,
        '"messages": [*messages, HumanMessage',
        '"messages": [*messages[:0], HumanMessage',
        tests("recall", "every_earlier", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: the state not given to the next turn",
        LANGGRAPH,
        "    return {**last, ",
        "    return {**(last and {}), ",
        tests("langgraph", "is_kept", OF_LANGGRAPH),
    ),
    one(
        "LangGraph: the state not kept",
        LANGGRAPH,
        'return messages[-1].text, {**state, "messages"',
        'return messages[-1].text, {"messages"',
        tests("langgraph", "is_kept", OF_LANGGRAPH),
    ),
    one(
        "AutoGen: no system message",
        AUTOGEN,
        "        system_message=SYSTEM_PROMPT,\n",
        "",
        tests("pairs", "told", OF_AUTOGEN),
    ),
    one(
        "AutoGen: no tools",
        AUTOGEN,
        "        workbench=WORKBENCH,\n",
        "",
        tests("pairs", "told", OF_AUTOGEN),
    ),
    one(
        "AutoGen: one tool iteration",
        AUTOGEN,
        "max_tool_iterations=10",
        "max_tool_iterations=1",
        tests("replies", "after_the_other", OF_AUTOGEN),
    ),
    one(
        "AutoGen: a history that nobody sees",
        AUTOGEN,
        "        model_context=context,\n",
        "",
        tests("recall", "every_earlier", OF_AUTOGEN),
    ),
    one(
        "AutoGen: all turns kept again with each",
        AUTOGEN,
        "    return reply, (await context.get_messages())[len(messages) :]",
        "    return reply, await context.get_messages()",
        tests("recall", "every_earlier", OF_AUTOGEN),
    ),
    one(
        "AutoGen: the prompt of each turn forgotten, streamed",
        AUTOGEN,
        "    return reply, (await context.get_messages())[len(messages) :]",
        "    return reply, (await context.get_messages())[len(messages) + 1 :]",
        tests("recall", "every_earlier", streamed(OF_AUTOGEN)),
    ),
    one(
        "AutoGen: a tool that goes on when its turn is cancelled",
        AUTOGEN,
        "        cancellation.cancel()",
        "        pass",
        tests("autogen", "nothing_goes_on", OF_AUTOGEN),
    ),
    one(
        "AutoGen: a tool that goes on when its streamed turn is cancelled",
        AUTOGEN,
        "        cancellation.cancel()",
        "        pass",
        tests("autogen", "nothing_goes_on", streamed(OF_AUTOGEN)),
    ),
    one(
        "AutoGen: a stream in one piece",
        AUTOGEN,
        "        model_client_stream=True,\n",
        "",
        tests("streaming", "deltas", streamed(OF_AUTOGEN)),
    ),
)
