"""What the README tells people to paste is what is tested."""

import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from agentcore_new import options, output
from agentcore_new.answers import complete
from agentcore_new.render import render

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("benchmarks/*.md")),
    *sorted(ROOT.glob("tests/*/*.md")),
]


def commands() -> list[str]:
    """Every block of shell commands in the README."""
    return re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def test_ci_runs_the_command_for_the_tests_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    ran = [line.strip() for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    _, test, _ = commands()
    assert ran == [test]


def first_project() -> tuple[str, list[str]]:
    """The command that makes it, as it is pasted, and the words after the program."""
    create, _, _ = commands()
    command = create.rpartition("&&")[2].strip()
    assert command.startswith(".venv/bin/agentcore-new create ")
    return command.removeprefix(".venv/bin/"), shlex.split(command)[1:]


def test_the_first_command_asks_nothing_and_makes_an_agent_beside_the_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", clone], check=True)
    _, words = first_project()
    pexpect.run(
        shlex.join([sys.executable, "-m", "agentcore_new", *words]),
        cwd=clone,
        env={**os.environ, "TERM": "xterm-256color"},
        timeout=15,
    )
    assert [path.name for path in clone.iterdir()] == [".git"]
    (agent,) = [path for path in tmp_path.iterdir() if path != clone]
    *_, serve = commands()
    assert f"agentcore-new dev ../{agent.name} " in serve
    assert (agent / "main.py").exists()
    log = ("git", "log", "--format=%s")
    assert b"Create " in subprocess.check_output(log, cwd=agent)
    top = subprocess.check_output(["git", "rev-parse", "--show-toplevel"], cwd=agent, text=True)
    assert Path(top.strip()) == agent.resolve()


def test_the_tables_list_every_framework_and_provider() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for framework in options.FRAMEWORKS:
        row = f"| `{framework.value}` | {framework.title} | `{framework.default_provider}` |"
        assert row in readme
    for provider in options.PROVIDERS:
        named = " or ".join(f"`{variable}`" for variable in provider.key_variables)
        key = named or "AWS credentials"
        assert f"| `{provider.value}` | {provider.title} | {key} |" in readme


def lines(picture: str) -> list[str]:
    """The lines of text in a picture of a terminal."""
    found: dict[int, str] = {}
    for number, text in re.findall(r'#[\w-]+-line-(\d+)\)">(.*?)</text>', picture, re.DOTALL):
        found[int(number)] = found.get(int(number), "") + html.unescape(text)
    return [found[number].replace("\xa0", " ").rstrip() for number in sorted(found)]


def test_the_picture_is_of_the_command_as_it_is() -> None:
    shown = lines((ROOT / "docs/create.svg").read_text("utf-8"))
    command, words = first_project()
    assert shown[0] == f"$ {command}"
    given = {"framework": words[words.index("--framework") + 1]}
    answers = complete(given)
    defaults = output.defaults_text(answers, given).splitlines()
    assert "\n".join(defaults) in "\n".join(shown)
    files = render(answers)
    tree = output.tree(str(answers["project_name"]), files).splitlines()
    start = shown.index(tree[0])
    assert shown[start : start + len(tree)] == tree
    assert f"Created {len(files)} files in ~/{tree[0]}" in shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.relative_to(ROOT).as_posix())
def test_a_link_points_to_what_is_there(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8"))
    local = [each.partition("#")[0] for each in targets if "://" not in each]
    assert [each for each in local if not (document.parent / each).exists()] == []


def test_the_documents_have_pictures_and_no_picture_is_left_over() -> None:
    text = "".join(document.read_text("utf-8") for document in DOCUMENTS[:2])
    shown = set(re.findall(r"!\[[^]]+\]\((docs/[^)]+)\)", text))
    drawn = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.[sp][vn]g")}
    assert shown == drawn
    assert shown
