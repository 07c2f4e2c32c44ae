"""A zoo on disk: many trained networks as stacked weights and a table of records.

    zoo.json                    format, family (architectures, PRep size), how the zoo was made
    weights-<hash>.safetensors  "<arch>/<parameter>": (b, *shape), one row a network
    records.parquet             a row a network: name, arch, row, split, ...

`files` says how they are written and read. Weights may hold rows that are not listed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError, InUse, UnknownName, UsageError
from ..io import FORMATS, check_format, check_types, read_json
from ..nets.archs import KINDS_OF_NETWORK, Family, arch_named
from ..nets.network import Network
from ..nets.prep import PrepSize, pack
from ..outputs import check_folder
from ..places import check_own
from .files import read_records_header, read_zoo, row_checksums, write_about_file, write_zoo_files

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, HELDOUT = SPLITS = ("train", "validation", "heldout")
"""Of networks: to learn from, to select the best checkpoint by where a zoo has such, and never seen."""

OPTIMISED = "optimised"
"""Split of networks that latent space optimisation made: no space is trained on them or selected by them, and none is
chosen as teacher unless by name."""

IMPORTED = "imported"
"""Split of networks from elsewhere, of which nobody knows what they were trained on; treated like those."""


def family_to_json(family: Family) -> dict:
    return {"archs": family.names, "size": list(family.size), "task": family.archs[0].task}


def family_from_json(data: dict) -> Family:
    """Return the family that `family_to_json` wrote; ValueError, KeyError or TypeError if it describes none."""
    for key in ("archs", "size"):
        if key not in data:
            raise UsageError(f"its family has no {key!r}")
    names, size, task = data["archs"], data["size"], data.get("task")
    if task is not None and task not in KINDS_OF_NETWORK:
        raise UsageError(
            f"its networks are of the kind {task!r}, which this version does not know (it knows "
            f"{', '.join(KINDS_OF_NETWORK)}): a newer version wrote it"
        )
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise UsageError(f"a family lists the names of its architectures, got {names!r}")
    if len(set(names)) < len(names):
        raise UsageError(f"a family lists each architecture once, got {', '.join(names)}")
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)):
        raise UsageError(f"the size of a PRep is two whole numbers, got {size!r}")
    return Family(tuple(arch_named(name) for name in names), PrepSize(*size))


def family_in(about: dict, folder: Path) -> Family:
    """Return the family that the zoo.json of a folder tells of; FormatError if this program cannot read such a zoo."""
    check_format(about, "zoo", folder)
    check_types(about, folder / "zoo.json", {"family": dict})
    try:
        return family_from_json(about["family"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{folder / 'zoo.json'}: {error}") from error


@dataclass(frozen=True)
class Zoo:
    """Trained networks of one family; `zoo[i]` or `zoo["name"]` is a `Network`."""

    folder: Path
    family: Family
    records: pd.DataFrame
    """one row a network, index 0 ... b-1; at least name, arch, row, split"""
    weights: dict[str, Tensor]
    """"<arch>/<parameter>" -> (rows, *shape), as stored"""
    about: dict
    """how the zoo was made: zoo.json"""
    weights_path: Path = Path()
    """the file that holds the weights"""
    checksums: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    """architecture -> checksum of each row of its weights (rows,); networks are checked when they are first read"""

    @classmethod
    def load(cls, folder: str | Path) -> Zoo:
        """Read a zoo; FormatError, in one sentence, where it is missing, truncated or inconsistent."""
        folder = Path(folder)
        family_in(read_json(folder / "zoo.json"), folder)  # said first: a zoo of a newer version may hold other files
        found = read_zoo(folder)
        family = family_in(found.about, folder)
        missing = [column for column in ("name", "arch", "row", "split") if column not in found.records]
        if missing:
            raise FormatError(f"{folder / 'records.parquet'} has no column {missing[0]!r}")
        records = found.records.reset_index(drop=True)
        zoo = cls(folder, family, records, found.weights, found.about, found.weights_path, found.checksums)
        zoo._check_records()
        zoo._check()
        return zoo

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
        for arch in self.family.archs:
            mine = self.records[self.records.arch == arch.name]
            stacks = {n: self.weights[f"{arch.name}/{n}"] for n in arch.shapes if f"{arch.name}/{n}" in self.weights}
            try:
                arch.check({name: stack.shape[1:] for name, stack in stacks.items()})
            except ValueError as error:
                raise FormatError(f"{self.weights_path}: {error}") from error
            other = next((name for name, stack in stacks.items() if not stack.is_floating_point()), None)
            if other:
                dtype = str(stacks[other].dtype).removeprefix("torch.")
                raise FormatError(f"{self.weights_path}: {arch.name}/{other} has values of type {dtype}")
            rows = min(len(stack) for stack in stacks.values())
            if len(mine) and rows <= mine.row.max():
                raise FormatError(
                    f"{self.folder} lists {len(mine)} networks but holds the weights of {rows}: truncated"
                )
        known = {f"{arch.name}/{name}" for arch in self.family.archs for name in arch.shapes}
        if set(self.weights) - known:
            raise FormatError(f"{self.weights_path} has the unknown key {min(set(self.weights) - known)!r}")
        unknown = set(self.records.arch) - set(self.family.names)
        if unknown:
            raise FormatError(f"{self.folder} lists {unknown.pop()!r}, which is not in its family {self.family.names}")

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
    def not_finite(self) -> list[int]:
        """Return the ids of networks with weights that are NaN or infinite. Reads all weights, once."""

        bad = np.zeros(len(self), bool)
        for arch in self.family.archs:
            mine = (self.records.arch == arch.name).to_numpy()
            rows = torch.tensor(self.records.row[mine].to_numpy(np.int64))
            good = torch.ones(len(rows), dtype=torch.bool)
            for name in arch.shapes:
                largest = self.weights[f"{arch.name}/{name}"].flatten(1).abs().amax(dim=1)  # (rows), NaN where any is
                good &= largest[rows].isfinite()
            bad[mine] = ~good.numpy()
        return np.flatnonzero(bad).tolist()

    def check_finite(self, ids: Sequence[int]) -> None:
        """Raise FormatError, with names, if the weights of any of these networks are not finite."""
        bad = set(self.not_finite).intersection(ids)
        if bad:
            names = [repr(self.records.name[i]) for i in sorted(bad)]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise FormatError(
                f"{self.folder} has networks whose weights are not finite: {', '.join(names[:3])}{more}; "
                "`zoo select` leaves them out"
            )

    @functools.cached_property
    def _checked(self) -> dict[str, np.ndarray]:
        """Architecture -> which rows were found to be as written (rows,)."""
        return {arch: np.zeros(len(sums), bool) for arch, sums in self.checksums.items()}

    def check_weights(self, ids: Sequence[int]) -> None:
        """Raise FormatError, naming the network, if weights are not as written (CRC-32)."""
        archs, rows = self.records.arch.to_numpy(), self.records.row.to_numpy()
        asked = np.asarray(ids, dtype=np.int64)
        for arch, checked in self._checked.items():
            mine = asked[archs[asked] == arch]
            mine = mine[~checked[rows[mine]]]
            if not len(mine):
                continue
            wrong = row_checksums(self.weights, arch, rows[mine]) != self.checksums[arch][rows[mine]]
            if wrong.any():
                name = self.records.name[mine[wrong][0]]
                raise FormatError(
                    f"{self.weights_path} is damaged: the weights of {name} do not have the checksum that they were "
                    "written with"
                )
            checked[rows[mine]] = True

    def preps(self, ids: Sequence[int]) -> Tensor:
        """PReps (b, 1, H, W) float32 of the networks with these ids; FormatError if the weights of one are damaged."""
        self.check_weights(ids)
        preps = torch.zeros(len(ids), 1, *self.family.size)
        for arch in self.family.archs:
            at = [k for k, i in enumerate(ids) if self.records.arch[i] == arch.name]
            if at:
                rows = torch.tensor([int(self.records.row[ids[k]]) for k in at])
                params = {name: self.weights[f"{arch.name}/{name}"][rows].float() for name in arch.shapes}
                preps[torch.tensor(at)] = pack(params, self.family.size, batch_ndim=1)
        return preps


def write_about(folder: Path, family: Family, about: dict) -> None:
    """Write zoo.json alone: a zoo of which no network is finished yet, or no other than before."""
    written = read_records_header(folder)
    more = {"weights": written["weights"]} if written else {}
    write_about_file(folder, {"format": FORMATS["zoo"], "family": family_to_json(family)} | about | more)


def write_zoo(folder: Path, family: Family, records: pd.DataFrame, weights: dict[str, Tensor], about: dict) -> None:
    """Write a zoo; an earlier one in the folder stays readable throughout.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there before is untouched.
    """
    write_zoo_files(folder, {"format": FORMATS["zoo"], "family": family_to_json(family)} | about, records, weights)


def made_how(zoo: Zoo) -> dict:
    """What zoo.json says of how a zoo was made, without what every writer says anew."""
    return {key: value for key, value in zoo.about.items() if key not in ("format", "family", "weights")}


def select(zoo: Zoo, ids: Sequence[int], folder: Path) -> None:
    """Write a part of a zoo as a zoo of its own. ValueError without an id, FormatError where the folder holds a zoo."""
    if not len(ids):
        raise UsageError(f"no network of {zoo.folder} was selected")
    join([(zoo, ids)], folder, made_how(zoo))


def join(parts: Sequence[tuple[Zoo, Sequence[int]]], folder: Path, about: dict | None = None) -> None:
    """Write networks of one or several zoos, each with its ids, as one zoo, whose family has all their architectures.

    The column `origin` keeps which of several zoos a network comes from; networks of the same name get it as a prefix.

    Raises:
        ValueError: two networks of one zoo have the same name, or the architectures are for different data.
        FormatError: the folder holds a zoo already.
    """
    import pandas as pd

    check_folder(folder, "zoo")
    for zoo, ids in parts:
        zoo.check_weights(ids)
    family = joint_family([zoo.family for zoo, _ in parts])
    tables = []
    stacks: dict[str, list[Tensor]] = {f"{arch.name}/{n}": [] for arch in family.archs for n in arch.shapes}
    for (zoo, ids), origin in zip(parts, origins([zoo.folder for zoo, _ in parts]), strict=True):
        records = zoo.records.iloc[list(ids)].reset_index(drop=True)
        if len(parts) > 1:
            given = records.origin if "origin" in records else pd.Series([None] * len(records), dtype=object)
            records["origin"] = given.astype(object).where(given.notna(), origin)
            records["_part"] = origin
        for arch in zoo.family.archs:
            mine = records.arch == arch.name
            rows = torch.tensor(records.row[mine].to_numpy(), dtype=torch.long)
            before = sum(map(len, stacks[f"{arch.name}/{next(iter(arch.shapes))}"]))
            records.loc[mine, "row"] = range(before, before + len(rows))
            for name in arch.shapes:
                stacks[f"{arch.name}/{name}"].append(zoo.weights[f"{arch.name}/{name}"][rows])
        tables.append(records)
    records = pd.concat(tables, ignore_index=True)
    if "_part" in records and not records.duplicated(["_part", "name"]).any():
        shared = records.name.duplicated(keep=False)
        records.loc[shared, "name"] = records["_part"][shared] + "-" + records.name[shared]
    records = records.drop(columns="_part", errors="ignore")
    twice = records.name[records.name.duplicated()]
    if len(twice):
        raise UsageError(f"two networks are called {twice.iloc[0]!r}")
    whole = sum(len(zoo) for zoo, _ in parts)
    part_of = {"part_of": f"{len(records)} of {whole} networks"} if len(records) < whole else {}
    weights = {name: torch.cat(stack) for name, stack in stacks.items()}
    write_zoo(folder, family, records, weights, (about or {}) | part_of)


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


def joint_family(families: Sequence[Family]) -> Family:
    """The family of all architectures of some families; ValueError where they are for different data."""
    if all(family == families[0] for family in families):
        return families[0]
    names = list(dict.fromkeys(name for family in families for name in family.names))
    data = {arch_named(name).data for name in names}
    if len(data) > 1:
        raise UsageError(f"architectures for different data make no family: {', '.join(sorted(data))}")
    return Family.of(*names, width=families[0].size.width)


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
            zoo.check_weights(range(len(zoo)))
            if network.arch.name not in zoo.family.names:
                raise UsageError(f"{network.arch.name} is not of {folder}'s family: {', '.join(zoo.family.names)}")
            if record["name"] in set(zoo.records.name):
                raise UsageError(f"{folder} holds a network {record['name']!r} already")
            weights = dict(zoo.weights)
            for name, p in network.params.items():
                stack = weights[f"{network.arch.name}/{name}"]
                new = p.detach().cpu().to(stack.dtype).unsqueeze(0)
                if not new.isfinite().all():
                    raise UsageError(f"{record['name']} has weights that are not finite in {folder}'s precision")
                weights[f"{network.arch.name}/{name}"] = torch.cat([stack, new])
            row = len(weights[f"{network.arch.name}/{next(iter(network.arch.shapes))}"]) - 1
            fresh = pd.DataFrame([{"arch": network.arch.name, "row": row} | record])
            records = pd.concat([zoo.records, fresh], ignore_index=True)
            about = made_how(zoo)
            write_zoo(folder, zoo.family, records, weights, about)
            return Zoo.load(folder)
    except Timeout:
        raise InUse(f"{folder} is being written by a job; try again when it has ended") from None
