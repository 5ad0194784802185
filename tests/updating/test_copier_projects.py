"""Projects that Copier made, and Copier's own update of them."""

from pathlib import Path

import pytest
from copier import run_copy, run_update

from agentcore_new.answers import complete, template_variables
from agentcore_new.package_data import template_root
from agentcore_new.render import Renderer
from agentcore_new.updating.edition import SETTINGS
from agentcore_new.updating.history import History
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
    write,
)
from updating.releases import commit_of, exported
from updating.test_refused import KNOWN

pytestmark = pytest.mark.usefixtures("releases")

EDIT = ("You are a helpful assistant", "You are a pirate")


def template(folder: Path, known: History, version: str) -> Path:
    """The templates of a release, as Copier takes them."""
    texts = known.files(version)
    write(folder, {"copier.yml" if path == SETTINGS else path: x for path, x in texts.items()})
    return folder


def tagged(folder: Path) -> Path:
    """A repository whose newest tag is EARLIER."""
    template(folder, KNOWN, EARLIER)
    git(folder, "init", "--quiet")
    commit_all(folder)
    git(folder, "tag", f"v{EARLIER}")
    return folder


def copied(source: Path, project: Path, **given: str | bool) -> Path:
    run_copy(
        str(source), project, data={"framework": "strands", **given}, defaults=True, quiet=True
    )
    git(project, "init", "--quiet")
    commit_all(project)
    return project


@pytest.mark.parametrize("version", ["0.1.0", EARLIER])
def test_a_project_that_copier_made_is_updated_like_any_other(tmp_path: Path, version: str) -> None:
    known = history_with()
    if version == "0.1.0":
        source = exported(commit_of(version), tmp_path / "template")
    else:
        source = template(tmp_path / "template", KNOWN, version)
        known = KNOWN
    project = copied(source, tmp_path / "p", project_name="my-agent")
    assert brought(project, known, stream=True).report.exit_code == 0
    assert files(project) == fresh(project_name="my-agent", stream=True)


@pytest.mark.real
def test_copiers_own_update_of_a_project_of_a_tag(tmp_path: Path) -> None:
    source = tagged(tmp_path / "template")
    project = copied(source, tmp_path / "p", stream=True)
    edit(project, "agent.py", *EDIT)
    commit_all(project)
    for path in KNOWN.files(EARLIER):
        (source / ("copier.yml" if path == SETTINGS else path)).unlink()
    template(source, KNOWN, NOW)
    commit_all(source)
    git(source, "tag", f"v{NOW}")
    run_update(project, defaults=True, overwrite=True, quiet=True)
    wanted = fresh(stream=True)
    wanted["agent.py"] = wanted["agent.py"].replace(EDIT[0].encode(), EDIT[1].encode())
    wanted[RECORD] += f'_commit: "v{NOW}"\n_src_path: "{source}"\n'.encode()
    assert files(project) == wanted


@pytest.mark.real
def test_copiers_own_update_to_a_release_with_more_options(tmp_path: Path) -> None:
    source = template(tmp_path / "template", KNOWN, "0.1.0")
    git(source, "init", "--quiet")
    commit_all(source)
    git(source, "tag", "v0.1.0")
    project = copied(source, tmp_path / "p", stream=True)
    with (project / RECORD).open("a") as record:  # 0.1.0 did not write it yet
        record.write(f"_commit: v0.1.0\n_src_path: {source}\n")
    commit_all(project)
    for path in KNOWN.files("0.1.0"):
        (source / ("copier.yml" if path == SETTINGS else path)).unlink()
    template(source, KNOWN, NOW)
    commit_all(source)
    git(source, "tag", f"v{NOW}")
    run_update(project, data={"transcript": True}, defaults=True, overwrite=True, quiet=True)
    found = files(project)
    record_of_now = found.pop(RECORD)
    wanted = fresh(stream=True, transcript=True)
    assert record_of_now.startswith(wanted.pop(RECORD))
    assert found == wanted


@pytest.mark.real
def test_both_updates_can_be_used_in_turn(tmp_path: Path) -> None:
    source = tagged(tmp_path / "template")
    project = copied(source, tmp_path / "p")
    added = f'_commit: "v{EARLIER}"\n_src_path: "{source}"\n'.encode()
    assert files(project)[RECORD].endswith(added)
    brought(project, KNOWN)
    assert files(project)[RECORD] == fresh()[RECORD] + added.replace(EARLIER.encode(), NOW.encode())


@pytest.mark.real
def test_what_is_not_of_a_tag_is_recorded_as_by_create(tmp_path: Path) -> None:
    source = tagged(tmp_path / "template")
    (source / "more.txt").write_text("")
    commit_all(source)
    data = {"framework": "strands"}
    run_copy(str(source), tmp_path / "p", data=data, defaults=True, quiet=True, vcs_ref="HEAD")
    assert b"_commit" not in files(tmp_path / "p")[RECORD]


@pytest.mark.parametrize(
    ("source", "recorded"),
    [
        ("https://example.com/templates.git", True),
        ("git@example.com:templates.git", True),
        ("https://ann:secret@example.com/templates.git", False),
    ],
)
def test_no_secret_is_recorded(source: str, recorded: bool) -> None:
    variables = template_variables(complete({"framework": "strands"}))
    of_copier = {"_commit": f"v{NOW}", "_src_path": source}
    text = Renderer(template_root()).text(RECORD, {**variables, "_copier_answers": of_copier})
    assert text is not None
    assert (f'_src_path: "{source}"\n' in text) is recorded
    assert ("secret" in text) is False


def test_the_record_says_how_its_answers_are_changed() -> None:
    text = fresh()[RECORD].decode()
    assert "`agentcore-new update --stream`" in text
    assert "by hand makes it go wrong" in text
