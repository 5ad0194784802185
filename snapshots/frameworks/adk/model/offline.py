"""A model without a network, for the first run and for the tests.

It repeats the prompt, and calls the tool that the prompt names.
"""

import re
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from model.offline_calls import Call, find_call, shown


async def reply(turn: int, prompt: str) -> str:
    """Return the reply; every turn awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


async def answer(prompts: list[str], tools: dict[str, Any], results: list[Any]) -> str | Call:
    """Return what the model answers: the call of a tool, or the whole text.

    Args:
        prompts: What the user has said in the session.
        tools: The name of each tool, with the JSON schema of its parameters.
        results: What the tool has returned, if it was called for the last prompt.
    """
    call = find_call(prompts[-1], tools)
    if call and not results:
        return call
    text = await reply(len(prompts), prompts[-1])
    return " ".join([text, *(f"{call.name}: {shown(result)}" for result in results if call)])


def words(text: str) -> list[str]:
    """Split a text as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def response(part: types.Part, partial: bool = False) -> LlmResponse:
    """Wrap an answer, or a part of it, as Gemini does."""
    content = types.Content(role="model", parts=[part])
    return LlmResponse(content=content, partial=partial)


def schemas(request: LlmRequest) -> dict[str, Any]:
    """Return the JSON schema of the parameters of each tool, by its name."""
    tools = [tool for tool in request.config.tools or [] if isinstance(tool, types.Tool)]
    functions = [function for tool in tools for function in tool.function_declarations or []]
    return {str(each.name): each.parameters_json_schema or {} for each in functions}


def results(content: types.Content) -> list[Any]:
    """Return what the tools returned, of which ADK makes an object."""
    answers = [part.function_response for part in content.parts or []]
    objects = [answer.response or {} for answer in answers if answer]
    return [each.get("result", each) for each in objects]


class OfflineModel(BaseLlm):
    """The model interface of ADK, without structured output."""

    model: str = "offline"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Yield the call of a tool, or the reply: word by word if asked, then whole."""
        texts = [
            "".join(part.text or "" for part in content.parts or [])
            for content in llm_request.contents
            if content.role == "user"
        ]
        prompts = [text for text in texts if text]  # results of tools come from the user too
        said = await answer(prompts, schemas(llm_request), results(llm_request.contents[-1]))
        if isinstance(said, Call):
            call = types.FunctionCall(id=said.id, name=said.name, args=said.arguments)
            yield response(types.Part(function_call=call))
            return
        if stream:
            for word in words(said):
                yield response(types.Part(text=word), partial=True)
        yield response(types.Part(text=said))
