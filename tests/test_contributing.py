"""CONTRIBUTING is true: who follows its steps, and nothing else, has a framework or an option.

The edits are here, the commands are those of the document. No line of `tests/` is touched but for
the lists of versions, which a command writes.
"""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest
import uv

from agentcore_new.options import FRAMEWORKS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# asked now: tests have a home folder of their own, and must not download everything anew
UV_CACHE = subprocess.check_output([uv.find_uv_bin(), "cache", "dir"], text=True).strip()
LIKE, NAME, TITLE = FRAMEWORKS[0], "crewlike", "Crewlike"
OPTIONS, README = "src/agentcore_new/options.py", "README.md"
TOOLS, PROJECT_README = (
    "templates/project/serving/tools.py.jinja",
    "templates/project/README.md.jinja",
)
MODULE = '''"""Says in the log what the agent can do."""

import logging

logger = logging.getLogger(__name__)


def announce(tool: object) -> None:
    """Log a tool."""
    logger.info("The agent has %s", tool)
'''
# What of the fast tests is left out, which takes two thirds of their time: it sees one project, or
# none, or the command at work on a fault that has nothing to do with what there is to choose from.
# That none of it knows what there is has a test of its own.
OTHERS = (
    "tests/dev/test_front.py",
    "tests/dev/test_healing.py",
    "tests/dev/test_hosting.py",
    "tests/dev/test_invoke.py",
    "tests/dev/test_machines.py",
    "tests/dev/test_markdown.py",
    "tests/dev/test_odd_agents.py",
    "tests/dev/test_on_a_terminal.py",
    "tests/dev/test_page.py",
    "tests/dev/test_project.py",
    "tests/dev/test_reading.py",
    "tests/dev/test_run.py",
    "tests/dev/test_screen.py",
    "tests/dev/test_turns.py",
    "tests/dev/test_watching.py",
    "tests/machinery",
    "tests/packages",
    "tests/session_cache",
    "tests/store",
    "tests/test_fake_memory.py",
    "tests/test_loops.py",
    "tests/transcript",
    "tests/review/test_check.py",
    "tests/review/test_on_a_terminal.py",
    "tests/updating/test_command.py",
    "tests/updating/test_kills.py",
    "tests/updating/test_on_unix.py",
)
# those that need the commits of releases, which a copy of the files has not
RELEASES = ("tests/updating/test_history.py", "tests/updating/test_copier_projects.py")
# the wheel is compared with the checkout, whatever there is in both
WHEEL = "tests/test_wheel.py"
CATALOGUE = (
    "agentcore_new.options",
    "agentcore_new.catalogue",
    "agentcore_new.answers.combinations",
)
# each runs pytest or the command many times, on what is not as rendered or has changed
WITHIN = (
    "tests/test_snapshots.py::test_an_update_changes_what_a_template_changed_and_nothing_else",
    "tests/test_snapshots.py::test_what_is_not_as_rendered_is_named",
    "tests/test_snapshots.py::test_whatever_is_not_as_rendered_is_mended_by_an_update",
    "tests/review/test_copier_file.py::test_a_copier_yml_that_is_not_as_generated_is_shown_and_written",
    "tests/review/test_diff.py::test_text_shows_each_line_once",
    "tests/review/test_diff.py::test_a_branch_of_its_own_is_told_what_to_name",
)
# the new one is a copy, which no framework may be
COPIED = "tests/test_two_halves.py::test_no_framework_has_code_of_another"
# of the contract, what takes no more than a minute for one project
MODULES = " ".join(
    f"tests/contract/test_{name}.py" for name in ("recall", "identity", "failures", "streaming")
)
LONG = ("test_the_last_hundred_turns_are_kept", "test_turns_without_a_session_evict_nobody")
MAX_OTHER_LINES = 20
MARK = re.compile(r"(#|<!--)(only|if|elif|else|end)\b")


def body(section: str) -> str:
    """The text of a section."""
    return TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]


