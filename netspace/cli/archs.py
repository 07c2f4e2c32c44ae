"""List the architectures: parameters as trained and with batch norms fused, and the size of their PReps.

Examples:
    netspace archs
    netspace archs resnet8/48px-37c --json
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..nets.archs import ARCHS, PAPER_WIDTH, arch_named
from ..nets.prep import prep_size

NAME, HELP = "archs", "list the architectures"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("name", nargs="?", help="one of any size, such as resnet8/48px-37c; all of the table without")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": a.name,
            "data": a.data,
            "class_id": a.class_id,
            "trained_parameters": a.num_trained,
            "parameters": a.num_params,
            "prep": list(prep_size(a.num_params, PAPER_WIDTH)),
        }
        for a in ([arch_named(args.name)] if args.name else ARCHS.values())
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'name':26} {'data':14} {'ClassId':>7} {'trained':>10} {'fused':>10}  PRep")
    for row in rows:
        class_id = "" if row["class_id"] is None else row["class_id"]
        print(
            f"{row['name']:26} {row['data']:14} {class_id:>7} {row['trained_parameters']:>10,} "
            f"{row['parameters']:>10,}  {row['prep'][0]} x {row['prep'][1]}"
        )
