"""What holds for every release, every choice of answers and every edit."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentcore_new.errors import Unresolved
from agentcore_new.options import OPTIONS, Value
from agentcore_new.updating.report import Status
from updating.projects import (
    EARLIER,
    RECORD,
    Files,
    brought,
    commit_all,
    files,
    fresh,
    history_with,
    made_with,
    state,
    undo,
    unmerged,
)

pytestmark = pytest.mark.real

TEXT = "".join(f"NUMBER_{number} = {number}\n" for number in range(40))
# Of each kind of change, one that every project gets.
KNOWN = history_with(
    {
        "project/serving/identity.py": ("MAX_ID_CHARS = 256", "MAX_ID_CHARS = 128"),
        "project/pyproject.toml.jinja": ("agentcore>=1.19", "agentcore>=1.18"),
        "project/serving/gone.py": TEXT,
        "project/serving/values.py": None,
        "project/README.md.jinja": ("## Limits", "## The limits"),
    }
)
VERSIONS = ("0.1.0", EARLIER)
# A case takes half a second: they are not made smaller, which takes hundreds more.
EXAMPLES = settings(
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def answers(version: str) -> st.SearchStrategy[dict[str, Value]]:
    """Some answers to questions of that version."""
    edition = KNOWN.edition(version)
    asked = {
        name: st.sampled_from(edition.values(name))
        for name in edition.questions
        if edition.values(name)
    }
    texts = {"description": st.sampled_from(["A bot", 'Says "hi" & <b> #1', "日本語"])}
    return st.fixed_dictionaries({}, optional=asked | texts)


CHANGED: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {}, optional={option.name: st.sampled_from(option.values) for option in OPTIONS}
)


@dataclass(frozen=True)
class Edit:
    """What an owner does to a file, which is found by numbers."""

    kind: str
    file: int
    line: int


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(
            [
                "insert",
                "insert",
                "insert",
                "replace",
                "drop",
                "delete",
                "rename",
                "move",
                "crlf",
                "mix",
                "own",
            ]
        ),
        st.integers(0, 99),
        st.integers(0, 999),
    ),
    max_size=12,
)


@contextmanager
def project_of(version: str, given_then: Mapping[str, Value]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield made_with(Path(folder, "p"), KNOWN, given_then, version)


def edited(project: Path, edits: list[Edit]) -> list[bytes]:
    """Do it all, and return the lines that are the owner's alone."""
    mine: list[bytes] = []
    for number, edit in enumerate(edits):
        paths = sorted(path for path in files(project) if path != RECORD)
        path = paths[edit.file % len(paths)]
        file = project / path
        data = file.read_bytes()
        lines = data.split(b"\n")
        at = edit.line % len(lines)
        end = b"\r" if lines[0].endswith(b"\r") else b""
        line = b"# mine, number %d, and of nobody else" % number
        if edit.kind in ("insert", "replace"):
            # what is replaced is not the owner's any more
            gone = lines[at] if edit.kind == "replace" else b""
            mine = [each for each in mine if each not in gone]
            lines[at : at + (edit.kind == "replace")] = [line + end]
            file.write_bytes(b"\n".join(lines))
            mine.append(line)
        elif edit.kind == "drop":
            mine = [each for each in mine if each not in lines[at]]
            del lines[at]
            file.write_bytes(b"\n".join(lines))
        elif edit.kind == "delete":
            mine = [each for each in mine if each not in data]
            file.unlink()
        elif edit.kind in ("rename", "move"):
            to = project / (f"{path}.mine" if edit.kind == "rename" else f"mine/{number}/{path}")
            to.parent.mkdir(parents=True, exist_ok=True)
            file.rename(to)
        elif edit.kind == "crlf":
            file.write_bytes(re.sub(rb"\r?\n", b"\r\n", data))
        elif edit.kind == "mix":
            file.write_bytes(b"\r\n".join([b"\n".join(lines[:at]), b"\n".join(lines[at:])]))
        else:
            (project / f"own_{number}.py").write_bytes(line + b"\n")
            mine.append(line)
    commit_all(project, "Mine")
    return mine


