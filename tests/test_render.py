import ast
import json
import re
import shlex
import tomllib
from pathlib import Path

import jinja2
import pytest
import yaml
from every_project import every_project
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agentcore_new import options, texts
from agentcore_new.answers import complete
from agentcore_new.errors import InvalidAnswer
from agentcore_new.render import Renderer, render

ROOT = Path(__file__).parents[1]
QUOTE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(ROOT),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 - as in render.py
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
LITERAL = QUOTE.from_string('{% from "templates/quote.jinja" import literal %}{{ literal(text) }}')
SHELL = QUOTE.from_string('{% from "templates/quote.jinja" import shell %}{{ shell(text) }}')
MARKDOWN = QUOTE.from_string(
    '{% from "templates/quote.jinja" import markdown %}{{ markdown(text) }}'
)


def is_description(text: str) -> bool:
    try:
        return texts.check_description(text) == text
    except InvalidAnswer:
        return False


NASTY = (
    "\"\"\" ''' \\ \\n {{ x }} {% y %} {# z #} #{} ${HOME} `id` %s <b>&amp;</b> | [a](b) \U0001f600"
)
DESCRIPTIONS = (
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)
    | st.text(min_size=1, max_size=40)
).filter(is_description)


def project(description: str, framework: str = "adk") -> dict[str, str]:
    return render(complete({"framework": framework, "description": description}))


def shown(markdown: str) -> list[str]:
    """Return the blocks that a reader of `markdown` sees, each as its plain text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [
        "".join(child.content if child.type == "text" else f"<{child.type}>" for child in children)
        for token in tokens
        if (children := token.children) is not None
    ]


@given(DESCRIPTIONS)
@example(NASTY)
@example("\\")
@example('"')
@example("\\" * 999 + '"')
@example("é" * 1000)
def test_a_literal_says_the_same_in_four_languages(text: str) -> None:
    literal = LITERAL.render(text=text)
    assert ast.literal_eval(literal) == text
    assert json.loads(literal) == text
    assert tomllib.loads(f"x = {literal}") == {"x": text}
    assert yaml.safe_load(f"x: {literal}") == {"x": text}


@given(DESCRIPTIONS)
@example(NASTY)
@example("'")
@example("it's ''")
@example("!! \\'")
def test_a_word_of_a_shell_is_one_and_the_same(text: str) -> None:
    word = SHELL.render(text=text)
    assert shlex.split(word) == [text]
    assert (word == text) is bool(re.fullmatch(r"[a-zA-Z0-9_-]+", text))


@given(DESCRIPTIONS)
@example(NASTY)
@example("1. one")
@example("12) one")
@example("- one")
@example("+ one")
@example("===")
@example("---")
@example("# title #")
@example("> quote")
@example("~~~")
@example("[a]: http://b")
@example("![a](b) <https://c.example> &copy;")
@example("| a | b |")
def test_markdown_shows_exactly_the_text(text: str) -> None:
    assert shown(MARKDOWN.render(text=text)) == [text]
    assert shown(f"# {MARKDOWN.render(text=text)}\n") == [text]
    assert shown(f"before\n\n{MARKDOWN.render(text=text)}\n\nafter\n") == ["before", text, "after"]


@settings(max_examples=40)
@given(DESCRIPTIONS)
@example(NASTY)
@example("{{ project_name }}")
def test_a_description_lands_literally_in_every_file_and_changes_no_code(text: str) -> None:
    files = project(text)
    plain = project("plain")
    assert tomllib.loads(files["pyproject.toml"])["project"]["description"] == text
    assert yaml.safe_load(files[".copier-answers.yml"])["description"] == text
    assert text in shown(files["README.md"])
    for path in files:
        if path.endswith(".py"):
            assert same_code(files[path], plain[path])


def same_code(one: str, other: str) -> bool:
    """Return whether two sources differ in the values of their strings at most."""

    def shape(source: str) -> list[type[ast.AST]]:
        return [type(node) for node in ast.walk(ast.parse(source))]

    return shape(one) == shape(other)


def test_files_are_sorted_end_in_a_newline_and_do_not_change() -> None:
    for answers, files in every_project():
        assert list(files) == sorted(files)
        assert files == render(answers)
        assert all(text.endswith("\n") or not text for text in files.values())


def test_files_that_only_some_projects_have() -> None:
    projects = [files for _, files in every_project()]
    every = {path for files in projects for path in files}
    # the files of a folder before the folder: they have conditions of their own beside its
    for part in sorted(options.FILE_CONDITIONS, reverse=True):
        some = {path for path in every if path == part or path.startswith(f"{part}/")}
        assert some, part
        # all of a folder or nothing of it
        assert {frozenset(some & files.keys()) for files in projects} == {
            frozenset(some),
            frozenset(),
        }
        every -= some
    assert all(path in files for files in projects for path in every)


def tiny_templates(root: Path, files: dict[str, str]) -> Renderer:
    for path, text in files.items():
        file = root / "templates/project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Renderer(root)


def test_only_files_with_the_suffix_are_templates(tmp_path: Path) -> None:
    renderer = tiny_templates(tmp_path, {"a.py.jinja": "{{ framework }}\n", "b.py": "{{ x }}\n"})
    answers = complete({"framework": "adk"})
    assert renderer.render(answers) == {"a.py": "adk\n", "b.py": "{{ x }}\n"}


def test_a_condition_is_that_of_one_file_or_folder(tmp_path: Path) -> None:
    paths = ["serving/transcript/a.py", "serving/transcript_notes.md"]
    paths += ["serving/streaming.py", "serving/streaming.py.txt"]
    renderer = tiny_templates(tmp_path, dict.fromkeys(paths, ""))
    answers = complete({"framework": "adk", "stream": False, "transcript": False})
    assert list(renderer.render(answers)) == [paths[3], paths[1]]


def test_what_tools_leave_behind_is_no_file_of_the_project(tmp_path: Path) -> None:
    renderer = tiny_templates(
        tmp_path,
        {"a.py": "", "a.pyc": "", "a.py~": "", "__pycache__/a.py": "", "d/.DS_Store": ""},
    )
    assert list(renderer.render(complete({"framework": "adk"}))) == ["a.py"]


def test_a_variable_that_nobody_defined_is_an_error(tmp_path: Path) -> None:
    renderer = tiny_templates(tmp_path, {"a.py.jinja": "{{ framwork }}"})
    with pytest.raises(jinja2.UndefinedError, match="framwork"):
        renderer.render(complete({"framework": "adk"}))


def test_the_image_runs_as_a_user_by_number_who_has_a_home() -> None:
    """AgentCore takes no name there if the image has many layers."""
    chosen = complete({"framework": "strands", "session_store": "sqlite", "container": True})
    lines = render(chosen)["Dockerfile"].splitlines()
    (user,) = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert user.isdecimal()
    (made,) = [line for line in lines if "useradd " in line]
    assert "--create-home" in made
    assert f"--uid {user} " in made
    layers = [line for line in lines if line.split(" ")[0] in ("RUN", "COPY", "ADD", "WORKDIR")]
    assert len(layers) < 10
