#!/usr/bin/env bash
# trimesh and meshio resolve relative OBJ indices to the wrong vertices.
#
# Versions: trimesh 5.2.0, meshio 5.3.5, libigl 2.6.3, numpy 2.4.6.
# Expected: "f -3 -2 -1" refers to the last three vertices before that line, so parts
#   can be written one after another. libigl reads it that way.
# Happens: trimesh collects all vertices first and indexes the final list, so every
#   part uses the vertices of the last one: two cubes, at 0 and at 10, load as two
#   copies of the cube at 10. meshio subtracts 1 from negative indices as from positive
#   ones and returns cells of -9 to -2; NumPy accepts these as indices from the end,
#   off by one. Neither warns.
# Remedy: make indices absolute before loading, or load with libigl.
# Seen on 2026-11-28: trimesh: x from 9.5 to 10.5, 8 vertices, 24 faces, each twice;
#   meshio: cells from -9 to -2, volume -0.333; libigl: x from -0.5 to 10.5, 16
#   vertices, volume 2.
# Source: Wavefront OBJ specification, "Referencing groups of vertices"; mikedh/trimesh
#   issue 2364 (open); trimesh/exchange/obj.py, load_obj; meshio/obj/_obj.py,
#   read_buffer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 meshio==5.3.5 libigl==2.6.3 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys

import igl
import meshio
import numpy as np
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def volume(vertices, faces):
    a, b, c = (np.asarray(vertices)[np.asarray(faces)[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


cube = trimesh.creation.box()
path = os.path.join(os.environ["WORK"], "two.obj")
with open(path, "w") as file:
    for at in (0, 10):
        for x, y, z in cube.vertices + [at, 0, 0]:
            file.write(f"v {x} {y} {z}\n")
        for face in cube.faces - 8:
            file.write("f {} {} {}\n".format(*face))

vertices, faces = igl.read_triangle_mesh(path)[:2]
used = vertices[faces.ravel()][:, 0]
state(len(vertices) == 16 and (used.min(), used.max()) == (-0.5, 10.5) and abs(volume(vertices, faces) - 2) < 1e-9,
      f"libigl: x from {used.min()} to {used.max()}, volume {volume(vertices, faces):.3f}")

mesh = trimesh.load_mesh(path)
state(mesh.bounds[:, 0].tolist() == [9.5, 10.5] and len(mesh.faces) == 24,
      f"trimesh: {len(mesh.vertices)} vertices, {len(mesh.faces)} faces, x from {mesh.bounds[0, 0]} to {mesh.bounds[1, 0]}")
state(len(np.unique(np.sort(mesh.faces, axis=1), axis=0)) == 12, "trimesh: every face is there twice")

read = meshio.read(path)
cells = np.concatenate([c.data for c in read.cells])
got = volume(read.points, cells)
state((cells.min(), cells.max()) == (-9, -2), f"meshio: cells from {cells.min()} to {cells.max()}")
state(abs(got - 2) > 0.5, f"meshio: indexing its points with its cells gives the volume {got:.3f}")
PY
