"""The symmetry group of a network: its elements leave the function as it is and move the weights.

Of every group of units (`nets.units.Units`) an element has an order, a factor per unit, and of sines the half periods
by which each is shifted: sin(omega (W x + b)) = (-1)^k sin(omega (W x + b + k pi / omega)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..nets.archs import Arch
from ..nets.network import Network
from ..nets.prep import Params, pack
from ..nets.units import UnitAxis, Units


@dataclass(frozen=True)
class UnitMove:
    """What is done to a group of n units: unit i becomes `gain[i]` times the unit that was `order[i]`, then shifted."""

    order: Tensor
    """(n,) int64, every unit once"""
    gain: Tensor
    """(n,) float64, not 0: signs, or positive scales"""
    turns: Tensor
    """(n,) float64, integers k: half periods of a sine added to the bias; 0 for other activations"""

    @classmethod
    def none(cls, count: int) -> UnitMove:
        """Return what leaves `count` units as they are."""
        return cls(torch.arange(count), torch.ones(count).double(), torch.zeros(count).double())

    def then(self, later: UnitMove) -> UnitMove:
        """Return this and then another in one."""
        order, gain = self.order[later.order], later.gain * self.gain[later.order]
        return UnitMove(order, gain, later.turns + later.gain * self.turns[later.order])

    @property
    def inverse(self) -> UnitMove:
        """Return what undoes it."""
        order = self.order.argsort()
        gain = 1 / self.gain[order]
        return UnitMove(order, gain, -gain * self.turns[order])

    @property
    def outgoing(self) -> Tensor:
        """What the weights that read the units are multiplied by, (n,)."""
        return (1 - 2 * (self.turns % 2)) / self.gain


Element = Mapping[str, UnitMove]
"""An element of the group: name of the units -> what is done to them; units that are not named stay."""


def compose(first: Element, later: Element) -> dict[str, UnitMove]:
    """Return two elements, one after the other, in one."""
    both = {name: move.then(later[name]) if name in later else move for name, move in first.items()}
    return both | {name: move for name, move in later.items() if name not in first}


def invert(element: Element) -> dict[str, UnitMove]:
    """Return the element that undoes this one."""
    return {name: move.inverse for name, move in element.items()}


def rows(tensor: Tensor, place: UnitAxis) -> Tensor:
    """Return a parameter as a matrix (n, values of a unit); a view where possible."""
    values = tensor.movedim(place.axis, 0)
    return values.reshape(len(values) // place.block, -1)


def from_rows(matrix: Tensor, like: Tensor, place: UnitAxis) -> Tensor:
    """Return the parameter that `rows` made a matrix of, with the shape of `like`."""
    moved = like.movedim(place.axis, 0)
    return matrix.reshape(moved.shape).movedim(0, place.axis)


def moved(params: Params, units: Units, move: UnitMove) -> dict[str, Tensor]:
    """Return the parameters with a move made: new tensors for those that have the units, the others as they are."""
    found = dict(params)
    for place in (*units.made, *units.read):
        p = found[place.param]
        order, turns = move.order.to(p.device), (move.turns * units.symmetry.turn).to(p)
        factor = (move.outgoing if place.axis else move.gain).to(p)
        values = rows(p, place)[order] * factor[:, None]
        if p.dim() == 1 and units.symmetry.turn:
            values = values + turns[:, None]
        found[place.param] = from_rows(values, p, place)
    return found


def apply(element: Element, params: Params, groups: Iterable[Units]) -> dict[str, Tensor]:
    """Return the parameters of the same function, moved by an element."""
    for units in groups:
        if units.name in element:
            params = moved(params, units, element[units.name])
    return dict(params)


def transform(network: Network, element: Element) -> Network:
    """Return the network moved by an element: it computes the same, but for rounding where there are scales or turns.

    Moved in float64 and rounded once.
    """
    params = {name: p.double() for name, p in network.params.items()}
    found = apply(element, params, network.arch.units)
    ordered = {name: found[name].to(network.prep.dtype) for name in network.arch.shapes}
    height, width = network.prep.shape[-2:]
    return Network(network.arch, pack(ordered, (height, width)))


def random_element(
    arch: Arch, generator: torch.Generator, scales: bool = False, most_turns: int = 3
) -> dict[str, UnitMove]:  # fmt: skip
    """Return an element drawn at random: orders; signs and turns where they are symmetries; scales if asked.

    Args:
        scales: also draw scales from 1/2 to 2, where these are symmetries.
        most_turns: half periods that a sine is shifted by at most, either way.
    """
    found = {}
    for units in arch.units:
        order = torch.randperm(units.count, generator=generator)
        gain, turns = torch.ones(units.count).double(), torch.zeros(units.count).double()
        if units.symmetry.signs:
            gain = 2 * torch.randint(2, (units.count,), generator=generator).double() - 1
        if units.symmetry.scales and scales:
            gain = gain * ((2 * torch.rand(units.count, generator=generator).double() - 1) * math.log(2)).exp()
        if units.symmetry.turn:
            turns = torch.randint(-most_turns, most_turns + 1, (units.count,), generator=generator).double()
        found[units.name] = UnitMove(order, gain, turns)
    return found


def same_element(one: Element, other: Element, within: float = 1e-6) -> bool:
    """Return whether two elements of one architecture are the same: orders and turns equal, factors but for rounding.

    Units that an element does not name stay.
    """
    both = compose(one, invert(other))
    return all(
        bool((move.order == torch.arange(len(move.order))).all())
        and torch.allclose(move.gain, torch.ones_like(move.gain), atol=within, rtol=0)
        and torch.allclose(move.turns, torch.zeros_like(move.turns), atol=within, rtol=0)
        for move in both.values()
    )
