"""Measure how well a space reproduces the networks of a zoo, by split: medians over its networks.

Examples:
    netspace eval --space assets/chairs/space-prep --zoo assets/chairs/zoo --limit 8
    netspace eval --space assets/digits/space --zoo assets/digits/zoo --pairs 5 --json
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from ..io import atomic_write
from ..places import is_known
from ..zoo.store import SPLITS, Zoo
from .options import add_device, add_image_folder, add_space_and_zoo, command_line, open_both
from .outputs import Output
from .parser import Count

NAME, HELP = "eval", "measure how well a space reproduces the networks of a zoo"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ..geometry.mesh import RESOLUTIONS

    add_space_and_zoo(parser)
    parser.add_argument("--json", action="store_true", help="as JSON: medians by split")
    parser.add_argument(
        "--rows", action=Output, suffixes=[".csv"], help="also write a row per network to this CSV file"
    )
    parser.add_argument(
        "--save", action="store_true", help="also keep eval.json and eval.csv in the space's folder: the app shows them"
    )
    parser.add_argument(
        "--resolution", type=int, choices=RESOLUTIONS, default=64, help="cells of the grid along an axis"
    )
    parser.add_argument(
        "--limit", action=Count, most=None, default=0, help="at most this many networks of each split; 0: all"
    )
    parser.add_argument(
        "--pairs", action=Count, most=100_000, default=0, help="also walk the paths between N pairs of networks"
    )
    add_image_folder(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd
    import torch

    from ..latent.paths import METHODS
    from ..tasks import task_of

    torch.set_num_threads(1)
    space, zoo = open_both(args)
    unread = unread_sources(zoo)
    if unread:
        print(
            f"{len(unread)} networks are not compared with what they were fitted to: the zoo names {unread[0]}, which "
            "was not named by you on this machine; name its folder in NETSPACE_PLACES to have it read",
            file=sys.stderr,
        )
    ids = [i for split in SPLITS for i in zoo.ids(split)[: args.limit or None]]
    task, data = task_of(space), task_of(space).data(space.family.archs[0], "test", args.data)
    data = data if data is None else data.to(space.device)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = []
        for row in pool.map(lambda i: task.reconstruct(space, zoo, i, data, args.resolution), ids):
            rows.append(row)
            if sys.stderr.isatty():
                print(f"\r{len(rows)}/{len(ids)}", end="\r", file=sys.stderr)
    odd = [row for row in rows if row.problem]
    for row in odd:
        print(f"not counted: {row.name}: {row.problem}", file=sys.stderr if args.json else sys.stdout)
    summary = task.summarise(rows)
    if args.pairs:
        keep = args.space if args.save else None
        summary["paths"] = task.survey(space, zoo, args.pairs, data, args.resolution, keep, path_progress)
    tables = [args.rows] if args.rows else []
    if args.save:
        tables.append(args.space / "eval.csv")
        about = {"zoo": os.path.relpath(args.zoo, args.space), "command": command_line(args.argv)}
        with atomic_write(args.space / "eval.json") as path:
            path.write_text(json.dumps(about | summary, indent=2) + "\n")
    for table in tables:
        with atomic_write(table) as path:
            pd.DataFrame(rows).to_csv(path, index=False)
    if args.json:
        print(json.dumps(summary, indent=2))
        return
    paths = summary.pop("paths", {})
    for split, measures in summary.items():
        print(f"{split} ({measures['count']} networks)")
        print_measures({name: value for name, value in measures.items() if name != "not_counted"}, "count")
    for name, measures in paths.items():
        title = f"{METHODS[name].title}, training networks" if name in METHODS else name
        print(f"{title} ({measures['pairs']} pairs)")
        print_measures(measures, "pairs")


def unread_sources(zoo: Zoo) -> list[str]:
    """Files from which a zoo's networks were made, by its table, that are here and not read: see `places`."""
    found = zoo.records["source"].tolist() if "source" in zoo.records else []
    paths = [path for path in found if isinstance(path, str) and os.path.isabs(path)]  # noqa: PTH117
    return [path for path in paths if not is_known(path, zoo.folder)]


def path_progress(done: int, total: int) -> None:
    """Say on the terminal how far the paths are."""
    if sys.stderr.isatty():
        print(f"\rpath {done}/{total}", end="\r", file=sys.stderr)


def print_measures(measures: dict, but: str, indent: str = "  ") -> None:
    for name, value in measures.items():
        if isinstance(value, dict):
            print(f"{indent}{name.replace('_', ' ')}")
            print_measures(value, "", indent + "  ")
        elif name != but:
            why = ": all are equal, or there is one" if name in ("pearson", "spearman") else ""
            print(f"{indent}{name:28} {f'not defined{why}' if value is None else value}")
