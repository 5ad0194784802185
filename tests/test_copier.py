"""`copier copy` of this checkout makes byte for byte what `create` makes."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from itertools import combinations as subsets
from itertools import cycle
from pathlib import Path

import pytest
import yaml
from copier import run_copy

from agentcore_new import __version__
from agentcore_new.answers import Answers, combinations, complete
from agentcore_new.creation import create
from agentcore_new.options import FRAMEWORK, OPTIONS, Value
from agentcore_new.render import render
from agentcore_new.review.faults import label

ROOT = Path(__file__).parents[1]

NAMES = ("a", "User", "My_Agent-2", "x-", "a__b--c", "A" * 64)
MODEL_IDS = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
    "true",
    "1e3",
    "~",
    "-=,@+:",
    "m" * 256,
)
DESCRIPTIONS = (
    'Says "hello", \'bye\', """all""" and \\n \\" \\\\',
    "{{ framework }} {% raw %} {# no #} {% endraw %} ${HOME} $(id) `id` %s {0}",
    "true",
    "1.0",
    "a: b # c",
    "- [x](javascript:alert) <script>alert(1)</script> &amp; | # ~ *",
    "Zażółć gęślą jaźń 日本語 שלום 👩\u200d💻 e\u0301",
    "d" * 1000,
)


def covering(rows: Iterable[Answers]) -> list[Answers]:
    """Return rows in which every two values of two options come together at least once."""
    candidates = list(rows)

    def pairs(row: Answers) -> set[tuple[tuple[str, Value], ...]]:
        return set(subsets([(option.name, row[option.name]) for option in OPTIONS], 2))

    missing = set().union(*map(pairs, candidates))
    chosen: list[Answers] = []
    while missing:
        best = max(candidates, key=lambda row: len(pairs(row) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def with_awkward_texts() -> list[Answers]:
    """Return answers with every awkward text, on combinations that differ."""
    rows = zip(DESCRIPTIONS, cycle(NAMES), cycle(MODEL_IDS), covering(combinations()), strict=False)
    return [
        complete({**row, "project_name": name, "model_id": model_id, "description": description})
        for description, name, model_id, row in rows
    ]


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return the bytes of every file in `folder`, and None for every folder."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def created(answers: Answers, folder: Path) -> dict[str, bytes | None]:
    return tree(create(answers, folder, repository=False).target)


def name_of(answers: Answers) -> str:
    return label({option.name: answers[option.name] for option in OPTIONS})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the template without a repository: Copier takes it as it stands."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "templates", folder / "templates")
    return folder


def copied(template: Path, folder: Path, data: Mapping[str, Value]) -> dict[str, bytes | None]:
    run_copy(str(template), folder, data=dict(data), defaults=True, quiet=True)
    return tree(folder)


@pytest.mark.parametrize("answers", covering(combinations()), ids=name_of)
def test_the_same_project_comes_of_the_same_options(
    answers: Answers, template: Path, tmp_path: Path
) -> None:
    values = {option.name: answers[option.name] for option in OPTIONS}
    assert copied(template, tmp_path / "copied", values) == created(answers, tmp_path)


@pytest.mark.parametrize("answers", with_awkward_texts(), ids=name_of)
def test_the_same_project_comes_of_awkward_texts(
    answers: Answers, template: Path, tmp_path: Path
) -> None:
    assert copied(template, tmp_path / "copied", answers) == created(answers, tmp_path)


@pytest.mark.parametrize("framework", FRAMEWORK.values)
def test_the_same_project_comes_of_the_defaults(
    framework: str, template: Path, tmp_path: Path
) -> None:
    given = {"framework": framework}
    assert copied(template, tmp_path / "copied", given) == created(complete(given), tmp_path)


@pytest.mark.parametrize("answers", with_awkward_texts()[:2], ids=name_of)
def test_the_copier_command_needs_no_trust(
    answers: Answers, template: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(template, checkout)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "A template"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    texts = {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in answers.items()
    }
    data = [argument for item in texts.items() for argument in ("--data", "=".join(item))]
    subprocess.run(
        [sys.executable, "-m", "copier", "copy", "--defaults", "-q", *data, "checkout", "copied"],
        cwd=tmp_path,
        check=True,
    )
    assert tree(tmp_path / "copied") == created(answers, tmp_path)


def test_the_answers_file_records_every_answer_and_the_version() -> None:
    for answers in (*combinations(), *with_awkward_texts()):
        text = render(answers)[".copier-answers.yml"]
        assert yaml.safe_load(text) == {"agentcore_new_version": __version__, **answers}
        assert not any(str(folder) in text for folder in (ROOT, Path.home(), Path.cwd()))


def test_the_covering_set_has_every_pair_of_values() -> None:
    rows = covering(combinations())
    for one, other in subsets(OPTIONS, 2):
        together = {(row[one.name], row[other.name]) for row in rows}
        assert len(together) == len(one.values) * len(other.values)
    assert len(rows) < len(list(combinations()))
