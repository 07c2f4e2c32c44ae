"""A zoo's embeddings as a map: where its networks lie, how they look, what is told of one, and what is near it."""

from __future__ import annotations

import atexit
import functools
import gzip
import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import streamlit as st
import torch

from netspace.directions import BOOKKEEPING, Direction, columns_of, direction_of
from netspace.evaluate import Placement, accuracy, answers, classify, disagreement, place_networks
from netspace.interpolate import measure
from netspace.mesh import surface_or_none
from netspace.mixing import Reach
from netspace.network import Network
from netspace.project import LEAST, Plane, UmapConfig, cache_folder, embeddings, finite, nearest, zoo_content
from netspace.zoo import HELDOUT, TRAIN, VALIDATION, digest, read_json, replacing, select

from . import catalogue, looks
from .catalogue import COLOURS, DEVICE, ROOT, SPLIT_WORDS, Found, Loaded, _card, cards
from .chairs import frames_feed, pack_frame
from .classifiers import some_test_images
from .engine import Engine, feed, shared
from .umap_worker import Ask

ZOOS = ROOT / "runs" / "zoos"
"""where selections are saved"""
PREVIEW, AT_REST = 64, 128
PATIENCE = 1.0
"""seconds that a page waits for its map before it is shown without"""
NEIGHBOURS = 5
"""told of a network, in the space and by function"""
MOST_TILES = 2000
"""networks of which pictures of the weights are made for the map's tooltips"""
MOST_WORDED = 20_000
"""networks of a zoo whose tooltips say what they are, beside their names"""
TARGET = "#64748B"

PATH = COLOURS["latent"]
MARKS = ("circle", "square", "triangle", "diamond", "pentagon", "star")
MOST_SHAPES = len(MARKS)
PALETTE = (
    "#2A7FD0", "#D9711F", "#1F9A6B", "#C2408F", "#8A63D2", "#A67C1B",
    "#CF4A3A", "#2795A3", "#6B7F93", "#8C6D5A", "#5F8F2A", "#C0658F",
)  # fmt: skip
"""of categories, at least 3:1 against the paper of either theme"""

PROJECTIONS = {"umap": "UMAP", "pca": "PCA", "directions": "Directions"}


# -- embeddings ----------------------------------------------------------------------------------------------------

_ending = threading.Event()


def _go_on() -> None:
    """Called between the parts of what takes long; RuntimeError where the app ends."""
    if _ending.is_set():
        raise RuntimeError("the app ends")


@st.cache_resource(show_spinner=False)
def _patient() -> Engine:
    """For what takes long: a thread of its own, so that what a page waits for does not queue behind it."""
    engine = Engine(1)
    atexit.register(_ending.set)
    return engine


class Embedding:
    """The embeddings of all networks of a zoo, in the background; from the disk where they are known."""

    def __init__(self, loaded: Loaded) -> None:
        self.done, self.total, self.waited_for = 0, len(loaded.zoo), False
        engine = _patient()
        self.future = engine.submit((-next(engine.count),), self._embed, loaded)

    def _embed(self, loaded: Loaded) -> torch.Tensor:
        def progress(done: int, total: int) -> None:
            self.done = done
            _go_on()

        return embeddings(loaded.space, loaded.zoo, cache_folder(), progress)


@st.cache_resource(max_entries=16, show_spinner=False)
def _embedding(key: str, _loaded: Loaded) -> Embedding:
    return Embedding(_loaded)


def embedding(loaded: Loaded) -> Embedding:
    """The work on a zoo's embeddings, begun if it is not there yet; the first time, it is waited for for a moment."""
    work = _embedding(loaded.key, loaded)
    if not work.waited_for:
        work.waited_for = True
        wait([work.future], timeout=PATIENCE)
    return work


def embeddings_of(loaded: Loaded) -> np.ndarray:
    """Embeddings (b, E) of all networks of the zoo; waits for them."""
    return _embedding(loaded.key, loaded).future.result().numpy()


# -- what is on the map --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the records by which points can be told apart."""

    name: str
    title: str
    numbers: np.ndarray | None
    """(b) float32, NaN where not known; None where it holds no numbers"""
    categories: tuple[str, ...]
    """what its networks are, where these are few; empty where it holds none"""
    codes: np.ndarray | None
    """(b) index into the categories, -1 where not known"""


class Chart:
    """The networks on the map: those of the reference zoo, then those of the zoos shown among them."""

    def __init__(self, members: Sequence[Loaded], parts: Sequence[torch.Tensor]) -> None:
        self.members = tuple(members)
        self.key = "||".join(member.key for member in members)
        self.starts = np.cumsum([0, *(len(part) for part in parts)])
        self.z = torch.cat(list(parts))  # (b, E)
        self.loaded = members[0]

    def __len__(self) -> int:
        return len(self.z)

    @property
    def guests(self) -> int:
        return len(self.members) - 1

    def of(self, i: int) -> tuple[Loaded, int]:
        """The space and zoo of a point, and its id there."""
        k = int(np.searchsorted(self.starts, i, side="right")) - 1
        return self.members[k], int(i - self.starts[k])

    @functools.cached_property
    def labels(self) -> dict[str, int]:
        """Ids by what links call the networks: their names; those of guests after their zoo's id."""
        found = {}
        for k, member in enumerate(self.members):
            before = f"{member.zoo_info.id}:" if k else ""
            for i, name in enumerate(member.zoo.records.name.tolist(), start=int(self.starts[k])):
                found.setdefault(f"{before}{name}", i)
        return found

    def label(self, i: int) -> str:
        """What links call a network."""
        member, local = self.of(i)
        before = f"{member.zoo_info.id}:" if i >= self.starts[1] else ""
        return f"{before}{member.zoo.records.name.iloc[local]}"

    @functools.cached_property
    def records(self) -> pd.DataFrame:
        """The tables of all zoos, one below the other."""
        if not self.guests:
            return self.loaded.zoo.records
        return pd.concat(
            [member.zoo.records.assign(zoo=member.zoo_info.title) for member in self.members], ignore_index=True
        )

    @functools.cached_property
    def training(self) -> torch.Tensor:
        """Ids of the reference zoo's training networks, of all of its networks where it has none."""
        ids = torch.tensor(self.loaded.zoo.ids(TRAIN) or range(len(self.loaded.zoo)), dtype=torch.long)
        return ids[finite(self.z[ids])]

    @functools.cached_property
    def trained(self) -> torch.Tensor:
        """Their embeddings."""
        return self.z[self.training]

    @functools.cached_property
    def lost(self) -> int:
        """How many networks have no embedding, since their weights are not numbers."""
        return int((~finite(self.z)).sum())

    @functools.cached_property
    def columns(self) -> dict[str, Column]:
        """By name; those that say the same of all networks are left out."""
        found = (_column(self, name) for name in self.records.columns if name not in ("row", "name", "source"))
        return {column.name: column for column in found if column}


