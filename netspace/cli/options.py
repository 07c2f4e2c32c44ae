"""What several commands share: their options, and reading what these name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from ..config import check_number
from ..errors import UsageError, one_line
from ..jobs.command import typed
from ..train.cluster import Ray, Resources
from ..train.executors import EXECUTORS
from ..train.zoos import RunOptions
from ..zoo.store import Zoo
from .parser import PROGRAM, Count

PARTS_FOLDER = ".parts"
"""folder inside a zoo that Ray's nodes write to, unless another is named"""


# -- options -------------------------------------------------------------------------------------------------------


def add_space_and_zoo(parser: argparse.ArgumentParser) -> None:
    """Add --space and --zoo, which `open_both` opens."""
    parser.add_argument("--space", type=Path, required=True, help="folder of a trained space")
    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Add --a, --b and --method: a path between two networks."""
    from ..latent.paths import FIRST, METHODS

    parser.add_argument("--a", required=True, metavar="ID", help="name of the network at gamma 0")
    parser.add_argument("--b", required=True, metavar="ID", help="name of the network at gamma 1")
    parser.add_argument("--method", choices=METHODS, default=FIRST, help="interpolation method")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device; `run` finds a device that this machine has in `args.device`."""
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps; auto: cuda where there is one, else cpu")


def add_image_folder(parser: argparse.ArgumentParser) -> None:
    """Add --data, the folder of an image data set."""
    parser.add_argument("--data", type=Path, help="folder of the images; else looked for in NETSPACE_DATA and data/")


def add_teacher(parser: argparse.ArgumentParser) -> None:
    """Add --teacher, which `load_teacher` loads."""
    parser.add_argument(
        "--teacher", metavar="ZOO[:NAME]", help="zoo that holds the teacher: its best network, or the one named"
    )


def export_words(*of: str) -> str:
    """Return the names of EXPORTS with what they are, for a help text; only those of the subjects `of` if given."""
    from ..export import EXPORTS

    names: dict[str, list[str]] = {}
    for name, export in EXPORTS.items():
        if not of or export.of in of:
            names.setdefault(export.words, []).append(name)
    return "; ".join(f"{', '.join(mine)}: {words}" for words, mine in names.items()).replace("%", "%%")


def add_workers(parser: argparse.ArgumentParser, made: str, at_once: int, on_cpu: int = 1) -> None:
    """Add --workers and --group, of which networks of a zoo are made; `made`: how, such as "fitted"."""
    parser.add_argument("--workers", action=Count, most=1024, default=os.cpu_count() or 1, help="processes (CPU)")
    parser.add_argument(
        "--group", action=Count, default=0, help=f"networks {made} at once; 0: {on_cpu} on a CPU, {at_once} elsewhere"
    )
    parser.add_argument(
        "--executor", choices=sorted(EXECUTORS),
        help="where groups are made: here, in this process; in --workers processes; on a Ray cluster. If it is not "
        "given: processes on a CPU, else here",
    )  # fmt: skip
    group = parser.add_argument_group("Ray", "With --executor ray:")
    group.add_argument(
        "--address", help="HOST:PORT of the head node, or auto; else RAY_ADDRESS, or Ray is started on this machine"
    )
    group.add_argument(
        "--shared", type=Path, metavar="FOLDER",
        help="a folder that every node sees under this name, for finished networks; else one inside --out",
    )  # fmt: skip
    group.add_argument("--cpus", type=float, metavar="N", help="CPUs of a node that a group takes; else 1")
    group.add_argument("--gpus", type=float, metavar="N", help="GPUs, also a part of one; else 0 on a CPU, 1 elsewhere")


def run_options(args: argparse.Namespace, group: int) -> RunOptions:
    """Return how a zoo is made, from the options of `add_workers`, --resume and --device.

    Raises:
        UsageError: an option of Ray was given without it, or is out of its limits.
    """
    options: RunOptions = {"resume": args.resume, "workers": args.workers, "group": group, "device": args.device}
    given = [name for name in ("address", "shared", "cpus", "gpus") if getattr(args, name) is not None]
    if args.executor != "ray":
        if given:
            raise UsageError(f"--{given[0]} is for --executor ray")
        return options | {"executor": args.executor or ""}
    for name in {"cpus", "gpus"}.intersection(given):
        check_number(f"--{name}", getattr(args, name), {"least": 0, "most": 1024})
    gpus = float(args.device != "cpu") if args.gpus is None else args.gpus
    resources = Resources(1.0 if args.cpus is None else args.cpus, gpus)
    return options | {"executor": Ray(args.address or "", args.shared or args.out / PARTS_FOLDER, resources)}


