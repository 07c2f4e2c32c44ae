#!/usr/bin/env bash
# NumPy computes the mean and spread of bfloat16 weights wrongly, without a warning.
#
# Versions: numpy 2.4.6, ml_dtypes 0.6.0, onnx 1.23.2 (it returns such arrays).
# Expected: numpy.mean documents "By default, float16 results are computed using
#   float32 intermediates for extra precision". So the mean of a bfloat16 matrix should
#   be off by one rounding at most, and the standard deviation should be as good.
# Happens: only float16, and only its mean, gets float32 intermediates. A bfloat16 sum
#   stops growing once a term is smaller than half a step of the running sum: 262,144
#   weights around 0.05 have the mean 0.000145, the standard deviation 0.0042 instead
#   of 0.0200, and the sum 38 instead of 13,110. Norm, median and quantiles are
#   correct, so a table of layer statistics looks plausible. np.std is wrong for
#   float16 too: a constant column of 5,000 values of 0.1 has a deviation of 0.04.
# Remedy: astype(np.float32) first, or pass dtype=np.float32.
# Seen on 2026-11-28: bf16 mean 0.000144958 (true 0.0500103), std 0.00424194
#   (0.0200231), sum 38 (13109.9); float16 std of a constant column: 0.04.
# Source: documentation of numpy.mean (quoted) and numpy.var ("computed using the same
#   precision the input has"); numpy/_core/_methods.py, _mean and _var.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.6.0 onnx==1.23.2
"$work/venv/bin/python" - <<'PY'
import sys

import ml_dtypes
import numpy as np
from onnx import numpy_helper


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


values = np.random.default_rng(0).normal(0.05, 0.02, size=(512, 512))
stored = numpy_helper.to_array(numpy_helper.from_array(values.astype(ml_dtypes.bfloat16), "layer.weight"))
wide = stored.astype(np.float32)
state(stored.dtype == ml_dtypes.bfloat16, f"ONNX hands out the weights as {stored.dtype}")

for name, low, high in (("mean", 0.0, 0.1), ("std", 0.0, 0.5), ("sum", 0.0, 0.1)):
    got, true = float(getattr(np, name)(stored)), float(getattr(np, name)(wide))
    state(low < got / true < high, f"np.{name} of bfloat16 weights is {got:.6g}, in float32 {true:.6g}")
for name, op in (("norm", np.linalg.norm), ("median", np.median)):
    got, true = float(op(stored)), float(op(wide))
    state(abs(got / true - 1) < 0.01, f"the {name} is right all the same: {got:.6g}, {true:.6g}")
given = float(np.mean(stored, dtype=np.float32))
state(abs(given / float(np.mean(wide)) - 1) < 0.01, f"with dtype=float32 the mean is right: {given:.6g}")

column = np.full((5000, 3), 0.1, np.float16)
mean, std = float(column.mean(axis=0)[0]), float(column.std(axis=0)[0])
state(abs(mean - 0.1) < 1e-3 and std > 0.03,
      f"a constant float16 column has the mean {mean:.4f} and the spread {std:.4f}")
PY
