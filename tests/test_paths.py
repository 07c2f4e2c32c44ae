"""Paths: straight lines in their own space, ends as honest as their labels."""

import re

import pytest
import torch

import netspace
from netspace.align import assign, calibration
from netspace.data.images import load_images
from netspace.errors import UsageError
from netspace.geometry.mesh import surface_of
from netspace.latent.paths import METHODS, gammas
from netspace.tasks.curves import Curve, Pair, accuracy_curve, curve_pairs, summarise_curves
from netspace.tasks.measures import accuracy, classify
from netspace.tasks.surfaces import measure, overlap, summarise_paths


@pytest.fixture(scope="module")
def space(tiny_space_folder):
    return netspace.load(tiny_space_folder)


def test_the_latent_path_is_straight_and_its_ends_are_decoded(space, tiny_zoo):
    a, b = tiny_zoo[0], tiny_zoo[1]
    z = space.encode(torch.stack([a.prep, b.prep]))
    path = METHODS["latent"].open(space, a, b).networks([0.0, 0.25, 1.0])
    for gamma, network in zip([0.0, 0.25, 1.0], path, strict=True):
        expected = space.networks(((1 - gamma) * z[0] + gamma * z[1])[None])[0]
        assert torch.allclose(network.prep, expected.prep, atol=1e-6)
    assert not torch.equal(path[0].prep, a.prep)


def test_the_weights_path_is_straight_and_its_ends_are_the_originals(space, tiny_zoo):
    a, b = tiny_zoo[0], tiny_zoo[1]
    path = METHODS["weights"].open(space, a, b).networks([0.0, 0.25, 1.0])
    assert torch.equal(path[0].prep, a.prep) and torch.equal(path[2].prep, b.prep)
    assert torch.allclose(path[1].prep, 0.75 * a.prep + 0.25 * b.prep, atol=1e-7)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_gives_a_network_a_step_or_says_why_not(method, space, tiny_zoo):
    reason = method.applies(tiny_zoo[0], tiny_zoo[3])
    if reason:
        with pytest.raises(UsageError, match=re.escape(reason)):
            method.open(space, tiny_zoo[0], tiny_zoo[3])
        return
    path = method.open(space, tiny_zoo[0], tiny_zoo[3])
    networks = path.networks(gammas(5))
    assert len(networks) == 5
    assert all(network.arch is tiny_zoo[0].arch and network.prep.shape == (1, 4, 10_000) for network in networks)
    for gamma, network in zip(gammas(5), networks, strict=True):
        assert torch.allclose(path(gamma).prep, network.prep, atol=1e-6)
    assert path.class_logits(gammas(5)) is None  # a family of one has no class head


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_opened_path_encodes_and_solves_nothing_more(method, tiny_cnn_space_folder, tiny_cnn_zoo, monkeypatch):
    space = netspace.load(tiny_cnn_space_folder)
    path = method.open(space, tiny_cnn_zoo[0], tiny_cnn_zoo[3])
    monkeypatch.setattr(space.encoder, "forward", lambda preps: pytest.fail("encoded again"))
    monkeypatch.setattr(assign, "assign", lambda *given: pytest.fail("solved again"))
    assert path(0.5) and path.networks([-0.5, 1.5])


@pytest.mark.parametrize("name", ["aligned", "repaired"])
def test_both_ends_of_an_aligned_path_are_the_originals_functions(name, tiny_cnn_space_folder, tiny_cnn_zoo):
    """B's weights are in another order, and its answers are the same."""
    a, b, images = tiny_cnn_zoo[0], tiny_cnn_zoo[5], load_images("digits", "test")
    path = METHODS[name].open(netspace.load(tiny_cnn_space_folder), a, b)
    first, middle, last = path.networks([0.0, 0.5, 1.0])
    assert torch.equal(first.prep, a.prep) and not torch.equal(last.prep, b.prep)
    torch.testing.assert_close(classify(last, images), classify(b, images), atol=1e-4, rtol=1e-4)
    assert "B's units are matched with A's by their" in path.notes[0] and "400 training images" in path.notes[0]
    raw = METHODS["weights"].open(None, a, b)(0.5)
    shares = [accuracy(classify(network, images), images.labels) for network in (raw, middle)]
    assert shares[1] > shares[0] + 0.1


