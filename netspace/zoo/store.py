"""A zoo on disk: many trained networks as stacked weights and a table of records.

    zoo.json                    format, family (architectures, PRep size), how the zoo was made
    weights-<hash>.safetensors  one shard or several: "<arch>/<parameter>": (b, *shape), one row per network
    records.parquet             a row per network: name, arch, row, split, ...

`files` says how they are written and read. Weights may hold rows that are not listed.
"""

from __future__ import annotations

import functools
import itertools
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError, InUse, UnknownName, UsageError, ZooWarning
from ..io import FORMATS, atomic_folder, content_hash, read_json
from ..nets.archs import Arch, Family
from ..nets.network import Network
from ..nets.prep import pack
from ..outputs import check_folder
from ..places import check_own
from .family import family_in, family_to_json, joint_family
from .files import ONE_SHARD, entries_in, index_in, read_records_header, read_zoo, remove_unlisted, write_about_file
from .weights import RowUnreadable, Shard, Weights
from .writer import ShardWriter

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, HELDOUT = SPLITS = ("train", "validation", "heldout")
"""Of networks: to learn from, to select the best checkpoint by where a zoo has such, and never seen."""

OPTIMISED = "optimised"
"""Split of networks that latent space optimisation made: no space is trained on them or selected by them, and none is
chosen as teacher unless by name."""

IMPORTED = "imported"
"""Split of networks from elsewhere, of which nobody knows what they were trained on; treated like those."""


