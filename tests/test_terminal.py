"""What a person at a terminal meets; a pseudo-terminal plays it."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from agentcore_new import options, output
from agentcore_new.answers import complete
from agentcore_new.render import render

DOWN = "\x1b[B"
ENTER = "\r"
SWITCHES = [option for option in options.OPTIONS if not option.choices]
# what is asked after the model
AFTER = options.QUESTIONS[options.QUESTIONS.index(options.MODEL_ID) + 1 :]
LAST = [option for option in options.OPTIONS if option in AFTER]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that is in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    # nobody here says where the cursor is, for which each question would wait
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@contextmanager
def terminal(*words: str, width: int = 100) -> Iterator["pexpect.spawn[str]"]:
    process = pexpect.spawn(
        sys.executable,
        ["-m", "agentcore_new", *words],
        encoding="utf-8",
        dimensions=(40, width),
        timeout=15,
        env=os.environ,
    )
    try:
        yield process
    finally:
        process.close(force=True)


def rest(process: "pexpect.spawn[str]") -> str:
    """Return what is still printed, and wait for the end."""
    process.expect(pexpect.EOF)
    process.close()
    return process.before or ""


def choosing(option: options.Option, value: str, *, default: str) -> str:
    """Return the keys that go from the default to a choice, round the end of the list."""
    values = option.values
    return DOWN * ((values.index(value) - values.index(default)) % len(values)) + ENTER


def given(option: options.Option) -> tuple[str, ...]:
    """Return the words that give what was chosen of the last options."""
    return (option.flag, "sqlite") if option.choices else (option.flag,)


def plain(text: str) -> str:
    return COLOUR.sub("", text)


def test_everything_is_asked_and_the_command_that_asks_nothing_is_shown(folder: Path) -> None:
    with terminal("create") as process:
        process.expect("Which framework")
        process.send(choosing(options.FRAMEWORK, "langgraph", default="strands"))
        process.expect("What is the project called")
        process.expect("langgraph-agent")
        process.send("\x15" + "shop" + ENTER)
        process.expect("in one line")
        process.send("\x15" + "It's {{ mine }}" + ENTER)
        process.expect("Who serves the model")
        process.send(choosing(options.MODEL_PROVIDER, "anthropic", default="bedrock"))
        process.expect("Which model")
        process.expect("claude-sonnet")
        process.send(ENTER)
        *asked, last = SWITCHES
        for option in LAST[:-1]:
            process.expect_exact(option.question)
            process.send("y" if option in asked else choosing(option, "sqlite", default="memory"))
        process.expect_exact(last.question)
        process.send(ENTER)
        shown = rest(process)
    assert process.exitstatus == 0
    answers = complete(
        {
            "framework": "langgraph",
            "project_name": "shop",
            "description": "It's {{ mine }}",
            "model_provider": "anthropic",
            "session_store": "sqlite",
            **{switch.name: True for switch in asked},
        }
    )
    for path, text in render(answers).items():
        assert (folder / "shop" / path).read_text() == text
    again = shown.strip().splitlines()[-1].strip()
    assert shlex.split(again) == [
        *("agentcore-new", "create", "shop", "--framework", "langgraph"),
        *("--description", "It's {{ mine }}", "--model-provider", "anthropic"),
        *(word for option in LAST[:-1] for word in given(option)),
        "--yes",
    ]


def answer_framework(process: "pexpect.spawn[str]", framework: str) -> None:
    process.expect_exact(options.FRAMEWORK.question)
    process.send(choosing(options.FRAMEWORK, framework, default="strands"))


def test_only_what_is_not_given_is_asked() -> None:
    with terminal(
        *("create", "shop", "--description", "x", "--model-id", "m"),
        *("--session-store", "memory", *(switch.negated for switch in SWITCHES), "--no-git"),
    ) as process:
        answer_framework(process, "adk")
        process.expect("Who serves the model")
        process.send(ENTER)
        shown = rest(process)
    assert not any(switch.question in shown for switch in SWITCHES)
    assert "--model-id m --no-git --yes" in shown
    assert "Not given" not in plain(shown)
    assert Path("shop/main.py").exists()


@pytest.mark.parametrize("framework", options.FRAMEWORK.values)
@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_with_what_must_be_given_nothing_is_asked(
    framework: str, words: tuple[str, ...], folder: Path
) -> None:
    with terminal("create", "--framework", framework, *words, width=300) as process:
        shown = plain(rest(process)).replace("\r\n", "\n")
    assert process.exitstatus == 0
    assert not any(question.question in shown for question in options.QUESTIONS)
    assert "The same again" not in shown
    answers = complete({"framework": framework})
    assert output.defaults_text(answers, {"framework": framework}) in shown
    for path, text in render(answers).items():
        assert (folder / str(answers["project_name"]) / path).read_text() == text


def test_whoever_is_to_be_asked_nothing_must_name_the_framework() -> None:
    with terminal("create", "--yes") as process:
        shown = plain(rest(process))
    assert process.exitstatus == 2
    assert shown.startswith("Error: --framework is missing.")


def test_nothing_is_asked_where_an_object_is_wanted() -> None:
    with terminal("create", "--framework", "adk", "--json", width=1_000) as process:
        made = json.loads(rest(process))
    assert process.exitstatus == 0
    assert made["answers"]["project_name"] == "adk-agent"


def test_a_bad_name_is_refused_where_it_is_typed() -> None:
    with terminal("create") as process:
        answer_framework(process, "adk")
        process.expect("What is the project called")
        process.send("\x15" + "boto3" + ENTER)
        process.expect("A good name would be: boto3-agent")
        process.send("-agent" + ENTER)
        process.expect("in one line")


def test_what_is_typed_takes_the_place_of_the_default_and_enter_takes_it() -> None:
    with terminal("create", "--no-git", "--dry-run") as process:
        answer_framework(process, "adk")
        process.expect("What is the project called")
        process.expect("adk-agent")
        process.send("shop" + ENTER)
        process.expect("in one line")
        process.expect("An agent on Google ADK")
        process.send("x\x7f" + ENTER)  # typed and taken back: the default again
        process.expect("Who serves the model")
        process.send(ENTER)
        process.expect("Which model")
        process.send("my-model" + ENTER)
        for question in LAST:
            process.expect_exact(question.question)
            process.send(ENTER)
        shown = plain(rest(process))
    assert process.exitstatus == 0
    again = shlex.split(shown.strip().splitlines()[-1])
    assert again[2:] == [
        "shop",
        "--framework",
        "adk",
        "--model-id",
        "my-model",
        "--no-git",
        "--yes",
    ]


@pytest.fixture
def taken(folder: Path) -> Path:
    """A folder that has a file in it, and the name that a project would have."""
    (folder / "adk-agent").mkdir()
    (folder / "adk-agent/notes.txt").touch()
    return folder / "adk-agent"


def test_an_occupied_folder_is_refused_before_the_first_question(taken: Path) -> None:
    with terminal("create", taken.name) as process:
        shown = plain(rest(process))
    assert process.exitstatus == 1
    assert "?" not in shown
    assert shown.startswith(f"Error: {taken.resolve()} is not empty: notes.txt. ")
    (taken.parent / "link").symlink_to("nowhere")
    with terminal("create", "link") as process:
        assert plain(rest(process)).startswith("Error: ")


def test_an_occupied_folder_is_refused_where_its_name_is_typed(
    taken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMPT_TOOLKIT_NO_CPR")  # what is shown already is drawn again with it
    with terminal("create", width=300) as process:
        answer_framework(process, "adk")
        process.expect("What is the project called")
        process.send(ENTER)  # the default
        process.expect("is not empty: notes.txt")
        process.send(taken.name + ENTER)
        process.expect("is not empty: notes.txt")
        process.send("-2" + ENTER)
        process.expect("in one line")


def test_an_occupied_folder_is_no_obstacle_where_force_is_given(taken: Path) -> None:
    with terminal("create", taken.name, "--force") as process:
        answer_framework(process, "adk")
        process.expect("in one line")


def test_a_bad_flag_is_refused_before_anything_is_asked() -> None:
    with terminal("create", "--model-id", "a b") as process:
        shown = rest(process)
    assert process.exitstatus == 1
    assert shown.startswith("Error: The model id is not valid")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_leaving_the_questions_leaves_nothing_behind(key: str, folder: Path) -> None:
    with terminal("create") as process:
        answer_framework(process, "adk")
        process.expect("What is the project called")
        process.send("\x15")
        process.send(key)
        shown = rest(process)
    assert process.exitstatus == 130
    assert "Traceback" not in shown
    assert list(folder.iterdir()) == []


def test_a_previewed_file_has_colours_and_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = render(complete({"framework": "adk"}))["main.py"]
    with terminal("preview", "--framework", "adk", "main.py", width=200) as process:
        coloured = rest(process)
    assert re.search(r"\x1b\[[0-9;]*3[1-7]", coloured)
    assert [line.rstrip() for line in plain(coloured).splitlines()] == text.splitlines()
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal("preview", "--framework", "adk", "main.py", width=200) as process:
        assert not re.search(r"\x1b\[[0-9;]*3[1-7]", rest(process))


@pytest.mark.parametrize("width", [30, 60, 120])
def test_tables_and_help_fit_the_terminal(width: int) -> None:
    for words in (["frameworks"], ["create", "--help"]):
        with terminal(*words, width=width) as process:
            shown = plain(rest(process))
        assert process.exitstatus == 0
        assert max(len(line) for line in shown.splitlines()) <= width


def test_a_table_cuts_no_model_id_off() -> None:
    with terminal("frameworks", width=80) as process:
        shown = plain(rest(process))
    letters = re.sub(r"\s+", "", shown)
    for provider in options.PROVIDERS:
        assert all(variable in letters for variable in provider.key_variables)
    assert "…" not in shown
    assert "strands-agents[anthropic]" in shown


def test_examples_of_the_help_are_lines_to_copy() -> None:
    with terminal("create", "--help") as process:
        shown = plain(rest(process))
    assert re.search(r"^ +agentcore-new create --framework adk *\r?$", shown, re.MULTILINE)
