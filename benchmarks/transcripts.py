"""What a transcript costs, side by side with the same turn without one.

`python benchmarks/transcripts.py [FRAMEWORK…] [--rounds N] [--pause SECONDS]` runs four servers of
each framework: without transcripts, and with them in memory, in a sqlite file and in a PostgreSQL
(Debian's package). Sessions of ten turns alternate between the four. Then one message is added to
a transcript of 10 and to one of 100,000, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from servers import TURNS, Server, fake_models, own_environment, served

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import generated  # noqa: E402, F401 - puts `chat` and `invocation` on the path
from chat.models import ChatMessage  # noqa: E402
from chat.sql import SqlSessionStorage  # noqa: E402
from contract import environments, projects  # noqa: E402
from fake_models.environment import environment  # noqa: E402
from postgres import Postgres  # noqa: E402
from serving.identity import SessionKey  # noqa: E402

MAX_MILLISECONDS = 3.0  # of CPU more a turn
MAX_FIRST = 1.05  # times the latency of the first token without a transcript
MAX_APPEND = 1.2  # times the cost of adding to a transcript of 10 messages
LONG = 100_000
WARM_UP = 10  # rounds


@dataclass(slots=True)
class Costs:
    """What was measured of one server, a value a round."""

    cpu: list[float] = field(default_factory=list)  # milliseconds a turn
    first: list[float] = field(default_factory=list)  # seconds to the first byte, of every turn


def measure(
    variant: projects.Variant, postgres: Postgres, rounds: int, pause: float
) -> dict[str, Costs]:
    """Run the four servers of a framework."""
    recording = replace(variant, transcript=True)
    python = str(environments.python_of(variant.framework))
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(fake_models())
        stores = {
            "without": None,
            "memory": "",
            "sqlite": f"sqlite:///{base}/chat.db",
            "PostgreSQL": postgres.create_database(),
        }
        servers: dict[str, Server] = {}
        for name, store in stores.items():
            folder = (variant if store is None else recording).write(base / name)
            compileall.compile_dir(folder, quiet=1)
            env = {**own_environment(), **environment(variant.provider, url)}
            env["DATABASE_URL"] = store or ""
            servers[name] = stack.enter_context(served([python, "main.py"], folder, env))
        costs = {name: Costs() for name in servers}
        for number in range(WARM_UP + rounds):
            for name, server in servers.items():
                start = server.cpu()
                first = server.talk([number], TURNS, pause=pause)
                if number >= WARM_UP:
                    costs[name].cpu.append((server.cpu() - start) / len(first))
                    costs[name].first += first
    return costs


def report(variant: projects.Variant, costs: dict[str, Costs]) -> list[str]:
    """Print a line a store; return the bars that are missed."""
    plain, missed = costs["without"], []
    for name, cost in costs.items():
        more = median(a - b for a, b in zip(cost.cpu, plain.cpu, strict=True))
        first = median(cost.first) / median(plain.first)
        print(
            f"{variant!s:26}{name:>12}{median(cost.cpu):>9.2f}{more:>9.2f}"
            f"{median(cost.first) * 1e3:>11.2f}{first:>8.2f}",
            flush=True,
        )
        if more > MAX_MILLISECONDS:
            missed.append(f"{variant}, {name}: {more:.2f} ms of CPU more")
        if variant.stream and first > MAX_FIRST:
            missed.append(f"{variant}, {name}: the first token takes {first:.2f} times as long")
    return missed


async def append_costs(url: str, rounds: int) -> float:
    """The time to add a message to a long transcript, as a ratio to a short one."""
    storage = SqlSessionStorage(url)
    sizes = {SessionKey(None, None, "short"): 10, SessionKey(None, None, "long"): LONG}
    for key, size in sizes.items():
        for start in range(0, size, 1_000):
            count = min(1_000, size - start)
            await storage.append([said(key, n) for n in range(start, start + count)])
    times: dict[SessionKey, list[float]] = {key: [] for key in sizes}
    for _ in range(rounds * 2):
        for key in sizes:
            start_time = time.perf_counter()
            await storage.append([said(key, 0)])
            times[key].append(time.perf_counter() - start_time)
    await storage.aclose()
    short, long = times.values()
    return median(long) / median(short)


def said(key: SessionKey, number: int) -> ChatMessage:
    """A message of a session."""
    return ChatMessage(role="user", message=f"message {number}", session_id=key.session)


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    parser.add_argument("--rounds", type=int, default=50)
    # without one, a turn begins with the processor's caches full of the database's code
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between turns")
    given = parser.parse_args()
    wanted = given.frameworks or list(projects.FRAMEWORKS)
    if unknown := set(wanted) - set(projects.FRAMEWORKS):
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    missed = []
    with Postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        print(
            f"{'server':26}{'transcript':>12}{'CPU ms':>9}{'more':>9}{'first ms':>11}{'ratio':>8}"
        )
        for variant in projects.DEFAULTS:
            if variant.framework in wanted:
                missed += report(variant, measure(variant, postgres, given.rounds, given.pause))
        for name, url in (
            ("sqlite", f"sqlite:///{folder}/chat.db"),
            ("PostgreSQL", postgres.create_database()),
        ):
            cost = asyncio.run(append_costs(url, given.rounds))
            print(f"{name}: adding to {LONG:,} messages takes {cost:.2f} times as long as to 10")
            if cost > MAX_APPEND:
                missed.append(f"{name}: adding to a long transcript takes {cost:.2f} times as long")
    print(*missed, sep="\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
