#!/usr/bin/env bash
# A matrix that was kept as Parquet is equal to the one that was written, and sums of it are not.
#
# Versions: pandas 3.1.1, numpy 2.4.6, pyarrow 26.0.1.
# Expected: embeddings that are kept as a table of float32 columns and read again are the
#   same numbers, so whatever is computed of them is the same.
# Happens: they are the same numbers, in another order in memory. DataFrame.to_numpy()
#   returns a column-major array (also with copy=True, which only says that it is a copy),
#   and NumPy adds up rows of it in another order. np.array_equal() sees no difference;
#   row sums, norms and products of matrices differ in the last digits, and with them a
#   PCA, a figure, a hash. What is computed depends on whether a cache was warm.
# Remedy: np.ascontiguousarray(frame.to_numpy()), or to_numpy().copy(order="C").
# Seen on 2026-11-30: 1,000 rows of 64 columns: array_equal True, and 82 % of the row sums
#   differ; after ascontiguousarray none do.
# Source: pandas.DataFrame.to_numpy; pandas/core/internals/managers.py, as_array
#   (the transpose of a block, whose rows are columns).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 pyarrow==26.0.1
"$work/venv/bin/python" - <<'PY'
import os
import sys

import numpy as np
import pandas as pd


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


written = np.random.default_rng(0).normal(size=(1000, 64)).astype(np.float32)
path = os.path.join(os.environ["WORK"], "kept.parquet")
pd.DataFrame(written, columns=[f"z{k}" for k in range(64)]).to_parquet(path, index=False)
kept = pd.read_parquet(path).to_numpy("float32", copy=True)

state(np.array_equal(written, kept), "what is read equals what was written")
state(written.flags.c_contiguous and kept.flags.f_contiguous, "it is column-major, also where a copy is asked for")
unlike = np.mean(written.sum(axis=1) != kept.sum(axis=1))
state(unlike > 0.5, f"row sums that differ: {unlike:.0%}")
again = np.ascontiguousarray(kept)
state(np.array_equal(written.sum(axis=1), again.sum(axis=1)), "none after np.ascontiguousarray")
PY
