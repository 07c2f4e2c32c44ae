"""Weight matching: the element of the group that brings the weights of B nearest to those of A, without any data.

Coordinate descent over the groups of units (Git Re-Basin: Ainsworth et al. 2023, arXiv 2209.04836, Algorithm 1) from
several starts: as they are, units by what their weights hold in any order, and for permutations and signs Frank-Wolfe
over all groups at once (C2M3: Crisostomi et al. 2024, arXiv 2405.17897, section 3). All starts but the first move with
B when B is moved, so that the same network in another order is aligned to the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..nets.prep import Params
from ..nets.units import Units
from .assign import WORTH, assign, check_units, products, weight_profits
from .group import Element, Move, apply, compose, from_rows, moved, rows

SWEEPS, STEPS = 100, 60
"""of coordinate descent and of Frank-Wolfe, at most"""
STILL = 1e-7
"""share of the objective by which a step of Frank-Wolfe must be better to be followed by another"""


@dataclass(frozen=True)
class Matched:
    """What moves B, and how near it comes."""

    element: dict[str, Move]
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
) -> dict[str, Move]:  # fmt: skip
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


def by_features(a: Params, b: Params, groups: Sequence[Units], generator: np.random.Generator) -> dict[str, Move]:
    """Return the start that matches units by their `features`, then gives them signs and turns by their own rows."""
    inside = {(place.param, place.axis): True for units in groups for place in (*units.made, *units.read)}
    element = {}
    for units in groups:
        of_a, of_b = (features(p, units, inside) for p in (a, b))
        order = assign(-torch.cdist(of_a, of_b).square(), generator)
        none = Move.none(units.count)
        element[units.name] = Move(order, none.gain, none.turns)
    return with_signs(a, b, groups, element)


def with_signs(a: Params, b: Params, groups: Sequence[Units], element: Element) -> dict[str, Move]:
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


def frank_wolfe(
    a: Params, b: Params, groups: Sequence[Units], start: Mapping[str, Tensor], generator: np.random.Generator
) -> dict[str, Move]:  # fmt: skip
    """Return the element that Frank-Wolfe ends at: <A, P B> over doubly stochastic P of all groups at once.

    A step goes from P towards the vertex that the gradient likes best, one assignment per group, by the length that is
    best on the way: the objective is a parabola there, since a weight has units at two sides. With signs, P is within
    the hull of signed permutations. The last P is rounded to the nearest vertex.
    """

    def worth(mixes: Mapping[str, Tensor]) -> float:
        return sum((a[name] * p).sum().item() for name, p in soft(b, groups, mixes, params_of(*groups)).items())

    def vertex(matrix: Tensor, units: Units) -> tuple[Tensor, Move]:
        sign = torch.where(matrix < 0, -1.0, 1.0).double() if units.symmetry.signs else torch.ones_like(matrix)
        order = assign(matrix * sign, generator)
        gain = sign[torch.arange(units.count), order]
        corner = torch.zeros_like(matrix)
        corner[torch.arange(units.count), order] = gain
        return corner, Move(order, gain, torch.zeros_like(gain))

    mixes, last = dict(start), worth(start)
    for _ in range(STEPS):
        corners = {}
        for units in groups:
            others = [u for u in groups if u is not units]
            half = soft(b, others, mixes, params_of(units))
            corners[units.name], _ = vertex(products(a, half, (*units.made, *units.read), units.count), units)

        def at(t: float, corners: Mapping[str, Tensor] = corners) -> dict[str, Tensor]:
            return {name: (1 - t) * mix + t * corners[name] for name, mix in mixes.items()}

        middle, end = worth(at(0.5)), worth(corners)
        bend, slope = 2 * (end + last - 2 * middle), 4 * middle - end - 3 * last
        ways = [1.0, *([min(max(-slope / (2 * bend), 0.0), 1.0)] if bend < 0 else [])]
        t = max(ways, key=lambda t: (bend * t + slope) * t)
        mixes, before, last = at(t), last, last + (bend * t + slope) * t
        if last - before <= STILL * abs(last):
            break
    return {units.name: vertex(mixes[units.name], units)[1] for units in groups}


def mixed(groups: Sequence[Units], element: Element | None) -> dict[str, Tensor]:
    """Return the middle of all permutations, or the one half way from there to an element, per group (n, n)."""
    found = {}
    for units in groups:
        middle = torch.full((units.count, units.count), 1 / units.count, dtype=torch.float64)
        if element is not None:
            move = element[units.name]
            corner = torch.zeros_like(middle)
            corner[torch.arange(units.count), move.order] = move.gain
            middle = (middle + corner) / 2
        found[units.name] = middle
    return found


def match_weights(a: Params, b: Params, groups: Sequence[Units], seed: int = 0, starts: Sequence[Element] = ()) -> Matched:
    """Return the nearest that B comes to A, of all starts; the same for the same seed.

    Args:
        a, b: parameters in float64, on the CPU.
        starts: further elements to descend from.

    Raises:
        UsageError: there is no memory to match so many units.
    """
    generator = np.random.default_rng(seed)
    check_units(max((units.count for units in groups), default=0))
    none = {units.name: Move.none(units.count) for units in groups}
    whole, best = size(a, groups), None
    turning = any(units.symmetry.turn for units in groups)

    def tried(name: str, start: Element) -> Matched:
        element = descend(a, b, groups, start, generator)
        return Matched(element, distance(a, apply(element, b, groups), groups), name)

    named = [("as they are", lambda: none), ("features", lambda: by_features(a, b, groups, generator))]
    named += [("given", lambda start=start: dict(start)) for start in starts]
    if not turning:
        named += [("Frank-Wolfe", lambda: frank_wolfe(a, b, groups, mixed(groups, None), generator))]
        named += [("Frank-Wolfe from features", lambda: frank_wolfe(a, b, groups, mixed(groups, featured), generator))]
    featured: dict[str, Move] = {}
    for name, start in named:
        begin = start()
        featured = begin if name == "features" else featured
        found = tried(name, begin)
        if best is None or found.distance < best.distance - WORTH * whole:
            best = found
        if best.distance <= WORTH * whole:
            break
    return best
