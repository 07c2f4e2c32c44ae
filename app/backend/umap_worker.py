"""python -m app.backend.umap_worker: makes maps by UMAP in a process of its own, since its compiler holds the GIL.

Requests arrive pickled on stdin; replies are pickled to the original stdout (fd 1 is redirected to stderr). The process
lives as long as the app that started it.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any, NamedTuple

import numpy as np


class Ask(NamedTuple):
    """A map of embeddings."""

    z: np.ndarray
    """(b, E) of which the map is made"""
    settings: dict
    """fields of UmapConfig"""


def places(ask: Ask) -> np.ndarray:
    """Return places on a map (b, 2); UsageError if there is none."""
    import torch

    from netspace.latent.projection import UmapConfig, UmapMap

    return UmapMap.fit(torch.from_numpy(ask.z), UmapConfig(**ask.settings)).places.numpy()


def serve() -> None:
    """Answer requests until stdin ends."""
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not end up among the replies
    while True:
        try:
            ask = pickle.load(inbox)
        except EOFError:
            return
        try:
            answer: Any = places(ask)
        except Exception as error:  # told by the app
            answer = str(error) or type(error).__name__
        pickle.dump(answer, outbox)
        outbox.flush()


if __name__ == "__main__":
    serve()
