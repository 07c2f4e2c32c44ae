"""Activation matching: units that answer alike on the same inputs are the same (Li et al. 2016, Git Re-Basin, 3.1).

What a group of units answers is what the layers that read it are given, after the activation. Units of a stage that
shortcuts add up are compared at all of its layers together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..nets.archs import Arch
from ..nets.network import Network
from ..nets.prep import Params
from ..nets.units import Units
from .assign import assign, check_units, nearest_turns, weight_profits
from .group import Element, UnitMove, moved, rows

BATCH = 50
"""inputs that both networks answer at once: what all of their units answer to these is held in memory"""
SILENT = 1e-6
"""share of the largest variance of its group below which a unit is taken for dead"""

MOST_SCALED = 4.0


def answers(arch: Arch, params: Params, x: Tensor) -> dict[str, Tensor]:
    """Return by layer what it reads, as matrices (units, inputs times pixels); layers that read the same: the first."""
    counts = {place.layer: units.count for units in arch.units for place in units.read}
    found: dict[str, Tensor] = {}
    seen: list[Tensor] = []

    def see(layer: str, x: Tensor, y: Tensor) -> None:
        if layer in counts and not any(x is other for other in seen):
            seen.append(x)
            values = x.unflatten(1, (counts[layer], -1))  # (inputs, n, block, ...)
            found[layer] = values.movedim(1, 0).flatten(1)

    arch.watch(params, x, see)
    return found


class Moments:
    """Sums over inputs from which means, variances and correlations of two networks' units follow, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.parts: list[Tensor] = []

    def add(self, a: Tensor, b: Tensor) -> None:
        """Add answers (n, values) of both networks."""
        shift = self.shift = getattr(self, "shift", (a[:, :1].clone(), b[:, :1].clone()))
        a, b = ((values - at).double() for values, at in zip((a, b), shift, strict=True))
        parts = [a.sum(1), b.sum(1), a.square().sum(1), b.square().sum(1), a @ b.mT]
        self.parts = [x + y for x, y in zip(self.parts, parts, strict=True)] if self.parts else parts
        self.count += a.shape[1]

    @property
    def variances(self) -> tuple[Tensor, Tensor]:
        """Return the variances (n) of A's units and of B's."""
        a, b, aa, bb, _ = self.parts
        one, other = ((s / self.count - (m / self.count).square()).clamp(min=0) for m, s in ((a, aa), (b, bb)))
        return one, other

    @property
    def correlations(self) -> Tensor:
        """Return the correlations (n, n) of A's units with B's; 0 of a unit that is dead."""
        a, b, _, _, ab = self.parts
        covariance = ab / self.count - (a / self.count)[:, None] * (b / self.count)[None]
        alive = [torch.where(v > SILENT * v.max(), v, torch.inf) for v in self.variances]
        return covariance / (alive[0][:, None] * alive[1][None]).sqrt()


def moments(arch: Arch, a: Params, b: Params, x: Tensor) -> dict[str, list[Moments]]:
    """Return how the units of two networks answer to inputs (n, ...), by group and layer that reads it."""
    found: dict[str, Moments] = {}
    if x.dim() == 4:  # images: channels last is faster
        x = x.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for batch in x.split(BATCH):
            of_a, of_b = (answers(arch, params, batch) for params in (a, b))
            for layer, values in of_a.items():
                found.setdefault(layer, Moments()).add(values, of_b[layer])
    layers = {units.name: [place.layer for place in units.read] for units in arch.units}
    return {name: [found[layer] for layer in readers if layer in found] for name, readers in layers.items()}


