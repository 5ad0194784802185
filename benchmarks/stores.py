"""What it costs to keep sessions, side by side with the same turns in memory.

`python benchmarks/stores.py [FRAMEWORK…] [--rounds N] [--pause SECONDS] [--sessions N] [--rows N]`
runs three servers of each framework: with sessions in memory, in a SQLite file and in a PostgreSQL
(its own CPU is not counted). Turns alternate between the three, in sessions of 1, of 100 and of
10,000 kept turns. Then each has so many sessions of one turn, and at last a turn is added to a
session of 10 turns and to one of so many, in alternation, in the stores themselves.
"""

from __future__ import annotations

import argparse
import compileall
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from servers import PROGRAMS, Server, fake_models, own_environment, served

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from fake_models.environment import environment  # noqa: E402
from postgres import Postgres  # noqa: E402

MAX_MILLISECONDS = 3.0  # of CPU more a turn
MAX_FIRST = 1.05  # times the latency of the first token in memory
MAX_ADDING = 1.2  # times the time of adding to a short session
MAX_GROWTH = 1.05  # of resident memory, from as many sessions as the cache holds
HELD = 128
HISTORIES = (1, 100, 10_000)  # kept turns of the sessions that are measured
SEEN = 100  # turns of a session that a model sees
BLOCK = 5  # turns in a row before it is another server's turn
WARM_UP = 3  # rounds

# More rows of a session: the first ones once more, behind the last.
LENGTHEN = (
    """INSERT INTO agent_turns SELECT session_key, number + {step}, row_id, body, said
    FROM agent_turns WHERE session_key = (SELECT session_key FROM agent_sessions
    WHERE session_id = '{name}') AND number <= {step}""",
    "UPDATE agent_sessions SET turns = turns + {step} WHERE session_id = '{name}'",
)


