"""Each loss against the naive sum; queries come from the network alone and stay what they are."""

import dataclasses

import pytest
import torch
from conftest import TINY_TRAIN

from netspace import Network
from netspace.losses import SdfObjective, sdf_distillation, sdf_queries
from netspace.train import new_space


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


def test_copies_are_the_same_networks_stretched(tiny_zoo):
    config = dataclasses.replace(TINY_TRAIN, copies=3, stretch=0.3)
    space = new_space(tiny_zoo, config)
    objective = SdfObjective(space, tiny_zoo, [0, 1], config)
    assert objective.prepared.shape[:2] == (2, 3) and torch.equal(objective.factors[:, 0], torch.ones(2, 3))
    factors, queries = objective.factors[1, 2], objective.queries
    copy = Network(tiny_zoo[1].arch, objective.prepared[1, 2])
    assert torch.allclose(copy(queries.points[1] * factors).squeeze(1), queries.values[1], atol=1e-4)
    assert 0.02 < (factors - 1).abs().max() < 1
    inside = queries.points[1][queries.values[1] < 0]
    before, after = ((p.amax(dim=0) - p.amin(dim=0)).max() for p in (inside, inside * factors))
    assert after == pytest.approx(before.item(), rel=1e-5)  # as tall as before
    assert objective.terms(space, [0, 1], torch.Generator().manual_seed(0))["pred"] > 0


def test_an_objective_is_eq_2_on_a_steps_networks_and_points(tiny_zoo):
    space = new_space(tiny_zoo, TINY_TRAIN)
    ids = tiny_zoo.ids("train")
    objective = SdfObjective(space, tiny_zoo, ids, TINY_TRAIN)
    terms = objective.terms(space, [3, 0], torch.Generator().manual_seed(5))
    assert list(terms) == ["pred"]
    generator = torch.Generator().manual_seed(5)
    pick = torch.randint(objective.VALIDATION, objective.VALIDATION + TINY_TRAIN.queries, (2, 64), generator=generator)
    squares = []
    for row, i in enumerate([3, 0]):
        queries = sdf_queries(tiny_zoo[i], objective.VALIDATION + TINY_TRAIN.queries, TINY_TRAIN.seed + i)
        predicted = space.networks(space.encode(tiny_zoo[i].prep[None]))[0]
        for k in pick[row]:
            squares.append((predicted(queries.points[k][None]).item() - queries.values[k].item()) ** 2)
    assert terms["pred"].item() == pytest.approx(sum(squares) / len(squares), rel=1e-4)


def test_noise_moves_the_embeddings_only_when_asked(tiny_zoo):
    space = new_space(tiny_zoo, TINY_TRAIN)
    quiet, noisy = (
        SdfObjective(space, tiny_zoo, [0, 1], dataclasses.replace(TINY_TRAIN, noise=noise)) for noise in (0.0, 0.5)
    )
    a, b, c = (o.terms(space, [0, 1], torch.Generator().manual_seed(1))["pred"] for o in (quiet, quiet, noisy))
    assert a == b != c


def test_validation_points_are_never_trained_on(tiny_zoo):
    space = new_space(tiny_zoo, TINY_TRAIN)
    objective = SdfObjective(space, tiny_zoo, [0, 1], TINY_TRAIN)
    predicted, target = objective.validate(space, [1])
    assert predicted.shape == target.shape == (1, objective.VALIDATION)
    assert torch.equal(target[0], objective.queries.values[1, : objective.VALIDATION])
