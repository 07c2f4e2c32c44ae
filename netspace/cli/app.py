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
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ..errors import MissingPackage, UsageError
from ..folders import APP
from .parser import Count

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

NAME, HELP = "app", "start the app in the browser"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--assets", type=Path, help="folder of spaces and zoos, in the place of those that ship")
    parser.add_argument("--port", action=Count, least=1, most=65535, default=8501, help="port that the app listens on")
    parser.add_argument(
        "--address", default="localhost",
        help="address that it listens on; 0.0.0.0 opens it to the network without a password, for visitors, who start, "
        "stop and save nothing unless NETSPACE_VISITORS=0",
    )  # fmt: skip
    parser.add_argument(
        "--host", action="append", default=[], metavar="NAME",
        help="name under which browsers reach it through a proxy; may be given more than once",
    )  # fmt: skip


def allowed_hosts(address: str, more: Sequence[str] = ()) -> list[str]:
    """Return the names under which the app answers; none for all, since an open address has more than are known here.

    A page elsewhere whose name is made to lead to this machine is then refused (DNS rebinding).
    """
    return [] if address not in THIS_MACHINE else [*THIS_MACHINE, *more]


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
    options += [f"--server.allowedHosts={name}" for name in allowed_hosts(args.address, args.host)]
    environment["PYTHONSAFEPATH"] = "1"  # packages that lie in the working directory are not imported
    with subprocess.Popen([sys.executable, "-m", "streamlit", "run", home, *options], env=environment) as server:
        try:
            status = server.wait()
        except BaseException:
            server.terminate()
            raise
    if status:
        raise UsageError(f"the app ended with exit status {status}")
