"""How many combinations a second are rendered in memory, side by side with Copier.

`python benchmarks/matrix.py [ROUNDS]` needs the `test` extra. In each round all combinations are
rendered, checked, and some of them made by Copier, one after the other.
"""

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from copier import run_copy
from measure import Cost, header, ratio

from agentcore_new.answers import Answers, combinations
from agentcore_new.render import Renderer
from agentcore_new.review.guard import examine
from agentcore_new.review.rendering import render_all

ROOT = Path(__file__).parents[1]
ROUNDS = 10
COPIES = 4
FROM_SCRATCH, GUARD, COPIER = "render, from scratch", "render and check", "copier.run_copy"


def cost(action: Callable[[], object], count: int) -> Cost:
    """Return what `action` costs for each of the `count` combinations that it works on."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)

    def cpu() -> float:
        return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))

    wall_before, cpu_before = time.perf_counter(), cpu()
    action()
    cpu_after, wall_after = cpu(), time.perf_counter()
    return Cost((wall_after - wall_before) / count, (cpu_after - cpu_before) / count)


def measure(rounds: int, work: Path) -> dict[str, list[Cost]]:
    """Return the costs of one combination in every round, after a first one that warms up."""
    template = work / "template"
    template.mkdir()
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "templates", template / "templates")
    combos = list(combinations())
    # A stride through all of them, so that no framework or option is left out.
    some = cycle(combos[::3])

    def render(renderer: Renderer) -> None:
        for answers in combos:
            renderer.render(answers)

    def copy(chosen: Sequence[Answers]) -> None:
        for number, answers in enumerate(chosen):
            target = work / "copied" / str(number)
            run_copy(str(template), target, data=dict(answers), defaults=True, quiet=True)

    kept = Renderer(ROOT)
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds + 1):
        chosen = list(islice(some, COPIES))
        measured = {
            "render, templates compiled": cost(lambda: render(kept), len(combos)),
            FROM_SCRATCH: cost(lambda: render(Renderer(ROOT)), len(combos)),
            GUARD: cost(lambda: examine(render_all(combos).projects), len(combos)),
            COPIER: cost(partial(copy, chosen), COPIES),
        }
        shutil.rmtree(work / "copied")
        if number:
            for title, each in measured.items():
                costs.setdefault(title, []).append(each)
    return costs


def main() -> None:
    """Measure and print a table, with what is promised."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    packages = ("agentcore-new", "copier", "jinja2", "ruff")
    print(header(dict.fromkeys(packages, Path(sys.prefix))))
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(rounds, Path(folder))
    print(f"{rounds} rounds, medians; {len(list(combinations()))} combinations\n")
    print(f"{'':28}{'CPU ms each':>12}{'a second':>10}{'copier / this':>15}{'by the clock':>14}")
    for title, each in costs.items():
        cpu = median(one.cpu for one in each)
        by_cpu = ratio([one.cpu for one in costs[COPIER]], [one.cpu for one in each])
        by_wall = ratio([one.wall for one in costs[COPIER]], [one.wall for one in each])
        print(f"{title:28}{cpu * 1000:12.2f}{1 / cpu:10.0f}{by_cpu:15.0f}{by_wall:14.0f}")
    print("\nWanted: rendering at least 100 times as fast as copier.run_copy.")


if __name__ == "__main__":
    main()