def _column(chart: Chart, name: str) -> Column | None:
    values, title = chart.records[name], name.replace("_", " ")
    if name == "arch":
        names = chart.loaded.zoo.family.names
        codes = pd.Categorical(values, categories=names).codes
        return Column(name, "architecture", None, tuple(map(looks.title, names)), codes) if len(names) > 1 else None
    if name == "split":
        values = values.map(lambda split: SPLIT_WORDS.get(split, split))
    numbers = None
    if pd.api.types.is_bool_dtype(values) or set(values.dropna().unique()[:3]) <= {True, False}:
        values = values.map({True: "yes", False: "no"})
    elif pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(np.float32, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        if not len(known) or known.min() == known.max():
            return None
        numbers = np.where(np.isfinite(numbers), numbers, np.float32(np.nan))
        kinds = np.unique(known)
        if len(kinds) > len(MARKS) or (kinds % 1).any():
            return Column(name, title, numbers, (), None)
        values = values.map(lambda v: f"{v:g}", na_action="ignore")
    codes, kinds = pd.factorize(values, sort=True)
    if not 2 <= len(kinds) <= len(PALETTE):
        return None
    return Column(name, title, numbers, tuple(map(str, kinds)), codes)


@st.cache_resource(max_entries=6, show_spinner=False)
def _chart(key: str, _members: tuple[Loaded, ...]) -> Chart:
    return Chart(_members, [embedding(member).future.result() for member in _members])


def chart(loaded: Loaded, guests: Sequence[Loaded] = ()) -> Chart | None:
    """Of all zoos that are embedded; None until the reference zoo is. ValueError, in a sentence, where that failed."""
    works = {member.key: embedding(member) for member in (loaded, *guests)}
    failed = works[loaded.key].future.done() and works[loaded.key].future.exception()
    if failed:
        raise ValueError(f"the networks of {loaded.zoo_info.title} could not be embedded ({failed})")
    if not works[loaded.key].future.done():
        return None
    ready = [m for m in guests if works[m.key].future.done() and not works[m.key].future.exception()]
    members = (loaded, *ready)
    return _chart("||".join(member.key for member in members), members)


def progress(loaded: Loaded, guests: Sequence[Loaded] = ()) -> tuple[int, int]:
    """How many networks are embedded, and of how many."""
    works = [embedding(member) for member in (loaded, *guests)]
    return sum(work.total if work.future.done() else work.done for work in works), sum(work.total for work in works)


def others(loaded: Loaded) -> dict[str, Found]:
    """Zoos that fit the space and can be shown among the reference zoo, by id; imported ones first."""
    fitting = [
        found for found in catalogue.find()
        if found.kind == "zoo" and loaded.space_info.fits(found) and found.id != loaded.zoo_info.id
    ]  # fmt: skip
    return {found.id: found for found in sorted(fitting, key=lambda found: not is_import(found))}


def is_import(found: Found) -> bool:
    """Whether a zoo was imported by the page."""
    return "imports" in found.folder.parts


def guest(loaded: Loaded, found: Found) -> Loaded:
    """A zoo in the space that is loaded; ValueError, in a sentence, where it cannot be read."""
    return catalogue.load(loaded.space_info, found)


# -- projections ---------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Placed:
    """Where the networks lie on the map."""

    key: str
    places: np.ndarray
    """(b, 2) float32, NaN where a network has no place"""
    axes: tuple[str, str]
    note: str
    plane: Plane | None
    """of projections that have one, from which a place can be lifted into the space"""
    waiting: str = ""
    """what is still computed, in words"""
    problem: str = ""
    """why it is another projection than was asked for, in a sentence"""


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
            return _plane(chart, Projection("pca"), problem=f"{found[:1].upper()}{found[1:]}. This is PCA instead.")
        note = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asked.settings)
        return Placed(f"{chart.key}|{asked.key}", found, ("UMAP 1", "UMAP 2"), f"UMAP: {note}", None)
    try:
        return _plane(chart, asked)
    except ValueError as problem:
        if asked == Projection("pca"):
            raise
        return _plane(chart, Projection("pca"), problem=f"{str(problem)[:1].upper()}{str(problem)[1:]}. This is PCA.")


def _plane(chart: Chart, asked: Projection, waiting: str = "", problem: str = "") -> Placed:
    plane = _fit_plane(chart.loaded.key, asked, chart)
    places = _on_plane(chart.key, asked, chart, plane)
    titles = tuple(map(axis_title, asked.axes))
    return Placed(f"{chart.key}|{asked.key}", places, titles, _plane_note(chart, asked, plane), plane, waiting, problem)


@st.cache_resource(max_entries=16, show_spinner=False)
def _on_plane(key: str, asked: Projection, _chart: Chart, _plane: Plane) -> np.ndarray:
    return _plane.place(_chart.z).numpy().astype(np.float32)


@st.cache_resource(max_entries=32, show_spinner=False)
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
        return Plane.of(z, tuple(int(axis) - 1 for axis in asked.axes))
    ways = []
    for axis in asked.axes:
        if axis.isdigit():
            ways.append(Plane.of(z, (int(axis) - 1, 0 if axis != "1" else 1)).axes[0])
        else:
            ways.append(direction(_chart, axis).reads)
    return Plane.along(z, torch.stack(ways))


