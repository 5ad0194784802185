"""What the model does: read from directives such as `<<delay=0.2>>` in the last user text."""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fake_models.conversation import Json, Reply, Request, ToolCall

SECRET = "PROVIDER-SECRET-TEXT"

_NAMES = (
    "delay|chunk-delay|chunks|fail|hangup|hangup-after|error-after|hold|hold-after|no-retry"
    "|tool|tool-then-fail|bad-tool|empty|blocked"
)
_DIRECTIVE = re.compile(rf"<<({_NAMES})(?:=([^<>]*))?>>")
_WORD = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer one request; `*_after` count stream chunks."""

    reply: Reply
    delay: float = 0.0
    chunk_delay: float = 0.0
    fail: int | None = None
    hangup: bool = False
    hangup_after: int | None = None
    error_after: int | None = None
    hold: str | None = None
    hold_after: tuple[int, str] | None = None
    no_retry: bool = False


def without_directives(text: str) -> str:
    """The text as a person would have written it."""
    return _DIRECTIVE.sub("", text).strip() if "<<" in text else text.strip()


def decide(request: Request) -> Plan:
    """The plan for a request: a pure function of the request alone."""
    texts = request.user_texts()
    last = texts[-1] if texts else ""
    found = [(m[1], m[2] or "") for m in _DIRECTIVE.finditer(last)] if "<<" in last else []
    words = f"turn {len(texts)}: {without_directives(last)}"
    if not found:
        return Plan(Reply(tuple(_WORD.findall(words))))
    single = dict(found)
    reply, second_fails = _reply(request, found, words)
    return Plan(
        reply,
        delay=float(single.get("delay", 0)),
        chunk_delay=float(single.get("chunk-delay", 0)),
        fail=500 if second_fails else _number(single, "fail"),
        hangup="hangup" in single,
        hangup_after=_number(single, "hangup-after"),
        error_after=_number(single, "error-after"),
        hold=single.get("hold"),
        hold_after=_hold_after(single.get("hold-after")),
        no_retry="no-retry" in single,
    )


def _reply(request: Request, found: list[tuple[str, str]], words: str) -> tuple[Reply, bool]:
    """The reply, and whether this call fails because the tool has already answered."""
    names = {name for name, _ in found}
    wanted = [_tool_call(name, value) for name, value in found if "tool" in name]
    if wanted:
        results = [r for r in request.closing_results() if r.name in {c.name for c in wanted}]
        if not results:
            return Reply(tool_calls=tuple(wanted)), False
        if "tool-then-fail" in names:
            return Reply(), True
        words = "tool said " + ", ".join(result.text for result in results)
    if "blocked" in names:
        return Reply(blocked=True), False
    if "empty" in names:
        return Reply(), False
    chunks = _WORD.findall(words)
    count = _number(dict(found), "chunks") or 0
    chunks += [f" word{n}" for n in range(len(chunks) + 1, count + 1)]
    return Reply(tuple(chunks)), False


def _tool_call(kind: str, value: str) -> ToolCall:
    name, *values = value.split(":")
    arguments: Json = {chr(ord("a") + n): _value(v) for n, v in enumerate(values)}
    if kind == "bad-tool":
        arguments = {"a": "x"}
    return ToolCall(uuid4().hex[:16], name, arguments)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(directives: dict[str, str], name: str) -> int | None:
    return int(directives[name]) if name in directives else None


def _hold_after(value: str | None) -> tuple[int, str] | None:
    if value is None:
        return None
    count, _, name = value.partition(",")
    return int(count), name.strip()
