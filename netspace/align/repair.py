"""REPAIR: what averaging takes from the channels of a classifier is given back (Jordan et al. 2023, arXiv 2211.08403).

Between two networks the answers of a channel vary less than in either of them. The mean and standard deviation of each
channel, before the activation, are set to those interpolated between the ends, on calibration images; the change is
folded into the weight and bias that make the channel. The layer of the logits stays.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..nets.archs import Arch
from ..nets.network import Network
from ..nets.prep import Params, pack
from ..threads import held_threads

ANSWERS_BYTES = 2**28
"""of what one layer answers to all images at once; fewer images are taken if it were more"""
DEAD = 1e-6
"""standard deviation, as a share of the largest of its layer, below which a channel is not stretched: it is dead"""


class Statistics(NamedTuple):
    """Of the channels (C,) of a layer over images and pixels, in float64."""

    mean: Tensor
    std: Tensor


def of_channels(y: Tensor) -> Statistics:
    """Return the statistics of what a layer answers, (n, C, ...)."""
    std, mean = torch.std_mean(y.movedim(1, 0).flatten(1).double(), dim=1, correction=0)
    return Statistics(mean, std)


def few_enough(arch: Arch, params: Params, x: Tensor) -> Tensor:
    """Return as many of the images (n, ...) as a layer can answer at once within `ANSWERS_BYTES`, at least one."""
    largest = 0

    def see(layer: str, x: Tensor, y: Tensor) -> None:
        nonlocal largest
        largest = max(largest, y.numel() * y.element_size())

    arch.watch(params, x[:1], see)
    return x[: max(1, ANSWERS_BYTES // max(largest, 1))]


class Repair:
    """Repairs the networks on the line between two: their statistics are taken once."""

    def __init__(self, a: Network, b: Network, x: Tensor) -> None:
        """Ask both ends.

        Args:
            a, b: of one architecture, aligned.
            x: training images (n, ...) as such networks read them, on their device.
        """
        self.arch = a.arch
        with torch.inference_mode(), held_threads():
            self.x = few_enough(a.arch, a.params, x)
            self.ends = [self._statistics(network.params) for network in (a, b)]

    def _statistics(self, params: Params) -> dict[str, Statistics]:
        """By layer, but for the last."""
        found: dict[str, Statistics] = {}

        def see(layer: str, x: Tensor, y: Tensor) -> None:
            found[layer] = of_channels(y)

        self.arch.watch(params, self.x, see)
        found.popitem()
        return found

    def wanted(self, layer: str, gamma: float) -> Statistics:
        """Return (1 - gamma) of A's statistics and gamma of B's; beyond the ends, deviations are at least 0."""
        a, b = (end[layer] for end in self.ends)
        return Statistics(torch.lerp(a.mean, b.mean, gamma), torch.lerp(a.std, b.std, gamma).clamp(min=0))

    def __call__(self, network: Network, gamma: float) -> Network:
        """Return the network at a position of the line, repaired; layers are repaired in the order in which they act.

        Layers without a bias keep their mean.
        """
        params = {name: p.clone() for name, p in network.params.items()}

        def see(layer: str, x: Tensor, y: Tensor) -> Tensor | None:
            if layer not in self.ends[0]:
                return None
            now, wanted = of_channels(y), self.wanted(layer, gamma)
            alive = now.std > DEAD * now.std.max()
            factor = torch.where(alive, wanted.std / now.std.where(alive, 1.0), 1.0)
            offset = wanted.mean - factor * now.mean
            weight, bias = params[f"{layer}.weight"], params.get(f"{layer}.bias")
            params[f"{layer}.weight"] = weight * factor.to(weight).view(-1, *[1] * (weight.dim() - 1))
            if bias is None:
                offset = torch.zeros_like(offset)
            else:
                params[f"{layer}.bias"] = (bias.double() * factor + offset).to(bias)
            shape = (-1, *[1] * (y.dim() - 2))
            return y * factor.to(y).view(shape) + offset.to(y).view(shape)

        with torch.inference_mode(), held_threads():
            self.arch.watch(network.params, self.x, see)
        height, width = network.prep.shape[-2:]
        return Network(network.arch, pack({name: params[name] for name in network.arch.shapes}, (height, width)))
