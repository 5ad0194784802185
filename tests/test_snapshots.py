"""Every line of every combination is in the snapshots, once; `--snapshot-update` rewrites them."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

from agentcore_new.answers import combinations
from agentcore_new.options import FRAMEWORK, OPTIONS
from agentcore_new.review import snapshots
from agentcore_new.review.rendering import Project, render_all

ROOT = Path(__file__).parents[1]
FOLDER = "snapshots"
# The test that compares; `--snapshot-update` with the same one rewrites the snapshots.
COMPARISON = "tests/test_snapshots.py::test_snapshots_are_what_is_rendered"
# No others than those that pyproject.toml has settings for.
PLUGINS = ("-p", "anyio.pytest_plugin", "-p", "pytest_snapshot.plugin", "-p", "xdist.plugin")
COPIED = ("copier.yml", "pyproject.toml", "src", "templates", "tests/test_snapshots.py", FOLDER)
AXES = {option.name: option.values for option in OPTIONS}
MARK = re.compile(r"(#|<!--)(only|if|elif|else|end)\b")
MAX_FILES, MAX_LINES = 120, 8_000

Tree = dict[str, "bytes | Tree"]


class Snapshot(Protocol):
    """What is used of pytest-snapshot's fixture, which has no types."""

    snapshot_dir: Path

    def assert_match_dir(self, values: Tree, name: str) -> None: ...


@cache
def projects() -> tuple[Project, ...]:
    return render_all(combinations()).projects


@cache
def planned() -> dict[str, str]:
    return snapshots.plan(projects())


def test_the_snapshots_alone_give_every_file_of_every_combination() -> None:
    for project in projects():
        assert snapshots.restore(planned(), AXES, project.combination) == project.files