def test_an_aligned_path_without_images_says_so(tiny_cnn_space_folder, tiny_cnn_zoo, monkeypatch):
    monkeypatch.setattr(calibration, "available", lambda name: False)
    space, a, b = netspace.load(tiny_cnn_space_folder), tiny_cnn_zoo[0], tiny_cnn_zoo[5]
    path = METHODS["aligned"].open(space, a, b)
    assert path.notes[0].startswith("B's units are matched with A's by their weights: no training images of digits are")
    reason = "There are no training images of digits at hand to repair averaged weights on."
    assert METHODS["repaired"].applies(a, b) == reason
    with pytest.raises(UsageError, match=reason):
        METHODS["repaired"].open(space, a, b)


def test_fields_are_not_repaired(space, tiny_zoo):
    assert "it is for image classifiers" in METHODS["repaired"].applies(tiny_zoo[0], tiny_zoo[1])
    path = METHODS["aligned"].open(space, tiny_zoo[0], tiny_zoo[1])
    assert "judged on 1000 points" in path.notes[0]


def test_images_that_units_are_compared_on_are_never_those_that_are_reported(monkeypatch):
    asked, load = [], calibration.load_images
    monkeypatch.setattr(calibration, "load_images", lambda *words: (asked.append(words[1]), load(*words))[1])
    calibration._training_images.cache_clear()
    arch = netspace.arch_named("lenetlike/digits")
    x = calibration.calibration_inputs(arch)
    assert asked == ["train"] and x.shape == (400, 3, 32, 32)
    assert torch.equal(x, calibration.calibration_inputs(arch)) and asked == ["train"]


def test_methods_are_told_apart():
    assert all(name == method.name and method.ends != method.between for name, method in METHODS.items())
    for field in ("colour", "dash", "mark", "key"):
        assert len({getattr(method.look, field) for method in METHODS.values()}) == len(METHODS), field
    assert all(method.title and method.words and method.beyond for method in METHODS.values())


def test_different_architectures_have_a_latent_path_alone():
    family = netspace.Family.of("lenetlike/digits", "resnet8/digits")
    space = netspace.NetSpace(family, embedding=8, hidden=16).eval()
    a, b = (netspace.Network.of(arch, arch.initialise(0), family.size) for arch in family.archs)
    latent, weights = METHODS["latent"], METHODS["weights"]
    assert latent.applies(a, b) is None and weights.applies(a, a) is weights.applies(b, b) is None
    reason = weights.applies(a, b)
    assert reason == "There is no path through weights: those of LeNetLike and ResNet8 do not correspond."
    with pytest.raises(UsageError, match=reason):
        weights.open(space, a, b)
    for name in ("aligned", "repaired"):
        assert METHODS[name].applies(a, b) == reason
        with pytest.raises(UsageError, match=reason):
            METHODS[name].open(space, a, b)
    path = latent.open(space, a, b)
    chosen = [family.archs[k].name for k in path.class_logits(gammas(9)).argmax(dim=1)]
    assert [network.arch.name for network in path.networks(gammas(9))] == chosen


def test_positions_are_even_and_at_least_two():
    assert gammas(5) == [0, 0.25, 0.5, 0.75, 1]
    with pytest.raises(ValueError, match="at least 2 steps, got 1"):
        gammas(1)


def test_an_end_measured_against_itself(tiny_zoo):
    ends = [surface_of(tiny_zoo[i], 64) for i in (0, 1)]
    step = measure(tiny_zoo[0], *ends, 64)
    assert step.iou_a == 1 and 0 < step.iou_b < 1
    assert step.volume == step.surface.mesh.volume and step.components >= 1


