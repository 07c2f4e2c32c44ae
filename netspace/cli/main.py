"""python -m netspace: everything the app shows, as commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from ..config import MOST_ROWS, MOST_SEED, check_number
from ..errors import UsageError
from ..jobs import runs
from . import commands


def add_fields(parser: argparse.ArgumentParser, config: type, recipe: str | None) -> None:
    """An option for every field of a config dataclass, its help taken from the field, its default from a recipe."""
    from ..recipes import RECIPES

    mine = [name for name, values in RECIPES.items() if isinstance(values, config)]
    if mine:
        parser.add_argument("--recipe", choices=mine, help="start from these settings; options given beside it win")
    defaults = RECIPES[recipe] if recipe in mine else config()
    group = parser.add_argument_group(config.__name__, config.__doc__)
    for f in fields(config):
        flag, help_text = f"--{f.name.replace('_', '-')}", f.metadata["help"]
        default = getattr(defaults, f.name)
        if isinstance(default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=help_text)
        else:
            group.add_argument(
                flag, type=type(default), default=default, metavar=type(default).__name__, help=help_text
            )


def build_parser(
    recipe: str | None = None, made_of: type[argparse.ArgumentParser] = argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """The whole command line; options of the configs default to the recipe's values.

    Args:
        made_of: class of the parser and of those of its commands.
    """
    from ..evaluate.interpolate import METHODS
    from ..geometry.mesh import EXPORTS, RESOLUTIONS
    from ..importing.declare import CONVENTIONS, INSIDE, NORMALISATIONS, SHORTCUTS
    from ..latent.project import UmapConfig
    from ..nets.fields import OCCUPANCY, SDF
    from ..train.fit import TrainConfig
    from ..train.fit_cnn import CnnConfig
    from ..train.fit_sdf import FitConfig
    from ..train.lso import LsoConfig

    parser = made_of(prog="netspace", description=__doc__)
    top = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(to, name: str, run, text: str) -> argparse.ArgumentParser:
        added = to.add_parser(name, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        added.set_defaults(run=run)
        return added

    def space_and_zoo(to: argparse.ArgumentParser) -> None:
        to.add_argument("--space", type=Path, required=True, help="folder of a trained space")
        to.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")

    def device(to: argparse.ArgumentParser) -> None:
        to.add_argument("--device", default="auto", help="cpu, cuda or mps; auto: cuda where there is one, else cpu")

    def image_folder(to: argparse.ArgumentParser) -> None:
        to.add_argument("--data", type=Path, help="folder of the images; else looked for in NETSPACE_DATA and data/")

    def teacher(to: argparse.ArgumentParser) -> None:
        to.add_argument(
            "--teacher", metavar="ZOO[:NAME]", help="zoo that holds the teacher: its best network, or the one named"
        )

    def long_job(to: argparse.ArgumentParser) -> None:
        """For a command with --out and --resume: it runs as the job of that folder, and tells `args.job` its lines."""
        to.add_argument("--queue", action="store_true", help="wait while two other jobs run")
        to.set_defaults(kind=to.prog.removeprefix(f"{parser.prog} "))

    listing = add(top, "archs", commands.archs, "list the architectures")
    listing.add_argument("name", nargs="?", help="one of any size, such as resnet8/48px-37c; all of the table without")
    listing.add_argument("--json", action="store_true", help="as JSON")

    shapes = top.add_parser("shapes", help="make shapes").add_subparsers(required=True, metavar="COMMAND")
    chairs = add(
        shapes, "chairs", commands.shapes_chairs, "write procedural chairs as meshes, and a table of their parameters"
    )
    chairs.add_argument("--count", type=int, default=16, help="how many")
    chairs.add_argument(
        "--first-seed", type=int, default=0, help="seed of the first; a seed gives the same chair everywhere"
    )
    chairs.add_argument("--format", choices=EXPORTS, default="glb", help="file format")
    chairs.add_argument("--out", type=Path, required=True, help="folder to write to")

    fusing = add(top, "fuse", commands.fuse_file, "fold the batch norms of a trained classifier, as a PRep needs it")
    fusing.add_argument("--arch", required=True, help="its architecture, see `archs`")
    fusing.add_argument("--state", type=Path, required=True, help="state dict: .safetensors, .pt or .pth")
    fusing.add_argument("--out", type=Path, required=True, help="file to write, .safetensors")
    image_folder(fusing)

    data = add(top, "images", commands.images, "list the image data sets, or load one and count its images")
    data.add_argument("name", nargs="?", help="of a data set, or of an image folder given by --folder")
    data.add_argument("--folder", type=Path, help="where it is; else it is looked for in NETSPACE_DATA and data/")
    data.add_argument("--download", action="store_true", help="fetch it first")

    zoo = top.add_parser("zoo", help="make zoos of networks").add_subparsers(required=True, metavar="COMMAND")
    fit = add(zoo, "fit-sdf", commands.zoo_fit_sdf, "fit a SIREN to every shape of a set")
    fit.add_argument("--out", type=Path, required=True, help="folder of the zoo")
    what = fit.add_mutually_exclusive_group(required=True)
    what.add_argument("--chairs", type=int, metavar="N", help="procedural chairs of N consecutive seeds")
    what.add_argument("--meshes", type=Path, metavar="FOLDER", help="every mesh file below a folder")
    fit.add_argument("--first-seed", type=int, default=0, help="seed of the first procedural chair")
    fit.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    fit.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (CPU)")
    fit.add_argument("--group", type=int, default=0, help="networks fitted at once; 0: 1 on a CPU, 64 elsewhere")
    long_job(fit)
    device(fit)
    add_fields(fit, FitConfig, recipe)
    cnn = add(zoo, "fit-cnn", commands.zoo_fit_cnn, "train image classifiers")
    cnn.add_argument("--out", type=Path, required=True, help="folder of the zoo")
    image_folder(cnn)
    cnn.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    cnn.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (CPU)")
    cnn.add_argument("--group", type=int, default=0, help="networks trained at once; 0: 1 on a CPU, 33 elsewhere")
    long_job(cnn)
    device(cnn)
    add_fields(cnn, CnnConfig, recipe)
    thumbnails = add(
        zoo, "thumbnails", commands.zoo_thumbnails, "draw the pictures that the app shows of a zoo's SDF networks"
    )
    thumbnails.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    part = add(zoo, "select", commands.zoo_select, "write part of a zoo as a zoo of its own")
    part.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    part.add_argument("--train", type=int, required=True, help="how many training networks of every architecture")
    part.add_argument("--validation", type=int, default=0, help="how many validation networks of each")
    part.add_argument("--heldout", type=int, required=True, help="how many held-out networks of each")
    part.add_argument("--arch", action="append", help="only of this architecture (again for more); the family stays")
    part.add_argument("--spread", action="store_true", help="evenly spread over each split instead of its first")
    part.add_argument("--out", type=Path, required=True, help="folder to write to")
    added = add(zoo, "add", commands.zoo_add, "append a run's best network to a zoo, in the zoo's precision")
    added.add_argument("--zoo", type=Path, required=True, help="folder of the zoo")
    added.add_argument("--run", type=Path, required=True, help="folder of the run", dest="run_folder")
    added.add_argument("--name", help="name in the zoo; without it that of the run's folder")
    imported = add(zoo, "import", commands.zoo_import, "write networks made elsewhere as a zoo")
    imported.add_argument("source", type=Path, help="folder, zip or file: state dicts in any usual format, ONNX models")
    imported.add_argument("--out", type=Path, required=True, help="folder of the zoo")
    imported.add_argument("--arch", help="their architecture, if their layers leave several, see `archs`")
    imported.add_argument("--space", type=Path, help="space that is to read them: others are refused")
    imported.add_argument("--among", type=Path, metavar="ZOO", help="the space's zoo, among which they are placed")
    imported.add_argument("--json", action="store_true", help="as JSON")
    files = imported.add_argument_group("which files")
    files.add_argument("--pattern", default="", metavar="GLOB", help="only files whose path matches")
    files.add_argument("--limit", type=int, default=0, help="at most so many networks; 0: all")
    files.add_argument("--prefix", default="", help="state dict to read if a file holds several, such as ema")
    declared = imported.add_argument_group(
        "what state dicts do not say",
        "What is neither declared here, nor in a network.json beside a file, nor can be detected, is asked for: the "
        "file is refused, and the reason names the option that says it.",
    )
    declared.add_argument("--as", dest="made_as", choices=sorted(CONVENTIONS), help=_conventions(CONVENTIONS))
    declared.add_argument(
        "--like", type=Path, metavar="ONNX", help="ONNX model of one of them: its graph says it for all"
    )
    declared.add_argument("--activation", metavar="NAME", help="relu, leaky_relu0.2, gelu, ...; sin for SIRENs")
    declared.add_argument("--omega", type=float, help="factor in a SIREN's sines (30 in the paper)")
    declared.add_argument("--omega-first", type=float, help="that of its first layer, if it is another")
    declared.add_argument(
        "--encoding", metavar="NAME", help="positional encoding of a field, such as pe6 or pe6pi; none"
    )
    declared.add_argument("--inside", choices=INSIDE, help="sign of a field's values inside the shape")
    declared.add_argument("--level", type=float, help="value of a field at the surface (0)")
    declared.add_argument("--field", choices=(SDF, OCCUPANCY), help="values are distances, or only their sign counts")
    declared.add_argument("--box", type=float, help="half edge of the cube that a field lives in (1)")
    declared.add_argument(
        "--mean",
        metavar="NUMBERS",
        help=f"normalisation of a classifier's images: {', '.join(NORMALISATIONS)}, or 1 or 3 numbers",
    )
    declared.add_argument("--std", metavar="NUMBERS", help="its standard deviations, of pixels from 0 to 1")
    declared.add_argument(
        "--classes",
        metavar="FILE",
        help="names of a classifier's classes in its order, one per line; or sorted, or wnids",
    )
    declared.add_argument("--pool", choices=("global", "8x8"), help="average pooling of a ResNet")
    declared.add_argument("--norm-eps", type=float, help="epsilon of batch norms (1e-5)")
    declared.add_argument("--shortcut", choices=SHORTCUTS, help="of a ResNet without projections")
    imported.add_argument(
        "--reference", type=Path, metavar="ONNX",
        help="ONNX model of the network, or a folder of such, named as the networks: outputs are compared",
    )  # fmt: skip
    image_folder(imported)
    device(imported)
    joined = add(zoo, "join", commands.zoo_join, "write several zoos as one, a family of all their architectures")
    joined.add_argument("--zoo", type=Path, action="append", required=True, help="folder of a zoo; again for each")
    joined.add_argument("--out", type=Path, required=True, help="folder to write to")
    annotated = add(zoo, "annotate", commands.zoo_annotate, "add columns to a zoo's table, by its networks' names")
    annotated.add_argument("--zoo", type=Path, required=True, help="folder of the zoo")
    annotated.add_argument("--table", type=Path, required=True, help="file of a row per network: .csv, .tsv, .parquet")
    annotated.add_argument("--key", metavar="COLUMN", help="column of names; default: name, or the one that names most")

    training = add(top, "train", commands.train, "learn a space of a zoo's networks")
    training.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    training.add_argument("--out", type=Path, required=True, help="folder of the run, which becomes the space")
    image_folder(training)
    training.add_argument("--start", type=Path, help="folder of a space to go on from, made with the same settings")
    teacher(training)
    training.add_argument("--resume", action="store_true", help="go on with an unfinished run, to the same numbers")
    long_job(training)
    device(training)
    add_fields(training, TrainConfig, recipe)

    optimisation = add(top, "lso", commands.lso, "optimise an embedding until its network does what is asked")
    space_and_zoo(optimisation)
    optimisation.add_argument(
        "--start", required=True, metavar="WHERE",
        help="name of a network; mean or noise, of the training networks' embeddings; at:X,Y, a point of the map",
    )  # fmt: skip
    optimisation.add_argument("--out", type=Path, required=True, help="folder of the run")
    teacher(optimisation)
    optimisation.add_argument("--target", metavar="SHAPE", help="SDFs: shape to fit, a mesh file or chair:SEED")
    optimisation.add_argument(
        "--want", default="", metavar="ARCH",
        help="several architectures: the one to pull towards; any: none; else that of the network it starts from",
    )  # fmt: skip
    image_folder(optimisation)
    optimisation.add_argument("--resume", action="store_true", help="go on with a stopped run, to the same numbers")
    device(optimisation)
    long_job(optimisation)
    add_fields(optimisation, LsoConfig, recipe)

    comparison = add(top, "compare", commands.compare, "compare latent space optimisations that have ended")
    comparison.add_argument("run_folders", type=Path, nargs="+", metavar="RUN", help="folder of a run")
    comparison.add_argument("--json", action="store_true", help="as JSON")

    evaluation = add(top, "eval", commands.evaluate, "measure how well a space reproduces the networks of a zoo")
    space_and_zoo(evaluation)
    evaluation.add_argument("--json", action="store_true", help="as JSON: medians by split")
    evaluation.add_argument("--rows", type=Path, help="also write a row a network to this CSV file")
    evaluation.add_argument(
        "--save", action="store_true", help="also keep eval.json and eval.csv in the space's folder: the app shows them"
    )
    evaluation.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=64, help="cells of the grid along an axis"
    )
    evaluation.add_argument("--limit", type=int, default=0, help="at most so many networks of each split; 0: all")
    evaluation.add_argument("--pairs", type=int, default=0, help="also walk the paths between N pairs of networks")
    image_folder(evaluation)
    device(evaluation)

    jobs = top.add_parser("jobs", help="look after zoos and spaces in the making").add_subparsers(
        required=True, metavar="COMMAND"
    )
    table = add(jobs, "list", commands.jobs_list, "list long jobs, newest first: what they are and how far")
    table.add_argument(
        "folders", nargs="*", type=Path, help="where to look; else in assets/, runs/ and NETSPACE_FOLDERS"
    )
    table.add_argument("--json", action="store_true", help="as JSON")
    stopping = add(jobs, "stop", commands.jobs_stop, "ask a job to stop; what it finished is kept")
    stopping.add_argument("folder", type=Path, help="the folder it writes to")
    going_on = add(jobs, "resume", commands.jobs_resume, "go on with a job that ended early, in the background")
    going_on.add_argument("folder", type=Path, help="the folder it writes to")

    embedding = add(
        top, "embed", commands.write_embeddings, "write the embeddings of a zoo's networks as a Parquet table"
    )
    space_and_zoo(embedding)
    embedding.add_argument("--out", type=Path, required=True, help="file to write, .parquet")
    embedding.add_argument("--map", choices=("pca", "umap"), help="with columns x and y: places on a map")
    embedding.add_argument(
        "--among", type=Path, metavar="ZOO",
        help="place them on the map of this zoo instead, and tell which are off the manifold of its training networks",
    )  # fmt: skip
    image_folder(embedding)
    add_fields(embedding, UmapConfig, recipe)
    device(embedding)

    ways = add(
        top, "directions", commands.directions, "how well a zoo's columns can be read off embeddings, and moved along"
    )
    space_and_zoo(ways)
    ways.add_argument("--column", help="only this column of the zoo's table")
    ways.add_argument("--networks", type=int, default=0, help="move so many unseen SDF networks and measure the meshes")
    ways.add_argument("--kind", help="of these only those of a kind: chair or stool")
    ways.add_argument("--json", action="store_true", help="as JSON")
    device(ways)

    path = add(
        top,
        "interpolate",
        commands.interpolate,
        "write a path: its meshes or networks, path.csv and a picture",
    )
    space_and_zoo(path)
    path.add_argument("--a", required=True, metavar="ID", help="name of the network at gamma 0")
    path.add_argument("--b", required=True, metavar="ID", help="name of the network at gamma 1")
    path.add_argument("--method", choices=METHODS, default="latent", help="way to go from one to the other")
    path.add_argument("--steps", type=int, default=9, help="networks along the path, ends included")
    path.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=128, help="cells of the grid along an axis"
    )
    path.add_argument("--format", choices=EXPORTS, default="ply", help="mesh file format (SDFs)")
    image_folder(path)
    path.add_argument("--out", type=Path, required=True, help="folder to write to")
    device(path)
    return parser


def _conventions(known: dict) -> str:
    return "; ".join(f"{name}: {convention.words}" for name, convention in sorted(known.items()))


def usable_device(name: str) -> str:
    """The device that `auto` stands for, or the one named; UsageError if this machine does not have it."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.ones(2, device=name).add(1).sum().item() != 4:  # some devices hold tensors and compute nothing
            raise RuntimeError("it computes nothing")
    except Exception as error:  # every backend that is missing raises another kind
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(f"--device {name} is not usable here: {why}") from error
    return name


