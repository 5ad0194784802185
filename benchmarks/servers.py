"""What a turn of each generated server costs, side by side with its floor.

`python benchmarks/servers.py [FRAMEWORK…] [--all-providers]` measures the servers one by one. The
model is a local fake without latency, in a process of its own. The floor of a turn is the
framework's own call in a plain loop plus an empty handler of the runtime. All three run turns in
alternation, each for sessions of ten turns, one request at a time: what else the machine does
disturbs them alike.
"""

from __future__ import annotations

import argparse
import compileall
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "benchmarks" / "servers"
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from fake_models.environment import environment  # noqa: E402

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
TURNS = 10  # of a session, where CPU is measured
BLOCK = 10  # sessions in a row before it is another's turn
CONCURRENCY = 8
HELD = (0, 128, 500, 2000)  # sessions of one turn after which memory is read
LONG = 128  # sessions of TURNS turns after them; as many as the cache keeps
MAX_RATIO = 1.3
MAX_MEGABYTES = 200  # with 128 sessions
MAX_GROWTH = 1.05  # from 128 sessions to 2,000

HEADINGS = {
    "server": 26,
    "CPU ms": 7,
    "bare": 6,
    "empty": 6,
    "ratio": 6,
    "turns/s": 8,
    "first ms": 9,
    **{f"MB@{sessions}": 8 for sessions in HELD},
    f"{LONG}x{TURNS}": 7,
}


