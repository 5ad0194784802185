"""The real SDKs behind one small interface, for the tests of this server."""

import json
import os
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

import anthropic
import openai
from google import genai
from google.genai import types

from fake_models.conversation import Json, ToolCall
from fake_models.wire import SIGNATURE

# no type information comes with these two
boto3 = import_module("boto3")
botocore_config = import_module("botocore.config")

SCHEMA: Json = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
_TOOL = {"name": "add_numbers", "description": "Adds."}


class Chat(ABC):
    """A conversation in the SDK's own words; retries are off.

    Of the last reply, `thoughts` and `redacted` are what the model thought, for all to read or for
    nobody, and `ended` is why it stopped.
    """

    protocol: ClassVar[str]
    provider: ClassVar[str]

    clients: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        """An empty conversation; all of one protocol share a client."""
        self.history: list[Any] = []
        self.thoughts = ""
        self.redacted = b""
        self.ended = ""
        if self.protocol not in self.clients:
            self.clients[self.protocol] = self.connect()
        self.client = self.clients[self.protocol]

    @classmethod
    @abstractmethod
    def connect(cls) -> Any:
        """A client from the environment."""

    @classmethod
    def close_all(cls) -> None:
        """Close every connection."""
        while cls.clients:
            cls.clients.popitem()[1].close()

    @abstractmethod
    def user(self, text: str) -> None:
        """The user says something."""

    @abstractmethod
    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""

    @abstractmethod
    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""

    @abstractmethod
    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""

    @abstractmethod
    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""

    def ask(self, *, streamed: bool) -> tuple[str, list[ToolCall]]:
        """Ask, one way or the other."""
        self.thoughts, self.redacted, self.ended = "", b"", ""
        if not streamed:
            return self.whole()
        got = list(self.pieces())
        text = "".join(piece for piece in got if isinstance(piece, str))
        return text, [piece for piece in got if isinstance(piece, ToolCall)]


