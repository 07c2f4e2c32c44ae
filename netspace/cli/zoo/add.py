"""Append the best network of a latent space optimisation to a zoo, in the zoo's precision.

Example:
    netspace zoo add --zoo runs/digits/zoo --run runs/lso/weak --name optimised-1
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME, HELP = "add", "append a run's best network to a zoo, in the zoo's precision"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run", dest="run_folder")
    parser.add_argument("--name", help="name in the zoo; without it that of the run's folder")


def run(args: argparse.Namespace) -> None:
    from ...train.lso_files import add_best

    zoo = add_best(args.zoo, args.run_folder, args.name or "")
    name = zoo.records.name.iloc[-1]
    print(f"{args.zoo} has {name}, the best network of {args.run_folder}: {len(zoo)} networks")
