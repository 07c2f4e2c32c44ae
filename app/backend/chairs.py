"""Paths between chairs: every step decoded, meshed, measured and packed for the viewer; the pictures to choose from."""

from __future__ import annotations

import gzip
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass

import numpy as np

from netspace.data.shapes import MEASURES
from netspace.geometry.mesh import Surface, export, surface_of, surface_or_none, vertex_normals
from netspace.io import read_json
from netspace.tasks.surfaces import Step, measure
from netspace.zoo.store import SPLITS

from .catalogue import Loaded, card, cards
from .engine import Engine, feed, shared
from .path import Key, NetworkPath, Route, between

PREVIEW, AT_REST = 64, 128
GROUP = 12
"""frames of a feed"""
IDLE_SECONDS = 5
"""without a look at it, after which a route is paused"""
DEFAULT_PAIR = ("chair-0086", "chair-0120")


def atlas(loaded: Loaded) -> bytes | None:
    """A feed with the zoo's thumbnails, or None where none were made."""
    path = loaded.zoo_info.folder / "thumbnails.webp"
    if not path.exists():
        return None
    grid = read_json(path.with_suffix(".json"))
    header = {"view": "picker", "feed": "atlas", "path": loaded.zoo_info.id, "zoo": loaded.zoo_info.id}
    return feed(header | {"columns": grid["columns"], "rows": grid["rows"]}, path.read_bytes())


def default_pair(loaded: Loaded) -> tuple[int, int]:
    """The pair that the pages open with: two chairs that look well together, else the first two of all."""
    names = loaded.names
    if all(name in names for name in DEFAULT_PAIR):
        return names.index(DEFAULT_PAIR[0]), names.index(DEFAULT_PAIR[1])
    split = [i for split in SPLITS for i in loaded.zoo.ids(split)]
    ids = split or range(len(loaded.zoo))  # imported and optimised ones are of no such split
    return ids[0], ids[min(1, len(ids) - 1)]


def picker_data(loaded: Loaded, a: int, b: int) -> dict:
    """What the picker shows."""
    zoo = f"{loaded.zoo_info.id}|{loaded.zoo_info.stamp}"
    return {"zoo": zoo, "networks": [asdict(card) for card in cards(loaded)], "a": a, "b": b}


def viewer_data(
    loaded: Loaded,
    work: PathWork,
    a: int,
    b: int,
    *,
    frame: int,
    method: str,
    camera: list[float] | None = None,
    hero: bool = False,
) -> dict:
    """What the viewer shows beside the meshes, which come by feeds."""
    return {
        "path": work.id,
        "steps": work.route.steps,
        "frame": frame,
        "method": method,
        "sides": [side.words | {"fixed": side.fixed} for side in work.route.sides],
        "hero": hero,
        "camera": camera,
        "ends": {"a": asdict(card(loaded, a)), "b": asdict(card(loaded, b))},
        "same": a == b,
    }


@dataclass(frozen=True)
class Frame:
    """One decoded and meshed network of a path, ready to be sent."""

    entry: dict
    body: bytes


