"""What `agentcore-new dev` adds to an agent: to its turns, to its start, and in memory.

`python benchmarks/front.py [FRAMEWORK…] [--rounds N]`. Of each framework two servers of the same
project answer offline, in streams: one by `python main.py`, asked directly, and one that the front
of dev has started and passes requests on to. Their turns alternate, each in a session of its own.
Then files are saved, until the new code accepts requests. Wanted: at most 2 ms of CPU of the front
a turn, 3 ms more to the first token, and a second from a save.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from servers import Server, own_environment

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from contract.server import free_port  # noqa: E402
from dev.running import dev as reloading  # noqa: E402

BLOCK = 20  # turns in a row before it is the other's
WARM_UP = 2  # rounds
SESSIONS = 100  # that the front remembers, where its memory is read
TURNS = 5  # of each
STARTS = 3
SAVES = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, and how long it took from its start to the end of its first answer."""

    server: Server
    first_answer: float


@contextmanager
def running(command: list[str], folder: Path, variables: Mapping[str, str]) -> Iterator[Subject]:
    """Run a command that serves the port at its end."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", str(port)] if "dev" in command else command,
        cwd=folder,
        env={**variables, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(process.pid, port)
    try:
        while True:
            try:
                server.talk([uuid4()], 1)
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - begun > 120:
                    raise
                time.sleep(0.01)
        yield Subject(server, time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait()


def milliseconds(values: list[float]) -> float:
    """The median, in ms."""
    return median(values) * 1e3


def from_save_to_new(folder: Path, home: Path) -> float:
    """Seconds from a save to the process that runs it; the median."""
    took = []
    with reloading(folder, "--offline", home=home) as running:
        running.wait("machine-ready")
        for number in range(SAVES):
            text = (folder / "agent.py").read_text("utf-8")
            begun = time.perf_counter()
            (folder / "agent.py").write_text(f"{text}# {number}\n", "utf-8")
            running.wait("reloaded", number + 1)
            took.append(time.perf_counter() - begun)
    return median(took)


def measure(variant: projects.Variant, rounds: int) -> str:
    """Return the row of a framework."""
    python = environments.python_of(variant.framework)
    with tempfile.TemporaryDirectory() as base:
        folder = variant.write(Path(base, "project"))
        (folder / ".venv").symlink_to(python.parents[1], target_is_directory=True)
        compileall.compile_dir(folder, quiet=1)
        env = {**own_environment(), "AGENT_OFFLINE": "1", "XDG_CACHE_HOME": base, "HOME": base}
        alone = [str(python), "main.py"]
        dev = [sys.executable, "-m", "agentcore_new", "dev", "--one-process", "--no-reload"]
        starts: dict[str, list[float]] = {"alone": [], "dev": []}
        for _ in range(STARTS):
            for name, command in (("alone", alone), ("dev", dev)):
                with running(command, folder, env) as subject:
                    starts[name].append(subject.first_answer)
        with running(alone, folder, env) as direct, running(dev, folder, env) as front:
            empty = front.server.megabytes()
            cpu: list[float] = []
            first: dict[str, list[float]] = {"alone": [], "dev": []}
            for number in range(WARM_UP + rounds):
                sessions = [uuid4() for _ in range(BLOCK)]
                of_direct = direct.server.talk(sessions, 1)
                before = front.server.cpu()
                of_front = front.server.talk(sessions, 1)
                if number >= WARM_UP:
                    cpu.append((front.server.cpu() - before) / BLOCK)
                    first["alone"] += of_direct
                    first["dev"] += of_front
        with running(dev, folder, env) as front:
            front.server.talk([uuid4() for _ in range(SESSIONS)], TURNS)
            full = front.server.megabytes()
        saved = from_save_to_new(folder, Path(base))
    more = milliseconds(first["dev"]) - milliseconds(first["alone"])
    return (
        f"{variant.framework:12}{median(cpu):>9.2f}{milliseconds(first['alone']):>9.2f}{more:>9.2f}"
        f"{median(starts['alone']):>9.2f}{median(starts['dev']):>9.2f}{empty:>9.0f}{full:>9.0f}{saved:>9.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    wanted = given.frameworks or list(projects.FRAMEWORKS)
    if unknown := set(wanted) - set(projects.FRAMEWORKS):
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    print(json.dumps({"load": round(os.getloadavg()[0], 1), "python": sys.version.split()[0]}))
    headings = (
        "CPU ms",
        "first ms",
        "more ms",
        "start s",
        "dev s",
        "MB",
        f"MB@{SESSIONS}",
        "save s",
    )
    print(f"{'framework':12}" + "".join(f"{heading:>9}" for heading in headings))
    for variant in projects.DEFAULTS:
        if variant.framework in wanted and variant.stream:
            print(measure(variant, given.rounds), flush=True)


if __name__ == "__main__":
    main()
