"""python -m app.backend.umap_worker: makes maps by UMAP in a process of its own, since its compiler holds the GIL.

Requests arrive pickled on stdin; replies are pickled to the original stdout (fd 1 is redirected to stderr). The process
lives as long as the app that started it, and keeps its latest maps, so that others can be placed on them.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

MOST_MAPS = 6
"""maximum number of maps that are kept"""


class Ask(NamedTuple):
    """A map of embeddings, or the places of others on it."""

    key: str
    z: np.ndarray
    """(b, E) of which the map is made"""
    settings: dict
    """fields of UmapConfig"""
    others: np.ndarray | None
    """(n, E) to be placed on the map; None: the places of its own"""


def places(ask: Ask, maps: OrderedDict) -> np.ndarray:
    """Return places on a map (b or n, 2), which is made if it is not kept; UsageError if there is none."""
    import torch

    from netspace.latent.projection import UmapConfig, UmapMap

    if ask.key not in maps:
        maps[ask.key] = UmapMap.fit(torch.from_numpy(ask.z), UmapConfig(**ask.settings))
        while len(maps) > MOST_MAPS:
            maps.popitem(last=False)
    maps.move_to_end(ask.key)
    found = maps[ask.key]
    return (found.places if ask.others is None else found.place(torch.from_numpy(ask.others))).numpy()


def serve() -> None:
    """Answer requests until stdin ends."""
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not end up among the replies
    maps: OrderedDict = OrderedDict()
    while True:
        try:
            ask = pickle.load(inbox)
        except EOFError:
            return
        try:
            answer: Any = places(ask, maps)
        except Exception as error:  # told by the app
            answer = str(error) or type(error).__name__
        pickle.dump(answer, outbox)
        outbox.flush()


if __name__ == "__main__":
    serve()
