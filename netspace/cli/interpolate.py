"""Write a path between two networks: its meshes, networks or pictures, path.csv and a picture of it.

Examples:
    netspace interpolate --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --a chair-0000 --b chair-0287 --out runs/path
    netspace interpolate --space assets/digits/space --zoo assets/digits/zoo \\
        --a resnet8-001 --b resnet8-079 --method weights --out runs/path
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..io import refuse_others
from .options import Count, add_device, add_image_folder, add_space_and_zoo, open_both

if TYPE_CHECKING:
    from ..latent.paths import Method

NAME, HELP = "interpolate", "write a path: its meshes or networks, path.csv and a picture"
MOST_STEPS = 10_000
"""networks of a path"""
FILM_SIZE, MOST_FRAMES = 240, 9
"""pixels along a side of a frame of its picture, and frames"""


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ..geometry.mesh import EXPORTS, RESOLUTIONS
    from ..latent.paths import METHODS

    add_space_and_zoo(parser)
    parser.add_argument("--a", required=True, metavar="ID", help="name of the network at gamma 0")
    parser.add_argument("--b", required=True, metavar="ID", help="name of the network at gamma 1")
    parser.add_argument("--method", choices=METHODS, default="latent", help="interpolation method")
    parser.add_argument(
        "--steps", action=Count, least=None, most=MOST_STEPS, default=9,
        help="networks along the path, ends included",
    )  # fmt: skip
    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=128, help="cells of the grid along an axis"
    )
    parser.add_argument("--format", choices=EXPORTS, default="ply", help="mesh file format (SDFs)")
    add_image_folder(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    import pandas as pd

    from ..latent.paths import METHODS, gammas
    from ..tasks import task_of

    space, zoo = open_both(args)
    refuse_others(args.out)
    zoo.check_finite([zoo.index(key) for key in (args.a, args.b)])
    a, b = (zoo[key].to(space.device) for key in (args.a, args.b))
    positions = gammas(args.steps)
    networks = METHODS[args.method].open(space, a, b).networks(positions)
    args.out.mkdir(parents=True, exist_ok=True)
    task = task_of(space)
    data = task.data(a.arch, "test", args.data)
    measure = task.measuring(a, b, data, args.resolution)
    rows, steps = [], []
    for i, (gamma, network) in enumerate(zip(positions, networks, strict=True)):
        step = measure(network)
        file = task.write(step, network, args.out / f"{i:03d}", args.format)
        rows.append({"gamma": gamma} | step.row | {task.file[0]: file})
        steps.append(step)
        print(f"gamma {gamma:.3f}: {step.words}", flush=True)
    pd.DataFrame(rows).to_csv(args.out / "path.csv", index=False)
    method = METHODS[args.method]
    try:
        draw = task.artist(FILM_SIZE, method.look.colour)
        if draw:
            drawn = write_film(args.out / "path.png", [step.shown for step in steps], draw)
        else:
            ends = {name: measure(end).row[task.score] for name, end in ((f"A: {args.a}", a), (f"B: {args.b}", b))}
            found = [row[task.score] for row in rows]
            drawn = write_curve(args.out, method, positions, found, ends, *task.scale(data))
    except ImportError as error:
        drawn = f" and no picture ({error.name} is not installed)"
    without = sum(not row[task.file[0]] for row in rows)
    lacking = f"; {without} steps without a {task.lacking}" if task.lacking else ""
    print(f"wrote {len(rows) - without} {task.file[1]}, path.csv{drawn} to {args.out}{lacking}")


def write_film(path: Path, shown: Sequence, draw: Callable) -> str:
    """Write a picture of at most nine steps of a path; returns what was written, in words."""
    from PIL import Image

    from ..export.film import film_strip

    count = min(len(shown), MOST_FRAMES)
    some = [shown[round(k * (len(shown) - 1) / (count - 1))] for k in range(count)]
    Image.fromarray(film_strip([None if one is None else draw(one) for one in some], FILM_SIZE)).save(path)
    return f" and {path.name}"


def write_curve(
    folder: Path, method: Method, positions: Sequence[float], found: Sequence[float], ends: Mapping[str, float],
    about: str, chance: float,
) -> str:  # fmt: skip
    """Write figures of a score along a path; returns what was written, in words."""
    from ..export.figures import accuracy_figure

    for kind in ("png", "pdf"):
        accuracy_figure(
            folder / f"path.{kind}", positions, {method.name: found}, {method.name: method.title}, ends, chance, about,
            kind,
        )  # fmt: skip
    return ", path.png and path.pdf"
