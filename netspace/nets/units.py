"""Which axes of which parameters a group of hidden units ties together, and which of its symmetries are exact.

The permutation specification of Git Re-Basin (Ainsworth et al. 2023, arXiv 2209.04836) as data of a module, with the
signs of odd activations, the phases of sines and the scales of leaky ReLUs beside the permutations. A module says
`units`; whoever aligns, permutes or audits networks knows nothing else of an architecture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import nn

from .activations import HOMOGENEOUS, ODD, base_of


class Symmetry(NamedTuple):
    """What may be done to a hidden unit beside exchanging it with another of its layer, and leaves the function."""

    signs: bool = False
    """f(-x) = -f(x): the unit and what reads it are multiplied by -1"""
    scales: bool = False
    """f(s x) = s f(x) for s > 0: the unit is multiplied by s, what reads it by 1 / s"""
    turn: float = 0.0
    """pi / omega of f(x) = sin(omega x): f(x) = (-1)^k f(x + k turn); 0 for other activations"""

    def both(self, other: Symmetry) -> Symmetry:
        """Return what is exact through this and then another, neither of them a sine."""
        return Symmetry(self.signs and other.signs, self.scales and other.scales)


ANYTHING = Symmetry(signs=True, scales=True)
"""of no activation at all"""


def symmetry_of(activation: str, omega: float = 1.0) -> Symmetry:
    """Return the symmetry of an activation by its name: `sin` with its omega, or one of `activations.NAMES`."""
    if activation == "sin":
        return Symmetry(signs=True, turn=math.pi / omega)
    return Symmetry(signs=activation in ODD, scales=base_of(activation) in HOMOGENEOUS)


class UnitAxis(NamedTuple):
    """Where the units of a group stand in a parameter."""

    param: str
    axis: int
    """0 where the parameter makes the units, 1 where it reads them"""
    block: int = 1
    """values of a unit along the axis, next to each other: the pixels of a channel that was flattened"""

    @property
    def layer(self) -> str:
        """The module that has the parameter."""
        return self.param.rpartition(".")[0]


@dataclass(frozen=True)
class Units:
    """Hidden units that are exchanged together: of a layer, or of all layers that a shortcut adds up."""

    name: str
    """of the first layer that makes them"""
    count: int
    made: tuple[UnitAxis, ...]
    """weights and biases whose rows are the units'"""
    read: tuple[UnitAxis, ...]
    """weights whose columns are the units'"""
    symmetry: Symmetry


def made_by(module: nn.Module, layer: str, count: int) -> tuple[UnitAxis, ...]:
    """Return the places of `count` units in the weight and, if it has one, the bias of the layer that makes them."""
    params = module.get_submodule(layer).named_parameters(recurse=False)
    return tuple(UnitAxis(f"{layer}.{name}", 0, p.shape[0] // count) for name, p in params)


def read_by(module: nn.Module, layer: str, count: int) -> UnitAxis:
    """Return the place of `count` units in the weight of a layer that reads them, flattened or not."""
    return UnitAxis(f"{layer}.weight", 1, module.get_parameter(f"{layer}.weight").shape[1] // count)


def units_between(
    module: nn.Module, makers: Sequence[str], readers: Sequence[str], symmetry: Symmetry
) -> Units:  # fmt: skip
    """Return the units that some layers make, one sum of them, and others read."""
    count = module.get_parameter(f"{makers[0]}.weight").shape[0]
    made = tuple(place for layer in makers for place in made_by(module, layer, count))
    return Units(makers[0], count, made, tuple(read_by(module, layer, count) for layer in readers), symmetry)


def chain(module: nn.Module, layers: Sequence[str], symmetry: Symmetry) -> tuple[Units, ...]:
    """Return the units between layers, one after the other with the same activation."""
    pairs = zip(layers, layers[1:], strict=False)
    return tuple(units_between(module, [maker], [reader], symmetry) for maker, reader in pairs)
