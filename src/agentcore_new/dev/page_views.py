"""Sessions, turns and machines as the page gets them."""

from typing import Any

from agentcore_new.dev.machine import Machine
from agentcore_new.dev.markdown import render
from agentcore_new.dev.turns import Session, Turn


def of_session(session: Session, machine: Machine | None) -> dict[str, Any]:
    """What the list of sessions shows."""
    return {
        "id": session.id,
        "name": session.name,
        "user": session.user,
        "tenant": session.tenant,
        "turns": len(session.turns),
        "running": session.running,
        "last_used": session.last_used,
        "machine": machine.as_object() if machine else None,
    }


def of_turn(turn: Turn) -> dict[str, Any]:
    """What the conversation shows."""
    return {
        "id": turn.id,
        "session": turn.session,
        "prompt": turn.prompt,
        "text": turn.text,
        "html": render(turn.text),
        "state": turn.state,
        "status": turn.status,
        "error": turn.error,
        "original": turn.original,
        "tools": _tools(turn),
        "started": turn.started,
        "first": turn.first,
        "seconds": turn.seconds,
        "events": len(turn.events) + turn.unkept,
        "machine": turn.machine,
    }


def _tools(turn: Turn) -> list[dict[str, Any]]:
    told = [
        {"name": call.name, "seconds": call.seconds, "failed": call.failed}
        for call in turn.calls
        if call.kind == "tool"
    ]
    running = [{"name": turn.tool, "seconds": None, "failed": False}] if turn.tool else []
    return told + running


def of_exchange(turn: Turn) -> dict[str, Any]:
    """All that went over the wire, and what the agent told of its calls."""
    answered = {"status": turn.status, "headers": turn.answer} if turn.answer else None
    return {
        "turn": of_turn(turn),
        "request": {
            "method": "POST",
            "path": "/invocations",
            "headers": turn.headers,
            "dropped": turn.dropped,
            "body": turn.body,
        },
        "response": answered,
        "events": [{"at": at, "data": data} for at, data in turn.events],
        "calls": [
            {
                "name": call.name,
                "kind": call.kind,
                "start": max(0.0, call.start - turn.started),
                "seconds": call.seconds,
                "failed": call.failed,
                "tokens": call.tokens,
            }
            for call in turn.calls
        ],
    }
