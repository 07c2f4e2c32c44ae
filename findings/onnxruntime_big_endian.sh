#!/usr/bin/env bash
# ONNX Runtime and PyMCubes read big-endian arrays as if they were little-endian.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, PyMCubes 0.1.6, numpy 2.4.6.
# Expected: arrays such as ">f4", which readers of FITS, IDX, HDF5 and PLY files return, are
#   converted like any other array or refused, as onnx.numpy_helper does.
# Happens: InferenceSession.run, OrtValue and IO binding take the bytes as they lie and
#   swap nothing, without an error. So does PyMCubes for float32.
# Remedy: array.astype(array.dtype.newbyteorder("=")) before the call.
# Seen on 2026-11-30: a model that adds its input to itself turns 1, 2, 3 into 9.2e-41,
#   1.8e-43, 4.6e-41 for ">f4" and into 144115188075855872, ... for ">i8"; marching cubes
#   of a sphere give 192 vertices for "<f4" and 1128 for ">f4".
# Source: onnxruntime/python/onnxruntime_pybind_mlvalue.cc, which looks at the type number
#   of the array and not at its byte order.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 PyMCubes==0.1.6 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import mcubes
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def session(kind):
    """A session of a model that adds its input, three numbers, to itself."""
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "twice",
                              [helper.make_tensor_value_info("x", kind, [3])],
                              [helper.make_tensor_value_info("y", kind, [3])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


for kind, dtype in ((TensorProto.FLOAT, ">f4"), (TensorProto.DOUBLE, ">f8"), (TensorProto.INT64, ">i8")):
    big = np.array([1, 2, 3], dtype)
    native = big.astype(big.dtype.newbyteorder("="))
    misread = big.view(native.dtype)
    model = session(kind)
    binding = model.io_binding()
    binding.bind_cpu_input("x", big)
    binding.bind_output("y")
    model.run_with_iobinding(binding)
    seen = model.run(None, {"x": big})[0]
    state(np.array_equal(model.run(None, {"x": native})[0], [2, 4, 6]), f"{native.dtype.str}: 1, 2, 3 become 2, 4, 6")
    state(np.array_equal(seen, misread + misread) and np.array_equal(binding.copy_outputs_to_cpu()[0], seen),
          f"{dtype}, run and IO binding: 1, 2, 3 become {seen.tolist()}")
    held = onnxruntime.OrtValue.ortvalue_from_numpy(big).numpy()
    state(np.array_equal(held, misread), f"{dtype}, OrtValue: 1, 2, 3 become {held.tolist()}")
    try:
        numpy_helper.from_array(big)
        refused = False
    except ValueError:
        refused = True
    state(refused, f"{dtype}: onnx.numpy_helper refuses the array")

axes = np.meshgrid(*[np.linspace(-1, 1, 10)] * 3, indexing="ij")
field = (np.sqrt(sum(axis ** 2 for axis in axes)) - 0.7).astype("<f4")
right, wrong = (mcubes.marching_cubes(array, 0)[0] for array in (field, field.astype(">f4")))
state(len(right) == 192 and len(wrong) != 192, f"PyMCubes: {len(right)} vertices for <f4, {len(wrong)} for >f4")
PY