def match_activations(
    a: Network, b: Network, x: Tensor, seed: int = 0, found: Mapping[str, Sequence[Moments]] | None = None
) -> dict[str, UnitMove]:  # fmt: skip
    """Return what moves B so that its units answer like A's, in the sum of correlations; the same for the same seed.

    Signs are those of the correlations, where these are symmetries. Units that answer nothing, or always the same, are
    matched by their weights.

    Args:
        a, b: of one architecture.
        x: inputs (n, ...) of such networks, on their device.
        found: their `moments`, if they are known.

    Raises:
        UsageError: there is no memory to match so many units.
    """
    generator, groups = np.random.default_rng(seed), a.arch.units
    check_units(max((units.count for units in groups), default=0))
    found = found or moments(a.arch, a.params, b.params, x)
    of_a, of_b = ({name: p.double().cpu() for name, p in network.params.items()} for network in (a, b))
    element, silent = {}, {}
    for units in groups:
        alike = torch.stack([each.correlations for each in found[units.name]]).sum(dim=0).cpu()
        sign = torch.where(alike < 0, -1.0, 1.0).double() if units.symmetry.signs else torch.ones_like(alike)
        order = assign(alike * sign, generator)
        at = (torch.arange(units.count), order)
        silent[units.name] = at[0][(alike * sign)[at] <= SILENT]
        move = UnitMove(order, sign[at], torch.zeros(units.count).double())
        if units.symmetry.turn:
            move = with_turns(of_a, of_b, units, move)
        element[units.name], of_b = move, moved(of_b, units, move)
    return match_silent(of_a, of_b, groups, element, silent, generator)


def scales(
    found: Mapping[str, Sequence[Moments]], groups: Sequence[Units], element: Element
) -> dict[str, UnitMove]:  # fmt: skip
    """Return what makes the answers of B, moved by an element, vary as much as A's, where scales are symmetries.

    By a factor of `MOST_SCALED` at most; units that do not answer keep their scale.

    Args:
        found: the `moments` of A and of B as it was before the element.
    """
    scaled = {}
    for units in groups:
        if not units.symmetry.scales:
            continue
        move = element.get(units.name, UnitMove.none(units.count))
        a, b = (sum(pair).cpu() for pair in zip(*(each.variances for each in found[units.name]), strict=True))
        b = b[move.order]
        alive = (a > SILENT * a.max()) & (b > SILENT * b.max())
        gain = torch.where(alive, (a / b.clamp(min=1e-30)).sqrt(), 1.0).clamp(1 / MOST_SCALED, MOST_SCALED)
        none = UnitMove.none(units.count)
        scaled[units.name] = replace(none, gain=gain)
    return scaled


def with_turns(a: Params, b: Params, units: Units, move: UnitMove) -> UnitMove:
    """Return the move with signs and half periods of sines that keep what the units answer, nearest to A's rows.

    Args:
        b: moved as far as these units.
        move: without turns; its signs are those of the answers.
    """
    alone = Units(units.name, units.count, units.made, (), units.symmetry)
    (bias,) = (place.param for place in units.made if a[place.param].dim() == 1)
    found, worth = [], []
    for sign in (1.0, -1.0):
        signed = UnitMove(move.order, torch.full_like(move.gain, sign), move.turns)
        shift = (a[bias] - moved(b, alone, signed)[bias]) / units.symmetry.turn
        found.append(replace(signed, turns=nearest_turns(shift, move.gain * sign < 0)))
        made = moved(b, alone, found[-1])
        gaps = [(rows(a[p.param], p) - rows(made[p.param], p)).square().sum(dim=1) for p in units.made]
        worth.append(-torch.stack(gaps).sum(dim=0))
    plus, minus = found
    better = worth[0] >= worth[1]
    return UnitMove(
        move.order, torch.where(better, plus.gain, minus.gain), torch.where(better, plus.turns, minus.turns)
    )


def match_silent(
    a: Params, b: Params, groups: Sequence[Units], element: Element, silent: dict[str, Tensor],
    generator: np.random.Generator,
) -> dict[str, UnitMove]:  # fmt: skip
    """Return the element with those units of each group, (k,), exchanged among themselves that weights like best.

    Args:
        b: moved by the element.
    """
    element = dict(element)
    for units in groups:
        free = silent[units.name]
        if not len(free):
            continue
        profits = weight_profits(a, b, units)
        order = torch.arange(units.count)
        order[free] = free[assign(profits.value[free][:, free], generator)]
        move, none = profits.move(order), UnitMove.none(units.count)
        is_free = torch.isin(none.order, free)
        gain, turns = (torch.where(is_free, *both) for both in ((move.gain, none.gain), (move.turns, none.turns)))
        move = UnitMove(order, gain, turns)
        b, element[units.name] = moved(b, units, move), element[units.name].then(move)
    return element