def complete_answers(
    version: str, then: Mapping[str, Value], now: Mapping[str, Value]
) -> dict[str, Value]:
    """What `create` is given for the project to be made anew."""
    edition = KNOWN.edition(version)
    framework = then.get("framework", "strands")
    name = edition.default("project_name", {"framework": framework})
    recorded: dict[str, Value] = {"framework": framework, "project_name": name}
    every = dict(recorded)
    for question in edition.questions[2:]:
        default = edition.default(question, every)
        every[question] = then.get(question, default)
        if every[question] != default:  # what is the default follows the others
            recorded[question] = every[question]
    return {**recorded, **now}


@EXAMPLES
@given(st.data(), st.sampled_from(VERSIONS))
def test_without_edits_it_is_what_create_makes(data: st.DataObject, version: str) -> None:
    then = data.draw(answers(version))
    now = data.draw(CHANGED)
    with project_of(version, then) as project:
        done = brought(project, KNOWN, **now).report
        assert (done.exit_code, done.to_resolve, done.kept, done.left_deleted) == (0, {}, (), ())
        assert files(project) == fresh(**complete_answers(version, then, now))
        commit_all(project)
        before = state(project)
        assert brought(project, KNOWN, **now).report.status is Status.UP_TO_DATE
        assert brought(project, KNOWN).report.status is Status.UP_TO_DATE
        assert state(project) == before


@EXAMPLES
@given(st.data(), st.sampled_from(VERSIONS), EDITS)
def test_whatever_is_edited_nothing_of_it_is_lost(
    data: st.DataObject, version: str, edits: list[Edit]
) -> None:
    then = data.draw(answers(version))
    now = data.draw(CHANGED)
    with project_of(version, then) as project:
        mine = edited(project, edits)
        before = state(project)
        done = brought(project, KNOWN, **now).report
        after = files(project)
        for line in mine:
            assert any(line in text for text in after.values()), line
        said = {*done.to_resolve}
        with_markers = {path for path, text in after.items() if b"<<<<<<< yours" in text}
        assert with_markers <= said
        certain = {path for path, kind in done.to_resolve.items() if kind == "same-lines"}
        assert certain <= with_markers
        assert {*unmerged(project)} == said & {*before[0]}
        assert (done.exit_code == 3) is bool(said)
        assert_disjoint(done.changed, done.added, done.removed, done.kept, done.left_deleted)
        for path in (*done.added, *done.changed):
            assert path in after
        for path in (*done.removed, *done.left_deleted):
            assert path not in after
        if said:
            before_again = state(project)
            with pytest.raises(Unresolved):
                brought(project, KNOWN)
            assert state(project) == before_again
            undo(project)
            assert state(project) == before
            return
        commit_all(project)
        before = state(project)
        assert brought(project, KNOWN).report.status is Status.UP_TO_DATE
        assert state(project) == before


def assert_disjoint(*groups: Sequence[str]) -> None:
    every = [path for group in groups for path in group]
    assert len(every) == len({*every})


def far_from_changes(old: bytes, new: bytes) -> list[tuple[int, int]]:
    """Where lines can be inserted: three lines from all that changes, in old and in new."""
    were, are = old.split(b"\n"), new.split(b"\n")
    blocks = SequenceMatcher(None, were, are, autojunk=False).get_matching_blocks()
    return [
        (old_at + at, new_at + at) for old_at, new_at, count in blocks for at in range(3, count - 3)
    ]


@EXAMPLES
@given(st.data())
def test_edits_three_lines_from_changes_stay_byte_for_byte(data: st.DataObject) -> None:
    then = data.draw(answers(EARLIER))
    now = data.draw(CHANGED)
    with project_of(EARLIER, then) as project:
        old = files(project)
        new = fresh(**complete_answers(EARLIER, then, now))
        wanted: Files = dict(new)
        for path in sorted({*old} & {*new} - {RECORD}):
            places = far_from_changes(old[path], new[path])
            is_edited = data.draw(st.booleans())
            if places and is_edited:
                old_at, new_at = places[data.draw(st.integers(0, len(places) - 1))]
                line = f"# mine in {path}".encode()
                (project / path).write_bytes(inserted(old[path], old_at, line))
                wanted[path] = inserted(new[path], new_at, line)
        commit_all(project)
        done = brought(project, KNOWN, **now).report
        assert (done.exit_code, files(project)) == (0, wanted)


def inserted(data: bytes, at: int, line: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join([*lines[:at], line, *lines[at:]])
