#!/usr/bin/env bash
# Transposed arrays come back from Arrow tensor columns reordered or in another shape.
#
# Versions: pyarrow 26.0.1, pandas 3.1.1, numpy 2.4.6.
# Expected: FixedShapeTensorArray.from_numpy_ndarray keeps the memory order of its input
#   and records a permutation; to_numpy_ndarray and the to_numpy of one row undo it
#   ("The resulting ndarray's shape matches the permuted shape of the fixed shape tensor
#   scalar").
# Happens: if two axes are swapped, the whole array is correct, but each single row has
#   the right shape and the wrong order. If axes are rotated, as in a convolution kernel
#   transposed from (height, width, in, out) to (out, in, height, width), the array
#   itself comes back in another shape, because the inverse permutation is recorded.
#   With equal axes only the values are wrong. to_pandas returns rows in memory order.
# Remedy: np.ascontiguousarray before from_numpy_ndarray.
# Seen on 2026-11-28: the row [[0,1],[2,3],[4,5]] comes back as [[0,4],[2,1],[4,3]];
#   kernels of shape (16, 3, 5, 7) come back as (3, 16, 7, 5).
# Source: pyarrow documentation of FixedShapeTensorScalar.to_numpy (quoted) and
#   FixedShapeTensorArray; pyarrow/array.pxi, from_numpy_ndarray; pyarrow/scalar.pxi.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import pyarrow as pa


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


make = pa.FixedShapeTensorArray.from_numpy_ndarray

rows = np.arange(12.0).reshape(2, 3, 2)
view = np.ascontiguousarray(rows.transpose(0, 2, 1)).transpose(0, 2, 1)
state(np.array_equal(rows, view), "the view and the plain array are equal in NumPy")
plain, turned = make(rows), make(view)
state(np.array_equal(turned.to_numpy_ndarray(), rows), "swapped axes: the whole array comes back right")
state(np.array_equal(plain[0].to_numpy(), rows[0]), "a row of the plain array comes back right")
row = turned[0].to_numpy()
state(row.shape == rows[0].shape and not np.array_equal(row, rows[0]),
      f"a row of the view comes back as {row.tolist()}, given {rows[0].tolist()}")
flat = pa.table({"w": turned}).to_pandas()["w"][0]
state(flat.tolist() == view[0].ravel(order="K").tolist() != rows[0].ravel().tolist(),
      f"pandas sees the row as {flat.tolist()}")

kernels = np.arange(2 * 5 * 7 * 3 * 16.0).reshape(2, 5, 7, 3, 16)   # height, width, in, out
torchlike = kernels.transpose(0, 4, 3, 1, 2)                        # out, in, height, width
back = make(torchlike).to_numpy_ndarray()
state(back.shape[1:] != torchlike.shape[1:],
      f"kernels of {torchlike.shape[1:]} come back as {back.shape[1:]}")
square = np.arange(2 * 4 * 4 * 4 * 4.0).reshape(2, 4, 4, 4, 4).transpose(0, 4, 3, 1, 2)
back = make(square).to_numpy_ndarray()
state(back.shape == square.shape and not np.array_equal(back, square),
      "with four equal axes the shape is right and the values are not")
back = make(np.ascontiguousarray(torchlike)).to_numpy_ndarray()
state(np.array_equal(back, torchlike), "a contiguous copy comes back right")
PY
