"""Write several zoos as one, of a family of all their architectures.

Example:
    netspace zoo join --zoo runs/lenetlike --zoo runs/resnet8 --out runs/family/zoo
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...zoo.store import Zoo, join
from ..outputs import Output

NAME, HELP = "join", "write several zoos as one, a family of all their architectures"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, action="append", required=True, help="folder of a zoo; again for each")
    parser.add_argument("--out", action=Output, holds="zoo", required=True, help="folder to write to")


def run(args: argparse.Namespace) -> None:
    zoos = [Zoo.load(folder) for folder in args.zoo]
    about = {"made_by": "zoo join", "parts": [{"zoo": zoo.folder.name} | dict(zoo.about) for zoo in zoos]}
    join([(zoo, range(len(zoo))) for zoo in zoos], args.out, about)
    joined = Zoo.load(args.out)
    print(f"wrote {len(joined)} networks of {', '.join(joined.family.names)} to {args.out}, PReps {joined.family.size}")
    renamed = len(set(joined.records.name) - {name for zoo in zoos for name in zoo.records.name})
    if renamed:
        print(f"{renamed} networks of names that several zoos use have their zoo's name before theirs")
