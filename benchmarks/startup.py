"""What `--help` and `create` cost, side by side with other tools.

`python benchmarks/startup.py [ROUNDS]` needs the `test` extra. Each tool has an environment of its
own in `.cache/`, compiled to bytecode. In each round every command runs once, one after the other.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from measure import Cost, environment, header, install, ratio, run

from agentcore_new.answers import complete, template_variables
from agentcore_new.render import PROJECT_FOLDER, SUFFIX, render

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ROOT / ".cache" / "benchmarks"
ROUNDS = 10
# With every switch on, no file is left out: all tools write as many files.
ANSWERS = complete({"framework": "strands", "stream": True, "container": True})
TOOLKIT = "bedrock-agentcore-starter-toolkit"
CREATE, SAME, FLAT = (
    "agentcore-new create",
    "minimal app, same templates",
    "minimal app, flat files",
)
TOOLKIT_CREATE = "toolkit create"

Command = Callable[[Path], Sequence[str | Path]]


def flat_template(folder: Path, variable: str, suffix: str) -> None:
    """Write a template that has no logic, and as many files of the same size as a project has."""
    for path, text in render(ANSWERS).items():
        file = folder / (path + suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + f"{{{{ {variable} }}}}\n", encoding="utf-8")


def commands(work: Path) -> dict[str, Command]:
    """Return what is measured, by title; what the tools need is made in `work`."""
    ours, copier, cookiecutter, toolkit = (
        ENVIRONMENTS / name / "bin" for name in ("agentcore-new", "copier", "cookiecutter", TOOLKIT)
    )
    variables = work / "variables.json"
    variables.write_text(json.dumps(template_variables(ANSWERS)), encoding="utf-8")
    flat_template(work / "flat" / "project", "project_name", SUFFIX)
    flat_template(work / "cookie" / "{{ cookiecutter.name }}", "cookiecutter.name", "")
    (work / "cookie" / "cookiecutter.json").write_text('{"name": "strands-agent"}')
    template = work / "template"
    template.mkdir()
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "templates", template / "templates")

    switches = ("--framework", "strands", "--stream", "--container")
    data = ("--data", "framework=strands", "--data", "stream=true", "--data", "container=true")
    minimal = (ours / "python", "-c", "from minimal_app import app; app()")
    minimal_options = ("--variables", variables, "--templates")

    return {
        "python -c pass": lambda _: (ours / "python", "-c", "pass"),
        "minimal app --help": lambda _: (*minimal, "--help"),
        "agentcore-new --help": lambda _: (ours / "agentcore-new", "--help"),
        "copier --help": lambda _: (copier / "copier", "--help"),
        "cookiecutter --help": lambda _: (cookiecutter / "cookiecutter", "--help"),
        "toolkit --help": lambda _: (toolkit / "agentcore", "--help"),
        FLAT: lambda to: (
            *(*minimal, to / "strands-agent", *minimal_options, work / "flat"),
            *("--project", "project"),
        ),
        SAME: lambda to: (
            *(*minimal, to / "strands-agent", *minimal_options, template),
            *("--project", PROJECT_FOLDER),
        ),
        CREATE: lambda to: (
            *(ours / "agentcore-new", "create", *switches),
            *("--no-git", "--output-dir", to),
        ),
        "  with git": lambda to: (
            *(ours / "agentcore-new", "create", *switches),
            *("--git", "--output-dir", to),
        ),
        "cookiecutter": lambda to: (
            *(cookiecutter / "cookiecutter", "--no-input", "--output-dir", to, work / "cookie"),
        ),
        "copier copy": lambda to: (
            *(copier / "copier", "copy", "--defaults", "--quiet", *data),
            *(template, to / "strands-agent"),
        ),
        TOOLKIT_CREATE: lambda _: (
            *(toolkit / "agentcore", "create", "--non-interactive", "--no-venv"),
            *("--project-name", "strandsagent", "--agent-framework", "Strands"),
            *("--model-provider", "Bedrock", "--memory", "NO_MEMORY"),
        ),
    }


def measure(rounds: int, work: Path) -> dict[str, list[Cost]]:
    """Return the costs of every command in every round, after a first one that warms up."""
    home = work / "home"
    home.mkdir()
    identity = "[user]\n\tname = Ada\n\temail = ada@example.com\n"
    (home / ".gitconfig").write_text(identity)
    variables = {**environment(home), "AGENTCORE_SUPPRESS_RECOMMENDATION": "1"}
    measured = commands(work)
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds + 1):
        for title, command in measured.items():
            folder = work / "out"
            folder.mkdir()
            cost = run(command(folder), folder, variables)
            shutil.rmtree(folder)
            if number:
                costs.setdefault(title, []).append(cost)
    return costs


def main() -> None:
    """Measure and print a table, and the two ratios that are promised."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    environments = {
        "agentcore-new": install(ENVIRONMENTS / "agentcore-new", ROOT),
        **{
            name: install(ENVIRONMENTS / name, name) for name in ("copier", "cookiecutter", TOOLKIT)
        },
    }
    for packages in environments["agentcore-new"].glob("lib/python*/site-packages"):
        shutil.copy(ROOT / "benchmarks" / "minimal_app.py", packages)
    ours = environments["agentcore-new"]
    print(header({**environments, "typer": ours, "jinja2": ours}))
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(rounds, Path(folder))
    base = [cost.cpu for cost in costs["python -c pass"]]
    print(f"{rounds} rounds, medians; {len(render(ANSWERS))} files (toolkit: 9)\n")
    print(f"{'':30}{'CPU ms':>8}{'wall ms':>9}{'CPU / python -c pass':>22}")
    for title, each in costs.items():
        cpu = median(cost.cpu for cost in each) * 1000
        wall = median(cost.wall for cost in each) * 1000
        times = ratio([cost.cpu for cost in each], base)
        print(f"{title:30}{cpu:8.0f}{wall:9.0f}{times:22.1f}")
    print()
    for other, wanted in ((SAME, "1.25"), (FLAT, "-"), (TOOLKIT_CREATE, "0.10")):
        by_cpu = ratio(*([cost.cpu for cost in costs[title]] for title in (CREATE, other)))
        by_wall = ratio(*([cost.wall for cost in costs[title]] for title in (CREATE, other)))
        print(f"create / {other}: CPU {by_cpu:.2f}, wall {by_wall:.2f} (at most {wanted} wanted)")


if __name__ == "__main__":
    main()
