"""What moves the weights of a space: AdamW, and Muon for its matrices if that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .muon import MOMENTUM, Muon

if TYPE_CHECKING:
    from .space import TrainConfig

MOMENTS = {torch.optim.AdamW: ("step", "exp_avg", "exp_avg_sq"), Muon: (MOMENTUM,)}
"""what an optimizer keeps of every parameter"""


def matrices(space: nn.Module) -> list[str]:
    """Return the names of the weights of linear layers: those that Muon moves. The class head's are none of them."""
    layers = {name: layer for name, layer in space.named_modules() if isinstance(layer, nn.Linear)}
    return [f"{name}.weight" for name, layer in layers.items() if min(layer.weight.shape) > 1 and name[:4] != "head"]


class Optimisers:
    """The optimizers of a space, which together hold each of its parameters once."""

    def __init__(self, space: nn.Module, config: TrainConfig) -> None:
        """UsageError if Muon is asked for and the space has no matrix for it."""
        self.parameters = dict(space.named_parameters())
        mine = matrices(space) if config.optimiser == "muon" else []
        if config.optimiser == "muon" and not mine:
            raise UsageError(f"--optimiser muon is for linear layers, and the preset {config.preset!r} has none")
        rest = [p for name, p in self.parameters.items() if name not in mine]
        adam = torch.optim.AdamW(
            rest, lr=config.lr, weight_decay=config.weight_decay, betas=(0.9, config.beta2), fused=True
        )
        self.factors: dict[torch.optim.Optimizer, float] = {adam: 1.0}
        """of each optimizer's rate"""
        if mine:
            self.factors[Muon([self.parameters[name] for name in mine], lr=config.muon_lr)] = config.muon_lr / config.lr
        held = {p: optimiser for optimiser in self.factors for p in optimiser.param_groups[0]["params"]}
        self.of = {name: held[p] for name, p in self.parameters.items()}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimiser in self.factors:
            optimiser.zero_grad()

    def step(self, rate: float) -> None:
        """Take a step of all; `rate` is AdamW's, and Muon's is as much higher as `muon_lr` is."""
        for optimiser, factor in self.factors.items():
            optimiser.param_groups[0]["lr"] = rate * factor
            optimiser.step()

    def names(self) -> set[str]:
        """Return the names of all that `tensors` returns after a step."""
        return {f"{key}/{name}" for name, optimiser in self.of.items() for key in MOMENTS[type(optimiser)]}

    def tensors(self) -> dict[str, Tensor]:
        """Return what is kept of every parameter, by names such as "exp_avg/decoder.scale"; empty before a step."""
        return {
            f"{key}/{name}": value
            for name, optimiser in self.of.items()
            for key, value in optimiser.state[self.parameters[name]].items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` returned; KeyError if something is missing."""
        for name, optimiser in self.of.items():
            p = self.parameters[name]
            optimiser.state[p] = {key: tensors[f"{key}/{name}"].to(p.device) for key in MOMENTS[type(optimiser)]}
