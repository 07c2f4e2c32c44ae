"""Score every method on the same pairs of networks: score.json, a table (score.md), and what else is asked for.

Pairs are drawn for each seed among training networks and among held-out ones: weak to strong, strong to strong, and
any two. The table has medians and quartiles over pairs; score.json has a row for each pair and method, too. A method
that has no path between two networks is counted, and says why.

Examples:
    netspace score --space assets/digits/space --zoo assets/digits/zoo --out runs/score-digits
    netspace score --space assets/chairs/space-prep --zoo assets/chairs/zoo \\
        --methods latent weights --pairs 5 --seeds 1 --steps 5 --resolution 32 --latex --out runs/score-chairs
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..io import FORMATS, atomic_write
from ..latent.paths import METHODS
from .options import add_device, add_image_folder, add_space_and_zoo, command_line, open_both
from .outputs import Output
from .parser import Count

if TYPE_CHECKING:
    from ..space.space import NetSpace
    from ..zoo.store import Zoo

NAME, HELP = "score", "score every method on the same pairs of networks, as a table"
ALL = "all"
MOST_SCORE_STEPS = 1001


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_space_and_zoo(parser)
    parser.add_argument(
        "--methods", nargs="+", choices=[ALL, *METHODS], default=[ALL], help="interpolation methods that are compared"
    )
    parser.add_argument(
        "--pairs", action=Count, least=1, most=100_000, default=20, help="pairs of each kind for each seed"
    )
    parser.add_argument("--seeds", action=Count, least=1, most=1000, default=3, help="how often pairs are drawn")
    parser.add_argument("--seed", action=Count, default=0, help="the first of these seeds")
    parser.add_argument(
        "--steps", action=Count, least=3, most=MOST_SCORE_STEPS, default=9,
        help="networks along each path, ends included; odd, so that one is half-way",
    )  # fmt: skip
    add_what_is_measured(parser)
    parser.add_argument("--figures", action="store_true", help="also write a figure of each measure: score-*.png")
    parser.add_argument("--out", action=Output, holds="score", required=True, help="folder to write to")
    add_device(parser)


def add_what_is_measured(parser: argparse.ArgumentParser) -> None:
    """Add --resolution, --images, --data and --latex."""
    from ..geometry.mesh import RESOLUTIONS

    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=64, help="cells of the grid along an axis (SDFs)"
    )
    parser.add_argument(
        "--images", action=Count, default=2000, help="at most this many test images (classifiers); 0: all"
    )
    add_image_folder(parser)
    parser.add_argument("--latex", action="store_true", help="also write the table as LaTeX")


def run(args: argparse.Namespace) -> None:
    import torch

    from ..errors import UsageError
    from ..evaluate.scorecard import SCORED_SPLITS, columns_of_scores, draw_pairs, score_pairs, summarise_scores
    from ..export.score_tables import score_table
    from ..tasks import task_of

    torch.set_num_threads(1)
    start, methods = time.monotonic(), list(METHODS) if ALL in args.methods else list(dict.fromkeys(args.methods))
    if not args.steps % 2:
        raise UsageError(f"--steps is an odd number, so that one network is half-way, got {args.steps}")
    space, zoo = open_both(args)
    task, seeds = task_of(space), list(range(args.seed, args.seed + args.seeds))
    pairs, notes = draw_pairs(zoo, task, args.pairs, seeds)
    data = task.score_data(zoo[pairs[0].a].arch, args.data, args.images)
    data = data if data is None else data.to(space.device)
    rows = score_pairs(space, zoo, pairs, methods, args.steps, data, args.resolution, args.data, said("pair"))
    columns = columns_of_scores(space, methods)
    settings = {"pairs": args.pairs, "seeds": seeds, "steps": args.steps, "resolution": args.resolution}
    card = about(args, "score", space, zoo, data, settings) | {
        "methods": {name: METHODS[name].title for name in methods},
        "splits": SCORED_SPLITS,
        "columns": [{"name": name} | column._asdict() for name, column in columns.items()],
        "notes": notes,
        "summary": list(summarise_scores(rows, columns)),
        "rows": rows,
        "made": made_where(start),
    }
    write_report(args, "score", card, score_table(card))
    if args.figures:
        from ..export.score_figures import write_score_figures

        for path in write_score_figures(card, args.out):
            print(path)


# -- what an audit shares --------------------------------------------------------------------------------------------


def about(
    args: argparse.Namespace, kind: str, space: NetSpace, zoo: Zoo, data: Any, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a report is of, and by which command it was made: the same whenever and wherever it is run."""
    from ..latent.embeddings import space_content, zoo_content
    from ..tasks import task_of

    return {
        "format": FORMATS[kind],
        "version": __version__,
        "command": command_line(args.argv),
        "settings": dict(settings),
        "space": {"folder": args.space.as_posix(), "content": space_content(space)},
        "zoo": {"folder": args.zoo.as_posix(), "content": zoo_content(zoo)},
        "task": task_of(space).name,
        "data": "" if data is None else task_of(space).data_words(data),
    }


def made_where(start: float) -> dict[str, Any]:
    """Return the one part of a report that differs from run to run: when it was made, on what, in how many seconds."""
    import torch

    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "seconds": round(time.monotonic() - start, 1),
    }


def write_report(args: argparse.Namespace, name: str, report: Mapping[str, Any], table: Any) -> None:
    """Write a report as JSON, Markdown and, if asked, LaTeX, and print the table."""
    from ..export.score_tables import latex, markdown

    command = report["command"]
    texts = {"json": json.dumps(report, indent=1, allow_nan=False) + "\n", "md": markdown(table, command)}
    if args.latex:
        texts["tex"] = latex(table, command)
    for suffix, text in texts.items():
        with atomic_write(args.out / f"{name}.{suffix}") as path:
            path.write_text(text)
    print(texts["md"])
    print(f"written to {args.out}: {', '.join(f'{name}.{suffix}' for suffix in texts)}")


def said(what: str):
    """Return what says on the terminal how far the work is."""

    def say(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what} {done}/{total}", end="\r", file=sys.stderr)

    return say
