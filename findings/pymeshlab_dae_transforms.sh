#!/usr/bin/env bash
# pymeshlab ignores rotation and scale in COLLADA files, and drops strips and polygons.
#
# Versions: pymeshlab 2025.7.post1, trimesh 5.2.0, pycollada 0.9.3, numpy 2.4.6.
# Expected: a node's transform is the product of its translate, rotate, scale and matrix
#   elements in file order; a mesh consists of triangles, polylist, polygons, tristrips
#   or trifans.
# Happens: pymeshlab applies a matrix if there is one, otherwise the first translate;
#   rotate and scale have no effect. So the position and size of a part depend on
#   whether the exporter wrote a matrix or separate elements. Files with polygons,
#   tristrips or trifans load with points and without faces.
# Remedy: read COLLADA with trimesh (and pycollada), which handles all of these.
# Seen on 2026-11-28: a unit cube under scale 2 has edge 1, under the same matrix edge
#   2; rotate 90 then translate 5 leaves it at x = 5 instead of y = 5; a strip of three
#   triangles has 0 faces.
# Source: COLLADA 1.4.1 specification, elements node and mesh; vcglib,
#   wrap/io_trimesh/import_dae.h (AddNodeToMesh, getTransfMatrixFromNode).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pymeshlab==2025.7.post1 trimesh==5.2.0 pycollada==0.9.3 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys

import numpy as np
import pymeshlab
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


FILE = """<?xml version="1.0" encoding="utf-8"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><created>2026-11-28T00:00:00Z</created><modified>2026-11-28T00:00:00Z</modified>
<unit name="meter" meter="1"/><up_axis>Y_UP</up_axis></asset>
<library_geometries><geometry id="g"><mesh>
<source id="p"><float_array id="a" count="24">{points}</float_array><technique_common>
<accessor source="#a" count="8" stride="3"><param name="X" type="float"/><param name="Y" type="float"/>
<param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>{primitive}
</mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s"><node id="n">{transform}<instance_geometry url="#g"/></node>
</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#s"/></scene></COLLADA>"""
cube = trimesh.creation.box()
given = '<input semantic="VERTEX" source="#v" offset="0"/>'
triangles = f'<triangles count="12">{given}<p>{" ".join(map(str, cube.faces.ravel()))}</p></triangles>'
path = os.path.join(os.environ["WORK"], "part.dae")


def load(transform="", primitive=triangles):
    with open(path, "w") as file:
        file.write(FILE.format(points=" ".join(map(str, cube.vertices.ravel())), primitive=primitive, transform=transform))
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    return meshes, trimesh.load_mesh(path)   # a mesh of pymeshlab does not outlive its set


def edges(meshes):
    box = meshes.current_mesh().bounding_box()
    return (box.max() - box.min()).round(4).tolist()


def middle(meshes):
    box = meshes.current_mesh().bounding_box()
    return ((box.max() + box.min()) / 2).round(4).tolist()


one, two = load("<scale>2 2 2</scale>")
state(edges(one) == [1, 1, 1] and np.allclose(two.extents, 2), f"scale 2: edges {edges(one)}, trimesh {two.extents.tolist()}")
one, two = load("<matrix>2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1</matrix>")
state(edges(one) == [2, 2, 2] and np.allclose(two.extents, 2), f"the same as a matrix: edges {edges(one)}")
one, two = load("<rotate>0 0 1 90</rotate><translate>5 0 0</translate>")
state(middle(one) == [5, 0, 0] and np.allclose(two.bounds.mean(axis=0), [0, 5, 0], atol=1e-5),
      f"moved and turned: middle at {middle(one)}, trimesh {(two.bounds.mean(axis=0).round(4) + 0).tolist()}")
one, two = load("<translate>1 0 0</translate><matrix>1 0 0 5 0 1 0 0 0 0 1 0 0 0 0 1</matrix>")
state(middle(one) == [5, 0, 0] and np.allclose(two.bounds.mean(axis=0), [6, 0, 0], atol=1e-5),
      f"translate, then matrix: middle at {middle(one)}, trimesh {(two.bounds.mean(axis=0).round(4) + 0).tolist()}")
for name, body in (("tristrips", "<p>0 1 2 3 4</p>"), ("trifans", "<p>0 1 3 2 6</p>"), ("polygons", "<p>0 1 3 2</p>")):
    one, two = load(primitive=f'<{name} count="1">{given}{body}</{name}>')
    count = one.current_mesh().face_number()
    state(count == 0 and len(two.faces) > 0, f"{name}: {count} faces, trimesh {len(two.faces)}")
PY
