"""The bare cost of a turn: the framework's own call in a plain loop, no HTTP and no session cache.

Run by the framework's own interpreter in the folder of a generated project, whose model it uses:
`bare.py FRAMEWORK json|stream` has as many turns as each line of its input says.
"""

# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,unused-ignore"

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

SYSTEM_PROMPT = "You are a helpful assistant. Use your tools when they help."

# Takes a history (None for a new session) and a prompt; returns the history with the turn in it.
Turn = Callable[[Any, str], Awaitable[Any]]


def add_numbers(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def strands(model: Any, stream: bool) -> Turn:
    from strands import Agent, tool
    from strands.agent.conversation_manager import NullConversationManager

    tools = [tool(add_numbers)]

    async def turn(history: Any, prompt: str) -> Any:
        agent = Agent(
            model=model,
            messages=[{**message} for message in history or []],
            tools=tools,
            system_prompt=SYSTEM_PROMPT,
            conversation_manager=NullConversationManager(),
            callback_handler=None,
        )
        if stream:
            async for _ in agent.stream_async(prompt):
                pass
        else:
            await agent.invoke_async(prompt)
        return agent.messages

    return turn


def openai(model: Any, stream: bool) -> Turn:
    from agents import Agent, Runner, function_tool, set_tracing_disabled

    set_tracing_disabled(True)
    agent = Agent(
        name="assistant",
        instructions=SYSTEM_PROMPT,
        model=model,
        tools=[function_tool(add_numbers)],
    )

    async def turn(history: Any, prompt: str) -> Any:
        items = [*(history or []), {"role": "user", "content": prompt}]
        if not stream:
            return (await Runner.run(agent, items)).to_input_list()
        result = Runner.run_streamed(agent, items)
        async for _ in result.stream_events():
            pass
        return result.to_input_list()

    return turn


def adk(model: Any, stream: bool) -> Turn:
    from google.adk.agents import LlmAgent
    from google.adk.agents.run_config import RunConfig, StreamingMode
    from google.adk.apps import App
    from google.adk.runners import Runner
    from google.adk.sessions import InMemorySessionService
    from google.genai.types import Content, Part

    agent = LlmAgent(name="assistant", model=model, instruction=SYSTEM_PROMPT, tools=[add_numbers])
    service = InMemorySessionService()
    runner = Runner(app=App(name="bench", root_agent=agent), session_service=service)
    config = RunConfig(streaming_mode=StreamingMode.SSE) if stream else None

    async def turn(history: Any, prompt: str) -> Any:
        session = history or (await service.create_session(app_name="bench", user_id="user")).id
        async for _ in runner.run_async(
            user_id="user",
            session_id=session,
            new_message=Content(role="user", parts=[Part(text=prompt)]),
            run_config=config,
        ):
            pass
        return session

    return turn


def langgraph(model: Any, stream: bool) -> Turn:
    from langchain.agents import create_agent
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool

    graph: Any = create_agent(model, tools=[tool(add_numbers)], system_prompt=SYSTEM_PROMPT)

    async def turn(history: Any, prompt: str) -> Any:
        state = {"messages": [*(history or []), HumanMessage(prompt)]}
        if not stream:
            return (await graph.ainvoke(state))["messages"]
        async for mode, update in graph.astream(state, stream_mode=["messages", "values"]):
            if mode == "values":
                state = update
        return state["messages"]

    return turn


def autogen(model: Any, stream: bool) -> Turn:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_core.model_context import UnboundedChatCompletionContext
    from autogen_core.tools import FunctionTool, StaticStreamWorkbench

    tools = StaticStreamWorkbench([FunctionTool(add_numbers, description="Add two numbers.")])

    async def turn(history: Any, prompt: str) -> Any:
        context = UnboundedChatCompletionContext(history)
        agent = AssistantAgent(
            "assistant",
            model_client=model,
            model_context=context,
            workbench=tools,
            system_message=SYSTEM_PROMPT,
            model_client_stream=stream,
        )
        if stream:
            async for _ in agent.run_stream(task=prompt):
                pass
        else:
            await agent.run(task=prompt)
        return await context.get_messages()

    return turn


FRAMEWORKS = {
    "strands": strands,
    "openai": openai,
    "adk": adk,
    "langgraph": langgraph,
    "autogen": autogen,
}


async def measure(framework: str, stream: bool) -> None:
    """For each line of numbers, SESSIONS and TURNS, print the CPU of a turn in milliseconds."""
    turn = FRAMEWORKS[framework](importlib.import_module("model.load").load_model(), stream)
    for line in sys.stdin:
        sessions, turns = map(int, line.split())
        start = time.process_time()
        for _ in range(sessions):
            history = None
            for number in range(turns):
                history = await turn(history, f"Hello number {number}")
        print((time.process_time() - start) / (sessions * turns) * 1e3, flush=True)


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())  # in place of this folder: the project's own modules
    asyncio.run(measure(sys.argv[1], sys.argv[2] == "stream"))
