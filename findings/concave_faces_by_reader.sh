#!/usr/bin/env bash
# pymeshlab triangulates concave pentagons correctly but concave quads wrongly.
#
# Versions: pymeshlab 2025.7.post1, trimesh 5.2.0, libigl 2.6.3, point-cloud-utils
#   0.34.0, numpy 2.4.6.
# Expected: a reader that returns triangles either covers concave faces correctly or
#   fans all of them from the first corner.
# Happens: for the same face in an OBJ file, depending on its first corner,
#   - trimesh and libigl fan: a pentagon of area 8 becomes 10, 10, 16, 8, 16;
#   - pymeshlab returns 8 for every start, but fans quads: an arrowhead of area 3
#     becomes 5, 3, 5, 3;
#   - point-cloud-utils returns 16 for one start of the pentagon and 5 for every start
#     of the quad.
#   The triangles overlap and some are flipped, so areas, surface samples and signed
#   distances are wrong. Nothing is reported.
# Remedy: triangulate concave faces before export, including quads.
# Seen on 2026-11-28: the areas above; point-cloud-utils 8 8 16 8 8 and 5 5 5 5.
# Source: Wavefront OBJ specification (concave polygons are allowed); trimesh/
#   geometry.py, triangulate_quads; libigl, polygon_mesh_to_triangle_mesh; vcglib,
#   import_obj.h; tinyobjloader.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 trimesh==5.2.0 libigl==2.6.3 point-cloud-utils==0.34.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys

import igl
import numpy as np
import point_cloud_utils as pcu
import pymeshlab
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


path = os.path.join(os.environ["WORK"], "face.obj")


def area(vertices, faces):
    a, b, c = (np.asarray(vertices, float)[np.asarray(faces)[:, k]] for k in range(3))
    return round(float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2), 3)


def by_mesh_lab():
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return area(meshes.current_mesh().vertex_matrix(), meshes.current_mesh().face_matrix())


def by_trimesh():
    mesh = trimesh.load_mesh(path, process=False)
    return area(mesh.vertices, mesh.faces)


readers = {"trimesh": by_trimesh, "libigl": lambda: area(*igl.read_triangle_mesh(path)[:2]),
           "pymeshlab": by_mesh_lab, "point-cloud-utils": lambda: area(*pcu.load_mesh_vf(path))}


def areas(outline):
    seen = {name: [] for name in readers}
    for start in range(len(outline)):
        with open(path, "w") as file:
            file.writelines(f"v {x} {y} 0\n" for x, y in outline)
            corners = [(start + k) % len(outline) + 1 for k in range(len(outline))]
            file.write("f " + " ".join(map(str, corners)) + "\n")
        for name, read in readers.items():
            seen[name].append(read())
    return seen


pentagon = areas([(0, 0), (4, 0), (4, 3), (2, 1), (0, 3)])
quad = areas([(0, 0), (4, 1), (0, 2), (1, 1)])
for name in readers:
    print(name, "pentagon of area 8:", pentagon[name], "quad of area 3:", quad[name])
state(pentagon["trimesh"] == pentagon["libigl"] and max(pentagon["trimesh"]) == 16, "trimesh and libigl fan the pentagon")
state(pentagon["pymeshlab"] == [8] * 5, "pymeshlab has the pentagon right")
state(sorted(quad["pymeshlab"]) == [3, 3, 5, 5], "pymeshlab fans the quad")
state(sorted(pentagon["point-cloud-utils"]) == [8, 8, 8, 8, 16] and quad["point-cloud-utils"] == [5] * 4,
      "point-cloud-utils has the pentagon wrong at one start and the quad at all")
PY
