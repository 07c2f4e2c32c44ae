"""Linear assignment: which unit of one network is which of the other, and by what sign and phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import required_for
from ..memory import check_memory
from ..nets.prep import Params
from ..nets.units import UnitAxis, Units
from .group import UnitMove, rows

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
    with required_for("aligning networks"):
        from scipy.optimize import linear_sum_assignment

    shuffled = generator.permutation(len(profit))
    _, columns = linear_sum_assignment(profit.numpy()[:, shuffled], maximize=True)
    return torch.from_numpy(shuffled[columns])


@dataclass(frozen=True)
class Profits:
    """What each pair of units is worth, (n, n), with the best sign and parity of the pair."""

    value: Tensor
    gain: Tensor
    """+1 or -1"""
    odd: Tensor
    """bool: of sines, whether the number of half periods is odd"""
    shift: Tensor
    """of sines, b_A - b_B and b_A + b_B in half periods, (2, n, n); empty for other activations"""

    def move(self, order: Tensor) -> UnitMove:
        """Return the move to this order, with every pair's sign and turns."""
        at = (torch.arange(len(order)), order)
        gain, odd = self.gain[at], self.odd[at]
        if not len(self.shift):
            return UnitMove(order, gain, torch.zeros_like(gain))
        return UnitMove(order, gain, nearest_turns(torch.where(gain > 0, self.shift[0][at], self.shift[1][at]), odd))


def nearest_turns(shift: Tensor, odd: Tensor) -> Tensor:
    """Return the even integers nearest to some numbers, odd ones where asked."""
    return 2 * ((shift - odd.double()) / 2).round() + odd.double()


def products(a: Params, b: Params, places: tuple[UnitAxis, ...], count: int) -> Tensor:
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
    turn = units.symmetry.turn
    if not turn:
        value = products(a, b, (*units.made, *units.read), units.count)
        gain = torch.where(value < 0, -1.0, 1.0).double() if units.symmetry.signs else torch.ones_like(value)
        return Profits(value * gain, gain, torch.zeros_like(value, dtype=torch.bool), value[:0])
    made = products(a, b, tuple(p for p in units.made if a[p.param].dim() > 1), units.count)
    read = products(a, b, units.read, units.count)
    (bias,) = (p.param for p in units.made if a[p.param].dim() == 1)
    one, other = a[bias][:, None] / turn, b[bias][None] / turn
    shift = torch.stack([one - other, one + other])  # (2, n, n)
    off = (shift - 2 * (shift / 2).round()).abs()  # from the nearest even number; the nearest odd one is 1 - off away
    signed = torch.stack([made, -made])
    even = signed + torch.stack([read, -read]) - (turn * off).square() / 2
    uneven = signed - torch.stack([read, -read]) - (turn * (1 - off)).square() / 2
    best, sign = torch.maximum(even, uneven).max(dim=0)
    odd = (uneven > even).gather(0, sign[None])[0]
    return Profits(best, 1.0 - 2 * sign.double(), odd, shift)
