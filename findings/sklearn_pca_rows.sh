#!/usr/bin/env bash
# scikit-learn's PCA of float32 data far from zero loses small variances from ten rows a column on.
#
# Versions: scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1.
# Expected: PCA subtracts the mean first, so a constant added to all values does not
#   matter; one row more does not change the precision.
# Happens: up to 1000 columns, and from ten rows a column, svd_solver="auto" takes
#   "covariance_eigh", which computes X.T @ X of the values as they are and subtracts the
#   mean's share afterwards. In float32 the difference of two large numbers is noise, and
#   negative variances become 0. There is no warning. Documentation: "Precompute the
#   covariance matrix (on centered data)".
# Remedy: subtract the mean before PCA, or pass float64 or svd_solver="full".
# Seen on 2026-11-30: values around 1000 with standard deviations of 1 to 0.1 in ten
#   columns. With 99 rows all ten variances agree with float64 within 0.001 %.
#   With one row more they are off by up to 127 %, and four of the ten are 0.
# Source: sklearn/decomposition/_pca.py, _fit (choice of the solver) and _fit_full.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from sklearn.decomposition import PCA


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def errors(values, **options):
    """The solver, the relative errors of all variances, and the variances, against a full SVD in float64."""
    model = PCA(**options).fit(values)
    right = PCA(svd_solver="full").fit(values.astype(np.float64)).explained_variance_
    return model._fit_svd_solver, np.abs(model.explained_variance_ / right - 1), model.explained_variance_


rng = np.random.default_rng(0)
values = (1000 + rng.normal(size=(100, 10)) * np.linspace(1, 0.1, 10)).astype(np.float32)

solver, error, _ = errors(values[:99])
state(solver == "full" and error.max() < 1e-3, f"99 rows: {solver}, largest relative error {error.max():.0e}")
solver, error, variances = errors(values)
state(solver == "covariance_eigh" and error.max() > 0.3 and (variances == 0).any(),
      f"100 rows: {solver}, largest relative error {error.max():.2f}, {(variances == 0).sum()} variances of 0, "
      f"largest variance {variances[0]:.2f}")

centred = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
for what, (solver, error, _) in {"centred first": errors(centred), "float64": errors(values.astype(np.float64)),
                                 "full": errors(values, svd_solver="full")}.items():
    state(error.max() < 1e-3, f"100 rows, {what}: {solver}, largest relative error {error.max():.0e}")
PY