def test_overlap_is_taken_on_the_coarser_grid(tiny_zoo):
    fine, coarse = surface_of(tiny_zoo[0], 64), surface_of(tiny_zoo[0], 32)
    assert overlap(fine, coarse) == overlap(coarse, fine) == 1


def test_a_step_without_a_surface_is_measured_as_such(tiny_zoo):
    empty = netspace.Network(tiny_zoo[0].arch, torch.zeros_like(tiny_zoo[0].prep))
    step = measure(empty, surface_of(tiny_zoo[0], 64), None, 64)
    assert step == (None, None, None, 0, 0.0, 0.0)


def test_paths_are_summarised_by_their_components():
    summary = summarise_paths([[1, 2, 1], [1, 0, 1], [1, 3, 1]])
    assert summary == (3, 3, 2, 1, 1, 2)


# -- accuracy along paths ------------------------------------------------------------------------------------------


def curve(*accuracies, ends=(0.2, 0.9)):
    return Curve("train, random", "latent", "a", "b", ends, accuracies, ("x",) * len(accuracies))


def test_the_barrier_is_the_deepest_fall_below_the_line_between_the_ends():
    assert curve(0.2, 0.4, 0.6).barrier == pytest.approx(0.0)
    assert curve(0.2, 0.1, 0.6).barrier == pytest.approx(0.3)
    assert curve(0.9, 0.9, 0.1, 0.9).barrier == pytest.approx(0.8)


def test_monotonicity_is_the_rank_correlation_towards_the_better_end():
    assert curve(0.1, 0.2, 0.3).spearman == pytest.approx(1.0)
    assert curve(0.3, 0.2, 0.1, ends=(0.9, 0.2)).spearman == pytest.approx(1.0)
    assert curve(0.3, 0.2, 0.1).spearman == pytest.approx(-1.0)
    assert curve(0.1, 0.1, 0.1).spearman is None


def test_a_curve_is_the_accuracy_of_every_step(tiny_cnn_space_folder, tiny_cnn_zoo):
    space, images = netspace.load(tiny_cnn_space_folder), load_images("digits", "test")
    pair = Pair("train, random", 0, 5)
    for method in METHODS:
        found = accuracy_curve(space, tiny_cnn_zoo, pair, method, images, steps=3)
        path = METHODS[method].open(space, tiny_cnn_zoo[0], tiny_cnn_zoo[5]).networks(gammas(3))
        expected = [accuracy(classify(n, images), images.labels) for n in path]
        assert list(found.accuracies) == pytest.approx(expected)
        assert found.ends == pytest.approx(tuple(tiny_cnn_zoo.records.test_accuracy[[0, 5]]), abs=1e-6)
    assert found.accuracies[0] == pytest.approx(found.ends[0])  # raw weights: the ends are the originals


def test_pairs_lead_from_the_weakest_to_the_strongest_of_a_split(tiny_cnn_zoo):
    pairs, scores = curve_pairs(tiny_cnn_zoo, 3), tiny_cnn_zoo.records.test_accuracy
    train = [p for p in pairs if p.kind == "train, weakest to strongest"]
    ids = tiny_cnn_zoo.ids("train")
    assert len(train) == 2 and scores[train[0].a] == scores[ids].min() and scores[train[0].b] == scores[ids].max()
    assert all(scores[p.a] <= scores[p.b] for p in train)
    assert len([p for p in pairs if p.kind == "heldout, weakest to strongest"]) == 1
    assert len([p for p in pairs if p.kind == "train, random"]) == 3


def test_curves_are_summarised_by_kind_and_method():
    found = summarise_curves([curve(0.2, 0.3, 0.4), curve(0.2, 0.1, 0.6), curve(0.5, 0.5, 0.5)])
    summary = found["train, random, latent"]
    assert summary["pairs"] == 3 and summary["barrier_highest"] == pytest.approx(0.3)
    assert summary["middle_accuracy_mean"] == pytest.approx(0.3)
    assert summary["spearman_median"] == pytest.approx(0.75) and summary["spearman_lowest"] == pytest.approx(0.5)
