"""Paths between image classifiers: every step asked about test images, first about a part of them, then about all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from netspace.data import images
from netspace.data.images import Images
from netspace.export.figures import Original, PlotLine, Walk
from netspace.export.table import CurveSubject
from netspace.io import read_bytes
from netspace.latent.paths import FIRST, METHODS, gammas
from netspace.latent.paths import PATH_STEPS as STEPS
from netspace.nets.inputs import IMAGE_SETS
from netspace.nets.network import fast_dtype
from netspace.tasks.classification import accuracy_words
from netspace.tasks.measures import classify, wilson
from netspace.tasks.task import PathStep

from .caches import cached_object, cached_value
from .catalogue import DEVICE, ROOT, Loaded, cards
from .engine import Engine, Piece, feed
from .looks import arch_look
from .path import (
    Key,
    NetworkPath,
    Route,
    Stage,
    StepPacket,
    arch_ids,
    architectures,
    class_probabilities,
    has_result,
    is_stopped,
    packed,
    path_data,
    several,
    stars,
)
from .visitors import not_for_visitors

SUBSET = 512
"""test images of the first estimate, at most half of them"""
SHOWN_IMAGES = 16
"""test images whose answers are shown"""
AT_ONCE = 1024
"""test images of one task: what is more urgent waits no longer than for these"""
DATA_TITLES = {"cifar10": "CIFAR-10", "tiny-imagenet": "Tiny-ImageNet"}


# -- test images ---------------------------------------------------------------------------------------------------


def data_name(loaded: Loaded) -> str:
    """The data set that the networks were trained on."""
    return loaded.space_info.data


def data_title(loaded: Loaded) -> str:
    name = data_name(loaded)
    return (
        DATA_TITLES.get(name, name) if name in IMAGE_SETS else f"a folder of one's own ({class_count(loaded)} classes)"
    )


def here(loaded: Loaded) -> bool:
    """Whether the test images can be read."""
    return images.available(data_name(loaded))


@not_for_visitors
def download(loaded: Loaded) -> None:
    """Fetch the data set into the project's data/; ValueError, in a sentence, where that fails."""
    images.download_images(data_name(loaded), ROOT / "data")


def download_command(loaded: Loaded) -> str | None:
    """The command line that does the same; None where nobody offers the images."""
    return f"python -m netspace images {data_name(loaded)} --download" if data_name(loaded) in IMAGE_SETS else None


@cached_object(max_entries=2, show_spinner="Reading the test images …")
def _test_images(name: str) -> Images:
    """All test images, in an order that makes the first of them a fair sample."""
    test = images.load_images(name, "test")
    order = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).permutation(len(test)))
    return test.take(order).to(DEVICE)


def all_test_images(loaded: Loaded) -> Images:
    """All test images; DataError where they cannot be read."""
    return _test_images(data_name(loaded))


def class_count(loaded: Loaded) -> int:
    """How many classes the networks tell apart."""
    return loaded.space.family.archs[0].skeleton.classes


def recognised_classes(loaded: Loaded) -> tuple[str, ...]:
    """The classes of the test images; none where these are not here or cannot be read."""
    try:
        return images.image_classes(data_name(loaded)) if here(loaded) else ()
    except ValueError:
        return ()


def some_test_images(loaded: Loaded) -> Images | None:
    """A fair sample of the test images, SUBSET at most; None where they are not here or cannot be read."""
    try:
        return all_test_images(loaded).take(slice(SUBSET)) if here(loaded) else None
    except ValueError:
        return None


Curves = pd.DataFrame
"""Accuracy along a path on both sides, as far as it is known; its columns are those of `_curve_table`."""


# -- recorded curves ----------------------------------------------------------------------------------------------


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


@cached_value(max_entries=8)
def _read_curves(path: Path, stamp: float) -> pd.DataFrame:
    """The table, empty where it cannot be read."""
    try:
        table = pd.read_parquet(BytesIO(read_bytes(path)))
        return table[[*CURVES, *({"arch"} & set(table))]]
    except (OSError, ValueError, KeyError):
        return pd.DataFrame(columns=CURVES)


