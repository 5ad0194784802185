"""What is wrong with the agent at the moment, if anything is."""

from typing import Any

from agentcore_new.dev.events import Event, Events


class Problem:
    """Follows the events; what was wrong is over as soon as a machine comes up."""

    def __init__(self, events: Events) -> None:
        self.now: dict[str, Any] | None = None
        self._events = events
        events.listen(self._follow)

    def _follow(self, event: Event) -> None:
        data = event.data
        if event.kind == "syntax-error":
            self.now = {"kind": "syntax", "hint": None, "log": [], **data}
        elif event.kind == "machine-failed":
            nowhere = {"file": None, "line": None, "text": None}
            self.now = {
                "kind": "start",
                "message": data["why"],
                "hint": data["hint"] or None,
                "log": data["log"],
                **nowhere,
            }
        elif event.kind == "machine-ready" and self.now:
            self.now = None
            self._events.tell("healed")
