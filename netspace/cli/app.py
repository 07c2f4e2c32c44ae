"""Start the app in the browser: the map, paths between networks, latent space optimisation, and long jobs.

Its runs/ lies in the working directory, or in the checkout that it is started from. It shows the spaces and zoos that
come with the product, those in runs/, and those in the folders that NETSPACE_FOLDERS names.

Examples:
    netspace app
    netspace app --assets ~/netspace-explorer/assets --port 8600
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import MissingPackage, UsageError
from ..folders import APP
from .options import Count

NAME, HELP = "app", "start the app in the browser"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--assets", type=Path, help="folder of spaces and zoos, in the place of those that ship")
    parser.add_argument("--port", action=Count, least=1, most=65535, default=8501, help="port that the app listens on")
    parser.add_argument(
        "--address", default="localhost",
        help="address that it listens on; 0.0.0.0 opens it to the network without a password: whoever reaches it can "
        "read files that you can read, start jobs and fill the disk",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    if find_spec("streamlit") is None:
        raise MissingPackage("the app needs the package streamlit: pip install 'netspace[app]'")
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    if args.assets:
        assets = args.assets.expanduser().absolute()
        if not assets.is_dir():
            raise UsageError(f"--assets {assets} is no folder")
        environment["NETSPACE_ASSETS"] = str(assets)
    home = APP / "app" / "Home.py"
    options = [f"--server.port={args.port}", f"--server.address={args.address}"]
    with subprocess.Popen([sys.executable, "-m", "streamlit", "run", home, *options], env=environment) as server:
        try:
            status = server.wait()
        except BaseException:
            server.terminate()
            raise
    if status:
        raise UsageError(f"the app ended with exit status {status}")
