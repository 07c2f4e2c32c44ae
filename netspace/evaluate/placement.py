"""Where networks made elsewhere lie among those that a space was trained on, and what becomes of them in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from ..latent.embeddings import embed, nearest
from ..latent.manifold import Reach
from ..space.space import NetSpace
from ..tasks import task_of
from ..tasks.task import Compared
from ..zoo.store import Zoo


class Placement(NamedTuple):
    """A network from elsewhere among those that a space was trained on."""

    name: str
    error: float
    """of its decode: 1 - IoU of shapes, else the share of different answers; not a number where it is not known"""
    figures: Compared | None
    """None if there are no data to test it on"""
    nearest: str
    """training network with the nearest embedding; empty if the network has no embedding"""
    distance: float
    """to it, in the space"""
    off: bool
    """off the manifold: the decode and the original disagree, or no training network is near"""
    why: str
    """in a few words; empty where it is not off"""


def place_networks(
    space: NetSpace, zoo: Zoo, ids: Sequence[int], training: Tensor, names: Sequence[str], data: Any = None
) -> Iterator[Placement]:
    """Reconstruct networks of a zoo and find the nearest training network of each.

    Args:
        training: embeddings (b, E) of training networks.
        names: of these networks.
        data: on which networks are compared with what is decoded, as `Task.data` returns it.
    """
    task, reach = task_of(space), Reach.of(training)
    for i in ids:
        z = embed(space, zoo, [i]).cpu()
        found = nearest(z, training, 1)
        distance, far = float(found.distances), float(reach.score(z))
        figures = task.reconstruct(space, zoo, i, data)
        error, reasons = (task.error(figures), task.doubts(figures)) if figures else (math.nan, [])
        problem = (figures and figures.problem) or ("" if z.isfinite().all() else "it has no embedding")
        if problem:
            reasons = [problem]
        elif not far <= 1:
            reasons.append(f"{far:.1f} times as far from training networks as 99 of 100 of these from each other")
        name, near = str(zoo.records.name[i]), names[int(found.ids)] if math.isfinite(distance) else ""
        yield Placement(name, error, figures, near, distance, bool(reasons), "; ".join(reasons))
