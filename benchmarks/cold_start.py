"""python -m benchmarks.cold_start [CHECKOUT ...] [--pairs N] [--page PAGE] [--after S]: how long a first picture takes.

Each time a new server is started, a page of a browser that is there already opens it as soon as it answers, and the
clock ends with the first surface drawn on it. With other checkouts of this project they take turns, so that what else
the machine does meets all of them; ratios are to the first of them. Files are in the system's cache after the first.
With --after the browser comes so many seconds later, as a user does who opens the address by hand, and the clock begins
then.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from .browser import PATIENCE, ROOT, launch

DRAWN = """() => { const find = (root) => { for (const el of root.querySelectorAll('*')) {
  if (el.classList.contains('viewer')) return el;
  if (el.shadowRoot) { const inner = find(el.shadowRoot); if (inner) return inner; } } };
  const drawn = find(document)?.dataset.triangles;
  return drawn && drawn.split(/[^0-9]+/).some(Number); }"""


def first_picture(browser, checkout: Path, page: str, after: float) -> tuple[float, float]:
    """Seconds until a checkout's server answers, and until a surface is drawn: from its start, or when it is opened."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "streamlit", "run", "app/Home.py", "--server.port", str(port)]
    view = browser.new_page(viewport={"width": 1280, "height": 800})
    start = time.monotonic()
    server = subprocess.Popen(
        words, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(checkout)},
    )  # fmt: skip
    try:
        while not _answers(port):
            if server.poll() is not None or time.monotonic() - start > PATIENCE:
                raise RuntimeError(f"the app of {checkout} did not start")
            time.sleep(0.05)
        answered = time.monotonic() - start
        if after:
            time.sleep(after)
            start = time.monotonic()
        view.goto(f"http://127.0.0.1:{port}/{page}", wait_until="commit")
        view.wait_for_function(DRAWN, timeout=PATIENCE * 1000, polling=50)
        return answered, time.monotonic() - start
    finally:
        view.close()
        server.terminate()
        server.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        return urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10).status == 200
    except OSError:
        return False


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="benchmarks.cold_start", description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT])
    parser.add_argument("--pairs", type=int, default=5, help="starts of each, after one that does not count")
    parser.add_argument("--page", default="shapes", help="path of a page with a viewer; empty: Home")
    parser.add_argument("--after", type=float, default=0, help="seconds after which the browser opens the page")
    args = parser.parse_args()
    checkouts = [path.resolve() for path in args.checkouts]
    found: dict[Path, list[float]] = {path: [] for path in checkouts}
    with sync_playwright() as play:
        browser = launch(play)
        for k in range(args.pairs + 1):
            for path in checkouts:
                answered, drawn = first_picture(browser, path, args.page, args.after)
                print(f"{path.name:12s} answers after {answered:.2f} s, first picture after {drawn:.2f} s", flush=True)
                found[path] += [drawn] if k else []
    usual = {path: statistics.median(times) for path, times in found.items()}
    for path, times in found.items():
        print(
            f"{path.name:12s} median {usual[path]:.2f} s ({min(times):.2f} to {max(times):.2f}), "
            f"{usual[path] / usual[checkouts[0]]:.2f} of the first"
        )


if __name__ == "__main__":
    main()
