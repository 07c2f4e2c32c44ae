"""Align two networks: move B by the element of its symmetry group that makes the average with A most meaningful.

Units are matched by their answers, where there are inputs, and by their weights; what is kept is the one whose middle
answers most like the mean of both ends. Where a scale of units is a symmetry too, as of leaky ReLUs, it is kept if that
makes the middle better still. Without inputs, weights alone decide, and nothing is scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from ..nets.archs import arch_title
from ..nets.network import Network
from ..nets.prep import Params
from ..nets.units import Units
from ..threads import held_threads
from .activations import match_activations, moments, scales
from .group import UnitMove, apply, compose, rows, transform
from .weights import by_features, match_weights

BY_ANSWERS, BY_WEIGHTS, AS_THEY_ARE = "by their answers", "by their weights", "as they are"
"""how units are matched, in words"""

BETTER = 1e-3
"""by how much the middle's answers must be more like the mean of the ends' for units to be moved at all"""


@dataclass(frozen=True)
class Alignment:
    """A network moved towards another."""

    network: Network
    """B, moved: the same function"""
    element: dict[str, UnitMove]
    """what moved it"""
    how: str
    """how units were matched: `BY_ANSWERS`, `BY_WEIGHTS` or `AS_THEY_ARE`; and whether they were scaled too"""
    notes: tuple[str, ...]
    """what the user should know, as sentences"""


def no_alignment(a: Network, b: Network) -> str | None:
    """Return why B cannot be aligned to A; None if it can."""
    if a.arch.name == b.arch.name:
        return None
    one, other = arch_title(a.arch.name), arch_title(b.arch.name)
    return f"There is nothing to align: the units of {one} and {other} do not correspond."


def align(a: Network, b: Network, x: Tensor | None = None, seed: int = 0) -> Alignment:
    """UnitMove B so that its units stand where those of A do that they are most like; the same for the same seed.

    Args:
        a, b: of one architecture.
        x: inputs (n, ...) of such networks on which units are compared, not those that results are reported on.
        seed: draws among units that are equally good.

    Raises:
        UsageError: the architectures differ, weights are not finite, or there is no memory to match so many units.
        MissingPackage: SciPy is not installed.
    """
    reason = no_alignment(a, b)
    if reason:
        raise UsageError(reason)
    a.check_finite("A")
    b.check_finite("B")
    groups = b.arch.units
    if not groups or torch.equal(a.prep, b.prep):
        notes = () if groups else (f"{arch_title(a.arch.name)} has no hidden units that can be exchanged",)
        return Alignment(b, {}, AS_THEY_ARE, notes)
    with torch.inference_mode(), held_threads():
        of_a, of_b = (doubles(network) for network in (a, b))
        if x is None:
            how, element = BY_WEIGHTS, match_weights(of_a, of_b, groups, seed).element
        else:
            how, element = most_alike(a, b, x, seed)
    same = max(undecided(params, groups) for params in (of_a, of_b))
    notes = (f"{same} hidden units are dead or equal to others: their order is drawn with seed {seed}",) if same else ()
    return Alignment(transform(b, element), element, how, notes)


def most_alike(a: Network, b: Network, x: Tensor, seed: int) -> tuple[str, dict[str, UnitMove]]:
    """Return how units are matched best, and the element: that whose middle answers inputs most like the ends' mean.

    By answers and by weights units are matched from one order of B's, whatever order it came in.
    """
    groups = b.arch.units
    of_a, of_b = (doubles(network) for network in (a, b))
    featured = by_features(of_a, of_b, groups, np.random.default_rng(seed))
    ordered = transform(b, featured)
    seen = moments(a.arch, a.params, ordered.params, x)
    answering = match_activations(a, ordered, x, seed, seen)
    weighing = match_weights(of_a, apply(featured, of_b, groups), groups, seed, answering).element
    found: dict[str, dict[str, UnitMove]] = {AS_THEY_ARE: {}}
    for how, element in ((BY_ANSWERS, answering), (BY_WEIGHTS, weighing)):
        found[how] = compose(featured, element)
        stretched = scales(seen, groups, element)
        if stretched:
            found[f"{how}, and scaled"] = compose(found[how], stretched)
    mean = mean_answers(a, b, x)
    alike = {how: middle_likeness(a, transform(b, element), x, mean) for how, element in found.items()}
    # what is moved or scaled has to be worth it
    how = max(alike, key=lambda how: alike[how] - BETTER * ((how != AS_THEY_ARE) + how.endswith("scaled")))
    return how, found[how]


def doubles(network: Network) -> dict[str, Tensor]:
    """Return the parameters in float64, on the CPU."""
    return {name: p.double().cpu() for name, p in network.params.items()}


def middle_likeness(a: Network, b: Network, x: Tensor, mean: Tensor | None = None) -> float:
    """Return the correlation of what the average of two networks answers to inputs with the mean of their answers.

    A correlation, since averages of classifiers answer alike with smaller logits; -1 if answers are not finite.

    Args:
        mean: what `mean_answers` returned for the two, if that is known.
    """
    mean = mean_answers(a, b, x) if mean is None else mean
    middle = centred(Network(a.arch, torch.lerp(a.prep, b.prep, 0.5)), x)
    alike = (mean * middle).sum() / (mean.norm() * middle.norm()).clamp(min=1e-30)
    return alike.nan_to_num(-1.0).item()


def mean_answers(a: Network, b: Network, x: Tensor) -> Tensor:
    """Return the mean of what two networks answer to inputs, as `centred`."""
    return (centred(a, x) + centred(b, x)) / 2


def centred(network: Network, x: Tensor) -> Tensor:
    """Return what a network answers to inputs (n, ...), without its mean over them, (n, k) or (n)."""
    outputs = network.compiled()(x).double()
    return outputs - outputs.mean(dim=0)


def undecided(params: Params, groups: Sequence[Units]) -> int:
    """Return how many units hold the same weights as another of their group, or none at all."""
    count = 0
    for units in groups:
        weights = torch.cat([rows(params[place.param], place) for place in units.made], dim=1)
        count += units.count - len(weights.unique(dim=0)) if len(weights) > 1 else 0
    return count
