"""Write the embeddings of a zoo's networks as a Parquet table, also with their places on a map.

Examples:
    netspace embed --space assets/digits/space --zoo assets/digits/zoo --out runs/embeddings.parquet
    netspace embed --space assets/chairs/space-probe --zoo runs/theirs --among assets/chairs/zoo --map pca \\
        --out runs/theirs.parquet
    netspace embed --space assets/digits/space --zoo assets/digits/zoo --map pca --figure runs/map.svg \\
        --out runs/embeddings.parquet
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnknownName, UsageError
from ..zoo.store import Zoo
from .options import add_device, add_fields, add_image_folder, add_space_and_zoo, open_both, read_fields
from .outputs import Output
from .placing import check_reference, counted, images_of, place_among, placement_columns, print_placements

if TYPE_CHECKING:
    import numpy as np

NAME, HELP = "embed", "write the embeddings of a zoo's networks as a Parquet table"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ..latent.projection import UmapConfig

    add_space_and_zoo(parser)
    parser.add_argument("--out", action=Output, suffixes=[".parquet"], required=True, help="file to write, .parquet")
    parser.add_argument("--map", choices=("pca", "umap"), help="with columns x and y: places on a map")
    parser.add_argument(
        "--figure", action=Output, suffixes=[".png", ".svg", ".pdf"], help="also draw the map, at print size"
    )
    parser.add_argument("--colour", metavar="COLUMN", help="column of the zoo's table that colours it; else arch")
    parser.add_argument(
        "--among", type=Path, metavar="ZOO",
        help="place them on the map of this zoo instead, and tell which are off the manifold of its training networks",
    )  # fmt: skip
    add_image_folder(parser)
    add_fields(parser, UmapConfig)
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..kept import cache_folder
    from ..latent.embeddings import embed_zoo, embeddings_table
    from ..latent.embeddings import write_embeddings as write
    from ..latent.projection import Plane, UmapConfig, UmapMap

    config = read_fields(args, UmapConfig)
    space, zoo = open_both(args)
    _check_figure(args, zoo)
    z = embed_zoo(space, zoo, cache_folder(), counted("embedded"))
    table, words = embeddings_table(zoo, z), ""
    lost = set(zoo.unreadable)
    for i in zoo.not_finite:
        why = "cannot be read" if i in lost else "are not finite"
        print(f"{zoo.records.name[i]} has weights that {why}: its embedding is not a number")
    whole = Zoo.load(args.among) if args.among else None
    if whole:
        check_reference(space, whole)
    if args.map:
        projection: Any
        reference = embed_zoo(space, whole, cache_folder()) if whole else z
        projection = Plane.of(reference) if args.map == "pca" else UmapMap.of(reference, config, cache_folder())
        places = projection.place(z) if args.map == "pca" or whole else projection.places
        table.insert(3, "x", places[:, 0].numpy())
        table.insert(4, "y", places[:, 1].numpy())
        words = f", and their places on a map by {args.map.upper()}"
        if args.figure:
            behind = projection.place(reference) if args.map == "pca" else projection.places
            _draw(args, zoo, places.numpy(), behind.numpy() if whole else places.numpy()[:0])
            words += f", drawn in {args.figure},"
    placed = place_among(space, zoo, whole, images_of(space.family.archs[0], data=args.data)) if whole else []
    if placed:
        for name, values in placement_columns(placed).items():
            table.insert(table.columns.get_loc("z0"), name, values)
    write(args.out, table)
    print_placements(placed)
    print(f"wrote {len(table)} embeddings of size {z.shape[1]}{words} to {args.out}")


def _check_figure(args: argparse.Namespace, zoo: Zoo) -> None:
    """Raise UsageError or UnknownName unless a map can be drawn as it was asked for."""
    if args.figure and not args.map:
        raise UsageError("--figure draws a map: choose one with --map")
    if args.colour and not args.figure:
        raise UsageError("--colour is for --figure")
    if args.colour and args.colour not in zoo.records:
        raise UnknownName(f"{args.zoo} has no column {args.colour!r}; choose from {', '.join(zoo.records)}")


def _draw(args: argparse.Namespace, zoo: Zoo, places: np.ndarray, behind: np.ndarray) -> None:
    """Draw networks of a zoo at their places (n, 2), before those `behind` (m, 2), as --figure."""
    from ..export.map_figure import zoo_map_figure

    kind, about = args.figure.suffix.removeprefix(".").lower(), f"{len(zoo)} networks of {args.zoo}"
    zoo_map_figure(args.figure, zoo, places, args.map.upper(), about, kind, behind, args.colour or "arch")
