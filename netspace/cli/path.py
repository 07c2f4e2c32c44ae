"""Write networks along a way through the space: their meshes, files or pictures, path.csv and a picture of all.

--export adds files of any other kind that this version knows: of all as path.*, or one per network.

From A to B, with --beyond also further; or one family of networks: mixtures of some, a spline through some, one moved
along the direction of a column of the zoo's table, or a - b + c.

Examples:
    netspace path --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --a chair-0086 --b chair-0120 --beyond 0.5 --out runs/beyond
    netspace path --space assets/digits/space --zoo assets/digits/zoo \\
        --a resnet8-078 --b resnet8-079 --method repaired --out runs/repaired
    netspace path --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --mix chair-0086 chair-0120 chair-0000 --out runs/mix
    netspace path --space assets/digits/space --zoo assets/digits/zoo \\
        --mix resnet8-001 resnet8-079 --weights 0.3 0.7 --out runs/mixture
    netspace path --space assets/digits/space --zoo assets/digits/zoo \\
        --spline resnet8-001 resnet8-041 resnet8-079 --out runs/spline
    netspace path --space assets/chairs/space-probe --zoo assets/chairs/zoo \\
        --direction seat_height --a chair-0003 --out runs/direction
    netspace path --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --arithmetic chair-0086 chair-0120 chair-0000 --out runs/sum
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..latent.paths import FIRST, METHODS
from .options import add_device, add_image_folder, add_space_and_zoo, export_words, open_both
from .outputs import Output
from .parser import Count

if TYPE_CHECKING:
    from ..export.path_files import StepsToWrite
    from ..latent.families import LatentFamily
    from ..space.space import NetSpace
    from ..zoo.store import Zoo

NAME, HELP = "path", "write networks between others, beyond them, mixed, or moved along a direction"
MOST_STEPS, MOST_ALONG_EDGE = 10_000, 100
"""networks of a path, and along an edge of a pad"""
MOST_FPS = 60
"""frames per second of an animation"""
USUAL_STEPS = 9
"""networks of a path unless asked otherwise"""
FAMILIES = ("mix", "spline", "direction", "arithmetic")
"""options that each say which networks are written; without one of them it is the path from --a to --b"""
GOES_WITH = {
    "path": (("a", "b"), ("beyond", "method")),
    "mix": ((), ("weights",)),
    "spline": ((), ()),
    "direction": (("a",), ()),
    "arithmetic": ((), ()),
}
"""which of --a, --b, --method, --beyond and --weights each of them needs, and which it takes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument("--a", metavar="ID", help="network at gamma 0, or the one that --direction moves")
    parser.add_argument("--b", metavar="ID", help="network at gamma 1")
    parser.add_argument("--method", choices=METHODS, help=f"interpolation method from A to B; else {FIRST}")
    parser.add_argument(
        "--beyond", type=float, metavar="FACTOR", help="go on beyond A and B by this share of the path, such as 0.5"
    )
    family = parser.add_argument_group("families", "instead of the path from A to B, one of these")
    family.add_argument(
        "--mix", nargs="+", metavar="ID", help="weighted means: of three or four networks, spread over a pad"
    )
    family.add_argument(
        "--weights", nargs="+", type=float, metavar="W", help="with --mix: one mixture, of as many networks; sum to 1"
    )
    family.add_argument("--spline", nargs="+", metavar="ID", help="a smooth way through 2 to 12 networks, in order")
    family.add_argument("--direction", metavar="COLUMN", help="move --a along the direction of a column of the zoo")
    family.add_argument("--arithmetic", nargs=3, metavar="ID", help="from c to a - b + c, of three networks a, b and c")
    parser.add_argument(
        "--steps", action=Count, least=None, most=MOST_STEPS,
        help="networks from A to B, ends included, or of a family; of a pad, along an edge; "
        f"else {USUAL_STEPS}, and 7 along an edge of a pad of four",
    )  # fmt: skip
    add_files(parser)
    add_image_folder(parser)
    add_device(parser)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add --resolution, --format, --export, --fps and --out, which `write_asked` reads."""
    from ..export.table import FPS
    from ..geometry.mesh import MESH_KINDS, RESOLUTIONS

    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=128, help="cells of the grid along an axis"
    )
    parser.add_argument("--format", choices=MESH_KINDS, default="ply", help="mesh file format (SDFs)")
    parser.add_argument(
        "--export", nargs="+", action="extend", default=[], metavar="NAME", help=f"also write: {export_words()}"
    )
    parser.add_argument(
        "--fps", action=Count, least=1, most=MOST_FPS, default=FPS, help="frames per second of an animation"
    )
    parser.add_argument("--out", action=Output, holds="path", required=True, help="folder to write to")


def run(args: argparse.Namespace) -> None:
    kind = chosen(args)
    if kind == "path":
        write_asked(args, [args.a, args.b], lambda space, zoo: _between(args, space, zoo))
        return
    from ..export.path_files import steps_of

    names = [args.a] if kind == "direction" else getattr(args, kind)
    write_asked(args, names, lambda space, zoo: steps_of(space, zoo, MADE[kind](args, space, zoo)))


def chosen(args: argparse.Namespace) -> str:
    """Return "path" or the family that is asked for; UsageError, naming the options, if they do not go together."""
    asked = [name for name in FAMILIES if getattr(args, name) is not None]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in asked)} are different families: choose one")
    kind = asked[0] if asked else "path"
    needed, taken = GOES_WITH[kind]
    what = f"--{kind}" if asked else "a path"
    lacking = [f"--{name}" for name in needed if getattr(args, name) is None]
    if lacking:
        instead = "" if asked else f"; or choose one of {', '.join(f'--{name}' for name in FAMILIES)}"
        raise UsageError(f"{what} needs {' and '.join(lacking)}{instead}")
    for name in ("a", "b", "method", "beyond", "weights"):
        if getattr(args, name) is not None and name not in (*needed, *taken):
            raise UsageError(f"{what} takes no --{name}")
    return kind


def write_asked(
    args: argparse.Namespace, names: Sequence[str], steps: Callable[[NetSpace, Zoo], StepsToWrite]
) -> None:  # fmt: skip
    """Write steps to --out and print a line for each; the networks that are named are checked first."""
    from ..export import EXPORTS
    from ..export.path_files import write_steps
    from ..export.table import export_named
    from ..tasks import task_of

    space, zoo = open_both(args)
    ids = [zoo.index(name) for name in names]
    zoo.check_finite(ids)
    task = task_of(space)
    exports = [export_named(EXPORTS, name, task) for name in dict.fromkeys(args.export)]
    found, where = steps(space, zoo), {"space": str(args.space), "zoo": str(args.zoo)}
    data = task.data(zoo[ids[0]].arch, "test", args.data)
    options = (args.resolution, args.format, exports, where, args.fps)
    for line in write_steps(found, task, args.out, data, *options):
        print(line, flush=True)


def _between(args: argparse.Namespace, space: NetSpace, zoo: Zoo) -> StepsToWrite:
    from ..export.path_files import steps_between
    from ..latent.families import gammas_beyond

    factor, count = 0.0 if args.beyond is None else args.beyond, _steps(args)
    if (1 + 2 * factor) * count > MOST_STEPS:
        raise UsageError(f"--beyond {factor:g} with {count} steps makes more than {MOST_STEPS} networks")
    positions = gammas_beyond(factor, count)
    return steps_between(space, zoo, args.a, args.b, positions, args.method or FIRST, args.data)


# -- families ------------------------------------------------------------------------------------------------------


def _steps(args: argparse.Namespace) -> int:
    return USUAL_STEPS if args.steps is None else args.steps


def _anchors(space: NetSpace, zoo: Zoo, names: Sequence[str]):
    """Embeddings (k, E) of networks, on the CPU."""
    from ..latent.embeddings import embed

    return embed(space, zoo, [zoo.index(name) for name in names]).float().cpu()


def _mix(args: argparse.Namespace, space: NetSpace, zoo: Zoo) -> LatentFamily:
    import torch

    from ..latent import families

    z = _anchors(space, zoo, args.mix)
    if args.weights is None:
        if args.steps is not None and args.steps > MOST_ALONG_EDGE:
            raise UsageError(f"--steps {args.steps} along an edge of a pad is above the limit of {MOST_ALONG_EDGE}")
        return families.mix(z, args.mix, side=args.steps)
    if args.steps is not None:
        raise UsageError("--weights make one mixture: no --steps")
    if not all(map(math.isfinite, args.weights)):
        raise UsageError("the weights of a mixture are finite numbers")
    return families.mix(z, args.mix, torch.tensor([args.weights]))


def _spline(args: argparse.Namespace, space: NetSpace, zoo: Zoo) -> LatentFamily:
    from ..latent import families

    return families.spline(_anchors(space, zoo, args.spline), args.spline, _steps(args))


def _direction(args: argparse.Namespace, space: NetSpace, zoo: Zoo) -> LatentFamily:
    from ..kept import cache_folder
    from ..latent import families
    from ..latent.directions import check_column, direction_of
    from ..latent.embeddings import embed_zoo
    from ..tasks import task_of
    from ..zoo.store import TRAIN

    check_column(zoo.records, args.direction, str(args.zoo))
    z = embed_zoo(space, zoo, cache_folder())
    found, i = direction_of(z, zoo.records, args.direction, zoo.ids(TRAIN)), zoo.index(args.a)
    furthest = families.furthest_along(found, task_of(space).reaches)
    return families.along(found, z[i], args.a, furthest, float(zoo.records[args.direction][i]), _steps(args))


def _arithmetic(args: argparse.Namespace, space: NetSpace, zoo: Zoo) -> LatentFamily:
    from ..latent import families

    return families.arithmetic(_anchors(space, zoo, args.arithmetic), args.arithmetic, _steps(args))


MADE = {
    "mix": _mix,
    "spline": _spline,
    "direction": _direction,
    "arithmetic": _arithmetic,
}
"""by option, what makes the family"""