class OpenAIChat(Chat):
    """Chat Completions."""

    protocol, provider = "openai_chat", "openai"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        return openai.OpenAI(max_retries=0)

    def user(self, text: str) -> None:
        """The user says something."""
        self.history.append({"role": "user", "content": text})

    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""
        tool_calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in calls
        ]
        extra = {"tool_calls": tool_calls} if calls else {}
        self.history.append({"role": "assistant", "content": text or None, **extra})

    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""
        self.history += [
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text in pairs
        ]

    def _create(self, *, stream: bool) -> Any:
        function: Any = {**_TOOL, "parameters": SCHEMA}
        return self.client.chat.completions.create(
            model="gpt-fake",
            messages=self.history,
            tools=[{"type": "function", "function": function}],
            stream=stream,
        )

    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""
        choice = self._create(stream=False).choices[0]
        message, self.ended = choice.message, choice.finish_reason
        calls = [
            ToolCall(call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or ()
        ]
        return message.content or "", calls

    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""
        calls: dict[int, list[str]] = {}
        for chunk in self._create(stream=True):
            delta, self.ended = chunk.choices[0].delta, chunk.choices[0].finish_reason
            if delta.content:
                yield delta.content
            for call in delta.tool_calls or ():
                if call.id:
                    calls[call.index] = [call.id, call.function.name, ""]
                calls[call.index][2] += call.function.arguments
        for identity, name, arguments in calls.values():
            yield ToolCall(identity, name, json.loads(arguments))


class OpenAIResponses(Chat):
    """Responses."""

    protocol, provider = "openai_responses", "openai"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        return openai.OpenAI(max_retries=0)

    def user(self, text: str) -> None:
        """The user says something."""
        self.history.append({"role": "user", "content": text})

    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""
        if text:
            self.history.append({"role": "assistant", "content": text})
        self.history += [
            {
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": json.dumps(call.arguments),
            }
            for call in calls
        ]

    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""
        self.history += [
            {"type": "function_call_output", "call_id": call.id, "output": text}
            for call, text in pairs
        ]

    def _create(self, *, stream: bool) -> Any:
        tool: Any = {"type": "function", **_TOOL, "parameters": SCHEMA, "strict": False}
        return self.client.responses.create(
            model="gpt-fake", input=self.history, tools=[tool], stream=stream
        )

    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""
        response = self._create(stream=False)
        self._finish(response)
        calls = [_function_call(item) for item in response.output if item.type == "function_call"]
        return response.output_text, calls

    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""
        for event in self._create(stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta
            if event.type == "response.output_item.done" and event.item.type == "function_call":
                yield _function_call(event.item)
            if event.type in ("response.completed", "response.incomplete"):
                self._finish(event.response)

    def _finish(self, response: Any) -> None:
        thoughts = [item.summary[0].text for item in response.output if item.type == "reasoning"]
        self.thoughts = "".join(thoughts)
        details = response.incomplete_details
        self.ended = details.reason if details else response.status


def _function_call(item: Any) -> ToolCall:
    return ToolCall(item.call_id, item.name, json.loads(item.arguments))


class Anthropic(Chat):
    """Messages."""

    protocol, provider = "anthropic", "anthropic"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        return anthropic.Anthropic(max_retries=0)

    def user(self, text: str) -> None:
        """The user says something."""
        self.history.append({"role": "user", "content": text})

    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""
        blocks: list[Json] = [{"type": "text", "text": text}] if text else []
        blocks += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            for call in calls
        ]
        self.history.append({"role": "assistant", "content": blocks})

    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in pairs
        ]
        self.history.append({"role": "user", "content": blocks})

    def _given(self) -> Json:
        tools = [{**_TOOL, "input_schema": SCHEMA}]
        model = "us.anthropic.claude-fake-v1:0"
        return {"model": model, "max_tokens": 100, "messages": self.history, "tools": tools}

    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""
        return self._read(self.client.messages.create(**self._given()))

    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""
        with self.client.messages.stream(**self._given()) as stream:
            yield from stream.text_stream
            yield from self._read(stream.get_final_message())[1]

    def _read(self, message: Any) -> tuple[str, list[ToolCall]]:
        thoughts = [block.thinking for block in message.content if block.type == "thinking"]
        self.thoughts, self.ended = "".join(thoughts), message.stop_reason
        redacted = [block.data for block in message.content if block.type == "redacted_thinking"]
        self.redacted = b"".join(map(b64decode, redacted))
        calls = [
            ToolCall(block.id, block.name, block.input)
            for block in message.content
            if block.type == "tool_use"
        ]
        return "".join(block.text for block in message.content if block.type == "text"), calls


class AnthropicBedrock(Anthropic):
    """InvokeModel."""

    protocol, provider = "bedrock_invoke", "bedrock"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        return anthropic.AnthropicBedrock(max_retries=0)


