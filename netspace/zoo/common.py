"""Networks that two zoos have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from ..io import content_hash
from .store import Zoo


class CommonNetworks(NamedTuple):
    """Networks that are in both of two zoos."""

    ids: tuple[int, ...]
    """in the first zoo, rising"""
    others: tuple[int, ...]
    """in the second, in the same order"""
    by: str
    """what they have in common: "weights" or "names"; empty if there are none"""


def common_networks(zoo: Zoo, other: Zoo, go_on: Callable[[], None] = lambda: None) -> CommonNetworks:
    """Find the networks that two zoos share: those of equal architecture and weights, else those of equal names.

    Names count only if no weights are equal, and only of networks of one architecture. Of networks that are several
    times in a zoo, the first belongs to the first of the other.

    Args:
        go_on: called between networks; it may raise to end the search.
    """
    if len(zoo) == len(other) and zoo.content == other.content:
        everyone = tuple(range(len(zoo)))
        return CommonNetworks(everyone, everyone, "weights")
    for by, told in (("weights", _contents), ("names", _names)):
        waiting = defaultdict(list)
        for i, content in reversed(told(other, go_on).items()):
            waiting[content].append(i)
        pairs = [(i, waiting[content].pop()) for i, content in told(zoo, go_on).items() if waiting.get(content)]
        if pairs:
            ids, others = zip(*pairs, strict=True)
            return CommonNetworks(ids, others, by)
    return CommonNetworks((), (), "")


def _contents(zoo: Zoo, go_on: Callable[[], None]) -> dict[int, str]:
    """What tells the weights of networks apart, by id; without networks that cannot be read."""
    lost, found = set(zoo.unreadable), {}
    for i in range(len(zoo)):
        if i not in lost:
            go_on()
            network = zoo[i]
            found[i] = content_hash(network.arch.name, *(network.params[name] for name in sorted(network.params)))
    return found


def _names(zoo: Zoo, go_on: Callable[[], None]) -> dict[int, str]:
    return dict(enumerate(f"{arch}/{name}" for arch, name in zip(zoo.records.arch, zoo.records.name, strict=True)))