def direction(chart: Chart, column: str) -> Direction:
    """How a column is read off the reference zoo's embeddings; ValueError, in a sentence, where it cannot be."""
    return _direction(chart.loaded.key, column, chart)


@st.cache_resource(max_entries=64, show_spinner=False)
def _direction(key: str, column: str, _chart: Chart) -> Direction:
    zoo = _chart.loaded.zoo
    unseen = [*zoo.ids(VALIDATION), *zoo.ids(HELDOUT)]
    return direction_of(_chart.z[: len(zoo)], zoo.records, column, _chart.training.tolist(), unseen)


def direction_columns(chart: Chart) -> list[str]:
    """Columns along which a direction can be an axis."""
    return columns_of(chart.loaded.zoo.records)


def axis_title(axis: str) -> str:
    return f"PC {axis}" if axis.isdigit() else f"{axis.replace('_', ' ')} as read off"


def _plane_note(chart: Chart, asked: Projection, plane: Plane) -> str:
    shares = " and ".join(f"{share:.0%}".replace("%", " %") for share in plane.shares)
    note = f"{shares} of the training networks' variance"
    read = [axis for axis in asked.axes if not axis.isdigit()]
    fits = (f"R² {direction(chart, axis).r2:.2f} of {axis.replace('_', ' ')}" for axis in read)
    return f"{note}; cross-validated {', '.join(fits)}" if read else note


def usual_axes(chart: Chart, kind: str) -> tuple[str, str]:
    """The axes that a projection opens with: of directions a column and a principal component that is often another."""
    named = [name for name in ("test_accuracy", "seat_height", *direction_columns(chart)) if name in chart.columns]
    return (named[0], "2") if kind == "directions" and named else ("1", "2")


def component_count(chart: Chart) -> int:
    """How many principal components can be chosen from."""
    return max(2, min(8, len(chart.training) - 1, chart.z.shape[1]))


