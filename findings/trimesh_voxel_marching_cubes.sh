#!/usr/bin/env bash
# trimesh's VoxelGrid.marching_cubes is in voxel indices, while all else of the grid is not.
#
# Versions: trimesh 5.2.0, scikit-image 0.26.0, scipy 1.17.1, numpy 2.4.6.
# Expected: the mesh of a voxel grid lies where the grid lies, as as_boxes(), points and
#   bounds do.
# Happens: marching_cubes ignores the grid's transform: neither the pitch nor the origin
#   are applied, so the mesh has another size and place. It is a closed mesh and looks
#   right on its own. The property is cached: moving the mesh in place moves what
#   the grid returns next time.
# Remedy: grid.marching_cubes.copy().apply_transform(grid.transform).
# Seen on 2026-11-30: a sphere of radius 3 around (10, 0, 0), pitch 0.5: the grid and its
#   boxes span x = 6.75 to 13.25, the marching-cubes mesh -0.5 to 12.5, with a volume
#   8 times as large as after the transform.
# Source: trimesh/voxel/base.py, marching_cubes ("Representing the current voxel object"),
#   which passes on no pitch; trimesh/voxel/ops.py, matrix_to_marching_cubes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check trimesh==5.2.0 scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import trimesh


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


sphere = trimesh.creation.icosphere(radius=3)
sphere.apply_translation([10, 0, 0])
grid = sphere.voxelized(0.5).fill()
mesh = grid.marching_cubes
boxes = grid.as_boxes()

state(np.allclose(grid.bounds[:, 0], [6.75, 13.25]) and np.allclose(boxes.bounds, grid.bounds),
      f"grid and boxes: x from {grid.bounds[0, 0]:g} to {grid.bounds[1, 0]:g}")
state(np.allclose(mesh.bounds[:, 0], [-0.5, 12.5]) and mesh.is_watertight,
      f"marching_cubes: x from {mesh.bounds[0, 0]:g} to {mesh.bounds[1, 0]:g}, watertight {mesh.is_watertight}")
moved = mesh.copy().apply_transform(grid.transform)
state(np.allclose(moved.bounds, grid.bounds), f"after the transform: x from {moved.bounds[0, 0]:g} to {moved.bounds[1, 0]:g}")
state(abs(mesh.volume / moved.volume - 8) < 1e-6, f"volume {mesh.volume:.1f} instead of {moved.volume:.1f}")
mesh.apply_transform(grid.transform)
state(np.allclose(grid.marching_cubes.bounds, grid.bounds), "moved in place, the grid returns the moved mesh from then on")
PY
