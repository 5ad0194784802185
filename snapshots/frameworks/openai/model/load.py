#if bedrock
"""The model behind the agent: Amazon Bedrock, or the offline model."""

import asyncio
#elif anthropic
"""The model behind the agent: Anthropic, or the offline model."""

#elif model_provider=openai
"""The model behind the agent: OpenAI, or the offline model."""

#elif gemini
"""The model behind the agent: Google Gemini, or the offline model."""

#end
import functools
import logging
#if bedrock
from concurrent.futures import ThreadPoolExecutor

import botocore.config
#else

#end
from agents import Model

from model import credentials
from model.settings import is_offline, model_id

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
#if bedrock

CONCURRENT_CALLS = 128
BOTO_CONFIG = botocore.config.Config(
    max_pool_connections=CONCURRENT_CALLS,
    read_timeout=300,
    retries={"mode": "standard", "total_max_attempts": 3},
)
#elif gemini
# With both names of the key set, Google's SDK says that it takes GOOGLE_API_KEY; it takes ours.
logging.getLogger("google_genai._api_client").addFilter(
    lambda record: "GOOGLE_API_KEY" not in record.getMessage()
)
#end


@functools.cache
def load_model() -> Model:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if is_offline():
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
#if bedrock
    # boto3 blocks a thread for each call in flight, and asyncio's own executor has few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENT_CALLS))
#end
    return connect(model_id())


def connect(model_id: str) -> Model:
#if bedrock
    """Return the Bedrock model, through any-llm."""
    import json
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from agents.extensions.models.any_llm_model import AnyLLMModel
    from any_llm.providers.bedrock import BedrockProvider
    from any_llm.types.completion import ChatCompletion, ChatCompletionChunk

    class ThreadedProvider(BedrockProvider):
        """any-llm reads boto3's stream on the event loop, which would hold up every session."""

        async def _acompletion(
            self, *args: Any, **kwargs: Any
        ) -> ChatCompletion | AsyncIterator[ChatCompletionChunk]:
            result = await asyncio.to_thread(self._completion, *args, **kwargs)
            return result if isinstance(result, ChatCompletion) else self._chunks(result)

        async def _chunks(
            self, stream: Iterator[ChatCompletionChunk]
        ) -> AsyncIterator[ChatCompletionChunk]:
            while chunk := await asyncio.to_thread(next, stream, None):
                yield chunk

    class BedrockModel(AnyLLMModel):
        """Calls Bedrock through one client with settings of ours."""

        def _get_provider(self) -> ThreadedProvider:
            return provider

    def correct(params: dict[str, Any], **_: object) -> None:
        """Mend what Bedrock would refuse: headers, and tool results that are no JSON object."""
        params.pop("extra_headers", None)
        blocks = [block for message in params["messages"] for block in message["content"]]
        for result in [block["toolResult"] for block in blocks if "toolResult" in block]:
            for part in result["content"]:
                if not isinstance(part.get("json", {}), dict):
                    part["text"] = json.dumps(part.pop("json"))

    client = credentials.aws_session().client("bedrock-runtime", config=BOTO_CONFIG)
    client.meta.events.register("provide-client-params.bedrock-runtime", correct)
    provider = ThreadedProvider(client=client)
    return BedrockModel(f"bedrock/{model_id}")
#elif anthropic/gemini
#if anthropic
    """Return the Anthropic model, through any-llm."""
#elif gemini
    """Return the Gemini model, through any-llm."""
#end
    from agents.extensions.models.any_llm_model import AnyLLMModel

#if anthropic
    # At WARNING it says, for every call, that max_tokens is 8192.
    logging.getLogger("any_llm").setLevel(logging.ERROR)
#end
    return AnyLLMModel(
#if anthropic
        f"anthropic/{model_id}",
#elif gemini
        f"gemini/{model_id}",
#end
        api_key=credentials.api_key(),
        api="chat_completions",
    )
#elif model_provider=openai
    """Return the OpenAI model."""
    from collections.abc import AsyncIterator
    from contextlib import aclosing
    from typing import Any

    from agents import OpenAIResponsesModel
    from openai import AsyncOpenAI
    from openai.types.responses import Response, ResponseCompletedEvent, ResponseStreamEvent

    class ResponsesModel(OpenAIResponsesModel):
        """A text that is cut short is a reply, as of other models; the SDK takes it for an error."""

        async def stream_response(
            self, *args: Any, **kwargs: Any
        ) -> AsyncIterator[ResponseStreamEvent]:
            events: Any = super().stream_response(*args, **kwargs)
            async with aclosing(events):
                async for event in events:
                    if event.type == "response.incomplete" and event.response.output_text:
                        yield ResponseCompletedEvent(
                            response=event.response,
                            sequence_number=event.sequence_number,
                            type="response.completed",
                        )
                        return
                    yield event

    client = AsyncOpenAI(api_key=credentials.api_key())
    create = client.responses.create

    async def create_whole(**options: Any) -> Any:
        response = await create(**options)
        if isinstance(response, Response) and response.output_text:
            response.status = "completed"
        return response

    client.responses.create = create_whole  # type: ignore[method-assign]
    return ResponsesModel(model_id, client)
#end
