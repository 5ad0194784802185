"""A server that is killed at any moment has lost nothing that it answered.

Point 18, kept.
"""

import random
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count
from time import sleep

import httpx
import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.databases import Database, is_whole
from contract.projects import ON_DATABASES, each
from contract.warm import Warm

pytestmark = [pytest.mark.real, each(ON_DATABASES)]

KILLS = 20  # of each variant: 200 of the ten
CLIENTS = 8
ANSWERS = 24  # after fewer, and so many seconds, a server is killed
SECONDS = 0.03
LIVES = 4  # of a session: it must have fewer turns than the model sees
# The offline model answers at once, so that kills come between the steps of the store. It says how
# many turns it saw, and all of them are shown to a real model at the end.
FAST = {"AGENT_OFFLINE": "1"}
SUM = " add_numbers: 5"


class Talk:
    """What clients said and were answered in one session."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answered: dict[str, str] = {}
        self.cut_off: set[str] = set()
        self._numbers = count(1)

    def go_on(self, client: Client) -> None:
        """Run turns until the server is gone."""
        for number in self._numbers:
            # every fourth uses a tool, and some are longer than a page of a database
            text = "2 + 3" if number % 4 == 0 else "x" * (1 + number * 977 % 6_000)
            prompt = f"{number} in {self.name}: {text}"
            try:
                reply = client.ask(prompt, self.name)
            except httpx.TransportError:
                self.cut_off.add(prompt)
                return
            assert not reply.error, reply
            self.answered[prompt] = reply.text

    def check(self, client: Client, models: FakeModels) -> None:
        """Ask once more; the model must see every turn that was answered, whole and once."""
        last = f"last in {self.name}:"
        reply = client.ask(last, self.name)
        *turns, now = turns_of(models.transcript(last), self.name)
        assert now == [("user", last)]
        assert reply.text == f"turn {len(turns) + 1}: {last}"
        prompts = [turn[0][1] for turn in turns]
        assert len(prompts) == len(set(prompts))
        assert self.answered.keys() <= set(prompts) <= self.answered.keys() | self.cut_off
        for number, (prompt, turn) in enumerate(zip(prompts, turns, strict=True), 1):
            used_tool = prompt.endswith("2 + 3")
            said = f"Offline reply {number} to: {prompt}{SUM if used_tool else ''}"
            assert turn[-1] == ("assistant", said)
            assert (len(turn) > 2) == used_tool  # its call and what it returned
            assert self.answered.get(prompt, said) == said


def turns_of(transcript: list[tuple[str, str]], name: str) -> list[list[tuple[str, str]]]:
    """What the model saw, by prompt; the results of tools come from the user too, with some."""
    turns: list[list[tuple[str, str]]] = []
    for role, text in transcript:
        if role == "user" and f" in {name}:" in text:
            turns.append([])
        turns[-1].append((role, text))
    return turns


def test_a_server_that_is_killed_has_lost_no_turn_that_it_answered(
    warm: Warm, database: Database, models: FakeModels
) -> None:
    # others for each variant, the same in each run
    moments = random.Random(str(warm.variant))  # noqa: S311
    talks: list[Talk] = []
    for life in range(KILLS):
        if life % LIVES == 0:
            talks += [Talk(f"session {life}-{n}") for n in range(CLIENTS - 1)]
        # two of the clients share a session
        now = [*talks[1 - CLIENTS :], talks[-1]]
        with (
            warm.start(database.environment | FAST) as server,
            ThreadPoolExecutor(CLIENTS) as threads,
        ):
            enough = answers(now) + moments.randrange(ANSWERS)
            talking = [threads.submit(talk.go_on, server.client) for talk in now]
            until(partial(is_time, now, enough, talking))
            sleep(moments.uniform(0, SECONDS))
            server.process.kill()
            for each_one in talking:
                each_one.result()
    models.clear()
    with warm.start(database.environment) as server:
        for talk in talks:
            talk.check(server.client, models)
    assert is_whole(database)


def is_time(talks: list[Talk], enough: int, talking: list[Future[None]]) -> bool:
    """Whether so many turns were answered, or somebody has failed."""
    return answers(talks) >= enough or any(each_one.done() for each_one in talking)


def answers(talks: list[Talk]) -> int:
    """How many turns were answered."""
    return sum(len(talk.answered) for talk in talks)
