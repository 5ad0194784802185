"""The list of the session contract and the modules that cite its points agree."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
LIST = TESTS / "contract" / "README.md"

POINT = re.compile(r"^(\d+)\. \*\*(.+?)\.\*\* (.*?)(?=^\d+\. |\Z)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[`([^`]+)`\]\(([^)]+)\)")
CITATION = re.compile(r"\bpoints? \d.*", re.IGNORECASE)
NOT_BUILT = "*Not built yet"

TEXTS = {int(number): (name, text) for number, name, text in POINT.findall(LIST.read_text("utf-8"))}
# as a module cites it, in a line of its own
LINES = {
    f"Point {number}, {name[0].lower()}{name[1:]}.": number for number, (name, _) in TEXTS.items()
}


def modules_by_point() -> dict[int, set[Path]]:
    """Which modules cite each point; a citation must be one of the lines."""
    found: dict[int, set[Path]] = {number: set() for number in TEXTS}
    for path in TESTS.rglob("*.py"):
        for line in CITATION.findall(path.read_text("utf-8")):
            assert line in LINES, f"{path.relative_to(TESTS)} cites no point of the list: {line}"
            found[LINES[line]].add(path)
    return found


def test_the_points_are_numbered() -> None:
    assert list(TEXTS) == list(range(1, 20))
    assert len({name for name, _ in TEXTS.values()}) == len(TEXTS)


def test_every_point_links_the_modules_that_cite_it() -> None:
    for number, modules in modules_by_point().items():
        links = LINK.findall(TEXTS[number][1])
        assert {(LIST.parent / target).resolve() for _, target in links} == modules, number
        assert all(target.removeprefix("../") == label for label, target in links), number


def test_every_point_that_is_built_is_tested_and_no_other() -> None:
    tested = {number for number, modules in modules_by_point().items() if modules}
    assert tested == {n for n, (_, text) in TEXTS.items() if not text.startswith(NOT_BUILT)}
