"""Train image classifiers of one architecture, fuse their batch norms, and write them as a zoo.

Examples:
    netspace zoo fit-cnn --recipe digits-zoo --out runs/digits/zoo
    netspace zoo fit-cnn --arch lenetlike/24px-2c --data data/mine --count 32 --out runs/mine/zoo
"""

from __future__ import annotations

import argparse
from contextlib import closing

from ...errors import UsageError
from ...jobs.records import duration
from ..options import add_device, add_fields, add_image_folder, add_job, add_workers, read_fields, run_options
from ..outputs import Output

NAME, HELP = "fit-cnn", "train image classifiers"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ...train.fit_cnn import CnnConfig

    parser.add_argument("--out", action=Output, holds="zoo", required=True, help="folder of the zoo")
    add_image_folder(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished zoo")
    add_workers(parser, "trained", 33)
    add_job(parser)
    add_device(parser)
    add_fields(parser, CnnConfig)


def run(args: argparse.Namespace) -> None:
    from ...train.fit_cnn import CnnConfig, fit_cnn_zoo

    config = read_fields(args, CnnConfig)
    group = args.group or (1 if args.device == "cpu" else 33)
    lines = fit_cnn_zoo(args.out, config, data=args.data, **run_options(args, group))
    problems, made = [], []
    with closing(lines):
        for line in lines:
            if line.problem:
                problems.append(line.problem)
                continue
            made.append(line.record)
            r = line.record
            args.job.report(
                f"{line.done}/{line.total} {line.name} {r['epochs']:.2f} epochs, accuracy on validation "
                f"{r['val_accuracy']:.3f}, test {r['test_accuracy']:.3f}, {duration(line.seconds_left)} left",
                line.done, line.total, line.seconds_left, r,
            )  # fmt: skip
    for problem in problems:
        args.job.report(f"skipped {problem}")
    if not made and not args.resume:
        raise UsageError("no network was trained: every one was skipped")
    if made:
        accuracies = [r["test_accuracy"] for r in made]
        args.job.report(
            f"trained {len(made)} networks: test accuracy {min(accuracies):.3f} to {max(accuracies):.3f}; "
            f"fusing batch norm changed logits by at most {max(r['fused_difference'] for r in made):.1e}"
        )
        never = sum(r["norms_never_run"] > 0 for r in made)
        if never:
            args.job.report(f"warning: {never} networks have a batch norm that was never run (mean 0, variance 1)")
