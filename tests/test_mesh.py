"""The mesher against analytic fields: where the surface is, that it is closed, and that nothing is missed."""

import builtins

import numpy as np
import pytest
import torch
import trimesh

from netspace import ARCHS, Network, pack
from netspace.data.shapes import Mesh
from netspace.errors import NoSurface
from netspace.geometry.mesh import (
    MESH_KINDS,
    components,
    export,
    extract,
    extract_dense,
    isosurface,
    sign_changing_cells,
    slope,
    surface_of,
    vertex_normals,
)


def sphere(centre=(0.0, 0.0, 0.0), radius=0.6):
    c = torch.tensor(centre)
    return lambda x: (x - c).norm(dim=1) - radius


def torus(x):
    ring = torch.stack([x[:, [0, 2]].norm(dim=1) - 0.6, x[:, 1]], dim=1)
    return ring.norm(dim=1) - 0.15


def rod(x):  # thinner than a coarse block
    return torch.maximum(x[:, :2].norm(dim=1) - 0.02, x[:, 2].abs() - 0.8)


def steep(x):  # no distance: five times as steep as one
    return 5 * sphere()(x)


def flat_field(x):  # a tenth of a distance
    return 0.1 * torus(x)


FIELDS = {
    "sphere": sphere(),
    "off centre": sphere((0.3, -0.2, 0.1), 0.4),
    "torus": torus,
    "rod": rod,
    "steep": steep,
    "flat": flat_field,
    "two": lambda x: torch.minimum(sphere((-0.5, 0, 0), 0.3)(x), sphere((0.5, 0, 0), 0.2)(x)),
}
ALL = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)


def body(mesh: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(*mesh, process=False)


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_a_sphere_has_its_volume_area_and_place(resolution):
    centre = np.array([0.25, -0.1, 0.05])
    mesh = extract(sphere(centre.tolist(), 0.5), resolution).mesh
    cell = 2 / resolution
    assert np.abs(np.linalg.norm(mesh.vertices - centre, axis=1) - 0.5).max() < 0.1 * cell
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.6 * cell)
    assert mesh.area == pytest.approx(4 * np.pi * 0.5**2, rel=0.6 * cell)
    outward = np.einsum("ij,ij->i", vertex_normals(mesh), mesh.vertices - centre)
    assert (outward > 0.45).all()
    assert body(mesh).is_watertight and body(mesh).is_winding_consistent


@ALL
@pytest.mark.parametrize("resolution", [64, 128])
def test_sparse_and_dense_change_sign_in_the_same_cells(field, resolution):
    sparse, dense = extract(field, resolution), extract_dense(field, resolution)
    assert np.array_equal(sign_changing_cells(sparse.values), sign_changing_cells(dense.values))
    assert sparse.mesh.volume == pytest.approx(dense.mesh.volume, rel=1e-6)
    assert sparse.evaluations < 0.5 * dense.evaluations
    assert body(sparse.mesh).is_watertight


def test_sign_changing_cells_are_those_with_corners_on_both_sides():
    values = np.ones((3, 3, 3), np.float32)
    values[0, 0, 0] = -1
    naive = np.zeros((2, 2, 2), bool)
    naive[0, 0, 0] = True
    assert np.array_equal(sign_changing_cells(values), naive)


def test_a_bound_that_is_too_small_does_not_tear_the_surface(monkeypatch):
    """With a third of the true slope as bound, blocks are culled wrongly; their kept neighbours bring them back."""
    from netspace.geometry import mesh as module

    monkeypatch.setattr(module, "SAFETY", 0.33)
    dense = extract_dense(torus, 64)
    assert np.array_equal(sign_changing_cells(extract(torus, 64).values), sign_changing_cells(dense.values))
    monkeypatch.setattr(module, "_torn", lambda blocks, *_: blocks[:0])
    torn = sign_changing_cells(extract(torus, 64).values)
    assert not np.array_equal(torn, sign_changing_cells(dense.values))


def test_a_surface_that_leaves_the_cube_is_closed_at_its_boundary():
    mesh = extract(sphere(radius=1.2), 64).mesh
    assert body(mesh).is_watertight
    assert np.abs(mesh.vertices).max() <= 1 + 2 / 64


@pytest.mark.parametrize("value", [1.0, -1.0, 0.01])
def test_a_field_without_a_sign_change_has_no_surface(value):
    for way in (extract, extract_dense):
        with pytest.raises(NoSurface, match="negative everywhere" if value < 0 else "positive everywhere"):
            way(lambda x: torch.full((len(x),), value), 64)


def test_an_untrained_network_stays_within_the_budget():
    network = Network(ARCHS["siren64"], pack(ARCHS["siren64"].initialise(0), (4, 10_000)))
    calls = []
    field = network.compiled()

    def counted(x):
        calls.append(len(x))
        return field(x)

    surface = extract(counted, 128, budget=300_000)
    assert surface.resolution < 128 and body(surface.mesh).is_watertight
    assert calls and surface.evaluations <= 300_000 * 1.2


def test_without_vtk_the_surface_is_the_same(monkeypatch):
    values = extract(torus, 64).values
    with_vtk = isosurface(values)
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("vtkmodules"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    fallback = isosurface(values)
    assert fallback.volume == pytest.approx(with_vtk.volume, rel=1e-3)
    assert fallback.volume > 0 and body(fallback).is_watertight


def test_components_are_counted():
    two = FIELDS["two"]
    assert components(extract(two, 64).mesh) == 2
    assert components(extract(torus, 64).mesh) == 1


def test_slope_is_the_steepness_near_the_surface():
    assert slope(sphere()) == pytest.approx(1, abs=0.02)
    assert slope(steep) == pytest.approx(5, abs=0.1)
    assert slope(lambda x: torch.full((len(x),), 0.3)) == 0


def test_a_network_is_meshed_like_its_function(tiny_zoo):
    network = tiny_zoo[0]
    surface = surface_of(network, 64)
    dense = extract_dense(network.compiled(), 64)
    assert np.array_equal(sign_changing_cells(surface.values), sign_changing_cells(dense.values))
    preview = surface_of(network, 64, preview=True)
    assert np.mean(preview.inside != surface.inside) < 1e-3


@pytest.mark.parametrize("kind", MESH_KINDS)
def test_meshes_are_written_and_come_back(tmp_path, kind):
    mesh = extract(torus, 32).mesh
    path = tmp_path / f"mesh.{kind}"
    path.write_bytes(export(mesh, kind))
    again = trimesh.load(path, force="mesh")
    assert again.volume == pytest.approx(mesh.volume, rel=1e-3)


def test_unknown_resolutions_and_formats_are_named():
    with pytest.raises(ValueError, match="resolution 100"):
        extract(torus, 100)
    with pytest.raises(ValueError, match="cannot write 'xyz'"):
        export(extract(torus, 32).mesh, "xyz")