# -- the work ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageAnswers:
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
    """A route through classifiers: every step asked about a part of the test images, then about all of them."""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int, test: Images) -> None:
        super().__init__(engine, loaded, route, first)
        self.test, self.subset = test, min(SUBSET, max(1, len(test) // 2))
        self.fast = fast_dtype(torch.device(DEVICE))
        self.begin()
        self.whole: dict[Key, list[Piece]] = {key: [] for key in self.frames}

    def step(self, side: str, i: int) -> ImageAnswers:
        return self._ask(side, i, 0, self.subset, self.fast)

    def pausable(self) -> Iterable[Piece]:
        """The full test set; the subset is soon done."""
        return [future for futures in self.whole.values() for future in futures]

    def resume(self) -> None:
        """Go on with the full test set, or begin with it; the subset comes first."""
        super().resume()
        starts = range(0, len(self.test), AT_ONCE)
        for rank, part in enumerate(self.parts(), start=1 + len(self.parts())):
            for side, i in part:
                self.whole[side, i] = [
                    self.again(rank, piece) if is_stopped(piece) else piece for piece in self.whole[side, i]
                ] or [self.submit(rank, self._ask, side, i, start, start + AT_ONCE, None) for start in starts]

    def _ask(self, side: str, i: int, start: int, stop: int, dtype: torch.dtype | None) -> ImageAnswers:
        some, c = self.test.take(slice(start, stop)), len(self.test.classes)
        network = self.network(side, i)
        probabilities = classify(network, some, dtype).softmax(dim=1)  # (n, C)
        sure, said = probabilities.max(dim=1)
        confusion = torch.bincount(some.labels * c + said, minlength=c * c).view(c, c)
        return ImageAnswers(
            confusion.cpu().numpy(), said[:SHOWN_IMAGES].tolist(), sure[:SHOWN_IMAGES].tolist(), network.arch.name
        )

    def stages(self) -> Iterable[Stage]:
        yield Stage("part", lambda key: [self.frames[key]], lambda keys: self._pack(keys, full=False))
        yield Stage("full", lambda key: self.whole[key], lambda keys: self._pack(keys, full=True))

    @property
    def done(self) -> bool:
        return all(pieces and all(map(has_result, pieces)) for pieces in self.whole.values())

    def _answers(self, key: Key, full: bool) -> tuple[list[ImageAnswers], np.ndarray]:
        """What was answered, and the sum of the confusion matrices."""
        answers = [piece.result() for piece in self.whole[key]] if full else [self.step_result(key)]
        return answers, sum(part.confusion for part in answers)

    def curves(self) -> pd.DataFrame:
        """What is known of all curves: method, gamma, accuracy, its interval low to high, count of images, full."""
        rows, archs = [], []
        for side in self.sides:
            for i, gamma in enumerate(self.gammas):
                key = self.key(side, i)
                full = bool(self.whole[key]) and all(map(has_result, self.whole[key]))
                if full or has_result(self.frames[key]):
                    answers, confusion = self._answers(key, full)
                    rows.append(_row(side, gamma, int(confusion.trace()), int(confusion.sum()), full))
                    archs.append(answers[0].arch)
        table = _curve_table(rows)
        return table.assign(architecture=archs) if several(self.loaded) else table

    def _pack(self, keys: list[Key], full: bool) -> tuple[dict, bytes]:
        steps = []
        for side, i in keys:
            answers, confusion = self._answers((side, i), full)
            body = confusion.astype(np.uint16).tobytes()
            entry = _entry(side, i, int(confusion.trace()), int(confusion.sum()), full)
            entry |= {"said": answers[0].said, "sure": answers[0].sure, "arch": answers[0].arch, "bytes": len(body)}
            steps.append(StepPacket(entry, body))
        return packed(steps)

    def opening(self, view: str) -> Iterator[tuple[str, bytes]]:
        """The images whose answers are shown."""
        some = self.test.take(slice(SHOWN_IMAGES))
        header = {"count": len(some), "size": some.size, "truth": some.labels.tolist()}
        body = some.pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy().tobytes()  # (n, S, S, 3)
        yield "images", self.packet(view, "images", header, body)


def answers_data(
    loaded: Loaded, work: ClassifierWork | None, sides: tuple[str, ...], a: int, b: int, *, frame: int, method: str
) -> dict:
    """What the view shows beside the answers, which come by feeds; without work, for recorded curves."""
    count = class_count(loaded)
    return path_data(loaded, work, a, b, frame=frame, method=method, sides=sides) | {
        "family": architectures(loaded, a, b),
        "classes": list(work.test.classes) if work else [str(c) for c in range(count)],
        "chance": 1 / count,
        "recorded": work is None,
        "missing": "The test images are not here: these curves were recorded with all of them.",
        "hint": "Where the test images are, what the network says of some of them is shown here.",
        "subset": work.subset if work else 0,
        "full": len(work.test) if work else 0,
        "strip": SHOWN_IMAGES,
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


def _row(method: str, gamma: float, correct: int, count: int, full: bool) -> tuple:
    return method, gamma, correct / count, *wilson(correct, count), count, full


def _curve_table(rows: Iterable[tuple]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["method", "gamma", "accuracy", "low", "high", "count", "full"])


def known_steps(work: ClassifierWork, side: str) -> list[PathStep]:
    """Return the accuracies of a side as far as they are known, not a number if one is not."""
    curves = work.curves()
    mine = curves[curves.method == side].set_index("gamma")
    found, family = [], len({end.arch for end in work.ends}) > 1
    for i, gamma in enumerate(work.gammas):
        if gamma in mine.index:
            row = mine.loc[gamma]
            arch = work.loaded.space.family.names[work.arch_at(side, i)] if family else ""
            words = accuracy_words(row.accuracy, row.low, row.high, row["count"], arch)
            found.append(PathStep({"accuracy": row.accuracy}, words, None))
        else:
            found.append(PathStep({"accuracy": math.nan}, "accuracy not known yet", None))
    return found


def curve_subject(loaded: Loaded, curves: pd.DataFrame, a: int, b: int) -> CurveSubject:
    """Return curves as they are exported: a table, whose low and high are Wilson's 95 % interval, and a figure.

    In the figure a step that is not known is a gap. In a family it has the probabilities of the architectures, too.
    """
    known = cards(loaded)
    wide = curves.pivot(index="gamma", columns="method", values="accuracy").reindex(gammas(STEPS))
    asked = " or ".join(f"{count:,}" for count in sorted(curves["count"].unique(), reverse=True))
    lines = [PlotLine(one.title, one.look, wide[name].tolist()) for name, one in METHODS.items() if name in wide]
    ends = [
        Original(gamma, f"{end}: {known[i].name}", math.nan if known[i].accuracy is None else known[i].accuracy)
        for gamma, end, i in ((0.0, "A", a), (1.0, "B", b))
    ]
    walk = None
    if several(loaded):
        walk = Walk(
            [arch_look(name) for name in loaded.space.family.names], _predicted(loaded, curves, a, b),
            wide[FIRST].tolist() if FIRST in wide else [math.nan] * STEPS, arch_ids(loaded, a, b),
            class_probabilities(loaded, a, b), [(star["gamma"], star["arch"]) for star in stars(loaded, a, b)],
        )  # fmt: skip
    about = f"accuracy on {asked} test images of {data_title(loaded)}"
    return CurveSubject(
        curves, gammas(STEPS), lines, ends, 1 / class_count(loaded), about, walk=walk, float_format="%.6g"
    )  # fmt: skip


def _predicted(loaded: Loaded, curves: pd.DataFrame, a: int, b: int) -> list[int]:
    """ClassIds along the latent path: as the curves say, else as the class head does now."""
    found = class_probabilities(loaded, a, b).argmax(axis=1).tolist()
    names = loaded.space.family.names
    for row in curves[curves.method == "latent"].itertuples():
        if getattr(row, "architecture", None) in names:
            found[round(row.gamma * (STEPS - 1))] = names.index(row.architecture)
    return found
