"""The networks on a map: those of a zoo and of others that fit its space, their embeddings and their tables."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from app.palette import MARKS
from netspace.latent.embeddings import finite
from netspace.nets.archs import arch_title
from netspace.zoo.store import TRAIN

from . import catalogue
from .caches import cached_object
from .catalogue import SPLIT_WORDS, Found, Loaded
from .embeddings import embedding_work
from .imports import is_import

MOST_SHAPES = len(MARKS)
OTHERS = "others"
"""the less frequent values of a column that has more of them than there are colours"""
PALETTE = (
    "#2A7FD0", "#D9711F", "#1F9A6B", "#C2408F", "#8A63D2", "#A67C1B",
    "#CF4A3A", "#2795A3", "#6B7F93", "#8C6D5A", "#5F8F2A", "#C0658F",
)  # fmt: skip
"""of categories, at least 3:1 against the paper of either theme"""


# -- what is on the map --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the records by which points can be told apart."""

    name: str
    title: str
    numbers: np.ndarray | None
    """(b) float32, NaN where not known; None where it holds no numbers"""
    categories: tuple[str, ...]
    """what its networks are, where these are few; empty where it holds none"""
    codes: np.ndarray | None
    """(b) index into the categories, -1 where not known"""


class Chart:
    """The networks on the map: those of the reference zoo, then those of the zoos shown among them."""

    def __init__(self, members: Sequence[Loaded], parts: Sequence[torch.Tensor]) -> None:
        self.members = tuple(members)
        self.key = "||".join(member.key for member in members)
        self.starts = np.cumsum([0, *(len(part) for part in parts)])
        self.z = torch.cat(list(parts))  # (b, E)
        self.loaded = members[0]

    def __len__(self) -> int:
        return len(self.z)

    @property
    def guests(self) -> int:
        return len(self.members) - 1

    def of(self, i: int) -> tuple[Loaded, int]:
        """The space and zoo of a point, and its id there."""
        k = int(np.searchsorted(self.starts, i, side="right")) - 1
        return self.members[k], int(i - self.starts[k])

    @functools.cached_property
    def labels(self) -> dict[str, int]:
        """Ids by what links call the networks: their names; those of guests after their zoo's id."""
        found: dict[str, int] = {}
        for k, member in enumerate(self.members):
            before = f"{member.zoo_info.id}:" if k else ""
            for i, name in enumerate(member.zoo.records.name.tolist(), start=int(self.starts[k])):
                found.setdefault(f"{before}{name}", i)
        return found

    def label(self, i: int) -> str:
        """What links call a network."""
        member, local = self.of(i)
        before = f"{member.zoo_info.id}:" if i >= self.starts[1] else ""
        return f"{before}{member.zoo.records.name.iloc[local]}"

    @functools.cached_property
    def records(self) -> pd.DataFrame:
        """The tables of all zoos, one below the other."""
        if not self.guests:
            return self.loaded.zoo.records
        return pd.concat(
            [member.zoo.records.assign(zoo=member.zoo_info.title) for member in self.members], ignore_index=True
        )

    @functools.cached_property
    def training(self) -> torch.Tensor:
        """Ids of the reference zoo's training networks, of all of its networks where it has none."""
        ids = torch.tensor(self.loaded.zoo.ids(TRAIN) or range(len(self.loaded.zoo)), dtype=torch.long)
        return ids[finite(self.z[ids])]

    @functools.cached_property
    def trained(self) -> torch.Tensor:
        """Their embeddings."""
        return self.z[self.training]

    @functools.cached_property
    def lost(self) -> int:
        """How many networks have no embedding, since their weights are not numbers."""
        return int((~finite(self.z)).sum())

    @functools.cached_property
    def columns(self) -> dict[str, Column]:
        """By name; those that say the same of all networks are left out."""
        found = (_column(self, name) for name in self.records.columns if name not in ("row", "name", "source"))
        return {column.name: column for column in found if column}


