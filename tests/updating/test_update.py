"""What becomes of a project, and of what its owner changed in it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agentcore_new.errors import Unresolved
from agentcore_new.options import Value
from agentcore_new.updating import history
from agentcore_new.updating.history import History
from agentcore_new.updating.report import Status
from agentcore_new.updating.update import update
from updating.projects import (
    EARLIER,
    NOW,
    RECORD,
    Change,
    brought,
    commit_all,
    edit,
    files,
    fresh,
    git,
    history_with,
    made,
    made_with,
    state,
    undo,
    unmerged,
    with_markers,
    write,
)

LIMIT = "project/serving/identity.py"
IDENTITY = "serving/identity.py"
# What the templates of EARLIER had otherwise: one line, as a fix changes it.
A_FIX: Mapping[str, Change] = {LIMIT: ("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128")}

# An edit in the same file, some lines away.
MINE = ("Whether a session or a tenant", "Whether my session or a tenant")


def fixed(changes: Mapping[str, Change] = A_FIX) -> History:
    return history_with(changes)


@pytest.mark.parametrize("framework", history.packaged().edition("0.1.0").values("framework"))
@pytest.mark.parametrize("stream", [False, True])
def test_a_project_of_the_first_release_becomes_a_new_one(
    tmp_path: Path, framework: str, stream: bool
) -> None:
    known = fixed()
    project = made(tmp_path / "p", known, "0.1.0", framework=framework, stream=stream)
    before = files(project)
    done = brought(project, known).report
    assert (done.status, done.exit_code, done.to_resolve) == (Status.UPDATED, 0, {})
    wanted = fresh(framework=framework, stream=stream)
    assert files(project) == wanted
    assert {*done.changed, *done.added} == {
        path for path in wanted if before.get(path) != wanted[path]
    }
    assert {*done.removed} == {*before} - {*wanted}
    commit_all(project)
    assert brought(project, known).report.status is Status.UP_TO_DATE


def test_what_is_changed_is_staged_and_one_command_undoes_it(tmp_path: Path) -> None:
    known = fixed()
    project = made(tmp_path / "p", known, "0.1.0", container=True)
    edit(project, "main.py", "You are", "You be")
    commit_all(project)
    before = state(project)
    done = brought(project, known).report
    assert done.exit_code == 3
    assert git(project, "ls-files", "--others", "--exclude-standard") == ""
    undo(project)
    assert state(project) == before
    assert unmerged(project) == {}


def test_edits_elsewhere_stay_and_the_fix_arrives(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    edit(project, "agent.py", "You are a helpful assistant", "You are a pirate")
    (project / "my_module.py").write_text("VALUE = 1\n")
    edit(project, IDENTITY, *MINE)
    commit_all(project)
    done = brought(project, fixed()).report
    wanted = fresh() | {"my_module.py": b"VALUE = 1\n"}
    assert ({*done.changed}, done.exit_code) == ({IDENTITY, RECORD}, 0)
    assert files(project)["agent.py"] == fresh()["agent.py"].replace(
        b"You are a helpful assistant", b"You are a pirate"
    )
    assert b"MAX_ID_CHARS = 256" in files(project)[IDENTITY]
    assert MINE[1].encode() in files(project)[IDENTITY]
    assert {*files(project)} == {*wanted}


# In front of MAX_ID_CHARS is another line, which both may change.
@pytest.mark.parametrize("place", ["same", "adjacent"])
def test_what_both_changed_is_left_to_resolve(tmp_path: Path, place: str) -> None:
    project = made(tmp_path / "p", fixed())
    text = (project / IDENTITY).read_text()
    line = next(x for x in text.split("\n") if x.startswith("MAX_ID_CHARS"))
    above = text.split("\n")[text.split("\n").index(line) + 1]
    mine = f"{line}  # mine" if place == "same" else line
    after = f"{above}  # mine" if place == "adjacent" else above
    edit(project, IDENTITY, f"{line}\n{above}", f"{mine}\n{after}")
    commit_all(project)
    yours = (project / IDENTITY).read_bytes()
    done = brought(project, fixed()).report
    assert done.exit_code == 3
    assert dict(done.to_resolve) == {IDENTITY: "same-lines"}
    assert with_markers(files(project)) == {IDENTITY}
    merged = (project / IDENTITY).read_text()
    for marker in ("<<<<<<< yours\n", f"||||||| agentcore-new-{EARLIER}\n", "=======\n"):
        assert merged.count(marker) == 1
    assert merged.count(f">>>>>>> agentcore-new-{NOW}\n") == 1
    assert "  # mine" in merged
    assert unmerged(project) == {IDENTITY: {"1", "2", "3"}}
    assert git(project, "show", f":2:{IDENTITY}").encode() == yours
    assert git(project, "show", f":3:{IDENTITY}").encode() == fresh()[IDENTITY]
    assert "MAX_ID_CHARS = 128" in git(project, "show", f":1:{IDENTITY}")
    # git's own ways to resolve it work
    git(project, "checkout", "--theirs", IDENTITY)
    assert files(project) == fresh()


REQUIREMENT = '    "bedrock-agentcore>=1.19,<2",\n'


def test_a_dependency_beside_a_renewed_one_is_merged(tmp_path: Path) -> None:
    known = fixed({"project/pyproject.toml.jinja": ("agentcore>=1.19", "agentcore>=1.18")})
    project = made(tmp_path / "p", known)
    old = '    "bedrock-agentcore>=1.18,<2",\n'
    edit(project, "pyproject.toml", old, f'    "attrs>=25",\n{old}    "zoneinfo>=1", # mine\n')
    commit_all(project)
    done = brought(project, known).report
    assert (done.exit_code, done.to_resolve, unmerged(project)) == (0, {}, {})
    found = files(project)["pyproject.toml"].decode()
    assert f'    "attrs>=25",\n{REQUIREMENT}    "zoneinfo>=1", # mine\n' in found
    wanted = fresh()["pyproject.toml"].decode()
    assert found.replace('    "attrs>=25",\n', "").replace('    "zoneinfo>=1", # mine\n', "") == (
        wanted
    )


def test_a_dependency_that_both_renewed_is_left_to_resolve(tmp_path: Path) -> None:
    known = fixed({"project/pyproject.toml.jinja": ("agentcore>=1.19", "agentcore>=1.18")})
    project = made(tmp_path / "p", known)
    edit(project, "pyproject.toml", "bedrock-agentcore>=1.18,<2", "bedrock-agentcore>=1.18.5,<2")
    commit_all(project)
    assert dict(brought(project, known).report.to_resolve) == {"pyproject.toml": "same-lines"}
    assert with_markers(files(project)) == {"pyproject.toml"}


TEXT = "".join(f"NUMBER_{number} = {number}\n" for number in range(30))


def test_a_file_that_new_projects_do_not_have_goes_unless_it_was_changed(tmp_path: Path) -> None:
    known = fixed({"project/serving/gone.py": TEXT, "project/serving/old.py": TEXT[::-1]})
    project = made(tmp_path / "p", known)
    edit(project, "serving/gone.py", "NUMBER_3 = 3", "NUMBER_3 = 33")
    commit_all(project)
    done = brought(project, known).report
    assert (done.exit_code, done.kept, done.removed) == (
        0,
        ("serving/gone.py",),
        ("serving/old.py",),
    )
    assert files(project) == fresh() | {
        "serving/gone.py": TEXT.replace("NUMBER_3 = 3\n", "NUMBER_3 = 33\n").encode()
    }
    assert unmerged(project) == {}


def test_a_folder_that_is_empty_then_goes(tmp_path: Path) -> None:
    known = fixed({"project/some/where/gone.py": TEXT})
    project = made(tmp_path / "p", known)
    brought(project, known)
    assert not (project / "some").exists()


def test_an_edit_follows_where_the_file_goes(tmp_path: Path) -> None:
    known = fixed({"project/serving/was.py": fresh()[IDENTITY].decode(), LIMIT: None})
    project = made(tmp_path / "p", known)
    edit(project, "serving/was.py", "MAX_ID_CHARS = 256", "MAX_ID_CHARS = 333")
    commit_all(project)
    done = brought(project, known).report
    assert dict(done.moved) == {"serving/was.py": IDENTITY}
    assert (done.added, done.removed, done.exit_code) == ((), (), 0)
    wanted = fresh()
    wanted[IDENTITY] = wanted[IDENTITY].replace(b"MAX_ID_CHARS = 256", b"MAX_ID_CHARS = 333")
    assert files(project) == wanted


def test_a_conflict_in_a_file_that_went_elsewhere_can_be_undone(tmp_path: Path) -> None:
    old = fresh()[IDENTITY].decode().replace("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128")
    known = fixed({"project/serving/was.py": old, LIMIT: None})
    project = made(tmp_path / "p", known)
    edit(project, "serving/was.py", "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    before = state(project)
    done = brought(project, known).report
    assert (done.exit_code, dict(done.to_resolve)) == (3, {IDENTITY: "same-lines"})
    assert with_markers(files(project)) == {IDENTITY}
    assert dict(done.moved) == {"serving/was.py": IDENTITY}
    undo(project)
    assert state(project) == before


@pytest.mark.parametrize("to", ["serving/who.py", "mine/of/who.py"])
def test_a_fix_follows_a_file_that_was_renamed_or_moved(tmp_path: Path, to: str) -> None:
    project = made(tmp_path / "p", fixed())
    (project / to).parent.mkdir(parents=True, exist_ok=True)
    (project / IDENTITY).rename(project / to)
    edit(project, to, *MINE)
    commit_all(project)
    done = brought(project, fixed()).report
    assert ({*done.changed}, done.exit_code) == ({to, RECORD}, 0)
    assert not (project / IDENTITY).exists()
    found = files(project)[to]
    assert b"MAX_ID_CHARS = 256" in found
    assert MINE[1].encode() in found


def test_a_file_that_both_renamed_is_left_to_resolve_without_wrong_markers(tmp_path: Path) -> None:
    old = fresh()[IDENTITY].decode().replace("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128")
    known = fixed({"project/serving/was.py": old, LIMIT: None})
    project = made(tmp_path / "p", known)
    (project / "serving/was.py").rename(project / "serving/mine.py")
    edit(project, "serving/mine.py", "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    done = brought(project, known).report
    assert done.exit_code == 3
    assert {"serving/mine.py", IDENTITY} <= {*done.to_resolve}
    assert {*done.to_resolve.values()} == {"both-renamed"}
    assert {path for path in files(project) if b"<<<<<<<" in files(project)[path]} <= {
        *done.to_resolve
    }
    assert b"MAX_ID_CHARS = 333" in files(project)["serving/mine.py"]
    with pytest.raises(Unresolved, match="left to resolve"):
        brought(project, known)


def test_a_deleted_file_stays_away(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    (project / IDENTITY).unlink()
    commit_all(project)
    done = brought(project, fixed()).report
    assert (done.left_deleted, done.exit_code) == ((IDENTITY,), 0)
    assert {*files(project)} == {*fresh()} - {IDENTITY}
    assert unmerged(project) == {}


def test_a_file_of_ones_own_where_a_new_one_goes_is_merged_as_both_added(tmp_path: Path) -> None:
    known = fixed({LIMIT: None})
    project = made(tmp_path / "p", known)
    write(project, {IDENTITY: "MINE = 1\n"})
    commit_all(project)
    done = brought(project, known).report
    assert dict(done.to_resolve) == {IDENTITY: "both-added"}
    assert b"MINE = 1" in files(project)[IDENTITY]
    assert unmerged(project) == {IDENTITY: {"2", "3"}}


def test_a_file_that_is_no_text_stays_and_is_reported(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    write(project, {IDENTITY: b"\0\1\r\n\2"})
    commit_all(project)
    done = brought(project, fixed()).report
    assert dict(done.to_resolve) == {IDENTITY: "no-text"}
    assert files(project)[IDENTITY] == b"\0\1\r\n\2"
    assert unmerged(project) == {IDENTITY: {"1", "2", "3"}}


def test_crlf_that_is_committed_stays(tmp_path: Path) -> None:
    known = fixed({**A_FIX, "project/serving/body.py": None})
    project = made(tmp_path / "p", known, commit=False)
    for path, data in files(project).items():
        (project / path).write_bytes(data.replace(b"\n", b"\r\n"))
    git(project, "init", "--quiet")
    commit_all(project)
    edit(project, IDENTITY, *MINE)
    commit_all(project)
    done = brought(project, known).report
    assert done.exit_code == 0
    wanted = {path: data.replace(b"\n", b"\r\n") for path, data in fresh().items()}
    wanted[IDENTITY] = wanted[IDENTITY].replace(MINE[0].encode(), MINE[1].encode())
    assert files(project) == wanted
    changed = git(project, "diff", "--cached", "--numstat", "--", IDENTITY)
    assert changed.split()[:2] == ["1", "1"]


def test_a_conflict_in_a_file_with_crlf_has_crlf(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed(), commit=False)
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    text = (project / IDENTITY).read_bytes().replace(b"\n", b"\r\n")
    (project / IDENTITY).write_bytes(text)
    git(project, "init", "--quiet")
    commit_all(project)
    assert brought(project, fixed()).report.exit_code == 3
    found = files(project)[IDENTITY]
    assert found.count(b"\r\n") == found.count(b"\n")
    git(project, "checkout", "--ours", IDENTITY)
    assert files(project)[IDENTITY] == text


def test_each_line_keeps_its_own_end(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    text = (project / IDENTITY).read_bytes()
    head, fix, tail = text.partition(b"MAX_ID_CHARS = 128\n")
    (project / IDENTITY).write_bytes(head.replace(b"\n", b"\r\n") + fix + tail)
    commit_all(project)
    assert brought(project, fixed()).report.exit_code == 0
    wanted = head.replace(b"\n", b"\r\n") + b"MAX_ID_CHARS = 256\n" + tail
    assert files(project)[IDENTITY] == wanted


def test_a_checkout_with_autocrlf_stays_one(tmp_path: Path) -> None:
    origin = made(tmp_path / "origin", fixed())
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", "origin", "p")
    project = tmp_path / "p"
    assert b"\r\n" in files(project)["main.py"]
    done = brought(project, fixed()).report
    assert {*done.changed} == {IDENTITY, RECORD}
    assert git(project, "diff", "--cached", "--name-only").split() == [RECORD, IDENTITY]
    wanted = {path: data.replace(b"\n", b"\r\n") for path, data in fresh().items()}
    assert files(project) == wanted
    assert git(project, "cat-file", "blob", f":{IDENTITY}").encode() == fresh()[IDENTITY]
    assert files(origin)[IDENTITY] != fresh()[IDENTITY]


def test_what_this_version_and_its_owner_changed_alike_is_no_conflict(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 256")
    commit_all(project)
    assert brought(project, fixed()).report.exit_code == 0
    assert files(project) == fresh()


def test_a_project_in_a_folder_of_a_repository_is_all_that_changes(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README.md").write_text("MAX_ID_CHARS = 128\n")
    project = made(tmp_path / "agents" / "p", fixed(), commit=False)
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(tmp_path)
    (tmp_path / "README.md").write_text("changed, and not committed\n")
    before = state(tmp_path)
    assert brought(project, fixed()).report.exit_code == 3
    assert {*unmerged(project)} == {IDENTITY}
    undo(project)
    assert state(tmp_path) == before


def test_nothing_of_the_set_up_of_git_has_a_part_in_it(tmp_path: Path, own_git_setup: Path) -> None:
    project = made(tmp_path / "p", fixed())
    edit(project, IDENTITY, "MAX_ID_CHARS = 128", "MAX_ID_CHARS = 333")
    commit_all(project)
    with (own_git_setup / ".gitconfig").open("a") as settings:
        settings.write("[merge]\n\tconflictStyle = merge\n\trenames = false\n[diff]\n\tnoprefix\n")
        settings.write("[core]\n\tquotePath = false\n[status]\n\tshowUntrackedFiles = all\n")
        settings.write("\trelativePaths = false\n[color]\n\tui = always\n[grep]\n\tlineNumber\n")
    assert brought(project, fixed()).report.exit_code == 3
    assert b"||||||| " in files(project)[IDENTITY]
    assert {*unmerged(project)} == {IDENTITY}
    commit_all(project)
    with pytest.raises(Unresolved) as caught:
        brought(project, fixed())
    assert caught.value.details == {"files": [IDENTITY]}


def test_a_preview_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    known = fixed()
    project = made(tmp_path / "p", known, "0.1.0")
    edit(project, "main.py", "You are", "You be")
    commit_all(project)
    before = state(project)
    previewed = update(project, {}, preview=True, known=known)
    assert state(project) == before
    assert (previewed.report.status, previewed.report.exit_code) == (Status.PREVIEWED, 0)
    done = brought(project, known)
    assert done.changes == previewed.changes
    assert done.report.to_resolve == previewed.report.to_resolve


def test_a_preview_needs_nothing_committed(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed(), commit=False)
    assert update(project, {}, preview=True, known=fixed()).report.changed == (IDENTITY, RECORD)
    git(project, "init", "--quiet")
    assert update(project, {}, preview=True, known=fixed()).report.changed == (IDENTITY, RECORD)


ANSWERS: list[dict[str, Value]] = [
    {"stream": True},
    {"container": True, "session_store": "postgres"},
    {"transcript": True, "session_store": "sqlite"},
    {"model_provider": "anthropic"},
    {"model_provider": "openai", "model_id": "gpt-x"},
    {"framework": "adk"},
    {"framework": "langgraph", "model_provider": "gemini"},
    {"description": "Another one"},
]


@pytest.mark.parametrize("given", ANSWERS, ids=str)
def test_an_option_that_is_added_makes_what_create_makes(
    tmp_path: Path, given: dict[str, Value]
) -> None:
    known = fixed()
    project = made(tmp_path / "p", known, project_name="my-agent")
    done = brought(project, known, **given).report
    wanted = fresh(project_name="my-agent", **given)
    assert (done.exit_code, files(project)) == (0, wanted)
    assert {*given} <= {*done.changed_answers}
    commit_all(project)
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("given", ANSWERS[:3], ids=str)
def test_an_option_that_is_taken_away_makes_what_create_makes(
    tmp_path: Path, given: dict[str, Value]
) -> None:
    known = fixed()
    project = made_with(tmp_path / "p", known, given)
    without: dict[str, Value] = dict.fromkeys(given, False)
    if "session_store" in given:
        without["session_store"] = "memory"
    assert brought(project, known, **without).report.exit_code == 0
    assert files(project) == fresh()


def test_options_arrive_beside_edits(tmp_path: Path) -> None:
    known = fixed()
    project = made(tmp_path / "p", known)
    prompt = "You are a helpful assistant"
    edit(project, "agent.py", prompt, "You are a pirate")
    (project / "my_module.py").write_text("VALUE = 1\n")
    commit_all(project)
    given: dict[str, Value] = {"stream": True, "transcript": True, "session_store": "sqlite"}
    assert brought(project, known, **given).report.exit_code == 0
    wanted = fresh(**given)
    wanted["agent.py"] = wanted["agent.py"].replace(prompt.encode(), b"You are a pirate")
    assert files(project) == wanted | {"my_module.py": b"VALUE = 1\n"}


def test_a_project_of_the_first_release_gets_a_fix_and_an_option_at_once(tmp_path: Path) -> None:
    known = fixed()
    project = made(tmp_path / "p", known, "0.1.0")
    assert brought(project, known, session_store="postgres", container=True).report.exit_code == 0
    assert files(project) == fresh(session_store="postgres", container=True)


def test_what_the_owner_added_to_the_record_stays(tmp_path: Path) -> None:
    project = made(tmp_path / "p", fixed())
    with (project / RECORD).open("a") as record:
        record.write("# ask Ann before you change it\n_src_path: https://example.com/x.git\n")
        record.write(f"_commit: v{EARLIER}\n")
    commit_all(project)
    brought(project, fixed(), stream=True)
    wanted = fresh(stream=True)[RECORD] + (
        b"# ask Ann before you change it\n_src_path: https://example.com/x.git\n"
        + f'_commit: "v{NOW}"\n'.encode()
    )
    assert files(project)[RECORD] == wanted
