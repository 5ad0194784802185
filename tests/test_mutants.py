"""The table of mutants fits the templates, and its judge is neither too mild nor too strict.

That the tests kill them all is for `python tests/mutants` to show, which takes minutes.
"""

import re
from importlib import import_module
from pathlib import Path

import pytest
from mutants.__main__ import ROOT, applied, copy, verdict
from mutants.mutant import CACHE, Edit, Mutant, one
from mutants.table import HISTORY, MUTANTS

KEY = "entry = self._in_use.get(key) or self._idle.pop(key, None) or _Entry()"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies(mutant: Mutant, tmp_path: Path) -> None:
    paths = {edit.path for edit in mutant.edits}
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    with applied(mutant, tmp_path):
        assert all((tmp_path / path).read_text() != (ROOT / path).read_text() for path in paths)
    assert all((tmp_path / path).read_bytes() == (ROOT / path).read_bytes() for path in paths)


def test_there_are_those_of_our_history_and_ten_more() -> None:
    assert len(HISTORY) == 18
    assert len(MUTANTS) >= len(HISTORY) + 10
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


TESTS = "tests/session_cache/test_cap.py"


@pytest.mark.real
@pytest.mark.parametrize(
    ("mutant", "dead", "told"),
    [
        (one("harmless", CACHE, "# wakes waiters", "# Wakes waiters", TESTS), False, "SURVIVED"),
        (one("gone", CACHE, "no such text", "", TESTS), False, "DOES NOT APPLY"),
        (one("twice", CACHE, "asyncio", "", TESTS), False, "DOES NOT APPLY"),
        (one("no tests", CACHE, KEY, KEY, "tests/nothing.py"), False, "DID NOT RUN"),
        (one("no Python", CACHE, KEY, "entry = (", TESTS), False, "DID NOT RUN"),
        (
            Mutant(
                "deadly", (Edit(CACHE, "len(self) > self._maxsize", "len(self) > 9_999"),), TESTS
            ),
            True,
            "session_cache/test_cap.py::",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else "",
)
def test_a_mutant_is_judged(mutant: Mutant, dead: bool, told: str, tmp_path: Path) -> None:
    found, said = verdict(mutant, copy(tmp_path / "copy"))
    assert (found, said[: len(told)]) == (dead, told)


def test_the_readme_counts_them() -> None:
    readme = (ROOT / "tests/mutants/README.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z]+)` in `(\w+)\.py` \| (\d+) \|", readme, re.M)
    counted = {
        name: len(vars(import_module(f"mutants.{module}"))[name]) for name, module, _ in rows
    }
    assert counted == {name: int(number) for name, _, number in rows}
    assert f"All {len(MUTANTS)} are killed." in readme
    assert sum(counted.values()) == len(MUTANTS)
