"""Where a latent space optimization starts: an embedding, and the architecture to pull towards."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import UsageError
from ..latent.embeddings import embed
from ..latent.projection import Plane
from ..nets.network import Network
from ..space.space import NetSpace
from ..zoo.store import TRAIN, Zoo


class Start(NamedTuple):
    """An embedding to start from.

    The mean, the noise statistics and the map are computed from training networks (from all if there are none).
    """

    z: Tensor
    """(E)"""
    words: str
    """the start as it was asked for, see `start_from`"""
    network: Network | None = None
    """the network whose embedding it is, if there is one"""


def start_from(space: NetSpace, zoo: Zoo, where: str, seed: int = 0) -> Start:
    """Return the embedding that is asked for.

    Args:
        where: the name of a network; "mean" of the training networks' embeddings; "noise": normal, with their mean and
            standard deviation; "at:X,Y": a point of the map, in the plane where the training embeddings spread most.

    Raises:
        UnknownName: there is no network of this name.
        UsageError: X and Y are not numbers, fewer than 3 embeddings span no map, or the embedding is not finite.
    """
    if where != "mean" and where != "noise" and not where.startswith("at:"):
        network = zoo[where].to(space.device)
        network.check_finite(where)
        with torch.no_grad():
            return _finite_start(Start(space.encode(network.prep.unsqueeze(0))[0], where, network))
    ids = set(zoo.ids(TRAIN) or range(len(zoo))) - set(zoo.not_finite)
    if not ids:
        raise UsageError(f"{zoo.folder} has no network whose weights are finite")
    z = embed(space, zoo, sorted(ids))  # (b, E)
    if where == "mean":
        return _finite_start(Start(z.mean(dim=0), where))
    if where == "noise":
        noise = torch.randn(z.shape[1], generator=torch.Generator().manual_seed(seed)).to(z.device)
        return _finite_start(Start(z.mean(dim=0) + noise * z.std(dim=0, unbiased=False), where))
    try:
        xy = [float(part) for part in where.removeprefix("at:").split(",")]
    except ValueError:
        xy = []
    if len(xy) != 2 or not all(map(math.isfinite, xy)):
        raise UsageError(f"{where!r} is no point of the map: two numbers, such as at:0.5,-1.2")
    return _finite_start(Start(Plane.of(z).lift(torch.tensor(xy, device=z.device)), where))


FURTHEST_START = 1e6
"""largest coordinate of an embedding to start from: networks decoded from further away overflow"""


def _finite_start(start: Start) -> Start:
    """Return the start; UsageError if its embedding is not finite, or too far away to decode a network."""
    if not (start.z.abs() <= FURTHEST_START).all():
        raise UsageError(f"the embedding of the start {start.words!r} is not finite, or too far from all networks")
    return start


def wanted_class(space: NetSpace, start: Start, want: str) -> int | None:
    """Return the ClassId to pull towards; None if the family has only one, or if none is wanted.

    Args:
        want: the name of an architecture; "": that of the start network, if there is one; "any": none.

    Raises:
        UsageError: a family of one is asked for a class, or the family has no such architecture.
    """
    names = space.family.names
    if want in ("", "any"):
        known = len(names) > 1 and want == "" and start.network is not None
        return names.index(start.network.arch.name) if known else None
    if len(names) == 1:
        raise UsageError(f"this space has the one architecture {names[0]}: there is no class to want")
    if want not in names:
        raise UsageError(f"this space has no {want!r}, only {', '.join(names)}")
    return names.index(want)