class Mapper:
    """UMAP in a process of its own, one map after the other, the newest request first."""

    def __init__(self) -> None:
        self.engine = Engine(1)
        self.process: subprocess.Popen | None = None
        self.asked: OrderedDict[str, Future] = OrderedDict()
        atexit.register(self.close)

    def close(self) -> None:
        if self.process:
            self.process.kill()

    def places(self, z: torch.Tensor, asked: Projection, others: torch.Tensor | None = None) -> Future:
        """The places (b, 2) of embeddings, or of others (n, 2) on their map."""
        key = f"{digest(z)}-{digest(asked.key)}"
        whole = key if others is None else f"{key}-{digest(others)}"
        if whole not in self.asked:
            ask = Ask(key, z.numpy(), dict(asked.settings), None if others is None else others.numpy())
            self.asked[whole] = self.engine.submit((-next(self.engine.count),), self._places, whole, ask)
            while len(self.asked) > 64:
                self.asked.popitem(last=False)
        return self.asked[whole]

    def _places(self, whole: str, ask: Ask) -> np.ndarray:
        file = cache_folder() / "maps" / f"{whole}.npy"
        with suppress(OSError, ValueError):
            found = np.load(file)
            if found.shape == (len(ask.z if ask.others is None else ask.others), 2):
                return found
        _go_on()
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.umap_worker"], cwd=ROOT, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        try:
            pickle.dump(ask, self.process.stdin)
            self.process.stdin.flush()
            answer = pickle.load(self.process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            self.process.kill()
            self.process.wait()
            raise ValueError("UMAP ended without a word, as it does where memory runs out") from None
        if isinstance(answer, str):
            raise ValueError(answer)
        with suppress(OSError), replacing(file) as temporary, temporary.open("wb") as out:
            np.save(out, answer)
        return answer


@st.cache_resource(show_spinner=False)
def _mapper() -> Mapper:
    return Mapper()


def _umap(chart: Chart, asked: Projection) -> np.ndarray | str | None:
    """Places (b, 2) by UMAP; None while they are computed; a sentence where there are none."""
    own = chart.z[: int(chart.starts[1])]
    if int(finite(own).sum()) < LEAST:
        return f"UMAP makes no map of {int(finite(own).sum())} networks, {LEAST} are needed"
    works = _umap_works(chart.key, asked, chart)
    wait(works, timeout=0.05)
    if not all(work.done() for work in works):
        return None
    try:
        return np.concatenate([work.result() for work in works]).astype(np.float32)
    except Exception as problem:  # told, and PCA is shown
        return str(problem)


@st.cache_resource(max_entries=32, show_spinner=False)
def _umap_works(key: str, asked: Projection, _chart: Chart) -> list[Future]:
    """One for the reference zoo and one for every guest, which is placed on its map and does not change it."""
    own, starts = _chart.z[: int(_chart.starts[1])], _chart.starts
    guests = [_chart.z[int(a) : int(b)] for a, b in zip(starts[1:], starts[2:], strict=False)]
    return [_mapper().places(own, asked), *(_mapper().places(own, asked, z) for z in guests)]


def pending(chart: Chart, asked: Projection, guests: Sequence[Loaded], way: np.ndarray | None) -> bool:
    """Whether something is computed that will change the map; `way`: embeddings (s, E) that are drawn on it."""
    where = placed(chart, asked)
    works = [manifold(chart).future, *(embedding(guest).future for guest in guests)]
    works += [placements(chart, member).future for member in imported(chart)]
    if way is not None and where.plane is None:
        works.append(_path_work(chart.key, asked, digest(way), chart, way))
    return bool(where.waiting) or not all(work.done() for work in works)


def path_places(chart: Chart, asked: Projection, where: Placed, z: np.ndarray) -> list | None:
    """Where embeddings (s, E) are on the map; None while UMAP places them."""
    if where.plane is not None:
        places = where.plane.place(torch.from_numpy(z)).numpy()
    else:
        work = _path_work(chart.key, asked, digest(z), chart, z)
        wait([work], timeout=0.05)
        if not work.done() or work.exception():
            return None
        places = work.result()
    return [[round(float(v), 5) for v in place] for place in places]


@st.cache_resource(max_entries=64, show_spinner=False)
def _path_work(key: str, asked: Projection, content: str, _chart: Chart, _z: np.ndarray) -> Future:
    own = _chart.z[: int(_chart.starts[1])]
    return _mapper().places(own, asked, torch.from_numpy(np.ascontiguousarray(_z, np.float32)))


# -- what the map is sent ------------------------------------------------------------------------------------------


@st.cache_data(max_entries=8, show_spinner=False)
def points_feed(view: str, key: str, _placed: Placed) -> bytes:
    """The places of all networks, sent once."""
    header = {"view": view, "feed": "points", "path": key, "count": len(_placed.places)}
    return feed(header, np.ascontiguousarray(_placed.places, np.float32).tobytes())


@st.cache_data(max_entries=4, show_spinner=False)
def names_feed(view: str, points: str, key: str, _chart: Chart) -> bytes:
    """Names, words and splits of all networks, for the tooltips."""
    words: dict[str, list[str]] = {"names": [], "words": [], "splits": []}
    for member in _chart.members:
        records = member.zoo.records
        words["names"] += records.name.tolist()
        words["splits"] += records.split.map(lambda split: SPLIT_WORDS.get(split, split)).tolist()
        large = len(records) > MOST_WORDED
        words["words"] += [""] * len(records) if large else [card.words for card in cards(member)]
    body = gzip.compress(json.dumps(words).encode(), compresslevel=1, mtime=0)
    return feed({"view": view, "feed": "names", "path": points, "count": len(_chart)}, body)


def usual_colour(chart: Chart) -> str:
    """The column that the map opens with."""
    first = ("arch", "test_accuracy", "seat_height", "split")
    return next((name for name in first if name in chart.columns), next(iter(chart.columns), ""))


def look_key(chart: Chart, colour: str, size: str, shape: str) -> str:
    return "|".join((chart.key, colour, size, shape, version(chart)))


def look_feed(view: str, key: str, chart: Chart, colour: str, size: str, shape: str) -> bytes:
    """How the points look; `key` as `look_key` has it."""
    return _look_feed(view, key, chart, colour, size, shape)


@st.cache_data(max_entries=16, show_spinner=False)
def _look_feed(view: str, path: str, _chart: Chart, colour: str, size: str, shape: str) -> bytes:
    count, columns = len(_chart), all_columns(_chart)
    header = {"view": view, "feed": "look", "path": path, "filled": "training networks", "hollow": "other networks"}
    tints, marks = np.zeros(count, np.float32), np.zeros(count, np.uint8)
    told = columns.get(colour)
    if told is None:
        header["colour"] = None
    elif told.numbers is not None and colour != shape:
        low, high, shares = _shares(told.numbers)
        tints = shares
        missing = int(np.isnan(shares).sum())
        header["colour"] = {"title": told.title, "kind": "number", "low": low, "high": high, "missing": missing}
    else:
        header["colour"], tints = _categories(_chart, told)
        if not shape:  # colour is never the only carrier
            marks = np.where(told.codes < 0, 0, _mark_codes(_chart, told)[told.codes]).astype(np.uint8)
    formed = columns.get(shape)
    header["mark"] = None
    if formed is not None:
        marks = np.where(formed.codes < 0, len(MARKS) - 1, formed.codes % len(MARKS)).astype(np.uint8)
        header["mark"] = {"title": formed.title, "names": list(formed.categories[: len(MARKS)])}
    sizes, header["size"] = np.full(count, 128, np.uint8), None
    scaled = columns.get(size)
    if scaled is not None:
        low, high, shares = _shares(scaled.numbers)
        sizes = np.where(np.isnan(shares), 0, np.nan_to_num(shares) * 255).astype(np.uint8)
        header["size"] = {"title": scaled.title, "low": low, "high": high}
    flags = (_chart.records.split != TRAIN).to_numpy().astype(np.uint8)
    flags[int(_chart.starts[1]) :] |= 4
    off = off_manifold(_chart)
    flags |= np.where(off, 2, 0).astype(np.uint8)
    header |= {"warned": "off manifold" if off.any() else "", "count": count}
    parts = (np.ascontiguousarray(tints, np.float32), sizes, marks, flags)
    return feed(header, b"".join(part.tobytes() for part in parts))


def _shares(numbers: np.ndarray) -> tuple[float, float, np.ndarray]:
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    return low, high, ((numbers - low) / (high - low)).astype(np.float32)


def _mark_codes(chart: Chart, column: Column) -> np.ndarray:
    """The mark of every category."""
    if column.name == "arch":
        return np.array([MARKS.index(looks.look(name).mark) for name in chart.loaded.zoo.family.names])
    return np.arange(len(column.categories)) % len(MARKS)


def _categories(chart: Chart, column: Column) -> tuple[dict, np.ndarray]:
    """The legend of a column of categories, and the index of every network into it."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.categories)).tolist()
    marks = _mark_codes(chart, column)
    colours = [*PALETTE]
    if column.name == "arch":
        colours = [looks.look(name).colour for name in chart.loaded.zoo.family.names]
    entries = [
        {"name": name, "colour": colours[k], "mark": MARKS[marks[k]], "count": counts[k]}
        for k, name in enumerate(column.categories)
    ]
    tints = np.where(column.codes < 0, np.nan, column.codes).astype(np.float32)
    missing = int((column.codes < 0).sum())
    return {"title": column.title, "kind": "category", "categories": entries, "missing": missing}, tints


# -- off the manifold ----------------------------------------------------------------------------------------------


MOST_MEASURED = 2048
"""training networks whose distance to the nearest other is measured; of more, so many drawn at random"""


def _reach(trained: torch.Tensor) -> Reach:
    """As `Reach.of`; of many networks from some of the distances, each of which is to the nearest of all."""
    if len(trained) <= MOST_MEASURED:
        return Reach.of(trained)
    drawn = torch.from_numpy(np.random.default_rng(0).permutation(len(trained))[:MOST_MEASURED])
    distances = torch.cat([_nearest_other(z, trained) for z in trained[drawn].split(64)]).numpy()
    if not distances.max() > 0:
        raise ValueError("all training networks have one and the same embedding")
    return Reach(trained, float(np.median(distances)), float(np.quantile(distances, 0.99)))


def _nearest_other(z: torch.Tensor, trained: torch.Tensor) -> torch.Tensor:
    _go_on()
    return nearest(z, trained, 2).distances[:, 1]


class Manifold:
    """How far networks are from the training networks, in the background."""

    def __init__(self, chart: Chart) -> None:
        engine = _patient()
        self.future = engine.submit((-next(engine.count),), self._measure, chart.z, chart.training)

    def _measure(self, z: torch.Tensor, training: torch.Tensor) -> tuple[Reach, np.ndarray]:
        reach = _reach(z[training])
        far = torch.zeros(len(z))  # of training networks: they are where they are
        others = torch.ones(len(z), dtype=torch.bool)
        others[training] = False
        for ids in others.nonzero().squeeze(1).split(64):
            _go_on()
            far[ids] = reach.far(z[ids])
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


@st.cache_resource(max_entries=8, show_spinner=False)
def _manifold(key: str, _chart: Chart) -> Manifold:
    work = Manifold(_chart)
    wait([work.future], timeout=PATIENCE / 2)
    return work


def manifold(chart: Chart) -> Manifold:
    return _manifold(chart.key, chart)


def off_manifold(chart: Chart) -> np.ndarray:
    """Which networks lie off the manifold, as far as is known by now, (b) bool."""
    far = manifold(chart).far
    off = np.zeros(len(chart), bool) if far is None else ~(far <= 1)
    for k, member in enumerate(chart.members):
        if k and is_import(member.zoo_info):
            for row in placements(chart, member).rows:
                off[int(chart.starts[k]) + member.zoo.index(row.name)] = row.off
    return off


FAR_HELP = (
    "Off the manifold: further from the nearest training network than 99 of 100 training networks are from each other. "
    "What is decoded there need not be a network that works."
)


def far_words(far: float) -> str:
    """What is said of a distance that is over what is usual."""
    return "" if far <= 1 else f"off manifold: {far:.1f} times as far as 99 of 100 training networks from each other"


# -- networks from elsewhere ---------------------------------------------------------------------------------------


class Placements:
    """What the space makes of the networks of an imported zoo, one after the other, when there is time."""

    def __init__(self, chart: Chart, member: Loaded) -> None:
        self.rows: list[Placement] = []
        self.total, self.problem, self.future = len(member.zoo), "", Future()
        self.engine = _patient()
        self.rank = (1, next(self.engine.count))  # after all that is begun by a click
        ids = chart.loaded.zoo.ids(TRAIN)
        images = None if is_shapes(chart.loaded) else some_test_images(chart.loaded)
        self.found = place_networks(
            chart.loaded.space, member.zoo, range(len(member.zoo)), chart.loaded.zoo, chart.z[ids], images
        )
        self.engine.submit(self.rank, self._place)

    def _place(self) -> None:
        """The next network."""
        try:
            _go_on()
            self.rows.append(next(self.found))
            self.engine.submit(self.rank, self._place)
        except StopIteration:
            self.future.set_result(None)
        except Exception as problem:  # told below the map
            self.problem = f"{str(problem)[:1].upper()}{str(problem)[1:]}."
            self.future.set_result(None)

    def table(self, loaded: Loaded) -> pd.DataFrame:
        """What is known by now."""
        rows = [(row.name, row.error, row.distance, row.nearest, row.why) for row in list(self.rows)]
        return pd.DataFrame(rows, columns=["name", "reconstruction error", "distance", "nearest", "off manifold"])


@st.cache_resource(max_entries=8, show_spinner=False)
def _placements(key: str, _chart: Chart, _member: Loaded) -> Placements:
    return Placements(_chart, _member)


def placements(chart: Chart, member: Loaded) -> Placements:
    """Of a zoo on the map."""
    return _placements(f"{chart.loaded.key}|{member.key}", chart, member)


def imported(chart: Chart) -> list[Loaded]:
    """The imported zoos on the map."""
    return [member for member in chart.members[1:] if is_import(member.zoo_info)]


PLACED = {"error": "reconstruction error", "distance": "distance to the nearest training network"}
"""columns that imported networks have beside those of their table"""


def all_columns(chart: Chart) -> dict[str, Column]:
    """As `chart.columns`, with what was measured of imported networks."""
    there = {member.key: placements(chart, member) for member in imported(chart)}
    found = dict(chart.columns)
    for name, title in PLACED.items():
        numbers = np.full(len(chart), np.nan, np.float32)
        for k, member in enumerate(chart.members):
            for row in list(there[member.key].rows) if member.key in there else ():
                numbers[int(chart.starts[k]) + member.zoo.index(row.name)] = getattr(row, name)
        measured = numbers[np.isfinite(numbers)]
        if len(measured) and measured.min() < measured.max():
            found[f"placed {name}"] = Column(f"placed {name}", title, numbers, (), None)
    return found


def version(chart: Chart) -> str:
    """Differs where more is known of the networks on the map."""
    works = [placements(chart, member) for member in imported(chart)]
    measured = manifold(chart).far is not None
    return f"{measured:d}{','.join(f'{len(w.rows) // 16}{w.future.done():d}' for w in works)}"


# -- one network ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What is told of a network at once."""

    id: int
    name: str
    words: str
    split: str
    zoo: str
    """title of its zoo; empty for the reference zoo"""
    facts: tuple[tuple[str, str], ...]
    """columns of the records and their values"""


FACTS = ("test_accuracy", "val_accuracy", "epochs", "seat", "back", "legs", "seat_height", "height", "fit_iou", "seed")
"""columns that are told first"""
UNTOLD = ("name", "row", "split", "arch")


def known(chart: Chart, i: int) -> Known:
    """What the records say of a network."""
    member, local = chart.of(i)
    record = {k: v for k, v in member.zoo.records.iloc[local].items() if not pd.isna(v)}
    card = _card(record)
    order = [*(name for name in FACTS if name in record), *(name for name in record if name not in FACTS)]
    facts = tuple((name.replace("_", " "), _value(record[name])) for name in order if name not in UNTOLD)
    zoo = member.zoo_info.title if i >= chart.starts[1] else ""
    return Known(i, card.name, card.words, card.split, zoo, facts)


def _value(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def point_of(chart: Chart, where: Placed, i: int | None, at: Sequence[float] | None) -> np.ndarray | None:
    """The embedding (E) of a network, or of the empty place of the map that was clicked; None of neither."""
    if i is not None:
        return chart.z[i].numpy()
    return lifted(where, at) if at and where.plane is not None else None


def far(chart: Chart, point: np.ndarray, i: int | None) -> float | None:
    """How far a point of the space is from training networks, over what is usual; None where that is not known."""
    work = manifold(chart)
    if work.reach is None:
        return None
    return float(work.reach.far(torch.from_numpy(point).unsqueeze(0))[0]) if i is None else float(work.far[i])


@dataclass(frozen=True)
class Near:
    """A network near another."""

    id: int
    name: str
    figure: float
    """distance in the space, or share of answers that differ"""


def near_in_space(chart: Chart, point: np.ndarray, i: int | None = None, k: int = NEIGHBOURS) -> list[Near]:
    """The training networks nearest to an embedding (E), in the space itself; without network i, whose it is."""
    point = torch.from_numpy(point)
    if not point.isfinite().all():
        return []
    found = nearest(point.unsqueeze(0), chart.trained, k + 1)
    ids = chart.training[found.ids[0]].tolist()
    pairs = [(j, d) for j, d in zip(ids, found.distances[0].tolist(), strict=True) if j != i][:k]
    return [Near(j, chart.label(j), d) for j, d in pairs if math.isfinite(d)]


class ByFunction:
    """What all training networks of a zoo answer, in the background: what they are compared by."""

    AT_ONCE = 8
    """networks of a task"""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.ids = loaded, loaded.zoo.ids(TRAIN) or list(range(len(loaded.zoo)))
        self.images = None if is_shapes(loaded) else some_test_images(loaded)
        self.done, self._answers = 0, None
        self.missing = not is_shapes(loaded) and self.images is None
        """whether there are no images to compare classifiers on"""
        self.engine = _patient()
        self.serial = next(self.engine.count)
        self.parts: list[Future] = []
        if not self.missing:
            self.future = self._submit(self._read)

    def _submit(self, function, *args) -> Future:
        return self.engine.submit((-self.serial,), function, *args)

    def _read(self) -> None:
        """From the disk, else to be asked."""
        asked = "grid" if self.images is None else digest(self.images.pixels)
        self.file = cache_folder() / "answers" / f"{zoo_content(self.loaded.zoo)}-{digest(asked, str(self.ids))}.npy"
        with suppress(OSError, ValueError):
            found = torch.from_numpy(np.load(self.file))
            if len(found) == len(self.ids):
                self._answers, self.done = found, len(self.ids)
                return
        starts = range(0, len(self.ids), self.AT_ONCE)
        self.parts = [self._submit(self._ask, self.ids[k : k + self.AT_ONCE]) for k in starts]

    def _ask(self, ids: list[int]) -> torch.Tensor:
        _go_on()
        found = torch.stack([self.of(self.loaded.zoo[i].to(DEVICE)) for i in ids])
        self.done += len(ids)
        return found

    def of(self, network: Network) -> torch.Tensor:
        """What a network answers (n): bool of shapes, else classes as int16."""
        found = answers(network, self.images).cpu()
        return found if found.dtype == torch.bool else found.short()

    @property
    def answers(self) -> torch.Tensor | None:
        """(b, n) of all training networks; None until they are there."""
        if self._answers is None and self.parts and all(part.done() for part in self.parts):
            self._answers = torch.cat([part.result() for part in self.parts])
            with suppress(OSError), replacing(self.file) as temporary, temporary.open("wb") as out:
                np.save(out, self._answers.numpy())
        return self._answers

    def near(self, network: Network, but: int | None) -> list[tuple[int, float]]:
        """Ids of the training networks whose answers differ least from a network's, and the disagreement."""
        differ = torch.nan_to_num(disagreement(self.of(network), self.answers), nan=math.inf)
        found = differ.topk(min(NEIGHBOURS + 1, len(differ)), largest=False)
        pairs = ((self.ids[k], v) for k, v in zip(found.indices.tolist(), found.values.tolist(), strict=True))
        return [pair for pair in pairs if pair[0] != but][:NEIGHBOURS]


@st.cache_resource(max_entries=4, show_spinner=False)
def _by_function(key: str, _loaded: Loaded) -> ByFunction:
    return ByFunction(_loaded)


def by_function(chart: Chart) -> ByFunction:
    """The answers of the reference zoo's training networks, asked for from now on."""
    return _by_function(chart.loaded.key, chart.loaded)


class Rebuilt:
    """A network beside what the space decodes from its embedding, or a decoded point alone, made in the background."""

    def __init__(
        self, engine: Engine, key: str, loaded: Loaded, z: torch.Tensor, local: int | None, among: ByFunction, i: int
    ) -> None:
        self.engine, self.id, self.loaded, self.z, self.local = engine, key, loaded, z, local
        self.among, self.i = among, i
        self.sides = ("original", "decoded") if local is not None else ("decoded",)
        self.serial = next(engine.count)
        self.shapes = is_shapes(loaded)
        self.meshes = {}
        if self.shapes:
            self.meshes = {size: self._submit(rank, self._mesh, size) for rank, size in enumerate((PREVIEW, AT_REST))}
        self.facts = None if self.shapes else self._submit(0, self._compare)
        self.function: Future | None = None

    def _submit(self, rank: int, function, *args) -> Future:
        return self.engine.submit((-math.inf, -self.serial, rank), function, *args)  # before all paths: it was clicked

    @functools.cached_property
    def networks(self) -> dict[str, Network]:
        with torch.no_grad():
            found = {"decoded": self.loaded.space.networks(self.z.unsqueeze(0).to(DEVICE))[0]}
        if self.local is not None:
            found["original"] = self.loaded.zoo[self.local].to(DEVICE)
        return found

    @property
    def works(self) -> list[Future]:
        if self.function is None and self.among.answers is not None:
            self.function = self._submit(3, self._near)
        return [work for work in (*self.meshes.values(), self.facts, self.function) if work]

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        return all(work.done() for work in self.works) and (self.function is not None or self.among.missing)

    @property
    def arrived(self) -> tuple[bool, bool, bool]:
        """Differs where there is more to be laid out; surfaces come by feeds."""
        return self.compared is not None, self.near is not None, self.done

    def _near(self) -> list[tuple[int, float]]:
        return self.among.near(self.networks[self.sides[0]], self.i)

    @property
    def near(self) -> list[Near] | None:
        """The training networks whose answers differ least, and the share by which; None until they are found."""
        if self.function is None or not self.function.done() or self.function.exception():
            return None
        names = self.among.loaded.zoo.records.name
        return [Near(i, names.iloc[i], share) for i, share in self.function.result()]

    # shapes

    def _mesh(self, resolution: int) -> tuple[list[tuple[str, dict, bytes]], float | None]:
        """Both surfaces, packed, and the IoU between them."""
        preview = resolution == PREVIEW
        original = None
        if self.local is not None:
            original = surface_or_none(self.networks["original"], resolution, preview)
        step = measure(self.networks["decoded"], original, None, resolution, preview)
        frames = [pack_frame("decoded", 0, step, resolution)]
        if self.local is not None:
            frames.append(pack_frame("original", 0, step._replace(surface=original), resolution))
        return frames, step.iou_a if original and step.surface else None

    def feeds(self, view: str) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the feeds that are ready."""
        for resolution, work in self.meshes.items():
            if work.done() and not work.exception():
                name = f"meshes-{resolution}"
                yield name, frames_feed(view, name, self.id, work.result()[0])

    @property
    def compared(self) -> dict | None:
        """Of classifiers, what `_compare` found; None until it has, and of shapes."""
        return self.facts.result() if self.facts and self.facts.done() and not self.facts.exception() else None

    @property
    def iou(self) -> float | None:
        """Between both surfaces, on the finest grid that is ready; None where one of them does not exist."""
        ready = [work.result()[1] for work in self.meshes.values() if work.done() and not work.exception()]
        return ready[-1] if ready else None

    # classifiers

    def _compare(self) -> dict:
        """Accuracies of both on some test images, the share of the same answers, and pictures of the weights."""
        facts = {"architecture": looks.title(self.networks["decoded"].arch.name)}
        facts["pictures"] = weight_pictures([self.networks[side].prep for side in self.sides])
        some = some_test_images(self.loaded)
        if some is not None:
            logits = {side: classify(self.networks[side], some) for side in self.sides}
            facts["count"] = len(some)
            facts["accuracy"] = {side: accuracy(logits[side], some.labels) for side in self.sides}
            if len(self.sides) > 1:
                same = logits["original"].argmax(dim=1) == logits["decoded"].argmax(dim=1)
                facts["same"] = float(same.float().mean())
        return facts


def weight_pictures(preps: Sequence[torch.Tensor], width: int = 240, height: int = 120) -> list[bytes]:
    """PReps (1, H, W) as PNG pictures in colours around 0, on one scale: in every cell the weight furthest from 0."""
    cells = [cell_weights(prep, height, width) for prep in preps]
    scale = max(float(np.quantile(np.abs(cell), 0.99)) for cell in cells) or 1.0
    return [_picture(np.clip(cell / scale, -1, 1)) for cell in cells]


def cell_weights(prep: torch.Tensor, height: int, width: int) -> np.ndarray:
    """Of every cell of a PRep (1, H, W) the weight furthest from 0, (height, width)."""
    image = torch.nan_to_num(prep.float()).unsqueeze(0)  # (1, 1, H, W)
    high = torch.nn.functional.adaptive_max_pool2d(image, (height, width))
    low = -torch.nn.functional.adaptive_max_pool2d(-image, (height, width))
    return torch.where(high > -low, high, low)[0, 0].cpu().numpy()


SCALE = ("#C4551D", "#F4F5F5", "#0B7A6B")


def _tint(shares: np.ndarray) -> np.ndarray:
    """Numbers -1 to 1 (*b) as colours (*b, 3): orange below 0, pale at it, teal above."""
    low, middle, high = (np.array([int(c[k : k + 2], 16) for k in (1, 3, 5)]) for c in SCALE)
    towards = np.where(shares[..., None] < 0, low, high)
    return np.round(middle + np.abs(shares)[..., None] * (towards - middle)).astype(np.uint8)


def _picture(shares: np.ndarray, kind: str = "PNG") -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(_tint(shares)).save(buffer, kind)
    return buffer.getvalue()


def is_shapes(loaded: Loaded) -> bool:
    return loaded.space_info.data == "sdf"


def architectures(loaded: Loaded) -> str:
    """The space's architectures, in words."""
    return looks.titles(list(loaded.space.family.names))


@st.cache_resource(max_entries=48, show_spinner=False)
def _rebuilt(key: str, local: int | None, i: int, _loaded: Loaded, _z: torch.Tensor, _among: ByFunction) -> Rebuilt:
    return Rebuilt(shared(), key, _loaded, _z, local, _among, i)


def rebuilt(chart: Chart, i: int) -> Rebuilt:
    """A network beside its decode."""
    member, local = chart.of(i)
    return _rebuilt(f"{member.key}|{local}", local, i, member, chart.z[i], by_function(chart))


def decoded_at(chart: Chart, z: np.ndarray) -> Rebuilt:
    """The network that is decoded from an embedding (E)."""
    key = f"{chart.loaded.key}|at|{digest(z)}"
    return _rebuilt(key, None, -1, chart.loaded, torch.from_numpy(z), by_function(chart))


def lifted(where: Placed, at: Sequence[float]) -> np.ndarray:
    """The embedding (E) that lies in the plane at a place of the map."""
    return where.plane.lift(torch.tensor([list(at)], dtype=torch.float32))[0].numpy()


def viewer_data(work: Rebuilt) -> dict:
    """For the path viewer standing still: original and decoded, or what was decoded alone."""
    told = {
        "original": ("original", "The network of the zoo", "the network of the zoo", TARGET),
        "decoded": ("decoded", "What the space decodes from its embedding", "from its embedding", COLOURS["latent"]),
    }
    sides = [
        {"side": side, "title": title, "help": help, "ends": words, "between": words, "colour": colour}
        for side, (title, help, words, colour) in told.items()
        if side in work.sides
    ]
    end = {"name": "", "words": "", "split": "", "held_out": False}
    still = {"steps": 2, "frame": 0, "method": "decoded", "still": True, "camera": None, "same": False}
    return still | {"path": work.id, "ends": {"a": end, "b": end}, "sides": sides}


# -- selections ----------------------------------------------------------------------------------------------------


def inside(polygon: Sequence[Sequence[float]], places: np.ndarray) -> np.ndarray:
    """Which places (b, 2) lie inside a polygon (n, 2), (b) bool: those from which a ray crosses it an odd number of
    times."""
    x, y = places[:, 0], places[:, 1]
    within = np.zeros(len(places), bool)
    corners = [tuple(map(float, corner)) for corner in polygon]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            within ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return within


DIFFERENCE = "apart, in deviations"
"""of the two means, in standard deviations of all networks"""
MOST_ROWS = 1000
"""of a table that is shown"""


def selected(chart: Chart, where: Placed, polygon: Sequence[Sequence[float]]) -> np.ndarray:
    """Ids of the networks inside a polygon."""
    return np.flatnonzero(inside(polygon, where.places))


def selection_table(chart: Chart, ids: np.ndarray) -> pd.DataFrame:
    """The records of a selection, as many as are shown."""
    return _tidy(chart.records.iloc[ids[:MOST_ROWS]])


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["row"], errors="ignore").dropna(axis="columns", how="all")


def selection_means(chart: Chart, ids: np.ndarray) -> pd.DataFrame:
    """Means of the columns of numbers, of the selection and of the whole map."""
    rows = []
    for column in chart.columns.values():
        if column.name in BOOKKEEPING or column.numbers is None or not np.isfinite(column.numbers[ids]).any():
            continue
        mean, spread = np.nanmean(column.numbers), np.nanstd(column.numbers)
        mine = np.nanmean(column.numbers[ids])
        rows.append((column.title, float(mine), float(mean), float((mine - mean) / spread) if spread else 0.0))
    return pd.DataFrame(rows, columns=["mean of", "selection", "all", DIFFERENCE])


def selection_csv(chart: Chart, where: Placed, ids: np.ndarray) -> bytes:
    """The records of a selection and the places on the map as CSV."""
    table = _tidy(chart.records.iloc[ids]).copy()
    for k, axis in enumerate(where.axes):
        table[f"map {axis}"] = where.places[ids, k]
    return table.to_csv(index=False, float_format="%.7g").encode()


def selected_by_zoo(chart: Chart, ids: np.ndarray) -> dict[int, int]:
    """How many networks of the zoos on the map, by their order, are selected; without those of which none is."""
    counts = np.bincount(np.searchsorted(chart.starts, ids, side="right") - 1, minlength=len(chart.members))
    return {k: int(count) for k, count in enumerate(counts) if count}


_saving = threading.Lock()


def save_selection(chart: Chart, ids: np.ndarray, member: int, name: str) -> str:
    """Write the selected networks of one of the zoos as a zoo of its own; where it is.

    Raises:
        ValueError: the name is none, or taken; in a sentence.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError("A zoo's name is made of letters, digits, dots, dashes and underscores.")
    start, stop = int(chart.starts[member]), int(chart.starts[member + 1])
    local = [int(i) - start for i in ids if start <= i < stop]
    if not local:
        raise ValueError("No network of this zoo is selected.")
    folder = ZOOS / name
    with _saving:
        if folder.exists():
            raise ValueError(f"There is a zoo “{name}” already: choose another name.")
        select(chart.members[member].zoo, local, folder)
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


# -- pictures for the tooltips -------------------------------------------------------------------------------------

TILE = (40, 20)


def atlas_feed(view: str, points: str, chart: Chart) -> bytes | None:
    """A feed with a picture of every network; None where there are none."""
    return _atlas_feed(view, points, chart.key, chart)


@st.cache_data(max_entries=8, show_spinner=False)
def _atlas_feed(view: str, points: str, key: str, _chart: Chart) -> bytes | None:
    header = {"view": view, "feed": "atlas", "path": points}
    file = _chart.loaded.zoo_info.folder / "thumbnails.webp"
    if file.exists():
        with suppress(ValueError, KeyError, OSError):
            grid = read_json(file.with_suffix(".json"))
            own = int(_chart.starts[1])
            cells = None if len(_chart) == own else [*range(own), *[-1] * (len(_chart) - own)]
            size = grid["size"]
            told = {"columns": grid["columns"], "rows": grid["rows"], "cells": cells, "tile": [size, size]}
            return feed(header | told, file.read_bytes())
    if len(_chart) > MOST_TILES or is_shapes(_chart.loaded):
        return None
    width, height = TILE
    columns = 32
    rows = math.ceil(len(_chart) / columns)
    sheet = np.zeros((rows * height, columns * width), np.float32)
    for k in range(len(_chart)):
        member, local = _chart.of(k)
        cell = cell_weights(member.zoo.preps([local])[0], height, width)
        row, column = divmod(k, columns)
        scale = float(np.quantile(np.abs(cell), 0.99)) or 1.0
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = np.clip(cell / scale, -1, 1)
    return feed(header | {"columns": columns, "rows": rows, "cells": None, "tile": [width, height]}, _picture(sheet))
