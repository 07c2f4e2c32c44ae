"""Weights of a zoo: rows in one shard or several, which are mapped from the disk and read a few at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError

CHUNK_BYTES = 16 * 1024**2
"""weights that are copied into memory at once by whoever goes through a whole zoo; one network at least"""


class RowUnreadable(FormatError):
    """A row of weights that is damaged, or whose shard cannot be read."""

    def __init__(self, why: str, arch: str, row: int, *, damaged: bool) -> None:
        super().__init__(f"{why}: row {row} of {arch} cannot be read")
        self.why, self.arch, self.row, self.damaged = why, arch, row, damaged


@dataclass
class Shard:
    """Some rows of a zoo's weights: those of a file, or in memory."""

    tensors: Mapping[str, Tensor]
    """"<arch>/<parameter>" -> (rows, *shape); those of a file are mapped, so only what is used of them is read"""
    rows: dict[str, int]
    """architecture -> how many rows it has"""
    path: Path = Path()
    checksums: Mapping[str, np.ndarray] = field(default_factory=dict)
    """architecture -> checksum of each row (rows,) uint32; rows are checked when they are first read"""
    problem: str = ""
    """why it cannot be read, in words; its tensors are empty then"""

    def __post_init__(self) -> None:
        self._checked = {arch: np.zeros(len(sums), bool) for arch, sums in self.checksums.items()}
        self._names: dict[str, list[str]] = {}
        for name in self.tensors:
            self._names.setdefault(name.rpartition("/")[0], []).append(name)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], path: Path = Path(), checksums=None) -> Shard:
        """Return the shard of stacks, each architecture of which has as many rows as its shortest stack."""
        rows: dict[str, int] = {}
        for name, stack in tensors.items():
            arch, count = name.rpartition("/")[0], len(stack) if stack.ndim else 0
            rows[arch] = min(count, rows.get(arch, count))
        return cls(tensors, rows, path, checksums or {})

    @property
    def size(self) -> int:
        """Bytes of its rows."""
        return sum(stack.nbytes for stack in self.tensors.values())

    def names(self, arch: str) -> list[str]:
        """The keys of an architecture's stacks."""
        return self._names.get(arch, [])

    def read(self, arch: str, rows: np.ndarray, check: bool = True) -> dict[str, Tensor]:
        """Return copies of rows (n,), parameter -> (n, *shape); RowUnreadable, with the place in the shard."""
        if self.problem:
            raise RowUnreadable(self.problem, arch, int(rows[0]), damaged=False)
        index = torch.from_numpy(rows)
        found = {name.rpartition("/")[2]: self.tensors[name][index] for name in self.names(arch)}
        if check and arch in self._checked:
            new = np.flatnonzero(~self._checked[arch][rows])
            if len(new):
                part = found if len(new) == len(rows) else {name: t[torch.from_numpy(new)] for name, t in found.items()}
                wrong = row_checksums(part) != self.checksums[arch][rows[new]]
                if wrong.any():
                    row = int(rows[new[wrong]][0])
                    raise RowUnreadable(f"{self.path} is damaged", arch, row, damaged=True)
                self._checked[arch][rows] = True
        return found