@dataclass(frozen=True)
class Zoo:
    """Trained networks of one family; `zoo[i]` or `zoo["name"]` is a `Network`.

    Weights stay on the disk until they are asked for. Of a zoo in several shards, networks whose shard is missing or
    damaged are listed, and FormatError is raised where they are asked for; `problem` says so.
    """

    folder: Path
    family: Family
    records: pd.DataFrame
    """one row per network, index 0 ... b-1; at least name, arch, row, split"""
    weights: Weights
    """as stored; `preps` and `stored` read them by network. May be given as "<arch>/<parameter>" -> (rows, *shape)"""
    about: dict
    """how the zoo was made: zoo.json"""

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Weights):
            object.__setattr__(self, "weights", Weights([Shard.of(self.weights)]))

    @classmethod
    def load(cls, folder: str | Path) -> Zoo:
        """Read a zoo; FormatError, in one sentence, where it is missing, truncated or inconsistent.

        Warns with a ZooWarning, in one sentence, if some of its shards cannot be read.
        """
        folder = Path(folder)
        family_in(read_json(folder / "zoo.json"), folder)  # said first: a zoo of a newer version may hold other files
        found = read_zoo(folder)
        family = family_in(found.about, folder)
        missing = [column for column in ("name", "arch", "row", "split") if column not in found.records]
        if missing:
            raise FormatError(f"{folder / 'records.parquet'} has no column {missing[0]!r}")
        zoo = cls(folder, family, found.records.reset_index(drop=True), found.weights, found.about)
        zoo._check_records()
        zoo._check()
        if zoo.problem:
            warnings.warn(zoo.problem, ZooWarning, stacklevel=2)
        return zoo

    @property
    def problem(self) -> str:
        """A sentence about networks whose shards cannot be read; empty if all can."""
        broken = [shard.problem for shard in self.weights.shards if shard.problem]
        if not broken:
            return ""
        count = int((~self._readable).sum())
        more = f" (and {len(broken) - 1} more shards are missing or damaged)" if len(broken) > 1 else ""
        return f"{broken[0]}{more}: {count} of the {len(self)} networks of {self.folder} cannot be read"

    def _check_records(self) -> None:
        """Raise FormatError unless the table gives every network a name of its own, and its place."""
        import pandas as pd

        records, where = self.records, self.folder / "records.parquet"
        if not len(records):
            raise FormatError(f"{where} lists no network")
        if not records.columns.is_unique:
            raise FormatError(f"{where} has the column {records.columns[records.columns.duplicated()][0]!r} twice")
        for column in ("name", "arch", "split"):
            wrong = [value for value in records[column].tolist() if not (isinstance(value, str) and value)]
            if wrong:
                raise FormatError(f"{where} has {wrong[0]!r} in the column {column!r}, it must be a text")
        twice = records.name[records.name.duplicated()]
        if len(twice):
            raise FormatError(f"{where} lists two networks called {twice.iloc[0]!r}")
        row = records.row
        if not pd.api.types.is_integer_dtype(row) or row.isna().any():
            raise FormatError(f"{where} has a column 'row' of type {row.dtype}, it must hold whole numbers")
        if row.min() < 0:
            raise FormatError(f"{where} has {row.min()} in the column 'row', it must be at least 0")
        shared = records[records.duplicated(["arch", "row"])]
        if len(shared):
            arch, row = shared.arch.iloc[0], shared.row.iloc[0]
            raise FormatError(f"{where} lists two networks with the weights in row {row} of {arch}")

    def _check(self) -> None:
        unknown = set(self.records.arch) - set(self.family.names)
        shards = self.weights.shards
        for shard in shards:
            wrong = "" if shard.problem else _wrong_with(shard, self.family, alone=len(shards) == 1)
            if wrong and len(shards) == 1:
                raise FormatError(wrong)
            shard.problem = shard.problem or wrong
        if all(shard.problem for shard in shards):
            raise FormatError(shards[0].problem)
        if unknown:
            raise FormatError(f"{self.folder} lists {unknown.pop()!r}, which is not in its family {self.family.names}")
        for arch in self.family.names:
            mine, rows = self.records.row[self.records.arch == arch], self.weights.count(arch)
            if len(mine) and rows <= mine.max():
                raise FormatError(
                    f"{self.folder} lists {len(mine)} networks but holds the weights of {rows}: truncated"
                )

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: int | str) -> Network:
        """The network of an id or a name, in float32; KeyError where there is none."""
        i = self.index(key)
        arch = self.family.archs[self.family.names.index(self.records.arch[i])]
        return Network(arch, self.preps([i])[0])

    def index(self, key: int | str) -> int:
        """The id of a network given by id or name; KeyError, naming the zoo, where there is none."""
        if isinstance(key, str):
            found = np.flatnonzero(self.records.name.to_numpy(dtype=object) == key)  # any text, also what is no UTF-8
            if not len(found):
                raise UnknownName(
                    f"no network {key!r} in {self.folder} ({len(self)} networks, e.g. {self.records.name[0]!r})"
                )
            return int(found[0])
        if not 0 <= key < len(self):
            raise UnknownName(f"no network {key} in {self.folder}, which has 0 to {len(self) - 1}")
        return key

    def ids(self, split: str) -> list[int]:
        """The ids of a split."""
        return [int(i) for i in self.records.index[self.records.split == split]]

    @functools.cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each network its architecture and row (b,)."""
        return self.records.arch.to_numpy(dtype=object), self.records.row.to_numpy(np.int64)

    @functools.cached_property
    def _readable(self) -> np.ndarray:
        """Of each network whether its shard can be read (b,)."""
        archs, rows = self._places
        found = np.zeros(len(self), bool)
        for arch in self.family.names:
            mine = archs == arch
            found[mine] = self.weights.readable(arch, rows[mine])
        return found

    @property
    def unreadable(self) -> list[int]:
        """Return the ids of networks whose shard is missing or damaged."""
        return np.flatnonzero(~self._readable).tolist()

    @functools.cached_property
    def not_finite(self) -> list[int]:
        """Return the ids of networks that cannot be used: their weights are NaN or infinite, or their shard cannot be
        read. Reads all weights, once, a chunk at a time."""
        archs, rows = self._places
        bad = ~self._readable
        for arch in self.family.names:
            mine = np.flatnonzero((archs == arch) & ~bad)
            for ids in self.weights.chunks(arch, mine[np.argsort(rows[mine])]):
                for p in self.weights.read(arch, rows[ids], check=False).values():
                    bad[ids] |= ~p.flatten(1).abs().amax(dim=1).isfinite().numpy()  # NaN if any is
        return np.flatnonzero(bad).tolist()

    def check_finite(self, ids: Sequence[int]) -> None:
        """Raise FormatError, with names, if the weights of any of these networks are not finite or cannot be read."""
        bad = sorted(set(self.not_finite).intersection(ids))
        self.check_weights(sorted(set(bad).intersection(self.unreadable)))
        if bad:
            names = [repr(self.records.name[i]) for i in bad]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise FormatError(
                f"{self.folder} has networks whose weights are not finite: {', '.join(names[:3])}{more}; "
                "`zoo select` leaves them out"
            )

    def check_weights(self, ids: Sequence[int]) -> None:
        """Raise FormatError, naming the network, if weights are not as written (CRC-32) or cannot be read."""
        for _ in self.stored(ids):
            pass

    def stored(self, ids: Sequence[int]) -> Iterator[tuple[Arch, list[int], dict[str, Tensor]]]:
        """Read the weights of networks as they are stored, a chunk at a time, checked.

        Yields:
            An architecture, positions in `ids`, and parameter -> (n, *shape) of these. All of one architecture come in
            the order of `ids`.

        Raises:
            FormatError: the weights of one are damaged or cannot be read; names the network and the shard.
        """
        archs, rows = self._places
        asked = np.asarray(ids, dtype=np.int64)
        for arch in self.family.archs:
            for at in self.weights.chunks(arch.name, np.flatnonzero(archs[asked] == arch.name)):
                try:
                    found = self.weights.read(arch.name, rows[asked[at]])
                except RowUnreadable as error:
                    raise FormatError(self._words(error)) from error
                yield arch, at.tolist(), {name: found[name] for name in arch.shapes}

    def _words(self, error: RowUnreadable) -> str:
        """Say which network it is that cannot be read."""
        archs, rows = self._places
        name = self.records.name[np.flatnonzero((archs == error.arch) & (rows == error.row))[0]]
        if error.damaged:
            return f"{error.why}: the weights of {name} do not have the checksum that they were written with"
        return f"{error.why}: the weights of {name} cannot be read"

    def preps(self, ids: Sequence[int]) -> Tensor:
        """PReps (b, 1, H, W) float32 of the networks with these ids; FormatError if the weights of one are damaged."""
        preps = torch.zeros(len(ids), 1, *self.family.size)
        for _, at, params in self.stored(ids):
            packed = pack({name: p.float() for name, p in params.items()}, self.family.size, batch_ndim=1)
            preps[torch.tensor(at)] = packed
        return preps

    @functools.cached_property
    def content(self) -> str:
        """16 hex digits that change with networks or their order, not with names or records. Reads all weights."""
        where = json.dumps([self.family.names, self.family.size, *(part.tolist() for part in self._places)])
        shards = self.weights.shards
        problems = (shard.problem for shard in shards if shard.problem)
        return content_hash(where, *problems, *self._parts())

    def _parts(self) -> Iterator[str | Tensor]:
        """Names and stacks of all shards."""
        for name in sorted(self.weights):
            for shard in self.weights.shards:
                if name in shard.tensors:
                    yield name
                    yield shard.tensors[name]


def _wrong_with(shard: Shard, family: Family, alone: bool) -> str:
    """Say what is wrong with a shard of a family; empty if nothing is. Of several, each lacks what has no row in it."""
    known = set()
    for arch in family.archs:
        stacks = {n: shard.tensors[f"{arch.name}/{n}"] for n in arch.shapes if f"{arch.name}/{n}" in shard.tensors}
        known |= {f"{arch.name}/{name}" for name in arch.shapes}
        if not stacks and not alone:
            continue
        try:
            arch.check({name: stack.shape[1:] for name, stack in stacks.items()})
        except ValueError as error:
            return f"{shard.path}: {error}"
        other = next((name for name, stack in stacks.items() if not stack.is_floating_point()), None)
        if other:
            dtype = str(stacks[other].dtype).removeprefix("torch.")
            return f"{shard.path}: {arch.name}/{other} has values of type {dtype}"
    if set(shard.tensors) - known:
        return f"{shard.path} has the unknown key {min(set(shard.tensors) - known)!r}"
    return ""


def write_about(folder: Path, family: Family, about: dict) -> None:
    """Write zoo.json alone: a zoo of which no network is finished yet, or no other than before."""
    index = index_in(read_records_header(folder))
    version = FORMATS["zoo"] if "shards" in index else ONE_SHARD
    write_about_file(folder, {"format": version, "family": family_to_json(family)} | about | index)
    if index:
        remove_unlisted(folder, entries_in(index))


def write_zoo(folder: Path, family: Family, records: pd.DataFrame, weights: Mapping[str, Tensor], about: dict) -> None:
    """Write a zoo; an earlier one in the folder stays readable throughout.

    Args:
        weights: "<arch>/<parameter>" -> (rows, *shape).

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there before is untouched.
        UsageError: parameters of an architecture have different numbers of rows.
    """
    stacks = weights if isinstance(weights, Weights) else Weights([Shard.of(weights)])
    for one, arch in itertools.product(stacks.shards, stacks.archs):
        counts = sorted({len(one.tensors[name]) for name in one.names(arch)})
        if len(counts) > 1:
            raise UsageError(f"the parameters of {arch} have different numbers of rows: {counts}")
    with ShardWriter(folder, stacks.empty()).closing() as writer:
        for arch in stacks.archs:
            for rows in stacks.chunks(arch, np.arange(stacks.count(arch))):
                writer.append(arch, stacks.read(arch, rows))
        writer.commit({"family": family_to_json(family)} | about, records)


def made_how(zoo: Zoo) -> dict:
    """What zoo.json says of how a zoo was made, without what every writer says anew."""
    return {key: value for key, value in zoo.about.items() if key not in ("format", "family", "weights", "shards")}


def select(zoo: Zoo, ids: Sequence[int], folder: Path) -> None:
    """Write a part of a zoo as a zoo of its own. ValueError without an id, FormatError where the folder holds a zoo."""
    if not len(ids):
        raise UsageError(f"no network of {zoo.folder} was selected")
    join([(zoo, ids)], folder, made_how(zoo))


def join(parts: Sequence[tuple[Zoo, Sequence[int]]], folder: Path, about: dict | None = None) -> None:
    """Write networks of one or several zoos, each with its ids, as one zoo, whose family has all their architectures.

    A chunk of weights is in memory at a time, and a shard.
    The column `origin` keeps which of several zoos a network comes from; networks of the same name get it as a prefix.

    Raises:
        ValueError: two networks of one zoo have the same name, or the architectures are for different data.
        FormatError: the folder holds a zoo already, or weights of a network are damaged.
    """
    check_folder(folder, "zoo")
    family = joint_family([zoo.family for zoo, _ in parts])
    records = _joined_records(parts)
    whole = sum(len(zoo) for zoo, _ in parts)
    part_of = {"part_of": f"{len(records)} of {whole} networks"} if len(records) < whole else {}
    empty = _empty(family, [zoo for zoo, _ in parts])
    with ExitStack() as stack:  # a new folder is put in its place as a whole
        new = not (folder.exists() or folder.is_symlink())
        where = stack.enter_context(atomic_folder(folder)) if new else folder
        writer = stack.enter_context(ShardWriter(where, empty).closing())
        for zoo, ids in parts:
            for arch, _, params in zoo.stored(ids):
                types = {name: empty[f"{arch.name}/{name}"].dtype for name in params}
                writer.append(arch.name, {name: p.to(types[name]) for name, p in params.items()})
        writer.commit({"family": family_to_json(family)} | (about or {}) | part_of, records)


def _joined_records(parts: Sequence[tuple[Zoo, Sequence[int]]]) -> pd.DataFrame:
    """The table of a joined zoo: rows of an architecture are counted in the order of the networks."""
    import pandas as pd

    tables, counts = [], dict.fromkeys((name for zoo, _ in parts for name in zoo.family.names), 0)
    for (zoo, ids), origin in zip(parts, origins([zoo.folder for zoo, _ in parts]), strict=True):
        records = zoo.records.iloc[list(ids)].reset_index(drop=True)
        if len(parts) > 1:
            given = records.origin if "origin" in records else pd.Series([None] * len(records), dtype=object)
            records["origin"] = given.astype(object).where(given.notna(), origin)
            records["_part"] = origin
        for arch in zoo.family.names:
            mine = records.arch == arch
            first, counts[arch] = counts[arch], counts[arch] + int(mine.sum())
            records.loc[mine, "row"] = range(first, counts[arch])
        tables.append(records)
    records = pd.concat(tables, ignore_index=True)
    if "_part" in records and not records.duplicated(["_part", "name"]).any():
        shared = records.name.duplicated(keep=False)
        records.loc[shared, "name"] = records["_part"][shared] + "-" + records.name[shared]
    records = records.drop(columns="_part", errors="ignore")
    twice = records.name[records.name.duplicated()]
    if len(twice):
        raise UsageError(f"two networks are called {twice.iloc[0]!r}")
    return records


def _empty(family: Family, zoos: Sequence[Zoo]) -> dict[str, Tensor]:
    """ "<arch>/<parameter>" -> (0, *shape), in the type that holds the values of all zoos."""
    found = {}
    for arch in family.archs:
        for name, shape in arch.shapes.items():
            key = f"{arch.name}/{name}"
            types = [zoo.weights.dtype(key) for zoo in zoos if key in zoo.weights]
            found[key] = torch.empty(0, *shape, dtype=functools.reduce(torch.promote_types, types))
    return found


def origins(folders: Sequence[Path]) -> list[str]:
    """Short names that tell folders apart: their own, or those of the folders above if these are the same or "zoo"."""
    parts = [folder.resolve().parts for folder in folders]
    parts = [each[:-1] if each[-1] == "zoo" and len(each) > 2 else each for each in parts]
    while len(set(parts)) > 1 and min(map(len, parts)) > 1 and len({each[-1] for each in parts}) == 1:
        parts = [each[:-1] for each in parts]
    names = [each[-1] for each in parts]
    depth = 1
    while len(set(names)) < len(set(parts)) and depth < max(map(len, parts)):
        depth += 1
        names = ["-".join(each[-depth:]).lstrip("/-") for each in parts]
    return names


def add(folder: Path, network: Network, record: dict) -> Zoo:
    """Append a network to the zoo of a folder, in the zoo's precision; returns the zoo with it.

    Args:
        record: what is known of it, at least its name and split; other columns of the zoo's table are left empty.

    Raises:
        ValueError: there is a network of this name already, or its architecture is not of the zoo's family.
        FormatError: the folder holds no zoo, or a job is writing it.
    """
    import pandas as pd
    from filelock import FileLock, Timeout

    read_json(folder / "zoo.json")
    check_own(folder, ".lock")
    try:
        lock = FileLock(folder / ".lock", timeout=2)  # a job's own
        with lock:
            zoo = Zoo.load(folder)
            if network.arch.name not in zoo.family.names:
                raise UsageError(f"{network.arch.name} is not of {folder}'s family: {', '.join(zoo.family.names)}")
            if record["name"] in set(zoo.records.name):
                raise UsageError(f"{folder} holds a network {record['name']!r} already")
            empty = _empty(zoo.family, [zoo])
            params = {}
            for name, p in network.params.items():
                params[name] = p.detach().cpu().to(empty[f"{network.arch.name}/{name}"].dtype).unsqueeze(0)
                if not params[name].isfinite().all():
                    raise UsageError(f"{record['name']} has weights that are not finite in {folder}'s precision")
            with ShardWriter(folder, empty, zoo.weights).closing() as writer:
                (row,) = writer.append(network.arch.name, params)
                fresh = pd.DataFrame([{"arch": network.arch.name, "row": row} | record])
                records = pd.concat([zoo.records, fresh], ignore_index=True)
                writer.commit({"family": family_to_json(zoo.family)} | made_how(zoo), records)
            return Zoo.load(folder)
    except Timeout:
        raise InUse(f"{folder} is being written by a job; try again when it has ended") from None
