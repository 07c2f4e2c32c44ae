"""Write networks made elsewhere as a zoo: state dicts in any usual format, or ONNX models.

Examples:
    netspace zoo import downloads/nets.zip --out runs/imports/theirs
    netspace zoo import downloads --as paper --out runs/theirs \\
        --space assets/chairs/space-probe --among assets/chairs/zoo
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from ...errors import UsageError
from ...zoo.store import Zoo
from ..options import add_device, add_image_folder
from ..outputs import Output
from ..parser import Count
from ..placing import check_reference, counted, figures_of, images_of, place_among, print_placements

NAME, HELP = "import", "write networks made elsewhere as a zoo"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ...importing.declare import CONVENTIONS, INSIDE, NORMALISATIONS, SHORTCUTS
    from ...nets.fields import OCCUPANCY, SDF

    conventions = "; ".join(f"{name}: {convention.words}" for name, convention in sorted(CONVENTIONS.items()))
    parser.add_argument("source", type=Path, help="folder, zip or file: state dicts in any usual format, ONNX models")
    parser.add_argument("--out", action=Output, holds="zoo", empty=True, required=True, help="folder of the zoo")
    parser.add_argument("--arch", help="their architecture, if their layers leave several, see `archs`")
    parser.add_argument("--space", type=Path, help="space that is to read them: others are refused")
    parser.add_argument("--among", type=Path, metavar="ZOO", help="the space's zoo, among which they are placed")
    parser.add_argument("--json", action="store_true", help="as JSON")
    files = parser.add_argument_group("which files")
    files.add_argument("--pattern", default="", metavar="GLOB", help="only files whose path matches")
    files.add_argument("--limit", action=Count, most=None, default=0, help="at most this many networks; 0: all")
    files.add_argument("--prefix", default="", help="state dict to read if a file holds several, such as ema")
    declared = parser.add_argument_group(
        "what state dicts do not say",
        "What is neither declared here, nor in a network.json beside a file, nor can be detected, is asked for: the "
        "file is refused, and the reason names the option that says it.",
    )
    declared.add_argument("--as", dest="made_as", choices=sorted(CONVENTIONS), help=conventions)
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
    parser.add_argument(
        "--reference", type=Path, metavar="ONNX",
        help="ONNX model of the network, or a folder of such, named as the networks: outputs are compared",
    )  # fmt: skip
    add_image_folder(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ...importing import ReadOptions, import_networks
    from ...space.space import load

    if args.among and not args.space:
        raise UsageError("--among asks for the space that was trained on that zoo: --space")
    space = load(args.space, args.device) if args.space else None
    reference = Zoo.load(args.among) if args.among else None
    if reference:
        check_reference(space, reference)
    images = partial(images_of, data=args.data)
    done = import_networks(
        args.source, args.out, space.family if space else None, args.arch, images, counted("read"),
        said=declaration(args), options=ReadOptions(args.pattern, args.limit, args.prefix), reference=args.reference,
        like=args.like,
    )  # fmt: skip
    placed = []
    if done.folder and reference:
        placed = place_among(space, Zoo.load(done.folder), reference, images(space.family.archs[0]))
    if args.json:
        placements = [p._replace(figures=None)._asdict() | {"figures": figures_of(p)} for p in placed]
        rows = [
            {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
            for row in placements
        ]
        refused = [refusal._asdict() for refusal in done.refused]
        print(json.dumps({"imported": done.records, "refused": refused, "notes": done.notes, "placed": rows}, indent=2))
        return
    for name, reason in done.refused:
        print(f"refused {name}: {reason}")
    for words in grouped(done.notes):
        print(words)
    if not done.folder:
        raise UsageError(f"no network of {args.source} could be imported")
    counts = {name: sum(r["arch"] == name for r in done.records) for name in {r["arch"]: 0 for r in done.records}}
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"imported {len(done.records)} networks ({kinds}) to {done.folder}, refused {len(done.refused)}")
    for function in dict.fromkeys(r["function"] for r in done.records):
        print(f"{sum(r['function'] == function for r in done.records)} taken to be: {function}")
    differences = [r["fused_difference"] for r in done.records if "fused_difference" in r]
    if differences:
        changed = f"logits change by at most {max(differences):.1e}"
        print(
            f"batch norm of {len(differences)} fused: on {done.compared} {changed}, compared with the same network "
            "before fusing, rebuilt here: the original itself is compared by --reference"
        )
    proved = [r["reference_difference"] for r in done.records if "reference_difference" in r]
    if proved:
        print(
            f"{len(proved)} compared with the reference on real inputs: outputs differ by at most {max(proved):.1e} of "
            "the largest"
        )
    print_placements(placed)


def declaration(args: argparse.Namespace):
    """What the options declare of imported networks."""
    from ...importing.declare import Declaration, class_names, normalisation

    names = {f.name for f in fields(Declaration)} - {"arch", "mean", "std", "classes"}
    mean, std = normalisation(args.mean, args.std)
    classes = args.classes
    if classes is not None:
        classes = (classes,) if classes in ("sorted", "wnids") else class_names(Path(classes))
    return Declaration(**{name: getattr(args, name) for name in names}, mean=mean, std=std, classes=classes)


def grouped(notes: Sequence[str], most: int = 12) -> list[str]:
    """Sentences "name: words", those of equal words as one, that says of how many."""
    of: dict[str, list[str]] = {}
    for note in notes:
        name, colon, words = note.partition(": ")
        of.setdefault(words if colon else note, []).append(name)
    lines = []
    for words, names in of.items():
        lines.append(
            words if names == [words] else f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}: {words}"
        )
    return lines[:most] + ([f"and {len(lines) - most} more notes, in the zoo's table"] if len(lines) > most else [])
