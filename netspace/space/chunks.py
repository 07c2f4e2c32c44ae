"""PReps as chunks: what the encoder and the decoder of preset `tokens` read and write."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..nets.archs import Arch, Family


def typical_weights(arch: Arch) -> tuple[Tensor, Tensor]:
    """A fresh network of an architecture, (P), and the size that each of its values has, (P)."""
    params = arch.initialise(seed=0)
    spread = [torch.full_like(p, float(p.square().mean().sqrt())) for p in params.values()]
    return torch.cat([p.flatten() for p in params.values()]), torch.cat([s.flatten() for s in spread])


class Chunks(NamedTuple):
    """How the parameters of a family's architectures are cut into chunks; each architecture has chunks of its own."""

    size: int
    """values of a chunk"""
    counts: tuple[int, ...]
    """chunks of every architecture; padding is neither read nor written"""

    @classmethod
    def of(cls, family: Family, size: int) -> Chunks:
        return cls(size, tuple(math.ceil(arch.num_params / size) for arch in family.archs))

    def cut(self, flat: Tensor, class_id: int, padding: float = 0.0) -> Tensor:
        """Parameters (..., at least P) of an architecture, or a PRep's values -> chunks (..., k, size)."""
        length = self.counts[class_id] * self.size
        flat = nn.functional.pad(flat, (0, max(0, length - flat.shape[-1])), value=padding)[..., :length]
        return flat.unflatten(-1, (self.counts[class_id], self.size))

    def mine(self, chunks: Tensor, class_id: int) -> Tensor:
        """Of a tensor with a row a chunk of all architectures, (sum k, ...), the rows of one, (k, ...): a view."""
        return chunks[sum(self.counts[:class_id]) :][: self.counts[class_id]]
