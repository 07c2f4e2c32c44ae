"""Mesh files as single triangle meshes, y up, scaled and welded; formats that are not read are refused by name.

What comes out lies in the world of `shapes`: y up, the longest side from -0.9 to 0.9.
"""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from ..errors import FormatError, MeshError
from ..io import open_regular, read_bytes
from ..places import check_known, leads_out
from .shapes import Mesh, chair, chair_params, check_mesh, normalise_mesh

MESH_SUFFIXES = (".obj", ".off", ".ply", ".stl", ".glb", ".gltf", ".3mf", ".dae")

OTHER_SUFFIXES = (
    ".3dm", ".3ds", ".abc", ".blend", ".brep", ".c4d", ".dwg", ".dxf", ".e57", ".fbx", ".ifc", ".iges", ".igs", ".las",
    ".lwo", ".ma", ".max", ".mb", ".msh", ".pcd", ".ptx", ".skp", ".step", ".stp", ".usd", ".usda", ".usdc", ".usdz",
    ".vrml", ".vtk", ".vtp", ".wrl", ".x", ".x3d", ".xyz", ".zpr",
)  # fmt: skip
"""Shapes in formats that are not read: a folder's are counted and named."""

UPS = ("auto", "x", "y", "z")
KEEPS = ("all", "largest")

STANDARD_UP = {".glb": "y", ".gltf": "y", ".3mf": "z", ".dae": "y", ".off": "z"}
"""What is up by a format's standard, or for OFF in ModelNet and the Princeton benchmark, whose format it is; y in any
other."""

UP_MARK = re.compile(rb"\bup axis: ([xyz])\b|<up_axis>\s*([xyz])_UP", re.IGNORECASE)
"""How a mesh file of this program says what is up, in a comment or header, and how a DAE file does."""

GAP = 0.03
"""Parts further apart than this share of the longest side are separate objects."""


