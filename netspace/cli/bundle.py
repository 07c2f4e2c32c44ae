"""Write paths, map, scorecard and cards of a space as one HTML file that opens by double click, without this program.

It needs no network and no server: all methods and numbers along the paths in the app's own viewer, the map with search
and a card for every network, and how each thing was made. A link into it restores a view. A file of more than 30 MB
becomes a zip of a folder, FILE.zip: unpack it and open its index.html. Shapes are kept as the app shows them while one
drags, 64 cells along an axis: ten paths of 33 steps by all methods take about 9 MB. Its command stands in it without
the places of this machine: of an absolute path the last two parts, or what follows the current or the home directory.

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
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import MissingPackage, UsageError
from ..folders import APP, placeless
from ..latent.paths import METHODS, PATH_STEPS
from ..outputs import check_bundle
from ..zoo.store import Zoo
from .options import add_image_folder, add_space_and_zoo, command_line
from .outputs import Output
from .parser import Count

NAME, HELP = "bundle", "write paths, map and scorecard as one HTML file that opens without this program"
MOST_BUNDLED = 1000
"""paths of a bundle"""
MOST_BUNDLE_STEPS = 201


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument("--pairs", nargs="+", action="extend", default=[], metavar="A:B", help="paths by their ends")
    parser.add_argument(
        "--random", action=Count, most=MOST_BUNDLED, default=0, metavar="N",
        help="paths between so many random pairs of training networks",
    )  # fmt: skip
    parser.add_argument("--seed", action=Count, default=0, help="by which --random draws them")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=[], help="interpolation methods; else all that lead there"
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
    from ..space.space import load

    if find_spec("streamlit") is None:
        raise MissingPackage("a bundle holds views of the app, which needs streamlit: pip install 'netspace[app]'")
    for path in (args.out, args.out.with_suffix(".zip")):
        check_bundle(path)
    space, zoo = load(args.space, "cpu"), Zoo.load(args.zoo)
    space.check_family(zoo.family)
    pairs = _pairs(args, zoo)
    for a, b in pairs:
        zoo.check_finite([a, b])
        check_methods(zoo, a, b, args.methods)
    asked = {name: getattr(args, name) for name in ("methods", "steps", "map")} | {"pairs": pairs}
    asked |= {name: str(getattr(args, name)) for name in ("space", "zoo", "out")}
    _write(
        args, asked | {"score": list(map(str, args.score)), "command": command_line(list(map(placeless, args.argv)))}
    )


def _pairs(args: argparse.Namespace, zoo: Zoo) -> list[tuple[int, int]]:
    """The ids of A and B of every path."""
    if bool(args.pairs) == bool(args.random):
        raise UsageError("name the paths by --pairs A:B, or have some drawn by --random N")
    return [named_pair(zoo, words) for words in dict.fromkeys(args.pairs)] or drawn_pairs(zoo, args.random, args.seed)


def named_pair(zoo: Zoo, words: str) -> tuple[int, int]:
    """Return the ids of a pair A:B, whose names may hold colons. UsageError if it is none, or names another network."""
    cuts = [(words[:k], words[k + 1 :]) for k, letter in enumerate(words) if letter == ":"]
    names = set(zoo.records.name)
    fitting = [ends for ends in cuts if set(ends) <= names] or cuts
    if not cuts:
        raise UsageError(f"--pairs {words[:200]!r} is no pair; name two networks as A:B")
    a, b = fitting[0]
    return zoo.index(a), zoo.index(b)


def drawn_pairs(zoo: Zoo, count: int, seed: int) -> list[tuple[int, int]]:
    """Return the ids of different pairs of training networks (of all, if there are none), drawn by a seed.

    Raises:
        UsageError: there are fewer.
    """
    from ..zoo.store import TRAIN

    ids = [i for i in zoo.ids(TRAIN) or range(len(zoo)) if i not in zoo.not_finite]
    most = len(ids) * (len(ids) - 1)
    if count > most:
        raise UsageError(f"--random {count} is more than the {most} pairs of {len(ids)} training networks")
    draw, found = random.Random(seed), dict[tuple[int, int], None]()
    while len(found) < count:
        a, b = draw.sample(ids, 2)
        found[a, b] = None
    return list(found)


def check_methods(zoo: Zoo, a: int, b: int, methods: Sequence[str]) -> None:
    """Raise UsageError, saying why, if one of the methods does not lead from A to B."""
    for name in methods:
        reason = METHODS[name].applies(zoo[a], zoo[b])
        if reason:
            between = " to ".join(zoo.records.name[i] for i in (a, b))
            raise UsageError(f"--methods {name} does not lead from {between}: {reason}")


def _write(args: argparse.Namespace, asked: Mapping[str, Any]) -> None:
    """Have a process of the app write the bundle, and say what it wrote."""
    paths = os.pathsep.join(filter(None, (str(APP), os.environ.get("PYTHONPATH", ""))))
    environment = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
    if args.data:
        places = [str(args.data.expanduser().absolute()), os.environ.get("NETSPACE_DATA", "")]
        environment["NETSPACE_DATA"] = os.pathsep.join(filter(None, places))
    words = [sys.executable, "-m", "app.bundle"]
    ended = subprocess.run(words, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, env=environment)
    if ended.returncode:
        raise UsageError(f"nothing was written: the process that makes the bundle ended with status {ended.returncode}")
    answer = json.loads(ended.stdout.splitlines()[-1])
    if "error" in answer:
        raise UsageError(answer["error"])
    why = ": as one HTML file it would exceed 30 MB; unpack it and open its index.html" if answer["large"] else ""
    print(f"{answer['written']} ({answer['bytes'] / 1e6:.1f} MB){why}")
