"""Draw the pictures that the app shows of a zoo's SDF networks, into thumbnails.webp.

Example:
    netspace zoo thumbnails --zoo runs/zoo
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...errors import UsageError
from ...zoo.store import Zoo

NAME, HELP = "thumbnails", "draw the pictures that the app shows of a zoo's SDF networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")


def run(args: argparse.Namespace) -> None:
    from ...export.film import write_thumbnails

    zoo = Zoo.load(args.zoo)
    if zoo.family.archs[0].task != "sdf":
        raise UsageError(f"{args.zoo} holds {zoo.family.names[0]}: only SDF networks have a surface to draw")
    done = sum(1 for _ in write_thumbnails(zoo))
    print(f"drew {done} thumbnails into {args.zoo / 'thumbnails.webp'}")
