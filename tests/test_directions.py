"""Directions and mixtures of embeddings, on embeddings whose directions are known."""

import numpy as np
import pandas as pd
import pytest
import torch

from netspace.data.shapes import Mesh, chair, chair_params, seat_height
from netspace.latent.directions import columns_of, direction_of
from netspace.latent.families import analogy, blend, natural_spline, square, triangle
from netspace.latent.manifold import Reach
from netspace.tasks import TASKS

COUNT, E = 120, 24
DRAW = torch.Generator().manual_seed(0)
TRUE = {"height": torch.randn(E, generator=DRAW), "width": torch.randn(E, generator=DRAW)}


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    height = draw.normal(1.0, 0.3, COUNT)
    return pd.DataFrame(
        {
            "name": [f"n{k}" for k in range(COUNT)],
            "split": ["train"] * 90 + ["heldout"] * 30,
            "row": range(COUNT),
            "seed": draw.integers(0, 9, COUNT),
            "height": height,
            "width": 0.3 * height + draw.normal(0.5, 0.2, COUNT),  # wider where it is higher
            "doubled": 2 * height,
            "arms": draw.random(COUNT) < 0.5,
            "recipe": np.where(height > 1, "tall", "low"),
            "tall": (height > 1).astype(float),
            "legs": draw.choice(["three", "four"], COUNT),
            "same": 1.0,
        }
    )


@pytest.fixture(scope="module")
def z(records) -> torch.Tensor:
    """Embeddings in which height and width have directions of their own, beside noise."""
    known = sum(torch.tensor(records[name].to_numpy()).float().unsqueeze(1) * axis for name, axis in TRUE.items())
    return known + 0.02 * torch.randn(COUNT, E, generator=torch.Generator().manual_seed(1))


TRAIN, HELDOUT = range(90), range(90, COUNT)


def test_what_is_there_is_found(z, records):
    found = direction_of(z, records, "height", TRAIN, HELDOUT)
    assert found.r2 > 0.98
    assert found.r2_unseen > 0.98
    assert (found.count, found.count_unseen) == (90, 30)
    torch.testing.assert_close(
        found.score(z[90:]).double(), torch.tensor(records.height[90:].to_numpy()), rtol=0, atol=0.1
    )


def test_moving_changes_the_column_and_holds_the_others(z, records):
    found = direction_of(z, records, "height", TRAIN)
    assert set(found.controlled) == {"width", "arms", "legs", "recipe"}  # not what goes with it, nor bookkeeping
    assert "recipe" not in direction_of(z, records, "tall", TRAIN).controlled  # which is the same
    cosine = torch.cosine_similarity(found.direction, TRUE["height"], dim=0)
    assert cosine > 0.99
    moved = found.move(z[0], torch.tensor([-0.5, 0.0, 0.5]))
    assert moved.shape == (3, E)
    torch.testing.assert_close(moved[1], z[0])
    width = direction_of(z, records, "width", TRAIN)
    assert (found.score(moved) - found.score(z[0])).tolist() == pytest.approx([-0.5, 0.0, 0.5], abs=0.06)
    assert (width.score(moved) - width.score(z[0])).abs().max() < 0.06  # though both go together in the zoo
    assert found.r2_unseen is None


def test_nothing_is_found_where_nothing_is(records):
    noise = torch.randn(COUNT, E, generator=torch.Generator().manual_seed(2))
    found = direction_of(noise, records, "height", TRAIN, HELDOUT)
    assert found.r2 < 0.2
    assert found.r2_unseen < 0.2


def test_memory_is_told_from_understanding(z, records):
    """A space may arrange the networks it knows by a column and say nothing of others: both figures are given."""
    knows = z.clone()
    knows[90:] = torch.randn(30, E, generator=torch.Generator().manual_seed(3))
    found = direction_of(knows, records, "height", TRAIN, HELDOUT)
    assert found.r2 > 0.98
    assert found.r2_unseen < 0


def test_the_reach_is_the_usual_distance(z, records):
    found = direction_of(z, records, "height", TRAIN)
    moved = found.move(z[0], found.reach) - z[0]
    assert float(moved.norm()) == pytest.approx(Reach.of(z[:90]).median_nn, rel=1e-4)


def test_columns_with_a_direction(records):
    assert columns_of(records) == ["height", "width", "doubled", "arms", "tall"]


