"""Paths between shapes: every step decoded, meshed, measured and packed for the viewer; the pictures to choose from."""

from __future__ import annotations

import gzip
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from netspace.data.shapes import MEASURES
from netspace.geometry.mesh import Surface, surface_of, surface_or_none, vertex_normals
from netspace.geometry.slices import FieldSlice, SlicePlane, slice_of
from netspace.tasks.surfaces import Step, measure

from .catalogue import Loaded, cards
from .engine import Engine, Piece, feed
from .grid_meshes import cell_triangles, pack_grid
from .path import Key, NetworkPath, Route, StepPacket, has_result, is_stopped, packed, steps_feed
from .thumbnails import read_thumbnails

PREVIEW, AT_REST = 64, 128
"""cells of the grid along each axis: while dragging, and when at rest"""
SLICE_QUANTUM = 4096
"""values of a slice are sent as whole numbers of this part of a unit"""


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
    redrawn = True
    """whether a step is drawn on the fine grid when at rest"""
    planes_kept = 3
    """planes in which the fields of all steps are kept"""
    sliced = 24
    """slices of a packet"""

    def pack(self, side: str, i: int, step: Step, resolution: int) -> StepPacket:
        """Return a step as it is sent."""
        return pack_frame(side, i, step, resolution)

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> None:
        super().__init__(engine, loaded, route, first)
        self.details: OrderedDict[Key, Piece] = OrderedDict()
        self._fine_ends: list[Piece] = []
        self.planes: OrderedDict[SlicePlane, dict[Key, Piece]] = OrderedDict()
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
        frame = self.pack(side, i, step, resolution)
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

    def slices_of(self, step: int, axis: str, at: float, view: str) -> Iterator[tuple[str, bytes]]:
        """Names and contents of packets with a step's fields in a plane, a side each; waits for them.

        Args:
            axis, at: of the plane, as `SlicePlane` has them.
        """
        keys = [self.key(side, step) for side in self.sides]
        pieces = self._begin_slices(SlicePlane(axis, at), keys, -1)

        def piece(key: Key) -> Piece:
            if is_stopped(pieces[key]):
                pieces[key] = self.again(-1, pieces[key])
            return pieces[key]

        for key in keys:
            found = [self.result(partial(piece, key))]
            yield f"slice-{key[0]}", self._pack_slices(found, f"slice-{key[0]}", view, f"{axis} {at} {step}")

    def slices(self, axis: str, at: float, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of packets with the fields of all steps in a plane; None for those not ready yet."""
        self.looked_at()
        keys = [key for part in self.parts() for key in part]
        pieces = self._begin_slices(SlicePlane(axis, at), keys, len(self.parts()) + 1)
        for k in range(0, len(keys), self.sliced):
            mine = [pieces[key] for key in keys[k : k + self.sliced]]
            name, ready = f"slices-{k}", all(map(has_result, mine))
            found = [piece.result() for piece in mine] if ready else []
            yield name, self._pack_slices(found, name, view, f"{axis} {at}") if ready else None

    def all_sliced(self, axis: str, at: float) -> bool:
        """Whether the fields of all steps in a plane are ready."""
        pieces = self.planes.get(SlicePlane(axis, at), {})
        return all(key in pieces and has_result(pieces[key]) for part in self.parts() for key in part)

    def _begin_slices(self, plane: SlicePlane, keys: Sequence[Key], rank: int) -> dict[Key, Piece]:
        """The slices in a plane, begun of these steps; what is not begun of other planes is held back."""
        if next(reversed(self.planes), None) != plane:
            for piece in self._slice_pieces():
                piece.held = True
        pieces = self.planes.setdefault(plane, {})
        self.planes.move_to_end(plane)
        while len(self.planes) > self.planes_kept:
            self.planes.popitem(last=False)
        for key in keys:
            if key not in pieces:
                pieces[key] = self.submit(rank, self._cut, plane, *key)
            elif rank < 0 or is_stopped(pieces[key]):
                pieces[key] = self.again(rank, pieces[key])
        return pieces

    def _pack_slices(self, found: Sequence[StepPacket], name: str, view: str, version: str) -> bytes:
        header, body = packed(found)
        return self.packet(view, name, {"slices": header["frames"], "version": version}, body)

    def _cut(self, plane: SlicePlane, side: str, i: int) -> StepPacket:
        return pack_slice(side, i, plane, slice_of(self.network(side, i), plane))

    def _slice_pieces(self) -> Iterator[Piece]:
        """The slices of all planes."""
        return (piece for pieces in self.planes.values() for piece in list(pieces.values()))

    def pausable(self) -> Iterable[Piece]:
        return [*super().pausable(), *self._slice_pieces()]


def pack_slice(side: str, i: int, plane: SlicePlane, found: FieldSlice) -> StepPacket:
    """A slice as the viewer draws it: field and Eikonal error (n, n, 2) as 16-bit numbers; none if not all finite."""
    told = {"inside": found.inside, "error": found.mean_error}
    known = {name: value if math.isfinite(value) else None for name, value in told.items()}
    entry = {"side": side, "index": i, "axis": plane.axis, "at": plane.at, "points": len(found.values), **known}
    if known["inside"] is None:
        return StepPacket(entry | {"bytes": 0})
    error = np.zeros_like(found.values) if found.error is None else found.error
    limit = 2**15 - 1
    values = np.nan_to_num(np.stack([found.values, error], axis=-1), nan=limit / SLICE_QUANTUM)
    body = np.clip(np.round(values * SLICE_QUANTUM), -limit, limit).astype(np.int16).tobytes()
    return StepPacket(entry | {"bytes": len(body)}, body)


class GridPathWork(PathWork):
    """A route through shapes for a bundle: its frames are small, and none is drawn on the fine grid."""

    redrawn = False

    def pack(self, side: str, i: int, step: Step, resolution: int) -> StepPacket:
        grid = step.surface and pack_grid(step.surface)
        if not grid:
            return super().pack(side, i, step, resolution)
        entry, body = grid
        return StepPacket(_told(side, i, step, step.surface.resolution) | entry | {"bytes": len(body)}, body)

    def pack_steps(self, keys: list[Key]) -> tuple[dict, bytes]:
        header, body = super().pack_steps(keys)
        return header | {"triangles": cell_triangles()}, body


def _told(side: str, i: int, step: Step, resolution: int) -> dict[str, Any]:
    """What the header says of a step without a surface."""
    numbers = {
        "volume": step.volume,
        "area": step.area,
        "components": step.components,
        "iou_a": step.iou_a,
        "iou_b": step.iou_b,
    }
    return {"side": side, "index": i, "resolution": resolution, "numbers": numbers, "bytes": 0, "triangles": 0}


def pack_frame(side: str, i: int, step: Step, resolution: int) -> StepPacket:
    """A step as the viewer draws it: 16-bit positions in its bounding box, 8-bit normals, indices, gzipped."""
    entry = _told(side, i, step, resolution)
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
