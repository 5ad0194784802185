"""Every command that our documents show is one that there is, with flags that it has."""

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from every_project import every_project

from agentcore_new.cli import app
from agentcore_new.output import next_commands

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
PROGRAM = re.compile(r"(?:\.venv/bin/)?(?:agentcore-new|python3? -m agentcore_new)(?=\s|$)")
MODULE = re.compile(r"(?:\.venv/bin/)?python3? -m (agentcore_new\.[\w.]+)(.*)")
# Of other programs, and named in the text alone.
OTHERS = {"--snapshot-update"}
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# What stands in the README for all flags that are about the project.
ABOUT_THE_PROJECT = "the project's options, as for create"


def shown(text: str) -> Iterator[str]:
    """Every command line in the blocks and in the text; one that is wrapped is one."""
    for language, block in BLOCK.findall(text):
        if language in ("sh", "text"):
            lines = re.sub(r"\\?\n[ \t]+", " ", block)
            yield from (part.strip() for part in re.split(r"&&|\|\||;|\n", lines))
    for code in INLINE.findall(BLOCK.sub("", text)):
        yield " ".join(code.split())


def documented() -> list[tuple[str, str]]:
    """The document, and the words after the program, of each call of ours."""
    return [
        (name, PROGRAM.sub("", line, count=1).strip())
        for name in DOCUMENTS
        for line in shown((ROOT / name).read_text("utf-8"))
        if PROGRAM.match(line)
    ]


def flags_of(command: str) -> set[str]:
    return {
        flag
        for parameter in COMMANDS[command].params
        if parameter.param_type_name == "option"
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--")
    }


def named(words: str) -> set[str]:
    """The flags in a synopsis or an example."""
    found = {*FLAG.findall(words)}
    if ABOUT_THE_PROJECT in words:
        found |= flags_of("create") & flags_of("preview")
    return found


CALLS = documented()
SYNOPSES = [words for _, words in CALLS if "[" in words]
EXAMPLES = [words for _, words in CALLS if "[" not in words]


def test_the_documents_have_commands() -> None:
    assert {document for document, _ in CALLS} == {*DOCUMENTS}
    assert any(words.startswith("create ") for words in EXAMPLES)
    assert {words.split()[0] for words in SYNOPSES} == {
        "create",
        "preview",
        "frameworks",
        "package",
        "update",
        "dev",
        "invoke",
        "check",
        "diff",
    }


@pytest.mark.parametrize("words", EXAMPLES)
def test_an_example_is_understood(words: str) -> None:
    name, *rest = shlex.split(words)
    COMMANDS[name].make_context(name, rest)


@pytest.mark.parametrize("words", SYNOPSES, ids=lambda words: words.split()[0])
def test_a_synopsis_names_every_flag_and_no_other(words: str) -> None:
    assert named(words) == flags_of(words.split()[0])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_flag_in_the_text_is_one(name: str) -> None:
    known = {*OTHERS, *(flag for command in COMMANDS for flag in flags_of(command))}
    text = BLOCK.sub("", (ROOT / name).read_text("utf-8"))
    flags = {code.split()[0] for code in INLINE.findall(text) if code.startswith("--")}
    assert flags <= known


def test_modules_that_are_run_are_there() -> None:
    lines = [line for name in DOCUMENTS for line in shown((ROOT / name).read_text("utf-8"))]
    found = [match for line in lines if (match := MODULE.fullmatch(line))]
    assert found
    for match in found:
        assert importlib.util.find_spec(match[1])
        assert FLAG.findall(match[2]) == []


def test_the_commands_of_a_project_are_for_what_it_has() -> None:
    for answers, files in every_project():
        extras = tomllib.loads(files["pyproject.toml"])["project"]["optional-dependencies"]
        commands = list(shown(files["README.md"]))
        start, attempt = next_commands("cd x", answers, installed=True)[1:]
        assert "AGENT_OFFLINE=1 uv run main.py" in commands
        assert "AGENT_OFFLINE=1" in start
        assert shlex.split(attempt) in [shlex.split(each) for each in commands if "curl" in each]
        for command in commands:
            if PROGRAM.match(command):
                name, *words = shlex.split(command)[1:]
                COMMANDS[name].make_context(name, words)
            for named_so in re.findall(r"--extra (\S+)|'\.\[(.*?)\]'", command):
                assert "".join(named_so) in extras, command
            for script in re.findall(r"(?:uv run|/python|--entrypoint) ([\w/]+\.py)", command):
                assert script in files, command