def _column(chart: Chart, name: str) -> Column | None:
    values, title = chart.records[name], name.replace("_", " ")
    if name == "arch":
        names = chart.loaded.zoo.family.names
        codes = pd.Categorical(values, categories=names).codes
        return Column(name, "architecture", None, tuple(map(arch_title, names)), codes) if len(names) > 1 else None
    if name == "split":
        values = values.map(lambda split: SPLIT_WORDS.get(split, split))
    numbers = None
    if pd.api.types.infer_dtype(values) == "boolean":  # zeros and ones are numbers
        values = values.map({True: "yes", False: "no"})
    elif pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(np.float32, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        if not len(known) or known.min() == known.max():
            return None
        numbers = np.where(np.isfinite(numbers), numbers, np.float32(np.nan))
        kinds = np.unique(known)
        if len(kinds) > len(MARKS) or (kinds % 1).any():
            return Column(name, title, numbers, (), None)
        values = values.map(lambda v: f"{v:g}", na_action="ignore")
    codes, kinds = pd.factorize(_with_few_kinds(values), sort=True)
    if not 2 <= len(kinds) <= len(PALETTE):
        return None
    return Column(name, title, numbers, tuple(map(str, kinds)), codes)


def _with_few_kinds(values: pd.Series) -> pd.Series:
    """Return the values with all but the most frequent as OTHERS, where they are more than there are colours."""
    counts = values.value_counts()
    if len(counts) <= len(PALETTE) or counts.iloc[len(PALETTE) - 2] < 2:  # names, and the like, have no frequent ones
        return values
    return values.where(values.isin(counts.index[: len(PALETTE) - 1]) | values.isna(), OTHERS)


@cached_object(max_entries=6)
def _chart(key: str, _members: tuple[Loaded, ...]) -> Chart:
    return Chart(_members, [embedding_work(member).future.result() for member in _members])


def chart(loaded: Loaded, guests: Sequence[Loaded] = ()) -> Chart | None:
    """Of all zoos that are embedded; None until the reference zoo is. ValueError, in a sentence, where that failed."""
    works = {member.key: embedding_work(member) for member in (loaded, *guests)}
    failed = works[loaded.key].future.done() and works[loaded.key].future.exception()
    if failed:
        raise ValueError(f"the networks of {loaded.zoo_info.title} could not be embedded ({failed})")
    if not works[loaded.key].future.done():
        return None
    ready = [m for m in guests if works[m.key].future.done() and not works[m.key].future.exception()]
    members = (loaded, *ready)
    return _chart("||".join(member.key for member in members), members)


def failures(guests: Sequence[Loaded]) -> list[str]:
    """In sentences, why zoos that were to be shown are not on the map."""
    works = [(guest, embedding_work(guest).future) for guest in guests]
    failed = [(guest, work.exception()) for guest, work in works if work.done() and work.exception()]
    return [
        f"The networks of {guest.zoo_info.title} could not be embedded ({error}); the map is shown without them."
        for guest, error in failed
    ]


def embedding_progress(loaded: Loaded, guests: Sequence[Loaded] = ()) -> tuple[int, int]:
    """How many networks are embedded, and of how many."""
    works = [embedding_work(member) for member in (loaded, *guests)]
    return sum(work.total if work.future.done() else work.done for work in works), sum(work.total for work in works)


def embedding_words(guests: Sequence[Loaded]) -> str:
    """Which of the zoos that were asked for are not on the map yet, and how far they are; empty if all are."""
    works = [(guest, embedding_work(guest)) for guest in guests]
    left = [f"{guest.zoo_info.title}, {w.done} of {w.total} networks" for guest, w in works if not w.future.done()]
    return f"Being embedded: {'; '.join(left)}." if left else ""


def others(loaded: Loaded) -> dict[str, Found]:
    """Zoos that fit the space and can be shown among the reference zoo, by id; imported ones first."""
    fitting = [
        found for found in catalogue.find()
        if found.kind == "zoo" and loaded.space_info.fits(found) and found.id != loaded.zoo_info.id
    ]  # fmt: skip
    return {found.id: found for found in sorted(fitting, key=lambda found: not is_import(found))}
