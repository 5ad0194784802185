"""`check` finds what is wrong, says what to do, and `snapshots` does it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentcore_new.review import changelog
from agentcore_new.review.snapshot_folder import Difference
from review.conftest import ROOT, Command, commit, document, edit, git

TEMPLATE = "templates/project/serving/invocation.py"
OLD, NEW = "MAX_PROMPT_CHARS = 100_000", "MAX_PROMPT_CHARS = 200_000"
CHANGED = "project/serving/invocation.py"


def content(checkout: Path) -> dict[str, bytes]:
    """Every snapshot."""
    folder = checkout / "snapshots"
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_what_is_good_is_said_to_be(agentcore_new: Command) -> None:
    done = agentcore_new("check")
    assert (done.returncode, done.stderr) == (0, "")
    combinations, snapshots = done.stdout.splitlines()
    assert combinations.endswith("distinct files: good.")
    assert snapshots.endswith("snapshots: as rendered.")


def test_a_change_is_shown_once_and_can_be_accepted(checkout: Path, agentcore_new: Command) -> None:
    edit(checkout, TEMPLATE, OLD, NEW)
    before = content(checkout)
    found = agentcore_new("check")
    assert found.returncode == 1
    assert found.stdout.count(f"\n+{NEW}\n") == found.stdout.count(f"\n-{OLD}\n") == 1
    assert f"\n~ {CHANGED}\n" in found.stdout
    assert "snapshots: 1 changed. To accept: agentcore-new snapshots" in found.stdout
    assert content(checkout) == before

    accepted = agentcore_new("snapshots")
    assert (accepted.returncode, accepted.stdout) == (0, f"~ {CHANGED}\n")
    after = content(checkout)
    assert [path for path in after if before.get(path) != after[path]] == [CHANGED]
    assert agentcore_new("snapshots").stdout.startswith("The snapshots are as rendered")


def test_its_object_is_one_on_any_pipe(checkout: Path, agentcore_new: Command) -> None:
    edit(checkout, TEMPLATE, OLD, f"{OLD}  # für 日本")
    done = agentcore_new("check", "--json", PYTHONIOENCODING="ascii")
    assert done.stderr == ""
    first, *_ = json.loads(done.stdout)["differences"]
    assert f"+{OLD}  # für 日本" in first["diff"]


def test_missing_and_left_over_snapshots_are_found(checkout: Path, agentcore_new: Command) -> None:
    before = content(checkout)
    (checkout / "snapshots" / CHANGED).unlink()
    left_over = checkout / "snapshots/frameworks/nobody/main.py"
    left_over.parent.mkdir(parents=True)
    left_over.write_bytes(b"\xff\x00")
    found = json.loads(agentcore_new("check", "--json").stdout)
    assert found["ok"] is False
    assert [(each["path"], each["kind"]) for each in found["differences"]] == [
        ("frameworks/nobody/main.py", "left over"),
        (CHANGED, "missing"),
    ]
    assert found["accept_with"] == "agentcore-new snapshots"
    agentcore_new("snapshots")
    assert content(checkout) == before
    assert not (checkout / "snapshots/frameworks/nobody").exists()


# real: a whole pytest within a test
@pytest.mark.real
def test_the_result_is_that_of_pytest_to_the_byte(checkout: Path, agentcore_new: Command) -> None:
    (checkout / "tests").mkdir()
    test = checkout / "tests/test_snapshots.py"
    test.write_bytes((ROOT / "tests/test_snapshots.py").read_bytes())
    for n, path in enumerate((TEMPLATE, "templates/frameworks/adk/agent.py.jinja")):
        edit(checkout, path, "\n\n\n", f"\n\n\nADDED = {n}\n\n\n")
    (checkout / "templates/project/extra.yml.jinja").write_text("stream: {{ stream }}\n")
    (checkout / "snapshots" / CHANGED).unlink()
    (checkout / "snapshots/project/old").mkdir()
    (checkout / "snapshots/project/old/one.py").write_text("")
    commit(checkout, "Changes")
    agentcore_new("snapshots")
    ours = content(checkout)
    git(checkout, "checkout", "--quiet", ".")
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--snapshot-update"),
            *("tests/test_snapshots.py", "-k", "test_snapshots_are_what_is_rendered"),
        ],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        check=False,
    )
    assert content(checkout) == ours
    assert json.loads(agentcore_new("check", "--json").stdout)["differences"] == []


@pytest.mark.real
@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("MAX_PROMPT_CHARS = (", "py_compile"),
        ("MAX_PROMPT_CHARS   =   1", "ruff format"),
        ("import os\nMAX_PROMPT_CHARS = 1", "ruff check"),
        ("MAX_PROMPT_CHARS = '{{ name }}'", "jinja"),
    ],
)
def test_a_fault_of_a_file_is_one_line(
    checkout: Path, agentcore_new: Command, new: str, told: str
) -> None:
    edit(checkout, TEMPLATE, OLD, new)
    done = agentcore_new("check")
    assert done.returncode == 1
    faults = [
        line for line in done.stdout.splitlines() if line.startswith("serving/invocation.py [")
    ]
    assert any(told in fault for fault in faults)
    found = json.loads(agentcore_new("check", "--json").stdout)
    assert {fault["path"] for fault in found["faults"]} == {"serving/invocation.py"}


def test_a_template_that_fails_is_named_and_nothing_is_written(
    checkout: Path, agentcore_new: Command
) -> None:
    before = content(checkout)
    edit(
        checkout,
        "templates/project/serving/turns.py.jinja",
        "{% if transcript %}",
        "{% if nothing %}",
    )
    done = agentcore_new("check")
    assert done.returncode == 1
    assert "templates/project/serving/turns.py.jinja" in done.stdout
    assert "'nothing' is undefined" in done.stdout
    refused = agentcore_new("snapshots")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: The templates cannot be rendered")
    assert len(refused.stderr.splitlines()) == 1
    assert content(checkout) == before


@pytest.mark.real
def test_users_are_told_of_what_they_will_get(checkout: Path, agentcore_new: Command) -> None:
    git(checkout, "switch", "--quiet", "--create", "work")
    edit(checkout, TEMPLATE, OLD, NEW)
    agentcore_new("snapshots")
    for _ in range(2):
        done = agentcore_new("check")
        assert done.returncode == 1
        assert "no new entry under Unreleased" in done.stdout
        commit(checkout, "A change that nobody is told of")
    document(checkout)
    assert agentcore_new("check").returncode == 0
    commit(checkout, "An entry")
    git(checkout, "switch", "--quiet", "main")
    git(checkout, "merge", "--quiet", "work")
    git(checkout, "tag", "v0.2.0")
    # the entry is that of the release now, and does for nothing that comes after it
    edit(checkout, TEMPLATE, NEW, OLD)
    agentcore_new("snapshots")
    commit(checkout, "A change on main")
    assert json.loads(agentcore_new("check", "--json").stdout)["undocumented_since"] == "v0.2.0"


@pytest.mark.real
def test_users_are_told_of_new_files_too(checkout: Path, agentcore_new: Command) -> None:
    git(checkout, "switch", "--quiet", "--create", "work")
    (checkout / "templates/project/extra.txt").write_text("new\n")
    agentcore_new("snapshots")
    assert git(checkout, "diff", "--name-only") == ""
    fork = git(checkout, "rev-parse", "main").strip()
    assert json.loads(agentcore_new("check", "--json").stdout)["undocumented_since"] == fork


def test_it_works_where_there_is_no_git(checkout: Path, agentcore_new: Command) -> None:
    (checkout / ".git").rename(checkout.parent / "away")
    assert agentcore_new("check").returncode == 0


@pytest.mark.parametrize(
    ("section", "entry"),
    [
        ("", ""),
        ("### Added\n", ""),
        ("### Added\n\n- One.\n- Two.\n", "### Added\n\n- One.\n- Two."),
        ("\n- One.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n", "- One."),
        ("- One.\n\n[Unreleased]: link\n", "- One."),
    ],
)
def test_the_unreleased_section_is_found(section: str, entry: str) -> None:
    assert changelog.unreleased(f"# Changelog\n\n## [Unreleased]\n{section}") == entry
    assert changelog.unreleased(f"# Changelog\n\n{section}") == ""


def test_a_release_tells_as_its_entries_did() -> None:
    released = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
    entry = released.replace("[Unreleased]\n", "[Unreleased]\n\n- New.\n")
    assert changelog.tells_more(entry, released)
    assert changelog.tells_more(changelog.released(entry, "0.2.0", "2026-02-01"), released)
    assert not changelog.tells_more(entry, entry)
    assert not changelog.tells_more(released.replace("Old", "Older"), released)


def test_what_an_editor_hides_is_seen_in_a_diff() -> None:
    diff = Difference("adk/main.py/always.py", b"a\r\nb", b"a\nb\n").diff()
    assert "-a\\r" in diff
    assert "-b\\ (no newline at the end)" in diff


@pytest.mark.parametrize(
    "module", ["serving/invocation.py", "serving/values.py", "model/credentials.py.jinja"]
)
def test_a_project_that_would_not_start_is_not_good(
    checkout: Path, agentcore_new: Command, module: str
) -> None:
    (checkout / "templates/project" / module).unlink()
    agentcore_new("snapshots")
    document(checkout)
    found = json.loads(agentcore_new("check", "--json").stdout)
    assert found["differences"] == []
    assert "import" in {fault["rule"] for fault in found["faults"]}
