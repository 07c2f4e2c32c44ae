#!/usr/bin/env bash
# PyTorch tensors read by safetensors are views of the file: they change when the file is written in place.
#
# Versions: safetensors 0.8.0, torch 2.9.1, numpy 2.4.6.
# Expected: load_file returns weights that are the caller's own, as torch.load does, and as
#   safetensors' own reader for NumPy and its load(bytes) do.
# Happens: load_file and safe_open(..., "pt") map the file. Whoever writes it in place, by
#   open("r+b"), numpy.memmap or a copy onto it, changes weights that were loaded long before.
#   What the reader itself writes into a tensor stays its own and hides later changes of the
#   file, but by pages of memory: the rest of the same tensor still follows the file.
# Remedy: write to a new file and put it in the place of the old one; or clone what is loaded.
# Seen on 2026-11-29: ones become twos in both readers for PyTorch after the file is
#   rewritten; NumPy's and load(bytes) keep their ones. After w[0] = 7, w[1] no longer follows
#   the file and w[-1] does.
# Source: safetensors' bindings (bindings/python/src/lib.rs), which build tensors for PyTorch on
#   UntypedStorage.from_file; mmap(2) on MAP_PRIVATE.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 torch==2.9.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import os
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from safetensors import safe_open


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


path, count = Path(os.environ["WORK"]) / "w.safetensors", 1 << 16


def overwrite(value):
    """Put a value in the place of all weights, in the file as it is."""
    with path.open("r+b") as file:
        file.seek(-4 * count, os.SEEK_END)
        file.write(np.full(count, value, np.float32).tobytes())


safetensors.torch.save_file({"w": torch.ones(count)}, path)
loaded = safetensors.torch.load_file(path)["w"]
with safe_open(path, "pt") as file:
    opened = file.get_tensor("w")
from_bytes = safetensors.torch.load(path.read_bytes())["w"]
array = safetensors.numpy.load_file(path)["w"]
overwrite(2)
state(bool((loaded == 2).all() and (opened == 2).all()), "load_file and safe_open: ones that were loaded are twos now")
state(bool((from_bytes == 1).all()) and bool((array == 1).all()), "load(bytes) and the reader for NumPy keep their ones")

mine = safetensors.torch.load_file(path)["w"]
mine[0] = 7
overwrite(3)
state(mine[[0, 1, -1]].tolist() == [7, 2, 3], f"after w[0] = 7 the file is threes, and w begins and ends with {mine[[0, 1, -1]].tolist()}")
state(safetensors.numpy.load_file(path)["w"][0] == 3, "what is written into a tensor does not reach the file")
PY
