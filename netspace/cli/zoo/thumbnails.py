"""Draw the pictures that the app shows of what a zoo's networks hold, shapes or images, into thumbnails.webp.

Example:
    netspace zoo thumbnails --zoo runs/zoo
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...zoo.store import Zoo

NAME, HELP = "thumbnails", "draw the pictures that the app shows of a zoo's networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")


def run(args: argparse.Namespace) -> None:
    from ...export.film import write_thumbnails

    zoo = Zoo.load(args.zoo)
    done = sum(1 for _ in write_thumbnails(zoo))
    print(f"drew {done} thumbnails into {args.zoo / 'thumbnails.webp'}")
