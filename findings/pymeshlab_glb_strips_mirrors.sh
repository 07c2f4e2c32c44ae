#!/usr/bin/env bash
# pymeshlab reads GLB strips and fans as triangle lists, and mirrored parts inside out.
#
# Versions: pymeshlab 2025.7.post1, trimesh 5.2.0, numpy 2.4.6.
# Expected: six vertices make four triangles in mode 5 (strip) or 6 (fan); under a node
#   with negative scale the winding order is reversed, so a closed mesh stays outside
#   out.
# Happens: pymeshlab ignores the mode: six vertices make two triangles, and half of the
#   surface is missing. The mirrored cube has volume -1. Neither is reported. trimesh
#   handles strips and mirrors, but drops fans with a message at debug level.
# Remedy: read GLB with trimesh, and check for primitives of mode 6.
# Seen on 2026-11-28: strip and fan of four triangles: 2 and 2 in pymeshlab, 4 and 0 in
#   trimesh; mirrored unit cube: volume -1 in pymeshlab, 1 in trimesh.
# Source: glTF 2.0 specification, sections Meshes (topology types) and Instantiation
#   (winding order if the determinant is negative); trimesh/exchange/gltf/__init__.py,
#   _read_buffers ("skipping primitive with mode").
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 trimesh==5.2.0 numpy==2.4.6
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

path = os.path.join(os.environ["WORK"], "part.glb")


def load(points, indices, mode, **node):
    accessors = [
        {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3",
         "min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()},
        {"bufferView": 1, "componentType": 5123, "count": indices.size, "type": "SCALAR"}]
    primitive = {"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}
    with open(path, "wb") as file:
        file.write(glb(*asset([points, indices], accessors, primitive, nodes=[{"mesh": 0, **node}])))
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return meshes, trimesh.load_scene(path).to_mesh()


strip = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0], [1, 2, 0]], "<f4")
fan = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 2, 0], [-1, 2, 0], [-2, 1, 0]], "<f4")
order = np.arange(6, dtype="<u2")
meshes, mesh = load(strip, order, 5)
area = meshes.get_geometric_measures()["surface_area"]
state(len(mesh.faces) == 4 and np.isclose(mesh.area, 2), f"strip, trimesh: {len(mesh.faces)} triangles, area {mesh.area:g}")
state(meshes.current_mesh().face_number() == 2 and np.isclose(area, 1),
      f"strip, pymeshlab: {meshes.current_mesh().face_number()} triangles, area {area:g}")
meshes, mesh = load(fan, order, 6)
state(meshes.current_mesh().face_number() == 2 and len(mesh.faces) == 0,
      f"fan of 4: {meshes.current_mesh().face_number()} triangles in pymeshlab, {len(mesh.faces)} in trimesh")

for scale in ([1, 1, 1], [-1, 1, 1]):
    meshes, mesh = load(corners / 2, faces, 4, scale=scale)
    volume = meshes.get_geometric_measures()["mesh_volume"]
    state(np.isclose(volume, scale[0]) and np.isclose(mesh.volume, 1),
          f"unit cube, scale {scale}: volume {volume:g} in pymeshlab, {mesh.volume:g} in trimesh")
PY
