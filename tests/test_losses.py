"""Each equation against the naive sum (11: test_objectives); queries come from the network and stay what they are."""

import math

import pytest
import torch

from netspace import Network
from netspace.space.losses import (
    boundary_gammas,
    class_loss,
    classifier_distillation,
    interpolated_class,
    knowledge_distillation,
    sdf_distillation,
    sdf_queries,
    task_loss,
)


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


# -- by hand -------------------------------------------------------------------------------------------------------

PREDICTED = [[1.0, 0.0, -2.0], [0.5, 3.0, 0.0]]
"""logits p of two images in three classes"""
TARGET = [[0.0, 2.0, 1.0], [0.5, 3.0, 0.0]]
"""logits t, or t* of a teacher"""
LABELS = [2, 1]


def naive_softmax(logits: list[float], temperature: float = 1.0) -> list[float]:
    powers = [math.exp(v / temperature) for v in logits]
    return [p / sum(powers) for p in powers]


def naive_kl(predicted, target, temperature: float) -> float:
    """KL(target || predicted) of softened probabilities, mean over images, times T^2."""
    total = 0.0
    for p, t in zip(predicted, target, strict=True):
        for a, b in zip(naive_softmax(p, temperature), naive_softmax(t, temperature), strict=True):
            total += b * math.log(b / a)
    return temperature**2 * total / len(predicted)


def naive_cross_entropy(logits, labels) -> float:
    return -sum(math.log(naive_softmax(row)[y]) for row, y in zip(logits, labels, strict=True)) / len(labels)


def test_eqs_1_3_and_8_are_the_naive_sum():
    """Of a target's answers or a teacher's; what is interpolated in Eq. 8 is the embedding, see test_objectives."""
    predicted, target = torch.tensor(PREDICTED), torch.tensor(TARGET)
    expected = naive_kl(PREDICTED, TARGET, 4.0)
    assert classifier_distillation(predicted, target).item() == pytest.approx(expected, rel=1e-5)
    assert classifier_distillation(target, predicted).item() != pytest.approx(expected, rel=1e-2)  # it has a direction
    stacked = classifier_distillation(torch.stack([predicted] * 3), torch.stack([target] * 3))
    assert stacked.item() == pytest.approx(expected, rel=1e-5)


def test_eqs_4_and_9_are_the_cross_entropy_with_the_labels():
    expected = naive_cross_entropy(PREDICTED, LABELS)
    predicted, labels = torch.tensor(PREDICTED), torch.tensor(LABELS)
    assert task_loss(predicted, labels).item() == pytest.approx(expected, rel=1e-5)
    assert task_loss(torch.stack([predicted] * 3), labels).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.9, 0.25])
def test_eqs_5_and_10_weigh_teacher_and_labels(alpha):
    expected = alpha * naive_kl(PREDICTED, TARGET, 4.0) + (1 - alpha) * naive_cross_entropy(PREDICTED, LABELS)
    found = knowledge_distillation(torch.tensor(PREDICTED), torch.tensor(TARGET), torch.tensor(LABELS), alpha)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_eq_6_is_the_cross_entropy_with_the_class_id():
    logits, class_ids = [[2.0, 0.0, 1.0, -1.0], [0.0, 0.5, 0.0, 3.0]], [2, 3]
    found = class_loss(torch.tensor(logits), torch.tensor(class_ids))
    assert found.item() == pytest.approx(naive_cross_entropy(logits, class_ids), rel=1e-5)


def test_eq_7_wants_the_class_id_interpolated_between_the_boundaries():
    assert [interpolated_class(gamma, 0, 3) for gamma in (0.0, 1 / 3, 2 / 3, 1.0)] == [0, 1, 2, 3]
    assert interpolated_class(0.5, 1, 3) == 2
    with pytest.raises(ValueError, match=r"is 1\.500, no architecture"):
        interpolated_class(0.5, 0, 3)


def test_eq_12_places_the_architectures_between():
    assert boundary_gammas(4) == pytest.approx([1 / 3, 2 / 3])
    assert boundary_gammas(3) == [0.5] and boundary_gammas(2) == []
