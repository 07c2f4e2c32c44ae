"""Fit a SIREN to the signed distance of every shape of a set, and write the networks as a zoo.

Examples:
    netspace zoo fit-sdf --chairs 300 --out runs/zoo
    netspace zoo fit-sdf --meshes runs/meshes --recipe meshes-zoo --out runs/zoo
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from ...config import MOST_SEED
from ...errors import UsageError
from ...jobs.records import duration
from ..options import add_device, add_fields, add_job, add_workers, read_fields, run_options
from ..outputs import Output
from ..parser import Count

NAME, HELP = "fit-sdf", "fit a SIREN to every shape of a set"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ...train.fit_sdf import FitConfig

    parser.add_argument("--out", action=Output, holds="zoo", required=True, help="folder of the zoo")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--chairs", action=Count, least=1, metavar="N", help="procedural chairs of N consecutive seeds")
    what.add_argument("--meshes", type=Path, metavar="FOLDER", help="every mesh file below a folder")
    parser.add_argument(
        "--first-seed", action=Count, most=MOST_SEED, default=0, help="seed of the first procedural chair"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    add_workers(parser, "fitted", 64)
    add_job(parser)
    add_device(parser)
    add_fields(parser, FitConfig)


def run(args: argparse.Namespace) -> None:
    from ...data.meshes import other_files
    from ...train.fit_sdf import FitConfig, chair_sources, file_sources, fit_sdf_zoo

    sources = file_sources(args.meshes) if args.meshes else chair_sources(args.chairs, args.first_seed)
    config = read_fields(args, FitConfig)
    problems, ious, warned = [], [], 0
    others = other_files(args.meshes) if args.meshes else ""
    if others:
        args.job.report(f"not read: {others} in {args.meshes} (convert them to GLB, OBJ, PLY, STL or OFF)")
    group = args.group or (1 if args.device == "cpu" else 64)
    lines = fit_sdf_zoo(args.out, sources, config, **run_options(args, group))
    with closing(lines):  # what it finished is saved before the job ends
        for line in lines:
            if line.problem:
                problems.append(line.problem)
                continue
            r = line.record
            ious.append(r["fit_iou"])
            file = f" ({r['up']} up; against {r['fit_iou_against']})" if "up" in r else ""
            args.job.report(
                f"{line.done}/{line.total} {line.name} IoU {ious[-1]:.3f}{file}, {duration(line.seconds_left)} left",
                line.done, line.total, line.seconds_left, r,
            )  # fmt: skip
            if r.get("warnings"):
                warned += 1
                args.job.report(f"warning: {line.name}: {r['warnings']}")
    for problem in problems:
        args.job.report(f"skipped {problem}")
    if not ious and not args.resume:
        raise UsageError("no network was fitted: every shape was skipped")
    if ious:
        ious.sort()
        middle, lowest = ious[len(ious) // 2], ious[0]
        args.job.report(
            f"fitted {len(ious)} networks: IoU to the ground truth median {middle:.3f}, lowest {lowest:.3f}"
        )
    if warned:
        args.job.report(f"{warned} meshes came with a warning, see above; --strict skips those whose solid is in doubt")
