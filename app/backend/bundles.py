"""What a bundle holds: paths with all their results, the map with cards, reports, and how each thing was made.

A bundle is made once and then read without this program. So everything is waited for, nothing in it depends on when or
where it was made, and numbers that pages would ask for later are in it from the start.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.tasks import app_task
from netspace import __version__
from netspace.errors import FormatError, MissingData, UsageError
from netspace.export.archives import undated_zip
from netspace.folders import placeless
from netspace.io import atomic_write, content_hash, read_json, read_text
from netspace.jobs import Command
from netspace.kept import cache_folder
from netspace.latent.embeddings import embed_zoo, nearest, zoo_content
from netspace.latent.paths import METHODS, gammas
from netspace.latent.projection import UmapMap
from netspace.outputs import BUNDLE_MARK

from . import inspection, manifold, points, projections, scorecards
from .catalogue import Loaded, found_at, load
from .charts import Chart
from .embeddings import embedding_work
from .engine import seen_feed, shared
from .path import NetworkPath, arch_ids, architectures_along, between, method_colour, method_names, sides_between, stars
from .projections import Placed, Projection
from .take_away import both_folders
from .visitors import is_visitor, seen, seen_data, working_for

__all__ = ["BUNDLE_MARK", "undated_zip"]  # what `app.bundle` marks and makes its files by

MAP_VIEW = "map"
"""view that the feeds of the map are for"""
MOST_LOOKS = 24
"""columns by which a map can be coloured"""
NO_MAP = "none"
MAPS = ("umap", "pca", NO_MAP)
SETTLED = 0.05
"""seconds between two looks at what is computed"""


@dataclass(frozen=True)
class BundleOrder:
    """What a bundle is to hold."""

    pairs: Sequence[tuple[int, int]]
    """ids of A and B"""
    methods: Sequence[str] = ()
    """of METHODS; empty: all that lead from A to B"""
    steps: int = 33
    map: str = MAPS[0]
    reports: Sequence[scorecards.Report] = ()
    command: str = ""
    """that makes it; empty if none does"""
    named: Mapping[str, str] = field(default_factory=dict)
    """what commands call the space and the zoo"""


@dataclass(frozen=True)
class BundledPath:
    """A path with all its results."""

    title: str
    ends: tuple[int, int]
    view: str
    """component of the front end that shows it"""
    data: dict[str, Any]
    """what its view is told"""
    feeds: list[bytes]
    commands: dict[str, str]
    """by method, the command that writes it"""


@dataclass(frozen=True)
class BundledMap:
    """The map of the zoo, and what is known of its networks."""

    data: dict[str, Any]
    """what its view is told"""
    feeds: list[bytes]
    looks: list[tuple[str, str, bytes]]
    """title and key of what points can be coloured by, and the feed"""
    cards: dict[str, Any]
    """columns of facts, nearest training networks and their distances, distance to the manifold"""
    ways: list[dict[str, Any]]
    """of every path: how it lies on the map"""


@dataclass(frozen=True)
class BundleContents:
    """A bundle, as its file is written from."""

    title: str
    paths: list[BundledPath]
    map: BundledMap | None
    reports: list[dict[str, Any]]
    made: dict[str, Any]


def open_both_at(space: Path, zoo: Path) -> Loaded:
    """Load a space and a zoo by their folders. ValueError, in a sentence, if they cannot be read or do not fit."""
    return by_content(load(found_at(space.resolve(), "space"), found_at(zoo.resolve(), "zoo")))


def by_content(loaded: Loaded) -> Loaded:
    """Return the same, known by what it holds and not by when it was written, which would be in the bundle."""
    records = loaded.zoo.records.to_csv(index=False)
    contents = scorecards.content_of(loaded), content_hash(zoo_content(loaded.zoo), records)
    space, zoo = (
        replace(info, stamp=float(int(content[:12], 16)))
        for info, content in zip((loaded.space_info, loaded.zoo_info), contents, strict=True)
    )
    return replace(loaded, space_info=space, zoo_info=zoo)


def named_folders(space: str | Path, zoo: str | Path) -> dict[str, str]:
    """Return what the commands of a bundle call them."""
    return {"space": placeless(str(space)), "zoo": placeless(str(zoo))}


def pair_order(loaded: Loaded, pair: tuple[int, int], steps: int) -> tuple[Loaded, BundleOrder]:
    """Return the order of one path with whatever else is there already: the map, if that takes no time, and reports."""
    named = named_folders(**both_folders(loaded))
    reports, _ = scorecards.reports(loaded)
    return by_content(loaded), BundleOrder([pair], steps=steps, map=_map_at_hand(loaded), reports=reports, named=named)


def _map_at_hand(loaded: Loaded) -> str:
    """The map that takes no time; NO_MAP if the networks are not embedded yet."""
    work = embedding_work(loaded)
    if not work.future.done() or work.future.exception():
        return NO_MAP
    usual = Projection("umap", settings=_settings("umap")).umap_config
    return "pca" if UmapMap.kept(work.future.result(), usual, cache_folder()) is None else "umap"


def gathered(loaded: Loaded, order: BundleOrder, say: Callable[[str], None] = lambda words: None) -> BundleContents:
    """Return what an order asks for; `say` hears what is being done.

    Raises:
        UsageError: the networks have no map.
        DataError: the test images that paths are measured on cannot be read.
    """

    def path(k: int) -> BundledPath:
        return _path(loaded, order, k, lambda words: say(f"path {k + 1} of {len(order.pairs)}: {words}"))

    chart = None if order.map == NO_MAP else _chart(loaded, say)
    where = chart and _placed(chart, Projection(order.map, settings=_settings(order.map)))
    with working_for(True):  # who opens a bundle reads of this machine no more than a visitor
        paths = [path(k) for k in range(len(order.pairs))]
        found = _map(loaded, order, chart, where) if chart and where else None
        reports = [scorecards.shown_report(report) for report in order.reports]
        title = f"{loaded.space_info.title} on {loaded.zoo_info.title}"
        return BundleContents(title, paths, found, reports, seen_data(_made(loaded, order, found)))


def reports_for(loaded: Loaded, folders: Iterable[Path]) -> list[scorecards.Report]:
    """Return the reports that lie in folders.

    Raises:
        UsageError: a folder holds none, or one of another space.
        FormatError: one cannot be shown.
    """
    found = []
    for folder in folders:
        paths = [path for kind in scorecards.KINDS if (path := folder / f"{kind}.json").is_file()]
        if not paths:
            names = ", ".join(f"{kind}.json" for kind in scorecards.KINDS)
            raise UsageError(f"--score {folder} holds none of {names}")
        for path in paths:
            report = scorecards.read_report(path, loaded, folder.name)
            if report is None:
                raise UsageError(f"--score {folder} is of another space than {loaded.space_info.folder.name}")
            found.append(report)
    return found


# -- paths -----------------------------------------------------------------------------------------------------------


def _path(loaded: Loaded, order: BundleOrder, k: int, say: Callable[[str], None]) -> BundledPath:
    kind, (a, b), view = app_task(loaded), order.pairs[k], f"path-{k}"
    if not kind.can_show(loaded):
        raise MissingData(
            f"paths are measured on {kind.asked_about(loaded)}, which are not here; --data names their folder"
        )
    kind.prepare(loaded)
    sides = tuple(order.methods) or sides_between(loaded, a, b)
    work = kind.bundled_work(shared(), loaded, between(loaded, a, b, sides, tuple(gammas(order.steps))))
    _wait(work, say)
    data = kind.view_data(loaded, work, a, b, frame=order.steps // 2, method=sides[0])
    if data.get("family"):  # what `view_data` says is of as many steps as the app has
        walk = architectures_along(loaded, work.route.probabilities(), arch_ids(loaded, a, b))
        data["family"] = walk and walk | {"stars": stars(loaded, a, b)}
    names = [loaded.names[i] for i in (a, b)]
    options = {"a": names[0], "b": names[1], "steps": order.steps}
    commands = {side: _command("interpolate", order, options | {"method": side}, "path") for side in sides}
    told = seen_data(data | {"alone": True})
    return BundledPath(" → ".join(names), (a, b), kind.view, told, list(map(seen_feed, _sent(work, view))), commands)


def _wait(work: NetworkPath, say: Callable[[str], None]) -> None:
    """Until all of a path is there."""
    work.resume()
    while not work.done:
        work.looked_at()
        ready = sum(piece.done() for piece in work.frames.values())
        say(f"{ready} of {len(work.frames)} networks")
        time.sleep(SETTLED)


def _sent(work: NetworkPath, view: str) -> list[bytes]:
    """All packets of a path that is done: what comes before the steps, then these as they are sent last."""
    keys = [key for part in work.parts() for key in part]
    *_, last = work.stages()
    opening = [content for _, content in work.opening(view) if content]
    return [*opening, work.packet(view, last.name, *last.pack(keys))]


def _command(name: str, order: BundleOrder, options: Mapping[str, Any], out: str) -> str:
    """A command about the space and the zoo, as one would type it."""
    return seen(Command(name, {**order.named, **options}, out=out).line)


# -- the map ---------------------------------------------------------------------------------------------------------


def _chart(loaded: Loaded, say: Callable[[str], None]) -> Chart:
    def embedded(done: int, total: int) -> None:
        say(f"embedding: {done} of {total} networks")

    z = embed_zoo(loaded.space, loaded.zoo, cache_folder(), embedded, keep=not is_visitor())
    say("map")
    return Chart([loaded], [z])


def _map(loaded: Loaded, order: BundleOrder, chart: Chart, where: Placed) -> BundledMap:
    manifold.manifold_of(chart).future.exception()  # waits for it
    names = list(chart.columns)[:MOST_LOOKS]
    first = points.usual_colour(chart)
    names.sort(key=lambda name: name != first)
    keys = {name: points.look_key(chart, name, "", "") for name in names or [""]}
    looks = [
        (chart.columns[name].title if name else "one colour", key, points.look_feed(MAP_VIEW, key, chart, name, "", ""))
        for name, key in keys.items()
    ]
    atlas = points.atlas_feed(MAP_VIEW, where.key, chart)
    feeds = [points.points_feed(MAP_VIEW, where.key, where), points.names_feed(MAP_VIEW, where.key, chart.key, chart)]
    data = {
        "points": where.key, "look": looks[0][1], "axes": where.axes, "liftable": False, "picked": None, "of": "",
        "orbit": "", "note": " ".join(filter(None, (where.note, where.problem))), "neighbours": [], "selection": None,
        "ends": {"a": None, "b": None}, "path": None, "anchors": [], "extra": None, "view": None, "token": 0,
    }  # fmt: skip
    ways = [_way(loaded, chart, where, order, k) for k in range(len(order.pairs))]
    feeds = [seen_feed(content) for content in (*feeds, atlas) if content]
    looks = [(title, key, seen_feed(content)) for title, key, content in looks]
    return BundledMap(data, feeds, looks, seen_data(_cards_of(chart)), ways)


def _settings(kind: str) -> tuple[tuple[str, Any], ...]:
    """What UMAP is asked for: its usual settings."""
    return tuple((option["name"], option["default"]) for option in projections.umap_options()) if kind == "umap" else ()


def _placed(chart: Chart, asked: Projection) -> Placed:
    """The places as asked for, or as PCA has them if these cannot be had. UsageError if there is no map at all."""
    try:
        while (where := projections.placed(chart, asked)).waiting:
            time.sleep(SETTLED)
        return where
    except ValueError as problem:
        raise UsageError(f"there is no map of these networks: {problem}; leave it out by --map {NO_MAP}") from problem


def _way(loaded: Loaded, chart: Chart, where: Placed, order: BundleOrder, k: int) -> dict[str, Any]:
    """The latent path from A to B on the map."""
    a, b = order.pairs[k]
    gamma = torch.tensor(gammas(order.steps)).unsqueeze(1)  # (steps, 1)
    z = (1 - gamma) * chart.z[a] + gamma * chart.z[b]  # (steps, E)
    words = f"latent path from {loaded.names[a]} to {loaded.names[b]}"
    return {
        "follows": f"path-{k}", "frame": order.steps // 2, "words": words, "line": True,
        "places": projections.path_places(where, z.numpy()), "colour": method_colour(method_names()[0]),
    }  # fmt: skip


def _cards_of(chart: Chart) -> dict[str, Any]:
    k = inspection.NEIGHBOURS
    found = nearest(chart.z, chart.trained, k + 1)
    ids = chart.training[found.ids]  # (b, k + 1)
    near = []
    for i, (mine, distances) in enumerate(zip(ids.tolist(), found.distances.tolist(), strict=True)):
        pairs = [[j, float(f"{d:.4g}")] for j, d in zip(mine, distances, strict=True) if j != i and np.isfinite(d)]
        near.append(pairs[:k])
    far = manifold.manifold_of(chart).far
    off = {} if far is None else {str(i): manifold.words(float(far[i])) for i in np.flatnonzero(~(far <= 1))}
    return {"facts": inspection.fact_columns(chart), "near": near, "off": off, "lost": chart.lost}


# -- how it was made -------------------------------------------------------------------------------------------------


def _made(loaded: Loaded, order: BundleOrder, found: BundledMap | None) -> dict[str, Any]:
    sources = []
    for kind, folder, content in (
        ("space", loaded.space_info.folder, scorecards.content_of(loaded)),
        ("zoo", loaded.zoo_info.folder, zoo_content(loaded.zoo)),
    ):
        info = loaded.space_info if kind == "space" else loaded.zoo_info
        named = order.named.get(kind, info.title)
        about = {"kind": kind, "title": info.title, "note": info.note, "named": named, "content": content}
        sources.append(about | _records(kind, folder))
    methods = [METHODS[name] for name in order.methods or METHODS]
    versions = {"netspace": __version__, "torch": torch.__version__, "numpy": np.__version__}
    embed = _command("embed", order, {"map": order.map}, "embeddings.parquet")
    return {
        "command": order.command,
        "versions": versions | {"Python": platform.python_version()},
        "sources": sources,
        "methods": [{name: getattr(one, name) for name in ("title", "words", "ends", "between")} for one in methods],
        "map": {"command": embed, "note": found.data["note"]} if found else None,
        "steps": order.steps,
    }


RECORDED = {"space": ("train.json", "config.json"), "zoo": ("zoo.json",)}
"""what says how a folder was made"""


def _records(kind: str, folder: Path) -> dict[str, Any]:
    """The settings, the command and the card of a space or zoo, as far as they are recorded."""
    settings: dict[str, str] = {}
    command = ""
    for name in RECORDED[kind]:
        try:
            about = read_json(folder / name)
        except (FormatError, OSError):
            continue
        command = command or str(about.get("command") or "")
        config = about.get("config") or about.get("space")
        if "made_by" in about:
            settings["made by"] = str(about["made_by"])
        if isinstance(config, dict):
            texts = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
            settings |= {key: text for key, text in texts.items() if key not in settings}
    try:
        text = read_text(folder / "README.md", errors="replace")
    except (FormatError, OSError):
        text = ""
    return {"settings": settings, "command": command, "card": text}


# -- files -----------------------------------------------------------------------------------------------------------


def write_bundle(path: Path, content: bytes) -> None:
    """Write a file in one step."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
