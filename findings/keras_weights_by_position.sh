#!/usr/bin/env bash
# Keras stores layer names in weights files, but loads weights by position.
#
# Versions: keras 3.15.1, jax 0.10.2 (its backend here), h5py 3.16.0, numpy 2.4.6.
# Expected: if layers have explicit names, loading a .weights.h5 file matches them by
#   name, or complains if the network has the names in another order or has fewer
#   layers than the file.
# Happens: groups are named after the class with a counter (dense, dense_1, ...); the
#   layer's name is an attribute of the inner group "vars" that loading ignores. A
#   network with "dec" before "enc" gets enc's weights in dec and dec's in enc if the
#   shapes fit. A network with fewer layers takes the first ones of the file, without a
#   warning; one with more layers raises. h5py lists dense_10 before dense_2. The legacy
#   .h5 format behaves the same unless by_name=True, which the new format refuses.
# Remedy: compare the attribute (layers/dense_1/vars, name) before loading.
# Seen on 2026-11-28: saved enc = 1 and dec = 2, loaded enc = 2 and dec = 1; a network
#   of dec alone loads 1.
# Source: documentation of Model.load_weights ("based on the network's topology");
#   keras/src/saving/saving_lib.py, _save_state, _save_container_state,
#   _load_container_state.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 h5py==3.16.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys
import warnings

os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", KERAS_HOME=os.environ["WORK"])
import h5py
import keras
import numpy as np


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


work = os.environ["WORK"]


def network(*names):
    made = [keras.layers.Dense(4, name=name, use_bias=False) for name in names]
    return keras.Sequential([keras.Input((4,)), *made]), dict(zip(names, made))


def value(layer):
    return float(layer.get_weights()[0][0, 0])


saved, layers = network("enc", "dec")
layers["enc"].set_weights([np.full((4, 4), 1.0)])
layers["dec"].set_weights([np.full((4, 4), 2.0)])
new, old = os.path.join(work, "a.weights.h5"), os.path.join(work, "a.h5")
saved.save_weights(new)
saved.save(old)

with h5py.File(new) as file:
    groups = list(file["layers"])
    names = [str(file["layers"][group]["vars"].attrs["name"]) for group in groups if group.startswith("dense")]
state([g for g in groups if "input" not in g] == ["dense", "dense_1"] and names == ["enc", "dec"],
      f"groups of the file: {groups}, with the names {names} as attributes")
with h5py.File(old) as file:
    state({"enc", "dec"} <= set(file["model_weights"]), "the legacy file has both names")

turned, layers = network("dec", "enc")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    turned.load_weights(new)
state(not said and value(layers["enc"]) == 2 and value(layers["dec"]) == 1,
      f"saved enc 1, dec 2; loaded enc {value(layers['enc']):g}, dec {value(layers['dec']):g}")
turned.load_weights(old)
state(value(layers["enc"]) == 2, "the legacy file does the same by default")
turned.load_weights(old, by_name=True)
state(value(layers["enc"]) == 1 and value(layers["dec"]) == 2, "and fits with by_name=True")
try:
    turned.load_weights(new, by_name=True)
    state(False, "by_name is refused for .weights.h5")
except ValueError as error:
    state("by_name" in str(error), "by_name is refused for .weights.h5")

short, layers = network("dec")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    short.load_weights(new)
state(not said and value(layers["dec"]) == 1, f"a network of dec alone takes enc's weights: {value(layers['dec']):g}, no warning")

many, _ = network(*(f"block{k}" for k in range(12)))
many.save_weights(new)
with h5py.File(new) as file:
    groups = [g for g in file["layers"] if g.startswith("dense")]
state(groups.index("dense_10") < groups.index("dense_2"), f"order in the file: {', '.join(groups[:5])}")
PY
