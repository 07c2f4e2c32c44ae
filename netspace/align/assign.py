"""Linear assignment: which unit of one network is which of the other, and by what sign and phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import required_for
from ..memory import check_memory
from ..nets.prep import Params
from ..nets.units import Place, Units
from .group import Move, rows

MATRICES = 8
"""matrices (n, n) of float64 that are held at once while n units are matched"""
WORTH = 1e-9
"""share of the whole by which another order must be better: units that are equal stay where they are"""


def assign(profit: Tensor, generator: np.random.Generator) -> Tensor:
    """Return the order (n,) with the largest sum of profit[i, order[i]], of profits (n, n).

    Kuhn's assignment problem, by SciPy. Orders of the same sum are chosen among by the generator, which shuffles the
    columns first.

    Raises:
        MissingPackage: SciPy is not installed.
    """
    with required_for("aligning networks", "align"):
        from scipy.optimize import linear_sum_assignment

    shuffled = generator.permutation(len(profit))
    _, columns = linear_sum_assignment(profit.numpy()[:, shuffled], maximize=True)
    return torch.from_numpy(shuffled[columns])


@dataclass(frozen=True)
class Profits:
    """What each pair of units is worth, (n, n), with the best sign and phase of the pair."""

    value: Tensor
    gain: Tensor
    """+1 or -1"""
    turns: Tensor

    def move(self, order: Tensor) -> Move:
        """Return the move to this order, with every pair's sign and turns."""
        at = (torch.arange(len(order)), order)
        return Move(order, self.gain[at], self.turns[at])

    def total(self, order: Tensor) -> float:
        """Return what an order is worth."""
        return self.value[torch.arange(len(order)), order].sum().item()


def products(a: Params, b: Params, places: tuple[Place, ...], count: int) -> Tensor:
    """Return the inner products (n, n) of the units' values in some parameters of A and of B, in float64."""
    found = torch.zeros(count, count, dtype=torch.float64)
    for place in places:
        found += rows(a[place.param], place) @ rows(b[place.param], place).mT
    return found


def check_units(count: int) -> None:
    """Raise UsageError if there is no memory to match so many units."""
    check_memory(8.0 * MATRICES * count * count, f"matching {count} units")


def weight_profits(a: Params, b: Params, units: Units) -> Profits:
    """Return what pairs of units are worth by their weights: half of what they take off |A - B|^2, but for a constant.

    Eq. 2 of Git Re-Basin, with the better of both signs for odd activations. Of sines the sign s, the parity of the
    turns k and the turns themselves are chosen for every pair: rows are worth s W_A . W_B, columns (-1)^k s V_A . V_B,
    and biases, known but for multiples of pi / omega, -(b_A - s b_B - k pi / omega)^2 / 2.
    """
    symmetry, one = units.symmetry, torch.ones((), dtype=torch.float64)
    if not symmetry.turn:
        value = products(a, b, (*units.made, *units.read), units.count)
        gain = torch.where(value < 0, -one, one) if symmetry.signs else one.expand_as(value)
        return Profits(value * gain, gain, torch.zeros_like(value))
    made = products(a, b, tuple(p for p in units.made if a[p.param].dim() > 1), units.count)
    read = products(a, b, units.read, units.count)
    first, second = (torch.stack([p[m.param] for m in units.made if p[m.param].dim() == 1]) for p in (a, b))
    best: Profits | None = None
    for sign in (1.0, -1.0):
        for parity in (0, 1):
            gap = first[:, :, None] - sign * second[:, None, :]  # (layers, n, n)
            turns = 2 * ((gap.mean(0) / symmetry.turn - parity) / 2).round() + parity
            value = sign * made + sign * (1 - 2 * parity) * read
            value = value - (gap - turns * symmetry.turn).square().sum(0) / 2
            if best is None:
                best = Profits(value, torch.full_like(value, sign), turns)
                continue
            better = value > best.value
            best = Profits(
                torch.where(better, value, best.value),
                torch.where(better, sign * one, best.gain),
                torch.where(better, turns, best.turns),
            )
    return best
