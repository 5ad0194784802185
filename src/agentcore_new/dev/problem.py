"""What is wrong with the agent at the moment, if anything is."""

from typing import Any

from agentcore_new.dev.events import Event, Events

# What says that it is over; new code is run only where all files can be read.
_OVER = {"syntax": "reloading", "start": "machine-ready"}


class Problem:
    """Follows the events.

    A start that failed is over as soon as a machine comes up. A file that cannot be read is until
    all can be: machines come up without it, or were about to; or they fail for it, and then it
    says more than they do.
    """

    def __init__(self, events: Events) -> None:
        self.now: dict[str, Any] | None = None
        self._events = events
        events.listen(self._follow)

    def _follow(self, event: Event) -> None:
        data = event.data
        is_mistake = self.now is not None and self.now["kind"] == "syntax"
        if event.kind == "syntax-error":
            self.now = {"kind": "syntax", "hint": None, "log": [], **data}
        elif event.kind == "machine-failed" and not is_mistake:
            nowhere = {"file": None, "line": None, "text": None}
            self.now = {
                "kind": "start",
                "message": data["why"],
                "hint": data["hint"] or None,
                "log": data["log"],
                **nowhere,
            }
        elif self.now and event.kind == _OVER[self.now["kind"]]:
            self.now = None
            self._events.tell("healed")
