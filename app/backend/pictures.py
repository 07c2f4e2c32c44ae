"""Pictures of weights: orange below 0, pale at it, teal above."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch

SCALE = ("#C4551D", "#F4F5F5", "#0B7A6B")


def weight_pictures(preps: Sequence[torch.Tensor], width: int = 240, height: int = 120) -> list[bytes]:
    """PReps (1, H, W) as PNG pictures in colours around 0, on one scale: in every cell the weight furthest from 0."""
    cells = [cell_weights(prep, height, width) for prep in preps]
    scale = max(float(np.quantile(np.abs(cell), 0.99)) for cell in cells) or 1.0
    return [picture(np.clip(cell / scale, -1, 1)) for cell in cells]


def cell_weights(prep: torch.Tensor, height: int, width: int) -> np.ndarray:
    """Of every cell of a PRep (1, H, W) the weight furthest from 0, (height, width)."""
    image = torch.nan_to_num(prep.float()).unsqueeze(0)  # (1, 1, H, W)
    high = torch.nn.functional.adaptive_max_pool2d(image, (height, width))
    low = -torch.nn.functional.adaptive_max_pool2d(-image, (height, width))
    return torch.where(high > -low, high, low)[0, 0].cpu().numpy()


def _tint(shares: np.ndarray) -> np.ndarray:
    """Numbers -1 to 1 (*b) as colours (*b, 3): orange below 0, pale at it, teal above."""
    low, middle, high = (np.array([int(c[k : k + 2], 16) for k in (1, 3, 5)]) for c in SCALE)
    towards = np.where(shares[..., None] < 0, low, high)
    return np.round(middle + np.abs(shares)[..., None] * (towards - middle)).astype(np.uint8)


def picture(shares: np.ndarray) -> bytes:
    """Numbers -1 to 1 (h, w) as a PNG picture, a pixel each."""
    return png(_tint(shares))


def weight_tile(prep: torch.Tensor, height: int, width: int) -> np.ndarray:
    """A PRep (1, H, W) as a small picture (height, width, 3) uint8, on a scale of its own."""
    cell = cell_weights(prep, height, width)
    scale = float(np.quantile(np.abs(cell), 0.99)) or 1.0
    return _tint(np.clip(cell / scale, -1, 1))


def png(pixels: np.ndarray) -> bytes:
    """A picture (H, W, 1 or 3) uint8 as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "PNG")
    return buffer.getvalue()
