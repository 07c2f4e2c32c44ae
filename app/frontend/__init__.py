"""The in-browser parts of the front end: the path viewer, the picker, and the feeds that bring them bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def _component(name: str, *shared: str):
    """The files of this name, each after those of the same kind that it shares with others."""
    text = {
        kind: "\n".join(
            path.read_text() for path in (HERE / f"{part}.{kind}" for part in (*shared, name)) if path.exists()
        )
        for kind in ("html", "css", "js")
    }
    return st.components.v2.component(f"netspace_{name}", **{kind: words for kind, words in text.items() if words})


_viewer = _component("viewer", "hub", "path", "gl")
_optimise, _map = _component("optimise", "hub", "path", "marks"), _component("map", "hub", "path", "marks", "gl")
_picker, _pad, _feed = (_component(name, "hub") for name in ("picker", "pad", "feed"))
_classifier, _preps = (_component(name, "hub", "path", "focus") for name in ("classifier", "preps"))


def viewer(key: str, data: dict, on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """The path viewer. In the session's state under `key`: `view`, a dict of `frame` and `camera` ([azimuth,
    elevation, distance], None as it starts), set when slider or camera are released; `method`, the side clicked last.
    """
    _viewer(key=key, data=data | {"id": key}, on_view_change=on_view, on_method_change=on_method)


def classifier(key: str, data: dict, on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """Accuracy along a path, confusion matrix and answers. In the session's state under `key`: `view`, a dict of
    `frame`, set when the slider is released; `method`, the side in focus.
    """
    _classifier(key=key, data=data | {"id": key}, on_view_change=on_view, on_method_change=on_method)


def preps(key: str, data: dict, on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """Networks as images. In the session's state under `key`: `view`, a dict of `frame`, `against` (nearer, a or
    b), `scale` (own or one) and `layer`, set when the slider is released or one of these chosen; `method`, in focus.
    """
    _preps(key=key, data=data | {"id": key}, on_view_change=on_view, on_method_change=on_method)


def optimise(key: str, data: dict, on_start: Callable[[], None]) -> None:
    """Map of embeddings, runs on it, their curves and numbers. In the session's state under `key`: `start`, a dict of
    `network`, an id, or `at`, a point of the map, set when the map is clicked.
    """
    _optimise(key=key, data=data | {"id": key}, on_start_change=on_start)


def zoo_map(
    key: str, data: dict, on_pick: Callable[[], None], on_select: Callable[[], None], on_view: Callable[[], None]
) -> None:
    """Map of a zoo's embeddings. In the session's state under `key`: `pick`, a dict of `network`, an id, `at`, an empty
    place of the map, or `none`; `select`, a dict of `tool` and `polygon`, corners on the map; `view`, a dict of `x`,
    `y` and `scale` (1 shows everything), None as it starts, set when zoom and pan have rested.
    """
    _map(key=key, data=data | {"id": key}, on_pick_change=on_pick, on_select_change=on_select, on_view_change=on_view)


def picker(key: str, data: dict, on_pick, on_swap, on_random) -> None:
    """Thumbnails to choose A and B from. In the session's state under `key`: `pick`, a dict of `slot` and `id`."""
    _picker(
        key=key, data=data | {"id": key}, on_pick_change=on_pick, on_swap_change=on_swap, on_random_change=on_random
    )


def pad(key: str, data: dict) -> None:
    """Mixtures of three or four networks, to choose from by hand: moves the slider of the view that `data` names as
    `follows`, in the browser alone.
    """
    _pad(key=key, data=data)


def feed(key: str, payload: bytes) -> None:
    """Bytes made by `session.feed` for the view named in their header."""
    _feed(key=key, data=payload)
