"""Sets of combinations, and the options that make a difference."""

from itertools import product

import pytest

from agentcore_new.review.cube import Axis, Cube, mask_of, of_combinations, relevant

AXES: tuple[Axis, ...] = (("a", ("x", "y", "z")), ("b", (False, True)), ("c", (False, True)))
CUBE = Cube(AXES)


def test_a_set_has_the_cells_whose_value_it_is_for() -> None:
    for name, masks in CUBE.masks.items():
        for value, mask in masks.items():
            assert mask == mask_of(cell[name] == value for cell in CUBE.cells)
        assert sum(masks.values()) == CUBE.all


def test_a_cell_has_its_place() -> None:
    assert [CUBE.index({**cell, "more": "m"}) for cell in CUBE.cells] == [*range(12)]
    assert of_combinations(CUBE.cells).axes == AXES


@pytest.mark.parametrize(
    ("names", "depends"),
    [
        ("", lambda _cell: 1),
        ("a", lambda cell: cell["a"]),
        ("bc", lambda cell: cell["b"] and cell["c"]),
        ("ab", lambda cell: cell["a"] == "z" and cell["b"]),
        ("c", lambda cell: cell["c"]),
        ("ac", lambda cell: cell["a"] == "y" and cell["c"]),
    ],
)
def test_an_option_is_kept_if_it_makes_a_difference_in_one_case(
    names: str, depends: "object"
) -> None:
    assert callable(depends)
    smaller, values = relevant(CUBE, [depends(cell) for cell in CUBE.cells])
    assert [name for name, _ in smaller.axes] == [*names]
    kept = [axis for axis in AXES if axis[0] in names]
    cells = [dict(zip(names, row, strict=True)) for row in product(*(v for _, v in kept))]
    rest = {"a": "x", "b": False, "c": False}
    assert values == [depends({**rest, **cell}) for cell in cells]
