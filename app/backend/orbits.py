"""The orbit of a network on the map: copies that do the same, with their hidden units permuted, and how far they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
import torch

from app.tasks import app_task
from netspace.errors import UsageError
from netspace.evaluate.symmetry import OutputGap, changes, orbit_embeddings, orbit_of, output_gap
from netspace.latent.manifold import Reach
from netspace.nets.network import Network
from netspace.tasks import task_of

from . import projections
from .caches import cached_object
from .catalogue import DEVICE
from .charts import Chart
from .engine import feed, go_on, patient
from .manifold import manifold_of
from .projections import Placed
from .visitors import seen

COPIES = 32
COMPARED_AT_ONCE = 8
"""copies of a task"""
COPIES_SEED = 0
"""of the copies: the same for whoever looks at a network"""
ROUNDING = 1e-3
"""of a network's largest output: copies whose outputs differ by more do something else"""
HELP = (
    "Medians over the copies, and the most. Embeddings: distance to the network's own, over the median distance of "
    "training networks to their nearest other; above 1, a copy is further from it than another network. Decodes: "
    "against its own decode. Function: the largest difference between outputs of the copies and of the network."
)


class OrbitWork:
    """Copies of a network, embedded in the background and then compared with it."""

    def __init__(self, key: str, chart: Chart, i: int) -> None:
        self.id, self.manifold, self.trained = key, manifold_of(chart), chart.trained
        self.loaded, self.local = chart.of(i)
        self.kind, self.engine = app_task(self.loaded), patient()
        serial = next(self.engine.count)
        self.embedded = self.engine.submit((-serial, 0), self._embed)
        parts = [range(k, min(k + COMPARED_AT_ONCE, 1 + COPIES)) for k in range(1, 1 + COPIES, COMPARED_AT_ONCE)]
        self.measured = self.engine.submit((-serial, 1), self._measure)
        self.compared = [self.engine.submit((-serial, 1), self._compare, part) for part in parts]

    def _networks(self) -> list[Network]:
        """The network and its copies, made anew where they are needed: kept, they would be megabytes."""
        network = self.loaded.zoo[self.local]
        network.check_finite(str(self.loaded.zoo.records.name.iloc[self.local]))
        return [one.to(DEVICE) for one in (network, *orbit_of(network, COPIES, COPIES_SEED))]

    def _embed(self) -> torch.Tensor:
        network, *copies = self._networks()
        return orbit_embeddings(self.loaded.space, network, copies).cpu()

    def _measure(self) -> float:
        """The median distance of training networks to their nearest other; 0 if they are all the same.

        Measured here where the map has not come to it yet: what it does there has to wait for newer work.
        """
        with suppress(UsageError):
            return (self.manifold.reach or Reach.of(self.trained)).median_nn
        return 0.0

    @torch.no_grad()
    def _compare(self, part: range) -> tuple[OutputGap, torch.Tensor | None]:
        """How far outputs of some copies lie apart, and how much their decodes differ (count); None without data."""
        z = self.engine.need(self.embedded)
        networks, data = self._networks(), self.kind.data_to_ask(self.loaded)
        task, arch = task_of(networks[0]), networks[0].arch
        some = [0, *part]
        gap = output_gap(_going_on(networks[k] for k in some), task.inputs(arch, data))
        if self.kind.asks_data and data is None:
            return gap, None
        return gap, changes(task, _going_on(self.loaded.space.networks(z[some].to(DEVICE))), data).cpu()

    @property
    def problem(self) -> str:
        """Why there is no orbit, in a few words; empty where there is one, or will be."""
        failed = (work.exception() for work in (self.embedded, self.measured, *self.compared) if work.done())
        error = next(filter(None, failed), None)
        return "" if error is None else seen(str(error) or type(error).__name__)

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        return all(work.done() for work in (self.embedded, self.measured, *self.compared))

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        if not self.embedded.done():
            return f"Embedding {COPIES} copies"
        compared = COMPARED_AT_ONCE * sum(work.done() for work in self.compared)
        return f"Comparing what the copies do, {min(compared, COPIES)} of {COPIES}"

    @property
    def z(self) -> torch.Tensor | None:
        """Embeddings (1 + COPIES, E), the network's first; None until they are there, and where there are none."""
        return self.embedded.result() if self.embedded.done() and not self.embedded.exception() else None

    @property
    def figures(self) -> str:
        """How far the copies go, in a sentence; empty until it is known, and where there are none."""
        if self.problem or not self.done:
            return ""
        z, median_nn = self.embedded.result(), self.measured.result()
        gaps, parts = zip(*(work.result() for work in self.compared), strict=True)
        gap = OutputGap(float(np.max([gap.largest for gap in gaps])), gaps[0].reach)
        changed = None if parts[0] is None else torch.cat(parts)
        moved = (z[1:] - z[0]).norm(dim=1)
        middle, most = (_small(float(v) / (median_nn or 1)) for v in (moved.median(), moved.max()))
        unit = " times the median distance between neighbours" if median_nn else ""
        words = [f"{COPIES} copies (seed {COPIES_SEED}): embeddings move by {middle} (at most {most}){unit}"]
        if changed is not None:
            words.append(self.kind.decodes_differ.format(float(changed.median()), float(changed.max())))
        asked = "noise" if self.kind.asks_data and changed is None else self.kind.asked_inputs
        same = "and the function stays" if gap.largest <= ROUNDING * gap.reach else "but the function does not stay"
        words.append(
            f"{same} the same: outputs on {asked} reach {gap.reach:.2g} and differ by at most {gap.largest:.1g}"
        )
        return f"{', '.join(words)}."


def _going_on(networks: Iterable[Network]) -> Iterator[Network]:
    """One after the other, unless the app ends."""
    for network in networks:
        go_on()
        yield network


def _small(value: float) -> str:
    """A ratio with two decimals, or one digit of it where these would say nothing."""
    return f"{value:.2f}" if value >= 0.005 else f"{value:.1g}"


@cached_object(max_entries=32)
def _orbit(key: str, _chart: Chart, _i: int) -> OrbitWork:
    return OrbitWork(key, _chart, _i)


def orbit_work(chart: Chart, i: int) -> OrbitWork:
    """The work on a network's orbit, begun if it is not there yet."""
    member, local = chart.of(i)
    return _orbit(f"{chart.loaded.key}|{member.key}|{local}|orbit", chart, i)


def orbit_key(where: Placed, work: OrbitWork | None) -> str:
    """Which feed of copies the map shows; empty for none."""
    return f"{where.key}|{work.id}" if work else ""


def orbit_feed(view: str, where: Placed, work: OrbitWork) -> bytes | None:
    """The places (COPIES, 2) of the copies on the map, as float32; None until there are such."""
    if work.z is None:
        return None
    places = np.array(projections.path_places(where, work.z[1:].numpy()), np.float32)
    words = f"{COPIES} copies with permuted hidden units"
    header = {"view": view, "feed": "orbit", "path": orbit_key(where, work), "words": words, "count": len(places)}
    return feed(header, places.tobytes())
