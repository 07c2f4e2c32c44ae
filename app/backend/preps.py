"""Networks as images (supplement VII): the values along a path, and how near they come to the originals'."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from netspace.data.images import Images
from netspace.nets.archs import Arch
from netspace.nets.network import Network
from netspace.space.losses import sdf_queries
from netspace.tasks.measures import accuracy, agreement, classify

from . import chairs, classifiers, looks
from .catalogue import Loaded, cards
from .engine import Engine, feed, shared
from .path import STEPS, Key, NetworkPath, absent_words, arch_ids, between, several, side_words

BUDGET = 12_000_000
"""values of a path that the browser is sent at most; larger networks have fewer steps"""
GROUP = 12
"""steps of a feed"""
POINTS = 4096
"""points around a shape's surface at which answers are compared"""
SHADES = 256
"""quanta between zero and a parameter's scale"""
NOT_FINITE = -32768
"""stands for what is no number"""


@dataclass(frozen=True)
class Frame:
    """The values of a step, or none where the browser has them from the ends, and its statistics."""

    entry: dict
    body: bytes


@dataclass(frozen=True)
class Answers:
    """How a step answers: share of answers like A's and like B's, and of a classifier the accuracy."""

    same: list[float]
    accuracy: float | None


def compare(original: np.ndarray, other: np.ndarray, starts: np.ndarray) -> tuple[list[float | None], ...]:
    """Cosine similarity and the other's norm over the original's, (1 + parameters) each; None where not defined.

    Of values (P,): first of all of them, then of every parameter, which begin at `starts`.
    """

    def products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        parts = np.add.reduceat(x * y, starts)
        sums = np.concatenate([[parts.sum()], parts])
        return np.where(np.isfinite(sums), sums, np.nan)

    x, y = original.astype(np.float64), other.astype(np.float64)
    xy, xx, yy = products(x, y), products(x, x), products(y, y)
    with np.errstate(all="ignore"):
        rows = xy / np.sqrt(xx * yy), np.sqrt(yy / xx)
    return tuple([float(f"{v:.4g}") if np.isfinite(v) else None for v in row] for row in rows)


def scale_of(values: np.ndarray) -> float:
    """Where colours saturate: 99 % of the finite ones among these values are nearer to zero."""
    large = np.abs(values[np.isfinite(values)])
    return float(np.quantile(large, 0.99) or large.max()) if large.any() else 1.0


def pack(values: np.ndarray, quanta: np.ndarray) -> bytes:
    """Values (P,) in quanta (P,) as int16, the low bytes before the high ones, gzipped."""
    finite = np.isfinite(values)
    whole = np.clip(np.where(finite, values, 0) / quanta, -32767, 32767).round()
    whole = np.where(finite, whole, NOT_FINITE).astype("<i2").view(np.uint8)
    return gzip.compress(whole[::2].tobytes() + whole[1::2].tobytes(), compresslevel=1, mtime=0)


@dataclass(frozen=True)
class Layout:
    """How the values of an architecture are packed: every parameter in quanta of its own."""

    arch: Arch
    starts: np.ndarray
    """where the parameters begin"""
    scales: list[float]
    """where a parameter's colours saturate"""
    quanta: np.ndarray
    """(P)"""

    @classmethod
    def of(cls, arch: Arch, examples: np.ndarray) -> Layout:
        """For values like these of networks (n, P)."""
        sizes = [shape.numel() for shape in arch.shapes.values()]
        starts = np.cumsum([0, *sizes[:-1]])
        scales = [scale_of(part) for part in np.split(examples, starts[1:], axis=1)]
        return cls(arch, starts, scales, np.repeat(np.array(scales) / SHADES, sizes))

    @property
    def words(self) -> dict:
        """What the view is told of the architecture."""
        parameters = [
            {"name": name, "shape": list(shape), "scale": scale}
            for (name, shape), scale in zip(self.arch.shapes.items(), self.scales, strict=True)
        ]
        return {"name": self.arch.name, "title": looks.title(self.arch.name), "parameters": parameters}


