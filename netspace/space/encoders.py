"""Encoders: from networks to embeddings (section III, Fig. 1).

Encoder `prep` reads weights; `probe` reads the outputs at fixed inputs, which no symmetry of the weights can change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ..errors import UsageError
from ..nets.archs import Family
from ..nets.network import run_many
from .chunks import Chunks, typical_weights
from .config import SpaceConfig

IN_CACHE = 2048
"""points of all networks that are asked at once on a CPU: what more of them answer does not fit its cache"""


class Encoder(nn.Module):
    """From PReps (b, 1, H, W) to embeddings (b, E), in two parts so that the first can be computed once a network."""

    def prepare(self, preps: Tensor) -> Tensor:
        """What is read of networks (b, ...): their weights, unless a subclass asks them something."""
        return preps

    def read(self, prepared: Tensor) -> Tensor:
        """(b, ...) -> embeddings (b, E)."""
        raise NotImplementedError

    def calibrate(self, prepared: Tensor) -> None:
        """Adapt to the networks (b, ...) of a training set, once before training. The paper's encoder does not."""

    def forward(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> embeddings (b, E)."""
        return self.read(self.prepare(preps))


class PaperEncoder(Encoder):
    """Horizontal convolutions, max over the width, vertical ones, max over the height: E values for any H and W."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        if embedding % 32:
            raise UsageError(f"embedding size {embedding} is not a multiple of 32")
        h = embedding // 32
        self.across = nn.ModuleList(nn.Conv2d(i, o, (1, 3), (1, 2), (0, 1)) for i, o in [(1, h), (h, 2 * h)])
        self.down = nn.ModuleList(nn.Conv2d(i, o, (3, 1), 1, (1, 0)) for i, o in [(2 * h, 4 * h), (4 * h, embedding)])

    def read(self, prepared: Tensor) -> Tensor:
        x = prepared  # (b, 1, H, W)
        for conv in self.across:
            x = leaky_relu(conv(x))  # (b, 2h, H, W/4) after both
        x = x.amax(dim=3, keepdim=True)  # (b, 2h, H, 1)
        for conv in self.down:
            x = leaky_relu(conv(x))  # (b, E, H, 1) after both
        return x.amax(dim=(2, 3))  # (b, E)


class Standardise(nn.Module):
    """Features to mean 0 and standard deviation 1 over the training networks, as they were before training.

    Networks look alike at first: without it the embeddings start so close together that thousands of steps go by
    before the decoder tells them apart.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def calibrate(self, x: Tensor) -> None:
        self.mean.copy_(x.mean(dim=0))
        if len(x) > 1:
            std = x.std(dim=0)
            # a feature in which the networks hardly differ yet would be blown up as soon as training changes it
            self.std.copy_(std.clamp(min=0.1 * float(std.mean()) + 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class FeatureEncoder(Encoder):
    """Features of a network, standardised, and one linear layer to the embedding."""

    def __init__(self, features: int, embedding: int) -> None:
        super().__init__()
        self.standardise = Standardise(features)
        self.out = nn.Linear(features, embedding)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, ...) -> (b, features)"""
        raise NotImplementedError

    def read(self, prepared: Tensor) -> Tensor:
        return self.out(self.standardise(self.features(prepared)))

    @torch.no_grad()
    def calibrate(self, prepared: Tensor) -> None:
        self.standardise.calibrate(torch.cat([self.features(p) for p in prepared.split(16)]))


class TokensEncoder(FeatureEncoder):
    """Every chunk through one MLP that knows its position, then mean and max over chunks."""

    unit: Tensor
    """usual sizes of weights (sum k, chunk)"""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        width = config.hidden // 2
        super().__init__(2 * width, config.embedding)
        self.family, self.chunks = family, Chunks.of(family, config.chunk)
        spreads = [typical_weights(arch)[1] for arch in family.archs]
        unit = torch.cat([self.chunks.cut(s, k, padding=1.0) for k, s in enumerate(spreads)])
        self.register_buffer("unit", unit, persistent=False)  # (sum k, chunk)
        self.position = nn.Parameter(0.5 * torch.randn(sum(self.chunks.counts), width))
        self.enter = nn.Linear(config.chunk, width)
        self.mix = nn.Linear(width, width)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, 1, H, W) -> (b, hidden)"""
        if len(self.chunks.counts) == 1:
            return self._features(prepared, 0)
        class_ids = self.family.class_ids(prepared)
        parts = [self._features(p.unsqueeze(0), k) for p, k in zip(prepared, class_ids.tolist(), strict=True)]
        return torch.cat(parts)

    def _features(self, prepared: Tensor, class_id: int) -> Tensor:
        """Of PReps (b, 1, H, W) of one architecture."""
        mine = partial(self.chunks.mine, class_id=class_id)
        x = self.chunks.cut(prepared.flatten(1), class_id) / mine(self.unit)  # (b, k, chunk)
        x = nn.functional.silu(self.enter(x) + mine(self.position))
        x = nn.functional.silu(self.mix(x))  # (b, k, hidden / 2)
        return torch.cat([x.mean(dim=1), x.amax(dim=1)], dim=1)


class ProbeEncoder(FeatureEncoder):
    """A coordinate network's answers on a fixed grid to its embedding, through 2-D or 3-D convolutions."""

    inputs: Tensor
    """points of the grid (g, ..., g, d)"""

    def __init__(self, family: Family, config: SpaceConfig, squash: Callable[[Tensor], Tensor]) -> None:
        d, *_, outputs = family.archs[-1].skeleton.spec.widths
        widths = [outputs, 16, 32, 64, 128]
        side = math.ceil(config.probes / 2 ** (len(widths) - 1))
        super().__init__(widths[-1] * side**d, config.embedding)
        self.arch, self.squash = family.archs[-1], squash
        steps = torch.linspace(-1, 1, config.probes)
        grid = torch.stack(torch.meshgrid(*[steps] * d, indexing="ij"), dim=-1)  # (g, ..., g, d)
        self.register_buffer("inputs", grid, persistent=False)
        conv = {2: nn.Conv2d, 3: nn.Conv3d}[d]
        self.convs = nn.ModuleList(conv(i, o, 3, 2, 1) for i, o in zip(widths, widths[1:], strict=False))

    def prepare(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> outputs on the grid (b, k, g, ..., g)."""
        x = self.inputs.flatten(0, -2)  # (g^d, d)
        at_once = max(64, IN_CACHE // max(1, len(preps))) if x.device.type == "cpu" else len(x)
        answers = torch.cat([run_many(self.arch, preps, some) for some in x.split(at_once)], dim=-2)  # (b, g^d, k)
        return answers.mT.unflatten(-1, self.inputs.shape[:-1])

    def features(self, prepared: Tensor) -> Tensor:
        """(b, k, g, ..., g) -> (b, 128 * side^d)"""
        x = self.squash(prepared)
        for conv in self.convs:
            x = nn.functional.silu(conv(x))
        return x.flatten(1)


class ImageProbeEncoder(FeatureEncoder):
    """An image classifier's logits on a few training images, which travel with the space, through one hidden layer."""

    inputs: Tensor
    """normalised images (m, 3, S, S)"""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        super().__init__(config.hidden, config.embedding)
        self.arch = family.archs[-1]
        classes, size = self.arch.skeleton.classes, self.arch.skeleton.size
        self.register_buffer("inputs", torch.zeros(config.images, 3, size, size))
        self.answers = Standardise(config.images * classes)
        self.enter = nn.Linear(config.images * classes, config.hidden)

    def ask_about(self, images: Tensor) -> None:
        """Take normalised images (m, 3, S, S) as inputs, once: a trained space keeps those it was trained with."""
        if not self.inputs.any():
            self.inputs.copy_(images[: len(self.inputs)])

    def prepare(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> logits on the fixed images (b, images * C)."""
        return run_many(self.arch, preps, self.inputs).flatten(1)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, images * C) -> (b, hidden)"""
        return nn.functional.silu(self.enter(self.answers(prepared)))

    @torch.no_grad()
    def calibrate(self, prepared: Tensor) -> None:
        self.answers.calibrate(prepared)
        super().calibrate(prepared)


PROBES: dict[str, Callable[[Family, SpaceConfig], FeatureEncoder]] = {
    "sdf": partial(ProbeEncoder, squash=lambda x: torch.tanh(4 * x)),  # what lies far from the surface says little
    "classification": ImageProbeEncoder,
    "image-field": partial(ProbeEncoder, squash=lambda x: x.clamp(-2, 2)),  # beyond 1 it is white or black
}
"""by `Arch.task`"""
ENCODERS = {
    ("paper", "prep"): lambda family, config: PaperEncoder(config.embedding),
    ("tokens", "prep"): TokensEncoder,
    ("tokens", "probe"): lambda family, config: PROBES[family.archs[-1].task](family, config),
}
