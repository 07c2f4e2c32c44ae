"""Mesh files: formats, what is up, what else is in them; each that cannot be read says why in a sentence."""

import json
import struct

import numpy as np
import pytest
import trimesh

from netspace.data.meshes import load_record, load_source, mesh_files, other_files, read_mesh
from netspace.data.shapes import Mesh, chair, chair_params
from netspace.data.solids import Solid
from netspace.errors import MeshError
from netspace.geometry import mesh as mesh_module


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
    with pytest.raises(MeshError):
        read_mesh(no_faces)
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv 1 0 0\nv nan 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n")
    with pytest.raises(MeshError, match="not finite"):
        read_mesh(tmp_path / "nan.obj")
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(MeshError, match="flat"):
        read_mesh(tmp_path / "flat.obj")
    (tmp_path / "garbage.stl").write_bytes(b"\x00\x01 no mesh at all")
    with pytest.raises(MeshError):
        read_mesh(tmp_path / "garbage.stl")
    sheet = "v 0 0 0\nv 1 0 0\nv 0 1 0.2\nv 1 1 0.2\nf 1 2 3\nf 2 4 3\n"  # tilted, open
    (tmp_path / "sheet.obj").write_text(sheet)
    with pytest.raises(MeshError, match="no volume"):
        Solid(read_mesh(tmp_path / "sheet.obj").mesh, thickness=0)


