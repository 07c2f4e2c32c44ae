"""List long jobs, newest first: what they are and how far.

Examples:
    netspace jobs list
    netspace jobs list runs --json
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from ...jobs.records import FAILED, UNREADABLE, duration, find_jobs

NAME, HELP = "list", "list long jobs, newest first: what they are and how far"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument(
        "folders", nargs="*", type=Path, help="where to look; else in assets/, runs/ and NETSPACE_FOLDERS"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> None:
    named = os.environ.get("NETSPACE_FOLDERS", "").split(os.pathsep)
    jobs = find_jobs(args.folders or [Path("assets"), Path("runs"), *(Path(f).expanduser() for f in named if f)])
    if args.json:
        print(json.dumps([asdict(job) for job in jobs], indent=2, default=str))
        return
    for job in jobs:
        far = f"{job.done}/{job.total}" if job.total else ""
        left = f"{duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        print(f"{job.state:10} {job.kind:12} {far:>12} {left:>16}  {job.folder}")
        if job.state in (FAILED, UNREADABLE):
            print(f"{'':10} {job.message}")
    if not jobs:
        print("no jobs found; `zoo fit-sdf`, `zoo fit-cnn`, `train` and `lso` start one")
