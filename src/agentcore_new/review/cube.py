"""The combinations of the options as a cube, whose sets of cells are bit masks.

Plain arithmetic: what it costs grows with the options on which a file depends, not with all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TypeVar

from agentcore_new.options import Value

T = TypeVar("T")

Combination = Mapping[str, Value]
Axis = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Cube:
    """Every combination of some options; cell `i` is the bit `1 << i` of a set.

    Args:
        axes: The values of each option, in the order of the options.
        among: All options, also those that make no difference here: words are clear among them.
    """

    axes: tuple[Axis, ...]
    among: tuple[Axis, ...] = ()

    @cached_property
    def cells(self) -> tuple[dict[str, Value], ...]:
        """The combinations, the last option changing first."""
        names = [name for name, _ in self.axes]
        rows = product(*(values for _, values in self.axes))
        return tuple(dict(zip(names, row, strict=True)) for row in rows)

    @cached_property
    def all(self) -> int:
        """The set of all cells."""
        return (1 << prod(len(values) for _, values in self.axes)) - 1

    @cached_property
    def masks(self) -> dict[str, dict[Value, int]]:
        """The cells with each value of each option."""
        masks: dict[str, dict[Value, int]] = {}
        stride = prod(len(values) for _, values in self.axes)
        for name, values in self.axes:
            whole, stride = stride, stride // len(values)
            # the first value's first run of cells, repeated along the cube
            repeated = self.all // ((1 << whole) - 1) * ((1 << stride) - 1)
            masks[name] = {
                value: repeated << number * stride for number, value in enumerate(values)
            }
        return masks

    def index(self, combination: Combination) -> int:
        """Return the number of the cell of `combination`, which may have further options."""
        number = 0
        for name, values in self.axes:
            number = number * len(values) + values.index(combination[name])
        return number


def of_combinations(combinations: Sequence[Combination]) -> Cube:
    """Return the smallest cube that has all of `combinations`, the options in their order."""
    axes: dict[str, dict[Value, None]] = {}
    for combination in combinations:
        for name, value in combination.items():
            axes.setdefault(name, {})[value] = None
    rows = tuple((name, tuple(values)) for name, values in axes.items())
    return Cube(rows, rows)


def relevant(cube: Cube, values: Sequence[T]) -> tuple[Cube, Sequence[T]]:
    """Return the cube of just those options on which `values` depend, and the values on it.

    Args:
        cube: All options.
        values: One for each cell, in their order.
    """
    kept: list[Axis] = []
    # From the last option to the first: what was dropped makes no difference to the others.
    stride = 1
    for name, possible in reversed(cube.axes):
        size, whole = len(possible), stride * len(possible)
        blocks = range(0, len(values), whole)
        if all(
            values[start : start + stride] == values[start + n * stride : start + (n + 1) * stride]
            for start in blocks
            for n in range(1, size)
        ):
            values = [each for start in blocks for each in values[start : start + stride]]
        else:
            kept.insert(0, (name, possible))
            stride = whole
    return Cube(tuple(kept), cube.among), values


def mask_of(flags: Iterable[bool]) -> int:
    """Return the set of the cells whose flag is set, in their order."""
    bits = "".join("1" if flag else "0" for flag in flags)
    return int(bits[::-1] or "0", 2)
