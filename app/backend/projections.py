"""Embeddings as places on a map: by UMAP, on the plane of two principal components, or of two directions."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from netspace.folders import APP
from netspace.io import content_hash
from netspace.kept import cache_folder
from netspace.latent.directions import Direction, columns_of, direction_of
from netspace.latent.embeddings import finite
from netspace.latent.projection import UMAP_LEAST, Plane, UmapConfig, UmapMap
from netspace.zoo.store import HELDOUT, VALIDATION

from .caches import cached_object
from .charts import Chart
from .engine import Engine
from .umap_worker import Ask
from .visitors import is_visitor
from .words import sentence

PROJECTIONS = {"umap": "UMAP", "pca": "PCA", "directions": "Directions"}


@dataclass(frozen=True)
class Projection:
    """How embeddings become places."""

    kind: str
    """of PROJECTIONS"""
    axes: tuple[str, str] = ("1", "2")
    """principal components by number from 1, or, of directions, also columns"""
    settings: tuple[tuple[str, float | str], ...] = ()
    """fields of UmapConfig and their values"""

    @property
    def key(self) -> str:
        return json.dumps([self.kind, self.settings if self.kind == "umap" else self.axes])

    @property
    def umap_config(self) -> UmapConfig:
        settings: dict[str, Any] = dict(self.settings)
        return UmapConfig(**settings)


@dataclass(frozen=True)
class Placed:
    """Where the networks lie on the map."""

    key: str
    places: np.ndarray
    """(b, 2) float32, NaN where a network has no place"""
    axes: tuple[str, str]
    note: str
    on: Plane | UmapMap
    """what places further embeddings on the map"""
    waiting: str = ""
    """what is still computed, in words"""
    problem: str = ""
    """why it is another projection than was asked for, in a sentence"""
    failed: bool = False
    """whether the one asked for was tried and failed, so that it may succeed another time, see `forget`"""

    @property
    def plane(self) -> Plane | None:
        """Of projections that have one, from which a place can be lifted into the space."""
        return self.on if isinstance(self.on, Plane) else None


def umap_options() -> list[dict]:
    """Name, help, preset and limits of UMAP's settings."""
    usual = UmapConfig()
    return [{"name": f.name, "default": getattr(usual, f.name)} | dict(f.metadata) for f in fields(UmapConfig)]


def accept_setting(option: dict) -> Callable[[str | float], float | str]:
    """For links: the value of a setting of UMAP; ValueError, in a sentence, where it is not allowed."""

    def accept(asked: str | float) -> float | str:
        kind = type(option["default"])
        try:
            value = kind(asked)
            UmapConfig(**{option["name"]: value})
            return value
        except ValueError:
            raise ValueError(f"UMAP's {option['name']} cannot be “{asked}”; it is {option['default']} here.") from None

    return accept


def placed(chart: Chart, asked: Projection) -> Placed:
    """The places as asked for or, where these are still computed or there are none, as the plane of PCA has them.

    Raises:
        ValueError: there is no map of these networks, in a sentence.
    """
    if asked.kind == "umap":
        found = _umap(chart, asked)
        if found is None:
            words = "UMAP is computed in the background; this is PCA meanwhile"
            return _plane(chart, Projection("pca"), waiting=words)
        if isinstance(found, str):
            plane = _plane(chart, Projection("pca"), problem=f"{sentence(found)} This is PCA instead.")
            return replace(plane, failed=_enough(chart))
        note = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asked.settings)
        axes = ("UMAP 1", "UMAP 2")
        return Placed(
            f"{chart.key}|{asked.key}", _on_umap(chart.key, asked, chart, found), axes, f"UMAP: {note}", found
        )
    try:
        return _plane(chart, asked)
    except ValueError as problem:
        if asked == Projection("pca"):
            raise
        return _plane(chart, Projection("pca"), problem=f"{sentence(problem)} This is PCA.")


@cached_object(max_entries=16)
def _on_umap(key: str, asked: Projection, _chart: Chart, _found: UmapMap) -> np.ndarray:
    """Guests lie among the dots of their neighbours."""
    guests = _found.place(_chart.z[len(_found.places) :])
    return torch.cat([_found.places, guests]).numpy().astype(np.float32)


