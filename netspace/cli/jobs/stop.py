"""Ask a job to stop; what it finished is kept.

Example:
    netspace jobs stop runs/zoo
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ...jobs.control import stop_job

NAME, HELP = "stop", "ask a job to stop; what it finished is kept"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("folder", type=Path, help="the folder it writes to")


def run(args: argparse.Namespace) -> None:
    stop_job(args.folder)
    print(f"{args.folder} is asked to stop; what it finished is kept")