def test_a_folder_without_meshes_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no mesh"):
        mesh_files(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        mesh_files(tmp_path / "missing")


def z_up(mesh):
    return Mesh(mesh.vertices[:, [0, 2, 1]] * [1, -1, 1], mesh.faces)


def save(mesh, path):
    trimesh.Trimesh(*mesh, process=False).export(path)
    return path


def same(a, b):
    return np.allclose(a.vertices[a.faces], b.vertices[b.faces], atol=1e-4)


@pytest.mark.parametrize(("suffix", "up"), [(".off", "z"), (".ply", "y"), (".obj", "y"), (".stl", "y"), (".glb", "y")])
def test_up_is_taken_from_the_format_or_as_given(tmp_path, suffix, up):
    mesh, _ = chair(chair_params(2))
    read = read_mesh(save(z_up(mesh) if up == "z" else mesh, tmp_path / f"a{suffix}"))
    assert read.up == up and same(read.mesh, mesh)
    given = read_mesh(save(z_up(mesh), tmp_path / f"b{suffix}"), up="z")
    assert given.up == "z" and same(given.mesh, mesh)
    assert read_mesh(tmp_path / f"b{suffix}", up="x").up == "x"


@pytest.mark.parametrize("kind", mesh_module.MESH_KINDS)
def test_our_own_files_say_what_is_up(tmp_path, kind):
    mesh, _ = chair(chair_params(2))
    mesh_module.write(mesh, tmp_path / f"a.{kind}")
    read = read_mesh(tmp_path / f"a.{kind}")
    assert read.up == "y" and same(read.mesh, mesh) and not read.warnings


def test_a_record_without_up_is_read_as_it_was_before():
    """Zoos made before files were turned stay true."""
    assert load_record({"source": "chair:3"})[0].vertices.shape == chair(chair_params(3))[0].vertices.shape


def test_an_old_record_of_an_off_file_is_not_turned(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPACE_PLACES", str(tmp_path))
    mesh, _ = chair(chair_params(2))
    path = str(save(mesh, tmp_path / "a.off"))
    for record in ({"source": path}, {"source": path, "up": float("nan")}):
        assert same(load_record(record)[0], mesh)
    assert not same(load_record({"source": path, "up": "z"})[0], mesh)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
def test_what_is_welded_depends_on_no_unit(tmp_path, scale):
    mesh, _ = chair(chair_params(2))
    corners = (mesh.vertices * scale)[mesh.faces].reshape(-1, 3)
    soup = trimesh.Trimesh(corners, np.arange(len(corners)).reshape(-1, 3), process=False)
    soup.export(tmp_path / "a.ply")
    assert Solid(read_mesh(tmp_path / "a.ply").mesh).surface.volume == pytest.approx(mesh.volume, rel=1e-3)


def beside(mesh, size, at):
    box = trimesh.creation.box(size, trimesh.transformations.translation_matrix(at))
    faces = np.concatenate([mesh.faces, np.asarray(box.faces) + len(mesh.vertices)])
    return Mesh(np.concatenate([mesh.vertices, box.vertices]), faces)


@pytest.mark.parametrize(
    ("size", "at", "words"),
    [
        ((6, 0.01, 6), (0, -0.91, 0), "a ground plane"),
        ((0.01, 0.01, 0.01), (4, 3, 0), "1 far speck"),
        ((1, 1, 1), (3, 0, 0), "2 separate objects"),
    ],
)
def test_what_else_is_in_a_file_is_named_and_left_out_if_asked(tmp_path, size, at, words):
    mesh, _ = chair(chair_params(2))
    path = save(beside(mesh, size, at), tmp_path / "a.ply")
    read = read_mesh(path)
    assert words in read.warnings[0] and "--keep largest" in read.warnings[0]
    largest = read_mesh(path, keep="largest")
    assert "only the largest" in largest.warnings[0] and same(largest.mesh, mesh)


def test_off_files_with_polygons_comments_and_a_glued_header(tmp_path):
    box = trimesh.creation.box((1, 1, 1))
    corners = "\n".join(" ".join(map(str, v)) for v in box.vertices)
    sides = ["0 1 3 2", "4 6 7 5", "0 4 5 1", "2 3 7 6", "0 2 6 4", "1 5 7 3"]
    text = f"OFF8 6 0\n{corners}\n# sides\n" + "\n".join(f"4 {side} 255 0 0" for side in sides) + "\n"
    (tmp_path / "box.off").write_text(text)
    mesh = read_mesh(tmp_path / "box.off").mesh
    assert len(mesh.faces) == 12 and Solid(mesh).surface.volume == pytest.approx(1.8**3)


@pytest.mark.parametrize("kind", ["off", "stl", "ply", "glb"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path, kind, share):
    path = save(chair(chair_params(2))[0], tmp_path / f"a.{kind}")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(MeshError, match=r"truncated|cannot be read"):
        read_mesh(path)


def gltf(tmp_path, **changes):
    """A GLB of a box with changes to its JSON."""
    data = trimesh.creation.box((1, 1, 1)).export(file_type="glb")
    size = struct.unpack("<I", data[12:16])[0]
    tree = json.loads(data[20 : 20 + size]) | changes
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    whole = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest
    (tmp_path / "a.glb").write_bytes(whole)
    return tmp_path / "a.glb"


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        ("KHR_draco_mesh_compression", "compressed with Draco: install DracoPy"),
        ("EXT_meshopt_compression", "compressed with meshopt"),
        ("EXT_mesh_gpu_instancing", "instances"),
    ],
)
def test_compressed_and_instanced_gltf_is_refused_by_name(tmp_path, monkeypatch, extension, words):
    monkeypatch.setattr("netspace.data.meshes.find_spec", lambda name: None)
    with pytest.raises(MeshError, match=words):
        read_mesh(gltf(tmp_path, extensionsUsed=[extension]))


def test_formats_whose_library_is_missing_name_it(tmp_path, monkeypatch):
    monkeypatch.setattr("netspace.data.meshes.find_spec", lambda name: None)
    for suffix, words in ((".3mf", "install lxml"), (".dae", "install pycollada")):
        (tmp_path / f"a{suffix}").write_bytes(b"something")
        with pytest.raises(MeshError, match=words):
            read_mesh(tmp_path / f"a{suffix}")


def test_what_is_no_surface_is_named(tmp_path):
    (tmp_path / "a.ply").write_text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n")
    (tmp_path / "b.obj").write_bytes(b"")
    (tmp_path / "c.off").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (tmp_path / "d.off").write_text("OFF\nmany few\n")
    for name, words in (("a.ply", "point cloud"), ("b.obj", "empty"), ("c.off", "LFS"), ("d.off", "counts")):
        with pytest.raises(MeshError, match=words):
            read_mesh(tmp_path / name)


def test_other_formats_in_a_folder_are_counted_and_named(tmp_path):
    for name in ("a.fbx", "sub/b.FBX", "c.step", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert other_files(tmp_path) == "2 FBX, 1 STEP"
    with pytest.raises(FileNotFoundError, match="2 FBX, 1 STEP, which are not read"):
        mesh_files(tmp_path)


def test_exported_glb_has_normals_and_a_neutral_material():
    data = mesh_module.export(chair(chair_params(1))[0], "glb")
    tree = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    assert "NORMAL" in tree["meshes"][0]["primitives"][0]["attributes"]
    material = tree["materials"][0]["pbrMetallicRoughness"]
    assert material["metallicFactor"] == 0 and len(set(material["baseColorFactor"][:3])) == 1
    assert all("uri" not in buffer for buffer in tree["buffers"]) and not tree.get("images")
