"""What the server does before anybody has opened it: imports what pages need, and makes the first picture they show.

The import of torch and the first picture take about five seconds of a core. Whoever opens the app after that waits for
the browser alone; whoever opens it at once waits as long as without this (`python -m benchmarks.cold_start`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st

_log = logging.getLogger(__name__)
FIRST_PAGE = "shapes"
"""page in pages/ that shows a path at once, as Home does"""


@asynccontextmanager
async def while_starting(app: Any) -> AsyncIterator[None]:
    """Warm up in a thread of its own while the server begins to answer; open a browser, as for a plain script."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    asyncio.get_running_loop().call_soon(open_browser)
    yield


def open_browser() -> None:
    """Open the app in the user's browser unless the server is headless; `streamlit run` does so for scripts alone."""
    option = st.config.get_option
    if not option("server.headless"):
        address = option("server.address") or "localhost"
        name = "localhost" if address in ("0.0.0.0", "::") else address
        base = "/".join(
            filter(None, (f"http://{name}:{option('server.port')}", option("server.baseUrlPath").strip("/")))
        )
        webbrowser.open(base)


def _warm_up() -> None:
    try:
        make_first_picture()
    except Exception as problem:  # pages say what is wrong with what they show
        _log.info("nothing was made before the first page: %s", problem)


def make_first_picture() -> None:
    """Import what pages need, and decode what Home and Shapes show first of the pair that they open with."""
    from app.backend import catalogue
    from app.backend.path import STEPS, method_names, sides_between, step_at
    from app.tasks import app_task
    from app.ui import downloads, mesh_view, pair, sidebar  # noqa: F401 (pages import them)

    offered = sidebar.offers(sidebar.Subject.of_page(FIRST_PAGE))
    space = next(iter(offered["space"].values()))
    zoo = offered["zoo"][sidebar.partner(space, offered["zoo"])]
    loaded = catalogue.load(space, zoo)
    kind, (a, b) = app_task(loaded), app_task(loaded).default_pair(loaded)
    for sides, step in ((method_names()[:1], 0), (sides_between(loaded, a, b), step_at(0.5, STEPS))):
        work = kind.pair_path(loaded, a, b, tuple(sides), step)
        work.part(next(iter(work.parts())), "first", "")  # waits for it
        work.pause()
