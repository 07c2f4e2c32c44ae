#!/usr/bin/env bash
# ONNX's version converter changes what a network computes, without an error.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Expected: version_converter.convert_version keeps the outputs or raises, as it does
#   for operators without an adapter.
# Happens: these conversions pass the checker and run, but return other numbers:
#   - Resize 10 to 11 or later, and Upsample 7 to 9, in linear mode: the old operator
#     samples at x / scale, the new one is left at its default, half_pixel. Doubled
#     images shift by a quarter of an input pixel;
#   - Hardmax 12 to 13: before 13 it works on all axes from `axis` on, then on that
#     axis alone. Softmax has an adapter for this change, Hardmax has none;
#   - Softmax 13 down to 9: keeps its attribute and becomes the flattened version.
# Remedy: run the network before and after a conversion on the same input.
# Seen on 2026-11-28: the ramp 0 1 2 3 doubled is 0 0.5 1 1.5 2 2.5 3 3 before and
#   0 0.25 0.75 1.25 1.75 2.25 2.75 3 after; Hardmax selects 2 entries before and 10
#   after; Softmax sums over its axis are 1 before and 0.096 to 0.342 after.
# Source: onnx/onnx issue 8480 (Resize, open); onnx/version_converter/adapters/
#   resize_10_11.h and softmax_12_13.h; operator texts of Resize 10 and 11, Hardmax 11
#   and 13, Softmax 11 and 13.
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
from onnx import TensorProto, helper, numpy_helper, version_converter


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def network(node, shape, opset, constants=()):
    rank = len(shape)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(v, k) for k, v in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model, x):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def both(model, x, opset):
    changed = version_converter.convert_version(model, opset)
    onnx.checker.check_model(changed)
    return run(model, x), run(changed, x)


ramp = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)
scales = (("s", np.array([1, 1, 1, 2], np.float32)),)
resize = network(helper.make_node("Resize", ["x", "s"], ["y"], mode="linear"), ramp.shape, 10, scales)
old, new = both(resize, ramp, 13)
state(np.allclose(old.ravel(), [0, .5, 1, 1.5, 2, 2.5, 3, 3]) and np.allclose(new.ravel(), [0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3]),
      f"linear Resize, 10 to 13: {old.ravel().tolist()} becomes {new.ravel().tolist()}")
upsample = network(helper.make_node("Upsample", ["x", "s"], ["y"], mode="linear"), ramp.shape, 9, scales)
old, new = both(upsample, ramp, 13)
state(not np.allclose(old, new), f"linear Upsample, 9 to 13: off by up to {abs(old - new).max()}")

x = np.random.default_rng(0).normal(size=(2, 4, 5)).astype(np.float32)
old, new = both(network(helper.make_node("Hardmax", ["x"], ["y"], axis=1), x.shape, 12), x, 13)
state(old.sum() == 2 and new.sum() == 10, f"Hardmax, 12 to 13: picks {old.sum():g} entries before, {new.sum():g} after")
old, new = both(network(helper.make_node("Softmax", ["x"], ["y"], axis=1), x.shape, 12), x, 13)
state(np.allclose(old, new, atol=1e-6), "Softmax, 12 to 13, is kept")
old, new = both(network(helper.make_node("Softmax", ["x"], ["y"], axis=1), x.shape, 13), x, 9)
state(np.allclose(old.sum(axis=1), 1, atol=1e-5) and new.sum(axis=1).max() < 0.9,
      f"Softmax, 13 down to 9: sums over the axis were 1, are {new.sum(axis=1).min():.3f} to {new.sum(axis=1).max():.3f}")
PY