COUNTS = {
    "count": (1, MOST_ROWS), "chairs": (1, MOST_ROWS), "first_seed": (0, MOST_SEED), "train": (0, MOST_ROWS),
    "validation": (0, MOST_ROWS), "heldout": (0, MOST_ROWS), "limit": (0, None), "pairs": (0, 100_000),
    "group": (0, MOST_ROWS), "workers": (0, 1024), "networks": (0, MOST_ROWS),
}  # fmt: skip
"""smallest and largest value of options that are no fields of a config"""
MOST_STEPS = 10_000
"""networks of a path"""


def check_counts(args: argparse.Namespace) -> None:
    """Raise ValueError, with the option's name, unless every count that was given is within its limits."""
    limits = COUNTS | ({"steps": (None, MOST_STEPS)} if args.run is commands.interpolate else {})
    for name, (least, most) in limits.items():
        value = getattr(args, name, None)
        if isinstance(value, int):
            check_number(f"--{name.replace('_', '-')}", value, {"least": least, "most": most})


@contextmanager
def as_job(args: argparse.Namespace, argv: Sequence[str]):
    """Inside, a command that takes long is the job of its folder."""
    if "queue" not in args:
        yield
        return
    with runs.running(args.out, args.kind, argv, queue=args.queue) as args.job:
        yield


def main(argv: Sequence[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    asked.add_argument("--recipe")
    args = build_parser(asked.parse_known_args(argv)[0].recipe).parse_args(argv)
    try:
        with as_job(args, argv):
            if "device" in args:
                args.device = usable_device(args.device)
            check_counts(args)
            args.run(args)
    except (ValueError, KeyError, OSError) as error:
        print(f"netspace: {runs.sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = "; what was finished is kept, --resume goes on" if "resume" in args else ""
        print(f"netspace: stopped{kept}", file=sys.stderr)
        return 130
    return 0


def entry() -> None:
    """The program `netspace`: exits with 0, 2 for a user's mistake, or 130 when it was stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside it stops with the same care
    sys.exit(main())