def commands(section: str) -> list[str]:
    """The commands in the blocks of a section."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", body(section), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def unnamed(section: str, paths: list[str]) -> list[str]:
    """Those of the paths that a section names neither themselves nor by a folder above."""
    places = re.findall(r"`([\w./]+)`", body(section))
    return [
        path
        for path in paths
        if not any(
            path == place or (place[-1] == "/" and path.startswith(place)) for place in places
        )
    ]


def named_files() -> list[Path]:
    """What the table of folders names: each folder, and in its text what is in it."""
    found = []
    for folder, text in re.findall(r"^\| `(\S+/)` \| (.*) \|$", TEXT, re.MULTILINE):
        found.append(Path(folder))
        for name in re.findall(r"`([\w./]+)`", text):
            inside = ROOT / folder / name
            found.append(Path(folder, name) if inside.exists() else Path(name))
    return found


@pytest.mark.parametrize("path", named_files(), ids=str)
def test_what_the_table_of_folders_names_is_there(path: Path) -> None:
    assert (ROOT / path).exists()


def python_files(path: Path) -> list[Path]:
    """That file, or those of that folder."""
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports: each module, and each name of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield f"{node.module}"


@pytest.mark.parametrize("path", OTHERS)
def test_what_is_left_out_knows_no_list_of_frameworks_or_options(path: str) -> None:
    files = python_files(ROOT / path)
    assert files
    for file in files:
        tree = ast.parse(file.read_text("utf-8"))
        assert not set(imported(tree)) & set(CATALOGUE), file
        texts = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}
        assert len(texts & {row.value for row in FRAMEWORKS}) <= 1, file


@pytest.mark.parametrize("test", [*WITHIN, COPIED])
def test_what_is_deselected_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert f"\ndef {name}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("name", LONG)
def test_what_is_left_out_of_the_contract_is_there(name: str) -> None:
    files = [ROOT / module for module in MODULES.split()]
    assert sum(f"\ndef {name}(" in file.read_text("utf-8") for file in files) == 1


class Checkout:
    """A copy of what is committed here, or would be, with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in subprocess.check_output(listing, cwd=ROOT, text=True).split("\0"):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        self._install()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        self.git("switch", "--quiet", "--create", "work")

    def _install(self) -> None:
        """Make .venv what the README's command does, of the packages that are here already."""
        environment = self.folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        (packages,) = environment.glob("lib/python*/site-packages")
        here = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "here.pth").write_text("\n".join([str(self.folder / "src"), *here]) + "\n")
        for program, module in (("agentcore-new", "agentcore_new"), ("pytest", "pytest")):
            file = environment / "bin" / program
            file.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/python" -m {module} "$@"\n')
            file.chmod(0o755)
        for tool in Path(sys.executable).parent.iterdir():
            if not (environment / "bin" / tool.name).exists():
                (environment / "bin" / tool.name).symlink_to(tool)
        shared = ROOT / ".cache/environments"
        shared.mkdir(parents=True, exist_ok=True)
        (self.folder / ".cache").mkdir()
        (self.folder / ".cache/environments").symlink_to(shared.resolve())

    def run(self, command: str, *more: str, fails: bool = False) -> str:
        """Run a command of the document from its top, and return what it prints."""
        hidden = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "UV_RESOLUTION")
        done = subprocess.run(
            [*shlex.split(command), *more],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in hidden}
            | {"UV_CACHE_DIR": UV_CACHE},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def git(self, *words: str) -> str:
        command = ["git", *words]
        return subprocess.check_output(command, cwd=self.folder, text=True)

    def commit(self) -> list[str]:
        """Commit everything, and return the paths of it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A step")
        return self.git("show", "--name-only", "--format=").splitlines()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that is there once."""
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path}: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8", newline="")

    def snapshots(self) -> dict[str, list[str]]:
        """The lines of each."""
        folder = self.folder / "snapshots"
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {
            file.relative_to(folder).as_posix(): file.read_text("utf-8").splitlines()
            for file in files
        }


def changed(
    before: dict[str, list[str]], after: dict[str, list[str]]
) -> Iterator[tuple[str, str, str]]:
    """Yield the path, `-` or `+`, and the text of each line of the diff."""
    for path in sorted(before.keys() | after.keys()):
        lines = unified_diff(before.get(path, []), after.get(path, []), n=0, lineterm="")
        for line in [*lines][2:]:
            if not line.startswith("@@"):
                yield path, line[0], line[1:]


