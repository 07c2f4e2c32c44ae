"""How far networks are from the training networks, and which of them are off the manifold."""

from __future__ import annotations

from concurrent.futures import wait

import numpy as np
import torch

from netspace.latent.manifold import Reach

from . import placements
from .caches import cached_object
from .charts import Chart
from .embeddings import PATIENCE
from .engine import go_on, patient
from .imports import is_import

HELP = (
    "Off the manifold: further from the nearest training network than 99 of 100 training networks are from each other. "
    "What is decoded there need not be a network that works."
)


class Manifold:
    """How far networks are from the training networks, in the background."""

    def __init__(self, chart: Chart) -> None:
        engine = patient()
        self.future = engine.submit((-next(engine.count),), self._measure, chart.z, chart.training)

    def _measure(self, z: torch.Tensor, training: torch.Tensor) -> tuple[Reach, np.ndarray]:
        reach = Reach.of(z[training])
        far = torch.zeros(len(z))  # of training networks: they are where they are
        others = torch.ones(len(z), dtype=torch.bool)
        others[training] = False
        for ids in others.nonzero().squeeze(1).split(64):
            go_on()
            far[ids] = reach.score(z[ids])
        return reach, far.numpy()

    @property
    def reach(self) -> Reach | None:
        """None while it is measured, and where training networks have no distance from each other."""
        return self.future.result()[0] if self._measured else None

    @property
    def far(self) -> np.ndarray | None:
        """(b) distances to the nearest training network over what is usual among these; None as `reach`."""
        return self.future.result()[1] if self._measured else None

    @property
    def _measured(self) -> bool:
        return self.future.done() and not self.future.exception()


@cached_object(max_entries=8)
def _manifold(key: str, _chart: Chart) -> Manifold:
    work = Manifold(_chart)
    wait([work.future], timeout=PATIENCE / 2)
    return work


def manifold_of(chart: Chart) -> Manifold:
    """The work on what a map shows, begun if it is not there yet."""
    return _manifold(chart.key, chart)


def off(chart: Chart) -> np.ndarray:
    """Which networks lie off the manifold, as far as is known by now, (b) bool."""
    far = manifold_of(chart).far
    found = np.zeros(len(chart), bool) if far is None else ~(far <= 1)
    for k, member in enumerate(chart.members):
        if k and is_import(member.zoo_info):
            for row in placements.placements_of(chart, member).rows:
                found[int(chart.starts[k]) + member.zoo.index(row.name)] = row.off
    return found


def far(chart: Chart, point: np.ndarray, i: int | None) -> float | None:
    """How far a point of the space is from training networks, over what is usual; None where that is not known."""
    work = manifold_of(chart)
    if work.reach is None:
        return None
    return float(work.reach.score(torch.from_numpy(point).unsqueeze(0))[0]) if i is None else float(work.far[i])


def words(far: float) -> str:
    """What is said of a distance that is over what is usual."""
    return "" if far <= 1 else f"off manifold: {far:.1f} times as far as 99 of 100 training networks from each other"
