"""Families of networks with one parameter, on embeddings that are known."""

import json
import math

import pytest
import torch

from netspace import load
from netspace.errors import UsageError
from netspace.latent import families
from netspace.latent.directions import Direction
from netspace.latent.families import LatentFamily, along, arithmetic, beyond, gammas_beyond, mix, spline
from netspace.latent.paths import PATH_STEPS

E = 12
Z = torch.randn(5, E, generator=torch.Generator().manual_seed(0))
NAMES = ["one", "two", "three", "four", "five"]
UP = Direction("seat_height", Z[0] / 10, 0.5, Z[1] / 4, ("width",), 0.8, 0.1, 90, None, 0, 1.0, 0.3, 0.25)


def every_kind() -> list[LatentFamily]:
    return [
        beyond(Z[:2], NAMES[:2], gammas_beyond(0.5, 25)), arithmetic(Z[:3], NAMES[:3]), mix(Z[:3], NAMES[:3]),
        mix(Z[:4], NAMES[:4]), mix(Z, NAMES, torch.full((1, 5), 0.2)), spline(Z, NAMES),
        along(UP, Z[2], "three", 0.25, 1.1),
    ]  # fmt: skip


def test_every_step_has_a_position_words_and_an_account_of_how_it_was_made():
    for family in every_kind():
        steps = len(family)
        assert len(family.positions) == len(family.words) == len(family.made) == steps and 0 <= family.start < steps
        assert list(family.positions) == sorted(set(family.positions)) and all(family.words)
        assert {about["made_by"] for about in family.made} == {family.kind}
        assert set(family.anchors) <= set(NAMES) and all(0 <= step < steps for step, _ in family.marks)
        json.dumps(family.made, allow_nan=False)


def test_steps_are_decoded_alike_one_by_one(tiny_space_folder):
    space = load(tiny_space_folder)
    z = torch.randn(2, space.config.embedding, generator=torch.Generator().manual_seed(1))
    family = beyond(z, NAMES[:2], gammas_beyond(0.5, 3))
    decoded = space.networks(family.z)
    for i, network in enumerate(decoded):
        assert torch.allclose(family.network(space, i).prep, network.prep, atol=1e-6)
    assert family.class_logits(space) is None


def test_a_path_goes_on_beyond_its_ends_at_the_same_distance():
    gammas = gammas_beyond(0.5, 25)
    assert len(gammas) == 49 and gammas[0] == -0.5 and gammas[-1] == 1.5 and {0.0, 1.0} <= set(gammas)
    assert gammas_beyond(0.0, 3) == (0.0, 0.5, 1.0) and gammas_beyond(0.3, 5) == (
        -0.25,
        0.0,
        0.25,
        0.5,
        0.75,
        1.0,
        1.25,
    )
    family = beyond(Z[:2], NAMES[:2], gammas)
    at = {label: step for step, label in family.marks}
    assert torch.equal(family.z[at["A"]], Z[0]) and torch.allclose(family.z[at["B"]], Z[1])
    torch.testing.assert_close(family.z[0], Z[0] - 0.5 * (Z[1] - Z[0]))
    assert family.words[0].startswith("beyond A, decoded from the extrap") and family.words[at["B"]].startswith("B,")
    for factor in (-0.1, math.nan, math.inf):
        with pytest.raises(UsageError, match="factor of at least 0"):
            gammas_beyond(factor, 9)
    with pytest.raises(UsageError, match="at least 2 steps"):
        gammas_beyond(0.5, 1)


def test_a_sum_leads_from_c_to_a_minus_b_plus_c():
    family = arithmetic(Z[:3], NAMES[:3], steps=5)
    torch.testing.assert_close(family.z[0], Z[2])
    torch.testing.assert_close(family.z[-1], Z[0] - Z[1] + Z[2])
    assert family.positions == (0.0, 0.25, 0.5, 0.75, 1.0) and family.start == 4