def mesh_files(folder: Path) -> list[Path]:
    """Every mesh file below a folder, sorted; covers ShapeNet's `<synset>/<id>/models/*.obj` and ModelNet's `*.off`.

    Raises:
        FileNotFoundError: the folder is missing, or holds no mesh.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MESH_SUFFIXES and path.is_file())
    if not files:
        others = other_files(folder)
        but = f", but {others}, which are not read" if others else ""
        raise FileNotFoundError(f"no mesh ({', '.join(MESH_SUFFIXES)}) in {folder} or below it{but}")
    return files


def other_files(folder: Path) -> str:
    """Count and name the shapes below a folder in formats that are not read: "2 FBX, 1 STEP", or ""."""
    found = (p.suffix.lower() for p in folder.rglob("*") if p.suffix.lower() in OTHER_SUFFIXES and p.is_file())
    return ", ".join(f"{n} {suffix[1:].upper()}" for suffix, n in sorted(Counter(found).items()))


class MeshFile(NamedTuple):
    """A mesh file as it was read."""

    mesh: Mesh
    """y up, normalised, equal vertices welded"""
    up: str
    """axis of the file that points up: x, y or z"""
    warnings: tuple[str, ...]
    """what is odd about its content, in words"""


def read_mesh(path: Path, up: str = "auto", keep: str = "all") -> MeshFile:
    """Read one mesh file, scenes flattened.

    Args:
        up: axis of the file that points up; auto: as the file says, else by its format, see STANDARD_UP.
        keep: largest leaves out ground planes and all objects but the largest.

    Raises:
        MeshError: unreadable, truncated, compressed in a way that is not read, a point cloud, with vertices that are
            not finite, or flat.
    """
    import trimesh

    raw = _read(path)
    check_mesh(raw)
    axis = up if up != "auto" else _up_of(path)
    turned = Mesh(_y_up(raw.vertices, axis), raw.faces)
    kept, warnings = _content(turned, keep)
    scaled, _ = normalise_mesh(kept)
    check_mesh(scaled)
    welded = trimesh.Trimesh(*scaled, process=False)  # after scaling: what counts as equal depends on no unit
    welded.merge_vertices(merge_tex=True, merge_norm=True)  # formats such as STL repeat a vertex for every face
    mesh = Mesh(np.asarray(welded.vertices, np.float64), np.asarray(welded.faces, np.int64))
    return MeshFile(mesh, axis, warnings)


def is_chair(source: str) -> bool:
    """Whether a source is one of the built-in chairs: its seed says all of it."""
    return source.startswith("chair:")


def load_source(source: str, up: str = "auto", keep: str = "all") -> tuple[Mesh, dict]:
    """The normalised mesh of a zoo record's source, "chair:<seed>" or a mesh file, and the record columns it brings.

    Args:
        up, keep: see `read_mesh`; a record that brings the column `up` was read with that axis up.

    Raises:
        MeshError: the file cannot be read.
    """
    if is_chair(source):
        return chair(chair_params(int(source.removeprefix("chair:"))))
    read = read_mesh(Path(source), up, keep)
    height = float(np.ptp(read.mesh.vertices[:, 1]))
    return read.mesh, {"height": height, "up": read.up, "keep": keep, "warnings": "; ".join(read.warnings)}


def load_record(record: dict, folder: Path | None = None) -> tuple[Mesh, dict]:
    """The mesh of a zoo's record, read as it was when its network was fitted; before `up` was a column, as filed.

    Raises:
        FormatError: the file lies neither in `folder`, the zoo's, nor where the user said, see `places`.
        MeshError: the file cannot be read.
    """

    def text(column: str, older: str) -> str:
        value = record.get(column)
        return value if isinstance(value, str) and value else older

    if not is_chair(record["source"]):
        check_known(record["source"], folder)
    return load_source(record["source"], text("up", "y"), text("keep", "all"))


# -- what is up ----------------------------------------------------------------------------------------------------


def _up_of(path: Path) -> str:
    with open_regular(path) as file:
        said = UP_MARK.search(file.read(4000))
    return (said.group(1) or said.group(2)).decode().lower() if said else STANDARD_UP.get(path.suffix.lower(), "y")


def _y_up(vertices: np.ndarray, up: str) -> np.ndarray:
    """Turn vertices (v, 3) so that the axis `up` becomes y, by a quarter turn."""
    x, y, z = vertices.T
    return {"x": np.stack([-y, x, z], axis=1), "y": vertices, "z": np.stack([x, z, -y], axis=1)}[up]


# -- what is in it -------------------------------------------------------------------------------------------------


def _content(mesh: Mesh, keep: str) -> tuple[Mesh, tuple[str, ...]]:
    """The mesh, or its largest object without ground planes; and warnings that name planes, specks and objects."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    used, faces = np.unique(mesh.faces, return_inverse=True)
    v, faces = mesh.vertices[used], faces.reshape(-1, 3)
    size = float(np.ptp(v, axis=0).max())
    _, at = np.unique(np.round((v - v.min(axis=0)) * (1e5 / size)), axis=0, return_inverse=True)
    corners = at.ravel()[faces]
    ends = (corners[:, [0, 1]].ravel(), corners[:, [1, 2]].ravel())
    links = coo_array((np.ones(len(ends[0]), np.int8), ends), (at.max() + 1,) * 2)
    count, part = connected_components(links, directed=False)
    part = part[corners[:, 0]]  # (f,)
    if count == 1 or count > 3000:
        return mesh, ()
    triangles = v[faces]
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, part, triangles.min(axis=1))
    np.maximum.at(high, part, triangles.max(axis=1))
    area = np.bincount(part, np.linalg.norm(np.cross(*(triangles[:, i] - triangles[:, 0] for i in (1, 2))), axis=1))
    extent = high - low
    # a ground plane: flat, at the bottom, and wider than all the rest together
    planes = np.zeros(count, bool)
    for k in np.flatnonzero((extent[:, 1] < 0.02 * size) & (low[:, 1] < v[:, 1].min() + 0.02 * size)):
        others = np.arange(count) != k
        rest = high[others].max(axis=0) - low[others].min(axis=0)
        planes[k] = rest[1] > 0.05 * size and (extent[k, [0, 2]] > 1.5 * rest[[0, 2]]).all()
    real = np.flatnonzero(~planes)
    main = np.ptp(np.concatenate([low[real], high[real]]), axis=0).max()
    # parts whose boxes nearly touch are one object
    near = ((low[real, None] - high[None, real]).max(axis=2) < GAP * main) & (
        (low[None, real] - high[real, None]).max(axis=2) < GAP * main
    )
    objects, of = connected_components(coo_array(near), directed=False)
    sizes = np.zeros(objects)
    for number in range(int(objects)):
        mine = real[of == number]
        sizes[number] = np.linalg.norm(high[mine].max(axis=0) - low[mine].min(axis=0))
    areas = np.bincount(of, area[real], objects)
    largest = int(np.lexsort((areas, sizes > 0.5 * sizes.max()))[-1])
    specks = sizes < 0.05 * sizes[largest]
    specks[largest] = False
    named = []
    if planes.any():
        named.append("a ground plane")
    if specks.any():
        named.append(f"{specks.sum()} far speck{'s' if specks.sum() > 1 else ''}")
    if objects - specks.sum() > 1:
        named.append(f"{objects - specks.sum()} separate objects")
    if not named:
        return mesh, ()
    words = f"holds {' and '.join(named)}"
    if keep == "all":
        return mesh, (f"{words}, all kept (--keep largest takes one)",)
    wanted = np.zeros(count, bool)
    wanted[real[of == largest]] = True
    return Mesh(mesh.vertices, mesh.faces[wanted[part]]), (f"{words}; only the largest object was kept",)


