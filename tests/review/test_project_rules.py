"""The rules across files find what is missing, and nothing in a project that has all of it."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from agentcore_new.answers import combinations, complete
from agentcore_new.options import FRAMEWORK, OPTIONS
from agentcore_new.render import render
from agentcore_new.review.project_rules import findings

PROJECT = {
    ".env.example": "# The port.\n# PORT=8080\n\nAWS_REGION=\n",
    "Dockerfile": (
        "FROM python:3.13-slim\nENV PORT=8080 \\\n    PYTHONUNBUFFERED=1\n"
        "COPY --chown=a pyproject.toml README.md ./\nRUN pip install '.[fast]'\n"
        'COPY . .\nCMD ["python", "main.py"]\n'
    ),
    "README.md": "# An agent\n\nIt starts in `main.py`.\n",
    "main.py": (
        "import os\n\nimport boto3\n\nimport tools\nfrom model import load\n\n"
        'PORT = int(os.environ["PORT"])\nprint(boto3, tools.add_numbers(PORT, 1), load.Model())\n'
    ),
    "model/__init__.py": "",
    "model/load.py": "class Model:\n    size = 1\n",
    "pyproject.toml": (
        '[project]\nname = "my-agent"\nreadme = "README.md"\n\n'
        '[project.optional-dependencies]\nfast = ["orjson"]\ntest = ["pytest"]\n\n'
        '[dependency-groups]\ndev = ["my-agent[test]"]\n\n'
        '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n\n'
        '[tool.ruff.lint.per-file-ignores]\n"tests/*" = ["S101"]\n"*.pyi" = ["A"]\n'
    ),
    "tests/__init__.py": "",
    "tests/client.py": "import main\n\n\ndef ask():\n    return main.PORT\n",
    "tests/conftest.py": "import pytest\n",
    "tests/test_main.py": "from . import client\n\n\ndef test_it():\n    client.ask()\n",
    "tools.py": "def add_numbers(a, b):\n    return a + b\n",
}


def found(files: Mapping[str, str]) -> list[str]:
    """What is found, each as one text."""
    return [": ".join(finding) for finding in findings(files)]


def changed(changes: Mapping[str, str | None]) -> dict[str, str]:
    """The project with other texts; None stands for a file that is not there."""
    return {path: text for path, text in {**PROJECT, **changes}.items() if text is not None}


def with_more(**texts: str) -> dict[str, str]:
    """The project with more text at the end of some files, their dots written as `_`."""
    paths = {path.replace(".", "_").lstrip("_").lower(): path for path in PROJECT}
    return PROJECT | {paths[name]: PROJECT[paths[name]] + text for name, text in texts.items()}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "import invocation\n",
            "invocation is no module of the project, nor of what it depends on",
        ),
        (
            "def f():\n    import a.b.c\n",
            "a is no module of the project, nor of what it depends on",
        ),
        ("import model.credentials\n", "there is no module model.credentials"),
        ("from model.credentials import key\n", "there is no module model.credentials"),
        ("from model import credentials\n", "model has no credentials"),
        ("from model.load import Modell\n", "model.load has no Modell"),
        ("from model.load import size\n", "model.load has no size"),
        ("if TYPE_CHECKING:\n    from tools import Tool\n", "tools has no Tool"),
        (
            "try:\n    from tools import more\nexcept ImportError:\n    more = None\n",
            "tools has no more",
        ),
        ("tools.gone()\n", "tools has no gone"),
        ("def f():\n    return [load.gone for _ in ()]\n", "model.load has no gone"),
        ("import model.load as other\nother.gone\n", "model.load has no gone"),
        ("import model.load\nmodel.load.gone\n", "model.load has no gone"),
        ("def f():\n    import tools as t\n    t.gone\n", "tools has no gone"),
        ("class C:\n    tools = 1\n    def f(self):\n        tools.gone\n", "tools has no gone"),
        ("patch.setattr(tools, 'gone', 1)\n", "tools has no gone"),
        ("getattr(tools, 'gone')\n", "tools has no gone"),
        ("from . import tools\n", ". is no module of the project"),
        ("from ..model import load\n", "..model is no module of the project"),
    ],
)
def test_an_import_that_finds_nothing_is_a_fault(code: str, why: str) -> None:
    (fault,) = found(with_more(main_py=code))
    assert fault.startswith("main.py: import: line ")
    assert why in fault


@pytest.mark.parametrize(
    "code",
    [
        "import sqlite3, xml.dom.minidom\nfrom google.adk import gone\n",
        "import cffi, _cffi_backend, langchain_core.language_models\n",
        "import model.load\nmodel.load.Model.gone\n",
        "from model import *\n",
        "tools.__name__\n",
        "tools.add_numbers.gone\n",
        "tools.new = 1\n",
        "getattr(tools, 'gone', None)\nsetattr(tools, 'gone', 1)\n",
        "patch.setattr(tools, 'gone', 1, raising=False)\n",
        "def f(tools):\n    tools.gone\n",
        "def f():\n    for tools in ():\n        tools.gone\n",
        "[tools.gone for tools in ()]\n",
        "(lambda tools: tools.gone)\n",
        "def f():\n    tools = 1\n    def g():\n        tools.gone\n",
        "def f():\n    global tools\n    tools = 1\n    tools.gone\ntools.gone\n",
        "match 1:\n    case tools:\n        tools.gone\n",
        "tools = None\ntools.gone\n",
        "main.gone\n",
    ],
)
def test_an_import_that_finds_what_it_takes_is_right(code: str) -> None:
    assert found(with_more(main_py=code)) == []


@pytest.mark.parametrize(
    ("definition", "is_there"),
    [
        ("x = 1", True),
        ("x: int = 1", True),
        ("x: int", False),
        ("(a, [x, *b]) = 1, [2]", True),
        ("with open('a') as x: pass", True),
        ("for x in (): pass", True),
        ("if 1:\n    pass\nelse:\n    x = 1", True),
        ("try:\n    pass\nexcept ValueError:\n    def x(): pass", True),
        ("try:\n    pass\nexcept ValueError as x:\n    pass", False),
        ("async def x(): pass", True),
        ("class x: pass", True),
        ("import a.b as x", True),
        ("import json as y, os.path as x", True),
        ("if (x := 1): pass", True),
        ("def f():\n    global x\n    x = 1", True),
        ("def f():\n    x = 1", False),
        ("class C:\n    x = 1", False),
        ("y = [x for x in ()]", False),
        ("def __getattr__(name): pass", False),
        ("from json import *", True),
    ],
)
def test_a_name_is_there_if_it_is_at_top_level(definition: str, is_there: bool) -> None:
    files = with_more(tools_py=f"{definition.replace('a.b', 'os.path')}\n")
    files["main.py"] += "from tools import x\n"
    assert (found(files) == []) is is_there


def test_a_relative_import_is_of_the_package() -> None:
    files = PROJECT | {"tests/more/__init__.py": "", "tests/more/test_more.py": ""}
    files["tests/more/test_more.py"] = "from . import client\nfrom ..client import gone\n"
    assert found(files) == [
        "tests/more/test_more.py: import: line 1: tests.more has no client",
        "tests/more/test_more.py: import: line 2: tests.client has no gone",
    ]


def test_a_package_without_init_is_a_fault() -> None:
    assert found(changed({"model/__init__.py": None})) == [
        "main.py: import: line 6: there is no module model"
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"more.py": ""}, "more.py: unused: nothing imports or runs it"),
        ({"model/more.py": ""}, "model/more.py: unused: nothing imports or runs it"),
        ({"tests/more.py": ""}, "tests/more.py: unused: nothing imports or runs it"),
        ({"more/__init__.py": ""}, "more/__init__.py: unused: nothing imports or runs it"),
        (
            {"more.py": "", "tests/conftest.py": "import more\n"},
            "more.py: unused: only tests import it",
        ),
        (
            {"more.py": "", "tests/test_main.py": "from tests import client\nimport more\n"},
            "more.py: unused: only tests import it",
        ),
    ],
)
def test_a_module_that_nobody_uses_is_a_fault(
    changes: Mapping[str, str | None], fault: str
) -> None:
    assert found(changed(changes)) == [fault]


@pytest.mark.parametrize(
    "changes",
    [
        {"model/load.py": "from . import more\nModel = more.A\n", "model/more.py": "A = 1\n"},
        {"model/load.py": "from .more import A as Model\n", "model/more.py": "A = 1\n"},
        {"more.py": "", "tools.py": "def add_numbers(): import more\n"},
        {"more.py": "", "README.md": "```sh\nuv run more.py\n```\n"},
        {"more.py": "", "README.md": "```sh\n.venv/bin/python -m more\n```\n"},
        {"more.py": "", "ci.yml": "run: python more.py\n"},
        {"more.py": "", "Dockerfile": 'FROM a\nCMD ["python", "-m", "more"]\n'},
        {
            "tests/more/__init__.py": "",
            "tests/more/test_more.py": "from .. import client\nfrom ..client import ask\n",
        },
        {"tests/more/__init__.py": "", "tests/more/test_more.py": "import main\n"},
    ],
)
def test_a_module_that_is_imported_or_run_is_used(changes: Mapping[str, str]) -> None:
    assert found({**PROJECT, **changes}) == []


def test_where_everything_starts_is_there() -> None:
    faults = found(changed({"main.py": None}))
    assert "main.py: unused: there is no main.py, where everything starts" in faults
    assert "Dockerfile: file: there is no main.py" in faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("`gone.py`", "file: there is no gone.py"),
        ("`./gone.py`", "file: there is no gone.py"),
        ("a \\` and `gone.py`", "file: there is no gone.py"),
        ("a ` and\n\n`gone.py`", "file: there is no gone.py"),
        ("`PORT` in `gone.py`", "file: there is no gone.py"),
        ("`gone/`", "file: there is no gone"),
        ("`.gone`", "file: there is no .gone"),
        ("`Makefile`", "file: there is no Makefile"),
        ("[this](docs/gone.md#part)", "file: there is no docs/gone.md"),
        ("![this](gone.png)", "file: there is no gone.png"),
        ("```sh\nAWS_REGION=x uv run gone.py\n```", "file: there is no gone.py"),
        ("```sh\ncurl -d @gone.json http://x/y.py\n```", "file: there is no gone.json"),
        ("```sh\nGONE=1 uv run main.py\n```", "variable: nothing reads GONE"),
        ("set `GONE=1`", "variable: nothing reads GONE"),
        ("`GONE`", "name: no Python file has GONE"),
        ("`gone_name`", "name: no Python file has gone_name"),
        ("`GoneName`", "name: no Python file has GoneName"),
        ("`gone()`", "name: no Python file has gone"),
        ('`gone(a="b").c`', "name: no Python file has gone"),
        ('`"gone"`', "name: no Python file has gone"),
        ("`PORT` in `tools.py`", "name: PORT is not in tools.py"),
        ("`gone_name` in `tools.py`", "name: gone_name is not in tools.py"),
        ("`add_numbers(1)` in\n`model/`", "name: add_numbers is not in model"),
        ("`uv sync --extra gone`", "extra: there is no extra gone"),
        ("```sh\npip install '.[test,gone]'\n```", "extra: there is no extra gone"),
        ("```sh\npython -m gone.part\n```", "module: there is no module gone.part"),
    ],
)
def test_what_the_readme_names_and_is_not_there_is_a_fault(text: str, fault: str) -> None:
    for place in ("{}\n", "\n## Part\n\n{}\n\n## Other\n\n`main.py`\n"):
        assert found(with_more(readme_md=place.format(text))) == [f"README.md: {fault}"]


@pytest.mark.parametrize(
    "text",
    [
        "`main.py`, `model/`, `model/load.py`, `./tools.py`, `.env.example`, `Dockerfile`",
        "`.env`, `.venv/`, `cp .env.example .env`",
        "[this](model/load.py), [there](https://a.b/gone.py), [part](#gone), [root](/gone)",
        "`PORT`, `PORT` in `main.py`, `Model` in `model/`, `size` in `model/load.py`",
        "`AWS_PROFILE`, `add_numbers(1, 2)`, `Model`, `size`, `interrupt`, `Command(resume=1)`",
        "`GET /gone`, `.py`, `1.5`, `linux/arm64`, `uv run pytest` in `tests/`",
        "```sh\npython3 -m venv .venv\n.venv/bin/pip install '.[test]'\npython -m pytest\n```",
        "```sh\ncc -DGONE=1\nPORT=1 uv sync --extra test --extra=fast\ncurl $GONE_URL/a.py\n```",
        "```text\n## `gone.py`\n```",
        "\\`gone.py\\`, gone.py, GONE, `` a`gone.py `` and `sqlite:///gone.db`",
    ],
)
def test_what_the_readme_names_and_is_there_is_right(text: str) -> None:
    assert found(with_more(readme_md=f"\n## Part\n\n{text}\n")) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        ("pyproject.toml", '"README.md"', '"R.md"', "file: there is no R.md"),
        ("pyproject.toml", '"README.md"', '{file = "R.md"}', "file: there is no R.md"),
        ("pyproject.toml", '["tests"]', '["test"]', "file: there is no test"),
        ("pyproject.toml", '["."]', '["src"]', "file: there is no src"),
        ("pyproject.toml", '"tests/*"', '"test/**/*.py"', "file: there is no test"),
        ("pyproject.toml", '["orjson"]', '["my-agent[gone]"]', "extra: there is no extra gone"),
        ("pyproject.toml", "agent[test]", "agent[dev]", "extra: there is no extra dev"),
        (
            "pyproject.toml",
            "[tool.ruff.lint.per-file-ignores]",
            '[tool.ruff.lint.isort]\nknown-first-party = ["gone"]\n'
            "[tool.ruff.lint.per-file-ignores]",
            "module: there is no module gone",
        ),
        ("Dockerfile", "README.md ./", "gone.md ./", "file: there is no gone.md"),
        ("Dockerfile", "COPY . .", "COPY gone/ /app/", "file: there is no gone"),
        ("Dockerfile", "COPY . .", 'COPY ["gone", "x"]', "file: there is no gone"),
        ("Dockerfile", '"main.py"', '"gone.py"', "file: there is no gone.py"),
        ("Dockerfile", '"main.py"', '"-m", "gone"', "module: there is no module gone"),
        ("Dockerfile", "[fast]", "[gone]", "extra: there is no extra gone"),
        ("Dockerfile", "ENV PORT", "ENV GONE", "variable: nothing reads GONE"),
        ("Dockerfile", "PYTHON", "# Of us\n    GONE_", "variable: nothing reads GONE_UNBUFFERED"),
        (".env.example", "# PORT", "# GONE", "variable: nothing reads GONE"),
        (".env.example", "AWS_REGION", "GONE", "variable: nothing reads GONE"),
    ],
)
def test_what_other_files_name_is_there(path: str, old: str, new: str, fault: str) -> None:
    assert old in PROJECT[path]
    faults = found(changed({path: PROJECT[path].replace(old, new)}))
    assert faults == [f"{path}: {fault}"]


def test_what_other_files_take_from_elsewhere_is_not_missing() -> None:
    docker = (
        "FROM a AS b\nFROM a\nCOPY --from=b gone ./\nCOPY *.gone ./\n# COPY gone.py .\n"
        "ADD https://a.b/gone.py ./\nRUN python -m compileall . && pip install .[fast]\n"
        "CMD python main.py\n"
    )
    toml = PROJECT["pyproject.toml"].replace(
        'fast = ["orjson"]', 'fast = [\n"orjson[gone]",\n]\nall = ["my-agent[fast,test]"]'
    )
    nested = "[tool.own]\nrows = [\n[1],\n[2],\n]\n"
    assert found(changed({"Dockerfile": docker, "pyproject.toml": toml + nested})) == []


def test_a_variable_that_only_a_test_sets_is_read_by_nobody() -> None:
    files = changed({"tests/conftest.py": 'import os\n\nos.environ["GONE"] = "1"\n'})
    files[".env.example"] = "GONE=\n"
    assert found(files) == [".env.example: variable: nothing reads GONE"]


def test_a_variable_that_a_compose_file_takes_is_read() -> None:
    named = PROJECT["README.md"] + "\n```sh\nSECRET=… docker compose up\n```\n"
    for text, faults in (
        ("services: {db: {environment: {SECRET: '${SECRET:?is needed}'}}}\n", []),
        ("services: {db: {environment: {SECRET: SECRET}}}\n", ["SECRET"]),
    ):
        missing = found(changed({"README.md": named, "compose.yaml": text}))
        assert missing == [f"README.md: variable: nothing reads {name}" for name in faults]


def test_what_cannot_be_read_has_other_rules() -> None:
    assert found({}) == []
    assert found(changed({"tools.py": "def\n", "pyproject.toml": "[\n", "Dockerfile": None})) == []


# The templates as they are.


SWITCHES = {option.name: True for option in OPTIONS if not option.choices}


def whole_projects() -> Iterator[tuple[str, dict[str, str]]]:
    """For each framework, the project with all that can be switched on."""
    for framework in FRAMEWORK.values:
        yield str(framework), render(complete({"framework": framework, **SWITCHES}))


def modules(files: Mapping[str, str]) -> dict[str, str]:
    """The path of each module."""
    python = (path for path in files if path.endswith(".py"))
    return {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in python
    }


def taken(text: str) -> Iterator[tuple[str, str]]:
    """What a file takes from modules: `from model import credentials` and `credentials.key()`."""
    tree = ast.parse(text)
    of_import = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                of_import[alias.name] = f"{node.module}.{alias.name}"
                yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base = ast.unparse(node.value)
            yield of_import.get(base, base), node.attr


def test_every_combination_has_no_finding() -> None:
    faults = {fault for answers in combinations() for fault in found(render(answers))}
    assert faults == set()


def test_a_module_less_is_found() -> None:
    for framework, files in whole_projects():
        # pytest finds its own files by their names, and nothing else names them.
        needed = [path for path in modules(files).values() if "/test_" not in path]
        for path in needed:
            if path != "tests/conftest.py":
                rest = {other: text for other, text in files.items() if other != path}
                assert found(rest), (framework, path)


def test_a_function_that_has_another_name_is_found() -> None:
    for framework, files in whole_projects():
        places = modules(files)
        used = {
            (places[module], name)
            for path in places.values()
            for module, name in taken(files[path])
            if module in places and places[module] != path
        }
        renamed = 0
        for path, name in used:
            text = files[path].replace(f"\ndef {name}(", f"\ndef {name}_(")
            text = text.replace(f"\nasync def {name}(", f"\nasync def {name}_(")
            if text != files[path]:
                renamed += 1
                assert found(files | {path: text}), (framework, path, name)
        assert renamed > 20


def test_a_module_more_is_found() -> None:
    for framework, files in whole_projects():
        for module in modules(files).values():
            path = f"{module.rpartition('/')[0]}/more.py".lstrip("/")
            faults = found(files | {path: "X = 1\n"})
            assert faults == [f"{path}: unused: nothing imports or runs it"], framework


def test_a_file_that_others_name_is_found_missing() -> None:
    for framework, files in whole_projects():
        for path in ("README.md", "pyproject.toml", ".env.example", "Dockerfile"):
            rest = {other: text for other, text in files.items() if other != path}
            assert any(f"file: there is no {path}" in fault for fault in found(rest)), framework


def test_a_variable_that_has_another_name_is_found() -> None:
    for framework, files in whole_projects():
        code = {path: files[path] for path in modules(files).values() if "tests/" not in path}
        variables = re.findall(r"^(?:# )?([A-Z_]+)=", files[".env.example"], re.MULTILINE)
        assert len(variables) > 4
        for variable in variables:
            if not variable.startswith("AWS_"):  # libraries read these
                other = {
                    path: text.replace(f'"{variable}"', '"OTHER"') for path, text in code.items()
                }
                fault = f".env.example: variable: nothing reads {variable}"
                assert fault in found({**files, **other}), framework


def test_a_constant_that_moved_is_found() -> None:
    for framework, files in whole_projects():
        limits = files["README.md"].partition("## Limits")[2].partition("\n## ")[0]
        rows = [line.split("`") for line in limits.splitlines() if " in `" in line]
        assert len(rows) > 10
        for _, name, _, path, _ in rows:
            texts = files | {path: files[path].replace(name, f"{name}_")}
            assert f"README.md: name: {name} is not in {path}" in found(texts), (framework, name)
