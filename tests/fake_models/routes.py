"""Which protocol a path belongs to."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from fake_models.anthropic import Anthropic
from fake_models.bedrock_converse import BedrockConverse
from fake_models.bedrock_invoke import BedrockInvoke
from fake_models.gemini import Gemini
from fake_models.openai_chat import GeminiChat, OpenAIChat
from fake_models.openai_responses import OpenAIResponses
from fake_models.wire import Codec


@dataclass(frozen=True, slots=True)
class Route:
    """A protocol, and what the path says about model and streaming."""

    codec: Codec
    model: str = ""
    streamed: bool = False


_FIXED = {
    "/v1/chat/completions": Route(OpenAIChat()),
    "/v1/responses": Route(OpenAIResponses()),
    "/v1/messages": Route(Anthropic()),
    "/v1beta/openai/chat/completions": Route(GeminiChat()),
}
_BEDROCK = re.compile(r"/model/(.+)/(converse|converse-stream|invoke|invoke-with-response-stream)")
_GEMINI = re.compile(r"/v1(?:beta|alpha)?/models/(.+):(generateContent|streamGenerateContent)")
_CONVERSE, _INVOKE, _GENERATE = BedrockConverse(), BedrockInvoke(), Gemini()


@lru_cache(maxsize=256)
def find(raw_path: str) -> Route | None:
    """The route of a path as it stands in the request line."""
    path = unquote(raw_path.partition("?")[0])
    if path in _FIXED:
        return _FIXED[path]
    if match := _BEDROCK.fullmatch(path):
        codec: Codec = _CONVERSE if match[2].startswith("converse") else _INVOKE
        return Route(codec, match[1], match[2].endswith("stream"))
    if match := _GEMINI.fullmatch(path):
        return Route(_GENERATE, match[1], match[2].startswith("stream"))
    return None
