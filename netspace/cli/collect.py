"""Write all files of a path in one zip: weights, meshes or pictures, table, films, map, and a recipe.

From the recipe `netspace remake` makes the zip again, byte for byte if package versions are the same. What needs a
package that is not installed is left out, and a line says so.

Examples:
    netspace collect --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --a chair-0086 --b chair-0120 --out runs/chairs.zip
    netspace collect --space assets/digits/space --zoo assets/digits/zoo \\
        --a resnet8-001 --b resnet8-079 --method aligned --steps 9 --map none --out runs/digits.zip
"""

from __future__ import annotations

import argparse

from ..folders import placeless
from ..latent.paths import PATH_STEPS
from .options import add_device, add_image_folder, add_pair, add_space_and_zoo, open_both
from .outputs import Output
from .parser import Count

NAME, HELP = "collect", "write all files of a path in one zip, with a recipe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..export.collection import FASTEST, MAP_WAYS, MOST_COLLECTED
    from ..export.table import FPS
    from ..geometry.mesh import RESOLUTIONS

    add_space_and_zoo(parser)
    add_pair(parser)
    parser.add_argument(
        "--steps",
        action=Count,
        least=2,
        most=MOST_COLLECTED,
        default=PATH_STEPS,
        help="networks along the path, ends included",
    )
    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=64, help="cells of the grid along an axis (SDFs)"
    )
    parser.add_argument(
        "--fps", action=Count, least=1, most=FASTEST, default=FPS, help="frames per second of animations"
    )
    parser.add_argument("--map", choices=MAP_WAYS, default="pca", help="map of all networks of the zoo")
    add_image_folder(parser)
    parser.add_argument("--out", action=Output, suffixes=(".zip",), required=True, metavar="FILE.zip", help="to write")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..export.collection import Recipe, check_replaceable, write_collection

    check_replaceable(args.out)
    space, zoo = open_both(args)
    asked = {name: getattr(args, name) for name in ("a", "b", "method", "steps", "resolution", "fps", "map")}
    recipe = Recipe.of(space, zoo, (placeless(str(args.space)), placeless(str(args.zoo))), **asked)
    for line in write_collection(space, zoo, recipe, args.out, args.data):
        print(line, flush=True)
