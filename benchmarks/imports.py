"""What importing a generated project costs, side by side with the framework that it imports.

`python benchmarks/imports.py [ROUNDS]`. Wanted: at most 0.3 s CPU more than the framework alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from contract.environments import python_of
from contract.projects import STREAMED, Variant

RUNTIME = frozenset({"bedrock_agentcore", "dotenv", "starlette"})
MEASURE = """
import resource, sys
sys.path.insert(0, ".")
start = resource.getrusage(resource.RUSAGE_SELF)
{statements}
end = resource.getrusage(resource.RUSAGE_SELF)
print(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
"""


def cpu_seconds(variant: Variant, project: Path, statements: str) -> float:
    """CPU of the statements in a process of its own."""
    hidden = "PYTHONDONTWRITEBYTECODE"
    output = subprocess.check_output(
        [python_of(variant.framework), "-c", MEASURE.format(statements=statements)],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != hidden},
        text=True,
    )
    return float(output)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{'':36}{'import main':>12}{'framework':>11}{'and runtime':>13}{'more':>8}{'ratio':>7}")
    for variant in STREAMED:
        with tempfile.TemporaryDirectory() as folder:
            project = variant.write(Path(folder))
            rows = [
                [
                    cpu_seconds(variant, project, statements)
                    for statements in ("import main", variant.imports(RUNTIME), variant.imports())
                ]
                for _ in range(rounds + 1)
            ][1:]  # the first compiles and warms up
        whole, framework, with_runtime = (median(column) for column in zip(*rows, strict=True))
        more = median(row[0] - row[1] for row in rows)
        ratio = median(row[0] / row[1] for row in rows)
        print(
            f"{variant!s:36}{whole:11.2f}s{framework:10.2f}s{with_runtime:12.2f}s"
            f"{more:7.2f}s{ratio:7.2f}"
        )


if __name__ == "__main__":
    main()