def test_snapshots_are_what_is_rendered(snapshot: Snapshot, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--snapshot-update"):
        for path, text in planned().items():
            file = ROOT / FOLDER / path
            if file.is_file():
                # As text first: pytest shows the lines that differ.
                assert text == file.read_bytes().decode(), f"{FOLDER}/{path} (--snapshot-update)"
    folders: Tree = {}
    for path, text in planned().items():
        *parts, name = path.split("/")
        folder = folders
        for part in parts:
            inner = folder.setdefault(part, {})
            assert isinstance(inner, dict)
            folder = inner
        folder[name] = text.encode()
    snapshot.snapshot_dir = ROOT
    snapshot.assert_match_dir(folders, FOLDER)


# They are short, and a change of a template changes as much of them.


def changed(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[list[str], list[str]]]:
    """Return the lines that each snapshot loses and gains, as git counts them."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in before.keys() | after.keys():
        old = before.get(path, "").split("\n")
        new = after.get(path, "").split("\n")
        if old != new:
            lost, gained = list[str](), list[str]()
            for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
                if tag != "equal":
                    lost += old[i:j]
                    gained += new[k:m]
            found[path] = (lost, gained)
    return found


def test_they_are_few_and_short() -> None:
    assert len(planned()) < MAX_FILES
    assert sum(text.count("\n") for text in planned().values()) < MAX_LINES


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_line_of_a_shared_template_is_a_line_of_a_snapshot(part: float, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    edited = {}
    twice = {
        line
        for text in planned().values()
        for line, times in Counter(text.split("\n")).items()
        if times > 1  # a block that some values have in other words stands once for these
    }
    for template in (tmp_path / "templates/project").rglob("*"):
        lines = template.read_text().split("\n") if template.is_file() else []
        # a line that a template has twice is two lines to those who get one of them
        plain = [
            number
            for number, line in enumerate(lines)
            if re.fullmatch(r"[^{}%#\\]{8,}", line) and lines.count(line) == 1
            if line not in twice
        ]
        if plain:
            number = plain[int(len(plain) * part)]
            lines[number] += " changed"
            template.write_text("\n".join(lines))
            path = template.relative_to(tmp_path / "templates/project").as_posix()
            edited[path.removesuffix(".jinja")] = lines[number]
    rendered = render_all(combinations(), tmp_path)
    assert not rendered.faults
    found = changed(planned(), snapshots.plan(rendered.projects))
    assert len(edited) > 20
    for path, line in edited.items():
        name = path.replace(".", "dot.", path.startswith("."))
        shared = f"{snapshots.SHARED}/{name}"
        # once, but for those files that stand once a framework
        own = [f"{snapshots.OWN}/{framework}/{name}" for framework in FRAMEWORK.values]
        places = [shared] if shared in found else [each for each in own if each in found]
        assert places, path
        for place in places:
            lost, gained = found.pop(place)
            assert (len(lost), gained) == (1, [line]), place
    assert found == {}


def test_a_new_switch_adds_its_file_and_its_row() -> None:
    row = "| `new_module.py` | what the switch adds |\n"
    module = "".join(f"value_{number} = {number}\n" for number in range(30))

    def row_added(text: str) -> str:
        table = "| File | What is in it |\n| --- | --- |\n"
        assert table in text
        return text.replace(table, table + row)

    twice = [
        Project(
            {**project.combination, "new": new},
            {
                **project.files,
                **({"new_module.py": module} if new else {}),
                "README.md": row_added(project.files["README.md"])
                if new
                else project.files["README.md"],
            },
        )
        for project in projects()
        for new in (False, True)
    ]
    found = changed(planned(), snapshots.plan(twice))
    assert found == {
        "project/new_module.py": ([], ["#only new", *module.split("\n")[:-1]]),
        "project/README.md": ([], ["<!--if new-->", row.strip(), "<!--end-->"]),
    }


@pytest.mark.parametrize("like", FRAMEWORK.values)
def test_a_new_framework_adds_its_own_lines_and_marks(like: str) -> None:
    title, own = "## Sessions\n", "A sentence that just the new framework has.\n"
    new = [
        Project(
            {**project.combination, FRAMEWORK.name: "newcomer"},
            {
                path: text.replace(title, title + own) if path == "README.md" else text
                for path, text in project.files.items()
            },
        )
        for project in projects()
        if project.combination[FRAMEWORK.name] == like
    ]
    before, after = planned(), snapshots.plan([*projects(), *new])
    # what it alone had, it shares now
    own_folder = f"{snapshots.OWN}/{like}/"
    shared = {
        path.removeprefix(own_folder): text.splitlines()
        for path, text in before.items()
        if path.startswith(own_folder) and path not in after
    }
    for path, (lost, gained) in changed(before, after).items():
        if path.removeprefix(own_folder) in shared:
            assert lost == shared[path.removeprefix(own_folder)]
        elif (name := path.removeprefix("project/")) in shared:
            assert [line for line in gained if not MARK.match(line)] == shared[name]
        elif path.startswith(f"{snapshots.OWN}/"):
            assert path.startswith(f"{snapshots.OWN}/newcomer/")
            assert lost == []
        else:
            # who has the lines of its model now has its name as well
            assert all(MARK.match(line) for line in lost), path
            others = [line for line in gained if line and not MARK.match(line)]
            assert others == ([own.strip()] if path == "project/README.md" else []), path


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
        [sys.executable, "-m", "pytest", *PLUGINS, *arguments, COMPARISON],
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

    template = copy / "templates/project/serving/invocation.py"
    template.write_bytes(template.read_bytes() + b"# The end.\n")
    updated = run(copy, "--snapshot-update")
    after = content(copy)
    assert {path for path in before if before[path] != after[path]} == {
        "project/serving/invocation.py"
    }
    assert after.keys() == before.keys()
    assert "project/serving/invocation.py" in updated.stdout

    again = run(copy, "--snapshot-update")
    assert (again.returncode, content(copy)) == (0, after)


# what is there instead of a snapshot, or beside them; each has a path of its own
DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes] | None]] = {
    "missing": ("project/serving/invocation.py", None),
    "line end": ("project/main.py", lambda before: before.replace(b"\n", b"\r\n", 1)),
    "last newline": ("project/serving/values.py", lambda before: before.removesuffix(b"\n")),
    "extra": ("project/another.py", lambda _: b""),
    "orphaned": ("frameworks/nobody/model/load.py", lambda _: b""),
    "beside": ("README.md", lambda _: b""),
}


def damage(copy: Path, name: str) -> str:
    """Do it, and return the path."""
    path, content_of = DAMAGES[name]
    file = copy / FOLDER / path
    if content_of is None:
        file.unlink()
    else:
        before = file.read_bytes() if file.exists() else b""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content_of(before))
    return path


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_not_as_rendered_is_named(copy: Path, name: str) -> None:
    path = damage(copy, name)
    compared = run(copy)
    assert compared.returncode == 1
    assert re.search(rf"^E +.*\b{re.escape(path)}\b", compared.stdout, re.MULTILINE)


def test_whatever_is_not_as_rendered_is_mended_by_an_update(copy: Path) -> None:
    before = content(copy)
    for name in DAMAGES:
        damage(copy, name)
    assert content(copy) != before
    run(copy, "--snapshot-update")
    assert content(copy) == before
