"""Embeddings of a zoo, cached by content, and nearest neighbours, which are found in the space itself."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..io import atomic_write, content_hash
from ..kept import kept_files
from ..space.space import NetSpace
from ..threads import held_threads
from ..zoo.store import Zoo
from .kept_embeddings import KeptEmbeddings, prep_content, read_embeddings

if TYPE_CHECKING:
    import pandas as pd

EMBED_BATCH = 16
"""networks encoded at once"""


def embed(space: NetSpace, zoo: Zoo, ids: Sequence[int]) -> Tensor:
    """Return the embeddings (b, E) of a zoo's networks with these ids, on the space's device.

    To the same bits however many threads torch has: they are cached, and shown by the app beside those of a command.
    """
    batches = (ids[k : k + EMBED_BATCH] for k in range(0, len(ids), EMBED_BATCH))
    parts = [_encode(space, zoo.preps(batch)) for batch in batches]
    return torch.cat(parts) if parts else torch.empty(0, space.config.embedding)


@torch.no_grad()
def _encode(space: NetSpace, preps: Tensor) -> Tensor:
    with held_threads():
        return space.encode(preps.to(space.device))


def space_content(space: NetSpace) -> str:
    """Return 16 hex digits that change with a space's architectures, settings or weights."""
    about = json.dumps([space.family.names, space.family.size, asdict(space.config)])
    return content_hash(about, *(part for name, t in sorted(space.state_dict().items()) for part in (name, t)))


def zoo_content(zoo: Zoo) -> str:
    """Return 16 hex digits that change with a zoo's networks or their order, not with their names or records."""
    return zoo.content


def embed_zoo(
    space: NetSpace,
    zoo: Zoo,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    keep: bool = True,
) -> Tensor:
    """Return the embeddings (b, E) of all networks of a zoo, float32 on the CPU; NaN if a shard cannot be read.

    Networks are read in batches, each once; only those whose weights no cached embedding belongs to are embedded.

    Args:
        cache: folder that keeps them by content of space and network, and after which those that come with the product
            are looked at; None computes them anew. A cache that cannot be read or written costs time and nothing else.
        progress: called with the number of networks embedded so far, and the total.
        keep: write to the cache, not only read from it.

    Raises:
        FormatError: the weights of a network are damaged.
    """
    key = space_content(space) if cache else ""
    whole = zoo.content if cache and len(zoo.weights.shards) == 1 else ""
    for file in kept_files(f"embeddings/{key}-{whole}.parquet", cache) if whole else ():
        with contextlib.suppress(OSError, ValueError):  # damaged: computed anew
            z = read_embeddings(file)
            if tuple(z.shape) == (len(zoo), space.config.embedding):
                progress(len(zoo), len(zoo))
                return z
    work = _Embedding(space, zoo, KeptEmbeddings(cache, key, space.config.embedding))
    kept = 0
    for start in range(0, len(zoo), EMBED_BATCH):
        stop = min(start + EMBED_BATCH, len(zoo))
        work.take(range(start, stop), last=stop == len(zoo))
        if keep and work.made - kept >= KEEP_EVERY:
            kept = work.made
            work.keep("")
        progress(stop, len(zoo))
    if keep and work.made:
        work.keep(whole)
    return work.z


KEEP_EVERY = 4096
"""networks embedded between writes to a cache, so that long work that is ended goes on from there"""


class _Embedding:
    """The embedding of a zoo, under way."""

    def __init__(self, space: NetSpace, zoo: Zoo, kept: KeptEmbeddings) -> None:
        self.space, self.zoo, self.kept, self.made = space, zoo, kept, 0
        self.z = torch.full((len(zoo), space.config.embedding), torch.nan)
        self._contents = [""] * len(zoo)
        self._lost = set(zoo.unreadable)
        self._waiting: list[tuple[int, str, Tensor]] = []
        """networks to be embedded, less than a batch of them: id, content, PRep"""

    def take(self, ids: Sequence[int], last: bool) -> None:
        """Look networks up; embed those that are not known as soon as they fill a batch, or if they are the last."""
        ids = [i for i in ids if i not in self._lost]
        for i, prep in zip(ids, self.zoo.preps(ids), strict=True):
            content = prep_content(prep)
            known = self.kept[content]
            if known is None:
                self._waiting.append((i, content, prep))
            else:
                self.z[i], self._contents[i] = known, content
        while len(self._waiting) >= EMBED_BATCH or (last and self._waiting):
            batch, self._waiting = self._waiting[:EMBED_BATCH], self._waiting[EMBED_BATCH:]
            preps = torch.stack([prep for _, _, prep in batch])
            preps = preps.expand(2, -1, -1, -1) if len(batch) == 1 else preps  # products of one row round otherwise
            found = _encode(self.space, preps).float().cpu()
            for (i, content, _), z in zip(batch, found, strict=False):
                self.z[i], self._contents[i] = z, content
            self.made += len(batch)

    def keep(self, name: str) -> None:
        """Write what is embedded so far to the cache."""
        self.kept.write(embeddings_table(self.zoo, self.z), self._contents, name)


def embeddings_table(zoo: Zoo, z: Tensor) -> pd.DataFrame:
    """Return a table with one row per network: name, arch, split, and its embedding as columns z0, z1, ..."""
    import pandas as pd

    table = pd.DataFrame(z.cpu().numpy(), columns=[f"z{k}" for k in range(z.shape[1])])
    about = zoo.records[["name", "arch", "split"]].reset_index(drop=True)
    return pd.concat([about, table], axis=1)


def write_embeddings(path: Path, table: pd.DataFrame) -> None:
    """Write a table of `embeddings_table` as a Parquet file."""
    with atomic_write(path) as temporary:
        table.to_parquet(temporary, index=False)


def finite(z: Tensor) -> Tensor:
    """Return which embeddings (b, E) are finite, (b) bool; those of networks with NaN weights are not."""
    return z.isfinite().all(dim=1)


class Nearest(NamedTuple):
    """The nearest embeddings, in order of distance."""

    distances: Tensor
    """(n, k)"""
    ids: Tensor
    """(n, k)"""


MOST_DISTANCES = 1 << 24
"""distances held in memory at once: 64 MB"""


def nearest(z: Tensor, reference: Tensor, k: int) -> Nearest:
    """Find the k nearest of the reference embeddings (b, E) to embeddings (n, E), by Euclidean distance in the space.

    All of the reference if it has fewer than k. Embeddings that are not finite are infinitely far away.
    """
    parts = []
    for part in z.split(max(1, MOST_DISTANCES // max(1, len(reference)))):
        distances = torch.cdist(part, reference, compute_mode="donot_use_mm_for_euclid_dist")  # equal ones are at 0
        parts.append(torch.nan_to_num(distances, nan=torch.inf).topk(min(k, len(reference)), largest=False))
    return Nearest(torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts]))
