"""Paths between image classifiers: every step asked about test images, first about a part of them, then about all."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
import torch

from netspace.data import images
from netspace.data.images import Images
from netspace.export.figures import accuracy_figure
from netspace.latent.paths import METHODS, gammas
from netspace.latent.paths import PATH_STEPS as STEPS
from netspace.nets.inputs import IMAGE_SETS
from netspace.nets.network import fast_dtype
from netspace.tasks.measures import classify, wilson
from netspace.zoo.store import TRAIN

from . import figures
from .catalogue import DEVICE, ROOT, Loaded, card, cards
from .engine import Engine, feed, shared
from .path import (
    Key,
    NetworkPath,
    Route,
    absent_words,
    arch_ids,
    architectures,
    between,
    class_probabilities,
    several,
    side_words,
    stars,
)

SUBSET = 512
"""test images of the first estimate, at most half of them"""
SHOWN = 16
"""test images whose answers are shown"""
AT_ONCE = 1024
"""test images of one task: what is more urgent waits no longer than for these"""
GROUP = 12
"""steps of a feed"""
IDLE_SECONDS = 30
"""without a look at it, after which a path is paused"""
TITLES = {"cifar10": "CIFAR-10", "tiny-imagenet": "Tiny-ImageNet"}


# -- test images ---------------------------------------------------------------------------------------------------


def data_name(loaded: Loaded) -> str:
    """The data set that the networks were trained on."""
    return loaded.space_info.data


def data_title(loaded: Loaded) -> str:
    name = data_name(loaded)
    return TITLES.get(name, name) if name in IMAGE_SETS else f"a folder of one's own ({class_count(loaded)} classes)"


def here(loaded: Loaded) -> bool:
    """Whether the test images can be read."""
    return images.available(data_name(loaded))


def download(loaded: Loaded) -> None:
    """Fetch the data set into the project's data/; ValueError, in a sentence, where that fails."""
    images.download_images(data_name(loaded), ROOT / "data")


def download_command(loaded: Loaded) -> str | None:
    """The command line that does the same; None where nobody offers the images."""
    return f"python -m netspace images {data_name(loaded)} --download" if data_name(loaded) in IMAGE_SETS else None


@st.cache_resource(max_entries=2, show_spinner="Reading the test images …")
def _test_images(name: str) -> Images:
    """All test images, in an order that makes the first of them a fair sample."""
    test = images.load_images(name, "test")
    order = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).permutation(len(test)))
    return test.take(order).to(DEVICE)


def class_count(loaded: Loaded) -> int:
    """How many classes the networks tell apart."""
    return loaded.space.family.archs[0].skeleton.classes


def some_test_images(loaded: Loaded) -> Images | None:
    """A fair sample of the test images, SUBSET at most; None where they are not here or cannot be read."""
    try:
        return _test_images(data_name(loaded)).take(slice(SUBSET)) if here(loaded) else None
    except ValueError:
        return None


Curves = pd.DataFrame
"""Accuracy along a path on both sides, as far as it is known; its columns are those of `_curve_table`."""


# -- pairs ---------------------------------------------------------------------------------------------------------


def default_pair(loaded: Loaded) -> tuple[int, int]:
    """The weakest and the strongest training network; of a family, the strongest of its smallest and its largest.

    Where there are not two, of all networks.
    """
    known, train = cards(loaded), loaded.zoo.ids(TRAIN)
    ids = train if len(train) > 1 else range(len(known))
    order = sorted(ids, key=lambda i: known[i].accuracy or 0.0)
    best = {loaded.zoo.records.arch[i]: i for i in order}  # by architecture
    there = [name for name in loaded.zoo.family.names if name in best]
    return (best[there[0]], best[there[-1]]) if len(there) > 1 else (order[0], order[-1])


def table(loaded: Loaded) -> pd.DataFrame:
    """All networks, the most accurate first; the index is a network's id."""
    known, records = cards(loaded), loaded.zoo.records
    columns = {"name": [card.name for card in known]}
    if several(loaded):
        parameters = {arch.name: arch.num_params for arch in loaded.zoo.family.archs}
        columns |= {"architecture": [card.arch for card in known], "parameters": records.arch.map(parameters).tolist()}
    columns |= {"split": [card.split for card in known]}
    columns |= {
        title: records[column].tolist()
        for title, column in (("test accuracy", "test_accuracy"), ("epochs", "epochs"), ("seed", "seed"))
        if column in records
    }
    frame = pd.DataFrame(columns)
    return frame.sort_values("test accuracy", ascending=False) if "test accuracy" in frame else frame


