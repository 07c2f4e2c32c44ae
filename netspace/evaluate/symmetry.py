"""How far an encoder takes functionally equal networks apart: copies moved by elements of their symmetry group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..align import random_element, transform
from ..errors import UsageError
from ..latent.embeddings import embed_zoo
from ..latent.manifold import Reach
from ..nets.network import Network
from ..space.space import NetSpace
from ..tasks import task_of
from ..tasks.task import ScoreColumn
from ..threads import held_threads
from ..zoo.store import TRAIN, Zoo
from .scorecard import spread_of

Orbit = Callable[[Network, int, int], Sequence[Network]]
"""network, count, seed -> so many functionally equal copies of it"""


def orbit_of(network: Network, count: int, seed: int) -> list[Network]:
    """Return functionally equal copies of a network: hidden units permuted, of sines with signs and phases."""
    generator = torch.Generator().manual_seed(seed)
    return [transform(network, random_element(network.arch, generator)) for _ in range(count)]


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


SYMMETRY_COLUMNS: Mapping[str, ScoreColumn] = {
    "functions": ScoreColumn(
        "functions", "lower", "Largest difference of what network and copies do, from 0 to 1; but for rounding 0."
    ),
    "embeddings": ScoreColumn(
        "embeddings", "lower", "Median distance of copies' embeddings, over that of training networks to their nearest."
    ),
    "embeddings_most": ScoreColumn("at most", "lower", "The largest of these distances."),
    "decodes": ScoreColumn("decodes", "lower", "Median difference of what the decodes do, from 0 to 1."),
    "decodes_most": ScoreColumn("at most", "lower", "The largest of these differences."),
}  # fmt: skip


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
    space: NetSpace, zoo: Zoo, ids: Sequence[int], orbit: Orbit = orbit_of, *, count: int = 16, seed: int = 0,
    data: Any = None, cache: Path | None = None,
) -> list[OrbitFigures]:  # fmt: skip
    """Return the figures of some networks of a zoo, against the distances between its training networks.

    Args:
        orbit: makes the copies.
        data: on which networks are compared, as `Task.outputs` has it.
        cache: as `embed_zoo` has it.

    Raises:
        FormatError: a network's weights are not finite.
        UsageError: the zoo has no two different training networks.
    """
    zoo.check_finite(ids)
    reach = Reach.of(embed_zoo(space, zoo, cache)[zoo.ids(TRAIN)])
    names = zoo.records.name
    return [orbit_figures(space, str(names[i]), zoo[i], orbit, reach.median_nn, count, seed, data) for i in ids]


def summarise_symmetry(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield figures for each split: medians with quartiles over networks."""
    for split in dict.fromkeys(row["split"] for row in rows):
        mine = [dict(row, seed=0) for row in rows if row["split"] == split]
        measures = {name: spread_of(mine, name, column.better)._asdict() for name, column in SYMMETRY_COLUMNS.items()}
        yield {"split": split, "count": len(mine), "measures": measures}
