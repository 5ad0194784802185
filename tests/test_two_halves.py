"""A generated project has two halves: what its owner edits, and what a newer template changes."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from every_project import every_project

from agentcore_new import options
from agentcore_new.answers import Answers, complete
from agentcore_new.render import render

ROOT = Path(__file__).parents[1]
SCREEN = 60  # lines
ALIKE = 4  # lines in a row that frameworks may have in common: more would be written twice


def without_framework(answers: Answers) -> tuple[object, ...]:
    """The answers that main.py may depend on."""
    others = (options.FRAMEWORK, options.MODEL_PROVIDER)
    return tuple(answers[option.name] for option in options.OPTIONS if option not in others)


def test_main_is_the_same_in_all_frameworks_and_fits_a_screen() -> None:
    texts: dict[object, set[str]] = defaultdict(set)
    for answers, files in every_project():
        texts[without_framework(answers)].add(files["main.py"])
    assert {len(each) for each in texts.values()} == {1}
    assert max(len(text.splitlines()) for each in texts.values() for text in each) <= SCREEN


def test_no_line_depends_on_framework_provider_and_shape_together() -> None:
    """So that some tests of the contract need each framework with each provider in one shape."""
    choices = (options.FRAMEWORK, options.MODEL_PROVIDER, options.STREAM)
    others = [option for option in options.OPTIONS if option not in choices]
    has: dict[tuple[str, str], set[tuple[object, ...]]] = defaultdict(set)
    for answers, files in every_project():
        if all(answers[option.name] == option.default for option in others):
            for path, text in files.items():
                for line in text.splitlines():
                    has[path, line].add(tuple(answers[option.name] for option in choices))
    frameworks, providers, shapes = (option.values for option in choices)
    assert has
    for place, having in has.items():
        shown = {
            (framework, provider): {
                shape for shape in shapes if (framework, provider, shape) in having
            }
            for framework in frameworks
            for provider in providers
        }
        # the shapes that have it are those of the framework alone, or of the provider alone
        assert (
            all(
                shown[framework, provider] == shown[framework, providers[0]]
                for framework in frameworks
                for provider in providers
            )
            or all(
                shown[framework, provider] == shown[frameworks[0], provider]
                for framework in frameworks
                for provider in providers
            )
            or all(each in (set(), {*shapes}) for each in shown.values())
        ), place


def runs(file: Path) -> set[tuple[str, ...]]:
    """Every run of lines of a template that say something."""
    lines = [line for line in file.read_text("utf-8").splitlines() if re.search(r"\w", line)]
    return {tuple(lines[n : n + ALIKE + 1]) for n in range(len(lines) - ALIKE)}


def test_no_framework_has_code_of_another() -> None:
    folder = ROOT / "templates" / "frameworks"
    of: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for file in folder.rglob("*.py.jinja"):
        for run in runs(file):
            of[run].add(file.relative_to(folder).parts[0])
    assert {run: names for run, names in of.items() if len(names) > 1} == {}


PROMPT = '"You are a helpful assistant. Use your tools when they help."'
NEW_PROMPT = '(\n    "You are a poet. "\n    "You rhyme."\n)'
NEW_TOOL = """

def multiply_numbers(a: float, b: float) -> float:
    \"\"\"Multiply two numbers.\"\"\"
    return a * b


TOOLS: list[Tool] = [add_numbers, multiply_numbers]
"""


def edited(agent: str) -> str:
    """The agent with another prompt and another tool."""
    tools = "\n\nTOOLS: list[Tool] = [add_numbers]\n"
    assert agent.count(PROMPT) == agent.count(tools) == 1
    return agent.replace(PROMPT, NEW_PROMPT).replace(tools, NEW_TOOL)


def renewed(agent: str) -> str:
    """The agent with every line changed that is not its owner's, and no heading of a part."""
    lines = agent.splitlines()
    (first,) = (n for n, line in enumerate(lines) if line.startswith("SYSTEM_PROMPT"))
    (last,) = (n for n, line in enumerate(lines) if line.startswith("TOOLS"))
    kept = range(first - 3, last + 4)
    return "".join(
        f"{line}\n" if n in kept or not line else f"{line}  # new\n" for n, line in enumerate(lines)
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("framework", options.FRAMEWORK.values)
def test_a_newer_template_merges_with_another_prompt_and_tool(
    framework: str, stream: bool, tmp_path: Path
) -> None:
    agent = render(complete({"framework": framework, "stream": stream}))["agent.py"]
    texts = {"mine": edited(agent), "base": agent, "new": renewed(agent)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    merged = subprocess.run(
        ["git", "merge-file", "-p", *texts],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert merged.returncode == 0, merged.stdout
    assert NEW_PROMPT in merged.stdout
    assert NEW_TOOL in merged.stdout
    assert merged.stdout.count("# new") == texts["new"].count("# new") > 30
