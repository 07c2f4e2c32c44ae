"""Append the best network of a latent space optimisation to a zoo, in the zoo's precision.

Example:
    netspace zoo add --zoo runs/digits/zoo --run runs/lso/weak --name optimised-1
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...zoo.store import OPTIMISED, Zoo, add

NAME, HELP = "add", "append a run's best network to a zoo, in the zoo's precision"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--zoo", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run", dest="run_folder")
    parser.add_argument("--name", help="name in the zoo; without it that of the run's folder")


def run(args: argparse.Namespace) -> None:
    from ...train.lso_files import read_best, read_result

    records, best = Zoo.load(args.zoo).records, read_best(args.run_folder)
    name = args.name or args.run_folder.resolve().name
    record = {"name": name, "split": OPTIMISED}
    if "test_accuracy" in records:
        record["val_accuracy"] = best.score
        if (args.run_folder / "result.json").exists():
            record["test_accuracy"] = read_result(args.run_folder).test["best"]
    zoo = add(args.zoo, best.network, record)
    print(f"{args.zoo} has {name}, the best network of {args.run_folder}: {len(zoo)} networks")
