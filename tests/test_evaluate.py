"""Measures against numbers worked out by hand."""

import json
import math

import numpy as np
import pytest
import torch

import netspace
from netspace import Network
from netspace.data.images import load_images
from netspace.data.transforms import normalise
from netspace.geometry.mesh import extract
from netspace.tasks.measures import accuracy, agreement, classify, iou, wilson
from netspace.tasks.recognition import Recognition, recognise, summarise_recognition
from netspace.tasks.surfaces import Reconstruction, reconstruct, summarise_reconstruction, surface_distance


def ball(radius):
    return extract(lambda x: x.norm(dim=1) - radius, 64).mesh


def test_agreement_is_the_share_within_a_hundredth():
    predicted = torch.tensor([[0.0, 0.0095, -0.0095, 0.02], [0.5, 0.5, 0.5, 0.5]])
    assert agreement(predicted, torch.zeros(2, 4)).tolist() == [0.75, 0.0]


def test_iou_counts_points():
    a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(a, a) == 1 and iou(a, ~a) == 0 and iou(a & ~a, b & ~b) == 1


def test_concentric_spheres_are_their_radii_apart():
    apart = surface_distance(ball(0.5), ball(0.54))
    assert apart.chamfer == pytest.approx(0.04, abs=5e-4) and apart.f_score == 0
    close = surface_distance(ball(0.5), ball(0.505))
    assert close.chamfer == pytest.approx(0.005, abs=5e-4) and close.f_score == 1


def test_a_surface_is_at_no_distance_from_itself():
    same = surface_distance(ball(0.5), ball(0.5))
    assert same.chamfer < 1e-6 and same.f_score == 1


def test_a_missing_half_counts_in_one_direction():
    whole, half = ball(0.5), extract(lambda x: torch.maximum(x.norm(dim=1) - 0.5, -x[:, 0]), 64).mesh
    measured = surface_distance(whole, half)
    # all of the half sphere's cap but its flat cut lies on the whole; half of the whole lies on the half
    precision, recall = 0.5, 2 / 3
    assert measured.f_score == pytest.approx(2 * precision * recall / (precision + recall), abs=0.03)


def test_a_reconstruction_is_measured_against_target_and_truth(tiny_zoo, tiny_space_folder):
    space = netspace.load(tiny_space_folder)
    row = reconstruct(space, tiny_zoo, 2)
    assert (row.name, row.split) == ("chair-0002", "heldout")
    assert 0 <= row.agreement <= 1 and 0 <= row.iou <= 1 and 0 <= row.truth_iou <= 1

    class Identity:  # a space that gives every network back
        device = space.device
        encode = staticmethod(lambda preps: preps)
        networks = staticmethod(lambda z: [netspace.Network(tiny_zoo[2].arch, z[0])])

    perfect = reconstruct(Identity(), tiny_zoo, 2)
    assert perfect.agreement == 1 and perfect.iou == 1 and perfect.chamfer < 1e-6 and perfect.f_score == 1
    assert perfect.truth_iou == pytest.approx(tiny_zoo.records.fit_iou[2], abs=0.02)


def test_summary_is_medians_by_split_and_valid_json():
    def row(name, split, iou, chamfer, truth=0.5):
        return Reconstruction(name, split, 0.5, iou, chamfer, 0.1, truth, truth, truth)

    rows = [row("a", "train", 0.2, 0.3), row("b", "train", 0.9, 0.1), row("c", "train", 0.8, math.inf)]
    rows += [row("d", "heldout", 0.0, math.inf, math.nan)]
    summary = json.loads(json.dumps(summarise_reconstruction(rows), allow_nan=False))
    assert summary["train"]["iou_median"] == 0.8 and summary["train"]["chamfer_median"] == 0.3
    assert summary["train"]["count"] == 3 and summary["train"]["without_surface"] == 1
    assert summary["heldout"] == {
        "agreement_median": 0.5,
        "iou_median": 0.0,
        "chamfer_median": None,
        "f_score_median": 0.1,
        "truth_iou_median": None,
        "truth_chamfer_median": None,
        "truth_f_score_median": None,
        "without_surface": 1,
        "count": 1,
    }


# -- image classifiers ---------------------------------------------------------------------------------------------


def test_classifying_is_the_network_on_normalised_images_whatever_the_batch(tiny_cnn_zoo):
    images = load_images("digits", "test")
    network = tiny_cnn_zoo[7]
    expected = network(normalise(images.pixels))
    for rows in (0, 7, 1000):
        assert torch.allclose(classify(network, images, rows=rows), expected, atol=1e-4)
    share = sum(int(e.argmax()) == int(y) for e, y in zip(expected, images.labels, strict=True)) / len(images)
    assert accuracy(expected, images.labels) == pytest.approx(share)
    assert tiny_cnn_zoo.records.test_accuracy[7] == pytest.approx(share, abs=1e-6)


def test_out_of_memory_halves_the_batch_and_says_so(tiny_cnn_zoo, monkeypatch):
    images, network = load_images("digits", "test"), tiny_cnn_zoo[7]
    expected = classify(network, images)
    compiled = Network.compiled

    def narrow(self, dtype=None):
        run = compiled(self, dtype)

        def limited(x):
            if len(x) > 40:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return run(x)

        return limited

    monkeypatch.setattr(Network, "compiled", narrow)
    with pytest.warns(UserWarning, match="out of GPU memory: going on with 32 images at once"):
        halved = classify(network, images, rows=256)
    assert torch.allclose(halved, expected, atol=1e-5)


def test_wilsons_interval_holds_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    for truth in (0.1, 0.5, 0.93):
        held = [low <= truth <= high for low, high in (wilson(int(c), 200) for c in rng.binomial(200, truth, 2000))]
        assert 0.92 < np.mean(held) < 0.98
    assert wilson(0, 50)[0] == pytest.approx(0, abs=1e-9) and wilson(50, 50)[1] == pytest.approx(1, abs=1e-9)


def test_recognition_compares_target_and_decoded_network(tiny_cnn_space_folder, tiny_cnn_zoo):
    space, images = netspace.load(tiny_cnn_space_folder), load_images("digits", "test")
    row = recognise(space, tiny_cnn_zoo, 2, images)
    predicted = space.networks(space.encode(tiny_cnn_zoo[2].prep[None]))[0]
    t, p = (n(normalise(images.pixels)) for n in (tiny_cnn_zoo[2], predicted))
    assert row.target_accuracy == pytest.approx(accuracy(t, images.labels))
    assert row.predicted_accuracy == pytest.approx(accuracy(p, images.labels))
    assert row.same_answer == pytest.approx((t.argmax(1) == p.argmax(1)).float().mean().item())
    assert row.split == tiny_cnn_zoo.records.split[2]


def test_recognition_is_summarised_by_split():
    rows = [
        Recognition("a", "train", 0.2, 0.3, 0.9, 0.1),
        Recognition("b", "train", 0.4, 0.4, 0.7, 0.1),
        Recognition("c", "train", 0.6, 0.5, 0.8, 0.1),
        Recognition("d", "heldout", 0.5, 0.4, 0.8, 0.1),
        Recognition("e", "heldout", 0.5, 0.6, 0.8, 0.1),
    ]
    summary = json.loads(json.dumps(summarise_recognition(rows), allow_nan=False))
    assert summary["train"]["accuracy_mae"] == pytest.approx(0.2 / 3, abs=1e-4)
    assert summary["train"]["pearson"] == pytest.approx(1.0) and summary["train"]["count"] == 3
    assert summary["heldout"]["pearson"] is None and summary["heldout"]["spearman"] is None  # all targets alike
