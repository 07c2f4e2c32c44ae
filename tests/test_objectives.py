"""Objectives: each term is its equation, written naively; what measures is never trained on."""

import dataclasses

import pytest
import torch
from conftest import TINY_CNN_TRAIN, TINY_TRAIN

from netspace import ARCHS, Network
from netspace.images import load_images, normalise
from netspace.losses import classifier_distillation, sdf_queries
from netspace.objectives import ClassifierObjective, SdfObjective, check_classes
from netspace.train import new_space


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
    before = objective.measure(space, [0, 1])
    objective.queries.values[:, objective.VALIDATION :] = 7.0
    assert objective.measure(space, [0, 1]) == before
    objective.queries.values[:, : objective.VALIDATION] = 7.0
    assert objective.measure(space, [0, 1])["agreement"] == 0.0


# -- image classifiers ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifiers(tiny_cnn_zoo):
    space = new_space(tiny_cnn_zoo, TINY_CNN_TRAIN)
    return space, ClassifierObjective(space, tiny_cnn_zoo, range(len(tiny_cnn_zoo)), TINY_CNN_TRAIN)


def test_an_objective_is_eq_1_on_a_steps_networks_and_images(tiny_cnn_zoo, classifiers):
    space, objective = classifiers
    terms = objective.terms(space, [3, 0], torch.Generator().manual_seed(5))
    assert list(terms) == ["pred"]
    pick = torch.randint(TINY_CNN_TRAIN.queries, (TINY_CNN_TRAIN.points,), generator=torch.Generator().manual_seed(5))
    x = normalise(objective.inputs.crops.pixels[pick])
    losses = []
    for i in (3, 0):
        predicted = space.networks(space.encode(tiny_cnn_zoo[i].prep[None]))[0]
        losses.append(classifier_distillation(predicted(x), tiny_cnn_zoo[i](x)).item())
    assert terms["pred"].item() == pytest.approx(sum(losses) / 2, rel=0.02)  # targets are kept in half precision


def test_fresh_images_every_step_give_about_the_same_loss(tiny_cnn_zoo, classifiers):
    space, stored = classifiers
    fresh = ClassifierObjective(space, tiny_cnn_zoo, [0, 1], dataclasses.replace(TINY_CNN_TRAIN, queries=0))
    assert fresh.inputs.crops is None
    means = []
    for objective in (stored, fresh):
        losses = [objective.terms(space, [0, 1], torch.Generator().manual_seed(s))["pred"].item() for s in range(30)]
        means.append(sum(losses) / len(losses))
    assert means[0] == pytest.approx(means[1], rel=0.1)


def test_the_error_is_between_accuracies_on_validation_images(tiny_cnn_zoo, classifiers):
    space, objective = classifiers
    held = load_images("digits", "validation")
    assert len(objective.held) == len(held)
    errors = []
    for i in (0, 2):
        predicted = space.networks(space.encode(tiny_cnn_zoo[i].prep[None]))[0]
        accuracies = [
            (n(normalise(held.pixels)).argmax(dim=1) == held.labels).float().mean().item()
            for n in (tiny_cnn_zoo[i], predicted)
        ]
        errors.append(abs(accuracies[0] - accuracies[1]))
    measured = objective.measure(space, [0, 2])
    assert measured["accuracy_mae"] == pytest.approx(sum(errors) / 2, abs=1e-6)
    assert measured["accuracy_score"] == pytest.approx(1 - measured["accuracy_mae"])


def test_images_that_do_not_suit_the_classifier_are_refused():
    images = load_images("digits", "test")
    with pytest.raises(ValueError, match="in 200 classes, digits has 32 pixels and 10 classes"):
        check_classes(ARCHS["resnet8/tiny-imagenet"], images)
