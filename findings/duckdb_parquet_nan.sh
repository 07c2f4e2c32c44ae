#!/usr/bin/env bash
# DuckDB answers queries about NaN otherwise from a Parquet file than from its table.
#
# Versions: duckdb 2.0.1, pyarrow 26.0.1.
# Expected: a query on a Parquet file gives what it gives on a table made of that file.
#   DuckDB counts NaN as larger than all numbers.
# Happens: DuckDB takes the largest value in the file's statistics as an upper bound and
#   drops comparisons that it decides. The format keeps NaN out of the statistics, so
#   "loss > 1" misses the NaN, "loss < 1" returns it, isnan(loss) is false for all rows,
#   also in a select list, and max(loss) is a number.
# Remedy: read_parquet(file, can_have_nan=true), off by default; or import the file into a
#   table first.
# Seen on 2026-11-30, losses a = 0.1, b = NaN, c = 0.3 written by pyarrow: loss > 1 finds
#   nothing in the file and b in the table; loss < 1 finds a, b, c and a, c; isnan(loss)
#   nothing and b; max(loss) is 0.3 and nan.
# Source: Parquet format, parquet.thrift, ColumnOrder ("NaNs should not be written to min or
#   max statistics fields"; "When looking for NaN values, min and max should be ignored");
#   duckdb/duckdb pull request 17883 (the option), issue 25521.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
"$work/venv/bin/python" - <<'PY'
import math
import os
import sys

import duckdb
import pyarrow
import pyarrow.parquet


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


path = os.path.join(os.environ["WORK"], "runs.parquet")
runs = pyarrow.table({"name": ["a", "b", "c"], "loss": [0.1, float("nan"), 0.3]})
pyarrow.parquet.write_table(runs, path)
duckdb.sql(f"create table imported as from '{path}'")
sources = {"file": f"'{path}'", "table": "imported", "can_have_nan": f"read_parquet('{path}', can_have_nan=true)"}


def names(source, condition):
    rows = duckdb.sql(f"select name from {sources[source]} where {condition} order by name").fetchall()
    return "".join(name for name, in rows)


def largest(source):
    return duckdb.sql(f"select max(loss) from {sources[source]}").fetchall()[0][0]


for condition, in_file, in_table in (("loss > 1", "", "b"), ("loss < 1", "abc", "ac"), ("isnan(loss)", "", "b")):
    found = {source: names(source, condition) for source in sources}
    state(found == {"file": in_file, "table": in_table, "can_have_nan": in_table}, f"{condition}: {found}")
found = {source: largest(source) for source in sources}
state(found["file"] == 0.3 and math.isnan(found["table"]) and math.isnan(found["can_have_nan"]), f"max(loss): {found}")
marked = duckdb.sql(f"select name, loss, isnan(loss) from '{path}' order by name").fetchall()
state(math.isnan(marked[1][1]) and not any(flag for _, _, flag in marked), f"name, loss, isnan(loss) in the file: {marked}")
PY
