#!/usr/bin/env bash
# flax.serialization.from_bytes does not compare shapes or dtypes with its template.
#
# Versions: flax 0.12.8, jax 0.10.2, numpy 2.4.6.
# Expected: from_bytes takes a "template object with state-dict registrations that
#   matches the structure being deserialized", so a leaf of another shape or dtype
#   raises, as a missing key does.
# Happens: arrays of any shape and dtype replace those of the template. Extra keys of a
#   dictionary are dropped, while an extra entry of a list raises. Arrays that broadcast
#   keep working: a bias of shape (1,) in place of (8,) is added to all eight outputs.
# Remedy: compare shapes and dtypes of both trees after loading.
# Seen on 2026-11-28: a template of (8, 8) float32 returns (8, 3) float16; the key
#   "extra" is gone.
# Source: documentation of flax.serialization.from_bytes (quoted); flax/
#   serialization.py, from_state_dict, _restore_dict, _restore_list.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check flax==0.12.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"
import numpy as np
from flax import serialization


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


template = {"dense": {"kernel": np.zeros((8, 8), np.float32), "bias": np.zeros(8, np.float32)}}
other = {"dense": {"kernel": np.ones((8, 3), np.float16), "bias": np.ones(1), "extra": np.ones(5)}}
got = serialization.from_bytes(template, serialization.to_bytes(other))["dense"]
state(got["kernel"].shape == (8, 3) and got["kernel"].dtype == np.float16,
      f"a template of (8, 8) float32 takes {got['kernel'].shape} {got['kernel'].dtype}")
state(set(got) == {"kernel", "bias"}, "a key that the template lacks is dropped")
out = np.zeros((2, 8)) + got["bias"]
state(got["bias"].shape == (1,) and out.shape == (2, 8), "a bias of one number fits 8 by broadcasting")

for name, target, given in (("a missing key", {"a": np.zeros(1), "b": np.zeros(1)}, {"a": np.zeros(1)}),
                            ("a longer list", [np.zeros(1)], [np.zeros(1), np.zeros(1)])):
    try:
        serialization.from_bytes(target, serialization.to_bytes(given))
        raised = False
    except ValueError:
        raised = True
    state(raised, f"{name} raises")
PY