def test_columns_without_one(z, records):
    with pytest.raises(ValueError, match="all networks have the same same"):
        direction_of(z, records, "same", TRAIN)
    with pytest.raises(ValueError, match="10 networks with a known height are too few"):
        direction_of(z, records, "height", range(10))
    odd = records.assign(width=records.width.where(records.index > 0, np.inf), lists=[[k] for k in range(COUNT)])
    assert "width" not in direction_of(z, odd, "height", TRAIN).controlled
    gaps = records.assign(height=records.height.where(records.index % 9 > 0))
    broken = z.clone()
    broken[5] = torch.nan
    found = direction_of(broken, gaps, "height", TRAIN)
    assert found.count == 79
    assert found.r2 > 0.9


def test_arithmetic():
    a, b, c = torch.randn(3, E)
    torch.testing.assert_close(analogy(a, b, c), torch.stack([x - y + w for x, y, w in zip(a, b, c, strict=True)]))


# -- mixtures ------------------------------------------------------------------------------------------------------


def test_reach_against_a_naive_search(z):
    training = z[:20]
    naive = sorted(min(float((a - b).norm()) for j, b in enumerate(training) if j != i) for i, a in enumerate(training))
    reach = Reach.of(training)
    assert reach.median_nn == pytest.approx(naive[9], rel=1e-5)
    assert reach.p99_nn == pytest.approx(np.quantile(naive, 0.99), rel=1e-5)
    places = torch.stack([training[3], training[3] + 100, torch.full((E,), torch.nan)])
    assert reach.is_off(places).tolist() == [False, True, True]
    assert reach.score(places)[0] == 0
    for bad in (training[:1], training[:1].expand(5, -1)):
        with pytest.raises(ValueError, match=r"networks have no distance|one and the same"):
            Reach.of(bad)


@pytest.mark.parametrize(("pad", "anchors"), [(triangle, 3), (square, 4)])
def test_pads_hold_all_mixtures_and_the_anchors(pad, anchors):
    lattice = pad(5)
    assert lattice.weights.min() >= 0
    torch.testing.assert_close(lattice.weights.sum(1), torch.ones(len(lattice.weights)))
    corners = [k for k, w in enumerate(lattice.weights) if w.max() == 1]
    assert len(corners) == anchors
    assert len({tuple(xy) for xy in lattice.xy.tolist()}) == len(lattice.weights) == {3: 15, 4: 25}[anchors]
    centre = (lattice.xy - lattice.xy[corners].mean(0)).norm(dim=1).argmin()
    assert lattice.weights[centre].max() <= 0.5
    with pytest.raises(ValueError, match="at least 2"):
        pad(1)


def test_mixtures_are_weighted_sums():
    anchors = torch.randn(3, E)
    weights = torch.tensor([[1.0, 0, 0], [0.2, 0.3, 0.5], [1.5, -0.5, 0]])
    naive = torch.stack([sum(w * a for w, a in zip(row, anchors, strict=True)) for row in weights])
    torch.testing.assert_close(blend(anchors, weights), naive)
    with pytest.raises(ValueError, match="sum to 1"):
        blend(anchors, weights * 2)


def test_a_spline_passes_its_anchors_smoothly():
    anchors = torch.randn(4, E, generator=torch.Generator().manual_seed(4))
    way = natural_spline(anchors, between=16)
    torch.testing.assert_close(way.z[way.at], anchors)
    steps = (way.z[1:] - way.z[:-1]).norm(dim=1)
    assert steps.max() < 4 * steps.min()  # nowhere a jump, nowhere a halt
    turns = torch.cosine_similarity(way.z[2:] - way.z[1:-1], way.z[1:-1] - way.z[:-2], dim=1)
    assert turns.min() > 0.8  # no corner at an anchor either
    straight = natural_spline(anchors[:2], between=8)
    torch.testing.assert_close(straight.z[4], (anchors[0] + anchors[1]) / 2)


def test_ways_that_there_are_not():
    anchors = torch.randn(3, E)
    for bad, words in (
        (anchors[:1], "at least 2"),
        (anchors[[0, 0, 1]], "twice in a row"),
        (torch.cat([anchors, torch.full((1, E), torch.nan)]), "no numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            natural_spline(bad)


# -- what is measured ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_seats_height_is_measured_of_the_mesh(seed):
    mesh, record = chair(chair_params(seed))
    assert seat_height(mesh) == pytest.approx(record["seat_height"], abs=0.03)


def test_where_nothing_faces_up_there_is_no_seat():
    wall = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    assert np.isnan(seat_height(wall))


def test_how_far_outputs_of_networks_lie_apart():
    disagreement = TASKS["sdf"].distance
    shapes = torch.tensor([[True, True, False, False], [True, False, True, False], [False] * 4])
    assert disagreement(shapes[:1], shapes).tolist() == pytest.approx([0, 2 / 3, 1])
    assert disagreement(shapes[2], shapes[2]) == 0
    disagreement = TASKS["classification"].distance
    assert float(disagreement(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 0]))) == 0.25
