"""The in-browser parts of the front end: views, pickers, and the feeds that bring them bytes.

`views/` holds a module, a style sheet and a page per component; `shared/` what several of them use, `partials/` pieces
of pages and style sheets. `messages` says what Python and a view tell each other, `bundle` how files become the texts
that Streamlit takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app import palette
from app.backend.engine import seen_feed
from app.backend.visitors import seen_data

from . import bundle, map_messages, messages, page_messages

SOURCES = Path(__file__).parent / "views"


def component_parts(name: str) -> dict[str, str]:
    """Return the module (js), style sheet (css) and page (html) of a view, whichever it has, with all they import."""
    sources = {"js": bundle.script, "css": bundle.style, "html": bundle.markup}
    files = {kind: SOURCES / f"{name}.{kind}" for kind in sources}
    parts = {kind: sources[kind](path) for kind, path in files.items() if path.exists()}
    if "css" in parts:
        parts["css"] = palette.variables() + parts["css"]
    return parts


def _component(name: str):
    """The component of a view."""
    return st.components.v2.component(f"netspace_{name}", **component_parts(name))


_viewer, _classifier, _raster, _preps, _optimise, _map, _picker, _pad, _hint, _saved, _feed = map(
    _component, ("viewer", "classifier", "raster", "preps", "optimise", "map", "picker", "pad", "hint", "saved", "feed")
)

# -- messages --------------------------------------------------------------------------------------------------------

NUMBERS = [
    ["volume", "volume", "Volume enclosed by the surface, world units; the cube has 8."],
    ["components", "components", "Connected pieces of the surface; 0 where there is no surface."],
    ["iou_a", "IoU to A", "Intersection over union with the original network A, on the points of the grid."],
    ["iou_b", "IoU to B", "Intersection over union with the original network B, on the points of the grid."],
    ["grid", "grid", "Cells along each axis: 64 while dragging, 128 when at rest."],
]
"""what the viewer says of a mesh where it is not told otherwise: key, label and help"""
VOLUME_CHART = {
    "key": "volume",
    "title": "volume",
    "help": "Volume enclosed by the surface along the path, in world units (the cube has 8). A gap means no surface.",
    "asked": False,
}
USUAL_LOOKS = {
    "dash": lambda k: [[], [6, 4], [2, 3], [8, 3, 2, 3]][k % 4],
    "mark": lambda k: palette.MARKS[k % len(palette.MARKS)],
    "key": lambda k: str(k + 1),
}
"""of sides that have no look of their own, such as an original beside its decode, by their place"""


def sides_of(sides: Iterable[Mapping[str, Any]]) -> list[messages.SideItem]:
    """Return the sides as a view is told of them, each with a look: a key that another one has is given once."""
    told, keys = [], set()
    for k, side in enumerate(sides):
        usual = {"name": side.get("side"), "kinds": None, "fixed": False, "embedded": side.get("side") == "latent"}
        full = usual | {name: make(k) for name, make in USUAL_LOOKS.items()} | dict(side)
        free = [full["key"], *map(str, range(1, 10))]
        full["key"] = next(key for key in free if key not in keys)
        keys.add(full["key"])
        told.append(_fitting(messages.SideItem, full))
    return told


def _fitting(message: type, values: Mapping[str, Any]) -> Any:
    """Return a message of those values that it names.

    Raises:
        KeyError: one that it needs is missing.
    """
    missing = message.__required_keys__ - values.keys()
    if missing:
        raise KeyError(f"{message.__name__} needs {', '.join(sorted(missing))}")
    return seen_data({name: value for name, value in values.items() if name in message.__annotations__})


def _path_data(message: type, key: str, data: Mapping[str, Any]) -> Any:
    """Return what a view of a path is told, from what its page says."""
    return _fitting(message, {"id": key, "token": 0, "absent": []} | dict(data) | {"sides": sides_of(data["sides"])})


# -- views -----------------------------------------------------------------------------------------------------------


def viewer_data(key: str, data: Mapping[str, Any]) -> messages.ViewerData:
    """Return what the viewer is told, from what its page says; much of it has a usual value."""
    usual = {"hero": False, "still": False, "camera": None, "numbers": NUMBERS, "sliceable": False, "slice": None}
    chart = {"asked": True, **data["chart"]} if data.get("chart") else VOLUME_CHART
    return _path_data(messages.ViewerData, key, usual | dict(data) | {"chart": chart})


def classifier_data(key: str, data: Mapping[str, Any]) -> messages.ClassifierData:
    """Return what the view of classifiers is told."""
    return _path_data(messages.ClassifierData, key, data)


def raster_data(key: str, data: Mapping[str, Any]) -> messages.RasterData:
    """Return what the view of pictures is told."""
    return _path_data(messages.RasterData, key, {"still": False, "numbers": []} | dict(data))


def map_data(key: str, data: Mapping[str, Any]) -> map_messages.MapData:
    """Return what the map is told."""
    usual = {"marks": palette.MARKS, "message": "", "filter": "", "groups": [], "twin": None, "legend": True}
    usual["grid"] = data["liftable"]
    return _fitting(map_messages.MapData, {"id": key} | usual | dict(data))


PATH_DATA = {"viewer": viewer_data, "classifier": classifier_data, "raster": raster_data}
"""by view of a path: what it is told"""


def viewer(key: str, data: Mapping[str, Any], on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """The path viewer; it says `messages.ViewerSays`."""
    _viewer(key=key, data=viewer_data(key, data), on_view_change=on_view, on_method_change=on_method)


def classifier(key: str, data: Mapping[str, Any], on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """Accuracy along a path, confusion matrix and answers; it says `messages.ClassifierSays`."""
    _classifier(key=key, data=classifier_data(key, data), on_view_change=on_view, on_method_change=on_method)


def raster(key: str, data: Mapping[str, Any], on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """Pictures along a path; it says `messages.RasterSays`."""
    _raster(key=key, data=raster_data(key, data), on_view_change=on_view, on_method_change=on_method)


def path_view(name: str) -> Callable[[str, Mapping[str, Any], Callable[[], None], Callable[[], None]], None]:
    """Return the view of a kind of networks, as `AppTask.view` names it."""
    return {"viewer": viewer, "classifier": classifier, "raster": raster}[name]


def preps(key: str, data: Mapping[str, Any], on_view: Callable[[], None], on_method: Callable[[], None]) -> None:
    """Networks as images: `messages.PrepsData`, `messages.PrepsSays`."""
    told = _path_data(messages.PrepsData, key, data)
    _preps(key=key, data=told, on_view_change=on_view, on_method_change=on_method)


def optimise(key: str, data: Mapping[str, Any], on_start: Callable[[], None]) -> None:
    """Map of embeddings, runs on it, their curves and numbers: `messages.OptimiseData`, `messages.OptimiseSays`."""
    runs = [_fitting(messages.RunItem, run) for run in data["runs"]]
    told = _fitting(messages.OptimiseData, {"id": key, "part": ""} | dict(data) | {"runs": runs})
    _optimise(key=key, data=told, on_start_change=on_start)


def zoo_map(
    key: str,
    data: Mapping[str, Any],
    on_pick: Callable[[], None],
    on_select: Callable[[], None],
    on_view: Callable[[], None],
) -> None:
    """Map of a zoo's embeddings: `map_messages.MapData`, `map_messages.MapSays`."""
    _map(key=key, data=map_data(key, data), on_pick_change=on_pick, on_select_change=on_select, on_view_change=on_view)


