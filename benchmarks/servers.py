"""What a turn of each generated server costs, side by side with its floor.

`python benchmarks/servers.py [FRAMEWORK…] [--all-providers]` starts the generated servers one by
one, their model being a local fake without latency in a process of its own. The floor of a turn
is the framework's own call in a plain loop plus an empty handler of the runtime.
"""

from __future__ import annotations

import argparse
import compileall
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "benchmarks" / "servers"
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from fake_models.environment import environment  # noqa: E402

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
TURNS = 10  # of a session, in the measurements of CPU
CONCURRENCY = 4
SESSIONS = (128, 500, 2000)  # at which memory is read; 128 is the cap of the cache
TICKS = os.sysconf("SC_CLK_TCK")
MAX_RATIO, MAX_RSS_MB, MAX_GROWTH_MB = 1.3, 200, 5


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as seen from outside."""

    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of CPU so far, of all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def talk(self, sessions: Iterable[str], turns: int = TURNS) -> list[float]:
        """Have so many turns in each session, in order; return the seconds to each first byte."""
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            times = pool.map(lambda session: self._session(session, turns), sessions)
            return [first for session in times for first in session]

    def _session(self, session: str, turns: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", SESSION_HEADER: session}
        times = []
        for number in range(turns):
            body = json.dumps({"prompt": f"Hello number {number}"})
            start = time.perf_counter()
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            first = response.read1(1)
            times.append(time.perf_counter() - start)
            answer = first + response.read()
            if response.status != 200 or b"error" in answer:
                raise RuntimeError(f"{response.status} {answer!r}")
        connection.close()
        return times


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one server; CPU in milliseconds a turn."""

    variant: projects.Variant
    cpu: float
    bare: float
    empty: float
    rate: float
    first_token: float
    rss: list[float]

    @property
    def ratio(self) -> float:
        """CPU against the floor."""
        return self.cpu / (self.bare + self.empty)

    @property
    def growth(self) -> float:
        """MB from the first reading at the cap of the cache to the last one."""
        return self.rss[-1] - self.rss[1]

    def failures(self) -> Iterator[str]:
        """The bars that it misses."""
        if self.ratio > MAX_RATIO:
            yield f"CPU {self.ratio:.2f} times the floor, more than {MAX_RATIO}"
        if self.growth > MAX_GROWTH_MB:
            yield f"{self.growth:.0f} MB more with {SESSIONS[-1]} sessions than with {SESSIONS[0]}"
        if self.rss[1] > MAX_RSS_MB:
            yield f"{self.rss[1]:.0f} MB with {SESSIONS[0]} sessions, more than {MAX_RSS_MB}"


@contextmanager
def served(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[Server]:
    """Run a server until the end of the block."""
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**env, "PORT": str(port)}, stdout=log, stderr=log
        )
    try:
        wait_for(port, process)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def fake_models() -> Iterator[str]:
    """Run the fake model server, and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fake_models", "--no-record"],
        env={**clean_environment(), "PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ping")
            connection.getresponse().read()
        except OSError:
            if process.poll() is not None:
                raise RuntimeError("the server did not start") from None
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not answer within a minute")


def clean_environment() -> dict[str, str]:
    """Ours, but bytecode is written: without it, imports would be compiled in every process."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def cpu_a_turn(server: Server, sessions: int) -> tuple[float, float]:
    """CPU of a turn in ms, and turns a second, after some that warm the server up."""
    server.talk(f"warm up {n}" for n in range(max(CONCURRENCY, sessions // 10)))
    cpu, clock = server.cpu(), time.perf_counter()
    server.talk(f"busy {n}" for n in range(sessions))
    turns = sessions * TURNS
    return (server.cpu() - cpu) / turns * 1e3, turns / (time.perf_counter() - clock)


def memory(server: Server) -> list[float]:
    """RSS before any session, and at each of SESSIONS, then with TURNS turns in the last 128."""
    readings, held = [server.rss()], 0
    for sessions in SESSIONS:
        server.talk((f"session {n}" for n in range(held, sessions)), turns=1)
        readings.append(server.rss())
        held = sessions
    return readings


def measure(variant: projects.Variant, url: str, sessions: int) -> Result:
    """Run one server, its bare loop and the empty handler."""
    python = str(environments.python_of(variant.framework))
    env = {**clean_environment(), **environment(variant.provider, url)}
    mode = "stream" if variant.stream else "json"
    with tempfile.TemporaryDirectory() as name:
        folder = variant.write(Path(name))
        compileall.compile_dir(folder, quiet=1)
        with served([python, "main.py"], folder, env) as server:
            rss = memory(server)
        bare = subprocess.run(
            [python, str(PROGRAMS / "bare.py"), variant.framework, mode, str(sessions), str(TURNS)],
            cwd=folder,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        with served([python, "main.py"], folder, env) as server:
            cpu, rate = cpu_a_turn(server, sessions)
            first = server.talk(["first token 1", "first token 2"])
        with served([python, str(PROGRAMS / "empty.py"), mode], folder, env) as server:
            empty, _ = cpu_a_turn(server, sessions)
    return Result(
        variant,
        cpu,
        json.loads(bare.stdout.splitlines()[-1]),
        empty,
        rate,
        statistics.median(first) * 1e3,
        rss,
    )


def row(result: Result) -> str:
    rss = " ".join(f"{megabytes:6.0f}" for megabytes in result.rss)
    return (
        f"{result.variant!s:26} {result.cpu:6.2f} {result.bare:6.2f} {result.empty:6.2f}"
        f" {result.ratio:6.2f} {result.rate:6.0f} {result.first_token:8.1f}  {rss}"
    )


HEADER = (
    f"{'server':26} {'CPU ms':>6} {'bare':>6} {'empty':>6} {'ratio':>6} {'turn/s':>6}"
    f" {'first ms':>8}  RSS MB at 0, {', '.join(map(str, SESSIONS))} sessions"
)


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", choices=[[], *projects.FRAMEWORKS])
    parser.add_argument("--all-providers", action="store_true", help="not the default one alone")
    parser.add_argument("--sessions", type=int, default=40, help=f"of {TURNS} turns, for the CPU")
    given = parser.parse_args()
    variants = projects.PAIRS if given.all_providers else projects.DEFAULTS
    print(HEADER)
    missed = []
    for variant in variants:
        if given.frameworks and variant.framework not in given.frameworks:
            continue
        with fake_models() as url:
            result = measure(variant, url, given.sessions)
        print(row(result), flush=True)
        missed += [f"{variant}: {failure}" for failure in result.failures()]
    print(*missed, sep="\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