@dataclass(frozen=True)
class Recorded:
    """A pair of networks whose curves `eval --save` has measured on all test images."""

    kind: str
    a: str
    b: str


def recorded(loaded: Loaded) -> list[Recorded]:
    """The pairs with curves kept beside the space, of networks of this zoo."""
    names = set(loaded.names)
    pairs = _curves(loaded)[["kind", "a", "b"]].drop_duplicates(["a", "b"]).itertuples(index=False)
    return [Recorded(*pair) for pair in pairs if {pair.a, pair.b} <= names]


def recorded_curves(loaded: Loaded, a: str, b: str) -> pd.DataFrame:
    """The recorded curves of a pair, as `ClassifierWork.curves`."""
    found = _curves(loaded)
    mine = found[(found.a == a) & (found.b == b)].drop_duplicates(["method", "gamma"])
    counts = mine["count"].tolist()
    steps = zip(mine.method, mine.gamma.tolist(), mine.accuracy.tolist(), counts, strict=True)
    table = _curve_table(_row(method, gamma, round(share * n), n, True) for method, gamma, share, n in steps)
    return table.assign(architecture=mine.arch.tolist()) if several(loaded) and "arch" in mine else table


def recorded_feed(view: str, path: str, curves: pd.DataFrame) -> bytes:
    """A feed with recorded curves."""
    frames = [
        _entry(row.method, round(row.gamma * (STEPS - 1)), round(row.accuracy * row.count), row.count, True)
        | {"arch": getattr(row, "architecture", None)}
        for row in curves.itertuples()
    ]
    return feed({"view": view, "feed": "recorded", "path": path, "frames": frames}, b"")


CURVES = ["kind", "method", "a", "b", "count", "gamma", "accuracy"]
"""Columns of the table in which `eval --save` keeps the curves that it measured; newer ones have `arch` as well."""


def _curves(loaded: Loaded) -> pd.DataFrame:
    path = loaded.space_info.folder / "curves.parquet"
    return _read_curves(path, path.stat().st_mtime) if path.exists() else pd.DataFrame(columns=CURVES)


@st.cache_data(max_entries=8, show_spinner=False)
def _read_curves(path: Path, stamp: float) -> pd.DataFrame:
    """The table, empty where it cannot be read."""
    try:
        table = pd.read_parquet(path)
        return table[[*CURVES, *({"arch"} & set(table))]]
    except (OSError, ValueError, KeyError):
        return pd.DataFrame(columns=CURVES)


# -- the work ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """What a network says of some test images."""

    confusion: np.ndarray
    """(C, C) images by true class and class said"""
    said: list[int]
    """class, of the first images"""
    sure: list[float]
    """and its probability"""
    arch: str
    """what the network is built as"""


