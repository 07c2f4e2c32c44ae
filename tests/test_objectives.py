"""Objectives: each term is its equation, written naively; what measures is never trained on."""

import dataclasses

import pytest
import torch
from conftest import TINY_CNN_TRAIN, TINY_FAMILY_TRAIN, TINY_TRAIN

from netspace import ARCHS, Family, NetSpace, Network
from netspace.data.images import load_images
from netspace.data.transforms import normalise
from netspace.space.decoders import BIAS_UNIT
from netspace.space.losses import classifier_distillation, sdf_queries
from netspace.tasks import task_of
from netspace.tasks.distillation import ClassifierObjective, FamilyObjective, best_of, check_classes
from netspace.tasks.sdf import SdfObjective
from netspace.train.space import new_space
from netspace.zoo.store import OPTIMISED, add, select


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


# -- several architectures -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def family(tiny_family_zoo):
    space = new_space(tiny_family_zoo, TINY_FAMILY_TRAIN)
    objective = FamilyObjective(
        space, tiny_family_zoo, range(len(tiny_family_zoo)), TINY_FAMILY_TRAIN, teacher=best_of(tiny_family_zoo)
    )
    objective.calibrate(space, tiny_family_zoo.ids("train"))
    return space, objective


def naive_eq_5(network, teacher, x, labels, alpha=0.9, temperature=4.0) -> float:
    """One image after the other, one class after the other."""
    total = 0.0
    for p, t, y in zip(network(x).detach().double(), teacher(x).double(), labels.tolist(), strict=True):
        soft_p, soft_t = (p / temperature).exp(), (t / temperature).exp()
        soft_p, soft_t = soft_p / soft_p.sum(), soft_t / soft_t.sum()
        kl = sum(float(b * (b / a).log()) for a, b in zip(soft_p, soft_t, strict=True))
        total += alpha * temperature**2 * kl - (1 - alpha) * float((p.exp() / p.exp().sum())[y].log())
    return total / len(labels)


def test_a_step_of_a_family_is_the_sum_of_eqs_5_6_and_11(tiny_family_zoo, family):
    """With a pair of the smallest and the largest architecture and one between them, at the gamma of Eq. 12."""
    space, objective = family
    smallest, middle, largest = 2, 6, 10
    ids = [largest, middle, smallest]
    terms = objective.terms(space, ids, torch.Generator().manual_seed(5))
    pick = torch.randint(
        TINY_FAMILY_TRAIN.queries, (TINY_FAMILY_TRAIN.points,), generator=torch.Generator().manual_seed(5)
    )
    x, labels = normalise(objective.inputs.crops.pixels[pick]), objective.inputs.crops.labels[pick]
    teacher, z = best_of(tiny_family_zoo), space.encode(tiny_family_zoo.preps(ids))

    def both(z, class_id):
        network = space.networks(z[None], torch.tensor([class_id]))[0]
        assert network.arch == space.family.archs[class_id]
        logits = space.head(z[None])[0].detach().double()
        return naive_eq_5(network, teacher, x, labels), -float((logits.exp() / logits.exp().sum())[class_id].log())

    kd, classes = zip(*(both(e, k) for e, k in zip(z, (2, 1, 0), strict=True)), strict=True)
    assert terms["kd"].item() == pytest.approx(sum(kd), rel=0.01)  # the teacher's answers are kept in half precision
    assert terms["class"].item() == pytest.approx(sum(classes), rel=1e-3)
    kd_gamma, class_gamma = both(0.5 * z[2] + 0.5 * z[0], 1)
    assert terms["kd_gamma"].item() + terms["class_gamma"].item() == pytest.approx(kd_gamma + class_gamma, rel=0.01)


def test_copies_of_a_family_are_fresh_in_every_step_and_the_teacher_stays(tiny_family_zoo, family):
    space, plain = family
    config = dataclasses.replace(TINY_FAMILY_TRAIN, copies=2, stretch=0.5)
    noisy = FamilyObjective(space, tiny_family_zoo, range(12), config, teacher=best_of(tiny_family_zoo))
    seeds = (0, 0, 1)
    of_plain, of_noisy = (
        [objective.terms(space, [2], torch.Generator().manual_seed(s))["class"].item() for s in seeds]
        for objective in (plain, noisy)
    )
    assert of_plain[0] == of_plain[2] and of_noisy[0] == of_noisy[1] != of_noisy[2]
    assert noisy.measure(space, [2, 6]) == plain.measure(space, [2, 6])


def test_without_a_boundary_pair_there_is_no_interpolation_loss(family):
    space, objective = family
    assert set(objective.terms(space, [2, 3, 6], torch.Generator().manual_seed(0))) == {"kd", "class"}


