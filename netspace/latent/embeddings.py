"""Embeddings of a zoo, cached by content, and nearest neighbours, which are found in the space itself."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..errors import FormatError
from ..io import atomic_write, content_hash, one_line, read_bytes
from ..kept import kept_files
from ..space.space import NetSpace
from ..threads import held_threads
from ..zoo.store import Zoo

if TYPE_CHECKING:
    import pandas as pd

EMBED_BATCH = 16
"""networks encoded at once"""


@torch.no_grad()
def embed(space: NetSpace, zoo: Zoo, ids: Sequence[int]) -> Tensor:
    """Return the embeddings (b, E) of a zoo's networks with these ids, on the space's device.

    To the same bits however many threads torch has: they are cached, and shown by the app beside those of a command.
    """
    batches = (ids[k : k + EMBED_BATCH] for k in range(0, len(ids), EMBED_BATCH))
    with held_threads():
        parts = [space.encode(zoo.preps(batch).to(space.device)) for batch in batches]
    return torch.cat(parts) if parts else torch.empty(0, space.config.embedding)


def space_content(space: NetSpace) -> str:
    """Return 16 hex digits that change with a space's architectures, settings or weights."""
    about = json.dumps([space.family.names, space.family.size, asdict(space.config)])
    return content_hash(about, *(part for name, t in sorted(space.state_dict().items()) for part in (name, t)))


def zoo_content(zoo: Zoo) -> str:
    """Return 16 hex digits that change with a zoo's networks or their order, not with their names or records."""
    where = json.dumps([zoo.family.names, zoo.family.size, zoo.records.arch.tolist(), zoo.records.row.tolist()])
    return content_hash(where, *(part for name, t in sorted(zoo.weights.items()) for part in (name, t)))


def embed_zoo(
    space: NetSpace,
    zoo: Zoo,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    keep: bool = True,
) -> Tensor:
    """Return the embeddings (b, E) of all networks of a zoo, float32 on the CPU.

    Args:
        cache: folder that keeps them by content of space and zoo, and after which those that come with the product
            are looked at; None computes them anew. A cache that cannot be read or written costs time and nothing else.
        progress: called with the number of networks embedded so far, and the total.
        keep: write to the cache, not only read from it.
    """
    part = f"embeddings/{space_content(space)}-{zoo_content(zoo)}.parquet" if cache else ""
    for file in kept_files(part, cache) if cache else ():
        with contextlib.suppress(OSError, ValueError):  # damaged: computed anew
            z = read_embeddings(file)
            if tuple(z.shape) == (len(zoo), space.config.embedding):
                progress(len(zoo), len(zoo))
                return z
    parts = []
    for start in range(0, len(zoo), EMBED_BATCH):
        ids = range(start, min(start + EMBED_BATCH, len(zoo)))
        parts.append(embed(space, zoo, ids).float().cpu())
        progress(ids.stop, len(zoo))
    z = torch.cat(parts) if parts else torch.empty(0, space.config.embedding)
    if cache and keep:
        with contextlib.suppress(OSError):  # no room or no permission
            write_embeddings(cache / part, embeddings_table(zoo, z))
    return z


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


def read_embeddings(path: Path) -> Tensor:
    """Read the embeddings (b, E), float32, from a Parquet file. FormatError if it holds none."""
    import pandas as pd

    content = io.BytesIO(read_bytes(path))
    try:
        table = pd.read_parquet(content)
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise FormatError(f"{path} is truncated or not a parquet file ({one_line(error)})") from error
    columns = [name for name in table if name[:1] == "z" and name[1:].isdigit()]
    if not columns:
        raise FormatError(f"{path} holds no embeddings: it has no columns z0, z1, ...")
    return torch.from_numpy(table[columns].to_numpy("float32", copy=True)).contiguous()  # columns: sums would differ


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