# -- formats -------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Mesh:
    """Vertices and triangles of a file as they stand. Raises MeshError."""
    import trimesh

    suffix = path.suffix.lower()
    try:
        data = read_bytes(path)
    except OSError as error:
        raise MeshError(f"cannot be read ({error.strerror or error})") from error
    except FormatError:
        raise MeshError("is no regular file") from None
    if not data.strip():
        raise MeshError("is empty")
    if data[:200].lstrip().startswith(b"version https://git-lfs"):
        raise MeshError("is a Git LFS pointer, not the mesh itself: fetch it with `git lfs pull`")
    try:
        if suffix == ".off":
            return _off(data)
        for check in CHECKS.get(suffix, ()):
            check(data, path)
        loaded: Any = trimesh.load(path, process=False)
        if isinstance(loaded, trimesh.PointCloud):
            raise MeshError(f"is a point cloud: {len(loaded.vertices)} points without faces")
        if isinstance(loaded, trimesh.Scene):
            kinds = {type(g).__name__ for g in loaded.geometry.values()}
            if kinds and "Trimesh" not in kinds:
                raise MeshError(f"holds no faces, only {' and '.join(sorted(kinds))}")
            loaded = loaded.to_mesh()
        vertices, faces = np.array(loaded.vertices, np.float64), np.array(loaded.faces)
    except MeshError:
        raise
    except MemoryError as error:
        raise MeshError("needs more memory than there is") from error
    except Exception as error:  # trimesh's readers raise whatever their parsers meet
        raise MeshError(f"cannot be read ({type(error).__name__}: {error})") from error
    return Mesh(vertices.reshape(-1, 3), faces.reshape(-1, 3).astype(np.int64))


def _off(data: bytes) -> Mesh:
    """An OFF file: comments, a header glued to the counts (ModelNet), colours, and polygons of any size, as fans."""
    text = re.sub(rb"#[^\n]*", b"", data)
    head = re.match(rb"\s*(?:ST)?(?:C)?(N)?(4)?(n)?OFF\b|\s*(?:ST)?C?N?OFF(?=\d)", text)
    if not head:
        raise MeshError("is no OFF file: it does not begin with OFF")
    if text[head.end() :].lstrip()[:6].upper() == b"BINARY":
        raise MeshError("is a binary OFF file, which is not read; write it as text")
    if head.group(2) or head.group(3):
        raise MeshError("is an OFF file of four or more dimensions")
    lines = [line for line in text[head.end() :].split(b"\n") if line.strip()]
    try:
        counts = [int(word) for word in lines[0].split()[:2]]
        n_vertices, n_faces = counts
    except (IndexError, ValueError) as error:
        raise MeshError("is an OFF file without the counts of its vertices and faces") from error
    if n_vertices < 0 or n_faces < 0:
        raise MeshError("is an OFF file with a negative count")
    if len(lines) < 1 + n_vertices + n_faces:
        rows = max(len(lines) - 1, 0)
        found = f"{rows} of {n_vertices} vertices" if rows < n_vertices else f"{rows - n_vertices} of {n_faces} faces"
        raise MeshError(f"is truncated: it has {found}")
    try:
        vertices = np.array([line.split()[:3] for line in lines[1 : 1 + n_vertices]], np.float64).reshape(-1, 3)
    except ValueError as error:
        raise MeshError(f"has a vertex that is not three numbers ({error})") from error
    faces, last = [], n_vertices
    for line in lines[1 + n_vertices : 1 + n_vertices + n_faces]:
        words = line.split()
        try:
            corners = [int(word) for word in words[1 : 1 + int(words[0])]]
        except ValueError as error:
            raise MeshError(f"has a face that is not whole numbers ({error})") from error
        if len(corners) < int(words[0]):
            raise MeshError(
                "is truncated: its last face lacks corners" if line is lines[-1] else "has a face that lacks corners"
            )
        if corners and not 0 <= min(corners) <= max(corners) < last:
            raise MeshError(f"has faces that name vertices which do not exist: it has {n_vertices} vertices")
        faces += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
    return Mesh(vertices, np.array(faces, np.int64).reshape(-1, 3))