class ClassifierWork(NetworkPath):
    """A route through classifiers, all of its steps asked in the background."""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int, test: Images) -> None:
        super().__init__(engine, loaded, route, first)
        self.test, self.subset = test, min(SUBSET, max(1, len(test) // 2))
        self.seen = time.monotonic()
        fast = fast_dtype(torch.device(DEVICE))
        self.quick: dict[Key, list[Future]] = {
            (side, i): [self.submit(rank, self._ask, side, i, 0, self.subset, fast)]
            for rank, part in enumerate(self.parts())
            for side, i in part
        }
        self.whole: dict[Key, list[Future]] = {key: [] for key in self.quick}

    def pause(self) -> None:
        """Drop what has not begun of the full test set."""
        for futures in self.whole.values():
            for future in futures:
                future.cancel()

    def resume(self) -> None:
        """Go on with the full test set, or begin with it; the subset comes first."""
        starts = range(0, len(self.test), AT_ONCE)
        for rank, part in enumerate(self.parts(), start=len(self.parts())):
            for side, i in part:
                before = self.whole[side, i] or [None] * len(starts)
                self.whole[side, i] = [
                    self.submit(rank, self._ask, side, i, start, start + AT_ONCE, None)
                    if future is None or future.cancelled()
                    else future
                    for start, future in zip(starts, before, strict=True)
                ]

    def _ask(self, side: str, i: int, start: int, stop: int, dtype: torch.dtype | None) -> Answers:
        some, c = self.test.take(slice(start, stop)), len(self.test.classes)
        network = self.network(side, i)
        probabilities = classify(network, some, dtype).softmax(dim=1)  # (n, C)
        sure, said = probabilities.max(dim=1)
        confusion = torch.bincount(some.labels * c + said, minlength=c * c).view(c, c)
        return Answers(confusion.cpu().numpy(), said[:SHOWN].tolist(), sure[:SHOWN].tolist(), network.arch.name)

    def feeds(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of all feeds, the first to be ready first; None for those that are not ready yet."""
        self.seen = time.monotonic()
        groups = [part[k : k + GROUP] for part in self.parts() for k in range(0, len(part), GROUP)]
        yield "images", self._images(view)
        for name, futures in (("part", self.quick), ("full", self.whole)):
            for k, group in enumerate(groups):
                done = all(f.done() for key in group for f in futures[key])
                yield f"{name}-{k}", self._frames(view, f"{name}-{k}", group, futures) if done else None

    def first_ready(self) -> None:
        """Wait until the subset's answers are there where the slider is."""
        for side in self.sides:
            self.quick[self.key(side, self.first)][0].result()

    @property
    def done(self) -> bool:
        return all(f.done() for futures in self.whole.values() for f in futures)

    def curves(self) -> pd.DataFrame:
        """What is known of both curves: method, gamma, accuracy, its interval low to high, count of images, full."""
        rows, archs = [], []
        for side in self.sides:
            for i, gamma in enumerate(self.gammas):
                key = self.key(side, i)
                full = bool(self.whole[key]) and all(_has_result(f) for f in self.whole[key])
                futures = (self.whole if full else self.quick)[key]
                if all(_has_result(f) for f in futures):
                    confusion = sum(future.result().confusion for future in futures)
                    rows.append(_row(side, gamma, int(confusion.trace()), int(confusion.sum()), full))
                    archs.append(futures[0].result().arch)
        table = _curve_table(rows)
        return table.assign(architecture=archs) if several(self.loaded) else table

    def _frames(self, view: str, name: str, keys: list[Key], futures: dict[Key, list[Future]]) -> bytes:
        entries, bodies = [], []
        for side, i in keys:
            answers = [future.result() for future in futures[side, i]]
            confusion = sum(part.confusion for part in answers)
            body = confusion.astype(np.uint16).tobytes()
            entry = _entry(side, i, int(confusion.trace()), int(confusion.sum()), futures is self.whole)
            entry |= {"said": answers[0].said, "sure": answers[0].sure, "arch": answers[0].arch}
            entries.append(entry | {"bytes": len(body)})
            bodies.append(body)
        return feed({"view": view, "feed": name, "path": self.id, "frames": entries}, b"".join(bodies))

    def _images(self, view: str) -> bytes:
        """The feed with the images whose answers are shown."""
        some = self.test.take(slice(SHOWN))
        header = {"view": view, "feed": "images", "path": self.id, "count": len(some), "size": some.size}
        body = some.pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy().tobytes()  # (n, S, S, 3)
        return feed(header | {"truth": some.labels.tolist()}, body)


def view_data(
    loaded: Loaded, work: ClassifierWork | None, sides: tuple[str, ...], a: int, b: int, *, frame: int, method: str
) -> dict:
    """What the view shows beside the answers, which come by feeds; without work, for recorded curves."""
    count = class_count(loaded)
    return {
        "path": work.id if work else f"recorded|{loaded.key}|{a}|{b}",
        "steps": work.route.steps if work else STEPS,
        "frame": frame,
        "method": method,
        "sides": side_words(sides),
        "absent": absent_words(loaded, a, b),
        "family": architectures(loaded, a, b),
        "classes": list(work.test.classes) if work else [str(c) for c in range(count)],
        "chance": 1 / count,
        "ends": {"a": asdict(card(loaded, a)), "b": asdict(card(loaded, b))},
        "same": a == b,
        "recorded": work is None,
        "missing": "The test images are not here: these curves were recorded with all of them.",
        "hint": "Where the test images are, what the network says of some of them is shown here.",
        "subset": work.subset if work else 0,
        "full": len(work.test) if work else 0,
        "strip": SHOWN,
    }


def _entry(side: str, i: int, correct: int, count: int, full: bool) -> dict:
    """What a feed's header says of a step."""
    low, high = wilson(correct, count)
    return {
        "side": side,
        "index": i,
        "correct": correct,
        "count": count,
        "low": low,
        "high": high,
        "full": full,
        "said": None,
        "sure": None,
        "arch": None,
        "bytes": 0,
    }


def _has_result(future: Future) -> bool:
    return future.done() and not future.cancelled()


def _row(method: str, gamma: float, correct: int, count: int, full: bool) -> tuple:
    return method, gamma, correct / count, *wilson(correct, count), count, full


def _curve_table(rows: Iterable[tuple]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["method", "gamma", "accuracy", "low", "high", "count", "full"])


def curves_csv(curves: pd.DataFrame) -> bytes:
    """Curves as a CSV file; low and high are Wilson's 95 % interval."""
    return curves.to_csv(index=False, float_format="%.6g").encode()


def curves_figure(loaded: Loaded, curves: pd.DataFrame, a: int, b: int, kind: str) -> bytes:
    """Curves as a figure, png or pdf: where a step is not known, its curve has a gap.

    As Fig. 3b; of a family as Fig. 5, with the probabilities of its architectures.
    """
    known = cards(loaded)
    wide = curves.pivot(index="gamma", columns="method", values="accuracy").reindex(gammas(STEPS))
    asked = " or ".join(f"{count:,}" for count in sorted(curves["count"].unique(), reverse=True))
    ends = ("A", a), ("B", b)
    buffer = io.BytesIO()
    draw: Callable[..., None] = accuracy_figure
    extra: dict[str, Any] = {}
    if several(loaded):
        draw = figures.family_figure
        extra = {
            "archs": loaded.space.family.names,
            "predicted": _predicted(loaded, curves, a, b),
            "of_ends": arch_ids(loaded, a, b),
            "probabilities": class_probabilities(loaded, a, b),
            "stars": [(star["gamma"], star["arch"]) for star in stars(loaded, a, b)],
        }
    draw(
        buffer,
        gammas(STEPS),
        {method: wide[method].tolist() for method in METHODS if method in wide},
        {method: METHODS[method].title for method in METHODS},
        {f"{end}: {known[i].name}": math.nan if known[i].accuracy is None else known[i].accuracy for end, i in ends},
        1 / class_count(loaded),
        f"accuracy on {asked} test images of {data_title(loaded)}",
        kind,
        **extra,
    )
    return buffer.getvalue()


def _predicted(loaded: Loaded, curves: pd.DataFrame, a: int, b: int) -> list[int]:
    """ClassIds along the latent path: as the curves say, else as the class head does now."""
    found = class_probabilities(loaded, a, b).argmax(axis=1).tolist()
    names = loaded.space.family.names
    for row in curves[curves.method == "latent"].itertuples():
        if getattr(row, "architecture", None) in names:
            found[round(row.gamma * (STEPS - 1))] = names.index(row.architecture)
    return found


def classifier_work(loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> ClassifierWork:
    """The path between two networks, begun if it is not there yet; DataError where the images cannot be read.

    Paths that nobody looks at any more are paused.
    """
    key = (loaded.space_info, loaded.zoo_info, a, b, sides)
    return _going_on(loaded, key, lambda: between(loaded, a, b, sides), first)


def route_work(loaded: Loaded, route: Route, first: int) -> ClassifierWork:
    """The work on any route, as `classifier_work`."""
    return _going_on(loaded, ("route", route.id), lambda: route, first)


def _going_on(loaded: Loaded, key: tuple, route: Callable[[], Route], first: int) -> ClassifierWork:
    test = _test_images(data_name(loaded))
    work = shared().work(key, lambda served: ClassifierWork(served, loaded, route(), first, test))
    for other in list(shared().works.values()):
        if isinstance(other, ClassifierWork) and other is not work and time.monotonic() - other.seen > IDLE_SECONDS:
            other.pause()
    work.resume()
    return work
