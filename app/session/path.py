"""A path between two networks of a zoo, whose steps are worked on in the background."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from concurrent.futures import Future

from netspace.interpolate import METHODS, gammas
from netspace.interpolate import PATH_STEPS as STEPS
from netspace.network import Network

from .catalogue import COLOURS, DEVICE, Loaded
from .engine import Engine

Key = tuple[str, int]
"""A side, and a step of it."""


class NetworkPath:
    """The steps of a path on one or more sides; what is done with them is the subclass's."""

    def __init__(self, engine: Engine, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> None:
        self.engine, self.loaded, self.sides, self.first = engine, loaded, sides, first
        self.ends = loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE)
        self.gammas = gammas(STEPS)
        self.serial = next(engine.count)
        self.id = f"{loaded.key}|{a}|{b}"
        self.network = functools.lru_cache(maxsize=8)(self._network)  # asked for again by every part of the work on it
        """The network of a side at a step."""

    def submit(self, rank: int, function, *args) -> Future:
        """Have something done: a low rank first, and all of a newer path before any of an older one."""
        return self.engine.submit((-self.serial, rank), function, *args)

    def parts(self) -> list[list[Key]]:
        """Steps in the order in which they are wanted: where the slider is, every fourth, the rest."""
        others = [i for i in range(STEPS) if i != self.first]
        coarse, fine = [i for i in others if i % 4 == 0], [i for i in others if i % 4]
        return [[(side, i) for i in part for side in self.sides] for part in ([self.first], coarse, fine)]

    def _network(self, side: str, i: int) -> Network:
        return METHODS[side].path(self.loaded.space, *self.ends, [self.gammas[i]])[0]


def side_words(sides: Iterable[str]) -> list[dict[str, str]]:
    """What the views show of the methods beside their results."""
    return [
        {
            "side": side,
            "title": METHODS[side].title,
            "help": METHODS[side].words,
            "ends": METHODS[side].ends,
            "between": METHODS[side].between,
            "colour": COLOURS[side],
        }
        for side in sides
    ]