def picker(key: str, data: Mapping[str, Any], on_pick, on_swap, on_random) -> None:
    """Thumbnails to choose A and B from: `messages.PickerData`; its triggers are `messages.PickerSays`."""
    told = _fitting(messages.PickerData, {"id": key} | dict(data))
    _picker(key=key, data=told, on_pick_change=on_pick, on_swap_change=on_swap, on_random_change=on_random)


def pad(key: str, data: Mapping[str, Any]) -> None:
    """Mixtures of three or four networks, to choose from by hand: `messages.PadData`. Moves the slider of the view that
    it follows, in the browser alone.
    """
    _pad(key=key, data=_fitting(messages.PadData, {"id": key, "side": "latent"} | dict(data)))


def hint(key: str, words: str) -> None:
    """What to do on a page, until it is closed or the page has been used in this browser: `messages.HintData`."""
    _hint(key=key, data=_fitting(messages.HintData, {"id": key, "words": words}))


def saved(key: str, data: Mapping[str, Any], on_act: Callable[[], None]) -> None:
    """What all pages have at their top: `page_messages.SavedData`, `page_messages.SavedSays`."""
    _saved(key=key, data=_fitting(page_messages.SavedData, {"id": key} | dict(data)), on_act_change=on_act)


def feed(key: str, payload: bytes) -> None:
    """Bytes made by `app.backend.engine.feed` for the view named in their header."""
    _feed(key=key, data=seen_feed(payload))
