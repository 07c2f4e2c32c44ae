"""What image classifiers see: normalised pixels, and random crops and mirror images while training."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..nets.inputs import MEAN, STD


def normalise(pixels: Tensor) -> Tensor:
    """What the networks see: uint8 (*b, 3, S, S) -> float32, minus MEAN over STD."""
    channels = [(pixels[..., c, :, :] / 255 - MEAN[c]) / STD[c] for c in range(3)]  # (*b, S, S) each
    return torch.stack(channels, dim=-3)


def augment(pixels: Tensor, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Random crops (n, 3, S, S) of images (n, 3, S, S) padded with zeros, half of them mirrored if `flip`.

    Supplement IV: "a standard data augmentation regime".
    """
    n, channels, size, _ = pixels.shape
    device, width = pixels.device, size + 2 * pad
    corner = torch.randint(2 * pad + 1, (2, n, 1), generator=generator, device=generator.device).to(device)
    mirrored = (torch.rand(n, 1, generator=generator, device=generator.device) < 0.5).to(device) & flip
    steps = torch.arange(size, device=device)
    rows = corner[0] + steps  # (n, S)
    columns = corner[1] + torch.where(mirrored, steps.flip(0), steps)  # (n, S)
    index = (rows[:, :, None] * width + columns[:, None, :]).view(n, 1, size * size)  # into a padded channel
    padded = F.pad(pixels, (pad, pad, pad, pad)).reshape(n, channels, width * width)
    return padded.gather(2, index.expand(-1, channels, -1)).view(pixels.shape)
