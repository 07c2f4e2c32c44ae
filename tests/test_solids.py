"""Signed distances are right on analytic shapes and on chairs with every defect put in."""

import numpy as np
import pytest
import trimesh

from netspace.shapes import Mesh, chair, chair_params
from netspace.solids import Solid, orient, sample_sdf, sample_surface


def as_mesh(t: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(t.vertices, float), np.asarray(t.faces, np.int64))


def test_signed_distance_to_a_sphere():
    solid = Solid(as_mesh(trimesh.creation.icosphere(subdivisions=5, radius=0.5)))
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    assert np.allclose(solid.signed_distance(points), np.linalg.norm(points, axis=1) - 0.5, atol=1e-3)


def box_distance(points, half):
    q = np.abs(points) - half
    return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)


@pytest.mark.parametrize("damage", ["none", "inverted", "half inverted", "open"])
def test_signs_survive_bad_orientation_and_a_missing_face(damage):
    mesh = as_mesh(trimesh.creation.box((1, 1, 1)).subdivide().subdivide())
    faces = mesh.faces.copy()
    if damage == "inverted":
        faces = faces[:, ::-1].copy()
    if damage == "half inverted":
        faces[::2] = faces[::2, ::-1]
    if damage == "open":
        faces = faces[1:]  # one small triangle of 192 is missing
    points = np.random.default_rng(0).uniform(-1, 1, (3000, 3))
    truth = box_distance(points, 0.5)
    signed = Solid(Mesh(mesh.vertices, faces)).signed_distance(points)
    clear = np.abs(truth) > 0.05
    assert np.array_equal(signed[clear] < 0, truth[clear] < 0)
    assert np.abs(np.abs(signed) - np.abs(truth)).max() < 0.07


def test_overlapping_parts_have_one_inside_and_no_inner_walls():
    a = trimesh.creation.box((1, 1, 1)).subdivide().subdivide().subdivide()
    b = a.copy()
    b.apply_translation((0.4, 0, 0))
    solid = Solid(as_mesh(trimesh.util.concatenate([a, b])))
    inner_wall = np.array([[0.5, 0.0, 0.0], [-0.1, 0.1, 0.0]])  # on a face of one box, deep inside the other
    assert (solid.signed_distance(inner_wall) < -0.3).all()


def test_orientation_is_made_outward():
    sphere = as_mesh(trimesh.creation.icosphere(subdivisions=2))
    flipped = Mesh(sphere.vertices, sphere.faces[:, ::-1].copy())
    assert flipped.volume < 0 < orient(flipped).volume


def test_samples_lie_mostly_near_the_surface_and_carry_its_distance():
    mesh, _ = chair(chair_params(1))
    samples = sample_sdf(Solid(mesh), 5000, seed=3)
    assert samples.shape == (5000, 4) and samples.dtype == np.float32
    assert np.abs(samples[:, :3]).max() <= 1
    assert (np.abs(samples[:, 3]) < 0.1).mean() > 0.8
    assert 0.25 < (samples[:, 3] < 0).mean() < 0.6
    assert np.allclose(samples[:, 3], Solid(mesh).signed_distance(samples[:, :3]), atol=1e-6)
    assert np.array_equal(samples, sample_sdf(Solid(mesh), 5000, seed=3))
    assert not np.array_equal(samples, sample_sdf(Solid(mesh), 5000, seed=4))


def test_surface_points_are_uniform_by_area():
    mesh = as_mesh(trimesh.creation.box((2, 1, 1)))
    points = sample_surface(mesh, 20_000, np.random.default_rng(0))
    on_ends = np.isclose(np.abs(points[:, 0]), 1).mean()
    assert on_ends == pytest.approx(2 / 10, abs=0.02)  # two unit squares of an area of 10


def test_a_cavity_stays_empty_and_an_inverted_part_is_turned():
    outer, inner = trimesh.creation.box((1.8, 1.8, 1.8)), trimesh.creation.box((1.0, 1.0, 1.0))
    inner.invert()
    hollow = trimesh.util.concatenate([outer, inner])
    centre = np.zeros((1, 3))
    assert Solid(Mesh(hollow.vertices, hollow.faces)).signed_distance(centre)[0] == pytest.approx(0.5)
    beside = trimesh.creation.box((0.5, 0.5, 0.5), transform=trimesh.transformations.translation_matrix([1.5, 0, 0]))
    beside.invert()
    both = trimesh.util.concatenate([outer, beside])
    assert Solid(Mesh(both.vertices, both.faces)).inside(np.array([[1.5, 0, 0]]))[0]
