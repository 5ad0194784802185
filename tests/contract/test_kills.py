"""A server that is killed at any moment has lost nothing that it answered.

Point 18, kept.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import sleep

import httpx
import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.databases import Database, is_whole
from contract.projects import ON_DATABASES, each
from contract.warm import Warm

pytestmark = [pytest.mark.real, each(ON_DATABASES)]

KILLS = 20  # of each variant: 200 of the ten
CLIENTS = 8
SECONDS = 0.8  # after its start, in which a server is killed
LIVES = 4  # of a session: it must have fewer turns than the model sees
CONFLICT = "Another process has changed the session meanwhile. Send the prompt again."
ADD = "<<tool=add_numbers:2:3>>"
SUM = "tool said 5"


class Talk:
    """What the clients said and were answered in one session."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answered: dict[str, str] = {}
        self.cut_off: set[str] = set()
        self.refused: set[str] = set()
        self._numbers = count(1)

    def go_on(self, client: Client) -> bool:
        """Run one turn; return whether the server is still there."""
        number = next(self._numbers)
        # every fourth uses a tool, and some are longer than a page of a database
        prompt = f"{number} in {self.name} {'x' * (1 + number * 977 % 6_000)}"
        try:
            reply = client.ask(prompt + ADD if number % 4 == 0 else prompt, self.name)
        except httpx.TransportError:
            self.cut_off.add(prompt)
            return False
        if reply.error:
            assert reply.error.startswith(CONFLICT), reply
            self.refused.add(prompt)
        else:
            self.answered[prompt] = reply.text
        return True

    def check(self, client: Client, models: FakeModels) -> None:
        """Ask once more; the model must see every turn that was answered, whole and once."""
        last = f"last in {self.name}"
        reply = client.ask(last, self.name)
        *turns, now = turns_of(models.transcript(last), self.name)
        assert now == [("user", last)]
        assert reply.text == f"turn {len(turns) + 1}: {last}"
        prompts = [turn[0][1] for turn in turns]
        assert len(prompts) == len(set(prompts))
        assert self.answered.keys() <= set(prompts) <= self.answered.keys() | self.cut_off
        for number, (prompt, turn) in enumerate(zip(prompts, turns, strict=True), 1):
            said = turn[-1][1]
            assert turn[-1][0] == "assistant"
            # without a tool, the number is how many turns the model saw when it was asked
            assert said.startswith((f"turn {number}: {prompt}", SUM))
            assert (len(turn) > 2) == said.startswith(SUM)
            if prompt in self.answered:
                assert said == self.answered[prompt]


def turns_of(transcript: list[tuple[str, str]], name: str) -> list[list[tuple[str, str]]]:
    """What the model saw, by prompt; the results of tools come from the user too, with some."""
    turns: list[list[tuple[str, str]]] = []
    for role, text in transcript:
        if role == "user" and f" in {name}" in text:
            turns.append([])
        turns[-1].append((role, text))
    return turns


def test_a_server_that_is_killed_has_lost_no_turn_that_it_answered(
    warm: Warm, database: Database, models: FakeModels
) -> None:
    moments = random.Random(str(warm.variant))  # others for each variant, the same in each run
    talks: list[Talk] = []
    counts = []
    for life in range(KILLS):
        if life % LIVES == 0:
            # two of the clients share a session
            talks += [Talk(f"session {life}-{n}") for n in range(CLIENTS - 1)]
        now = [*talks[1 - CLIENTS :], talks[-1]]
        with (
            warm.start(database.environment) as server,
            ThreadPoolExecutor(CLIENTS) as threads,
        ):
            talking = [threads.submit(go_on, talk, server.client) for talk in now]
            sleep(moments.uniform(0, SECONDS))
            server.process.kill()
            for each_one in talking:
                each_one.result()
        counts.append(sum(len(talk.answered) for talk in talks))
    models.clear()
    with warm.start(database.environment) as server:
        for talk in talks:
            talk.check(server.client, models)
    assert is_whole(database)
    import sys

    print(
        warm.variant,
        counts,
        "cut",
        sum(len(t.cut_off) for t in talks),
        "refused",
        sum(len(t.refused) for t in talks),
        "longest",
        max(len(t.answered) for t in talks),
        file=sys.stderr,
    )


def go_on(talk: Talk, client: Client) -> None:
    """Talk until the server is gone."""
    while talk.go_on(client):
        pass
