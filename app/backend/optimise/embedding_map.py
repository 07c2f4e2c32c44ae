"""The page's map: the plane in which training networks spread most, all networks on it, and where a run starts."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from netspace.latent.projection import Plane
from netspace.train.starts import start_from
from netspace.zoo.store import TRAIN

from .. import looks
from ..caches import cached_object, cached_value
from ..catalogue import Loaded, cards
from ..embeddings import embedding_work, zoo_embeddings
from ..engine import feed


class EmbeddingMap(NamedTuple):
    """Where the networks of a zoo lie on the map."""

    plane: Plane
    """in which the training networks spread most, as `start_from` has it"""
    places: torch.Tensor
    """of all networks (b, 2)"""


@cached_object(max_entries=16)
def _map(key: str, _loaded: Loaded) -> EmbeddingMap:
    z = zoo_embeddings(_loaded)  # (b, E)
    plane = Plane.of(z[_loaded.zoo.ids(TRAIN) or list(range(len(z)))])
    return EmbeddingMap(plane, plane.place(z))


def map_of(loaded: Loaded) -> EmbeddingMap:
    """The map of a zoo; waits for its embeddings."""
    return _map(loaded.key, loaded)


def embedded(loaded: Loaded) -> float:
    """The share of the networks that are embedded; the first time it is asked about a zoo, it waits a moment."""
    return embedding_work(loaded).share


def no_map(loaded: Loaded) -> str:
    """Why a zoo has no map; empty where it has one."""
    count = len(loaded.zoo.ids(TRAIN)) or len(loaded.zoo)
    return f"its plane is spanned by 3 training networks at least, and it has {count}" if count < 3 else ""


def map_feed(loaded: Loaded, view: str) -> bytes:
    """The networks as points of the map, sent once."""
    places = map_of(loaded).places
    known, records, names = cards(loaded), loaded.zoo.records, loaded.zoo.family.names
    header = {
        "view": view,
        "feed": "map",
        "path": loaded.key,
        "points": [[round(v, 4) for v in point] for point in places.tolist()],
        "names": [card.name for card in known],
        "words": [card.words for card in known],
        "splits": [card.split for card in known],
        "held": [card.held_out for card in known],
        "values": [finite_or_none(card.accuracy) for card in known],
        "archs": [names.index(name) for name in records.arch],
    }
    return feed(header, b"")


def finite_or_none(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def arch_looks(loaded: Loaded) -> list[dict[str, str]]:
    """Names, colours and marks, where there are several."""
    names = loaded.zoo.family.names
    if len(names) == 1:
        return []
    return [{"name": one.title, "colour": one.colour, "mark": one.mark} for one in map(looks.arch_look, names)]


@cached_value(max_entries=32)
def _place_of_noise(_loaded: Loaded, key: str, seed: int) -> list[float]:
    start = start_from(_loaded.space, _loaded.zoo, "noise", seed)
    return map_of(_loaded).plane.place(start.z.cpu()).tolist()


def start_place(loaded: Loaded, where: str, seed: int) -> list[float]:
    """Where on the map a run would start."""
    if where == "mean":
        return [0.0, 0.0]
    if where == "noise":
        return _place_of_noise(loaded, loaded.key, seed)
    if where.startswith("at:"):
        return [float(part) for part in where.removeprefix("at:").split(",")]
    return map_of(loaded).places[loaded.zoo.index(where)].tolist()
