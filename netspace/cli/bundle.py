"""Write paths, map, scorecard and cards of a space as one HTML file that opens by double click, without this program.

It needs no network and no server: all methods and numbers along the paths in the app's own viewer, the map with search
and a card for every network, and how each thing was made. A link into it restores a view. A file of more than 30 MB
becomes a zip of a folder, FILE.zip: unpack it and open its index.html. Shapes are kept as the app shows them while one
drags, 64 cells along an axis: ten paths of 33 steps by all methods take about 15 MB. Commands stand in it as they were
typed, with the folders that they name.

Examples:
    netspace bundle --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --pairs chair-0086:chair-0120 --out runs/chairs.html
    netspace bundle --space assets/digits/space --zoo assets/digits/zoo \\
        --random 3 --seed 1 --methods latent aligned --map pca --out runs/digits.html
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import MissingPackage, UsageError
from ..folders import APP
from ..latent.paths import METHODS, PATH_STEPS
from .options import Count, add_image_folder, add_space_and_zoo, command_line
from .outputs import Output

NAME, HELP = "bundle", "write paths, map and scorecard as one HTML file that opens without this program"
MOST_BUNDLED = 1000
"""paths of a bundle"""
MOST_BUNDLE_STEPS = 201


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--pairs", nargs="+", action="extend", default=[], metavar="A:B", help="paths, each by its ends")
    chosen.add_argument(
        "--random", action=Count, most=MOST_BUNDLED, default=0, metavar="N",
        help="paths between so many random pairs of training networks",
    )  # fmt: skip
    parser.add_argument("--seed", action=Count, default=0, help="by which --random draws them")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=[], help="interpolation methods; else all that lead from A to B"
    )
    parser.add_argument(
        "--steps", action=Count, least=2, most=MOST_BUNDLE_STEPS, default=PATH_STEPS,
        help="networks along each path, ends included",
    )  # fmt: skip
    parser.add_argument("--map", choices=["umap", "pca", "none"], default="umap", help="map of all networks of the zoo")
    parser.add_argument(
        "--score", nargs="+", type=Path, action="extend", default=[], metavar="FOLDER",
        help="folders that score, audit or symmetry wrote of this space",
    )  # fmt: skip
    add_image_folder(parser)
    parser.add_argument(
        "--out", action=Output, suffixes=(".html", ".zip"), required=True, metavar="FILE.html", help="file to write"
    )


def run(args: argparse.Namespace) -> None:
    if find_spec("streamlit") is None:
        raise MissingPackage("a bundle holds views of the app, which needs streamlit: pip install 'netspace[app]'")
    asked = {name: getattr(args, name) for name in ("pairs", "random", "seed", "methods", "steps", "map")}
    asked |= {name: str(getattr(args, name)) for name in ("space", "zoo", "out")}
    asked |= {"score": list(map(str, args.score)), "command": command_line(args.argv)}
    environment = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": str(APP), "PYTHONSAFEPATH": "1"}
    environment["STREAMLIT_LOGGER_LEVEL"] = "error"  # nothing there runs in a session, which it would remark on
    if args.data:
        folders = [str(args.data.expanduser().absolute()), os.environ.get("NETSPACE_DATA", "")]
        environment["NETSPACE_DATA"] = os.pathsep.join(filter(None, folders))
    answered = subprocess.run(
        [sys.executable, "-m", "app.bundle"], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, env=environment
    )
    if answered.returncode:
        raise UsageError(f"the bundle was not written: its process ended with exit status {answered.returncode}")
    answer = json.loads(answered.stdout.splitlines()[-1])
    if "error" in answer:
        raise UsageError(answer["error"])
    why = ": as one HTML file it would exceed 30 MB; unpack it and open its index.html" if answer["large"] else ""
    print(f"{answer['written']} ({answer['bytes'] / 1e6:.1f} MB){why}")
