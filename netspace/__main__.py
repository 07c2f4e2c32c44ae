"""python -m netspace: everything the app shows, as commands."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from .archs import ARCHS, PAPER_WIDTH
from .prep import prep_size
from .zoo import HELDOUT, TRAIN, Zoo, replacing, select


class Refused(Exception):
    """Something the user asked for cannot be done; one sentence, exit code 2."""


def add_fields(parser: argparse.ArgumentParser, config: type, recipe: str | None) -> None:
    """An option for every field of a config dataclass, its help taken from the field, its default from a recipe."""
    from .recipes import RECIPES

    mine = [name for name, values in RECIPES.items() if isinstance(values, config)]
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


def read_fields(args: argparse.Namespace, config: type):
    return config(**{f.name: getattr(args, f.name) for f in fields(config)})


def command_line() -> str:
    """The command under way, to be kept with what it makes."""
    return shlex.join(["python", "-m", "netspace", *sys.argv[1:]])


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {seconds:02d} s"


# -- commands ------------------------------------------------------------------------------------------------------


def zoo_fit_sdf(args: argparse.Namespace) -> None:
    from .make_zoo import FitConfig, chair_sources, file_sources, make_sdf_zoo

    sources = file_sources(args.meshes) if args.meshes else chair_sources(args.chairs, args.first_seed)
    config = read_fields(args, FitConfig)
    problems, ious = [], []
    group = args.group or (1 if args.device == "cpu" else 64)
    lines = make_sdf_zoo(
        args.out, sources, config, resume=args.resume, workers=args.workers, group=group, device=args.device
    )
    for line in lines:
        if line.problem:
            problems.append(line.problem)
        else:
            ious.append(line.fit_iou)
            print(
                f"{line.done}/{line.total} {line.name} IoU {line.fit_iou:.3f}, {duration(line.seconds_left)} left",
                flush=True,
            )
    for problem in problems:
        print(f"skipped {problem}")
    if not ious and not args.resume:
        raise Refused("no network was fitted: every shape was skipped")
    if ious:
        ious.sort()
        middle, lowest = ious[len(ious) // 2], ious[0]
        print(f"fitted {len(ious)} networks: IoU to the ground truth median {middle:.3f}, lowest {lowest:.3f}")


def zoo_thumbnails(args: argparse.Namespace) -> None:
    from .picture import write_thumbnails

    zoo = Zoo.load(args.zoo)
    done = sum(1 for _ in write_thumbnails(zoo))
    print(f"drew {done} thumbnails into {args.zoo / 'thumbnails.webp'}")


def zoo_select(args: argparse.Namespace) -> None:
    zoo = Zoo.load(args.zoo)
    ids = sorted([*zoo.ids(TRAIN)[: args.train], *zoo.ids(HELDOUT)[: args.heldout]])
    select(zoo, ids, args.out)
    print(f"wrote {len(ids)} of {len(zoo)} networks to {args.out}")


def archs(args: argparse.Namespace) -> None:
    rows = [
        {"name": a.name, "data": a.data, "parameters": a.num_params, "prep": list(prep_size(a.num_params, PAPER_WIDTH))}
        for a in ARCHS.values()
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'name':12} {'data':8} {'parameters':>12}  PRep")
    for row in rows:
        print(f"{row['name']:12} {row['data']:8} {row['parameters']:>12,}  {row['prep'][0]} x {row['prep'][1]}")


def shapes_chairs(args: argparse.Namespace) -> None:
    import pandas as pd

    from .mesh import write
    from .shapes import chair, chair_params

    args.out.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in range(args.first_seed, args.first_seed + args.count):
        mesh, record = chair(chair_params(seed))
        write(mesh, args.out / f"chair-{seed:04d}.{args.format}")
        records.append({"name": f"chair-{seed:04d}", "seed": seed} | record)
    pd.DataFrame(records).to_csv(args.out / "chairs.csv", index=False)
    print(f"wrote {args.count} chairs and chairs.csv to {args.out}")


def train(args: argparse.Namespace) -> None:
    from .train import TrainConfig, fit

    zoo, config = Zoo.load(args.zoo), read_fields(args, TrainConfig)
    print(f"computing the targets' answers for {len(zoo)} networks", flush=True)
    lines = fit(zoo, config, args.out, start=args.start, resume=args.resume, device=args.device, command=command_line())
    for line in lines:
        terms = ", ".join(f"{name} {value:.2e}" for name, value in line.terms.items())
        agreement = ", ".join(
            f"{name.removesuffix('_agreement')} {value:.3f}"
            for name, value in line.measures.items()
            if "agreement" in name
        )
        left = line.seconds / line.step * (config.steps - line.step)
        print(
            f"step {line.step}/{config.steps}: {terms}; agreement {agreement}{' *' if line.best else ''}; "
            f"{duration(left)} left",
            flush=True,
        )


def evaluate(args: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd
    import torch

    from .evaluate import Reconstruction, reconstruct, summarise
    from .interpolate import METHODS

    torch.set_num_threads(1)
    space, zoo = open_both(args)
    ids = [i for split in (TRAIN, HELDOUT) for i in zoo.ids(split)[: args.limit or None]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = []
        for row in pool.map(lambda i: reconstruct(space, zoo, i, args.resolution), ids):
            rows.append(row)
            if sys.stderr.isatty():
                print(f"\r{len(rows)}/{len(ids)}", end="\r", file=sys.stderr)
    summary = summarise(rows) | ({"paths": path_summaries(space, zoo, args)} if args.pairs else {})
    tables = [args.rows] if args.rows else []
    if args.save:
        tables.append(args.space / "eval.csv")
        about = {"zoo": os.path.relpath(args.zoo, args.space), "command": command_line()}
        with replacing(args.space / "eval.json") as path:
            path.write_text(json.dumps(about | summary, indent=2) + "\n")
    for table in tables:
        with replacing(table) as path:
            pd.DataFrame(rows, columns=Reconstruction._fields).to_csv(path, index=False)
    if args.json:
        print(json.dumps(summary, indent=2))
        return
    paths = summary.pop("paths", {})
    for split, measures in summary.items():
        print(f"{split} ({measures['count']} networks)")
        for name, value in measures.items():
            if name != "count":
                print(f"  {name:24} {'not defined' if value is None else value}")
    for method, measures in paths.items():
        pairs = "1 pair" if measures["pairs"] == 1 else f"{measures['pairs']} pairs"
        print(f"{METHODS[method].title} between {pairs} of training networks")
        for name, value in measures.items():
            if name != "pairs":
                print(f"  {name:24} {value}")


def path_summaries(space, zoo: Zoo, args: argparse.Namespace) -> dict[str, dict]:
    """By method, what becomes of the surface between random pairs of training networks."""
    import random
    from concurrent.futures import ThreadPoolExecutor

    from .interpolate import METHODS, PATH_STEPS, gammas, measure, summarise_paths

    ids, draw = zoo.ids(TRAIN), random.Random(0)
    if len(ids) < 2:
        raise Refused(f"--pairs needs two training networks, {zoo.folder} has {len(ids)}")
    pairs = [draw.sample(ids, 2) for _ in range(args.pairs)]

    def components(method: str, a: int, b: int) -> list[int]:
        ends = (zoo[i].to(space.device) for i in (a, b))
        networks = METHODS[method].path(space, *ends, gammas(PATH_STEPS))
        return [measure(network, None, None, args.resolution).components for network in networks]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {
            method: summarise_paths(list(pool.map(lambda pair, m=method: components(m, *pair), pairs)))._asdict()
            for method in METHODS
        }


def embed(args: argparse.Namespace) -> None:
    import pandas as pd
    import torch

    space, zoo = open_both(args)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(zoo), 16):
            parts.append(space.encode(zoo.preps(range(start, min(start + 16, len(zoo)))).to(space.device)).cpu())
    z = torch.cat(parts).numpy()
    table = pd.DataFrame(z, columns=[f"z{k}" for k in range(z.shape[1])])
    table.insert(0, "name", zoo.records.name)
    table.insert(1, "split", zoo.records.split)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(args.out) as path:
        table.to_parquet(path, index=False)
    print(f"wrote {len(table)} embeddings of size {z.shape[1]} to {args.out}")


def interpolate(args: argparse.Namespace) -> None:
    import pandas as pd
    from PIL import Image

    from .interpolate import METHODS, gammas, measure
    from .mesh import surface_or_none, write
    from .picture import COLOURS, film_strip

    space, zoo = open_both(args)
    a, b = (zoo[key].to(space.device) for key in (args.a, args.b))
    ends = [surface_or_none(network, args.resolution) for network in (a, b)]
    args.out.mkdir(parents=True, exist_ok=True)
    rows, meshes = [], []
    positions = gammas(args.steps)
    for i, (gamma, network) in enumerate(
        zip(positions, METHODS[args.method].path(space, a, b, positions), strict=True)
    ):
        step = measure(network, *ends, args.resolution)
        mesh = step.surface.mesh if step.surface else None
        file = f"{i:03d}.{args.format}" if mesh else ""
        if mesh:
            write(mesh, args.out / file)
        numbers = {"volume": step.volume, "area": step.area, "components": step.components}
        rows.append({"gamma": gamma} | numbers | {"iou_a": step.iou_a, "iou_b": step.iou_b, "mesh": file})
        meshes.append(mesh)
        print(
            f"gamma {gamma:.3f}: "
            + (f"volume {step.volume:.3f}, {step.components} components" if mesh else "no surface")
        )
    pd.DataFrame(rows).to_csv(args.out / "path.csv", index=False)
    count = min(len(meshes), 9)
    shown = [meshes[round(k * (len(meshes) - 1) / (count - 1))] for k in range(count)]
    picture = "path.png"
    try:
        Image.fromarray(film_strip(shown, COLOURS[args.method])).save(args.out / picture)
    except ImportError as error:
        picture = f"no picture ({error.name} is not installed)"
    without = sum(mesh is None for mesh in meshes)
    print(
        f"wrote {len(meshes) - without} meshes, path.csv and {picture} to {args.out}; {without} steps without a surface"
    )


def open_both(args: argparse.Namespace):
    """The space and the zoo a command names; ValueError where they do not belong together."""
    from .model import load

    space, zoo = load(args.space, args.device), Zoo.load(args.zoo)
    space.check_family(zoo.family)
    return space, zoo


# -- the parser ----------------------------------------------------------------------------------------------------


def build_parser(recipe: str | None = None) -> argparse.ArgumentParser:
    """The whole command line; options of the configs default to the recipe's values."""
    from .interpolate import METHODS
    from .make_zoo import FitConfig
    from .mesh import EXPORTS, RESOLUTIONS
    from .train import TrainConfig

    parser = argparse.ArgumentParser(prog="netspace", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(to, name: str, run, text: str) -> argparse.ArgumentParser:
        added = to.add_parser(name, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        added.set_defaults(run=run)
        return added

    def space_and_zoo(to: argparse.ArgumentParser) -> None:
        to.add_argument("--space", type=Path, required=True, help="folder of a trained space")
        to.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")

    def device(to: argparse.ArgumentParser) -> None:
        to.add_argument("--device", default="auto", help="cpu, cuda or mps; auto: cuda where there is one, else cpu")

    listing = add(commands, "archs", archs, "list the architectures")
    listing.add_argument("--json", action="store_true", help="as JSON")

    shapes = commands.add_parser("shapes", help="make shapes").add_subparsers(required=True, metavar="COMMAND")
    chairs = add(shapes, "chairs", shapes_chairs, "write procedural chairs as meshes, and a table of their parameters")
    chairs.add_argument("--count", type=int, default=16, help="how many")
    chairs.add_argument(
        "--first-seed", type=int, default=0, help="seed of the first; a seed gives the same chair everywhere"
    )
    chairs.add_argument("--format", choices=EXPORTS, default="glb", help="file format")
    chairs.add_argument("--out", type=Path, required=True, help="folder to write to")

    zoo = commands.add_parser("zoo", help="make zoos of networks").add_subparsers(required=True, metavar="COMMAND")
    fit = add(zoo, "fit-sdf", zoo_fit_sdf, "fit a SIREN to every shape of a set")
    fit.add_argument("--out", type=Path, required=True, help="folder of the zoo")
    what = fit.add_mutually_exclusive_group(required=True)
    what.add_argument("--chairs", type=int, metavar="N", help="procedural chairs of N consecutive seeds")
    what.add_argument("--meshes", type=Path, metavar="FOLDER", help="every mesh file below a folder")
    fit.add_argument("--first-seed", type=int, default=0, help="seed of the first procedural chair")
    fit.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    fit.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (CPU)")
    fit.add_argument("--group", type=int, default=0, help="networks fitted at once; 0: 1 on a CPU, 64 elsewhere")
    device(fit)
    add_fields(fit, FitConfig, recipe)
    thumbnails = add(zoo, "thumbnails", zoo_thumbnails, "draw the pictures that the app shows of a zoo's SDF networks")
    thumbnails.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    part = add(zoo, "select", zoo_select, "write the first networks of each split as a zoo of their own")
    part.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    part.add_argument("--train", type=int, required=True, help="how many training networks")
    part.add_argument("--heldout", type=int, required=True, help="how many held-out networks")
    part.add_argument("--out", type=Path, required=True, help="folder to write to")

    training = add(commands, "train", train, "learn a space of a zoo's networks")
    training.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    training.add_argument("--out", type=Path, required=True, help="folder of the run, which becomes the space")
    training.add_argument("--start", type=Path, help="folder of a space to go on from, made with the same settings")
    training.add_argument("--resume", action="store_true", help="go on with an unfinished run, to the same numbers")
    device(training)
    add_fields(training, TrainConfig, recipe)

    evaluation = add(commands, "eval", evaluate, "measure how well a space reproduces the networks of a zoo")
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
    evaluation.add_argument("--pairs", type=int, default=0, help="also walk the paths between N random training pairs")
    device(evaluation)

    embedding = add(commands, "embed", embed, "write the embeddings of a zoo's networks as a Parquet table")
    space_and_zoo(embedding)
    embedding.add_argument("--out", type=Path, required=True, help="file to write, .parquet")
    device(embedding)

    path = add(commands, "interpolate", interpolate, "write a path between two networks: meshes, path.csv and path.png")
    space_and_zoo(path)
    path.add_argument("--a", required=True, metavar="ID", help="name of the network at gamma 0")
    path.add_argument("--b", required=True, metavar="ID", help="name of the network at gamma 1")
    path.add_argument("--method", choices=METHODS, default="latent", help="way to go from one to the other")
    path.add_argument("--steps", type=int, default=9, help="networks along the path, ends included")
    path.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=128, help="cells of the grid along an axis"
    )
    path.add_argument("--format", choices=EXPORTS, default="ply", help="mesh file format")
    path.add_argument("--out", type=Path, required=True, help="folder to write to")
    device(path)
    return parser


def usable_device(name: str) -> str:
    """The device that `auto` stands for, or the one named; Refused where this machine does not have it."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise Refused(f"--device {name} is not usable here: {str(error).splitlines()[0]}") from error
    return name


def main(argv: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    asked.add_argument("--recipe")
    args = build_parser(asked.parse_known_args(argv)[0].recipe).parse_args(argv)
    try:
        if "device" in args:
            args.device = usable_device(args.device)
        for name in ("count", "train", "heldout", "limit", "pairs", "group", "workers"):
            if getattr(args, name, 0) < 0:
                raise Refused(f"--{name} is {getattr(args, name)}, it cannot be negative")
        args.run(args)
    except (Refused, ValueError, KeyError, OSError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        print(f"netspace: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = "; what was finished is kept, --resume goes on" if "resume" in args else ""
        print(f"netspace: stopped{kept}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside it stops with the same care
    sys.exit(main())