def test_built_as_predicted_the_class_head_chooses_the_architecture(tiny_family_zoo, family):
    space, objective = family
    as_target = objective.terms(space, [10], torch.Generator().manual_seed(0))["kd"].item()
    objective.build = "predicted"
    try:
        with torch.no_grad():
            bias = space.head[-1].bias.clone()
            space.head[-1].bias[0] += 100.0
            as_smallest = objective.terms(space, [10], torch.Generator().manual_seed(0))["kd"].item()
            space.head[-1].bias.copy_(bias)
            space.head[-1].bias[2] += 100.0
            as_largest = objective.terms(space, [10], torch.Generator().manual_seed(0))["kd"].item()
            space.head[-1].bias.copy_(bias)
    finally:
        objective.build = "target"
    assert as_largest == pytest.approx(as_target) and as_smallest != pytest.approx(as_target)


def test_decoding_starts_from_the_best_network_of_every_architecture(tiny_family_zoo, family):
    space, objective = family
    for class_id, ids in enumerate(([2, 3], [6, 7], [10, 11])):
        best = max(ids, key=lambda i: objective.targets[objective.row[i]])
        arch = space.family.archs[class_id]
        start = space.decoder.chunks.mine(space.decoder.bias, class_id).flatten()[: arch.num_params] * BIAS_UNIT
        assert torch.allclose(start, tiny_family_zoo[best].prep.flatten()[: arch.num_params], atol=1e-6)


def test_an_architecture_that_nobody_trained_starts_from_one_that_passes_signals_on(tiny_family_zoo):
    space = new_space(tiny_family_zoo, TINY_FAMILY_TRAIN)
    teacher, ids = best_of(tiny_family_zoo), [2, 3, 6, 7]  # no ResNet8
    objective = FamilyObjective(space, tiny_family_zoo, ids, TINY_FAMILY_TRAIN, teacher=teacher)
    arch, x = space.family.archs[2], normalise(objective.held.pixels[:64])
    values = {}
    for name in ("fresh", "acquainted"):
        flat = space.decoder.chunks.mine(space.decoder.bias, 2).flatten()[: arch.num_params] * BIAS_UNIT
        prep = torch.nn.functional.pad(flat, (0, space.family.size.height * space.family.size.width - len(flat)))
        values[name] = Network(arch, prep.view(1, *space.family.size))(x).std(dim=0).mean().item()
        objective.calibrate(space, ids)
    assert values["acquainted"] > 5 * values["fresh"]


def test_a_family_wants_a_teacher_of_its_classes_and_one_architecture_wants_none(tiny_family_zoo, tiny_cnn_zoo):
    space = new_space(tiny_family_zoo, TINY_FAMILY_TRAIN)
    with pytest.raises(ValueError, match="learns from a teacher"):
        FamilyObjective(space, tiny_family_zoo, [2], TINY_FAMILY_TRAIN)
    other = ARCHS["resnet8/tiny-imagenet"]
    stranger = Network.of(other, other.initialise(0), (16, 10_000))
    with pytest.raises(ValueError, match="200 classes, digits has 32 pixels and 10 classes"):
        FamilyObjective(space, tiny_family_zoo, [2], TINY_FAMILY_TRAIN, teacher=stranger)
    foreign = ARCHS["lenetlike/cifar10"]  # as many classes, as large images
    stranger = Network.of(foreign, foreign.initialise(0), (8, 10_000))
    with pytest.raises(ValueError, match="was trained on cifar10, it cannot teach digits"):
        FamilyObjective(space, tiny_family_zoo, [2], TINY_FAMILY_TRAIN, teacher=stranger)
    with pytest.raises(ValueError, match="no --teacher"):
        ClassifierObjective(
            new_space(tiny_cnn_zoo, TINY_CNN_TRAIN), tiny_cnn_zoo, [0], TINY_CNN_TRAIN, teacher=stranger
        )


def test_the_best_of_a_zoo_is_one_that_was_trained(tiny_cnn_zoo, tmp_path):
    select(tiny_cnn_zoo, range(len(tiny_cnn_zoo)), tmp_path / "zoo")
    worst = int(tiny_cnn_zoo.records.val_accuracy.idxmin())
    kept = add(tmp_path / "zoo", tiny_cnn_zoo[worst], {"name": "made", "split": OPTIMISED, "val_accuracy": 1.0})
    assert torch.equal(best_of(kept).prep, best_of(tiny_cnn_zoo).prep) and best_of(kept, "made").arch
    assert not torch.equal(best_of(kept).prep, kept["made"].prep)


def test_a_family_of_sdfs_has_no_objective():
    space = NetSpace(Family.of("siren64", "siren256"), embedding=8, hidden=8)
    with pytest.raises(ValueError, match="are for classifiers"):
        task_of(space).objective(space, None, [], TINY_TRAIN)
