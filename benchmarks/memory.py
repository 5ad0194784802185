"""How much memory long turns and clients that do not read can take, beside what is promised.

`python benchmarks/memory.py [FRAMEWORK…]` has turns with the longest prompts, which the fake model
repeats, in as many sessions as the cache holds, and then replies of a megabyte that nobody reads.
Prints how much a server grows by each, and what that would be without the bounds in bytes: one turn
times the turns that the counts allow, and all that was not read.
"""

from __future__ import annotations

import argparse
import compileall
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers import Server, fake_models, own_environment, served

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from contract.client import Client  # noqa: E402
from fake_models.environment import environment  # noqa: E402

PROMPT = "\N{PARTY POPPER}" * 99_000
SESSIONS, TURNS, ROUNDS = 128, 100, 8
STALLED = 150
# Of sessions and of what is unread, in MB; an allocator and a framework take their share beside it.
PROMISED = (256, 64)
SHARE = 2.0


@contextmanager
def talking(server: Server) -> Iterator[Client]:
    """A client of the server."""
    client = Client(server.port)
    try:
        yield client
    finally:
        client.close()


def grown(server: Server, before: float) -> float:
    """Megabytes more than before, when everything has come to rest."""
    time.sleep(1)
    return server.megabytes() - before


def long_turns(server: Server, client: Client) -> tuple[float, float]:
    """Megabytes of one session with one long turn, and of all sessions with several."""
    client.ask("warm up", "long-0")
    before = server.megabytes()
    for n in range(8):
        client.ask(PROMPT, f"one-{n}")
    one = grown(server, before) / 8
    for number in range(ROUNDS):
        sessions = [f"long-{n}" for n in range(SESSIONS)]
        for start in range(0, SESSIONS, 4):
            client.together((f"{number} {PROMPT}", name) for name in sessions[start : start + 4])
    return one, grown(server, before)


@contextmanager
def unread(client: Client) -> Iterator[None]:
    """A reply of which nothing is read, in a session that all of them share."""
    with client.connection(PROMPT, "stalled", receive_buffer=2048):
        # its turn is over, and its reply on the way
        client.ask("after", "stalled")
        yield


def stalled(server: Server, client: Client) -> float:
    """Megabytes for clients that do not read."""
    for _ in range(12):
        client.ask(PROMPT, "stalled")
    before = server.megabytes()
    with ExitStack() as connections:
        for _ in range(STALLED):
            connections.enter_context(unread(client))
        return grown(server, before)


def measure(variant: projects.Variant) -> tuple[float, float, float]:
    """Megabytes of one long turn, of all sessions, and of clients that do not read."""
    python = str(environments.python_of(variant.framework))
    with tempfile.TemporaryDirectory() as name, fake_models() as url:
        folder = variant.write(Path(name))
        compileall.compile_dir(folder, quiet=1)
        env = {**own_environment(), **environment(variant.provider, url)}
        # one after the other: what one has left free, the next would take unseen
        with served([python, "main.py"], folder, env) as server, talking(server) as client:
            one, sessions = long_turns(server, client)
        with served([python, "main.py"], folder, env) as server, talking(server) as client:
            return one, sessions, stalled(server, client)


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    wanted = parser.parse_args().frameworks or list(projects.FRAMEWORKS)
    encoded = {True: len(json.dumps(PROMPT)), False: len(PROMPT.encode())}
    missed = False
    print(f"{'server, MB':26}{'one turn':>10}{'sessions':>10}{'unbounded':>11}", end="")
    print(f"{'unread':>9}{'unbounded':>11}")
    for variant in projects.DEFAULTS:
        if variant.framework not in wanted:
            continue
        one, sessions, clients = measure(variant)
        free = STALLED * encoded[variant.stream] / 1e6
        print(f"{variant!s:26}{one:10.2f}{sessions:10.0f}{one * SESSIONS * TURNS:11.0f}", end="")
        print(f"{clients:9.0f}{free:11.0f}", flush=True)
        missed |= sessions > SHARE * PROMISED[0] or clients > SHARE * PROMISED[1]
    return missed


if __name__ == "__main__":
    sys.exit(main())
