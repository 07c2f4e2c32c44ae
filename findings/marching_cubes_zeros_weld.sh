#!/usr/bin/env bash
# Merging the vertices of a closed marching-cubes mesh makes trimesh report it as open.
#
# Versions: scikit-image 0.26.0, trimesh 5.2.0, scipy 1.17.1, numpy 2.4.6.
# Expected: merging equal vertices, the default of trimesh.Trimesh(v, f), can close gaps
#   but cannot open a closed mesh.
# Happens: if the field is exactly 0 at grid points, as for any box or sphere with whole
#   coordinates, marching_cubes puts several vertices on one point and triangles of zero
#   area between them. Unmerged, the mesh is watertight. Merged, these triangles have
#   two equal corners and stay in the mesh, so is_watertight and is_volume are False,
#   with area and volume unchanged. Moved off the grid, the same shape is watertight.
# Remedy: marching_cubes(..., allow_degenerate=False), or
#   update_faces(mesh.nondegenerate_faces()) after merging.
# Seen on 2026-11-28: a box with an edge of 10 cells: 1448 faces, 248 of zero area,
#   watertight with process=False only; a sphere likewise (192 of 968).
# Source: documentation of skimage.measure.marching_cubes (allow_degenerate) and of
#   trimesh.Trimesh (process).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 trimesh==5.2.0 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import trimesh
from skimage.measure import marching_cubes


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


axis = np.arange(-8, 9.0)
x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")


def box(shift):
    return np.maximum(np.maximum(abs(x - shift), abs(y - shift)), abs(z - shift)) - 5


def sphere(shift):
    return np.sqrt((x - shift) ** 2 + (y - shift) ** 2 + (z - shift) ** 2) - 5


for shape in (box, sphere):
    vertices, faces, _, _ = marching_cubes(shape(0), 0)
    raw = trimesh.Trimesh(vertices, faces, process=False)
    merged = trimesh.Trimesh(vertices, faces)
    flat = int((raw.area_faces == 0).sum())
    state(raw.is_watertight and flat > 100, f"{shape.__name__}: closed as it comes, {flat} of {len(faces)} faces without area")
    state(not merged.is_watertight and not merged.is_volume and np.isclose(abs(merged.volume), abs(raw.volume)),
          f"{shape.__name__}: open once merged, volume {abs(merged.volume):.2f} as before")
    merged.update_faces(merged.nondegenerate_faces())
    state(merged.is_watertight, f"{shape.__name__}: closed again without the faces of no area")
    clean = trimesh.Trimesh(*marching_cubes(shape(0), 0, allow_degenerate=False)[:2])
    state(clean.is_watertight, f"{shape.__name__}: closed with allow_degenerate=False")
    moved = trimesh.Trimesh(*marching_cubes(shape(0.3), 0)[:2])
    state(moved.is_watertight, f"{shape.__name__}: moved off the grid it is closed by default")
PY
