"""Ask whether what a space makes is new: compare it, by what it does, with all networks that the space was trained on.

After Zeng et al. (CVPR 2026, arXiv 2506.07998): how like is a decoded, interpolated or optimised network to the
nearest training network, and how good? Beside it stand what takes no space: noise on training networks' weights, and
averages of two networks' weights. Writes audit.json and a table (audit.md).

Examples:
    netspace audit --space assets/digits/space --zoo assets/digits/zoo --run assets/digits/lso --out runs/audit-digits
    netspace audit --space assets/chairs/space-probe --zoo assets/chairs/zoo \\
        --count 4 --resolution 32 --latex --out runs/audit-chairs
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..latent.paths import METHODS
from .options import add_device, add_space_and_zoo, open_both
from .outputs import Output
from .parser import Count
from .score import about, add_what_is_measured, made_where, said, write_report

if TYPE_CHECKING:
    from ..nets.network import Network
    from ..space.space import NetSpace

NAME, HELP = "audit", "ask whether what a space makes is new, or one of its training networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument(
        "--run", dest="runs", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="latent space optimisations, whose best networks are audited, too",
    )  # fmt: skip
    parser.add_argument("--count", action=Count, least=1, most=100_000, default=20, help="networks of each source")
    parser.add_argument("--seed", action=Count, default=0, help="which networks these are, and the noise")
    parser.add_argument(
        "--sigmas", type=float, nargs="+", default=[0.01, 0.03, 0.1, 0.3], metavar="S",
        help="noise on weights, in standard deviations of each parameter",
    )  # fmt: skip
    add_what_is_measured(parser)
    parser.add_argument("--out", action=Output, holds="audit", required=True, help="folder to write to")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    import torch

    from ..evaluate.audit import audit
    from ..export.score_tables import audit_table
    from ..tasks import task_of

    torch.set_num_threads(1)
    start = time.monotonic()
    for sigma in args.sigmas:
        if not (math.isfinite(sigma) and sigma > 0):
            raise UsageError(f"--sigmas takes positive numbers, got {sigma}")
    space, zoo = open_both(args)
    task = task_of(space)
    optimised = {str(folder): best_of_run(folder, space) for folder in args.runs}
    data = task.score_data(space.family.archs[0], args.data, args.images)
    data = data if data is None else data.to(space.device)
    found = audit(
        space, zoo, optimised=optimised, count=args.count, seed=args.seed, sigmas=args.sigmas, methods=list(METHODS),
        data=data, resolution=args.resolution, images=args.data, progress=said("network"),
    )  # fmt: skip
    settings = {"count": args.count, "seed": args.seed, "sigmas": args.sigmas, "resolution": args.resolution}
    report = about(args, "audit", space, zoo, data, settings) | {
        "columns": [
            {"name": name} | column._asdict()
            for name, column in ({"likeness": task.likeness} | dict(task.qualities)).items()
        ],
        "notes": found.notes,
        "sources": found.sources,
        "rows": found.rows,
        "made": made_where(start),
    }  # fmt: skip
    write_report(args, "audit", report, audit_table(report))


def best_of_run(folder: Path, space: NetSpace) -> Network:
    """Return the best network of a run; UsageError if it is of none of the space's architectures."""
    from ..train.lso_files import read_best

    network = read_best(folder).network
    if network.arch.name not in space.family.names:
        raise UsageError(f"{folder} optimised a {network.arch.name}, this space holds {', '.join(space.family.names)}")
    return network.to(space.device)
