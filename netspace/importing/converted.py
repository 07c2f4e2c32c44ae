"""A network from elsewhere in the product's form: what it is taken to be, why, and how its owner reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ..nets.archs import Arch


class Owner(NamedTuple):
    """How a network's owner reads it, so that the answers of both can be compared."""

    size: float = 1.0
    """half edge of the owner's cube"""
    scale: float = 1.0
    level: float = 0.0
    """(owner's value - level) * scale is the product's"""
    end: Callable[[Tensor], Tensor] | None = None
    """what the owner's program does at the end, and the product does not"""
    order: tuple[int, ...] = ()
    """for each of the product's classes, its place among the owner's; empty if the same"""

    def outputs(self, ours: Tensor) -> Tensor:
        """The owner's outputs by the product's."""
        if self.order:
            ours = ours[:, torch.tensor(self.order).argsort()]
        ours = ours / self.scale + self.level
        return self.end(ours) if self.end else ours


@dataclass
class Converted:
    """A network in the product's form, and how it came to be known what it does."""

    arch: Arch
    params: dict[str, Tensor]
    declared: list[str] = field(default_factory=list)
    detected: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    """what the detection rests on, columns of the zoo's table"""
    noted: list[str] = field(default_factory=list)
    """sentences that people must be told"""
    from_owner: Owner = Owner()  # noqa: RUF009  (never changed)

    @property
    def function(self) -> str:
        """In a line of the zoo's table: what the network is taken to be, and on what grounds."""
        parts = [f"{'; '.join(part)} ({word})" for word, part in self.grounds() if part]
        return "; ".join(parts)

    def grounds(self) -> list[tuple[str, list[str]]]:
        return [
            ("declared", self.declared), ("detected", self.detected), ("assumed", self.assumed),
            ("converted exactly", self.converted),
        ]  # fmt: skip