class PrepPath(NetworkPath):
    """A path whose steps are compared with both ends and packed as pictures; then, where it can be, asked."""

    def __init__(self, engine: Engine, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> None:
        super().__init__(engine, loaded, between(loaded, a, b, sides), first)
        self.archs, self.of_ends = loaded.space.family.archs, arch_ids(loaded, a, b)
        self.kind = self.archs[0].task
        self.every = next(k for k in (1, 2, 4, 8, 16, 32) if k == 32 or self._sent(k) <= BUDGET)
        self.first -= first % self.every
        self.originals = [self._values(end) for end in self.ends]
        self.scale = scale_of(np.concatenate(self.originals))
        shown = {*self.of_ends, *(self.arch_at("latent", i) for i in range(0, STEPS, self.every))}
        self.layouts = {k: Layout.of(self.archs[k], self._examples(k)) for k in sorted(shown)}
        self.frames: dict[Key, Future] = {
            key: self.submit(rank, self._frame, *key) for rank, part in enumerate(self.parts()) for key in part
        }
        self.finite = bool(all(np.isfinite(values).all() for values in self.originals))
        self.test: Images | None = None
        self.references: list[Future] = []
        self.answers: dict[Key, Future] | None = None

    def ask(self, test: Images | None) -> None:
        """Also compare the answers: of classifiers on these images, where there are any."""
        if self.answers is not None:
            return
        self.test, self.answers = test, {}
        if self.finite and (self.kind == "sdf" or test):
            self.references = [self.submit(3, self._reference, k) for k in (0, 1)]
            ranked = enumerate(self.parts(), start=4)
            self.answers = {key: self.submit(rank, self._answer, *key) for rank, part in ranked for key in part}

    @property
    def steps(self) -> int:
        return (STEPS - 1) // self.every + 1

    @property
    def words(self) -> dict[str, str]:
        """On what the answers are compared, or what that would need."""
        if self.kind == "sdf":
            return {"asked": "points around its surface, within 0.01"}
        if self.test or (self.answers is None and classifiers.here(self.loaded)):
            return {"asked": f"test images of {classifiers.data_title(self.loaded)}"}
        return {"without": "Where the test images are, it is said here how alike the networks answer."}

    def parts(self) -> list[list[Key]]:
        return [[key for key in part if key[1] % self.every == 0] for part in super().parts()]

    def _sent(self, every: int) -> int:
        """Values of the path that the browser would be sent."""
        sent = [*self.of_ends, *(self.arch_at("latent", i) for i in range(0, STEPS, every))]
        return sum(self.archs[k].num_params for k in sent)

    def _values(self, network: Network) -> np.ndarray:
        """(P,) float32, without the PRep's padding."""
        return network.prep.flatten()[: network.arch.num_params].cpu().numpy()

    def _examples(self, k: int) -> np.ndarray:
        """Values (n, P) of an architecture that its colours are scaled by: the originals', else one decoded network's.

        That one lies in the middle of the steps at which the architecture is predicted.
        """
        mine = [values for values, of in zip(self.originals, self.of_ends, strict=True) if of == k]
        if not mine:
            steps = [i for i in range(0, STEPS, self.every) if self.arch_at("latent", i) == k]
            mine = [self._values(self.network("latent", steps[len(steps) // 2]))]
        return np.stack(mine)

    def _frame(self, side: str, i: int) -> Frame:
        """With an end of another architecture there is nothing to compare, parameter by parameter."""
        network = self.network(side, i)
        k, values = self.archs.index(network.arch), self._values(network)
        layout = self.layouts[k]
        compared = [
            compare(original, values, layout.starts) if of == k else (None, None)
            for original, of in zip(self.originals, self.of_ends, strict=True)
        ]
        cosine, norm = zip(*compared, strict=True)
        body = pack(values, layout.quanta) if side != "weights" else b""  # those lie between the ends
        entry = {"side": side, "index": i // self.every, "bytes": len(body), "arch": k, "cosine": cosine, "norm": norm}
        return Frame(entry, body)

    def _reference(self, k: int):
        """What an end answers."""
        if self.kind == "sdf":
            return sdf_queries(self.ends[k], POINTS, seed=k)
        return classify(self.ends[k], self.test).argmax(dim=1)  # (n,)

    def _answer(self, side: str, i: int) -> Answers:
        network, ends = self.network(side, i), [future.result() for future in self.references]
        if self.kind == "sdf":
            run = network.compiled()
            return Answers([agreement(run(end.points), end.values).item() for end in ends], None)
        logits = classify(network, self.test)
        same = [(logits.argmax(dim=1) == end).float().mean().item() for end in ends]
        return Answers(same, accuracy(logits, self.test.labels))

    def first_ready(self) -> None:
        """Wait until there is something to see where the slider is."""
        for side in self.sides:
            self.frames[side, self.first].result()

    @property
    def done(self) -> bool:
        return self.answers is not None and all(f.done() for f in (*self.frames.values(), *self.answers.values()))

    def feeds(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of all feeds, the first to be ready first; None for those that are not ready yet."""
        groups = [part[k : k + GROUP] for part in self.parts() for k in range(0, len(part), GROUP)]
        yield "ends", self._ends(view)
        for name, futures, fill in (("part", self.frames, self._frames), ("answers", self.answers, self._answered)):
            for k, group in enumerate(groups if futures else []):
                header = {"view": view, "feed": f"{name}-{k}", "path": self.id}
                yield f"{name}-{k}", fill(header, group) if all(futures[key].done() for key in group) else None

    def _ends(self, view: str) -> bytes:
        """The feed with the originals' values and what the parameters are."""
        ends = zip(self.originals, self.of_ends, strict=True)
        bodies = [pack(values, self.layouts[k].quanta) for values, k in ends]
        archs = {k: layout.words for k, layout in self.layouts.items()}
        header: dict[str, Any] = {"view": view, "feed": "ends", "path": self.id, "archs": archs, "ends": self.of_ends}
        header["scale"] = self.scale
        bad = [int((~np.isfinite(values)).sum()) for values in self.originals]
        return feed(header | {"bytes": [len(body) for body in bodies], "bad": bad}, b"".join(bodies))

    def _frames(self, header: dict, keys: list[Key]) -> bytes:
        frames = [self.frames[key].result() for key in keys]
        return feed(header | {"frames": [f.entry for f in frames]}, b"".join(f.body for f in frames))

    def _answered(self, header: dict, keys: list[Key]) -> bytes:
        """A feed with the answers of these steps."""
        ends, count = None, POINTS
        if self.test:
            count, ends = (
                len(self.test),
                [(end.result() == self.test.labels).float().mean().item() for end in self.references],
            )
        answers = [
            {"side": side, "index": i // self.every} | asdict(self.answers[side, i].result()) for side, i in keys
        ]
        return feed(header | {"answers": answers, "ends": ends, "count": count}, b"")


def default_pair(loaded: Loaded) -> tuple[int, int]:
    """The pair that the page of these networks' kind opens with."""
    return (chairs if loaded.space_info.data == "sdf" else classifiers).default_pair(loaded)


def order(loaded: Loaded) -> list[int]:
    """Ids as lists show them: the most accurate first, where that is known."""
    return classifiers.table(loaded).index.tolist()


def parameters(loaded: Loaded) -> list[str]:
    """Names of all parameters that the architectures have."""
    return list(dict.fromkeys(name for arch in loaded.space.family.archs for name in arch.shapes))


def titled(loaded: Loaded) -> str:
    """What has these parameters, in words."""
    names = loaded.space.family.names
    return names[0] if len(names) == 1 else "any of these architectures"


def prep_path(loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> PrepPath:
    """The path between two networks, begun at the step `first` of STEPS if it is not there yet."""
    key = ("preps", loaded.space_info, loaded.zoo_info, a, b, sides)
    return shared().work(key, lambda served: PrepPath(served, loaded, a, b, sides, first))


def ask(work: PrepPath) -> None:
    """Have the answers compared as well; reads the test images, where these are needed and here."""
    if work.answers is None:
        work.ask(classifiers.some_test_images(work.loaded))


def view_data(
    loaded: Loaded, work: PrepPath, a: int, b: int, *, frame: int, method: str, against: str, scale: str, layer: str
) -> dict:
    """What the view shows beside values and statistics, which come by feeds.

    `against`: nearer, a or b; `scale`: own or one; `layer`: the parameter that is marked, or "".
    """
    known = cards(loaded)
    return work.words | {
        "path": work.id,
        "steps": work.steps,
        "all_steps": STEPS,
        "frame": frame,
        "method": method,
        "against": against,
        "scale": scale,
        "layer": layer,
        "sides": side_words(work.sides),
        "absent": absent_words(loaded, a, b),
        "family": several(loaded),
        "ends": {"a": asdict(known[a]), "b": asdict(known[b])},
        "same": a == b,
        "shades": SHADES,
    }
