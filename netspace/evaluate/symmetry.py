"""How far an encoder takes functionally equal networks apart: copies moved by elements of their symmetry group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from ..tasks.task import ScoreColumn, Task
from ..threads import held_threads
from ..zoo.store import TRAIN, Zoo
from .scorecard import spread_of

Orbit = Callable[[Network, int, int], Sequence[Network]]
"""network, count, seed -> so many functionally equal copies of it"""


def orbit_of(network: Network, count: int, seed: int) -> list[Network]:
    """Return functionally equal copies of a network: hidden units permuted, of sines with signs and phases.

    Raises:
        UsageError: it has no hidden units, or nothing is known of them.
    """
    if not network.arch.units:
        raise UsageError(f"{network.arch.name} has no hidden units to permute")
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
def orbit_embeddings(space: NetSpace, network: Network, copies: Sequence[Network]) -> torch.Tensor:
    """Return the embeddings (1 + count, E) of a network, which comes first, and its copies."""
    with held_threads():
        return space.encode(torch.stack([one.to(space.device).prep for one in (network, *copies)]))


@torch.no_grad()
def changes(task: Task[Any], networks: Iterable[Network], data: Any = None) -> torch.Tensor:
    """Return how far what networks do is from what the first of them does, by `Task.distance`, (count - 1).

    Args:
        data: on which networks are compared, as `Task.outputs` has it.
    """
    with held_threads():
        first, *others = (task.outputs(one, data) for one in networks)
    return torch.stack([task.distance(first, other) for other in others]).float()


class OutputGap(NamedTuple):
    """How far the raw outputs of networks lie apart."""

    largest: float
    """largest absolute difference from the first network's outputs: logits, distances, channels"""
    reach: float
    """largest absolute output of the first network"""


@torch.no_grad()
def output_gap(networks: Iterable[Network], x: torch.Tensor) -> OutputGap:
    """Compare outputs of two networks or more with those of the first, on inputs (n, ...) as of `Task.inputs`."""
    with held_threads():
        first, *others = (one.compiled()(x.to(one.prep.device)) for one in networks)
    gaps = torch.stack([(other - first).abs().max() for other in others])
    return OutputGap(gaps.max().item(), first.abs().max().item())


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
    z = orbit_embeddings(space, network, copies)
    with held_threads():
        decodes = space.networks(z)
    moved = (z[1:] - z[0]).norm(dim=1) / median_nn
    functions, changed = (changes(task, ones, data) for ones in ((network, *copies), decodes))
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
