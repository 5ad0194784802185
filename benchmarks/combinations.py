"""What more options cost the guard: `check` as it is, and with six more switches.

`python benchmarks/combinations.py [ROUNDS]` needs the `test` extra. It copies the checkout, gives
it six switches, each with a module that `serving/tools.py` imports and a row in the generated
README, and runs `check` in both, one after the other: there are 64 times as many combinations then.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import Cost, environment, header, ratio, run

ROOT = Path(__file__).parents[1]
COPIED = ("CHANGELOG.md", "copier.yml", "pyproject.toml", "snapshots", "src", "templates")
SWITCHES = tuple(f"extra_{number}" for number in range(1, 7))
MAX_SECONDS, MAX_SECONDS_WITH_SIX = 3.0, 10.0

MODULE = '''"""What a switch adds."""

VALUE = {number}
'''
USE = """{{% if {name} %}}


def {name}() -> int:
    \"\"\"Return what the switch adds.\"\"\"
    from {name} import VALUE

    return VALUE
{{% endif %}}
"""
ROW = """{{% if {name} %}}
| `{name}.py` | what a switch adds |
{{% endif %}}
"""
OPTION = """Option(
        name="{name}",
        help="Add a module.",
        question="Add a module?",
        default=False,
    ),
"""


def copy(folder: Path) -> Path:
    """Copy what `check` needs."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


def with_switches(folder: Path) -> Path:
    """Add the switches as CONTRIBUTING says, and accept the snapshots."""
    project = folder / "templates/project"
    for number, name in enumerate(SWITCHES, start=1):
        (project / f"{name}.py").write_text(MODULE.format(number=number))
    options = folder / "src/agentcore_new/options.py"
    rows = "".join(OPTION.format(name=name) for name in SWITCHES)
    conditions = "".join(f'    "{name}.py": "{name}",\n' for name in SWITCHES)
    insert(options, "    CONTAINER,\n)", f"    CONTAINER,\n    {rows})")
    insert(
        options,
        '    "serving/streaming.py": "stream",\n',
        f'    "serving/streaming.py": "stream",\n{conditions}',
    )
    table = "| `tests/` | what holds for sessions"
    rows = "".join(ROW.format(name=name) for name in SWITCHES)
    insert(project / "README.md.jinja", table, rows + table)
    uses = "".join(USE.format(name=name) for name in SWITCHES)
    with (project / "serving/tools.py.jinja").open("a") as template:
        template.write(uses)
    command = (sys.executable, "-m", "agentcore_new", "snapshots")
    variables = {**os.environ, "PYTHONPATH": str(folder / "src")}
    subprocess.run(command, cwd=folder, env=variables, check=True, stdout=subprocess.DEVNULL)
    return folder


def insert(file: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = file.read_text()
    assert old in text, f"{file} has no {old!r}"
    file.write_text(text.replace(old, new, 1))


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copies = {
            "as it is": copy(folder / "one"),
            "with six switches more": with_switches(copy(folder / "other")),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in copies}
        for number in range(rounds + 1):
            for name, checkout in copies.items():
                variables = {**environment(folder), "PYTHONPATH": str(checkout / "src")}
                command = (sys.executable, "-m", "agentcore_new", "check")
                cost = run(command, checkout, variables)
                if number:  # the first round warms up
                    costs[name].append(cost)
    one, other = costs.values()
    print(header({}))
    for name, found in costs.items():
        print(f"{name:24} {median(cost.wall for cost in found):6.2f} s by the clock")
    times = ratio([cost.cpu for cost in other], [cost.cpu for cost in one])
    print(f"64 times the combinations cost {times:.1f} times the CPU")
    walls = [median(cost.wall for cost in found) for found in costs.values()]
    return int(walls[0] > MAX_SECONDS or walls[1] > MAX_SECONDS_WITH_SIX)


if __name__ == "__main__":
    sys.exit(main())