class Server:
    """A running server, as seen from outside."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu(self) -> float:
        """Milliseconds of CPU so far, of all threads."""
        # The clock of another process, as clock_getcpuclockid(3) makes its id: /proc counts ticks
        # of 10 ms, too coarse for short blocks.
        return time.clock_gettime(~self.pid << 3 | 2) * 1e3

    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def talk(
        self, sessions: Iterable[object], turns: int, concurrency: int = 1, pause: float = 0.0
    ) -> list[float]:
        """Have so many turns in each session; return the seconds to the first byte of each.

        Args:
            sessions: Their names.
            turns: Of each.
            concurrency: Sessions at once.
            pause: Seconds before each turn.
        """
        with ThreadPoolExecutor(concurrency) as pool:
            times = pool.map(lambda session: self._session(str(session), turns, pause), sessions)
            return [first for session in times for first in session]

    def _session(self, session: str, turns: int, pause: float) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", SESSION_HEADER: session}
        times = []
        for number in range(turns):
            body = json.dumps({"prompt": f"Hello number {number}"})
            time.sleep(pause)
            start = time.perf_counter()
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            first = response.read(1)
            times.append(time.perf_counter() - start)
            answer = first + response.read()
            if response.status != 200 or b"error" in answer:
                raise RuntimeError(f"{response.status} {answer!r}")
        connection.close()
        return times


class Bare:
    """The plain loop, which runs as many turns as it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def turns(self, sessions: int, turns: int) -> float:
        """Milliseconds of CPU a turn."""
        assert self._process.stdin
        assert self._process.stdout
        print(sessions, turns, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of CPU a turn, in one round."""

    server: float
    bare: float
    empty: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one server."""

    variant: projects.Variant
    costs: list[Cost]
    rate: float
    first_byte: float
    megabytes: list[float]

    @property
    def ratio(self) -> float:
        """CPU against the floor."""
        return median(cost.server / (cost.bare + cost.empty) for cost in self.costs)

    def row(self) -> str:
        """A line of the table."""
        values = [
            f"{median(cost.server for cost in self.costs):.2f}",
            f"{median(cost.bare for cost in self.costs):.2f}",
            f"{median(cost.empty for cost in self.costs):.2f}",
            f"{self.ratio:.2f}",
            f"{self.rate:.0f}",
            f"{self.first_byte:.1f}",
            *(f"{megabytes:.0f}" for megabytes in self.megabytes),
        ]
        name, *widths = HEADINGS.values()
        return f"{self.variant!s:{name}}" + "".join(
            f"{value:>{width}}" for value, width in zip(values, widths, strict=True)
        )

    def misses(self) -> Iterator[str]:
        """The bars that it misses."""
        at_cap, at_end = self.megabytes[1], self.megabytes[len(HELD) - 1]
        if self.ratio > MAX_RATIO:
            yield f"CPU a turn is {self.ratio:.2f} times the floor, more than {MAX_RATIO}"
        if at_end > at_cap * MAX_GROWTH:
            yield f"memory grows from {at_cap:.0f} to {at_end:.0f} MB beyond the cap of the cache"
        if at_cap > MAX_MEGABYTES:
            yield f"{at_cap:.0f} MB at the cap of the cache, more than {MAX_MEGABYTES}"


def own_environment() -> dict[str, str]:
    """Ours, but bytecode is written: else every process would compile what it imports."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def fake_models() -> Iterator[str]:
    """Run the fake model server, and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fake_models", "--no-record"],
        env={**own_environment(), "PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def served(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[Server]:
    """Run a server until the end of the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**env, "PORT": str(port)}, stdout=log, stderr=log
        )
    try:
        wait_for(port, process)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(60)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


@contextmanager
def bare_loop(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[Bare]:
    """Run the plain loop until the end of the block."""
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Bare(process)
    finally:
        process.terminate()
        process.wait(30)


def cpu_of(server: Server, sessions: Iterable[object]) -> float:
    """Milliseconds of CPU a turn."""
    start = server.cpu()
    turns = len(server.talk(sessions, TURNS))
    return (server.cpu() - start) / turns


def costs_of(server: Server, bare: Bare, empty: Server, rounds: int) -> list[Cost]:
    """The costs of each round; the first round warms up all three and does not count."""
    costs = []
    for number in range(rounds + 1):
        sessions = [f"{number}-{n}" for n in range(BLOCK)]
        costs.append(
            Cost(cpu_of(server, sessions), bare.turns(BLOCK, TURNS), cpu_of(empty, sessions))
        )
    return costs[1:]


def memory_of(server: Server) -> list[float]:
    """Memory at each of HELD sessions, and after the long ones."""
    readings, start = [], 0
    for stop in HELD:
        server.talk(range(start, stop), 1, CONCURRENCY)
        readings.append(server.megabytes())
        start = stop
    server.talk((f"long {n}" for n in range(LONG)), TURNS, CONCURRENCY)
    return [*readings, server.megabytes()]


def measure(variant: projects.Variant, rounds: int) -> Result:
    """Render a project, run its server, its plain loop and the empty handler."""
    python = str(environments.python_of(variant.framework))
    mode = "stream" if variant.stream else "json"
    loop = [python, str(PROGRAMS / "bare.py"), variant.framework, mode]
    handler = [python, str(PROGRAMS / "empty.py"), mode]
    with tempfile.TemporaryDirectory() as name, fake_models() as url:
        folder = variant.write(Path(name))
        compileall.compile_dir(folder, quiet=1)
        env = {**own_environment(), **environment(variant.provider, url)}
        with served([python, "main.py"], folder, env) as server:
            megabytes = memory_of(server)
            with bare_loop(loop, folder, env) as bare, served(handler, folder, env) as empty:
                costs = costs_of(server, bare, empty, rounds)
            first_bytes = server.talk(["first byte"], TURNS)
            start = time.perf_counter()
            turns = len(server.talk((f"rate {n}" for n in range(40)), TURNS, CONCURRENCY))
            rate = turns / (time.perf_counter() - start)
    return Result(variant, costs, rate, median(first_bytes) * 1e3, megabytes)


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    parser.add_argument("--all-providers", action="store_true", help="not the default one alone")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    wanted = given.frameworks or list(projects.FRAMEWORKS)
    if unknown := set(wanted) - set(projects.FRAMEWORKS):
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    name, *widths = HEADINGS.items()
    print(f"{name[0]:{name[1]}}" + "".join(f"{heading:>{width}}" for heading, width in widths))
    missed = []
    for variant in projects.PAIRS if given.all_providers else projects.DEFAULTS:
        if variant.framework in wanted:
            result = measure(variant, given.rounds)
            print(result.row(), flush=True)
            missed += [f"{variant}: {miss}" for miss in result.misses()]
    print(*missed, sep="\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
