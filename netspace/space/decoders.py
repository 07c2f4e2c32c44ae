"""Decoders: from embeddings to PReps, and the class head, which predicts the architecture (section III, Fig. 1)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ..errors import UsageError
from ..nets.archs import Family
from ..nets.prep import PrepSize
from .chunks import Chunks, typical_weights
from .config import SpaceConfig


class PaperDecoder(nn.Module):
    """Convolutions that grow channels, views that turn channels into space, and a linear scaling of every value."""

    def __init__(self, size: PrepSize, embedding: int) -> None:
        super().__init__()
        if embedding % 4096:
            raise UsageError(
                f"the paper's decoder views an embedding as 64x64 maps: {embedding} is no multiple of 4096"
            )
        height, width = self.size = size
        self.channels = embedding // 4096
        self.conv1 = nn.Conv2d(self.channels, height * 256, 3, 2, 1)
        self.conv2 = nn.Conv2d(128, width // 8, 3, 2, 1)
        self.conv3 = nn.Conv2d(512, 256, 3, 2, 1)
        self.conv4 = nn.Conv2d(256, 32, 3, 1, 1)
        self.scale = nn.Parameter(1e-3 * torch.randn(height, width))
        self.bias = nn.Parameter(1e-2 * torch.rand(height, width))

    def forward(self, z: Tensor, class_ids: Tensor) -> Tensor:
        """Embeddings (b, E) -> PReps (b, 1, H, W), whose values mean what the architecture makes of them."""
        b = len(z)
        height, width = self.size
        x = z.view(b, self.channels, 64, 64)
        x = leaky_relu(self.conv1(x)).view(b, 128, height, 2048)
        x = leaky_relu(self.conv2(x)).view(b, 512, height // 2, width // 4)
        x = leaky_relu(self.conv3(x))  # (b, 256, H/4, W/8)
        x = self.conv4(x).view(b, 1, height, width)
        return x * self.scale + self.bias


SCALE_UNIT, BIAS_UNIT = 1e-3, 0.1
"""Units of the linear scaling in the tokens decoder: its step sizes fit weights, which are small numbers.

The scale starts at the paper's magnitude, 1e-3; the bias, a network common to all, starts as a freshly initialised one.
"""


class TokensDecoder(nn.Module):
    """A learnt position a chunk, through one MLP that the embedding modulates, then the scaling of every value."""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        super().__init__()
        self.size, self.chunks = family.size, Chunks.of(family, config.chunk)
        self.num_params = [arch.num_params for arch in family.archs]
        hidden, count = config.hidden, sum(self.chunks.counts)
        self.position = nn.Parameter(torch.randn(count, hidden))
        self.film1 = nn.Linear(config.embedding, 2 * hidden)
        self.film2 = nn.Linear(config.embedding, 2 * hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.write = nn.Linear(hidden, config.chunk)
        self.scale = nn.Parameter(torch.ones(count, config.chunk))
        self.bias = nn.Parameter(torch.zeros(count, config.chunk))
        for k, arch in enumerate(family.archs):
            self.start_from(typical_weights(arch)[0], k)

    @torch.no_grad()
    def start_from(self, flat: Tensor, class_id: int = 0) -> None:
        """Make values (at least P) the network common to all of an architecture: a trained one passes signals on."""
        self.chunks.mine(self.bias, class_id).copy_(self.chunks.cut(flat, class_id) / BIAS_UNIT)

    def forward(self, z: Tensor, class_ids: Tensor) -> Tensor:
        """Embeddings (b, E) and ClassIds (b) -> PReps (b, 1, H, W)."""
        if len(self.chunks.counts) == 1:
            return self._write(z, 0)
        return torch.cat([self._write(e.unsqueeze(0), k) for e, k in zip(z, class_ids.tolist(), strict=True)])

    def _write(self, z: Tensor, class_id: int) -> Tensor:
        """Embeddings (b, E) -> PReps (b, 1, H, W) of one architecture."""
        mine = partial(self.chunks.mine, class_id=class_id)
        gain, shift = self.film1(z).unsqueeze(1).chunk(2, dim=-1)  # (b, 1, hidden) each
        x = nn.functional.silu(mine(self.position) * (1 + gain) + shift)  # (b, k, hidden)
        gain, shift = self.film2(z).unsqueeze(1).chunk(2, dim=-1)
        x = nn.functional.silu(self.mix(x) * (1 + gain) + shift)
        x = SCALE_UNIT * mine(self.scale) * self.write(x) + BIAS_UNIT * mine(self.bias)  # (b, k, chunk)
        height, width = self.size
        x = x.flatten(1)[:, : self.num_params[class_id]]  # behind them a PRep is zero
        return nn.functional.pad(x, (0, height * width - x.shape[1])).view(len(z), 1, height, width)


class PaperHead(nn.Module):
    """A convolution over the embedding's map and one linear layer: supplement I, sizes from the authors' code."""

    def __init__(self, embedding: int, archs: int) -> None:
        super().__init__()
        self.channels = embedding // 4096
        self.conv = nn.Conv2d(self.channels, 10, 3, 2, 1)
        self.out = nn.Linear(10 * 32 * 32, archs)

    def forward(self, z: Tensor) -> Tensor:
        """Embeddings (b, E) -> logits (b, A)."""
        x = leaky_relu(self.conv(z.view(-1, self.channels, 64, 64)))  # (b, 10, 32, 32)
        return self.out(x.flatten(1))


class TokensHead(nn.Sequential):
    """One hidden layer: embeddings (b, E) -> logits (b, A)."""

    def __init__(self, embedding: int, archs: int, hidden: int = 64) -> None:
        super().__init__(nn.Linear(embedding, hidden), nn.SiLU(), nn.Linear(hidden, archs))


DECODERS = {
    "paper": lambda family, config: PaperDecoder(family.size, config.embedding),
    "tokens": TokensDecoder,
}
HEADS = {"paper": PaperHead, "tokens": TokensHead}
