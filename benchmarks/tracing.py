"""What traces cost: the start of each generated server and a turn of it, with and without them.

`python benchmarks/tracing.py [FRAMEWORK…] [--rounds N]` runs four servers of each framework: one
without `--tracing`, and one with it that is started by itself, as its container does without
anything set, and with a collector. Turns alternate between the four; the collector and the model,
which answers at once, run in other processes or threads, whose CPU is not counted.
"""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from servers import Server, fake_models, own_environment, served

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from contract import environments, projects  # noqa: E402
from contract.otlp import receiving  # noqa: E402
from fake_models.environment import environment  # noqa: E402

PLAIN, BY_ITSELF, QUIET, TOLD = "without", "by itself", "nothing set", "collector"
BLOCK = 10  # turns in a row, each of a session of its own, before it is another server's turn
WARM_UP = 2  # rounds


@contextmanager
def subjects(variant: projects.Variant) -> Iterator[dict[str, Server]]:
    """Run the four servers of a framework."""
    python = environments.python_of(variant.framework)
    started = [str(python), "main.py"]
    instrumented = [str(python), "-m", "serving.telemetry", "opentelemetry-instrument", *started]
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, receiver = stack.enter_context(fake_models()), stack.enter_context(receiving())
        env = {**own_environment(), **environment(variant.provider, url)}
        env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        found = {}
        for title, tracing, command, more in (
            (PLAIN, False, started, {}),
            (BY_ITSELF, True, started, {}),
            (QUIET, True, instrumented, {}),
            (TOLD, True, instrumented, told),
        ):
            folder = replace(variant, tracing=tracing).write(base / title.replace(" ", "-"))
            compileall.compile_dir(folder, quiet=1)
            with served(command, folder, {**env, **more}):
                pass  # what is imported is in memory
            server = stack.enter_context(served(command, folder, {**env, **more}))
            found[title] = server
        yield found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    wanted = given.frameworks or list(projects.FRAMEWORKS)
    if unknown := set(wanted) - set(projects.FRAMEWORKS):
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    print(f"{'server':26}{'traces':>12}{'start s':>9}{'ratio':>7}{'turn ms':>9}{'ratio':>7}")
    for variant in projects.DEFAULTS:
        if variant.framework not in wanted or variant.stream:
            continue
        with subjects(variant) as servers:
            starts = {title: server.cpu() / 1e3 for title, server in servers.items()}
            turns: dict[str, list[float]] = {title: [] for title in servers}
            for number in range(WARM_UP + given.rounds):
                for title, server in servers.items():
                    before = server.cpu()
                    server.talk([f"{number}-{n}" for n in range(BLOCK)], 1)
                    if number >= WARM_UP:
                        turns[title].append((server.cpu() - before) / BLOCK)
        for title in servers:
            ratio = median(a / b for a, b in zip(turns[title], turns[PLAIN], strict=True))
            print(
                f"{variant!s:26}{title:>12}{starts[title]:>9.2f}"
                f"{starts[title] / starts[PLAIN]:>7.2f}"
                f"{median(turns[title]):>9.2f}{ratio:>7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
