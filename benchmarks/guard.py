"""What `check` and `diff` cost, side by side with one `create`.

`python benchmarks/guard.py [ROUNDS]`; wanted are less than 10 s for `check`, and less than 2 s when
nothing has changed since the last pass. It remembers no pass: it takes less than 2 s always.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import Cost, environment, header, ratio, run

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "create --dry-run": ("create", "--framework", "adk", "--dry-run"),
    "check": ("check",),
    "diff HEAD": ("diff", "HEAD"),
    "diff HEAD --format html": ("diff", "HEAD", "--format", "html"),
}
MAX_SECONDS = 2.0


def main() -> int:
    """Measure and print; 1 if the bar is missed."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 10
    costs: dict[str, list[Cost]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        variables = environment(Path(folder))
        for number in range(rounds + 1):
            for name, words in COMMANDS.items():
                command = (sys.executable, "-m", "agentcore_new", *words)
                cost = run(command, Path(folder), variables)
                if number:  # the first round warms up
                    costs[name].append(cost)
    print(header({}))
    base, *_ = costs.values()
    for name, found in costs.items():
        wall = median(cost.wall for cost in found)
        times = ratio([cost.cpu for cost in found], [cost.cpu for cost in base])
        print(f"{name:24} {wall:6.2f} s by the clock {times:6.1f} x create, by CPU")
    return int(median(cost.wall for cost in costs["check"]) > MAX_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
