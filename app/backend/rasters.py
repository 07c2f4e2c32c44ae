"""Paths between networks that hold a picture: every step drawn as H x W x C bytes and measured as its task does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from netspace.nets.network import Network
from netspace.tasks.task import PathStep, Task

from .catalogue import Loaded
from .engine import Engine
from .path import NetworkPath, Route, StepPacket, has_result, packed


class RasterPath(NetworkPath):
    """A route all of whose networks are drawn and measured in the background."""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int, task: Task) -> None:
        super().__init__(engine, loaded, route, first)
        self.task = task
        self.begin()

    def needs(self) -> Sequence[Callable[[], Any]]:
        """What measures the networks of the path, and the originals' pictures."""
        return [partial(self.task.measuring, *self.ends), *(partial(self.task.show, end) for end in self.ends)]

    def step(self, side: str, i: int) -> StepPacket:
        measured: PathStep = self.engine.need(self.needed[0])(self.network(side, i))
        return pack_picture(side, i, measured.shown, measured.row)

    def opening(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """The originals' pictures."""
        if not all(map(has_result, self.needed)):
            yield "ends", None
            return
        pictures = [pack_picture(end, 0, work.result(), {}) for end, work in zip("ab", self.needed[1:], strict=True)]
        header, body = packed(pictures)
        yield "ends", self.packet(view, "ends", {"ends": header["frames"]}, body)


def pack_picture(side: str, i: int, picture: np.ndarray | None, row: Mapping[str, Any]) -> StepPacket:
    """A network as the raster view draws it: its picture (H, W, C) uint8, and the numbers of `row` that are finite."""
    numbers = {name: float(v) for name, v in row.items() if isinstance(v, int | float) and math.isfinite(v)}
    entry = {"side": side, "index": i, "numbers": numbers, "size": [0, 0, 0], "bytes": 0}
    if picture is None:
        return StepPacket(entry)
    body = np.ascontiguousarray(picture, np.uint8).tobytes()
    return StepPacket(entry | {"size": list(picture.shape), "bytes": len(body)}, body)


def still_pictures(task: Task, networks: Mapping[str, Network], measured: str) -> tuple[list[StepPacket], float | None]:
    """Return the pictures of networks by side, and of "decoded" against "original" the number that is asked for."""
    figure = None
    if "original" in networks:
        figure = task.measuring(networks["original"], None)(networks["decoded"]).row.get(measured)
    return [pack_picture(side, 0, task.show(network), {}) for side, network in networks.items()], figure


def coloured(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 1 or 3) uint8 as (H, W, 3)."""
    return np.broadcast_to(picture, (*picture.shape[:2], 3))
