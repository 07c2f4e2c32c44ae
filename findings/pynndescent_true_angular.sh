#!/usr/bin/env bash
# pynndescent's metric true_angular is a similarity: closer vectors get larger values.
#
# Versions: pynndescent 0.7.0, numba 0.68.1, numpy 2.4.6.
# Expected: a distance that increases along each row of neighbours. The docstring says
#   "Returns 0 for identical directions, approaches 1 for opposite directions".
# Happens: the neighbours are correct and nearest first, but the values are
#   1 - angle / pi and decrease along each row. A vector's distance to itself is 0 in
#   neighbor_graph and 1 in query of the same index; opposite directions give the
#   largest float32. Weights by 1 / distance, cut-offs and k-th distances as a density
#   are reversed.
# Remedy: use cosine and np.arccos(1 - d) / np.pi.
# Seen on 2026-11-28: a row 0 0.825 0.807 0.805 0.785, the same row from query
#   1 0.825 0.807 0.805 0.785; angle / pi of the first neighbour: 0.175.
# Source: pynndescent/distances.py, true_angular and true_angular_from_alt_cosine.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pynndescent==0.7.0 numba==0.68.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from pynndescent import NNDescent
from pynndescent.distances import true_angular


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


points = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
index = NNDescent(points, metric="true_angular", n_neighbors=6, random_state=0)
which, far = index.neighbor_graph
unit = points / np.linalg.norm(points, axis=1, keepdims=True)
angle = np.arccos(np.clip(unit @ unit.T, -1, 1)) / np.pi
by_angle = np.take_along_axis(angle, which, axis=1)
print("one row:", far[1].round(3).tolist(), "angle / pi:", by_angle[1].round(3).tolist())
state((np.diff(by_angle[:, 1:], axis=1) >= -1e-6).all(), "the neighbours come nearest first by angle")
state((np.diff(far[:, 1:], axis=1) <= 1e-6).all() and (far[:, 1] > far[:, 5]).all(), "their distances fall along every row")
state(np.allclose(far[:, 1:], 1 - by_angle[:, 1:], atol=1e-4), "they are 1 - angle / pi")
asked, seen = index.query(points[1:2], k=6)
state(asked[0, 0] == 1 and far[1, 0] == 0 and abs(seen[0, 0] - 1) < 1e-3,
      f"a vector to itself: {far[1, 0]:g} in the graph, {seen[0, 0]:.3f} in a query")
same, opposite = true_angular(points[0], points[0]), true_angular(points[0], -points[0])
state(abs(same - 1) < 1e-3 and opposite > 1e38, f"the function gives {same:g} for the same direction, {opposite:g} for the opposite")
PY
