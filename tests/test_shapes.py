"""Chairs are closed and the same everywhere."""

import dataclasses

import numpy as np
import pytest
import trimesh

from netspace.data.shapes import BACKS, LEGS, SEATS, Mesh, chair, chair_params, describe, normalise_mesh

GOLDEN_KINDS = ("chair", "round", "straight", "slatted", True)
GOLDEN_WIDTH, GOLDEN_SEAT_HEIGHT, GOLDEN_VOLUME = 1.0043296150356793, 0.9963766800627023, 0.28132707706205445


@pytest.mark.parametrize("seed", range(40))
def test_a_chair_is_one_closed_body_inside_the_cube(seed):
    mesh, record = chair(chair_params(seed))
    body = trimesh.Trimesh(*mesh, process=False)
    assert body.is_watertight and body.body_count == 1 and body.volume > 0
    assert np.abs(mesh.vertices).max() == pytest.approx(0.9, abs=1e-6)
    assert 0 < record["seat_height"] <= record["height"] + 1e-6
    assert describe(record).startswith(record["kind"])


def test_a_seed_gives_the_chair_it_has_always_given():
    """These values were written down when the chairs were first published: a zoo's `source` must stay true."""
    params = chair_params(17)
    assert (params.kind, params.seat, params.legs, params.back, params.arms) == GOLDEN_KINDS
    assert params.width == pytest.approx(GOLDEN_WIDTH, abs=1e-12)
    mesh, record = chair(params)
    assert record["seat_height"] == pytest.approx(GOLDEN_SEAT_HEIGHT, abs=1e-9)
    assert mesh.volume == pytest.approx(GOLDEN_VOLUME, rel=1e-4)


def test_chairs_vary():
    all_params = [chair_params(seed) for seed in range(200)]
    assert {p.legs for p in all_params} == set(LEGS)
    assert {p.back for p in all_params} == {*BACKS, "none"}
    assert {p.seat for p in all_params} == set(SEATS)
    assert 20 < sum(p.kind == "stool" for p in all_params) < 60
    assert 40 < sum(p.arms for p in all_params) < 100
    assert all(p.back == "none" and not p.arms for p in all_params if p.kind == "stool")


def test_every_combination_of_parts_is_a_closed_body():
    base = chair_params(4)
    for legs in LEGS:
        for back in BACKS:
            for seat in SEATS:
                params = dataclasses.replace(
                    base, kind="chair", legs=legs, back=back, seat=seat, arms=True, back_height=0.8, splay=0.2
                )
                body = trimesh.Trimesh(*chair(params)[0], process=False)
                assert body.is_watertight and body.body_count == 1, (legs, back, seat)


def test_normalising_keeps_proportions():
    corners = np.array([[0, 0, 0], [4, 0, 0], [0, 2, 0], [0, 0, 1]], float)
    small, scale = normalise_mesh(Mesh(corners + 7, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])))
    assert scale == pytest.approx(0.45)
    assert np.allclose(np.ptp(small.vertices, axis=0), [1.8, 0.9, 0.45])
    assert np.allclose(small.vertices.max(axis=0), -small.vertices.min(axis=0))
