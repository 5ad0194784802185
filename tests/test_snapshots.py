"""Every byte of every combination is in a snapshot; `pytest --snapshot-update` rewrites them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Protocol

import pytest

from agentcore_new import snapshots
from agentcore_new.errors import Error
from agentcore_new.matrix import Project, label, render_all
from agentcore_new.options import FRAMEWORK, combinations

ROOT = Path(__file__).parents[1]
FOLDER = "snapshots"
# The tests that compare; `--snapshot-update` with the same two rewrites the snapshots.
COMPARISON = (
    "tests/test_snapshots.py::test_snapshots_are_what_is_rendered",
    "tests/test_snapshots.py::test_nothing_else_is_in_the_folder",
)
# No others than those that pyproject.toml has settings for.
PLUGINS = ("-p", "anyio.pytest_plugin", "-p", "pytest_snapshot.plugin", "-p", "xdist.plugin")
COPIED = ("copier.yml", "pyproject.toml", "src", "templates", "tests/test_snapshots.py", FOLDER)

Tree = dict[str, "bytes | Tree"]


class Snapshot(Protocol):
    """What is used of pytest-snapshot's fixture, which has no types."""

    snapshot_dir: Path

    def assert_match_dir(self, values: Tree, name: str) -> None: ...


@cache
def projects() -> tuple[Project, ...]:
    return tuple(render_all(combinations()))


@cache
def planned() -> dict[str, str]:
    return snapshots.plan(projects())


def tree(framework: str) -> Tree:
    """Return the planned snapshots of `framework` as folders in folders."""
    folders: Tree = {}
    for path, text in planned().items():
        first, *parts, name = path.split("/")
        if first == framework:
            folder = folders
            for part in parts:
                inner = folder.setdefault(part, {})
                assert isinstance(inner, dict)
                folder = inner
            folder[name] = text.encode()
    return folders


def test_snapshots_hold_every_file_of_every_combination() -> None:
    for project in projects():
        assert snapshots.restore(planned(), project.combination) == project.files


@pytest.mark.parametrize("framework", FRAMEWORK.values)
def test_snapshots_are_what_is_rendered(
    framework: str, snapshot: Snapshot, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--snapshot-update"):
        for path, text in planned().items():
            file = ROOT / FOLDER / path
            if path.startswith(f"{framework}/") and file.is_file():
                # As text first: pytest shows the lines that differ.
                assert text == file.read_bytes().decode(), f"{FOLDER}/{path} (--snapshot-update)"
    snapshot.snapshot_dir = ROOT
    snapshot.assert_match_dir(tree(framework), f"{FOLDER}/{framework}")


def test_nothing_else_is_in_the_folder(snapshot: Snapshot) -> None:
    snapshot.snapshot_dir = ROOT
    for folder in (ROOT / FOLDER).glob("*"):
        if folder.name not in FRAMEWORK.values:
            snapshot.assert_match_dir({}, f"{FOLDER}/{folder.name}")


# The plan, on made-up projects.


def made_up(**values: Sequence[str | bool]) -> list[Project]:
    """Return a project for each combination, whose one file is written by the tests."""
    return [Project(dict(zip(values, each, strict=True)), {}) for each in product(*values.values())]


def with_file(project: Project, path: str, text: str) -> Project:
    return Project(project.combination, {**project.files, path: text})


def test_names_have_the_relevant_options_in_order() -> None:
    matrix = [
        with_file(project, "model/load.py", f"{project.combination['a']}{project.combination['c']}")
        for project in made_up(framework=("x",), a=(False, True), b=("p", "q"), c=("p", "q"))
    ]
    assert snapshots.plan(matrix) == {
        "x/model/load.py/a=false,c=p.py": "Falsep",
        "x/model/load.py/a=false,c=q.py": "Falseq",
        "x/model/load.py/a=true,c=p.py": "Truep",
        "x/model/load.py/a=true,c=q.py": "Trueq",
    }


def test_an_option_is_relevant_if_it_changes_a_file_in_one_case_alone() -> None:
    matrix = [
        with_file(project, "f.txt", str(all(project.combination[name] for name in "ab")))
        for project in made_up(framework=("x",), a=(False, True), b=(False, True))
    ]
    assert snapshots.relevant_options(matrix, "f.txt") == ["a", "b"]


def test_an_option_is_relevant_if_it_leaves_a_file_out() -> None:
    matrix = [
        with_file(project, "Dockerfile", "FROM a\n") if project.combination["a"] else project
        for project in made_up(framework=("x",), a=(False, True), b=(False, True))
    ]
    assert snapshots.plan(matrix) == {"x/Dockerfile/a=true.Dockerfile": "FROM a\n"}
    for project in matrix:
        assert snapshots.restore(snapshots.plan(matrix), project.combination) == project.files


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("invocation.py", "x/invocation.py/always.py"),
        ("model/load.py", "x/model/load.py/always.py"),
        ("Dockerfile", "x/Dockerfile/always.Dockerfile"),
        (".gitignore", "x/dot_gitignore/always.gitignore"),
        (".env.example", "x/dot_env.example/always.env.example"),
        (".copier-answers.yml", "x/dot_copier-answers.yml/always.copier-answers.yml"),
        (".github/workflows/ci.yml", "x/dot_github/workflows/ci.yml/always.yml"),
    ],
)
def test_every_file_has_a_readable_name(path: str, name: str) -> None:
    (project,) = made_up(framework=("x",))
    assert snapshots.plan([with_file(project, path, "")]) == {name: ""}
    assert snapshots.parse(name) == ("x", path, ("always",))


