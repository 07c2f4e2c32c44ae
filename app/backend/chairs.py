"""Paths between shapes: every step decoded, meshed, measured and packed for the viewer; the pictures to choose from."""

from __future__ import annotations

import gzip
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from netspace.data.shapes import MEASURES
from netspace.geometry.mesh import Surface, surface_of, surface_or_none, vertex_normals
from netspace.tasks.surfaces import Step, measure

from .catalogue import Loaded, cards
from .engine import Engine, Piece, feed
from .path import Key, NetworkPath, Route, StepPacket, steps_feed
from .thumbnails import read_thumbnails

PREVIEW, AT_REST = 64, 128
"""cells of the grid along each axis: while dragging, and when at rest"""


def atlas(loaded: Loaded) -> bytes | None:
    """A feed with the zoo's thumbnails, or None where none were made."""
    found = read_thumbnails(loaded)
    if found is None:
        return None
    header = {"view": "picker", "feed": "atlas", "path": loaded.zoo_info.id, "zoo": loaded.zoo_info.id}
    return feed(header | {name: found[0][name] for name in ("columns", "rows")}, found[1])


def picker_data(loaded: Loaded, a: int, b: int) -> dict:
    """What the picker shows."""
    zoo = f"{loaded.zoo_info.id}|{loaded.zoo_info.stamp}"
    return {"zoo": zoo, "networks": [asdict(card) for card in cards(loaded)], "a": a, "b": b}


class PathWork(NetworkPath):
    """A route through shapes, all of its frames decoded, meshed and measured in the background."""

    idle_seconds = 5.0
    kept = 8
    """frames that are kept as they are drawn at rest"""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> None:
        super().__init__(engine, loaded, route, first)
        self.details: OrderedDict[Key, Piece] = OrderedDict()
        self._fine_ends: list[Piece] = []
        self.begin()

    def needs(self) -> Sequence[Callable[[], Surface | None]]:
        return [partial(self._end, k, PREVIEW, True) for k in (0, 1)]

    def step(self, side: str, i: int) -> StepPacket:
        return self._frame(side, i, PREVIEW, True, self.needed)

    def has_surface(self, side: str, i: int) -> bool:
        """Whether a step has a surface; waits for it."""
        return self.step_result(self.key(side, i)).entry["triangles"] > 0

    def _end(self, k: int, resolution: int, preview: bool) -> Surface | None:
        """The surface of A or B; of its grid only what steps are compared with, which is a quarter of it."""
        found = surface_or_none(self.ends[k], resolution, preview)
        return found and found._replace(values=np.where(found.inside, np.int8(-1), np.int8(1)))

    def _frame(self, side: str, i: int, resolution: int, preview: bool, ends: Sequence[Piece]) -> StepPacket:
        a, b = (self.engine.need(end) for end in ends)
        step = measure(self.network(side, i), a, b, resolution, preview)
        frame = pack_frame(side, i, step, resolution)
        if self.route.measured and step.surface:
            value = MEASURES[self.route.measured](step.surface.mesh)
            frame.entry["numbers"]["measured"] = value if math.isfinite(value) else None
        return frame

    def detail(self, i: int, view: str) -> bytes:
        """A packet with all sides of a step on the fine grid; waits for them."""
        if not self._fine_ends:
            self._fine_ends = [self.submit(-2, self._end, k, AT_REST, False) for k in (0, 1)]
        keys = [self.key(side, i) for side in self.sides]
        for key in keys:
            self._detail(key)
            self.details.move_to_end(key)
        while len(self.details) > self.kept:
            self.details.popitem(last=False)
        return steps_feed(view, f"detail-{i}", self.id, [self.result(partial(self._detail, key)) for key in keys])

    def _detail(self, key: Key) -> Piece:
        """A step as it is drawn at rest, begun if it is not there yet."""
        if key not in self.details or self.details[key].cancelled():
            self.details[key] = self.submit(-1, self._frame, *key, AT_REST, False, self._fine_ends)
        return self.details[key]


def pack_frame(side: str, i: int, step: Step, resolution: int) -> StepPacket:
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
        return StepPacket(entry)
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
    return StepPacket(entry, body)


def mesh_arrays(work: PathWork, side: str, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) and faces (f, 3) of a step on the fine grid."""
    mesh = surface_of(work.network(side, i), AT_REST).mesh
    return mesh.vertices, mesh.faces
