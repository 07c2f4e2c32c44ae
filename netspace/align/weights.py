"""Weight matching: the element of the group that brings the weights of B nearest to those of A, without any data.

Coordinate descent over the groups of units (Git Re-Basin: Ainsworth et al. 2023, arXiv 2209.04836, Algorithm 1) from
several starts: as they are, units by what their weights hold in any order, and from there, for permutations and signs,
Frank-Wolfe over all groups at once (C2M3: Crisostomi et al. 2024, arXiv 2405.17897, section 3). The last two move with
B when B is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..nets.prep import Params
from ..nets.units import Units
from .assign import WORTH, assign, check_units, products, weight_profits
from .group import Element, UnitMove, apply, compose, from_rows, moved, rows

SWEEPS, FRANK_WOLFE_STEPS = 100, 60
"""of coordinate descent and of Frank-Wolfe, at most"""
STILL = 1e-7
"""share of the objective by which a step of Frank-Wolfe must be better to be followed by another"""


@dataclass(frozen=True)
class Matched:
    """What moves B, and how near it comes."""

    element: dict[str, UnitMove]
    distance: float
    """|A - B|^2 of the weights and biases that the units have"""
    start: str
    """from which start it was found"""


def params_of(*groups: Units) -> list[str]:
    """Return the names of the parameters that groups of units have."""
    return list(dict.fromkeys(place.param for units in groups for place in (*units.made, *units.read)))


def distance(a: Params, b: Params, groups: Sequence[Units]) -> float:
    """Return |A - B|^2 over the parameters that groups of units have."""
    return sum((a[name] - b[name]).square().sum().item() for name in params_of(*groups))


def size(a: Params, groups: Sequence[Units]) -> float:
    """Return |A|^2 over the same parameters."""
    return distance(a, {name: torch.zeros_like(p) for name, p in a.items()}, groups)


def descend(
    a: Params, b: Params, groups: Sequence[Units], start: Element, generator: np.random.Generator
) -> dict[str, UnitMove]:  # fmt: skip
    """Return the element at which no single group of units can be matched better (Algorithm 1), from a start.

    Groups come in the generator's order; one whose neighbours have not changed is not looked at again. Units stay
    where they are unless another order is better.
    """
    touching = {units.name: set(params_of(units)) for units in groups}
    element, found, least = dict(start), apply(start, b, groups), WORTH * (size(a, groups) + 1e-300)
    waiting = set(touching)
    for _ in range(SWEEPS):
        for k in generator.permutation(len(groups)):
            units = groups[k]
            if units.name not in waiting:
                continue
            waiting.remove(units.name)
            profits = weight_profits(a, found, units)
            move = profits.move(assign(profits.value, generator))
            better = moved(found, units, move)
            if distance(a, better, [units]) >= distance(a, found, [units]) - least:
                continue
            found, element = better, compose(element, {units.name: move})
            waiting |= {name for name, params in touching.items() if params & touching[units.name]} - {units.name}
        if not waiting:
            break
    return element


# -- starts --------------------------------------------------------------------------------------------------------


def features(params: Params, units: Units, inside: Mapping[tuple[str, int], bool]) -> Tensor:
    """Return what the weights of units (n, F) hold whatever the order, sign and phase of these and all other units.

    Rows and columns are sorted along the units at their other side, if there are any.
    """
    either = units.symmetry.signs
    found = []
    for place in (*units.made, *units.read):
        p = params[place.param]
        if p.dim() == 1 and units.symmetry.turn:
            values = (2 * torch.pi / units.symmetry.turn * p)[:, None].cos() * units.symmetry.turn
        else:
            other = 1 - place.axis
            values = rows(p, place).abs() if either else rows(p, place)
            if p.dim() > 1 and inside.get((place.param, other)):
                count = len(p) if other == 0 else p.shape[1]
                values = values.unflatten(1, (place.block, count, -1) if place.axis else (count, -1))
                values = values.abs().sort(dim=-2).values.flatten(1)
        found.append(values)
    return torch.cat(found, dim=1)


def by_features(a: Params, b: Params, groups: Sequence[Units], generator: np.random.Generator) -> dict[str, UnitMove]:
    """Return the start that matches units by their `features`, then gives them signs and turns by their own rows."""
    inside = {(place.param, place.axis): True for units in groups for place in (*units.made, *units.read)}
    element = {}
    for units in groups:
        of_a, of_b = (features(p, units, inside) for p in (a, b))
        order = assign(-torch.cdist(of_a, of_b).square(), generator)
        none = UnitMove.none(units.count)
        element[units.name] = UnitMove(order, none.gain, none.turns)
    return with_signs(a, b, groups, element)


def with_signs(a: Params, b: Params, groups: Sequence[Units], element: Element) -> dict[str, UnitMove]:
    """Return an element with the signs and turns that the rows of its units want, from the inputs to the outputs.

    Only the first layer that makes the units is asked: what it reads has its signs already.
    """
    for units in groups:
        if not units.symmetry.signs:
            continue
        first = tuple(place for place in units.made if place.layer == units.made[0].layer)
        alone = Units(units.name, units.count, first, (), units.symmetry)
        profits = weight_profits(a, apply(element, b, groups), alone)
        element = compose(element, {units.name: profits.move(torch.arange(units.count))})
    return dict(element)


# -- Frank-Wolfe ---------------------------------------------------------------------------------------------------


def soft(
    params: Params, groups: Sequence[Units], mixes: Mapping[str, Tensor], names: Iterable[str]
) -> dict[str, Tensor]:  # fmt: skip
    """Return some of the parameters, with the units of every group mixed by a matrix (n, n), at both of their sides."""
    found = {name: params[name] for name in names}
    for units in groups:
        for place in (*units.made, *units.read):
            if place.param in found:
                p = found[place.param]
                found[place.param] = from_rows(mixes[units.name] @ rows(p, place), p, place)
    return found


def towards(one: Mapping[str, Tensor], other: Mapping[str, Tensor], t: float) -> dict[str, Tensor]:
    """Return what lies at t on the line from some matrices to others."""
    return {name: torch.lerp(mix, other[name], t) for name, mix in one.items()}


def frank_wolfe(
    a: Params, b: Params, groups: Sequence[Units], start: Mapping[str, Tensor], generator: np.random.Generator
) -> dict[str, UnitMove]:  # fmt: skip
    """Return the element that Frank-Wolfe ends at: <A, P B> over doubly stochastic P of all groups at once.

    A step goes from P towards the vertex that the gradient likes best, one assignment per group, by the length that is
    best on the way: the objective is a parabola there, since a weight has units at two sides. With signs, P is within
    the hull of signed permutations. The last P is rounded to the nearest vertex.
    """

    def worth(mixes: Mapping[str, Tensor]) -> float:
        return sum((a[name] * p).sum().item() for name, p in soft(b, groups, mixes, params_of(*groups)).items())

    def vertex(matrix: Tensor, units: Units) -> tuple[Tensor, UnitMove]:
        sign = torch.where(matrix < 0, -1.0, 1.0).double() if units.symmetry.signs else torch.ones_like(matrix)
        order = assign(matrix * sign, generator)
        gain = sign[torch.arange(units.count), order]
        corner = torch.zeros_like(matrix)
        corner[torch.arange(units.count), order] = gain
        return corner, UnitMove(order, gain, torch.zeros_like(gain))

    mixes, last = dict(start), worth(start)
    for _ in range(FRANK_WOLFE_STEPS):
        corners = {}
        for units in groups:
            others = [u for u in groups if u is not units]
            half = soft(b, others, mixes, params_of(units))
            corners[units.name], _ = vertex(products(a, half, (*units.made, *units.read), units.count), units)

        middle, end = worth(towards(mixes, corners, 0.5)), worth(corners)
        bend, slope = 2 * (end + last - 2 * middle), 4 * middle - end - 3 * last
        ways = [1.0, *([min(max(-slope / (2 * bend), 0.0), 1.0)] if bend < 0 else [])]
        t = max(ways, key=lambda t: (bend * t + slope) * t)
        mixes, before, last = towards(mixes, corners, t), last, last + (bend * t + slope) * t
        if last - before <= STILL * abs(last):
            break
    return {units.name: vertex(mixes[units.name], units)[1] for units in groups}


def halfway(groups: Sequence[Units]) -> dict[str, Tensor]:
    """Return by group the matrix (n, n) half way from the middle of all permutations to the units as they are."""
    return {u.name: (torch.full((u.count, u.count), 1 / u.count) + torch.eye(u.count)).double() / 2 for u in groups}


def match_weights(
    a: Params, b: Params, groups: Sequence[Units], seed: int = 0, start: Element | None = None
) -> Matched:  # fmt: skip
    """Return the nearest that B comes to A, of all starts; the same for the same seed.

    Args:
        a, b: parameters in float64, on the CPU.
        start: an element to start from instead of B as it is.

    Raises:
        UsageError: there is no memory to match so many units.
    """
    check_units(max((units.count for units in groups), default=0))
    begin = start or {units.name: UnitMove.none(units.count) for units in groups}
    least, best = WORTH * size(a, groups), None
    for name, found in start_elements(a, b, groups, begin, seed):
        generator = np.random.default_rng(seed)  # of its own, so that no start depends on those before it
        element = descend(a, b, groups, found, generator)
        matched = Matched(element, distance(a, apply(element, b, groups), groups), name)
        if best is None or matched.distance < best.distance - least:
            best = matched
        if best.distance <= least:
            break
    return best


def start_elements(
    a: Params, b: Params, groups: Sequence[Units], begin: Element, seed: int
) -> Iterator[tuple[str, Element]]:  # fmt: skip
    """Yield elements to descend from, by name."""
    yield "given", begin
    featured = by_features(a, b, groups, np.random.default_rng(seed))
    yield "features", featured
    if not any(units.symmetry.turn for units in groups):
        ordered = apply(featured, b, groups)  # the same numbers in whatever order B came
        walked = frank_wolfe(a, ordered, groups, halfway(groups), np.random.default_rng(seed))
        yield "Frank-Wolfe", compose(featured, walked)
