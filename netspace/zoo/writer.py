"""Write the weights of a zoo shard by shard: only a last shard that has room left is ever written again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from ..io import stage_tensors, tensors_hash
from .files import Entry, checksums_text, write_version
from .weights import RowUnreadable, Shard, Weights

if TYPE_CHECKING:
    import pandas as pd

SHARD_BYTES = 64 * 1024**2
"""maximum size of a shard that is written, unless one network alone is larger; what is on its way to the disk is held
in memory twice"""


class ShardWriter:
    """Rows on their way into a zoo's folder; a shard that is full is written at once, under a hidden name.

    `commit` makes all rows the zoo's, and may be called again after more were appended. `closing` removes the rest.
    """

    def __init__(
        self, folder: Path, empty: Mapping[str, Tensor] | None = None, before: Weights | None = None,
        shard_bytes: int | None = None,
    ) -> None:  # fmt: skip
        """Begin with the weights that the folder holds, if any.

        Args:
            empty: "<arch>/<parameter>" -> (0, *shape) of the family: a shard has these of architectures without rows.
            before: weights of the zoo that is gone on with; its last shard is filled up if it is sound and has room.
            shard_bytes: maximum size of a shard; default: SHARD_BYTES.
        """
        self.folder, self.empty = folder, dict(empty or {})
        self.limit = shard_bytes or SHARD_BYTES
        self._entries: list[Entry] = []
        self._staged: dict[str, Path] = {}
        self._tail: Entry | None = None
        """the shard that holds on disk all of the rows in memory; None if there is none"""
        self._clear()
        shards = before.shards if before else []
        self._counts = {arch: before.count(arch) for shard in shards for arch in shard.rows} if before else {}
        for k, shard in enumerate(shards):
            entry = Entry(shard.path.name, {arch: n for arch, n in shard.rows.items() if n})
            if k < len(shards) - 1 or not self._filled_up(shard, entry):
                self._entries.append(entry)

    def _clear(self) -> None:
        self._pending: dict[str, list[dict[str, Tensor]]] = {}
        self._bytes = 0

    def _filled_up(self, shard: Shard, entry: Entry) -> bool:
        """Take the rows of the last shard into memory, to be written anew with others, if it can be."""
        if shard.problem or shard.size >= self.limit:
            return False
        try:
            rows = {arch: shard.read(arch, np.arange(n)) for arch, n in shard.rows.items() if n}
        except RowUnreadable:  # it stays as it is, and its damage shows
            return False
        self._pending = {arch: [params] for arch, params in rows.items()}
        self._bytes = sum(t.nbytes for params in rows.values() for t in params.values())
        self._tail = entry
        return True

    def append(self, arch: str, params: Mapping[str, Tensor]) -> range:
        """Append rows (n, *shape) of an architecture, and return their numbers.

        Raises:
            UsageError: parameters have different numbers of rows.
            OSError: the disk is full.
        """
        counts = {len(t) for t in params.values()}
        if len(counts) != 1:
            raise UsageError(f"the parameters of {arch} have different numbers of rows: {sorted(counts)}")
        (n,), size = counts, sum(t[:0].element_size() * t.shape[1:].numel() for t in params.values())
        done = 0
        while done < n:
            room = n if not size else (self.limit - self._bytes) // size
            if room < 1 and self._bytes:
                self._close_shard()
                continue
            take = slice(done, done + max(1, room))
            part = {name: t[take].detach().cpu().clone() for name, t in params.items()}
            self._pending.setdefault(arch, []).append(part)
            count = len(next(iter(part.values())))
            self._bytes, self._tail, done = self._bytes + count * size, None, done + count
        first = self._counts.get(arch, 0)
        self._counts[arch] = first + n
        return range(first, first + n)

    def _close_shard(self) -> None:
        """Write the rows in memory, unless the disk has just these, and forget them."""
        self._entries.append(self._tail or self._stage())
        self._tail = None
        self._clear()

    def _stage(self) -> Entry:
        """Write the rows in memory as a shard under a hidden name."""
        stacks = dict(self.empty)
        for arch, parts in self._pending.items():
            stacks |= {f"{arch}/{name}": torch.cat([part[name] for part in parts]) for name in parts[0]}
            self._pending[arch] = [{name: stacks[f"{arch}/{name}"] for name in parts[0]}]
        stacks = {name: stack.contiguous() for name, stack in stacks.items()}
        file = f"weights-{tensors_hash(stacks)}.safetensors"
        self._staged[file] = stage_tensors(self.folder / file, stacks, checksums_text(stacks))
        rows = {arch: sum(len(next(iter(part.values()))) for part in parts) for arch, parts in self._pending.items()}
        return Entry(file, {arch: n for arch, n in rows.items() if n})

    def commit(self, about: dict, records: pd.DataFrame, empty: Mapping[str, Tensor] | None = None) -> None:
        """Make all rows so far those of the zoo; the version before stays readable throughout.

        Args:
            about: zoo.json, without the shards.
            empty: as at the beginning, if it was not known yet.

        Raises:
            OSError: the disk is full or the folder cannot be written; what was there before is untouched.
        """
        self.empty |= empty or {}
        if self._tail is None and (self._pending or not self._entries):
            self._tail = self._stage()
        for file, temporary in self._staged.items():
            temporary.replace(self.folder / file)
        self._staged.clear()
        write_version(self.folder, about, records, [*self._entries, *([self._tail] if self._tail else [])])

    def close(self) -> None:
        """Remove what was written and not committed."""
        for temporary in self._staged.values():
            with suppress(OSError):
                temporary.unlink()
        self._staged.clear()

    @contextmanager
    def closing(self) -> Iterator[ShardWriter]:
        """Use the writer in a block, and close it after."""
        try:
            yield self
        finally:
            self.close()
