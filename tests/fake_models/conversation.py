"""One request to a model, in words that all protocols share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid4, uuid5

Json = dict[str, Any]
Role = Literal["user", "assistant", "tool"]
End = Literal["stop", "length", "filter"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model asks for."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, as the framework sends it back."""

    call_id: str
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `tool` is the role of a message that holds tool results and no text."""

    role: Role
    texts: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()

    @property
    def text(self) -> str:
        """All text blocks of the message, a line break between them."""
        return "\n".join(self.texts)


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request, independent of the protocol it came by."""

    protocol: str
    model: str
    streamed: bool
    system: str
    messages: tuple[Message, ...]
    tools: tuple[str, ...] = ()
    usage_wanted: bool = False

    def user_texts(self) -> list[str]:
        """Every text that a user wrote, in order."""
        return [text for m in self.messages if m.role == "user" for text in m.texts if text]

    def closing_results(self) -> list[ToolResult]:
        """The tool results that came after the last user text, with their tools' names."""
        names = {call.id: call.name for m in self.messages for call in m.tool_calls}
        found: list[ToolResult] = []
        for message in self.messages:
            if message.role == "user" and message.texts:
                found = []
            for result in message.tool_results:
                name = result.name or names.get(result.call_id, "")
                found.append(ToolResult(result.call_id, result.text, name))
        return found

    def input_tokens(self) -> int:
        """A plausible token count: the words of the request."""
        return sum(len(text.split()) for m in self.messages for text in m.texts) + 1


@dataclass(slots=True)
class Builder:
    """Collects messages; consecutive tool calls, and tool results, become one message."""

    messages: list[Message] = field(default_factory=list)

    def text(self, role: Role, texts: Iterable[str]) -> None:
        """Add a message of text blocks (empty ones are kept out of the record)."""
        self.messages.append(Message(role, tuple(text for text in texts if text)))

    def call(self, call: ToolCall) -> None:
        """Add a tool call to the assistant message before it, or as a message of its own."""
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "assistant":
            self.messages[-1] = Message(
                "assistant", last.texts, (*last.tool_calls, call), last.tool_results
            )
        else:
            self.messages.append(Message("assistant", tool_calls=(call,)))

    def result(self, result: ToolResult) -> None:
        """Add a tool result to the results before it, or as a message of its own."""
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "tool":
            self.messages[-1] = Message("tool", tool_results=(*last.tool_results, result))
        else:
            self.messages.append(Message("tool", tool_results=(result,)))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answers: thoughts, chunks of text, tool calls, and why it ends there.

    The thoughts are not streamed in chunks of their own, so that directives count words alone.
    """

    chunks: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    thoughts: str = ""
    redacted: bool = False  # there are thoughts that nobody may read
    end: End = "stop"
    seed: str = ""

    def id(self, name: str) -> str:
        """An id of something in it."""
        return make_id(self.seed, name)

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.chunks)

    @property
    def blocked(self) -> bool:
        """Whether a safety filter let nothing through."""
        return self.end == "filter" and not self.chunks

    def output_tokens(self) -> int:
        """A plausible token count."""
        return len(self.chunks) + len(self.tool_calls) + 1


def make_id(seed: str, name: str) -> str:
    """An id that no other has; with a seed, the same each time for this name."""
    return (uuid5(NAMESPACE_OID, f"{seed} {name}") if seed else uuid4()).hex
