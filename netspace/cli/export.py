"""Write a network of a zoo, or what a space decodes from its embedding, as a file of any kind that this version knows.

Examples:
    netspace export --zoo assets/chairs/zoo --network chair-0000 --out runs/chair.glb
    netspace export --zoo assets/digits/zoo --space assets/digits/space --network resnet8-001 --out runs/decoded.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..io import atomic_write
from ..zoo.store import Zoo
from .options import add_device, export_words
from .outputs import Output

NAME, HELP = "export", "write a network as a file: weights, a mesh, ONNX"
ITSELF, DECODED = "the network itself", "decoded from its embedding"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..export.table import NETWORK, SURFACE
    from ..geometry.mesh import RESOLUTIONS

    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    parser.add_argument("--network", required=True, metavar="ID", help="its name in the zoo")
    parser.add_argument("--space", type=Path, help="folder of a trained space: what it decodes is written")
    parser.add_argument(
        "--as", dest="kind", metavar="NAME", help=f"as what; default: the suffix of --out. "
        f"{export_words(NETWORK, SURFACE)}",
    )  # fmt: skip
    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=128, help="cells of a surface's grid along an axis"
    )
    parser.add_argument("--out", action=Output, required=True, help="file to write")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..export import EXPORTS
    from ..export.table import NETWORK, SURFACE, NetworkSubject, export_named
    from ..space.space import load
    from ..tasks import task_of

    zoo = Zoo.load(args.zoo)
    task = task_of(zoo)
    export = export_named(EXPORTS, args.kind or args.out.suffix.removeprefix("."), task, NETWORK, SURFACE)
    zoo.check_finite([zoo.index(args.network)])
    network = zoo[args.network].to(args.device)
    about = {"name": args.network, "is": ITSELF, "zoo": str(args.zoo)}
    if args.space:
        space = load(args.space, args.device)
        space.check_family(zoo.family)
        network = space.networks(space.encode(network.prep[None]))[0]
        about |= {"is": DECODED, "space": str(args.space)}
    content = export.write(NetworkSubject(network, about, args.resolution))
    with atomic_write(args.out) as temporary:
        temporary.write_bytes(content)
    print(f"wrote {args.out}: {export.words}")