def _whole_stl(data: bytes, path: Path) -> None:
    count = struct.unpack("<I", data[80:84])[0] if len(data) >= 84 else 0
    if len(data) == 84 + 50 * count:
        return
    if data.lstrip()[:5].lower() == b"solid" and b"facet" in data[:1000]:
        tail = data.rstrip().lower()
        if b"endsolid" not in tail[-400:]:
            raise MeshError("is truncated: it has no `endsolid`")
        if tail.count(b"endfacet") * 3 != len(re.findall(rb"\bvertex\b", tail)):
            raise MeshError("is broken: its facets do not all have three vertices")
        return
    if len(data) < 84:
        raise MeshError("is no STL file, or truncated within its header")
    if len(data) < 84 + 50 * count:
        raise MeshError(f"is truncated: it has {(len(data) - 84) // 50} of {count} faces")


def _whole_ply(data: bytes, path: Path) -> None:
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise MeshError("is no PLY file, or truncated within its header")
    header = data[:end].decode("latin-1").splitlines()
    elements = {words[1]: int(words[2]) for line in header if (words := line.split())[:1] == ["element"]}
    if not elements.get("face") and not elements.get("tristrips"):
        raise MeshError(f"is a point cloud: {elements.get('vertex', 0)} points without faces")
    if any(line.startswith("format ascii") for line in header):
        rows = len([line for line in data[end:].splitlines()[1:] if line.strip()])
        if rows < sum(elements.values()):
            raise MeshError(f"is truncated: it has {rows} of {sum(elements.values())} rows")


REFUSED_GLTF = {
    "EXT_meshopt_compression": "compressed with meshopt: unpack it first, for example with `gltf-transform copy`",
    "KHR_meshopt_compression": "compressed with meshopt: unpack it first, for example with `gltf-transform copy`",
    "EXT_mesh_gpu_instancing": "made of instances (EXT_mesh_gpu_instancing): write each as a node of its own first",
}


def _gltf_json(data: bytes) -> dict:
    if data[:4] == b"glTF":
        version, length = struct.unpack("<II", data[4:12])
        if version != 2:
            raise MeshError(f"is glTF version {version}; version 2 is read")
        if len(data) < length:
            raise MeshError(f"is truncated: it has {len(data)} of {length} bytes")
        size = struct.unpack("<I", data[12:16])[0]
        data = data[20 : 20 + size]
    try:
        return json.loads(data)
    except ValueError as error:
        raise MeshError(f"is no glTF file ({error})") from error


def _readable_gltf(data: bytes, path: Path) -> None:
    tree = _gltf_json(data)
    used = {*tree.get("extensionsUsed", ()), *tree.get("extensionsRequired", ())}
    for name, words in REFUSED_GLTF.items():
        if name in used:
            raise MeshError(f"is {words}")
    if "KHR_draco_mesh_compression" in used and not find_spec("DracoPy"):
        raise MeshError("is compressed with Draco: install DracoPy to read it (`pip install DracoPy`)")
    primitives = [p for mesh in tree.get("meshes", ()) for p in mesh.get("primitives", ())]
    for accessor in (
        tree.get("accessors", [])[p["attributes"]["POSITION"]]
        for p in primitives
        if "POSITION" in p.get("attributes", {})
    ):
        if accessor.get("normalized"):
            raise MeshError(
                "has quantised positions (normalised integers): write them as floats first, for example with "
                "`gltf-transform dequantize`"
            )
        if "sparse" in accessor:
            raise MeshError("has sparse positions, which are not read")
    for buffer in tree.get("buffers", ()):
        uri = buffer.get("uri", "")
        if uri and not uri.startswith("data:") and leads_out(unquote(uri)):
            raise MeshError(f"names the buffer {uri}, outside of its folder")
        if uri and not uri.startswith("data:") and not (path.parent / uri).is_file():
            raise MeshError(f"lacks its buffer {uri}")
    if primitives and all(p.get("mode", 4) < 4 for p in primitives):
        raise MeshError("holds points or lines alone, no faces")


def _readable_3mf(data: bytes, path: Path) -> None:
    if not find_spec("lxml"):
        raise MeshError("is a 3MF file: install lxml to read it (`pip install lxml`)")


def _readable_dae(data: bytes, path: Path) -> None:
    if not find_spec("collada"):
        raise MeshError("is a DAE file: install pycollada to read it (`pip install pycollada`)")


CHECKS = {
    ".stl": (_whole_stl,),
    ".ply": (_whole_ply,),
    ".glb": (_readable_gltf,),
    ".gltf": (_readable_gltf,),
    ".3mf": (_readable_3mf,),
    ".dae": (_readable_dae,),
}
"""What is asked of a file of a format before it is read: each raises MeshError with the reason it cannot be."""
