"""Write a path between two networks: its meshes or networks, path.csv and a picture.

Examples:
    netspace interpolate --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --a chair-0000 --b chair-0287 --out runs/path
    netspace interpolate --space assets/digits/space --zoo assets/digits/zoo \\
        --a resnet8-001 --b resnet8-079 --method weights --out runs/path
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..io import atomic_write, refuse_others
from .options import Count, add_device, add_image_folder, add_space_and_zoo, open_both

NAME, HELP = "interpolate", "write a path: its meshes or networks, path.csv and a picture"
MOST_STEPS = 10_000
"""networks of a path"""


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
    from ..latent.paths import METHODS, gammas

    space, zoo = open_both(args)
    refuse_others(args.out)
    zoo.check_finite([zoo.index(key) for key in (args.a, args.b)])
    a, b = (zoo[key].to(space.device) for key in (args.a, args.b))
    positions = gammas(args.steps)
    networks = METHODS[args.method].open(space, a, b).networks(positions)
    args.out.mkdir(parents=True, exist_ok=True)
    walk = walk_classifiers if a.arch.task == "classification" else walk_surfaces
    walk(args, a, b, positions, networks)


def walk_surfaces(args: argparse.Namespace, a, b, positions: Sequence[float], networks: Sequence) -> None:
    """Write the meshes along a path between SDFs, path.csv and path.png."""
    import pandas as pd
    from PIL import Image

    from ..evaluate.paths import measure
    from ..export.figures import COLOURS
    from ..export.film import film_strip
    from ..geometry.mesh import surface_or_none, write

    ends = [surface_or_none(network, args.resolution) for network in (a, b)]
    rows, meshes = [], []
    for i, (gamma, network) in enumerate(zip(positions, networks, strict=True)):
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


def walk_classifiers(args: argparse.Namespace, a, b, positions: Sequence[float], networks: Sequence) -> None:
    """Write the networks along a path between classifiers, path.csv with their accuracies, path.png and path.pdf."""
    import pandas as pd
    from safetensors.torch import save

    from ..data.images import load_images
    from ..export.figures import accuracy_figure
    from ..latent.paths import METHODS
    from ..tasks.distillation import check_classes
    from ..tasks.measures import accuracy, classify, wilson

    images = load_images(a.arch.data, "test", args.data)
    check_classes(a.arch, images)
    rows = []
    for i, (gamma, network) in enumerate(zip(positions, networks, strict=True)):
        share, file = accuracy(classify(network, images), images.labels), f"{i:03d}.safetensors"
        low, high = wilson(round(share * len(images)), len(images))
        with atomic_write(args.out / file) as path:
            path.write_bytes(save({name: p.detach().cpu().contiguous() for name, p in network.params.items()}))
        rows.append({"gamma": gamma, "accuracy": share, "low": low, "high": high, "arch": network.arch.name})
        rows[-1]["network"] = file
        several = f", {network.arch.name}" if a.arch != b.arch else ""
        print(f"gamma {gamma:.3f}: accuracy {share:.3f} ({low:.3f} to {high:.3f}){several}", flush=True)
    pd.DataFrame(rows).to_csv(args.out / "path.csv", index=False)
    method, found = METHODS[args.method], [row["accuracy"] for row in rows]
    ends = {key: accuracy(classify(n, images), images.labels) for key, n in ((f"A: {args.a}", a), (f"B: {args.b}", b))}
    about = f"accuracy on the {len(images)} test images of {a.arch.data}"
    for kind in ("png", "pdf"):
        accuracy_figure(
            args.out / f"path.{kind}", positions, {args.method: found}, {args.method: method.title}, ends,
            1 / len(images.classes), about, kind,
        )  # fmt: skip
    print(f"wrote {len(rows)} networks, path.csv, path.png and path.pdf to {args.out}")
