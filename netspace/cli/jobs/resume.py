"""Go on with a job that ended early, in the background.

Example:
    netspace jobs resume runs/zoo
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...jobs.control import resume_job

NAME, HELP = "resume", "go on with a job that ended early, in the background"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("folder", type=Path, help="the folder it writes to")


def run(args: argparse.Namespace) -> None:
    resume_job(args.folder)
    print(f"{args.folder} goes on in the background; `jobs list` says how far it is")
