"""A second space beside the map's: which networks both have, and what its map is sent of them."""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass

import numpy as np
import torch

from netspace.errors import UsageError
from netspace.latent.agreement import Agreement, neighbourhood_agreement
from netspace.zoo.common import common_networks
from netspace.zoo.store import TRAIN

from . import catalogue, filters, points
from .caches import cached_object, cached_value
from .catalogue import Found, Loaded
from .charts import Chart
from .embeddings import PATIENCE
from .engine import feed, go_on, patient, unpacked_feed
from .filters import Filter


def seconds(loaded: Loaded) -> dict[str, tuple[Found, Found]]:
    """Return the spaces and zoos of the same kind of networks that can stand beside a map, by what links call them.

    Spaces into which the map's own zoo fits come first, without others of their zoos.
    """
    found = [one for one in catalogue.find() if one.task == loaded.space_info.task]
    spaces = [one for one in found if one.kind == "space" and one.id != loaded.space_info.id]
    same = {space.id: (space, loaded.zoo_info) for space in spaces if space.fits(loaded.zoo_info)}
    others = {
        f"{space.id}|{zoo.id}": (space, zoo)
        for space in spaces if space.id not in same
        for zoo in found if zoo.kind == "zoo" and space.fits(zoo)
    }  # fmt: skip
    return same | others


# -- what both have --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedNetworks:
    """Networks that are on two maps."""

    there: np.ndarray
    """(b) int32 ids on the second map of the first one's networks, -1 of those that are not on it"""
    here: np.ndarray
    """(c) int32 ids on the first map of the second one's networks, -1 likewise"""
    by: str
    """what they have in common, as `common_networks` says"""
    agreement: Agreement | None
    """None if they are too few"""

    @property
    def count(self) -> int:
        return int((self.there >= 0).sum())

    def ids_here(self, ids: np.ndarray) -> np.ndarray:
        """Ids on the first map of some of the second one's networks, rising, without those that are not on it."""
        found = self.here[ids]
        return np.sort(found[found >= 0])


def _search(chart: Chart, second: Chart) -> SharedNetworks:
    there, here = np.full(len(chart), -1, np.int32), np.full(len(second), -1, np.int32)
    kinds = set()
    for k, member in enumerate(chart.members):
        found = common_networks(member.zoo, second.loaded.zoo, go_on)
        for i, j in zip(found.ids, found.others, strict=True):
            if here[j] < 0:
                there[i + int(chart.starts[k])], here[j] = j, i + int(chart.starts[k])
                kinds.add(found.by)
    ids = torch.from_numpy(np.flatnonzero(there >= 0))
    try:
        agreement = neighbourhood_agreement(chart.z[ids], second.z[torch.from_numpy(there)[ids].long()])
    except UsageError:
        agreement = None
    return SharedNetworks(there, here, " or ".join(sorted(kinds, reverse=True)), agreement)


@cached_object(max_entries=8)
def _search_work(key: str, _chart: Chart, _second: Chart) -> Future:
    engine = patient()
    work = engine.submit((-next(engine.count),), _search, _chart, _second)
    wait([work], timeout=PATIENCE)
    return work


def search_work(chart: Chart, second: Chart) -> Future:
    """The search for the networks that are on both maps, begun if it is not there yet."""
    return _search_work(f"{chart.key}||{second.key}", chart, second)


def agreement_words(shared: SharedNetworks, count: int) -> str:
    """What is said of the networks that both spaces have, of so many on the first map."""
    have = f"{shared.count:,} of {count:,} networks are in both spaces, by their {shared.by}."
    found = shared.agreement
    if found is None:
        return f"{have} Too few of them have embeddings in both to compare their neighbourhoods."
    percents = (f"{100 * share:.0f}\N{NO-BREAK SPACE}%" for share in (found.share, found.chance))
    return have + " Of the {} nearest of each of these, {} are the same in both spaces (mean; {} by chance).".format(
        found.k, *percents
    )


# -- what the second map is sent -------------------------------------------------------------------------------------


@cached_value(max_entries=8)
def twins_feed(view: str, key: str, _ids: np.ndarray) -> bytes:
    """Which networks of the other map are those of a view's map (b), -1 for none."""
    return feed({"view": view, "feed": "twins", "path": key, "count": len(_ids)}, _ids.astype("<i4").tobytes())


@cached_value(max_entries=8)
def second_look_feed(view: str, key: str, _first: bytes, _second: Chart, _shared: SharedNetworks) -> bytes:
    """How the points of the second map look: as those of the first one that are the same networks.

    Args:
        _first: the first map's feed, see `app.backend.points.look_feed`.
    """
    header, body = unpacked_feed(_first)
    count, here = header["count"], _shared.here
    tints, rest = np.frombuffer(body[: 4 * count], np.float32), np.frombuffer(body[4 * count :], np.uint8)
    sizes, marks, _ = rest.reshape(3, count)
    known = here >= 0
    parts = [np.where(known, part[here], other) for part, other in ((tints, np.nan), (sizes, 128), (marks, 0))]
    flags = (_second.records.split != TRAIN).to_numpy()
    header |= {"view": view, "path": key, "count": len(here), "warned": ""}
    bodies = (
        part.astype(kind).tobytes() for part, kind in zip([*parts, flags], ("<f4", "u1", "u1", "u1"), strict=True)
    )
    return feed(header, b"".join(bodies))


def left_there(second: Chart, shared: SharedNetworks, asked: Filter, left: np.ndarray) -> np.ndarray:
    """Which networks (c) of the second map a filter leaves, of which it leaves these (b) on the first."""
    own = filters.left_by(second, points.known_columns(second, ()), asked)
    return np.where(shared.here >= 0, left[shared.here], own)
