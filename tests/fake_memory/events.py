"""The events, and what the operations do to them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

from fake_memory.requests import Refused

MEMORY_ID = "sessions-0123456789"
MAX_EVENT_BYTES = 10_000_000
PAGE = 20  # where a request says nothing

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One of them, as it is answered, and since when it is kept."""

    answer: Json
    kept: float

    @property
    def place(self) -> tuple[str, str]:
        """Its actor and its session."""
        return self.answer["actorId"], self.answer["sessionId"]


class Events:
    """All that is in the memory.

    Attributes:
        all: What is kept, in the order in which it came.
        delay: For how many seconds an event is not listed.
        page: How many events an answer has at most, whatever was asked for.
        tick: To how many milliseconds a time is cut; events of one moment are in any order.
    """

    def __init__(self) -> None:
        self.all: list[Event] = []
        self.delay = 0.0
        self.page = 100
        self.tick = 1
        self._tokens: dict[str, Event] = {}
        self._lock = Lock()

    def answer(self, operation: str, parameters: Json) -> Json:
        """Do what is asked for.

        Raises:
            Refused: It cannot be done.
        """
        if parameters["memoryId"].rpartition("/")[2] != MEMORY_ID:
            raise Refused("ResourceNotFoundException", "no such memory")
        operations: dict[str, Callable[[Json], Json]] = {
            "CreateEvent": self._create,
            "ListEvents": self._list,
            "GetEvent": self._get,
            "DeleteEvent": self._delete,
            "ListSessions": self._list_sessions,
        }
        with self._lock:
            return operations[operation](parameters)

    def _create(self, parameters: Json) -> Json:
        token = parameters.get("clientToken") or uuid4().hex
        if token not in self._tokens:  # else the request is ignored, as documented
            at = round(parameters["eventTimestamp"] * 1_000) // self.tick * self.tick
            names = ("actorId", "sessionId", "payload", "metadata", "branch")
            answer = {name: parameters[name] for name in names if name in parameters}
            answer |= {"memoryId": MEMORY_ID, "eventTimestamp": at / 1_000}
            # seen to be the time and something random
            answer["eventId"] = f"{at:019}#{random.getrandbits(32):08x}"
            self._tokens[token] = Event(answer, time.monotonic())
            self.all.append(self._tokens[token])
        return {"event": self._tokens[token].answer}

    def _list(self, parameters: Json) -> Json:
        if "filter" in parameters:
            raise Refused("ValidationException", "the fake has no filters")
        now, place = time.monotonic(), _place(parameters)
        found = [e for e in self.all if e.place == place and e.kept + self.delay <= now]
        found.sort(key=lambda event: str(event.answer["eventId"]), reverse=True)
        answers = [event.answer for event in found]
        if not parameters.get("includePayloads", True):
            answers = [{**answer, "payload": []} for answer in answers]
            for answer in answers:
                del answer["payload"]
        return self._page(parameters, "events", "eventId", answers)

    def _list_sessions(self, parameters: Json) -> Json:
        answers: dict[str, Json] = {}
        for event in self.all:
            actor, session = event.place
            if actor == parameters["actorId"]:
                created = event.answer["eventTimestamp"]
                summary = {"actorId": actor, "sessionId": session, "createdAt": created}
                answers.setdefault(session, summary)
        ordered = sorted(answers.values(), key=lambda each: str(each["sessionId"]), reverse=True)
        return self._page(parameters, "sessionSummaries", "sessionId", ordered)

    def _page(self, parameters: Json, member: str, name: str, found: list[Json]) -> Json:
        """What comes after the page before; the order is that of the names, backwards."""
        after = parameters.get("nextToken")
        rest = [each for each in found if after is None or each[name] < after]
        page = rest[: min(parameters.get("maxResults", PAGE), self.page)]
        more = {"nextToken": page[-1][name]} if len(rest) > len(page) else {}
        return {member: page, **more}

    def _find(self, parameters: Json) -> Event:
        for event in self.all:
            if (event.place, event.answer["eventId"]) == (
                _place(parameters),
                parameters["eventId"],
            ):
                return event
        raise Refused("ResourceNotFoundException", f"no event {parameters['eventId']}")

    def _get(self, parameters: Json) -> Json:
        return {"event": self._find(parameters).answer}

    def _delete(self, parameters: Json) -> Json:
        self.all.remove(self._find(parameters))
        return {"eventId": parameters["eventId"]}


def _place(parameters: Json) -> tuple[str, str]:
    return parameters["actorId"], parameters["sessionId"]