@dataclass(slots=True)
class Costs:
    """What was measured of one server in sessions of one length, a value a round."""

    cpu: list[float] = field(default_factory=list)  # milliseconds a turn
    first: list[float] = field(default_factory=list)  # seconds to the first byte, of every turn


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, and how its store takes SQL."""

    server: Server
    run: Callable[[str], object] | None


@contextmanager
def subjects(variant: projects.Variant, postgres: Postgres) -> Iterator[dict[str, Subject]]:
    """Run the three servers of a framework."""
    python = str(environments.python_of(variant.framework))
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(fake_models())
        file, database = base / "sessions.db", postgres.create_database()

        def in_file(sql: str) -> None:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute(sql)

        ways: dict[str, Callable[[str], object] | None] = {
            "memory": None,
            "sqlite": in_file,
            "postgres": lambda sql: postgres.query(database, sql),
        }
        found = {}
        for store, run in ways.items():
            folder = replace(variant, store=store).write(base / store)
            compileall.compile_dir(folder, quiet=1)
            env = {**own_environment(), **environment(variant.provider, url)}
            env |= {"SESSION_DB": str(file), "DATABASE_URL": database}
            server = stack.enter_context(served([python, "main.py"], folder, env))
            found[store] = Subject(server, run)
        yield found


def lengthen(subject: Subject, name: str, turns: int) -> None:
    """Have a session of so many turns; what is in memory has no more than a model sees."""
    subject.server.talk([name], min(turns, SEEN))
    number = SEEN
    while subject.run and number < turns:
        for sql in LENGTHEN:
            subject.run(sql.format(step=number, name=name))
        number *= 2


def measure(
    servers: dict[str, Subject], history: int, rounds: int, pause: float
) -> dict[str, Costs]:
    """Run turns in sessions of this length, one server after the other."""
    if history > 1:
        for subject in servers.values():
            lengthen(subject, f"of {history}", history)
    costs = {store: Costs() for store in servers}
    for number in range(WARM_UP + rounds):
        for store, subject in servers.items():
            # the first turns of new sessions, or some more of one that is there
            names = [f"of {history}"] if history > 1 else [f"{number}-{n}" for n in range(BLOCK)]
            start = subject.server.cpu()
            first = subject.server.talk(names, BLOCK if history > 1 else 1, pause=pause)
            if number >= WARM_UP:
                costs[store].cpu.append((subject.server.cpu() - start) / len(first))
                costs[store].first += first
    return costs


def report(variant: projects.Variant, history: int, costs: dict[str, Costs]) -> Iterator[str]:
    """Print a line a store; yield the bars that are missed."""
    plain = costs["memory"]
    for store, cost in costs.items():
        more = median(a - b for a, b in zip(cost.cpu, plain.cpu, strict=True))
        first = median(cost.first) / median(plain.first)
        print(
            f"{variant!s:26}{history:>7,}{store:>10}{median(cost.cpu):>9.2f}{more:>8.2f}"
            f"{median(cost.first) * 1e3:>10.2f}{first:>7.2f}",
            flush=True,
        )
        if more > MAX_MILLISECONDS:
            yield f"{variant}, {store}, {history:,} turns: {more:.2f} ms of CPU more"
        if variant.stream and first > MAX_FIRST:
            yield f"{variant}, {store}, {history:,} turns: first token after {first:.2f} times"


def growth(servers: dict[str, Subject], sessions: int) -> Iterator[str]:
    """Print the memory of each with as many sessions as the cache holds, and with many."""
    for store, subject in servers.items():
        subject.server.talk((f"held {n}" for n in range(HELD)), 1, 4)
        held = subject.server.megabytes()
        subject.server.talk((f"many {n}" for n in range(sessions)), 1, 4)
        many = subject.server.megabytes()
        print(f"{store:>10}: {held:.1f} MB with {HELD} sessions, {many:.1f} with {sessions:,} more")
        if many > held * MAX_GROWTH:
            yield f"{store}: memory grows from {held:.0f} to {many:.0f} MB"


def adding(store: str, postgres: Postgres, rows: int, rounds: int) -> float:
    """How many times as long it takes to add to a session of so many rows as to one of 10."""
    variant = replace(projects.DEFAULTS[0], store=store)
    with tempfile.TemporaryDirectory() as name:
        folder = variant.write(Path(name, "project"))
        env = {**own_environment(), "SESSION_DB": f"{name}/sessions.db"}
        env["DATABASE_URL"] = postgres.create_database()
        python = environments.python_of(variant.framework)
        command = [str(python), str(PROGRAMS / "adding.py"), str(rows), str(rounds)]
        output = subprocess.check_output(command, cwd=folder, env=env, text=True)
    short, long = map(float, output.split())
    return long / short


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    parser.add_argument("--rounds", type=int, default=25)
    # without one, a turn begins with the processor's caches full of the database's code
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between turns")
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    wanted = given.frameworks or list(projects.FRAMEWORKS)
    if unknown := set(wanted) - set(projects.FRAMEWORKS):
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    missed: list[str] = []
    with Postgres() as postgres:
        print(
            f"{'server':26}{'turns':>7}{'store':>10}{'CPU ms':>9}{'more':>8}{'first ms':>10}{'':>7}"
        )
        for variant in projects.DEFAULTS:
            if variant.framework not in wanted:
                continue
            with subjects(variant, postgres) as servers:
                for history in HISTORIES:
                    costs = measure(servers, history, given.rounds, given.pause)
                    missed += report(variant, history, costs)
                if given.sessions and not variant.stream:
                    missed += growth(servers, given.sessions)
        for store in ("sqlite", "postgres"):
            ratio = adding(store, postgres, given.rows, 10 * given.rounds)
            print(
                f"{store}: adding to {given.rows:,} turns takes {ratio:.2f} times as long as to 10"
            )
            if ratio > MAX_ADDING:
                missed.append(f"{store}: adding to a long session takes {ratio:.2f} times as long")
    print(*missed, sep="\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
