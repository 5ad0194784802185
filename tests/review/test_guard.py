"""Every combination holds, and each rule finds what it is for."""

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jinja2
import pytest

from agentcore_new.answers import Answers, combinations
from agentcore_new.errors import Error
from agentcore_new.options import OPTIONS
from agentcore_new.package_data import template_root
from agentcore_new.review.guard import examine
from agentcore_new.review.rendering import Project, render_all

PYPROJECT = '[tool.ruff]\nline-length = 60\n\n[tool.ruff.lint]\nselect = ["E", "F", "I"]\n'


def found(files: Mapping[str, str]) -> list[str]:
    """Return path and rule of each fault of a project with these files."""
    report = examine([Project({"framework": "x"}, {"pyproject.toml": PYPROJECT, **files})])
    return [f"{fault.path}: {fault.rule}" for fault in report.faults]


def test_every_combination_holds() -> None:
    report = check(combinations())
    assert str(report).splitlines()[:-1] == []
    assert report.combinations == len(list(combinations()))
    assert report.distinct_files > 0


def test_every_option_is_in_a_combination() -> None:
    for option in OPTIONS:
        assert {combo[option.name] for combo in combinations()} == set(option.values)


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
    narrow = Project({"width": "60"}, {"pyproject.toml": PYPROJECT, **files})
    wide = Project({"width": "90"}, {"pyproject.toml": PYPROJECT.replace("60", "90"), **files})
    assert len(examine([narrow]).faults) == 1
    assert examine([wide]).faults == ()


def test_a_text_of_many_combinations_is_checked_once() -> None:
    files = {"pyproject.toml": PYPROJECT, "a.py": "import os\n", "a.md": "{{ x }}\n"}
    projects = [Project({"number": str(number)}, files) for number in range(3)]
    other = Project({"number": "3"}, {**files, "b.py": "", "a.md": "text\n"})
    report = examine([*projects, other])
    assert (report.combinations, report.distinct_files) == (4, 5)
    assert [str(fault) for fault in report.faults] == [
        "a.md [number=0] jinja: line 1: {{ x }}",
        "a.py [number=0] ruff check F401: line 1: `os` imported but unused",
    ]


def test_a_template_that_fails_is_a_fault_of_the_template() -> None:
    def fail(_answers: Answers) -> dict[str, str]:
        raise jinja2.UndefinedError("'x' is undefined")

    def fail_to_parse(_answers: Answers) -> dict[str, str]:
        raise jinja2.TemplateSyntaxError("unexpected end", lineno=3, name="main.py.jinja")

    report = check(combinations(), fail)
    (fault,) = report.faults
    assert (fault.rule, fault.message) == ("render", "'x' is undefined")
    assert report.combinations == len(list(combinations()))
    (fault,) = check(combinations(), fail_to_parse).faults
    assert (fault.path, fault.message) == ("main.py.jinja", "line 3: unexpected end")


def test_a_failure_names_the_template_and_its_line() -> None:
    path = Path(template_root(), "templates/project/main.py.jinja")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    code = environment.compile("text\n{{ x }}\n", name="main.py.jinja", filename=str(path))
    template = jinja2.Template.from_code(environment, code, {})

    report = check(combinations(), lambda _answers: {"main.py": template.render()})
    (fault,) = report.faults
    assert (fault.path, fault.message) == (
        "templates/project/main.py.jinja",
        "line 2: 'x' is undefined",
    )


@pytest.mark.parametrize(("module", "tool"), [("ruff", "ruff"), ("yaml", "PyYAML")])
def test_a_missing_tool_is_named(
    module: str, tool: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else find_spec(name)
    )
    with pytest.raises(Error, match=f"{tool} is not installed"):
        examine([Project({}, {"a.py": "", "a.yml": "a: 1\n"})])
    assert matrix.main() == 1
    assert "pip install 'agentcore-new[test]'" in capsys.readouterr().err


def test_the_command_prints_the_count() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agentcore_new.review.matrix"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = check(combinations())
    assert (done.stdout, done.stderr) == (f"{report}\n", "")
    assert done.stdout.endswith(f"combinations, {report.distinct_files} distinct files\n")
    assert done.returncode == 0


def test_the_command_fails_with_a_line_for_each_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = matrix.Fault("a.py", {"framework": "x", "stream": True}, "py_compile", "two\n  lines")
    monkeypatch.setattr(matrix, "check", lambda _combos: Report(2, 3, (fault,)))
    assert matrix.main() == 1
    assert capsys.readouterr().out == (
        "a.py [framework=x,stream=true] py_compile: two lines\n2 combinations, 3 distinct files\n"
    )
