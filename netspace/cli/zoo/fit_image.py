"""Fit an image field, a small SIREN, to every picture of a set, and write the networks as a zoo.

Examples:
    netspace zoo fit-image --recipe digits-images-zoo --out runs/pictures/zoo
    netspace zoo fit-image --images fashion-mnist --count 1000 --out runs/fashion/zoo
    netspace zoo fit-image --images data/faces --count 0 --size 48 --arch siren/2-64-64-3@30 --out runs/faces/zoo
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import closing

from ...errors import UsageError
from ...jobs.records import duration
from ..options import add_device, add_fields, add_job, add_workers, read_fields, run_options
from ..outputs import Output

NAME, HELP = "fit-image", "fit a small SIREN to every picture of a set"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ...train.fit_image import ImageConfig

    parser.add_argument("--out", action=Output, holds="zoo", required=True, help="folder of the zoo")
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    add_workers(parser, "fitted", 512, on_cpu=32)
    add_job(parser)
    add_device(parser)
    add_fields(parser, ImageConfig)


def run(args: argparse.Namespace) -> None:
    from ...train.fit_image import AT_A_TIME, ImageConfig, fit_image_zoo

    group = args.group or (AT_A_TIME if args.device == "cpu" else 512)
    config = read_fields(args, ImageConfig)
    lines = fit_image_zoo(args.out, config, **run_options(args, group))
    problems, found = [], []
    with closing(lines):  # what it finished is saved before the job ends
        for line in lines:
            if line.problem:
                problems.append(line.problem)
                continue
            found.append(line.record["psnr"])
            args.job.report(
                f"{line.done}/{line.total} {line.name} PSNR {found[-1]:.1f} dB, {duration(line.seconds_left)} left",
                line.done, line.total, line.seconds_left, line.record,
            )  # fmt: skip
    for problem in problems:
        args.job.report(f"skipped {problem}")
    if not found and not args.resume:
        raise UsageError("no network was fitted: every picture was skipped")
    if found:
        args.job.report(
            f"fitted {len(found)} networks: PSNR median {statistics.median(found):.1f} dB, lowest {min(found):.1f} dB"
        )
