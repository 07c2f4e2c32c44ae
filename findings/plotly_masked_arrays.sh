#!/usr/bin/env bash
# plotly's graph objects draw the masked values of a NumPy array; px.line leaves them out.
#
# Versions: plotly 7.1.0, pandas 3.1.1, numpy 2.4.6.
# Expected: masked values of a numpy.ma array are left out as in matplotlib, or refused.
# Happens: go.Scatter, go.Heatmap, go.Surface and px.imshow send the numbers under the mask,
#   which also set the range of axes and colours. px.line and px.scatter, which go through
#   pandas, leave gaps. A list of the same array has 0 in their place. No warning in any case.
# Remedy: array.filled(numpy.nan) before the call.
# Seen on 2026-11-30: 0.1, 0.2, 1e6 (masked), 0.3 is drawn by go.Scatter with 1e6, by
#   px.line with a gap, and by go.Scatter of the list with 0; px.imshow sends the 1e6 too.
# Source: _plotly_utils/basevalidators.py, copy_to_readonly_numpy_array; _plotly_utils/utils.py,
#   to_typed_array_spec; plotly/plotly.py issue 4213.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check plotly==7.1.0 pandas==3.1.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import base64
import json
import sys

import numpy as np
import plotly.express as px
import plotly.graph_objects as go


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


def sent(figure, key):
    """The numbers that the browser gets, flat, with nan for a gap."""
    values = json.loads(figure.to_json())["data"][0][key]
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values, float).ravel()


row = np.ma.masked_greater([0.1, 0.2, 1e6, 0.3], 100)
table = row.reshape(2, 2)
under, gap, zero = [0.1, 0.2, 1e6, 0.3], [0.1, 0.2, np.nan, 0.3], [0.1, 0.2, 0, 0.3]
for name, figure, key, wanted in (
        ("go.Scatter", go.Figure(go.Scatter(y=row)), "y", under),
        ("go.Heatmap", go.Figure(go.Heatmap(z=table)), "z", under),
        ("go.Surface", go.Figure(go.Surface(z=table)), "z", under),
        ("px.imshow", px.imshow(table), "z", under),
        ("px.line", px.line(y=row), "y", gap),
        ("px.scatter", px.scatter(x=[0, 1, 2, 3], y=row), "y", gap),
        ("go.Scatter of a list", go.Figure(go.Scatter(y=list(row))), "y", zero),
        ("go.Scatter of filled(nan)", go.Figure(go.Scatter(y=row.filled(np.nan))), "y", gap)):
    values = sent(figure, key)
    state(np.array_equal(values, wanted, equal_nan=True), f"{name}: {values.tolist()}")
PY
