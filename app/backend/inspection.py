"""One network of a map: what is known of it, its decode beside it, and the training networks nearest to it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from app.palette import TRUTH_COLOUR
from app.tasks import app_task
from netspace.io import atomic_write, content_hash
from netspace.kept import cache_folder
from netspace.latent.embeddings import nearest, zoo_content
from netspace.latent.paths import FIRST
from netspace.nets.network import Network
from netspace.tasks import task_of
from netspace.zoo.store import TRAIN

from .caches import cached_object
from .catalogue import DEVICE, Loaded, card
from .charts import Chart
from .engine import NOT_READ, Engine, feed, go_on, patient, shared
from .path import StepPacket, has_result, method_colour, steps_feed
from .projections import Placed, lifted
from .visitors import is_visitor, seen, seen_data

NEIGHBOURS = 5
"""told of a network, in the space and by function"""


@dataclass(frozen=True)
class NetworkCard:
    """What is told of a network at once."""

    id: int
    name: str
    words: str
    split: str
    zoo: str
    """title of its zoo; empty for the reference zoo"""
    facts: tuple[tuple[str, str], ...]
    """columns of the records and their values"""
    function: str = ""
    """of one from elsewhere: what it is taken to be, and on what grounds"""
    warning: str = ""
    """of one from elsewhere: what was assumed of it, or looks wrong"""


FACTS = (
    "test_accuracy", "val_accuracy", "epochs", "seat", "back", "legs", "seat_height", "height", "fit_iou",
    "fit_iou_against", "warnings", "up", "seed",
)  # fmt: skip
"""columns that are told first"""
UNTOLD = ("name", "row", "split", "arch", "function", "warning")


def known(chart: Chart, i: int) -> NetworkCard:
    """What the records say of a network."""
    member, local = chart.of(i)
    record = {k: v for k, v in member.zoo.records.iloc[local].items() if not pd.isna(v) and v != ""}
    told = card(member, local)
    order = [*(name for name in FACTS if name in record), *(name for name in record if name not in FACTS)]
    facts = tuple((name.replace("_", " "), _value(record[name])) for name in order if name not in UNTOLD)
    zoo = member.zoo_info.title if i >= chart.starts[1] else ""
    function, warning = (str(record.get(name, "")) for name in ("function", "warning"))
    return NetworkCard(i, told.name, told.words, told.split, zoo, seen_data(facts), seen(function), seen(warning))


def fact_columns(chart: Chart) -> dict[str, list[str | None]]:
    """Return what `known` tells of all networks, by title: a value for each, None if it is not known."""
    records = chart.records
    order = [*(name for name in FACTS if name in records), *(name for name in records if name not in FACTS)]
    found = {}
    for name in order:
        if name not in UNTOLD:
            values = records[name].tolist()
            missing = (records[name].isna() | (records[name] == "")).tolist()
            told = [None if lost else _value(value) for value, lost in zip(values, missing, strict=True)]
            if any(value is not None for value in told):
                found[name.replace("_", " ")] = told
    return seen_data(found)


def _value(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def point_of(chart: Chart, where: Placed, i: int | None, at: Sequence[float] | None) -> np.ndarray | None:
    """The embedding (E) of a network, or of the empty place of the map that was clicked; None of neither."""
    if i is not None:
        return chart.z[i].numpy()
    return lifted(where, at) if at and where.plane is not None else None


# -- neighbours ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Near:
    """A network near another."""

    id: int
    name: str
    figure: float
    """distance in the space, or share of answers that differ"""


def near_in_space(chart: Chart, point: np.ndarray, i: int | None = None, k: int = NEIGHBOURS) -> list[Near]:
    """The training networks nearest to an embedding (E), in the space itself; without network i, whose it is."""
    z = torch.from_numpy(point)
    if not z.isfinite().all():
        return []
    found = nearest(z.unsqueeze(0), chart.trained, k + 1)
    ids = chart.training[found.ids[0]].tolist()
    pairs = [(j, d) for j, d in zip(ids, found.distances[0].tolist(), strict=True) if j != i][:k]
    return [Near(j, chart.label(j), d) for j, d in pairs if math.isfinite(d)]


def _failure(works: Iterable[Future | None]) -> str:
    """What the first that failed of these ended with."""
    failed = (work.exception() for work in works if work and work.done())
    error = next(filter(None, failed), None)
    return "" if error is None else str(error) or type(error).__name__


class ByFunction:
    """What networks of a zoo answer, in the background: what they are compared by. By default its training networks."""

    AT_ONCE = 8
    """networks of a task"""
    MOST = 2000
    """networks that are asked; of more, so many drawn at random"""

    def __init__(self, loaded: Loaded, ids: Sequence[int] | None = None) -> None:
        train = loaded.zoo.ids(TRAIN) or range(len(loaded.zoo))
        self.loaded, self.ids = loaded, list(train if ids is None else ids)
        self.total = len(self.ids)
        if self.total > self.MOST:
            self.ids = sorted(np.random.default_rng(0).choice(self.ids, self.MOST, replace=False).tolist())
        kind = app_task(loaded)
        self.data = kind.data_to_ask(loaded)
        self.done = 0
        self._answers: torch.Tensor | None = None
        self.missing = kind.asks_data and self.data is None
        """whether there are no images to compare classifiers on"""
        self.engine = patient()
        self.serial = next(self.engine.count)
        self.parts: list[Future] = []
        self.future = None if self.missing else self._submit(self._read)

    def _submit(self, function, *args) -> Future:
        return self.engine.submit((-self.serial,), function, *args)

    def _read(self) -> None:
        """From the disk, else to be asked."""
        asked = "grid" if self.data is None else content_hash(self.data.pixels)
        key = f"{zoo_content(self.loaded.zoo)}-{content_hash(asked, str(self.ids))}"
        self.file = cache_folder() / "answers" / f"{key}.npy"
        with suppress(*NOT_READ):
            found = torch.from_numpy(np.load(self.file))
            if len(found) == len(self.ids):
                self._answers, self.done = found, len(self.ids)
                return
        starts = range(0, len(self.ids), self.AT_ONCE)
        self.parts = [self._submit(self._ask, self.ids[k : k + self.AT_ONCE]) for k in starts]

    def _ask(self, ids: list[int]) -> torch.Tensor:
        go_on()
        found = torch.stack([self.of(self.loaded.zoo[i].to(DEVICE)) for i in ids])
        self.done += len(ids)
        return found

    def of(self, network: Network) -> torch.Tensor:
        """What a network answers (n): bool of shapes, else classes as int16."""
        return task_of(network).outputs(network, self.data).cpu()

    @property
    def problem(self) -> str:
        """Why networks are not compared, in a few words; empty where they are, or will be."""
        return _failure([self.future, *self.parts])

    @property
    def answers(self) -> torch.Tensor | None:
        """(b, n) of all training networks; None until they are there."""
        done = bool(self.parts) and all(part.done() for part in self.parts)
        if self._answers is None and done and not self.problem:
            self._answers = torch.cat([part.result() for part in self.parts])
            if is_visitor():
                return self._answers
            with suppress(OSError), atomic_write(self.file) as temporary, temporary.open("wb") as out:
                np.save(out, self._answers.numpy())
        return self._answers

    def near(self, network: Network, but: int | None) -> list[tuple[int, float]]:
        """Ids of the training networks whose answers differ least from a network's, and how much."""
        differ = torch.nan_to_num(task_of(network).distance(self.of(network), self.answers), nan=math.inf)
        found = differ.topk(min(NEIGHBOURS + 1, len(differ)), largest=False)
        pairs = ((self.ids[k], v) for k, v in zip(found.indices.tolist(), found.values.tolist(), strict=True))
        return [pair for pair in pairs if pair[0] != but][:NEIGHBOURS]


