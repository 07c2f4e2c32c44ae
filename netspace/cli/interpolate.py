"""Write a path between two networks: its meshes, networks or pictures, path.csv and a picture of it.

`netspace path` does the same, and also writes what is no line between two networks.

Examples:
    netspace interpolate --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --a chair-0000 --b chair-0287 --out runs/path
    netspace interpolate --space assets/digits/space --zoo assets/digits/zoo \\
        --a resnet8-001 --b resnet8-079 --method weights --steps 33 --export gif --out runs/path
"""

from __future__ import annotations

import argparse

from .options import add_device, add_image_folder, add_pair, add_space_and_zoo
from .parser import Count
from .path import MOST_STEPS, add_files, write_asked

NAME, HELP = "interpolate", "write a path: its meshes or networks, path.csv and a picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    add_pair(parser)
    parser.add_argument(
        "--steps", action=Count, least=None, most=MOST_STEPS, default=9,
        help="networks along the path, ends included",
    )  # fmt: skip
    add_files(parser)
    add_image_folder(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..export.path_files import steps_between
    from ..latent.paths import gammas

    write_asked(args, [args.a, args.b], lambda space, zoo: steps_between(
        space, zoo, args.a, args.b, gammas(args.steps), args.method, args.data
    ))  # fmt: skip