@pytest.mark.parametrize(("count", "nodes"), [(3, 45), (4, 49)])
def test_a_pad_has_its_networks_in_its_corners(count, nodes):
    family = mix(Z[:count], NAMES[:count])
    assert len(family) == len(family.xy) == nodes
    for k in range(count):
        corner = family.weights[:, k].tolist().index(1.0)
        torch.testing.assert_close(family.z[corner], Z[k])
        assert family.words[corner] == f"{NAMES[k]}, decoded from its embedding"
    assert family.made[family.start]["weights"].keys() == set(NAMES[:count])


def test_a_mix_takes_any_weights_that_sum_to_1():
    family = mix(Z[:2], NAMES[:2], torch.tensor([[0.25, 0.75], [-0.5, 1.5]]))
    torch.testing.assert_close(family.z, torch.stack([0.25 * Z[0] + 0.75 * Z[1], -0.5 * Z[0] + 1.5 * Z[1]]))
    assert family.made[1]["weights"] == {"one": -0.5, "two": 1.5} and family.xy is None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_spline_passes_its_networks_in_order(count):
    family = spline(Z[:count], NAMES[:count])
    assert len(family) >= PATH_STEPS and [label for _, label in family.marks] == [str(k + 1) for k in range(count)]
    for (step, _), z, k in zip(family.marks, Z, range(count), strict=False):
        torch.testing.assert_close(family.z[step], z, atol=1e-4, rtol=0)
        assert family.positions[step] == k + 1


def test_a_direction_moves_in_units_of_its_column():
    family = along(UP, Z[2], "three", 0.5, 1.1, steps=5)
    assert family.positions == pytest.approx((0.6, 0.85, 1.1, 1.35, 1.6)) and family.axis == "seat_height"
    torch.testing.assert_close(family.z[-1], Z[2] + 0.5 * UP.direction)
    assert torch.equal(family.z[2], Z[2]) and family.words[0] == "moved by -0.5 seat height"
    predicted = along(UP, Z[2], "three", 0.5, steps=3)  # the zoo does not know its height
    assert predicted.positions[1] == pytest.approx(float(UP.score(Z[2])))
    assert families.furthest_along(UP) == 0.25 and families.furthest_along(UP, 2.0) == 0.5
    assert families.furthest_along(UP, 5.0) == 0.6  # two standard deviations


def test_decimals_tell_neighbours_apart():
    assert families.decimals([0, 10, 20]) == 0 and families.decimals([0.1, 0.2]) == 1
    assert families.decimals([0.001, 0.0011]) == 4 and families.decimals([3.0, 3.0]) == 2


BROKEN, SAME = torch.full((1, E), torch.nan), Z[:1].expand(3, -1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: beyond(SAME[:2], ["one", "twin"], (0.0, 1.0)), "no path from one and twin, which are embedded at one"),
        (lambda: beyond(SAME[:2], ["one", "one"], (0.0, 1.0)), "no path from one alone: choose networks that differ"),
        (
            lambda: beyond(torch.cat([Z[:1], BROKEN]), ["one", "broken"], (0.0,)),
            "broken has weights that are no numbers",
        ),
        (lambda: arithmetic(Z[:2], NAMES[:2]), "takes three networks a, b and c, got 2"),
        (lambda: arithmetic(torch.cat([SAME[:2], Z[1:2]]), ["one", "twin", "two"]), "one and twin are embedded at one"),
        (lambda: mix(Z[:2], NAMES[:2]), "three or four networks, not of 2"),
        (lambda: mix(Z[:2], NAMES[:2], torch.tensor([[0.5, 0.7]])), "sum to 1"),
        (lambda: mix(Z[:2], NAMES[:2], torch.tensor([[1.0]])), "mix of 2 networks has as many weights, got 1"),
        (lambda: mix(SAME, ["one", "twin", "third"]), "nothing to mix from one and twin"),
        (lambda: spline(Z[:1], NAMES[:1]), "2 to 12 networks, not through 1"),
        (lambda: spline(Z[[0, 0, 1]], ["one", "twin", "two"]), "one and twin are embedded at one point: take one"),
        (lambda: along(UP, BROKEN[0], "broken", 1.0), "broken has weights that are no numbers"),
    ],
)
def test_what_there_is_not_is_told(make, sentence):
    with pytest.raises(UsageError, match=sentence):
        make()
