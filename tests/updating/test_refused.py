"""What is refused: one line that says what to do, and nothing is changed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agentcore_new import options
from agentcore_new.errors import (
    CannotUpdate,
    Error,
    InvalidAnswer,
    MissingAnswer,
    NotAProject,
    NotCommitted,
    TargetInTheWay,
    UnknownChoice,
    Unresolved,
    as_text,
)
from agentcore_new.options import Value
from agentcore_new.updating.update import update
from updating.projects import (
    EARLIER,
    NOW,
    RECORD,
    brought,
    commit_all,
    edit,
    files,
    fresh,
    git,
    history_with,
    made,
    state,
    write,
)

LIMIT = "project/serving/identity.py"
IDENTITY = "serving/identity.py"
KNOWN = history_with({LIMIT: ("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128")})
NEW_FILE = history_with({LIMIT: None})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return made(tmp_path / "p", KNOWN)


def refused(
    project: Path,
    kind: type[Error],
    *told: str,
    known: object = KNOWN,
    force: bool = False,
    given: Mapping[str, Value] | None = None,
) -> None:
    """Show that it is refused, in one line, and that nothing changes."""
    before = state(project)
    with pytest.raises(kind) as caught:
        update(project, given or {}, known=known, force=force)  # type: ignore[arg-type]
    assert state(project) == before
    line = as_text(caught.value)
    assert "\n" not in line
    for words in told:
        assert words in line


def test_what_is_no_project(tmp_path: Path) -> None:
    refused(tmp_path, NotAProject, "no .copier-answers.yml")
    refused(tmp_path / "nothing", NotAProject, "agentcore-new create")


def test_a_project_of_a_version_between_releases(project: Path) -> None:
    edit(project, RECORD, f'version: "{EARLIER}"', 'version: "0.2.0.dev0"')
    commit_all(project)
    refused(project, CannotUpdate, "0.2.0.dev0, which is no release", "Create it anew")


def test_a_project_of_a_later_version(project: Path) -> None:
    edit(project, RECORD, f'version: "{EARLIER}"', 'version: "7.0.1"')
    commit_all(project)
    refused(project, CannotUpdate, f"made by 7.0.1, and this is {NOW}", "Upgrade")


def test_a_project_of_a_version_that_there_was_not(project: Path) -> None:
    edit(project, RECORD, f'version: "{EARLIER}"', 'version: "0.0.3"')
    commit_all(project)
    refused(project, CannotUpdate, "0.0.3, of which no templates are known", "0.1.0")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("stream: false", "stream: maybe", "is not as agentcore-new writes it"),
        ("stream: false", "stream false", "is not as agentcore-new writes it"),
        ("stream: false", "stream: 3", "is not as agentcore-new writes it"),
        ("stream: false", 'stream: "no"', 'knows no stream "no"'),
        ("stream: false\n", "", "it does not say stream"),
        ("stream: false", "stream: false\nstream: true", "says stream once more"),
        ("stream: false", "stream: false\nflying: true", "knows no flying"),
        ('framework: "strands"', 'framework: "crew"', 'knows no framework "crew"'),
        ('description: "An', 'description: "<<<<<<< An\n', "is not as agentcore-new writes it"),
        (f'agentcore_new_version: "{EARLIER}"\n', "", "it has no agentcore_new_version"),
    ],
)
def test_a_record_that_agentcore_new_has_not_written(
    project: Path, old: str, new: str, told: str
) -> None:
    edit(project, RECORD, old, new)
    commit_all(project)
    refused(project, CannotUpdate, f"{RECORD} cannot be read", told, "git log -p")


def test_a_record_that_is_no_text(project: Path) -> None:
    (project / RECORD).write_bytes(b"\xff\xfe")
    commit_all(project)
    refused(project, CannotUpdate, "not a file of text")


def test_a_project_that_git_does_not_have(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, commit=False)
    refused(project, NotCommitted, "in no repository of git", "--force")
    git(project, "init", "--quiet")
    refused(project, NotCommitted, "in no repository of git", "--force")
    git(project, "add", "--all")
    refused(project, NotCommitted, "in no repository of git", "git commit")


def test_force_updates_a_project_that_git_does_not_have(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, commit=False)
    edit(project, "agent.py", "You are", "You be")
    done = update(project, {}, known=KNOWN, force=True).report
    assert (done.undoable, done.exit_code) == (False, 0)
    wanted = fresh()
    wanted["agent.py"] = wanted["agent.py"].replace(b"You are", b"You be")
    assert files(project) == wanted


def test_force_leaves_a_project_in_an_ignored_folder_to_itself(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("p/\n")
    commit_all(tmp_path)
    project = made(tmp_path / "p", KNOWN, commit=False)
    refused(project, NotCommitted, "in no repository")
    update(project, {}, known=KNOWN, force=True)
    assert files(project) == fresh()
    assert git(tmp_path, "status", "--porcelain") == ""


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("how", ["changed", "staged", "staged and back", "deleted"])
def test_uncommitted_changes(project: Path, how: str, force: bool) -> None:
    text = (project / "main.py").read_text()
    if how == "deleted":
        (project / "main.py").unlink()
    else:
        (project / "main.py").write_text(f"{text}# mine\n")
    if how.startswith("staged"):
        git(project, "add", "main.py")
    if how == "staged and back":
        (project / "main.py").write_text(text)
    refused(project, NotCommitted, "uncommitted changes: main.py", "Commit or stash", force=force)


def test_other_files_need_not_be_committed(project: Path) -> None:
    (project / "notes.txt").write_text("mine")
    (project / ".env").write_text("KEY=mine")
    brought(project, KNOWN)
    assert files(project) == fresh() | {"notes.txt": b"mine", ".env": b"KEY=mine"}


@pytest.mark.parametrize("ignored", [True, False])
def test_a_file_that_git_does_not_have_where_a_new_one_goes(tmp_path: Path, ignored: bool) -> None:
    project = made(tmp_path / "p", NEW_FILE)
    if ignored:
        with (project / ".gitignore").open("a") as rules:
            rules.write("identity.py\n")
        commit_all(project)
    write(project, {IDENTITY: "MINE = 1\n"})
    told = ("git does not have serving/identity.py", "Move it away")
    refused(project, NotCommitted, *told, known=NEW_FILE)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_does_not_look_at(project: Path, flag: str) -> None:
    git(project, "update-index", flag, IDENTITY)
    edit(project, IDENTITY, "Whether a session", "Whether my session")
    refused(project, NotCommitted, "git does not have serving/identity.py")


def test_a_folder_where_a_file_goes(tmp_path: Path) -> None:
    project = made(tmp_path / "p", NEW_FILE)
    write(project, {f"{IDENTITY}/mine.txt": "mine"})
    commit_all(project)
    refused(project, TargetInTheWay, "identity.py is in the way: it is no file", known=NEW_FILE)


def test_a_file_where_a_folder_goes(project: Path) -> None:
    (project / "serving").rename(project / "moved")
    (project / "serving").write_text("mine")
    commit_all(project)
    refused(project, TargetInTheWay, "serving is in the way: it is no folder")


def conflicting(project: Path) -> None:
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    assert brought(project, KNOWN).report.exit_code == 3


def test_what_is_not_resolved_yet(project: Path) -> None:
    conflicting(project)
    refused(project, Unresolved, f"left to resolve in {IDENTITY}", "git add")
    commit_all(project)  # with its markers
    refused(project, Unresolved, f"left to resolve in {IDENTITY}")
    (project / IDENTITY).rename(project / "elsewhere.py")
    commit_all(project)
    refused(project, Unresolved, "left to resolve in elsewhere.py")


def test_what_is_resolved_and_git_does_not_know(project: Path) -> None:
    conflicting(project)
    (project / IDENTITY).write_bytes(fresh()[IDENTITY])
    refused(project, Unresolved, f"left to resolve in {IDENTITY}", "git add")
    commit_all(project)
    assert brought(project, KNOWN).report.status == "up-to-date"


def test_markers_are_seen_where_there_is_no_git(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, commit=False)
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    assert update(project, {}, known=KNOWN, force=True).report.exit_code == 3
    refused(project, Unresolved, f"left to resolve in {IDENTITY}", force=True)


def test_a_model_of_ones_own_with_another_provider(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, model_id="my-model")
    told = ("'my-model' is of another model provider than openai", "--model-id gpt-")
    refused(project, MissingAnswer, *told, given={"model_provider": "openai"})
    brought(project, KNOWN, model_provider="openai", model_id="my-other-model")
    assert files(project) == fresh(model_provider="openai", model_id="my-other-model")


def test_a_model_of_ones_own_stays_with_its_provider(tmp_path: Path) -> None:
    project = made(tmp_path / "p", KNOWN, model_id="my-model", description="Mine")
    brought(project, KNOWN, stream=True, framework="langgraph")
    given: dict[str, Value] = {"model_id": "my-model", "description": "Mine", "stream": True}
    assert files(project) == fresh(framework="langgraph", project_name="strands-agent", **given)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"framework": "crew"}, UnknownChoice),
        ({"description": "a\nb"}, InvalidAnswer),
        ({"model_id": ""}, InvalidAnswer),
    ],
)
def test_answers_that_are_none(project: Path, given: dict[str, Value], kind: type[Error]) -> None:
    refused(project, kind, given=given)


def test_an_option_that_is_not_offered_any_more(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    framework = options.FRAMEWORK
    without = [row for row in framework.choices if row.value != "strands"]
    changed = options.Option(
        framework.name, framework.help, framework.question, "adk", tuple(without), True
    )
    questions = tuple(changed if each is framework else each for each in options.QUESTIONS)
    monkeypatch.setattr("agentcore_new.updating.request.QUESTIONS", questions)
    refused(project, CannotUpdate, "framework 'strands', which this version does not take")