class BedrockConverse(Chat):
    """Converse."""

    protocol, provider = "bedrock_converse", "bedrock"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        config = botocore_config.Config(retries={"total_max_attempts": 1})
        # the SDK itself reads another variable
        return boto3.client("bedrock-runtime", region_name=os.environ["AWS_REGION"], config=config)

    def user(self, text: str) -> None:
        """The user says something."""
        self.history.append({"role": "user", "content": [{"text": text}]})

    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""
        blocks: list[Json] = [{"text": text}] if text else []
        blocks += [
            {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}}
            for call in calls
        ]
        self.history.append({"role": "assistant", "content": blocks})

    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""
        blocks = [
            {"toolResult": {"toolUseId": call.id, "content": [{"text": text}]}}
            for call, text in pairs
        ]
        self.history.append({"role": "user", "content": blocks})

    def _given(self) -> Json:
        tool = {"toolSpec": {**_TOOL, "inputSchema": {"json": SCHEMA}}}
        model = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-v1:0"
        return {"modelId": model, "messages": self.history, "toolConfig": {"tools": [tool]}}

    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""
        reply = self.client.converse(**self._given())
        content, self.ended = reply["output"]["message"]["content"], reply["stopReason"]
        for block in content:
            reasoning = block.get("reasoningContent", {})
            self.thoughts += reasoning.get("reasoningText", {}).get("text", "")
            self.redacted += reasoning.get("redactedContent", b"")
        uses = [block["toolUse"] for block in content if "toolUse" in block]
        calls = [ToolCall(use["toolUseId"], use["name"], use["input"]) for use in uses]
        return "".join(block.get("text", "") for block in content), calls

    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""
        calls: dict[int, list[str]] = {}
        for event in self.client.converse_stream(**self._given())["stream"]:
            if "contentBlockStart" in event:
                use = event["contentBlockStart"]["start"]["toolUse"]
                at = event["contentBlockStart"]["contentBlockIndex"]
                calls[at] = [use["toolUseId"], use["name"], ""]
            elif "contentBlockDelta" in event:
                delta = event["contentBlockDelta"]["delta"]
                if "text" in delta:
                    yield delta["text"]
                elif "reasoningContent" in delta:
                    self.thoughts += delta["reasoningContent"].get("text", "")
                    self.redacted += delta["reasoningContent"].get("redactedContent", b"")
                else:
                    at = event["contentBlockDelta"]["contentBlockIndex"]
                    calls[at][2] += delta["toolUse"]["input"]
            elif "messageStop" in event:
                self.ended = event["messageStop"]["stopReason"]
        for identity, name, arguments in calls.values():
            yield ToolCall(identity, name, json.loads(arguments))


class Gemini(Chat):
    """generateContent, of a model that wants its thought signatures back."""

    protocol, provider = "gemini", "gemini"

    @classmethod
    def connect(cls) -> Any:
        """A client from the environment."""
        return genai.Client()

    def user(self, text: str) -> None:
        """The user says something."""
        self._add("user", types.Part(text=text))

    def assistant(self, text: str, *calls: ToolCall) -> None:
        """The model said something, or asked for tools."""
        parts = [types.Part(text=text)] if text else []
        parts += [
            types.Part(
                function_call=types.FunctionCall(id=c.id, name=c.name, args=c.arguments),
                thought_signature=None if n else b64decode(SIGNATURE),
            )
            for n, c in enumerate(calls)
        ]
        self._add("model", *parts)

    def results(self, *pairs: tuple[ToolCall, str]) -> None:
        """The tools answered."""
        parts = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id, name=call.name, response={"result": text}
                )
            )
            for call, text in pairs
        ]
        self._add("user", *parts)

    def _add(self, role: str, *parts: types.Part) -> None:
        self.history.append(types.Content(role=role, parts=list(parts)))

    def _given(self) -> Any:
        schema = types.FunctionDeclaration(
            name="add_numbers", description="Adds.", parameters_json_schema=SCHEMA
        )
        tool = types.Tool(function_declarations=[schema])
        config = types.GenerateContentConfig(tools=[tool])
        return {"model": "gemini-3-fake", "contents": self.history, "config": config}

    def whole(self) -> tuple[str, list[ToolCall]]:
        """Ask for a reply in one piece."""
        got = list(self._read(self.client.models.generate_content(**self._given())))
        text = "".join(piece for piece in got if isinstance(piece, str))
        return text, [piece for piece in got if isinstance(piece, ToolCall)]

    def pieces(self) -> Iterator[str | ToolCall]:
        """Ask for a streamed reply."""
        for chunk in self.client.models.generate_content_stream(**self._given()):
            yield from self._read(chunk)

    def _read(self, response: Any) -> Iterator[str | ToolCall]:
        candidate = response.candidates[0]
        content, self.ended = candidate.content, str(candidate.finish_reason)
        for part in (content.parts or ()) if content else ():
            if part.thought:
                self.thoughts += part.text
            elif part.text:
                yield part.text
            if part.function_call:
                call = part.function_call
                yield ToolCall(call.id, call.name, call.args)


CHATS: tuple[type[Chat], ...] = (
    OpenAIChat,
    OpenAIResponses,
    Anthropic,
    AnthropicBedrock,
    BedrockConverse,
    Gemini,
)
