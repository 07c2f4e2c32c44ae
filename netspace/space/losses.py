"""The losses of Eqs. 1 to 12, and the points at which SDFs are asked."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from ..errors import UsageError
from ..nets.network import Network

TEMPERATURE = 4.0
"""T of every distillation (supplement IV)."""
ALPHA = 0.9
"""Share of the teacher in Eqs. 5 and 10 (section IV, Multi-Architecture)."""

NEAR_VARIANCES = (0.0025, 0.00025)
"""Of the noise around the surface, 47 % of an SDF's query points each; the rest is uniform (DeepSDF, section 5.1)."""
NEAR_SHARE = 0.47


def classifier_distillation(predicted: Tensor, target: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Eqs. 1, 3 and 8: KL(target || predicted) at temperature T times T^2 for logits (*b, n, C), mean over b and n.

    In Eq. 1 the target is the embedded network, in Eqs. 3 and 8 the teacher. The equations name the predicted
    distribution first; the authors' code has the direction of distillation, as here.
    """
    log_p, log_t = (log_softmax(logits / temperature, dim=-1).flatten(0, -2) for logits in (predicted, target))
    return kl_div(log_p, log_t, reduction="batchmean", log_target=True) * temperature**2


def sdf_distillation(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 2: mean squared error between the outputs of predicted and target network at the same inputs."""
    return (predicted - target).square().mean()


# -- several architectures (section III, Multi-Architecture Setting) ----------------------------------------------


def task_loss(predicted: Tensor, labels: Tensor) -> Tensor:
    """Eqs. 4 and 9: cross entropy between logits (*b, n, C) and labels (n), mean over b and n."""
    classes = predicted.shape[-1]
    return cross_entropy(predicted.reshape(-1, classes), labels.expand(predicted.shape[:-1]).reshape(-1))


def knowledge_distillation(
    predicted: Tensor, teacher: Tensor, labels: Tensor, alpha: float = ALPHA, temperature: float = TEMPERATURE
) -> Tensor:
    """Eqs. 5 and 10: alpha of the teacher's answers and 1 - alpha of the labels, for logits (*b, n, C)."""
    distilled = classifier_distillation(predicted, teacher.expand_as(predicted), temperature)
    return alpha * distilled + (1 - alpha) * task_loss(predicted, labels)


def class_loss(class_logits: Tensor, class_ids: Tensor) -> Tensor:
    """Eqs. 6 and 7: cross entropy between the class head's logits (b, A) and ClassIds (b), mean over b."""
    return cross_entropy(class_logits, class_ids)


def boundary_gammas(count: int) -> list[float]:
    """Eq. 12: the positions i / (A - 1) of the architectures between the smallest and the largest of A."""
    return [i / (count - 1) for i in range(1, count - 1)]


def interpolated_class(gamma: float, smallest: int, largest: int) -> int:
    """c_t^gamma of Eq. 7, (1 - gamma) c^A + gamma c^B: at the positions of Eq. 12 the ClassId of an architecture.

    Raises:
        ValueError: the factor lies between two architectures.
    """
    exact = (1 - gamma) * smallest + gamma * largest
    if abs(exact - round(exact)) > 1e-6:
        raise UsageError(f"gamma {gamma} between ClassIds {smallest} and {largest} is {exact:.3f}, no architecture")
    return round(exact)


# -- where SDFs are asked ------------------------------------------------------------------------------------------


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
