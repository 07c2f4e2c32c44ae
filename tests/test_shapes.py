"""Chairs are closed and the same everywhere; signed distances are right on analytic and on broken meshes."""

import dataclasses

import numpy as np
import pytest
import trimesh

from netspace.shapes import (
    BACKS,
    LEGS,
    SEATS,
    BadMesh,
    Mesh,
    Solid,
    chair,
    chair_params,
    describe,
    load_mesh,
    load_source,
    mesh_files,
    normalise,
    orient,
    sample_sdf,
    sample_surface,
)

GOLDEN_KINDS = ("chair", "round", "straight", "slatted", True)
GOLDEN_WIDTH, GOLDEN_SEAT_HEIGHT, GOLDEN_VOLUME = 1.0043296150356793, 0.9963766800627023, 0.28132707706205445


def as_mesh(t: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(t.vertices, float), np.asarray(t.faces, np.int64))


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


@pytest.mark.parametrize("suffix", [".obj", ".off", ".ply", ".stl", ".glb"])
def test_every_mesh_format_is_read(tmp_path, suffix):
    mesh, _ = chair(chair_params(2))
    path = tmp_path / "models" / f"model{suffix}"
    path.parent.mkdir()
    trimesh.Trimesh(*mesh, process=False).export(path)
    assert mesh_files(tmp_path) == [path]
    loaded, record = load_source(str(path))
    assert Solid(loaded).surface.volume == pytest.approx(mesh.volume, rel=1e-3)
    assert record["height"] == pytest.approx(np.ptp(mesh.vertices[:, 1]), rel=1e-4)


def test_normalising_keeps_proportions():
    mesh = as_mesh(trimesh.creation.box((4, 2, 1)))
    small, scale = normalise(Mesh(mesh.vertices + 7, mesh.faces))
    assert scale == pytest.approx(0.45)
    assert np.allclose(np.ptp(small.vertices, axis=0), [1.8, 0.9, 0.45])
    assert np.allclose(small.vertices.max(axis=0), -small.vertices.min(axis=0))


def test_bad_meshes_say_what_is_wrong(tmp_path):
    no_faces = tmp_path / "points.ply"
    trimesh.PointCloud(np.random.default_rng(0).random((9, 3))).export(no_faces)
    with pytest.raises(BadMesh):
        load_mesh(no_faces)
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv 1 0 0\nv nan 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n")
    with pytest.raises(BadMesh, match="not finite"):
        load_mesh(tmp_path / "nan.obj")
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(BadMesh, match="flat"):
        load_mesh(tmp_path / "flat.obj")
    (tmp_path / "garbage.stl").write_bytes(b"\x00\x01 no mesh at all")
    with pytest.raises(BadMesh):
        load_mesh(tmp_path / "garbage.stl")
    sheet = "v 0 0 0\nv 1 0 0\nv 0 1 0.2\nv 1 1 0.2\nf 1 2 3\nf 2 4 3\n"  # tilted, open
    (tmp_path / "sheet.obj").write_text(sheet)
    with pytest.raises(BadMesh, match="no volume"):
        Solid(load_mesh(tmp_path / "sheet.obj"))


def test_a_folder_without_meshes_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no mesh"):
        mesh_files(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        mesh_files(tmp_path / "missing")


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
