"""A set of combinations in the shortest words that say it, and back.

`stream`, `adk`, `not container`, `adk/autogen & stream | bedrock`: `|` separates alternatives, `&`
what holds together, `/` values of one option. A value that two options have names its option:
`framework=openai`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, combinations, permutations, product

from agentcore_new.errors import Error
from agentcore_new.options import Value
from agentcore_new.review.cube import Axis, Combination, Cube

EVERYWHERE, NOWHERE = "all", "none"
# the values of each option that a term allows, in the order of the options
Term = tuple[frozenset[Value], ...]


@cache
def words(cube: Cube, some: int, within: int) -> str:
    """Return the words for the cells `some`, to a reader who knows that it is one of `within`.

    Args:
        cube: All combinations.
        some: The set to describe, inside of `within`.
        within: What is known already; other cells make no difference.
    """
    if some == within:
        return EVERYWHERE
    if not some:
        return NOWHERE
    axes = _support(cube, some, within & ~some)
    wanted, foreign = _cells(cube, axes, some), _cells(cube, axes, within & ~some)
    return " | ".join(
        _term(cube, axes, term, [cell for cell in wanted if _has(term, cell)])
        for term in _cover(axes, wanted, foreign)
    )


def holds(text: str, axes: Mapping[str, Sequence[Value]], combination: Combination) -> bool:
    """Return whether `combination` is one of those that the words name.

    Args:
        text: What `words` returned.
        axes: All values of each option.
        combination: A value of each option.

    Raises:
        Error: These are no such words.
    """
    if text in (EVERYWHERE, NOWHERE):
        return text == EVERYWHERE
    return any(
        all(combination[name] in values for name, values in term)
        for term in parsed(text, tuple((name, tuple(values)) for name, values in axes.items()))
    )


@cache
def parsed(
    text: str, axes: tuple[Axis, ...]
) -> tuple[tuple[tuple[str, frozenset[Value]], ...], ...]:
    """Return the alternatives of `text`: of each the values that some options may have.

    Raises:
        Error: These are no words for a set.
    """
    return tuple(
        tuple(_factor_of(factor, axes) for factor in term.split(" & "))
        for term in text.split(" | ")
    )


def _support(cube: Cube, some: int, other: int) -> tuple[Axis, ...]:
    """Return the fewest options that tell `some` from `other`."""
    subsets = chain.from_iterable(
        combinations(cube.axes, size) for size in range(1, len(cube.axes) + 1)
    )
    for axes in subsets:
        masks = [cube.masks[name].values() for name, _ in axes]
        if not any(some & cell and other & cell for cell in map(_common, product(*masks))):
            return axes
    return cube.axes


def _common(masks: Sequence[int]) -> int:
    common = masks[0]
    for mask in masks[1:]:
        common &= mask
    return common


def _cells(cube: Cube, axes: Sequence[Axis], some: int) -> set[tuple[Value, ...]]:
    """Return the values of `axes` with which there are cells of the set."""
    return {
        values
        for values in product(*(values for _, values in axes))
        if some & _common([cube.masks[name][v] for (name, _), v in zip(axes, values, strict=True)])
    }


def _cover(
    axes: Sequence[Axis], wanted: set[tuple[Value, ...]], foreign: set[tuple[Value, ...]]
) -> list[Term]:
    """Return few terms that have all that is wanted and nothing foreign, the largest first."""
    terms = sorted(
        {term for cell in wanted for term in _grown(axes, cell, foreign)},
        key=lambda term: [sorted(map(str, values)) for values in term],
    )
    chosen: list[Term] = []
    left = set(wanted)
    while left:
        best = max(
            terms,
            key=lambda term: (
                len([cell for cell in left if _has(term, cell)]),
                -_length(axes, term),
            ),
        )
        chosen.append(best)
        left = {cell for cell in left if not _has(best, cell)}
    return chosen


def _grown(
    axes: Sequence[Axis], cell: tuple[Value, ...], foreign: set[tuple[Value, ...]]
) -> Iterator[Term]:
    """Yield the largest terms around one cell: each option gets all values that it can have."""
    for order in permutations(range(len(axes))):
        term = [frozenset({value}) for value in cell]
        for number in order:
            rest = [each for n, each in enumerate(term) if n != number]
            taken = {
                other[number]
                for other in foreign
                if all(
                    value in values
                    for value, values in zip(
                        (value for n, value in enumerate(other) if n != number), rest, strict=True
                    )
                )
            }
            term[number] = frozenset(axes[number][1]) - taken
        yield tuple(term)


def _has(term: Term, cell: Sequence[Value]) -> bool:
    return all(value in values for value, values in zip(cell, term, strict=True))


def _length(axes: Sequence[Axis], term: Term) -> int:
    return sum(
        min(len(allowed), len(values) - len(allowed))
        for (_, values), allowed in zip(axes, term, strict=True)
    )


def _term(cube: Cube, axes: Sequence[Axis], term: Term, wanted: Sequence[tuple[Value, ...]]) -> str:
    return " & ".join(
        _factor(cube, name, values, allowed, {cell[number] for cell in wanted})
        for number, ((name, values), allowed) in enumerate(zip(axes, term, strict=True))
        if len(allowed) < len(values)
    )


def _factor(
    cube: Cube,
    name: str,
    values: Sequence[Value],
    allowed: frozenset[Value],
    wanted: set[Value],
) -> str:
    """Return the shorter of: the values that are wanted, or those that are not allowed."""
    if set(values) == {False, True}:
        return name if True in allowed else f"not {name}"
    shown = [value for value in values if value in wanted]
    left_out = [value for value in values if value not in allowed]
    text, length = _listed(cube, name, shown)
    other, its_length = _listed(cube, name, left_out)
    return text if length <= its_length else f"not {other}"


def _listed(cube: Cube, name: str, values: Sequence[Value]) -> tuple[str, int]:
    """Return values of one option as they are said, and of how many words that is."""
    text = "/".join(map(str, values))
    if _is_clear(text, cube.among or cube.axes):
        return text, len(values)
    return f"{name}={text}", len(values) + 1


def _is_clear(text: str, axes: tuple[Axis, ...]) -> bool:
    """Tell whether just one option has all these values, and none is called so."""
    values = text.split("/")
    return sum(name == text or {*values} <= {*map(str, possible)} for name, possible in axes) == 1


@cache
def _factor_of(text: str, axes: tuple[Axis, ...]) -> tuple[str, frozenset[Value]]:
    plain = text.removeprefix("not ")
    negated = plain != text
    for name, values in axes:
        if plain == name and set(values) == {False, True}:
            return name, frozenset({not negated})
    prefix, _, listed = plain.rpartition("=")
    shown = listed.split("/")
    for name, values in axes:
        if prefix in ("", name) and {*shown} <= {*map(str, values)}:
            allowed = {value for value in values if (str(value) in shown) is not negated}
            return name, frozenset(allowed)
    raise Error(f"{text!r} names no combinations.")
