"""Learn a space of a zoo's networks.

Examples:
    netspace train --zoo assets/chairs/zoo --recipe chairs-probe --out runs/chairs/space
    netspace train --zoo runs/zoo --out runs/space --resume
    torchrun --nproc-per-node 2 -m netspace train --zoo runs/zoo --out runs/space
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from ..jobs.records import duration
from ..zoo.store import Zoo
from .options import (
    add_device,
    add_fields,
    add_image_folder,
    add_job,
    add_teacher,
    command_line,
    load_teacher,
    read_fields,
)
from .outputs import Output

NAME, HELP = "train", "learn a space of a zoo's networks"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ..train.space import TrainConfig

    parser.add_argument("--zoo", type=Path, required=True, help="folder of a zoo")
    parser.add_argument(
        "--out", action=Output, holds="training", required=True, help="folder of the run, which becomes the space"
    )
    add_image_folder(parser)
    parser.add_argument("--start", type=Path, help="folder of a space to go on from, made with the same settings")
    add_teacher(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run, to the same numbers")
    add_job(parser)
    add_device(parser)
    add_fields(parser, TrainConfig)


def run(args: argparse.Namespace) -> None:
    from ..train.space import TrainConfig, train_space

    config = read_fields(args, TrainConfig)
    zoo, teacher = args.world.together(lambda: (Zoo.load(args.zoo), load_teacher(args.teacher)))
    args.job.report(f"computing the targets' answers for {len(zoo)} networks")
    lines = train_space(
        zoo, config, args.out,
        data=args.data, teacher=teacher, start=args.start, resume=args.resume, device=args.device,
        command=command_line(args.argv), world=args.world,
    )  # fmt: skip
    with closing(lines):
        for line in lines:
            terms = ", ".join(f"{name} {value:.2e}" for name, value in line.terms.items())
            measures = ", ".join(
                f"{name.replace('_', ' ')} {value:.3f}"
                for name, value in line.measures.items()
                if name.rpartition("_")[2] not in ("mse", "score")
            )
            left = line.seconds / line.step * (config.steps - line.step)
            best = " *" if line.best else ""
            args.job.report(
                f"step {line.step}/{config.steps}: {terms}; {measures}{best}; {duration(left)} left",
                line.step, config.steps, left,
            )  # fmt: skip