def add_a_framework(checkout: Checkout) -> None:
    row = f'    Framework("{LIKE.value}", '
    new = f'    Framework("{NAME}", "{TITLE}", (), "{LIKE.default_provider}"),\n'
    checkout.edit(OPTIONS, row, new + row)
    row = f"| `{LIKE.value}` |"
    checkout.edit(README, row, f"| `{NAME}` | {TITLE} | `{LIKE.default_provider}` |\n{row}")
    folder = checkout.folder / "templates/frameworks"
    shutil.copytree(folder / LIKE.value, folder / NAME)
    notes = folder / NAME / "notes.md.jinja"
    notes.write_text(notes.read_text("utf-8").replace(LIKE.title, TITLE), encoding="utf-8")


def add_an_option(checkout: Checkout) -> None:
    option = 'NOTES = Option("notes", "Log each tool.", "Log each tool of the agent?", False)\n'
    order = "\n# In the order of the questions"
    checkout.edit(OPTIONS, order, f"{option}{order}")
    checkout.edit(OPTIONS, "    CONTAINER,\n)", "    CONTAINER,\n    NOTES,\n)")
    row = '    "serving/streaming.py": "stream",\n'
    checkout.edit(OPTIONS, row, f'    "release_notes.py": "notes",\n{row}')
    flags = "[--container/--no-container]"
    checkout.edit(README, flags, f"{flags} [--notes/--no-notes]")
    (checkout.folder / "templates/project/release_notes.py").write_text(MODULE, encoding="utf-8")
    after = "{% if transcript %}\nfrom serving.transcript"
    new = "{% if notes %}\nfrom release_notes import announce\n{% endif %}\n"
    checkout.edit(TOOLS, after, new + after)
    docstring = 'a coroutine function stays on the event loop."""\n'
    new = "{% if notes %}\n    announce(function)\n{% endif %}\n"
    checkout.edit(TOOLS, docstring, docstring + new)
    row = "| `serving/` | what makes sessions right; there is no need to open it |\n"
    new = "{% if notes %}\n| `release_notes.py` | what it logs of its tools |\n{% endif %}\n"
    checkout.edit(PROJECT_README, row, row + new)


def add_a_line(checkout: Checkout, text: str) -> None:
    title = "## [Unreleased]\n"
    checkout.edit("CHANGELOG.md", title, f"{title}\n- {text}\n")


@pytest.mark.real
def test_a_framework_and_an_option_are_what_contributing_says(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    pins, snapshots, check, fast, contract = commands("Add a framework")
    beginning = checkout.snapshots()

    add_a_framework(checkout)
    checkout.run(pins.replace("NAME", NAME))
    # what others have is taken, and nothing is renewed
    for ending in (".txt", "-tests.txt"):
        new, old = (checkout.folder / f"tests/pins/{each}{ending}" for each in (NAME, LIKE.value))
        assert (
            new.read_bytes() == old.read_bytes() == (ROOT / f"tests/pins/{old.name}").read_bytes()
        )
    checkout.run(snapshots)
    assert "no new entry under Unreleased" in checkout.run(check, fails=True)
    add_a_line(checkout, f"{TITLE} is the framework of whoever wants it.")
    checkout.run(check)
    with_framework = checkout.snapshots()
    for path, kind, line in changed(beginning, with_framework):
        if not path.startswith(f"frameworks/{NAME}/"):
            assert kind == "+" or MARK.match(line), (path, line)
    assert unnamed("Add a framework", checkout.commit()) == []

    add_an_option(checkout)
    snapshots, picture, *others = commands("Add an option")
    assert others == [check, fast]
    checkout.run(snapshots)
    checkout.run(picture)
    add_a_line(checkout, "`create --notes` logs each tool.")
    checkout.run(check)
    lines = [*changed(with_framework, checkout.snapshots())]
    assert len(lines) <= len(MODULE.splitlines()) + MAX_OTHER_LINES, lines
    assert unnamed("Add an option", checkout.commit()) == []

    left_out = [f"--ignore={path}" for path in (*OTHERS, *RELEASES, WHEEL)]
    checkout.run(fast, "-q", *left_out, *(f"--deselect={test}" for test in (*WITHIN, COPIED)))
    modules = contract.replace("tests/contract", MODULES)
    some = " and not ".join((f"{NAME}-{LIKE.default_provider}", *LONG))
    said = checkout.run(modules.replace("-k NAME", f"-k '{some}'"), "-q")
    assert re.search(r"^\d+ passed", said, re.MULTILINE)

    touched = checkout.git("diff", "--name-only", "main", "--", "tests").split()
    assert touched == [f"tests/pins/{NAME}-tests.txt", f"tests/pins/{NAME}.txt"]
