"""How far an encoder takes functionally equal networks apart, such as copies with their hidden units permuted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from ..errors import UsageError
from ..latent.embeddings import embed
from ..latent.manifold import Reach
from ..nets.network import Network
from ..space.space import NetSpace
from ..tasks import task_of
from ..threads import held_threads
from ..zoo.store import TRAIN, Zoo

Orbit = Callable[[Network, int, int], Sequence[Network]]
"""network, count, seed -> so many functionally equal copies of it"""


class OrbitFigures(NamedTuple):
    """How far the copies of a network lie from it."""

    name: str
    copies: int
    functions: float
    """largest difference of what copies and network do, by `Task.distance`; 0 if they are equal"""
    embeddings: float
    """median distance of the copies' embeddings to the network's, over the median distance of a training network to
    its nearest other: above 1 a copy is further away than another network"""
    embeddings_most: float
    decodes: float
    """median difference of what the copies' and the network's decodes do, by `Task.distance`, from 0 to 1"""
    decodes_most: float


@torch.no_grad()
def orbit_figures(
    space: NetSpace, name: str, network: Network, orbit: Orbit, median_nn: float, count: int = 16, seed: int = 0,
    data: Any = None,
) -> OrbitFigures:  # fmt: skip
    """Encode and decode a network and `count` functionally equal copies of it, and compare.

    Args:
        median_nn: median distance of training networks to their nearest other, as `Reach` has it.
        data: on which networks are compared, as `Task.data` returns it.
    """
    task = task_of(space)
    network = network.to(space.device)
    copies = [copy.to(space.device) for copy in orbit(network, count, seed)]
    if not copies:
        raise UsageError(f"the orbit of {name} holds no copies")
    with held_threads():
        z = space.encode(torch.stack([one.prep for one in (network, *copies)]))  # (1 + count, E)
        decoded = space.networks(z)
        moved = (z[1:] - z[0]).norm(dim=1) / median_nn
        does, decodes = ([task.outputs(one, data) for one in ones] for ones in ((network, *copies), decoded))
    functions, changed = (
        torch.stack([task.distance(answers[0], other) for other in answers[1:]]).float() for answers in (does, decodes)
    )
    return OrbitFigures(
        name, len(copies), functions.max().item(),
        moved.quantile(0.5).item(), moved.max().item(), changed.quantile(0.5).item(), changed.max().item(),
    )  # fmt: skip


def symmetry_audit(
    space: NetSpace, zoo: Zoo, ids: Sequence[int], orbit: Orbit, count: int = 16, seed: int = 0, data: Any = None
) -> list[OrbitFigures]:
    """Return the figures of some networks of a zoo, against the distances between its training networks.

    Raises:
        FormatError: a network's weights are not finite.
        UsageError: the zoo has no two different training networks.
    """
    zoo.check_finite(ids)
    broken = set(zoo.not_finite)
    reach = Reach.of(embed(space, zoo, [i for i in zoo.ids(TRAIN) if i not in broken]).cpu())
    names = zoo.records.name
    return [orbit_figures(space, str(names[i]), zoo[i], orbit, reach.median_nn, count, seed, data) for i in ids]