# -- planes ----------------------------------------------------------------------------------------------------------


def _plane(chart: Chart, asked: Projection, waiting: str = "", problem: str = "") -> Placed:
    plane = _fit_plane(chart.loaded.key, asked, chart)
    places = _on_plane(chart.key, asked, chart, plane)
    across, up = map(axis_title, asked.axes)
    return Placed(
        f"{chart.key}|{asked.key}", places, (across, up), _plane_note(chart, asked, plane), plane, waiting, problem
    )


@cached_object(max_entries=16)
def _on_plane(key: str, asked: Projection, _chart: Chart, _plane: Plane) -> np.ndarray:
    return _plane.place(_chart.z).numpy().astype(np.float32)


@cached_object(max_entries=32)
def _fit_plane(key: str, asked: Projection, _chart: Chart) -> Plane:
    """Of the training networks, as `start_from` has it."""
    z = _chart.z[_chart.training]
    if len(z) < 3:
        raise ValueError(f"a map is spanned by 3 training networks at least, and this zoo has {len(z)}")
    if float((z - z[0]).abs().max()) == 0:
        raise ValueError("all of these networks have one and the same embedding: there is nothing to spread on a map")
    if asked.axes[0] == asked.axes[1]:
        raise ValueError("two different directions span a map")
    if all(axis.isdigit() for axis in asked.axes):
        across, up = (int(axis) - 1 for axis in asked.axes)
        return Plane.of(z, (across, up))
    ways = []
    for axis in asked.axes:
        if axis.isdigit():
            ways.append(Plane.of(z, (int(axis) - 1, 0 if axis != "1" else 1)).axes[0])
        else:
            ways.append(direction_along(_chart, axis).coef)
    return Plane.along(z, torch.stack(ways))


def direction_along(chart: Chart, column: str) -> Direction:
    """How a column is read off the reference zoo's embeddings; ValueError, in a sentence, where it cannot be."""
    return _direction(chart.loaded.key, column, chart)


@cached_object(max_entries=64, show_spinner="Fitting the direction …")
def _direction(key: str, column: str, _chart: Chart) -> Direction:
    zoo = _chart.loaded.zoo
    train = _chart.training.tolist()
    unseen = sorted({*zoo.ids(VALIDATION), *zoo.ids(HELDOUT)}.difference(train))
    return direction_of(_chart.z[: len(zoo)], zoo.records, column, train, unseen)


def direction_columns(chart: Chart) -> list[str]:
    """Columns along which a direction can be an axis."""
    return columns_of(chart.loaded.zoo.records)


def axis_title(axis: str) -> str:
    return f"PC {axis}" if axis.isdigit() else f"{axis.replace('_', ' ')} as read off"


def _plane_note(chart: Chart, asked: Projection, plane: Plane) -> str:
    shares = " and ".join(f"{share:.0%}".replace("%", " %") for share in plane.shares)
    note = f"{shares} of the training networks' variance"
    read = [axis for axis in asked.axes if not axis.isdigit()]
    fits = (f"R² {direction_along(chart, axis).r2:.2f} of {axis.replace('_', ' ')}" for axis in read)
    return f"{note}; cross-validated {', '.join(fits)}" if read else note


def usual_axes(chart: Chart, kind: str) -> tuple[str, str]:
    """The axes that a projection opens with: of directions a column and a principal component that is often another."""
    named = [name for name in ("test_accuracy", "seat_height", *direction_columns(chart)) if name in chart.columns]
    return (named[0], "2") if kind == "directions" and named else ("1", "2")


def component_count(chart: Chart) -> int:
    """How many principal components can be chosen from."""
    return max(2, min(8, len(chart.training) - 1, chart.z.shape[1]))


def lifted(where: Placed, at: Sequence[float]) -> np.ndarray:
    """The embedding (E) that lies in the plane at a place of the map."""
    return where.plane.lift(torch.tensor([list(at)], dtype=torch.float32))[0].numpy()


# -- UMAP ------------------------------------------------------------------------------------------------------------


