"""Add the columns of a table to a zoo's, by its networks' names.

Example:
    netspace zoo annotate --zoo runs/zoo --table runs/meshes/chairs.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME, HELP = "annotate", "add columns to a zoo's table, by its networks' names"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--table", type=Path, required=True, help="file of a row per network: .csv, .tsv, .parquet")
    parser.add_argument("--key", metavar="COLUMN", help="column of names; default: name, or the one that names most")


def run(args: argparse.Namespace) -> None:
    from ...importing.annotate import annotate

    done = annotate(args.zoo, args.table, args.key or "")
    networks = done.matched + done.missing
    print(
        f"{args.zoo} has {', '.join(done.columns)} of {done.matched} of its {networks} networks, named by {done.key!r}"
    )
    if done.unmatched:
        print(f"of no network in the zoo: {len(done.unmatched)} of {args.table}'s rows, such as {done.unmatched[0]!r}")
    if done.skipped:
        print(f"left out {', '.join(done.skipped)}: a table does not change which weights are whose")