class PathWork(NetworkPath):
    """A route through chairs, all of its frames decoded, meshed and measured in the background."""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> None:
        super().__init__(engine, loaded, route, first)
        self.details: OrderedDict[Key, Future] = OrderedDict()
        self.seen = time.monotonic()
        self.sent: dict[tuple[str, str], bytes] = {}  # contents of `feeds`, which are asked for again and again
        self._ends = [self.submit(0, self._end, k, PREVIEW, True) for k in (0, 1)]
        self._fine_ends: list[Future] | None = None
        self.frames: dict[Key, Future] = {
            (side, i): self.submit(rank, self._frame, side, i, PREVIEW, True)
            for rank, part in enumerate(self.parts(), start=1)
            for side, i in part
        }

    def has_surface(self, side: str, i: int) -> bool:
        """Whether a step has a surface; waits for it."""
        return self.frames[self.key(side, i)].result().entry["triangles"] > 0

    def _end(self, k: int, resolution: int, preview: bool) -> Surface | None:
        return surface_or_none(self.ends[k], resolution, preview)

    def _frame(self, side: str, i: int, resolution: int, preview: bool) -> Frame:
        ends = self._ends if preview else self._fine_ends
        step = measure(self.network(side, i), ends[0].result(), ends[1].result(), resolution, preview)
        frame = pack_frame(side, i, step, resolution)
        if self.route.measured and step.surface:
            value = MEASURES[self.route.measured](step.surface.mesh)
            frame.entry["numbers"]["measured"] = value if math.isfinite(value) else None
        return frame

    @property
    def done(self) -> bool:
        """Whether all frames are there; finer ones are made when they are asked for."""
        return all(_has_result(future) for future in self.frames.values())

    def pause(self) -> None:
        """Drop the frames that have not begun."""
        for future in self.frames.values():
            future.cancel()

    def resume(self) -> None:
        """Go on with what was dropped, before all that was asked for earlier."""
        if not any(future.cancelled() for future in self.frames.values()):
            return
        self.serial = next(self.engine.count)
        # frames wait for the ends, which must not be behind them
        self._ends = [
            self.submit(0, self._end, k, PREVIEW, True) if f.cancel() else f for k, f in enumerate(self._ends)
        ]
        for rank, part in enumerate(self.parts(), start=1):
            for key in part:
                if self.frames[key].cancelled():
                    self.frames[key] = self.submit(rank, self._frame, *key, PREVIEW, True)

    def first_ready(self) -> None:
        """Wait until there is something to see where the slider is."""
        for side in self.sides:
            self.frames[self.key(side, self.first)].result()

    def feeds(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of all feeds, the first to be ready first; None for those that are not ready yet."""
        self.seen = time.monotonic()
        groups = [part[k : k + GROUP] for part in self.parts() for k in range(0, len(part), GROUP)]
        for k, group in enumerate(groups):
            name = f"part-{k}"
            if (view, name) not in self.sent and all(_has_result(self.frames[key]) for key in group):
                self.sent[view, name] = self.part(group, name, view)
            yield name, self.sent.get((view, name))

    def part(self, frames: list[Key], name: str, view: str) -> bytes:
        """A feed with these frames; waits for them."""
        return frames_feed(view, name, self.id, [self.frames[key].result() for key in frames])

    def detail(self, i: int, view: str) -> bytes:
        """A feed with both sides of a step at 128^3; waits for them."""
        if self._fine_ends is None:
            self._fine_ends = [self.submit(-2, self._end, k, AT_REST, False) for k in (0, 1)]
        keys = [self.key(side, i) for side in self.sides]
        for key in keys:
            if key not in self.details:
                self.details[key] = self.submit(-1, self._frame, *key, AT_REST, False)
            self.details.move_to_end(key)
        while len(self.details) > 16:
            self.details.popitem(last=False)
        return frames_feed(view, f"detail-{i}", self.id, [self.details[key].result() for key in keys])


def path_work(loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> PathWork:
    """The path between two networks, started if it is not there yet."""
    key = (loaded.space_info, loaded.zoo_info, a, b, sides)
    return shared().work(key, lambda served: PathWork(served, loaded, between(loaded, a, b, sides), first))


def route_work(loaded: Loaded, route: Route, first: int) -> PathWork:
    """The work on any route, started if it is not there yet; such that nobody looks at any more is paused."""
    work = shared().work(("route", route.id), lambda served: PathWork(served, loaded, route, first))
    for key, other in list(shared().works.items()):
        if key[0] == "route" and other is not work and time.monotonic() - other.seen > IDLE_SECONDS:
            other.pause()
    work.seen = time.monotonic()
    work.resume()
    return work


def _has_result(future: Future) -> bool:
    return future.done() and not future.cancelled()


def pack_frame(side: str, i: int, step: Step, resolution: int) -> Frame:
    """A step as the viewer draws it: 16-bit positions in its bounding box, 8-bit normals, indices, gzipped."""
    numbers = {
        "volume": step.volume,
        "area": step.area,
        "components": step.components,
        "iou_a": step.iou_a,
        "iou_b": step.iou_b,
    }
    entry = {"side": side, "index": i, "resolution": resolution, "numbers": numbers, "bytes": 0, "triangles": 0}
    if step.surface is None:
        return Frame(entry, b"")
    mesh = step.surface.mesh
    low = mesh.vertices.min(axis=0)
    size = np.maximum(np.ptp(mesh.vertices, axis=0), 1e-6)
    position = np.zeros((len(mesh.vertices), 4), np.uint16)
    position[:, :3] = np.round((mesh.vertices - low) / size * 65535)
    normal = np.zeros((len(mesh.vertices), 4), np.int8)
    normal[:, :3] = np.round(vertex_normals(mesh) * 127)
    wide = len(mesh.vertices) > 65535
    index = mesh.faces.astype(np.uint32 if wide else np.uint16)
    body = gzip.compress(position.tobytes() + normal.tobytes() + index.tobytes(), compresslevel=1, mtime=0)
    entry |= {
        "resolution": step.surface.resolution,
        "vertices": len(position),
        "triangles": len(index),
        "wide": wide,
        "low": low.tolist(),
        "size": size.tolist(),
        "bytes": len(body),
    }
    return Frame(entry, body)


def frames_feed(view: str, name: str, path: str, frames: list[Frame]) -> bytes:
    header = {"view": view, "feed": name, "path": path, "frames": [frame.entry for frame in frames]}
    return feed(header, b"".join(frame.body for frame in frames))


def mesh_arrays(work: PathWork, side: str, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) and faces (f, 3) of a step at 128^3."""
    mesh = surface_of(work.network(side, i), AT_REST).mesh
    return mesh.vertices, mesh.faces


def mesh_file(work: PathWork, side: str, i: int, kind: str) -> bytes:
    """The mesh of a step at 128^3 as a file."""
    return export(surface_of(work.network(side, i), AT_REST).mesh, kind)
