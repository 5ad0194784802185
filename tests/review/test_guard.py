"""Every combination holds, and each rule finds what it is for."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from agentcore_new.answers import combinations
from agentcore_new.errors import Error
from agentcore_new.options import FRAMEWORK
from agentcore_new.package_data import template_root
from agentcore_new.render import render
from agentcore_new.review.code_tools import code_faults
from agentcore_new.review.faults import Fault, label
from agentcore_new.review.guard import examine, faults_of_texts
from agentcore_new.review.optional_tools import require
from agentcore_new.review.rendering import Project, chosen, render_all

PYPROJECT = '[tool.ruff]\nline-length = 60\n\n[tool.ruff.lint]\nselect = ["E", "F", "I"]\n'


def found(files: Mapping[str, str]) -> list[str]:
    """Return path and rule of each fault of a project with these files."""
    return [
        f"{fault.path}: {fault.rule}" for fault in faults({"pyproject.toml": PYPROJECT, **files})
    ]


def faults(*projects: Mapping[str, str]) -> list[Fault]:
    """Return the faults of single files of projects with these files."""
    owners: dict[tuple[str, str], Project] = {}
    for number, files in enumerate(projects):
        for item in files.items():
            owners.setdefault(item, Project({"number": str(number)}, files))
    found = [*faults_of_texts(owners), *code_faults(owners)]
    return sorted(found, key=lambda fault: fault.path)


def test_every_combination_holds() -> None:
    rendered = render_all(combinations())
    report = examine(rendered.projects, rendered.faults)
    assert [str(fault) for fault in report.faults] == []
    assert report.combinations == len(list(combinations()))
    files = {item for project in rendered.projects for item in project.files.items()}
    assert report.distinct_files == len(files) > len(rendered.projects)


def test_what_is_rendered_once_for_many_is_what_each_would_get() -> None:
    for answers, project in zip(combinations(), render_all(combinations()).projects, strict=True):
        assert project == Project(chosen(answers), render(answers))


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("a.md", "text", "newline"),
        ("a.md", "text\r\n", "newline"),
        ("a.md", "\ntext\n", "blank-lines"),
        ("a.md", "text\n\n", "blank-lines"),
        ("a.md", "text\n\n\ntext\n", "blank-lines"),
        ("a.md", "text \ntext\n", "trailing-blanks"),
        ("a.md", "text\n\t\ntext\n", "trailing-blanks"),
        ("a.md", "", "empty"),
        ("a.md", "{{ name }}\n", "jinja"),
        ("a.md", "{%- if x %}\n", "jinja"),
        ("a.md", "{# note #}\n", "jinja"),
        ("a.md", "name }}\n", "jinja"),
        ("a.md", "endif -%}\n", "jinja"),
        ("a.md", f"see {template_root()}/a\n", "machine-path"),
        ("a.toml", "a = \n", "toml"),
        ("a.yml", "a: [\n", "yaml"),
        ("a.yaml", "text\n", "yaml"),
        ("a.json", "{,}\n", "json"),
        ("Dockerfile", "RUN a\nFROM b\nCMD c\n", "dockerfile"),
        ("Dockerfile", "FROM b\nINSTALL c\nCMD c\n", "dockerfile"),
        ("Dockerfile", "FROM b\n", "dockerfile"),
        (".env.example", "KEY\n", "env"),
        (".env.example", "key=1\n", "env"),
        (".gitignore", "a b\n", "ignore"),
        (".dockerignore", "a\na\n", "ignore"),
        ("a.py", "x = 1\n\n\n\ny = 1\n", "ruff format unformatted"),
        ("a.py", "x = {  }\n", "ruff format unformatted"),
        ("a.py", "import os\n", "ruff check F401"),
        ("a.py", f"x = {'1' * 60}\n", "ruff check E501"),
        ("a.py", "x = 1 is 1\n", "py_compile"),
        ("a.py", 'x = "\\d"\n', "py_compile"),
        ("a.py", "def f(:\n", "py_compile"),
    ],
)
def test_a_fault_is_found(path: str, text: str, rule: str) -> None:
    assert f"{path}: {rule}" in found({path: text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", ""),
        ("a.py", 'x = {1: {2: {3: 4}}}\n\n\ny = f"{x:.0%}"\n'),
        ("a.md", '# Title\n\n`curl -d \'{"a": {"b": 1}}\'`\n'),
        ("Dockerfile", '# Why.\nARG a=1\nFROM b\nRUN c \\\n    # Why.\n    && d\nCMD ["e"]\n'),
        (".env.example", "# Why.\nKEY=\n# OTHER=1\nPORT=8080\n"),
        (".gitignore", "# Why.\n__pycache__/\n\n.venv/\n"),
    ],
)
def test_what_is_right_has_no_fault(path: str, text: str) -> None:
    assert found({path: text}) == []


def test_modules_of_the_project_are_first_party() -> None:
    sorted_so = "import abc_of_others\n\nimport model\n\nprint(abc_of_others, model)\n"
    assert found({"main.py": sorted_so, "model.py": ""}) == []
    assert found({"main.py": sorted_so}) == ["main.py: ruff check I001"]


def test_each_project_has_its_own_settings() -> None:
    files = {"a.py": f"x = {'1' * 60}\n"}
    narrow = {"pyproject.toml": PYPROJECT, **files}
    wide = {"pyproject.toml": PYPROJECT.replace("60", "90"), **files}
    assert len(faults(narrow)) == 1
    assert faults(wide) == []


def test_a_text_of_many_combinations_is_checked_once() -> None:
    files = {"pyproject.toml": PYPROJECT, "main.py": "import os\n", "a.md": "{{ x }}\n"}
    projects = [Project({"number": str(number)}, files) for number in range(3)]
    other = Project({"number": "3"}, {**files, "b.py": "", "a.md": "text\n"})
    report = examine([*projects, other])
    assert (report.combinations, report.distinct_files) == (4, 5)
    assert [str(fault) for fault in report.faults] == [
        "a.md [number=0] jinja: line 1: {{ x }}",
        "b.py [number=3] unused: nothing imports or runs it",
        "main.py [number=0] ruff check F401: line 1: `os` imported but unused",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n{{ nobody }}\n", "line 2: 'nobody' is undefined"),
        ("{% if stream %}\n{{ nobody }}\n{% endif %}\n", "line 2: 'nobody' is undefined"),
        ("{% if %}\n", "line 1: Expected an expression, got 'end of statement block'"),
        ("{% include 'nothing' %}\n", "line 1: 'nothing' not found in search path: "),
    ],
)
def test_a_template_that_fails_is_a_fault_of_the_template(
    text: str, message: str, tmp_path: Path
) -> None:
    path = "templates/project/notes.md.jinja"
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    (fault,) = render_all(combinations(), tmp_path).faults
    assert (fault.path, fault.rule) == (path, "render")
    assert fault.message.partition("'/")[0] == message
    assert label(fault.combination) in {label(chosen(each)) for each in combinations()}


def test_each_text_is_rendered_once_for_the_values_that_it_depends_on(tmp_path: Path) -> None:
    folder = tmp_path / "templates/project"
    folder.mkdir(parents=True)
    (folder / "one.md.jinja").write_text(
        "text {% if stream %}{% include 'templates/' ~ framework %}{% endif %}\n"
    )
    for framework in FRAMEWORK.values:
        (tmp_path / f"templates/{framework}").write_text(f"{framework} {{{{ container }}}}\n")
    texts: dict[str, set[int]] = {}
    for project in render_all(combinations(), tmp_path).projects:
        texts.setdefault(project.files["one.md"], set()).add(id(project.files["one.md"]))
    assert all(len(objects) == 1 for objects in texts.values())
    assert len(texts) == 1 + 2 * len(FRAMEWORK.values)


@pytest.mark.parametrize(("module", "tool"), [("ruff", "ruff"), ("yaml", "PyYAML")])
def test_a_missing_tool_is_named(module: str, tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else find_spec(name)
    )
    with pytest.raises(Error, match=f"{tool} is not installed"):
        faults({"a.py": "", "a.yml": "a: 1\n"})


def test_the_missing_tool_can_be_installed() -> None:
    with pytest.raises(Error) as refused:
        require("no_such_module", "nothing")
    assert "pip install 'agentcore-new[test]'" in refused.value.hint


def test_a_fault_is_one_line() -> None:
    fault = Fault("a.py", {"framework": "x", "stream": True}, "py_compile", "two\n  lines")
    assert str(fault) == "a.py [framework=x,stream=true] py_compile: two lines"
