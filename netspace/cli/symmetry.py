"""Measure how far an encoder takes functionally equal networks apart: copies with their hidden units permuted.

Of sines also with signs and phases turned. Embeddings are compared with the distance of training networks to their
nearest other: above 1 a copy of a network is further from it than another network. Writes symmetry.json and a table
(symmetry.md).

Examples:
    netspace symmetry --space assets/digits-images/space --zoo assets/digits-images/zoo --out runs/symmetry
    netspace symmetry --space assets/chairs/space-prep --zoo assets/chairs/zoo --count 2 --copies 4 --out runs/symmetry
"""

from __future__ import annotations

import argparse
import random
import time

from ..errors import UsageError
from .options import add_device, add_image_folder, add_space_and_zoo, open_both
from .outputs import Output
from .parser import Count
from .score import about, made_where, write_report

NAME, HELP = "symmetry", "measure how far an encoder takes functionally equal networks apart"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument("--count", action=Count, least=1, most=100_000, default=8, help="networks of each split")
    parser.add_argument("--copies", action=Count, least=1, most=10_000, default=16, help="copies of each network")
    parser.add_argument("--seed", action=Count, default=0, help="which networks these are, and the copies")
    parser.add_argument(
        "--images", action=Count, default=2000, help="at most this many test images (classifiers); 0: all"
    )
    add_image_folder(parser)
    parser.add_argument("--latex", action="store_true", help="also write the table as LaTeX")
    parser.add_argument("--out", action=Output, holds="symmetry", required=True, help="folder to write to")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    import torch

    from ..evaluate.scorecard import SCORED_SPLITS
    from ..evaluate.symmetry import SYMMETRY_COLUMNS, summarise_symmetry, symmetry_audit
    from ..export.score_tables import symmetry_table
    from ..kept import cache_folder
    from ..tasks import task_of

    torch.set_num_threads(1)
    start = time.monotonic()
    space, zoo = open_both(args)
    task, broken = task_of(space), set(zoo.not_finite)
    drawn = random.Random(args.seed)
    ids = {}
    for split in SCORED_SPLITS:
        usable = [i for i in zoo.ids(split) if i not in broken]
        ids[split] = sorted(drawn.sample(usable, min(args.count, len(usable))))
    if not any(ids.values()):
        raise UsageError(f"{args.zoo} has no training or held-out network with finite weights")
    data = task.score_data(space.family.archs[0], args.data, args.images)
    data = data if data is None else data.to(space.device)
    some = [(split, i) for split, chosen in ids.items() for i in chosen]
    figures = symmetry_audit(
        space, zoo, [i for _, i in some], count=args.copies, seed=args.seed, data=task.outputs_data(data),
        cache=cache_folder(),
    )  # fmt: skip
    rows = [{"split": split} | found._asdict() for (split, _), found in zip(some, figures, strict=True)]
    settings = {"count": args.count, "copies": args.copies, "seed": args.seed}
    report = about(args, "symmetry", space, zoo, data, settings) | {
        "columns": [{"name": name} | column._asdict() for name, column in SYMMETRY_COLUMNS.items()],
        "splits": SCORED_SPLITS,
        "notes": [f"{len(broken)} networks are left out, as their weights are not finite."] if broken else [],
        "summary": list(summarise_symmetry(rows)),
        "rows": rows,
        "made": made_where(start),
    }
    write_report(args, "symmetry", report, symmetry_table(report))
