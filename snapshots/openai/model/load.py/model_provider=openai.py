"""The model behind the agent: OpenAI, or the offline model."""

import functools
import logging
import os

from agents import Model

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines


@functools.cache
def load_model() -> Model:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if os.environ.get("AGENT_OFFLINE") == "1":
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
    model_id = (
        os.environ.get("MODEL_ID")  # replaces the default
        or "gpt-6.1-sol"
    )
    return connect(model_id)


def connect(model_id: str) -> Model:
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
