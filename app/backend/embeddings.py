"""Embeddings of zoos, computed once per zoo and space for all pages: the Map, Optimise and the families share them.

They are kept between runs of the app by content, as `netspace.latent.embeddings.embed_zoo` does.
"""

from __future__ import annotations

from concurrent.futures import wait

import torch

from netspace.kept import cache_folder
from netspace.latent.embeddings import embed_zoo

from .caches import cached_object
from .catalogue import Loaded
from .engine import go_on, patient
from .visitors import is_visitor

PATIENCE = 1.0
"""seconds that a page waits for embeddings before it is shown without"""


class EmbeddingWork:
    """The embeddings of all networks of a zoo, computed in the background or read from the disk."""

    def __init__(self, loaded: Loaded) -> None:
        self.done, self.total, self.waited_for = 0, len(loaded.zoo), False
        engine = patient()
        self.future = engine.submit((-next(engine.count),), self._embed, loaded)

    def _embed(self, loaded: Loaded) -> torch.Tensor:
        def progress(done: int, total: int) -> None:
            self.done = done
            go_on()

        return embed_zoo(loaded.space, loaded.zoo, cache_folder(), progress, keep=not is_visitor())

    @property
    def share(self) -> float:
        """Share of the networks that are embedded; 1 once all embeddings are there."""
        return 1.0 if self.future.done() else min(self.done / max(1, self.total), 0.99)


@cached_object(max_entries=16)
def _embedding_work(key: str, _loaded: Loaded) -> EmbeddingWork:
    return EmbeddingWork(_loaded)


def embedding_work(loaded: Loaded) -> EmbeddingWork:
    """Return the work on a zoo's embeddings, begun if it is not there yet; the first time, wait for it a moment."""
    work = _embedding_work(loaded.key, loaded)
    if not work.waited_for:
        work.waited_for = True
        wait([work.future], timeout=PATIENCE)
    return work


def zoo_embeddings(loaded: Loaded) -> torch.Tensor:
    """Return the embeddings (b, E) of all networks of the zoo, float32 on the CPU; wait for them."""
    return _embedding_work(loaded.key, loaded).future.result()
