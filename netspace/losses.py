"""The losses, one function an equation, and the training objectives made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .model import NetSpace
from .network import Network, run_many
from .prep import pack
from .zoo import Zoo

NEAR_VARIANCES = (0.0025, 0.00025)
"""Of the noise around the surface, 47 % of an SDF's query points each; the rest is uniform (DeepSDF, section 5.1)."""
NEAR_SHARE = 0.47


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


def _stretches(queries: Queries, copies: int, stretch: float, seed: int) -> Tensor:
    """Factors (copies, 3) by which copies of an SDF are stretched; the first copy is the SDF itself.

    Proportions change by up to `stretch`; the longest side stays as long as it was, as normalised shapes have it.
    """
    device = queries.points.device
    inside = queries.points[queries.values < 0]
    extent = inside.amax(dim=0) - inside.amin(dim=0) if len(inside) else torch.ones(3, device=device)  # (3,)
    generator = torch.Generator(device).manual_seed(seed)
    factors = 1 + stretch * (2 * torch.rand(copies, 3, device=device, generator=generator) - 1)
    factors = factors * (extent.max() / (factors * extent).amax(dim=1, keepdim=True))
    factors[0] = 1
    return factors


class SdfSettings(Protocol):
    """The settings of a training run that an `SdfObjective` reads."""

    points: int
    queries: int
    noise: float
    copies: int
    stretch: float
    hidden_dtype: str
    seed: int


class SdfObjective:
    """Eq. 2 over a zoo of SDF networks: what the encoder reads and what the targets answer is computed once."""

    VALIDATION = 2048
    """the first so many query points of a network are for validation alone"""

    def __init__(self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: SdfSettings) -> None:
        """Asks the networks `ids` once."""
        self.arch, self.points, self.noise = space.family.archs[0], config.points, config.noise
        self.dtype = getattr(torch, config.hidden_dtype)
        self.row = {i: k for k, i in enumerate(ids)}
        prepared, asked, factors = [], [], []
        with torch.no_grad():
            for i in ids:
                network = zoo[i].to(space.device)
                queries = sdf_queries(network, self.VALIDATION + config.queries, config.seed + i)
                stretches = _stretches(queries, config.copies, config.stretch, config.seed + i)  # (copies, 3)
                copies = [self.arch.stretch_params(network.params, f) for f in stretches]
                preps = torch.stack([pack(params, space.family.size) for params in copies])
                prepared.append(space.encoder.prepare(preps))
                asked.append(queries)
                factors.append(stretches)
        self.prepared = torch.stack(prepared)  # (N, copies, ...)
        self.factors = torch.stack(factors)  # (N, copies, 3)
        self.queries = Queries(torch.stack([q.points for q in asked]), torch.stack([q.values for q in asked]))

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""
        space.encoder.calibrate(self.prepared[[self.row[i] for i in ids], 0])

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; their sum is minimised."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        first, last = self.VALIDATION, self.queries.points.shape[1]
        pick = torch.randint(first, last, (len(ids), self.points), device=rows.device, generator=generator)
        copy = torch.randint(self.factors.shape[1], (len(ids),), device=rows.device, generator=generator)
        x = self.queries.points[rows[:, None], pick] * self.factors[rows, copy].unsqueeze(1)  # (b, n, 3)
        target = self.queries.values[rows[:, None], pick]  # (b, n)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            z = space.encoder.read(self.prepared[rows, copy])  # (b, E)
            if self.noise:
                size = z.detach().square().mean().sqrt()
                z = z + self.noise * size * torch.randn(z.shape, device=z.device, generator=generator)
            preps = space.decode(z).preps.float()
        predicted = run_many(self.arch, preps, x, self.dtype).squeeze(-1)  # (b, n)
        return {"pred": sdf_distillation(predicted, target)}

    def validate(self, space: NetSpace, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Predicted and target answers (b, n) at points that no step has used."""
        rows = [self.row[i] for i in ids]
        x = self.queries.points[rows, : self.VALIDATION]
        preps = space.decode(space.encoder.read(self.prepared[rows, 0])).preps
        return run_many(self.arch, preps, x).squeeze(-1), self.queries.values[rows, : self.VALIDATION]
