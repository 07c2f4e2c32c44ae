"""Say how well a zoo's columns can be read off embeddings, and how far one can move along them.

Examples:
    netspace directions --space assets/chairs/space-probe --zoo assets/chairs/zoo
    netspace directions --space assets/chairs/space-probe --zoo assets/chairs/zoo \\
        --column seat_height --networks 4
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..errors import UsageError
from ..zoo.store import TRAIN
from .options import add_device, add_space_and_zoo, open_both
from .parser import Count
from .placing import counted

NAME, HELP = "directions", "how well a zoo's columns can be read off embeddings, and moved along"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument("--column", help="only this column of the zoo's table")
    parser.add_argument(
        "--networks", action=Count, default=0, help="move this many unseen SDF networks and measure the meshes"
    )
    parser.add_argument("--kind", help="only those of a kind, chair or stool, of these")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..evaluate.directions import measured_along
    from ..kept import cache_folder
    from ..latent.directions import check_column, columns_of, direction_of
    from ..latent.embeddings import embed_zoo
    from ..tasks import task_of

    space, zoo = open_both(args)
    z = embed_zoo(space, zoo, cache_folder(), counted("embedded"))
    train = zoo.ids(TRAIN)
    unseen = sorted(set(range(len(zoo))) - set(train))
    names = columns_of(zoo.records)
    if args.column:
        check_column(zoo.records, args.column, str(args.zoo))
        names = [args.column]
    found = [direction_of(z, zoo.records, name, train, unseen) for name in names]
    rows = [
        {name: getattr(d, name) for name in ("column", "r2", "r2_std", "count", "r2_unseen", "count_unseen", "reach")}
        for d in found
    ]
    moved: list[dict[str, Any]] = []
    if args.networks:
        measured = task_of(space).columns
        if args.column not in measured:
            known = ", ".join(measured) or f"{task_of(space).networks} have no column that can be measured"
            raise UsageError(f"--networks measures decoded networks along one --column: {known}")
        if "kind" in zoo.records and args.kind:
            unseen = [i for i in unseen if zoo.records.kind[i] == args.kind]
        for i in unseen[: args.networks]:
            values = measured_along(space, found[0], z[i])
            rises = all(b > a for (_, a), (_, b) in zip(values, values[1:], strict=False))
            moved.append({"name": str(zoo.records.name[i]), "rises": rises, "measured": [v for _, v in values]})
    if args.json:
        print(json.dumps({"columns": rows, "moved": moved}, indent=2))
        return
    print(f"{'column':20} {'R2':>6} {'+-':>6}  {'unseen':>6} {'reach':>9}")
    for row in rows:
        unseen_r2 = f"{row['r2_unseen']:6.3f}" if row["r2_unseen"] is not None else "     -"
        print(f"{row['column']:20} {row['r2']:6.3f} {row['r2_std']:6.3f}  {unseen_r2} {row['reach']:9.3g}")
    for row in moved:
        print(
            f"{row['name']:20} {' '.join(f'{v:.3f}' for v in row['measured'])}{'' if row['rises'] else '  not rising'}"
        )
    if moved:
        rising = sum(row["rises"] for row in moved)
        print(f"measured {args.column} rises throughout for {rising} of {len(moved)} networks never seen")
