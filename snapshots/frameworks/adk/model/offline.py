"""A model without a network: it repeats the prompt, for the first run and for the tests."""

import re
from collections.abc import AsyncGenerator

from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types


async def reply(turn: int, prompt: str) -> str:
    """Return the whole reply; every call of the model awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


def words(text: str) -> list[str]:
    """Split a reply as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def response(text: str, partial: bool) -> LlmResponse:
    """Wrap a reply, or a part of it, as Gemini does."""
    content = types.Content(role="model", parts=[types.Part(text=text)])
    return LlmResponse(content=content, partial=partial)


class OfflineModel(BaseLlm):
    """The model interface of ADK, without tools and structured output."""

    model: str = "offline"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Yield the reply to the last user message: word by word if asked, then whole."""
        prompts = [
            "".join(part.text or "" for part in content.parts or [])
            for content in llm_request.contents
            if content.role == "user"
        ]
        text = await reply(len(prompts), prompts[-1])
        if stream:
            for word in words(text):
                yield response(word, partial=True)
        yield response(text, partial=False)
