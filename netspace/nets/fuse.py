"""Batch norm folded into convolutions (supplement VI, Eqs. 6 and 7): the form of a network that a PRep holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..errors import UsageError
from .archs import Arch, differences


class Fused(NamedTuple):
    """A network without batch norm that answers like the trained one."""

    params: dict[str, Tensor]
    """of the architecture as a PRep holds it"""
    difference: float
    """largest difference between the logits of both on the inputs they were compared on"""
    never_run: tuple[str, ...]
    """batch norms whose statistics are those of a fresh module: mean 0 and variance 1"""


def norms(module: nn.Module) -> dict[str, str]:
    """Name of every batch norm -> name of the convolution before it: bn1 -> conv1, downsample.1 -> downsample.0."""

    def before(name: str) -> str:
        head, dot, last = name.rpartition(".")
        return head + dot + (str(int(last) - 1) if last.isdigit() else last.replace("bn", "conv"))

    return {name: before(name) for name, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}


def trained_module(arch: Arch, state: dict[str, Tensor]) -> nn.Module:
    """A module in the form that is trained, with these weights, in evaluation mode.

    Raises:
        ValueError: the state dict is not of this architecture; the message names the first differences.
    """
    module = (arch.build_trained or arch.build)()
    counters = {name: t for name, t in module.state_dict().items() if name.endswith("num_batches_tracked")}
    state = counters | state  # older files lack them; nothing depends on them in evaluation mode
    problems = differences(*({name: t.shape for name, t in s.items()} for s in (state, module.state_dict())))
    if problems:
        raise UsageError(f"not a trained {arch.name}: {problems}")
    module.load_state_dict(state)
    return module.eval()


def fuse(arch: Arch, trained: nn.Module, x: Tensor) -> Fused:
    """Fold every batch norm of a trained module in evaluation mode: W = W_BN W_conv, b = W_BN b_conv + b_BN.

    Args:
        x: real inputs (n, 3, S, S) on which both forms are compared.
    """
    params = {name: p.detach() for name, p in trained.named_parameters()}
    never_run = []
    for name, conv in norms(trained).items():
        bn: Any = trained.get_submodule(name)
        if not bn.running_mean.any() and bool((bn.running_var == 1).all()):
            never_run.append(name)
        weight, bias = fuse_conv_bn_weights(
            params[f"{conv}.weight"], params.get(f"{conv}.bias"),
            bn.running_mean, bn.running_var, bn.eps, params.pop(f"{name}.weight"), params.pop(f"{name}.bias"),
        )  # fmt: skip
        params |= {f"{conv}.weight": weight.detach(), f"{conv}.bias": bias.detach()}
    params = {name: params[name] for name in arch.shapes}
    was_training = trained.training
    with torch.no_grad():
        difference = (trained.eval()(x) - arch.apply_params(params, x)).abs().max().item()
    trained.train(was_training)
    return Fused(params, difference, tuple(never_run))