class Weights(Mapping[str, Tensor]):
    """The weights of a zoo's networks. `read` gives rows of one architecture, wherever they lie.

    As a mapping, "<arch>/<parameter>" -> (rows, *shape), unchecked; that puts all shards of a parameter into memory.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = list(shards)
        archs = dict.fromkeys(arch for shard in self.shards for arch in shard.rows)
        self._ends = {arch: np.cumsum([shard.rows.get(arch, 0) for shard in self.shards]) for arch in archs}

    @property
    def archs(self) -> list[str]:
        """Architectures, in the order of their first rows."""
        return list(self._ends)

    def empty(self) -> dict[str, Tensor]:
        """Return "<arch>/<parameter>" -> (0, *shape), in the type that holds the values of all shards."""
        stacks = {name: t for arch in self.archs for name, t in self._of(arch).items()}
        return {name: torch.empty(0, *t.shape[1:], dtype=self.dtype(name)) for name, t in stacks.items()}

    def count(self, arch: str) -> int:
        """Return how many rows there are of an architecture, also in shards that cannot be read."""
        return int(self._ends[arch][-1]) if arch in self._ends else 0

    def row_bytes(self, arch: str) -> int:
        """Return the size of a row of an architecture."""
        first = self._of(arch)
        return sum(t[:0].element_size() * t.shape[1:].numel() for t in first.values())

    def dtype(self, name: str) -> torch.dtype:
        """Return the type that holds all values of "<arch>/<parameter>"; KeyError if there is none."""
        found = [shard.tensors[name].dtype for shard in self.shards if name in shard.tensors]
        if not found:
            raise KeyError(name)
        for other in found[1:]:
            found[0] = torch.promote_types(found[0], other)
        return found[0]

    def readable(self, arch: str, rows: np.ndarray) -> np.ndarray:
        """Return which rows (n,) of an architecture lie in shards that can be read (n,) bool."""
        if not len(rows):
            return np.zeros(0, bool)
        sound = np.array([not shard.problem for shard in self.shards])
        return sound[np.searchsorted(self._ends[arch], rows, side="right")]

    def read(self, arch: str, rows: np.ndarray, check: bool = True) -> dict[str, Tensor]:
        """Return copies of rows (n,) of an architecture, parameter -> (n, *shape), in this order.

        Raises:
            RowUnreadable: one is damaged (CRC-32, if `check`), or its shard cannot be read; names the row.
        """
        if not len(rows):
            return {name.rpartition("/")[2]: t[:0].clone() for name, t in self._of(arch).items()}
        ends = self._ends[arch]
        which = np.searchsorted(ends, rows, side="right")
        pieces, places = [], []
        for k in np.unique(which):
            at, start = np.flatnonzero(which == k), int(ends[k - 1]) if k else 0
            try:
                pieces.append(self.shards[k].read(arch, rows[at] - start, check))
            except RowUnreadable as error:
                raise RowUnreadable(error.why, arch, error.row + start, damaged=error.damaged) from None
            places.append(at)
        if len(pieces) == 1:
            return pieces[0]
        back = torch.from_numpy(np.argsort(np.concatenate(places)))
        return {name: torch.cat([piece[name] for piece in pieces])[back] for name in pieces[0]}

    def chunks(self, arch: str, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Split rows (n,) of an architecture into parts of at most CHUNK_BYTES."""
        step = max(1, CHUNK_BYTES // max(1, self.row_bytes(arch)))
        return (rows[k : k + step] for k in range(0, len(rows), step))

    def _of(self, arch: str) -> dict[str, Tensor]:
        """The stacks of an architecture in the first shard that has any."""
        for shard in self.shards:
            names = shard.names(arch)
            if names:
                return {name: shard.tensors[name] for name in names}
        return {}

    def __getitem__(self, name: str) -> Tensor:
        found = [shard.tensors[name] for shard in self.shards if name in shard.tensors]
        if not found:
            raise KeyError(name)
        for shard in self.shards:
            if shard.problem:
                raise FormatError(shard.problem)
        return found[0] if len(found) == 1 else torch.cat(found)

    def __contains__(self, name: object) -> bool:
        return any(name in shard.tensors for shard in self.shards)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for shard in self.shards for name in shard.tensors))

    def __len__(self) -> int:
        return len({name for shard in self.shards for name in shard.tensors})


def row_checksums(params: Mapping[str, Tensor]) -> np.ndarray:
    """Return the CRC-32 (n,) uint32 of rows (n, *shape) of an architecture's parameters, in order of their names."""
    found: np.ndarray | None = None
    for name in sorted(params):
        stack = params[name]
        flat = stack.reshape(len(stack), stack.shape[1:].numel()).contiguous()
        values = flat.view(torch.uint8).numpy()  # (n, bytes)
        found = np.zeros(len(values), np.uint32) if found is None else found
        for k, row in enumerate(values):
            found[k] = zlib.crc32(row, int(found[k]))
    return np.zeros(0, np.uint32) if found is None else found
