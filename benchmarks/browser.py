"""An app and a headless Chromium, as benchmarks and browser tests drive them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader"]
"""WebGL in software and the page itself drawn as Chromium does where there is no graphics card. Forcing ANGLE onto
SwiftShader would have it composite the page by that too, as if it were a card."""
PATIENCE = 240
"""seconds: a busy machine is slow, not wrong"""


def launch(play: Playwright) -> Browser:
    """Raises FileNotFoundError where there is no Chromium."""
    if CHROMIUM is None:
        raise FileNotFoundError("no Chromium was found")
    return play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@contextmanager
def served(*folders: Path, log: Path | str = os.devnull, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address of an app that also offers what lies in these folders, and its process; it answers already.

    Args:
        log: file that what the app writes is appended to.

    Raises:
        RuntimeError: it did not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {"OMP_NUM_THREADS": "1", "NETSPACE_FOLDERS": os.pathsep.join(map(str, folders))}
    with Path(log).open("ab") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/Home.py", "--server.port", str(port)],
            cwd=ROOT, stdout=written, stderr=written, env=os.environ | known | environment,
        )  # fmt: skip
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    try:
        while not _answers(address):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the app did not start")
            time.sleep(0.5)
        yield address, server
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers(address: str) -> bool:
    try:
        return urlopen(f"{address}/_stcore/health", timeout=10).status == 200
    except OSError:
        return False
