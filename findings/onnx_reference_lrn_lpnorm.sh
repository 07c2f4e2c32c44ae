#!/usr/bin/env bash
# ONNX's reference evaluator normalises only as many channels as the batch has images.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Expected: onnx.reference.ReferenceEvaluator computes what the operator texts define.
# Happens:
#   - LRN loops over the batch axis instead of the channels: with one image, every
#     channel but the first uses a sum of squares of 0, and the result for an image
#     depends on the batch size;
#   - LpNormalization with p=1 adds signed values instead of absolute values: signs
#     flip, and a row that sums to 0 becomes all 0 (with a NumPy warning);
#   - Resize with align_corners divides by the size before rounding, so the last sample
#     misses the last pixel.
#   None of them raises. onnxruntime follows the texts in all three.
# Seen on 2026-11-28: LRN of ones, 1 image, 4 channels: 0.25 1 1 1 (onnxruntime 0.25
#   four times); LpNormalization of 1 -2 3 -4: -0.5 1 -1.5 2 (0.1 -0.2 0.3 -0.4); the
#   ramp 0 to 6 at scale 0.5: 0 2.4 4.8 (0 3 6).
# Source: onnx/reference/ops/op_lrn.py, op_lp_normalization.py, op_resize.py; operator
#   texts of LRN-13 ("local region is defined across the channels"),
#   LpNormalization-22 and Resize-19 (length_resized).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def both(node, x, opset, constants=()):
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)],
        [numpy_helper.from_array(v, k) for k, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, {"x": x})[0], session.run(None, {"x": x})[0]


# alpha / size * 1 + bias = 4, to the power of 1: every channel should be 1 / 4
node = helper.make_node("LRN", ["x"], ["y"], size=1, alpha=3.0, beta=1.0, bias=1.0)
ones = np.ones((1, 4, 1, 1), np.float32)
reference, runtime = both(node, ones, 13)
state(np.allclose(runtime, 0.25) and np.allclose(reference.ravel(), [0.25, 1, 1, 1]),
      f"LRN of one image: reference {reference.ravel().tolist()}, onnxruntime {runtime.ravel().tolist()}")
reference, runtime = both(node, np.ones((3, 4, 1, 1), np.float32), 13)
state(np.allclose(runtime, 0.25) and np.allclose(reference[0].ravel(), [0.25, 0.25, 0.25, 1]),
      f"the same image in a batch of 3: reference {reference[0].ravel().tolist()}")

row = np.array([[1, -2, 3, -4]], np.float32)
node = helper.make_node("LpNormalization", ["x"], ["y"], p=1, axis=-1)
reference, runtime = both(node, row, 22)
state(np.allclose(runtime, row / 10) and np.allclose(reference, row / -2),
      f"LpNormalization, p=1: reference {reference.ravel().tolist()}, onnxruntime {runtime.ravel().round(6).tolist()}")
reference, runtime = both(node, np.array([[1, -1, 2, -2]], np.float32), 22)
state(not reference.any() and np.allclose(abs(runtime).sum(), 1), "a row that sums to 0 becomes all 0 in the reference")

ramp = np.arange(7, dtype=np.float32).reshape(1, 1, 1, 7)
node = helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="align_corners")
reference, runtime = both(node, ramp, 19, (("s", np.array([1, 1, 1, 0.5], np.float32)),))
state(np.allclose(runtime.ravel(), [0, 3, 6]) and np.allclose(reference.ravel(), [0, 2.4, 4.8]),
      f"Resize, corners aligned: reference {reference.ravel().round(3).tolist()}, onnxruntime {runtime.ravel().tolist()}")
PY
