"""Write procedural chairs as meshes, and chairs.csv with their parameters.

Example:
    netspace shapes chairs --count 16 --out runs/meshes
"""

from __future__ import annotations

import argparse

from ...config import MOST_SEED
from ...io import atomic_write
from ..outputs import Output
from ..parser import Count

NAME, HELP = "chairs", "write procedural chairs as meshes, and a table of their parameters"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ...geometry.mesh import MESH_KINDS

    parser.add_argument("--count", action=Count, least=1, default=16, help="how many")
    parser.add_argument(
        "--first-seed", action=Count, most=MOST_SEED, default=0,
        help="seed of the first; a seed gives the same chair everywhere",
    )  # fmt: skip
    parser.add_argument("--format", choices=MESH_KINDS, default="glb", help="file format")
    parser.add_argument("--out", action=Output, holds="chairs", required=True, help="folder to write to")


def run(args: argparse.Namespace) -> None:
    import pandas as pd

    from ...data.shapes import chair, chair_params
    from ...geometry.mesh import write

    args.out.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in range(args.first_seed, args.first_seed + args.count):
        mesh, record = chair(chair_params(seed))
        write(mesh, args.out / f"chair-{seed:04d}.{args.format}")
        records.append({"name": f"chair-{seed:04d}", "seed": seed} | record)
    with atomic_write(args.out / "chairs.csv") as path:
        pd.DataFrame(records).to_csv(path, index=False)
    print(f"wrote {args.count} chairs and chairs.csv to {args.out}")