@cached_object(max_entries=4)
def _by_function(key: str, _loaded: Loaded) -> ByFunction:
    return ByFunction(_loaded)


def by_function(chart: Chart) -> ByFunction:
    """The answers of the reference zoo's training networks, asked for from now on."""
    return _by_function(chart.loaded.key, chart.loaded)


# -- decodes ---------------------------------------------------------------------------------------------------------


class BesideDecode:
    """A network beside what the space decodes from its embedding, or a decoded point alone, made in the background."""

    def __init__(
        self, engine: Engine, key: str, loaded: Loaded, z: torch.Tensor, local: int | None, among: ByFunction, i: int
    ) -> None:
        self.engine, self.id, self.loaded, self.z, self.local = engine, key, loaded, z, local
        self.among, self.i, self.kind = among, i, app_task(loaded)
        self.sides = ("original", "decoded") if local is not None else ("decoded",)
        self.serial = next(engine.count)
        self.drawings = {detail: self._submit(0, self._draw, detail) for detail in self.kind.drawings[:1]}
        self.facts = None if self.drawings else self._submit(0, self._facts)
        self.function: Future | None = None

    def _submit(self, rank: int, function, *args) -> Future:
        return self.engine.submit((-math.inf, -self.serial, rank), function, *args)  # before all paths: it was clicked

    @functools.cached_property
    def networks(self) -> dict[str, Network]:
        with torch.no_grad():
            decoded = self.loaded.space.networks(self.z.unsqueeze(0).to(DEVICE))[0]
        original = {} if self.local is None else {"original": self.loaded.zoo[self.local].to(DEVICE)}
        return original | {"decoded": decoded}

    def rest(self) -> None:
        """Begin what is worth while only where someone stays: finer drawings, and neighbours by function."""
        for detail in self.kind.drawings[1:]:
            if detail not in self.drawings:
                self.drawings[detail] = self._submit(1, self._draw, detail)
        if self.function is None and self.among.answers is not None:
            self.function = self._submit(2, self._near)

    @property
    def drawn(self) -> bool:
        """Whether the networks are drawn; of others, facts are told."""
        return bool(self.kind.drawings)

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        works = [work for work in (*list(self.drawings.values()), self.facts) if work]
        never = self.among.missing or bool(self.among.problem)
        compared = never or (self.function is not None and self.function.done())
        return compared and len(self.drawings) == len(self.kind.drawings) and all(work.done() for work in works)

    @property
    def problem(self) -> str:
        """Why it is not shown, in a few words; empty where it is, or will be."""
        return _failure([*list(self.drawings.values()), self.facts])

    @property
    def not_compared(self) -> str:
        """Why it is not compared with others by function, in a few words; empty where it is, or will be."""
        return self.among.problem or _failure([self.function])

    def _near(self) -> list[tuple[int, float]]:
        return self.among.near(self.networks[self.sides[0]], self.i)

    @property
    def near(self) -> list[Near] | None:
        """The training networks whose answers differ least, and the share by which; None until they are found."""
        if self.function is None or not self.function.done() or self.function.exception():
            return None
        names = self.among.loaded.zoo.records.name
        return [Near(i, names.iloc[i], share) for i, share in self.function.result()]

    # what is drawn

    def _draw(self, detail: int) -> tuple[list[StepPacket], float | None]:
        return self.kind.draw(self.networks, detail)

    def feeds(self, view: str) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the feeds that are ready."""
        for detail, work in list(self.drawings.items()):  # another session may add to them meanwhile
            if has_result(work) and not work.exception():
                name = f"drawing-{detail}"
                yield name, steps_feed(view, name, self.id, work.result()[0])

    @property
    def likeness(self) -> float | None:
        """Of both, of the finest drawing that is ready; None where one of them does not exist."""
        works = list(self.drawings.values())
        ready = [work.result()[1] for work in works if has_result(work) and not work.exception()]
        return ready[-1] if ready else None

    # what is told

    def _facts(self) -> dict | None:
        return self.kind.facts(self.loaded, self.networks)

    @property
    def compared(self) -> dict | None:
        """What is told of networks that are not drawn; None until it is known, and of others."""
        return self.facts.result() if self.facts and self.facts.done() and not self.facts.exception() else None


@cached_object(max_entries=16)
def _rebuilt(
    key: str, local: int | None, i: int, _loaded: Loaded, _z: torch.Tensor, _among: ByFunction
) -> BesideDecode:
    return BesideDecode(shared(), key, _loaded, _z, local, _among, i)


def rebuilt(chart: Chart, i: int) -> BesideDecode:
    """A network beside its decode."""
    member, local = chart.of(i)
    return _rebuilt(f"{chart.loaded.key}|{member.key}|{local}", local, i, member, chart.z[i], by_function(chart))


def function_feed(view: str, points: str, work: BesideDecode) -> bytes | None:
    """The networks nearest by function for the map, which draws them; None until they are found."""
    if work.near is None:
        return None
    return feed(
        {"view": view, "feed": "function", "path": points, "of": work.id, "ids": [n.id for n in work.near]}, b""
    )


def decoded_at(chart: Chart, z: np.ndarray) -> BesideDecode:
    """The network that is decoded from an embedding (E)."""
    key = f"{chart.loaded.key}|at|{content_hash(z)}"
    return _rebuilt(key, None, -1, chart.loaded, torch.from_numpy(z), by_function(chart))


def still_data(work: BesideDecode) -> dict:
    """For the path viewer standing still: original and decoded, or what was decoded alone."""
    told = {
        "original": ("original", "The network of the zoo", "the network of the zoo", TRUTH_COLOUR),
        "decoded": ("decoded", "What the space decodes from its embedding", "from its embedding", method_colour(FIRST)),
    }
    sides = [
        {"side": side, "title": title, "help": help, "ends": words, "between": words, "colour": colour}
        for side, (title, help, words, colour) in told.items()
        if side in work.sides
    ]
    end = {"name": "", "words": "", "split": "", "held_out": False}
    still = {"steps": 2, "frame": 0, "method": "decoded", "still": True, "camera": None, "same": False}
    return still | {"path": work.id, "ends": {"a": end, "b": end}, "sides": sides}
