#!/usr/bin/env bash
# trimesh and pymeshlab load GLB files that require instancing with a single copy.
#
# Versions: trimesh 5.2.0, pymeshlab 2025.7.post1, numpy 2.4.6.
# Expected: a reader refuses a file if "extensionsRequired" lists an extension that it
#   does not support; "extensionsUsed" is for optional ones.
# Happens: both readers ignore EXT_mesh_gpu_instancing although it is required: one
#   cube instead of three, at the node's own position, where none of the three is.
#   trimesh also accepts a required extension that does not exist.
# Remedy: compare extensionsRequired with the extensions that the reader supports.
# Seen on 2026-11-28: cubes at x = 10, 20 and 30 load as one cube at 0; a file that
#   requires VENDOR_not_there loads.
# Source: glTF 2.0 specification, section Specifying Extensions; text of
#   EXT_mesh_gpu_instancing; trimesh/exchange/gltf/__init__.py writes
#   extensionsRequired and does not read it.
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

places = np.array([[10, 0, 0], [20, 0, 0], [30, 0, 0]], "<f4")
accessors = [
    {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", "min": [-1, -1, -1], "max": [1, 1, 1]},
    {"bufferView": 1, "componentType": 5123, "count": faces.size, "type": "SCALAR"},
    {"bufferView": 2, "componentType": 5126, "count": 3, "type": "VEC3"}]
primitive = {"attributes": {"POSITION": 0}, "indices": 1}
path = os.path.join(os.environ["WORK"], "scene.glb")


def write(name, node):
    tree, data = asset([corners, faces, places], accessors, primitive, nodes=[node],
                       extensionsUsed=[name], extensionsRequired=[name])
    with open(path, "wb") as file:
        file.write(glb(tree, data))


instancing = "EXT_mesh_gpu_instancing"
write(instancing, {"mesh": 0, "extensions": {instancing: {"attributes": {"TRANSLATION": 2}}}})
scene = trimesh.load_scene(path)
state(len(scene.graph.nodes_geometry) == 1 and scene.bounds.round(3).tolist() == [[-1, -1, -1], [1, 1, 1]],
      f"trimesh: {len(scene.graph.nodes_geometry)} of 3 cubes, bounds {scene.bounds.round(3).tolist()}")
meshes = pymeshlab.MeshSet()
meshes.load_new_mesh(path)
box = meshes.current_mesh().bounding_box()
state(meshes.mesh_number() == 1 and box.max().round(3).tolist() == [1, 1, 1],
      f"pymeshlab: {meshes.mesh_number()} of 3 cubes, up to {box.max().round(3).tolist()}")

write("VENDOR_not_there", {"mesh": 0})
loaded = trimesh.load_mesh(path)
state(len(loaded.faces) == 12, f"trimesh with a required extension that does not exist: {len(loaded.faces)} faces")
PY
