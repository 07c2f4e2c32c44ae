#!/usr/bin/env bash
# trimesh and pymeshlab ignore normalised and sparse accessors of GLB files.
#
# Versions: trimesh 5.2.0, pymeshlab 2025.7.post1, numpy 2.4.6.
# Expected: texture coordinates in 16-bit integers are divided by 65535 if the accessor
#   is "normalized"; a sparse accessor replaces the listed elements of its base. Both are
#   part of the core format.
# Happens: neither reader does either, without an error. The texture coordinate 0.25
#   becomes 16384. Flipping v makes it 49153 in trimesh, where 1 - v wraps around in
#   uint16, and -16383 in pymeshlab. For sparse positions both readers return the base: a
#   cube whose top is moved to z = 6 by substitution keeps its top at z = 1.
# Remedy: check the JSON of a GLB for "normalized" and "sparse".
# Seen on 2026-11-28: (0.25, 0.75) for floats; for normalised integers (16384, 49153) in
#   trimesh and (16384, -16383) in pymeshlab; largest z 1 in both instead of 6.
# Source: glTF 2.0 specification, sections Accessors (normalized, Sparse Accessors) and
#   Meshes (types of TEXCOORD_n); trimesh/exchange/gltf/__init__.py, _read_buffers, which
#   checks "sparse" only if there is no bufferView, and never "normalized".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 pymeshlab==2025.7.post1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import json
import os
import struct
import sys

import numpy as np
import pymeshlab
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def glb(tree, data):
    """A binary glTF file of a tree of JSON and the bytes of its one buffer."""
    data += b"\0" * (-len(data) % 4)
    tree["buffers"] = [{"byteLength": len(data)}]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


def asset(parts, accessors, primitive, **more):
    """The tree and the buffer of one mesh: parts are arrays, one buffer view each."""
    views, data = [], b""
    for part in parts:
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": part.nbytes})
        data += part.tobytes() + b"\0" * (-part.nbytes % 4)
    tree = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [primitive]}], "accessors": accessors, "bufferViews": views}
    tree.update(more)
    return tree, data


corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], "<f4")
faces = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
                  [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]], "<u2")

path = os.path.join(os.environ["WORK"], "cube.glb")
indices = {"bufferView": 1, "componentType": 5123, "count": faces.size, "type": "SCALAR"}


def positions(array, **more):
    return {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3",
            "min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist(), **more}


def load(tree, data):
    with open(path, "wb") as file:
        file.write(glb(tree, data))
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return trimesh.load_mesh(path, process=False), meshes   # a mesh of pymeshlab does not outlive its set


# texture coordinates (0.25, 0.25); glTF counts v from the top, both readers flip it
wanted = np.full((8, 2), 0.25)
for kind, stored in ((5126, wanted.astype("<f4")), (5123, np.round(wanted * 65535).astype("<u2"))):
    texture = {"bufferView": 2, "componentType": kind, "count": 8, "type": "VEC2", "normalized": kind == 5123}
    if kind == 5126:
        del texture["normalized"]
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0}
    materials = [{"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}}]
    one, two = load(*asset([corners, faces, stored], [positions(corners), indices, texture], primitive, materials=materials))
    one, two = one.visual.uv[0].tolist(), two.current_mesh().vertex_tex_coord_matrix()[0].tolist()
    if kind == 5126:
        state(np.allclose([one, two], [0.25, 0.75]), f"float texture coordinates: trimesh {one}, pymeshlab {two}")
    else:
        state(one == [16384, (1 - 16384) % 65536] and two == [16384, 1 - 16384],
              f"the same, normalised 16-bit: trimesh {one}, pymeshlab {two}")

# sparse positions: the four corners at z = 1 move to z = 6
moved = corners[[1, 3, 5, 7]] + np.array([0, 0, 5], "<f4")
whole = corners.copy()
whole[[1, 3, 5, 7]] = moved
sparse = {"count": 4, "indices": {"bufferView": 2, "componentType": 5123}, "values": {"bufferView": 3}}
primitive = {"attributes": {"POSITION": 0}, "indices": 1}
one, two = load(*asset([corners, faces, np.array([1, 3, 5, 7], "<u2"), moved],
                       [positions(whole, sparse=sparse), indices], primitive))
one, two = float(one.vertices[:, 2].max()), float(two.current_mesh().vertex_matrix()[:, 2].max())
state(one == two == 1, f"sparse positions with a top at z = 6: trimesh {one:g}, pymeshlab {two:g}")
PY