class Mapper:
    """UMAP in a process of its own, one map after the other, the newest request first."""

    worker = (sys.executable, "-m", f"{__package__}.umap_worker")

    def __init__(self) -> None:
        self.engine = Engine(1)
        self.process: subprocess.Popen | None = None
        self.closed = False
        self.asked: OrderedDict[str, Future] = OrderedDict()
        atexit.register(self.close)

    def close(self) -> None:
        self.closed = True  # first: the process that ends is not to be followed by another
        if self.process:
            self.process.kill()

    def places(self, z: torch.Tensor, asked: Projection) -> Future:
        """The places (b, 2) of embeddings; what failed is tried anew."""
        key = f"{content_hash(z)}-{content_hash(asked.key)}"
        known = self.asked.get(key)
        if known is None or known.cancelled() or (known.done() and known.exception()):
            ask = Ask(z.numpy(), dict(asked.settings))
            self.asked[key] = self.engine.submit((-next(self.engine.count),), self._places, ask)
            while len(self.asked) > 64:
                self.asked.popitem(last=False)
        return self.asked[key]

    def _places(self, ask: Ask) -> np.ndarray:
        z, config = torch.from_numpy(ask.z), UmapConfig(**ask.settings)
        kept = UmapMap.kept(z, config, cache_folder())
        if kept is not None:
            return kept.places.numpy()
        answer = self._answer(ask)
        if answer is None:  # whatever ended it may have been there once
            answer = self._answer(ask)
        if answer is None:
            raise ValueError("UMAP ended twice without a word, as it does where memory runs out")
        if isinstance(answer, str):
            raise ValueError(answer)
        if not is_visitor():
            UmapMap(z, torch.from_numpy(answer), config).write_kept(cache_folder())
        return answer

    def _answer(self, ask: Ask) -> np.ndarray | str | None:
        """What the process says; None where it ends meanwhile, RuntimeError where the app ends."""
        if self.closed:
            raise RuntimeError("the app ends")
        try:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    self.worker, cwd=APP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env=os.environ | {"PYTHONPATH": str(APP)},
                )  # fmt: skip
            pickle.dump(ask, self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            if self.process:
                self.process.kill()
                self.process.wait()
            return None


@cached_object()
def _mapper() -> Mapper:
    return Mapper()


def _umap(chart: Chart, asked: Projection) -> UmapMap | str | None:
    """The map by UMAP; None while it is computed; a sentence where there is none."""
    if not _enough(chart):
        return f"UMAP makes no map of {_own(chart)} networks, {UMAP_LEAST} are needed"
    own = chart.z[: int(chart.starts[1])]
    work = _umap_work(chart.loaded.key, asked, own)
    wait([work], timeout=0.05)
    if not work.done():
        return None
    try:
        return UmapMap(own, torch.from_numpy(work.result()).float(), asked.umap_config)
    except Exception as problem:  # told, and PCA is shown
        return str(problem)


def _own(chart: Chart) -> int:
    """Of how many networks UMAP makes its map."""
    return int(finite(chart.z[: int(chart.starts[1])]).sum())


def _enough(chart: Chart) -> bool:
    return _own(chart) >= UMAP_LEAST


def forget(chart: Chart, asked: Projection) -> None:
    """A projection that failed is computed anew when it is next asked for."""
    _umap_work.clear(chart.loaded.key, asked, chart.z[: int(chart.starts[1])])


@cached_object(max_entries=32)
def _umap_work(key: str, asked: Projection, _own: torch.Tensor) -> Future:
    """Of the reference zoo; guests are placed on its map and do not change it."""
    return _mapper().places(_own, asked)


# -- ways through the space ------------------------------------------------------------------------------------------


def path_places(where: Placed, z: np.ndarray) -> list:
    """Where embeddings (s, E) are on the map."""
    return _path_places(where.key, content_hash(z), where, z)


@cached_object(max_entries=64)
def _path_places(key: str, content: str, _where: Placed, _z: np.ndarray) -> list:
    """Once a way: a large map is asked for every distance to its networks."""
    places = _where.on.place(torch.from_numpy(np.ascontiguousarray(_z, np.float32)))
    return [[round(float(v), 5) for v in place] for place in places]
