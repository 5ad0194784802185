"""The frozen states: each is what was released, and the file only ever grows."""

import subprocess
import sys
from pathlib import Path

import pytest
from copier import run_copy
from test_copier import tree

from agentcore_new.errors import CannotUpdate
from agentcore_new.review import freezing
from agentcore_new.updating import history
from updating.releases import ROOT, TEXTS, combinations, commit_of, defaults, exported, released

pytestmark = pytest.mark.usefixtures("releases")

# What a release may cost, beside the templates that the wheel has anyway.
MAX_BYTES = 100_000


def git(*words: str) -> list[str]:
    return subprocess.check_output(["git", *words], cwd=ROOT, text=True).split()


def test_every_release_is_frozen() -> None:
    assert released()[0] == "0.1.0"
    assert {tag.removeprefix("v") for tag in git("tag", "--list", "v[0-9]*")} <= set(released())


@pytest.mark.parametrize("version", released())
def test_a_frozen_state_is_that_of_its_commit(version: str, tmp_path: Path) -> None:
    assert history.packaged().files(version) == freezing.frozen(
        exported(commit_of(version), tmp_path)
    )


@pytest.mark.real
@pytest.mark.parametrize("version", released())
def test_a_frozen_state_renders_what_copier_makes_of_its_commit(
    version: str, tmp_path: Path
) -> None:
    edition = history.packaged().edition(version)
    template = exported(commit_of(version), tmp_path / "template")
    cases = list(combinations(edition))
    cases.append(defaults(edition, {**cases[-1], **TEXTS}))
    assert len(cases) > 20
    for number, answers in enumerate(cases):
        folder = tmp_path / str(number)
        run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
        copied = {path: data for path, data in tree(folder).items() if data is not None}
        rendered = edition.render(answers)
        assert {path: text.encode() for path, text in rendered.items()} == copied


def test_what_copier_asks_by_default_is_the_default(tmp_path: Path) -> None:
    for version in released():
        edition = history.packaged().edition(version)
        template = exported(commit_of(version), tmp_path / version / "template")
        for framework in edition.values("framework"):
            folder = tmp_path / version / str(framework)
            given = {"framework": framework}
            run_copy(str(template), folder, data=given, defaults=True, quiet=True)
            record = edition.render(defaults(edition, given))[".copier-answers.yml"]
            assert (folder / ".copier-answers.yml").read_text("utf-8") == record


def test_a_release_is_appended_and_nothing_else_changes(tmp_path: Path) -> None:
    before = history.packaged()
    files = freezing.frozen(ROOT)
    after = before.with_release("7.0.0", files)
    assert list(after) == [*before, "7.0.0"]
    assert after.files("7.0.0") == files
    for path, texts in before.texts.items():
        assert after.texts[path][: len(texts)] == texts
    for version in before:
        assert after.releases[version] == before.releases[version]
    history.write(tmp_path / "history.xz", after)
    assert history.read(tmp_path / "history.xz") == after


def test_freezing_appends_what_is_there(tmp_path: Path) -> None:
    root = exported("HEAD", tmp_path)
    file = root / freezing.FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(history.FILE.read_bytes())
    (root / "templates/project/main.py.jinja").write_text("print()\n")
    (root / "templates/project/__pycache__").mkdir()
    (root / "templates/project/__pycache__/main.pyc").write_bytes(b"\xff")
    freezing.freeze(root, "7.0.0")
    grown = history.read(file)
    assert list(grown) == [*history.packaged(), "7.0.0"]
    files = grown.files("7.0.0")
    assert files["templates/project/main.py.jinja"] == "print()\n"
    assert not [path for path in files if "__pycache__" in path]


def test_twenty_states_of_our_own_history_stay_small(tmp_path: Path) -> None:
    first = commit_of("0.1.0")
    changes = git("log", "--reverse", "--format=%H", f"{first}..HEAD", "--", "templates")
    states = history.History({}, {})
    picked = [first, *(changes[number * (len(changes) - 1) // 18] for number in range(19))]
    for number, commit in enumerate(picked):
        folder = exported(commit, tmp_path / str(number))
        states = states.with_release(f"0.{number}.0", freezing.frozen(folder))
    assert len(states.releases) == 20
    history.write(tmp_path / "history.xz", states)
    assert (tmp_path / "history.xz").stat().st_size < MAX_BYTES


def test_a_python_without_lzma_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(CannotUpdate, match="no lzma"):
        history.read(history.FILE)
