"""Signed distances are right on analytic shapes and on chairs with every defect put in."""

import numpy as np
import pytest
import trimesh
from defects import DEFECTS, parts, truth

from netspace.data.shapes import Mesh, chair, chair_params
from netspace.data.solid_check import check
from netspace.data.solids import THICKNESS, Solid, sample_sdf, sample_surface
from netspace.data.topology import orient


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


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


HOLES = ("pierced", "pierced_and_mixed", "without_feet", "without_feet_turned")


@pytest.mark.parametrize("seed", range(20))
def test_defects_leave_a_chair_what_it_was(seed):
    """Every defect over two chairs at least, every chair with two of them."""
    mesh, points, inside = truth(seed)
    names = list(DEFECTS)
    for name in (names[seed % len(names)], names[(seed * 7 + 3) % len(names)]):
        solid = Solid(DEFECTS[name](mesh))
        assert overlap(solid.inside(points), inside) >= 0.98, name
        assert name in HOLES or not check(solid, 300).warnings, name
        signed = solid.signed_distance(points[:500])
        assert np.array_equal(signed < 0, solid.inside(points[:500]))


def test_every_defect_is_put_into_chairs():
    names = list(DEFECTS)
    assert {names[k % len(names)] for s in range(20) for k in (s, s * 7 + 3)} == set(names)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_overlapping_parts_of_which_some_are_inside_out_are_one_chair(seed):
    _, points, inside = truth(seed)
    assert overlap(Solid(parts(seed)).inside(points), inside) >= 0.98


@pytest.mark.parametrize("welded", [False, True])
def test_boxes_that_share_a_face_are_one_block(welded):
    left, right = (
        trimesh.creation.box((1, 1, 1), trimesh.transformations.translation_matrix([x, 0, 0])) for x in (0, 1)
    )
    both = trimesh.util.concatenate([left, right])
    if welded:
        both.merge_vertices()
    points = np.random.default_rng(0).uniform([-0.7, -0.7, -0.7], [1.7, 0.7, 0.7], (3000, 3))
    truly = box_distance(points - [0.5, 0, 0], np.array([1, 0.5, 0.5]))
    clear = np.abs(truly) > 1e-3
    solid = Solid(as_mesh(both))
    assert np.array_equal(solid.inside(points)[clear], truly[clear] < 0)
    assert (solid.signed_distance(np.array([[0.5, 0.0, 0.0]])) < -0.49).all() or not welded


def half_ball(depth=0.0):
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.8)
    below = ball.vertices[ball.faces][:, :, 1].max(axis=1) < depth
    return Mesh(np.asarray(ball.vertices), np.asarray(ball.faces)[below])


def test_an_open_bowl_is_a_sheet_that_is_as_thick_as_is_said():
    bowl = half_ball()
    for thickness in (0.02, 0.06):
        solid = Solid(bowl, thickness)
        assert solid.thickness == pytest.approx(1.6 * thickness, rel=0.01)
        assert any("sheets (100 %" in words and f"{solid.thickness:.3g} thick" in words for words in solid.mended)
        assert any("the thickness does" in words for words in check(solid).warnings)
        down = np.array([[0.0, -1.0, 0.1]]) / np.linalg.norm([0, -1, 0.1])
        depths = np.array([0.8, 0.8 - 0.45 * solid.thickness, 0.8 + 0.45 * solid.thickness])[:, None]
        assert solid.inside(depths * down).all()
        assert not solid.inside((0.8 + np.array([[-0.6], [0.6]]) * solid.thickness) * down).any()
        assert not solid.inside(np.array([[0.0, -0.3, 0.0]])).any()  # what the bowl would hold is air


def test_a_ball_with_a_hole_is_still_a_ball_and_the_hole_is_told():
    ball = Solid(half_ball(0.74))
    assert ball.sheets is None and ball.inside(np.array([[0.0, 0.0, 0.0], [0.3, -0.3, 0.2]])).all()
    found = check(ball)
    assert found.sky_share > 0.05 and "sees the sky" in found.warnings[0]


def test_a_wrong_solid_is_told():
    """The check knows nothing of what the solid was made from."""
    mesh, _ = chair(chair_params(2))
    solid = Solid(mesh)
    assert check(solid) == (0.0, 1.0, ())
    solid.in_volume = lambda points: np.abs(points).max(axis=1) < 0.8  # a block instead of the chair
    found = check(solid)
    assert found.sky_share > 0.5 and found.tests_agree < 0.5 and len(found.warnings) == 2


def test_a_winding_that_is_right_is_kept():
    """A concave shell whose centre lies outside of it: turned away from that centre it would be turned wrong."""
    mesh, points, inside = truth(7)
    solid = Solid(DEFECTS["without_feet"](mesh))
    assert solid.soup.volume > 0 and not any("turned" in words for words in solid.mended)
    assert overlap(solid.inside(points), inside) > 0.98


def test_samples_of_sheets_lie_at_their_thickness():
    solid = Solid(half_ball())
    samples = sample_sdf(solid, 4000, seed=0)
    assert 0.1 < (samples[:, 3] < 0).mean() < 0.6
    away = np.abs(np.linalg.norm(samples[:, :3], axis=1) - 0.8) - 1.6 * THICKNESS / 2
    below = samples[:, 1] < -0.1
    assert np.allclose(samples[below, 3], away[below], atol=0.01)


def test_walls_too_thin_for_a_network_are_told():
    outer, inner = trimesh.creation.box((1.8, 1.8, 1.8)), trimesh.creation.box((1.78, 1.78, 1.78))
    inner.invert()
    (warning,) = check(Solid(as_mesh(trimesh.util.concatenate([outer, inner])))).warnings
    assert "walls thinner than 0.02" in warning


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("inside_out", [False, True])
def test_a_cavity_stays_in_a_file_that_is_turned_or_has_holes(holes, inside_out):
    outer, inner = (trimesh.creation.icosphere(subdivisions=3, radius=r) for r in (0.9, 0.5))
    inner.invert()
    mesh = as_mesh(trimesh.util.concatenate([outer, inner]))
    faces = mesh.faces[np.random.default_rng(0).random(len(mesh.faces)) > (0.01 if holes else -1)]
    solid = Solid(Mesh(mesh.vertices, faces[:, ::-1].copy() if inside_out else faces))
    points = np.random.default_rng(0).uniform(-1, 1, (3000, 3))
    r = np.linalg.norm(points, axis=1)
    assert overlap(solid.inside(points), (r < 0.9) & (r > 0.5)) > 0.95
