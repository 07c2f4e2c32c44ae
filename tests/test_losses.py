"""Each loss against the naive sum; queries come from the network alone and stay what they are."""

import math

import pytest
import torch

from netspace import Network
from netspace.losses import classifier_distillation, sdf_distillation, sdf_queries


def test_eq_2_is_the_mean_squared_error():
    predicted, target = torch.tensor([[0.5, -1.0], [2.0, 0.0]]), torch.tensor([[0.0, -1.0], [0.5, 1.0]])
    assert sdf_distillation(predicted, target).item() == pytest.approx((0.25 + 0.0 + 2.25 + 1.0) / 4)


def test_queries_are_exact_balanced_and_mostly_near_the_surface(tiny_zoo):
    network = tiny_zoo[0]
    queries = sdf_queries(network, 1000, seed=4)
    assert queries.points.shape == (1000, 3) and queries.points.abs().max() <= 1
    assert torch.allclose(queries.values, network(queries.points).squeeze(1), atol=1e-5)
    assert (queries.values < 0).sum() == 500
    uniform = network.compiled()(torch.rand(1000, 3) * 2 - 1).abs().lt(0.05).float().mean()
    assert queries.values.abs().lt(0.05).float().mean() > 0.6 > 2 * uniform
    assert torch.equal(queries.points, sdf_queries(network, 1000, seed=4).points)
    assert not torch.equal(queries.points, sdf_queries(network, 1000, seed=5).points)


def test_a_network_without_a_surface_is_asked_uniformly(tiny_zoo):
    empty = Network(tiny_zoo[0].arch, torch.zeros_like(tiny_zoo[0].prep))
    queries = sdf_queries(empty, 600, seed=0)
    assert queries.points.shape == (600, 3) and not queries.values.any()
    assert queries.points.std(dim=0).tolist() == pytest.approx([3**-0.5] * 3, abs=0.05)


def test_eq_1_is_the_naive_sum():
    """KL(target || predicted) of softened probabilities, by hand, times T^2."""
    predicted = torch.tensor([[1.0, 0.0, -2.0], [0.5, 3.0, 0.0]])
    target = torch.tensor([[0.0, 2.0, 1.0], [0.5, 3.0, 0.0]])
    temperature, total = 4.0, 0.0
    for p, t in zip(predicted.tolist(), target.tolist(), strict=True):
        soft_p, soft_t = ([math.exp(v / temperature) for v in logits] for logits in (p, t))
        for a, b in zip(soft_p, soft_t, strict=True):
            share_p, share_t = a / sum(soft_p), b / sum(soft_t)
            total += share_t * math.log(share_t / share_p)
    expected = temperature**2 * total / 2
    assert classifier_distillation(predicted, target).item() == pytest.approx(expected, rel=1e-5)
    assert classifier_distillation(target, predicted).item() != pytest.approx(expected, rel=1e-2)  # it has a direction
    stacked = classifier_distillation(torch.stack([predicted] * 3), torch.stack([target] * 3))
    assert stacked.item() == pytest.approx(expected, rel=1e-5)
