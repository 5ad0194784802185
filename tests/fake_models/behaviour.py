"""What the model does: read from directives such as `<<delay=0.2>>` in the last user text.

tool=add:2:3         calls a tool, and answers with what it said; two of these, two at once
tool=add:2:3;add:_:4 calls one after the other: `_` is what the call before has returned
say=WORDS            says this beside each tool call
reply=["a", "b"]     answers with these chunks, in JSON: with half a surrogate pair too
arguments={"a": 1}   what `bad-tool` is given, in JSON
thoughts=WORDS       thinks this first, at each call
redacted             thinks what nobody may read, where the provider has such a thing
ids=WORDS            makes ids of these words and the number of the messages: twice the same
cut=length           what is said ends in the middle; `cut=filter` by the safety filter
blocked              the safety filter lets nothing through
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from fake_models.conversation import End, Json, Reply, Request, ToolCall, ToolResult, make_id

SECRET = "PROVIDER-SECRET-TEXT"

_NAMES = (
    "delay|chunk-delay|chunks|fail|hangup|hangup-after|error-after|hold|hold-after|no-retry"
    "|tool|tool-then-fail|bad-tool|arguments|say|reply|thoughts|redacted|ids|cut|empty|blocked"
)
_DIRECTIVE = re.compile(rf"<<({_NAMES})(?:=([^<>]*))?>>")
_WORD = re.compile(r"\s*\S+|\s+$")
_ENDS: dict[str, End] = {"length": "length", "filter": "filter"}


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
    seed = f"{single['ids']} {len(request.messages)}" if "ids" in single else ""
    reply, second_fails = _reply(request, found, words)
    calls = tuple(
        replace(call, id=make_id(seed, f"call {n}")[:16]) for n, call in enumerate(reply.tool_calls)
    )
    return Plan(
        replace(reply, tool_calls=calls, redacted="redacted" in single, seed=seed),
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
    single = dict(found)
    thoughts = single.get("thoughts", "")
    asked = [(name, value.split(";")) for name, value in found if "tool" in name]
    if asked:
        tools = {step.partition(":")[0] for _, steps in asked for step in steps}
        results = [result for result in request.closing_results() if result.name in tools]
        bad: Json = json.loads(single.get("arguments", '{"a": "x"}'))
        if calls := _next_step(asked, results, bad):
            said = tuple(_WORD.findall(single.get("say", "")))
            return Reply(said, calls, thoughts), False
        if "tool-then-fail" in single:
            return Reply(), True
        words = "tool said " + ", ".join(result.text for result in results)
    if "blocked" in single:
        return Reply(end="filter"), False
    end = _ENDS[single["cut"]] if "cut" in single else "stop"
    if "empty" in single:
        return Reply(thoughts=thoughts, end=end), False
    chunks = json.loads(single["reply"]) if "reply" in single else _WORD.findall(words)
    count = _number(single, "chunks") or 0
    chunks += [f" word{n}" for n in range(len(chunks) + 1, count + 1)]
    return Reply(tuple(chunks), thoughts=thoughts, end=end), False


def _next_step(
    asked: list[tuple[str, list[str]]], results: list[ToolResult], bad: Json
) -> tuple[ToolCall, ...]:
    """The calls that come after so many results; none when all steps are done."""
    done = 0
    for n in range(max(len(steps) for _, steps in asked)):
        step = [(kind, steps[n]) for kind, steps in asked if n < len(steps)]
        if len(results) <= done:
            before = results[done - 1].text if done else ""
            return tuple(_tool_call(kind, value, before, bad) for kind, value in step)
        done += len(step)
    return ()


def _tool_call(kind: str, value: str, before: str, bad: Json) -> ToolCall:
    name, *values = value.split(":")
    given = [before if text == "_" else text for text in values]
    arguments: Json = {chr(ord("a") + n): _value(text) for n, text in enumerate(given)}
    return ToolCall("", name, bad if kind == "bad-tool" else arguments)


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
