"""The losses, one function an equation, and the points at which SDFs are asked."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from .network import Network

TEMPERATURE = 4.0
"""T of every distillation (supplement IV)."""

NEAR_VARIANCES = (0.0025, 0.00025)
"""Of the noise around the surface, 47 % of an SDF's query points each; the rest is uniform (DeepSDF, section 5.1)."""
NEAR_SHARE = 0.47


def classifier_distillation(predicted: Tensor, target: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Eq. 1: KL(target || predicted) at temperature T times T^2 for logits (*b, n, C), mean over b and n.

    Eq. 1 names the predicted distribution first; the authors' code has the direction of distillation, as here.
    """
    log_p, log_t = (log_softmax(logits / temperature, dim=-1).flatten(0, -2) for logits in (predicted, target))
    return kl_div(log_p, log_t, reduction="batchmean", log_target=True) * temperature**2


def sdf_distillation(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 2: mean squared error between the outputs of predicted and target network at the same inputs."""
    return (predicted - target).square().mean()


class Queries(NamedTuple):
    """Points at which a target SDF is asked, and its answers there; they never change."""

    points: Tensor
    """(*b, n, 3)"""
    values: Tensor
    """(*b, n)"""


def sdf_queries(network: Network, count: int, seed: int) -> Queries:
    """Query points of one SDF network, in random order: sampled as in DeepSDF, half of them inside, half outside.

    So are the points that the authors train and measure at. Here they come from the network's own surface rather than
    from its shape's, so that any zoo can be used. A network without an inside is asked uniformly.
    """
    device = network.prep.device
    generator = torch.Generator(device).manual_seed(seed)

    def normal(n: int) -> Tensor:
        return torch.randn(n, 3, device=device, generator=generator)

    def uniform(n: int) -> Tensor:
        return torch.rand(n, 3, device=device, generator=generator) * 2 - 1

    pool = 3 * count
    surface = _points_on_surface(network, generator)
    if len(surface):
        near = int(NEAR_SHARE * pool)
        pick = torch.randint(len(surface), (2 * near,), device=device, generator=generator)
        spread = torch.tensor(NEAR_VARIANCES, device=device).sqrt().repeat_interleave(near).unsqueeze(1)
        points = torch.cat([surface[pick] + spread * normal(2 * near), uniform(pool - 2 * near)]).clamp(-1, 1)
    else:
        points = uniform(pool)
    points = points[torch.randperm(pool, device=device, generator=generator)]
    values = network.compiled()(points).clone()
    inside, outside = (values < 0).nonzero().squeeze(1), (values >= 0).nonzero().squeeze(1)
    half = min(count // 2, len(inside))
    chosen = torch.cat([inside[:half], outside[: count - half]])
    chosen = torch.cat([chosen, inside[half : half + count - len(chosen)]])  # a shape that fills nearly everything
    chosen = chosen[torch.randperm(count, device=device, generator=generator)]
    return Queries(points[chosen], values[chosen])


def _points_on_surface(network: Network, generator: torch.Generator, per_axis: int = 40) -> Tensor:
    """Points (m, 3) within a few thousandths of an SDF network's surface; none where it has no surface.

    A jittered grid, of which the points near the surface take two Newton steps along the gradient.
    """
    device = network.prep.device
    ask = network.compiled()
    axis = torch.arange(per_axis, device=device)
    cells = torch.cartesian_prod(axis, axis, axis)
    points = (cells + torch.rand(cells.shape, device=device, generator=generator)) * (2 / per_axis) - 1
    points = points[ask(points).abs() < 2 / per_axis]
    for _ in range(2):
        with torch.enable_grad():
            x = points.clone().requires_grad_()
            values = network(x).squeeze(1)
            (slope,) = torch.autograd.grad(values.sum(), x)
        step = values.detach().unsqueeze(1) * slope / slope.square().sum(dim=1, keepdim=True).clamp(min=0.05)
        points = points - step.clamp(-2 / per_axis, 2 / per_axis)
    on = (ask(points).abs() < 0.005) & (points.abs() <= 1).all(dim=1)
    return points[on]