def device_of(args: argparse.Namespace) -> str:
    """Return the device of a command; with --executor ray one of the nodes', which this machine may not have."""
    if getattr(args, "executor", None) != "ray":
        return usable_device(args.device)
    return ("cuda" if args.gpus else "cpu") if args.device == "auto" else args.device


def add_job(parser: argparse.ArgumentParser) -> None:
    """Make a command with --out and --resume a long job: it runs as the job of its folder.

    `run` finds the job in `args.job`, and reports its lines to it.
    """
    parser.add_argument("--queue", action="store_true", help="wait while two other jobs run")
    parser.set_defaults(kind=parser.prog.removeprefix(f"{PROGRAM} "))


def add_fields(parser: argparse.ArgumentParser, config: type) -> None:
    """Add an option for every field of a config dataclass, with the field's help and default, and --recipe."""
    mine = list(recipes_of(config))
    if mine:
        parser.add_argument("--recipe", choices=mine, help="start from these settings; options given beside it win")
    group = parser.add_argument_group(config.__name__, config.__doc__)
    for f in fields(config):
        flag, help_text = f"--{f.name.replace('_', '-')}", f.metadata["help"]
        if isinstance(f.default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=f.default, help=help_text)
        else:
            kind = type(f.default)
            group.add_argument(flag, type=kind, default=f.default, metavar=kind.__name__, help=help_text)


@cache
def recipes_of(config: type) -> Mapping[str, Any]:
    """Return the recipes, by name, that are values of a config dataclass."""
    from ..recipes import RECIPES

    return {name: values for name, values in RECIPES.items() if isinstance(values, config)}


def use_recipe(parser: argparse.ArgumentParser, recipe: str) -> None:
    """Make a recipe's values the defaults of a command's options, if the command knows the recipe."""
    from ..recipes import RECIPES

    known = next((action.choices for action in parser._actions if action.dest == "recipe"), ())
    if recipe in known:
        values = RECIPES[recipe]
        parser.set_defaults(**{f.name: getattr(values, f.name) for f in fields(values)})


# -- what they name ------------------------------------------------------------------------------------------------


def read_fields(args: argparse.Namespace, config: type):
    """Return the config that the options of `add_fields` were given."""
    return config(**{f.name: getattr(args, f.name) for f in fields(config)})


def command_line(argv: Sequence[str]) -> str:
    """Return a command as one would type it, to be kept with what it makes."""
    return typed([word for word in argv if word != "--queue"])


def open_both(args: argparse.Namespace):
    """Return the space and the zoo of `add_space_and_zoo`; UsageError if they do not belong together."""
    from ..space.space import load

    space, zoo = load(args.space, args.device), Zoo.load(args.zoo)
    space.check_family(zoo.family)
    return space, zoo


def load_teacher(where: str | None):
    """Return the network that --teacher names: FOLDER of a zoo, for its best on validation images, or FOLDER:NAME."""
    from ..tasks.distillation import best_of

    if where is None:
        return None
    folder, _, name = where.rpartition(":") if ":" in where and not Path(where).is_dir() else (where, "", "")
    return best_of(Zoo.load(folder), name or None)


def usable_device(name: str) -> str:
    """Return the device that `auto` stands for, or the one named; UsageError if this machine does not have it."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.device(name).type == "cpu" and torch.device(name).index:
            raise RuntimeError("there is one CPU, called cpu")
        if torch.ones(2, device=name).add(1).sum().item() != 4:  # some devices hold tensors and compute nothing
            raise RuntimeError("it computes nothing")
    except Exception as error:  # every backend that is missing raises another kind
        raise UsageError(f"--device {name[:60]} is not usable here: {one_line(error)}") from error
    return name
