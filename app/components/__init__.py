"""The in-browser parts of the front end: the path viewer, the picker, and the feeds that bring them bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def _component(name: str):
    text = {kind: (HERE / f"{name}.{kind}") for kind in ("html", "css", "js")}
    return st.components.v2.component(
        f"netspace_{name}", **{kind: path.read_text() for kind, path in text.items() if path.exists()}
    )


_viewer, _picker, _feed = _component("viewer"), _component("picker"), _component("feed")


def viewer(key: str, data: dict, on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """The path viewer. In the session's state under `key`: `view`, a dict of `frame` and `camera` ([azimuth,
    elevation, distance], None as it starts), set when slider or camera are released; `method`, the side clicked last.
    """
    _viewer(key=key, data=data | {"id": key}, on_view_change=on_view, on_method_change=on_method)


def picker(key: str, data: dict, on_pick, on_swap, on_random) -> None:
    """Thumbnails to choose A and B from. In the session's state under `key`: `pick`, a dict of `slot` and `id`."""
    _picker(
        key=key, data=data | {"id": key}, on_pick_change=on_pick, on_swap_change=on_swap, on_random_change=on_random
    )


def feed(key: str, payload: bytes) -> None:
    """Bytes made by `session.feed` for the view named in their header."""
    _feed(key=key, data=payload)
