#!/usr/bin/env bash
# pymeshlab reads big-endian PLY files of doubles as meshes of size zero.
#
# Versions: pymeshlab 2025.7.post1, trimesh 5.2.0, meshio 5.3.5, numpy 2.4.6.
# Expected: binary_big_endian and property double are both part of PLY, and pymeshlab
#   reads either of them.
# Happens: combined, the bytes are not swapped: a coordinate of 1 becomes 3e-319. All
#   faces are there, the area is 0, and there is no error. Big-endian floats and
#   little-endian doubles are correct; trimesh and meshio read all four.
# Remedy: write floats or little-endian, or read with trimesh.
# Seen on 2026-11-28: largest coordinate of a unit square 3.03865e-319, area 0; 1 and 1
#   for the other three files.
# Source: PLY format description by Greg Turk; vcglib, wrap/ply/plylib.cpp (reading
#   and byte swapping).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 trimesh==5.2.0 meshio==5.3.5 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import struct
import sys

import meshio
import numpy as np
import pymeshlab
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


path = os.path.join(os.environ["WORK"], "square.ply")
square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
for sign, order in (("<", "little"), (">", "big")):
    for kind, word in (("f4", "float"), ("f8", "double")):
        header = f"ply\nformat binary_{order}_endian 1.0\nelement vertex 4\n"
        header += "".join(f"property {word} {axis}\n" for axis in "xyz")
        header += "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
        with open(path, "wb") as file:
            file.write(header.encode() + square.astype(sign + kind).tobytes())
            file.write(b"".join(struct.pack(sign + "B3i", 3, *f) for f in ((0, 1, 2), (0, 2, 3))))
        meshes = pymeshlab.MeshSet()
        meshes.load_new_mesh(path)
        top = float(meshes.current_mesh().vertex_matrix().max())
        area = meshes.get_geometric_measures()["surface_area"]
        others = trimesh.load_mesh(path).vertices.max(), meshio.read(path).points.max()
        wrong = order == "big" and word == "double"
        state(others == (1, 1) and meshes.current_mesh().face_number() == 2
              and ((top < 1e-300 and area == 0) if wrong else (top == 1 and abs(area - 1) < 1e-6)),
              f"{order}-endian {word}: largest coordinate {top:g}, area {area:g}; trimesh and meshio 1")
PY
