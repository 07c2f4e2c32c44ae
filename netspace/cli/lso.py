"""Optimise an embedding until its network does what is asked (latent space optimisation).

Examples:
    netspace lso --recipe digits-lso --space assets/digits/space --zoo assets/digits/zoo \\
        --teacher assets/digits/zoo --start resnet8-000 --out runs/lso/weak
    netspace lso --recipe chairs-lso --space assets/chairs/space-probe --zoo assets/chairs/zoo \\
        --target chair:1000 --start mean --out runs/lso/chair
"""

from __future__ import annotations

import argparse
from contextlib import closing

from .options import (
    add_device,
    add_fields,
    add_image_folder,
    add_job,
    add_space_and_zoo,
    add_teacher,
    command_line,
    load_teacher,
    open_both,
    read_fields,
)
from .outputs import Output

NAME, HELP = "lso", "optimise an embedding until its network does what is asked"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    from ..train.lso import LsoConfig

    add_space_and_zoo(parser)
    parser.add_argument(
        "--start", required=True, metavar="WHERE",
        help="name of a network; mean or noise, of the training networks' embeddings; at:X,Y, a point of the map",
    )  # fmt: skip
    parser.add_argument("--out", action=Output, holds="run", required=True, help="folder of the run")
    add_teacher(parser)
    parser.add_argument("--target", metavar="SHAPE", help="SDFs: shape to fit, a mesh file or chair:SEED")
    parser.add_argument(
        "--want", default="", metavar="ARCH",
        help="target architecture (families only); any: no target; default: that of the start network",
    )  # fmt: skip
    add_image_folder(parser)
    parser.add_argument("--resume", action="store_true", help="go on with a stopped run, to the same numbers")
    add_device(parser)
    add_job(parser)
    add_fields(parser, LsoConfig)


def run(args: argparse.Namespace) -> None:
    from ..tasks import task_of
    from ..train.lso import LsoConfig, optimise
    from ..train.lso_files import read_result
    from ..train.starts import start_from, wanted_class

    config = read_fields(args, LsoConfig)
    space, zoo = open_both(args)
    start = start_from(space, zoo, args.start, config.seed)
    want = wanted_class(space, start, args.want)
    teacher = load_teacher(args.teacher)
    goal = task_of(space).goal(space, config, data=args.data, teacher=teacher, target=args.target)
    notes = list(goal.notes)
    for note in notes:
        args.job.report(note)
    about = {"space": str(args.space), "zoo": str(args.zoo), "teacher": args.teacher, "target": args.target}
    about |= {"command": command_line(args.argv)} | ({"notes": notes} if notes else {})
    with closing(optimise(space, start, goal, config, args.out, want=want, about=about, resume=args.resume)) as lines:
        for line in lines:
            terms = "".join(f"{name} {value:.3e}, " for name, value in line.terms.items())
            measures = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in line.measures.items())
            several = f", {line.architecture}" if len(space.family.archs) > 1 else ""
            left = line.seconds / max(1, line.step) * (config.steps - line.step)
            args.job.report(
                f"step {line.step}/{config.steps}: {terms}{measures}{several}{' *' if line.best else ''}",
                line.step, config.steps, left,
            )  # fmt: skip
    result = read_result(args.out)
    if result.problem:
        args.job.report(f"warning: {result.problem}")
    tests = ", ".join(f"{name} {value:.3f}" for name, value in result.test.items())
    args.job.report(f"best at step {result.best_step} of {result.steps}; {result.score} on test data: {tests}")