@pytest.mark.parametrize("name", ["x", "x/always.py", "x/main.py/always.txt"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(Error, match="not the path of a snapshot"):
        snapshots.parse(name)


def test_two_snapshots_of_one_file_are_refused() -> None:
    both = {"x/main.py/always.py": "", "x/main.py/a=true.py": ""}
    with pytest.raises(Error, match=r"two snapshots of main\.py"):
        snapshots.restore(both, {"framework": "x", "a": True})


# The files, on a copy of the repository.


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    for folder in tmp_path.rglob("__pycache__"):
        shutil.rmtree(folder)
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Compare, or update, the snapshots of `copy` with its templates."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *arguments, *COMPARISON],
        cwd=copy,
        env={
            **os.environ,
            "PYTHONPATH": str(copy / "src"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def content(copy: Path) -> dict[str, bytes]:
    folder = copy / FOLDER
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_an_update_changes_what_a_template_changed_and_nothing_else(copy: Path) -> None:
    run(copy, "--snapshot-update")
    before = content(copy)
    assert before == {path: text.encode() for path, text in planned().items()}

    template = copy / "templates/project/invocation.py"
    template.write_bytes(template.read_bytes() + b"# The end.\n")
    updated = run(copy, "--snapshot-update")
    after = content(copy)
    changed = {f"{framework}/invocation.py/always.py" for framework in FRAMEWORK.values}
    assert {path for path in before if before[path] != after[path]} == changed
    assert after.keys() == before.keys()
    assert all(path in updated.stdout for path in changed)

    again = run(copy, "--snapshot-update")
    assert (again.returncode, content(copy)) == (0, after)


def test_missing_altered_extra_and_orphaned_snapshots_are_named(copy: Path) -> None:
    before = content(copy)
    folder = copy / FOLDER
    (folder / "adk/invocation.py/always.py").unlink()
    altered = folder / "openai/invocation.py/always.py"
    altered.write_bytes(altered.read_bytes().replace(b"\n", b"\r\n", 1))
    for extra in ("strands/invocation.py/stream=true.py", "crewai/main.py/always.py"):
        (folder / extra).parent.mkdir(parents=True, exist_ok=True)
        (folder / extra).write_bytes(b"")

    compared = run(copy)
    assert compared.returncode == 1
    for name in (
        "invocation.py/always.py",
        "snapshots/openai/invocation.py/always.py",
        "invocation.py/stream=true.py",
        "main.py/always.py",
        "snapshots/adk",
        "snapshots/strands",
        "snapshots/crewai",
    ):
        assert re.search(rf"^E +.*\b{re.escape(name)}\b", compared.stdout, re.MULTILINE), name
    assert "4 failed" in compared.stdout

    run(copy, "--snapshot-update")
    assert content(copy) == before


def test_every_combination_has_another_label() -> None:
    assert len({label(project.combination) for project in projects()}) == len(projects())
