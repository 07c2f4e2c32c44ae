"""PRep: the parameters of a network laid row by row into a zero-padded matrix (supplement II)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import UsageError

Params = Mapping[str, Tensor]
"""Parameters of a network, or of several along a leading axis, by name."""


class PrepSize(NamedTuple):
    """Height and width of a PRep."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"({self.height}, {self.width})"


def prep_size(num_params: int, width: int) -> PrepSize:
    """Smallest PRep of a given width that holds `num_params` values: ceil(P / W) rows, rounded up to a multiple of 4.

    Supplement II. (Its text adds 4 rows where the height is a multiple of 4 already; the authors' sizes do not.)

    Raises:
        ValueError: the width is not a positive multiple of 8, or there are no parameters.
    """
    if width <= 0 or width % 8:
        raise UsageError(f"PRep width {width} is not a positive multiple of 8")
    if num_params <= 0:
        raise UsageError(f"a PRep holds at least one parameter, got {num_params}")
    return PrepSize(4 * math.ceil(math.ceil(num_params / width) / 4), width)


def check_size(size: tuple[int, int]) -> PrepSize:
    """The size as a `PrepSize`; ValueError unless height and width are multiples of 4 and 8 (supplement II)."""
    size = PrepSize(*size)
    if size.width <= 0 or size.width % 8:
        raise UsageError(f"PRep {size}: width {size.width} is not a multiple of 8")
    if size.height <= 0 or size.height % 4:
        raise UsageError(f"PRep {size}: height {size.height} is not a multiple of 4")
    return size


def pack(params: Mapping[str, Tensor], size: tuple[int, int], batch_ndim: int = 0) -> Tensor:
    """Lay the parameters, in the mapping's order and each flattened row-major, into PReps (*b, 1, H, W).

    Args:
        params: name -> (*b, *shape), all with the same leading batch axes.
        size: (H, W) of the PRep.
        batch_ndim: how many leading axes of every parameter are batch axes.

    Raises:
        ValueError: the parameters do not fit into the PRep, or their batch axes differ.
    """
    height, width = check_size(size)
    batches = {tuple(p.shape[:batch_ndim]) for p in params.values()}
    if len(batches) != 1:
        raise UsageError(f"the parameters' batch axes differ: {sorted(batches)}")
    (batch,) = batches
    flat = torch.cat([p.reshape(*batch, -1) for p in params.values()], dim=-1)  # (*b, P)
    room = height * width - flat.shape[-1]
    if room < 0:
        raise UsageError(
            f"{flat.shape[-1]} parameters do not fit into a PRep ({height}, {width}) of {height * width} values"
        )
    return torch.nn.functional.pad(flat, (0, room)).view(*batch, 1, height, width)


def unpack(prep: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Read the parameters back from PReps (*b, 1, H, W): name -> (*b, *shape), views where possible.

    Raises:
        ValueError: the PRep is smaller than the parameters.
    """
    *batch, channels, height, width = prep.shape
    if channels != 1:
        raise UsageError(f"a PRep has one channel, got {channels} in {tuple(prep.shape)}")
    needed = sum(math.prod(shape) for shape in shapes.values())
    if needed > height * width:
        raise UsageError(f"{needed} parameters do not fit into a PRep ({height}, {width}) of {height * width} values")
    flat = prep.reshape(*batch, height * width)  # (*b, H*W)
    params, start = {}, 0
    for name, shape in shapes.items():
        end = start + math.prod(shape)
        params[name] = flat[..., start:end].reshape((*batch, *shape))
        start = end
    return params
