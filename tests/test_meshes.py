"""Mesh files: formats, what is up, what else is in them; each that cannot be read says why in a sentence."""

import numpy as np
import pytest
import trimesh

from netspace.meshes import load_source, mesh_files, read_mesh
from netspace.shapes import BadMesh, chair, chair_params
from netspace.solids import Solid


@pytest.mark.parametrize("suffix", [".obj", ".off", ".ply", ".stl", ".glb"])
def test_every_mesh_format_is_read(tmp_path, suffix):
    mesh, _ = chair(chair_params(2))
    path = tmp_path / "models" / f"model{suffix}"
    path.parent.mkdir()
    trimesh.Trimesh(*mesh, process=False).export(path)
    assert mesh_files(tmp_path) == [path]
    loaded, record = load_source(str(path), up="y")
    assert Solid(loaded).surface.volume == pytest.approx(mesh.volume, rel=1e-3)
    assert record["height"] == pytest.approx(np.ptp(mesh.vertices[:, 1]), rel=1e-4)


def test_bad_meshes_say_what_is_wrong(tmp_path):
    no_faces = tmp_path / "points.ply"
    trimesh.PointCloud(np.random.default_rng(0).random((9, 3))).export(no_faces)
    with pytest.raises(BadMesh):
        read_mesh(no_faces)
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv 1 0 0\nv nan 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n")
    with pytest.raises(BadMesh, match="not finite"):
        read_mesh(tmp_path / "nan.obj")
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(BadMesh, match="flat"):
        read_mesh(tmp_path / "flat.obj")
    (tmp_path / "garbage.stl").write_bytes(b"\x00\x01 no mesh at all")
    with pytest.raises(BadMesh):
        read_mesh(tmp_path / "garbage.stl")
    sheet = "v 0 0 0\nv 1 0 0\nv 0 1 0.2\nv 1 1 0.2\nf 1 2 3\nf 2 4 3\n"  # tilted, open
    (tmp_path / "sheet.obj").write_text(sheet)
    with pytest.raises(BadMesh, match="no volume"):
        Solid(read_mesh(tmp_path / "sheet.obj").mesh, thickness=0)


def test_a_folder_without_meshes_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no mesh"):
        mesh_files(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        mesh_files(tmp_path / "missing")
