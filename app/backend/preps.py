"""Networks as images (supplement VII): the values along a path, and how near they come to the originals'."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.tasks import app_task
from app.tasks.task import EndAnswers
from netspace.latent.paths import METHODS
from netspace.nets.archs import Arch, arch_title
from netspace.nets.network import Network

from .catalogue import Loaded
from .engine import Engine, Piece
from .path import (
    STEPS,
    Key,
    NetworkPath,
    Stage,
    StepPacket,
    arch_ids,
    between,
    has_result,
    path_at_work,
    path_data,
    several,
)

BUDGET = 12_000_000
"""values of a path that the browser is sent at most; larger networks have fewer steps"""
SHADES = 256
"""quanta between zero and a parameter's scale"""
NOT_FINITE = -32768
"""stands for what is no number"""


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


def pack_values(values: np.ndarray, quanta: np.ndarray) -> bytes:
    """Values (P,) in quanta (P,) as int16, the low bytes before the high ones, gzipped."""
    finite = np.isfinite(values)
    whole = np.clip(np.where(finite, values, 0) / quanta, -32767, 32767).round()
    whole = np.where(finite, whole, NOT_FINITE).astype("<i2").view(np.uint8)
    return gzip.compress(whole[::2].tobytes() + whole[1::2].tobytes(), compresslevel=1, mtime=0)


@dataclass(frozen=True)
class PrepLayout:
    """How the values of an architecture are packed: every parameter in quanta of its own."""

    arch: Arch
    starts: np.ndarray
    """where the parameters begin"""
    scales: list[float]
    """where a parameter's colours saturate"""
    quanta: np.ndarray
    """(P)"""

    @classmethod
    def of(cls, arch: Arch, examples: np.ndarray) -> PrepLayout:
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
        return {"name": self.arch.name, "title": arch_title(self.arch.name), "parameters": parameters}


class PrepPath(NetworkPath):
    """A path whose steps are compared with both ends and packed as pictures; then, where it can be, asked."""

    def __init__(self, engine: Engine, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> None:
        super().__init__(engine, loaded, between(loaded, a, b, sides), first)
        self.archs, self.of_ends = loaded.space.family.archs, arch_ids(loaded, a, b)
        self.task = app_task(loaded)
        self.every = next(k for k in (1, 2, 4, 8, 16, 32) if k == 32 or self._sent(k) <= BUDGET)
        self.first -= first % self.every
        self.originals = [self._values(end) for end in self.ends]
        self.scale = scale_of(np.concatenate(self.originals))
        decoded = {self.arch_at(side, i) for side in self.sides for i in range(0, STEPS, self.every)}
        self.layouts = {k: PrepLayout.of(self.archs[k], self._examples(k)) for k in sorted({*self.of_ends, *decoded})}
        self.finite = bool(all(np.isfinite(values).all() for values in self.originals))
        self.data: Any = None
        self.references: list[Piece] = []
        self.answers: dict[Key, Future] | None = None
        self.begin()

    def ask(self, data: Any) -> None:
        """Also compare the answers, on data that the kind of networks needs; None if it needs none, or has none."""
        if self.answers is not None:
            return
        self.data, self.answers = data, {}
        if self.finite and (data is not None or not self.task.asks_data):
            self.references = [self.submit(4, self.task.reference, self.ends[k], k, data) for k in (0, 1)]
            ranked = enumerate(self.parts(), start=5)
            self.answers = {key: self.submit(rank, self._answer, *key) for rank, part in ranked for key in part}

    @property
    def steps(self) -> int:
        return (STEPS - 1) // self.every + 1

    @property
    def words(self) -> dict[str, str]:
        """On what the answers are compared, or what that would need."""
        if (
            not self.task.asks_data
            or self.data is not None
            or (self.answers is None and self.task.can_ask(self.loaded))
        ):
            return {"asked": self.task.asked_about(self.loaded)}
        return {"without": "Where the test images are, it is said here how alike the networks answer."}

    def parts(self) -> list[list[Key]]:
        return [[key for key in part if key[1] % self.every == 0] for part in super().parts()]

    def pausable(self) -> Iterable[Piece]:
        """Nothing: it is done in seconds."""
        return ()

    def _sent(self, every: int) -> int:
        """Values of the path that the browser would be sent."""
        sent = [*self.of_ends]
        for side in self.sides:
            if not METHODS[side].straight:
                sent += [self.arch_at(side, i) for i in range(0, STEPS, every)]
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
            found = (
                (side, steps)
                for side in self.sides
                if (steps := [i for i in range(0, STEPS, self.every) if self.arch_at(side, i) == k])
            )
            side, steps = next(found)
            mine = [self._values(self.network(side, steps[len(steps) // 2]))]
        return np.stack(mine)

    def step(self, side: str, i: int) -> StepPacket:
        """With an end of another architecture there is nothing to compare, parameter by parameter."""
        network = self.network(side, i)
        k, values = self.archs.index(network.arch), self._values(network)
        layout = self.layouts[k]
        compared = [
            compare(original, values, layout.starts) if of == k else (None, None)
            for original, of in zip(self.originals, self.of_ends, strict=True)
        ]
        cosine, norm = zip(*compared, strict=True)
        body = b"" if METHODS[side].straight else pack_values(values, layout.quanta)  # else they lie between the ends
        entry = {"side": side, "index": i // self.every, "bytes": len(body), "arch": k, "cosine": cosine, "norm": norm}
        return StepPacket(entry, body)

    def _answer(self, side: str, i: int) -> EndAnswers:
        references = [self.engine.need(piece) for piece in self.references]
        return self.task.answers(self.network(side, i), references, self.data)

    @property
    def done(self) -> bool:
        return self.answers is not None and all(map(has_result, (*self.frames.values(), *self.answers.values())))

    def opening(self, view: str) -> Iterator[tuple[str, bytes]]:
        """The originals' values, and what the parameters are."""
        ends = zip(self.originals, self.of_ends, strict=True)
        bodies = [pack_values(values, self.layouts[k].quanta) for values, k in ends]
        header = {
            "archs": {k: layout.words for k, layout in self.layouts.items()},
            "ends": self.of_ends,
            "scale": self.scale,
            "bytes": [len(body) for body in bodies],
            "bad": [int((~np.isfinite(values)).sum()) for values in self.originals],
        }
        yield "ends", self.packet(view, "ends", header, b"".join(bodies))

    def stages(self) -> Iterable[Stage]:
        yield from super().stages()
        if self.answers:
            yield Stage("answers", lambda key: [self.answers[key], *self.references], self._pack_answers)

    def _pack_answers(self, keys: list[Key]) -> tuple[dict, bytes]:
        ends, count = self.task.reference_scores([future.result() for future in self.references], self.data)
        answers = [
            {"side": side, "index": i // self.every} | self.answers[side, i].result()._asdict() for side, i in keys
        ]
        return {"answers": answers, "ends": ends, "count": count}, b""


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
    return path_at_work(key, lambda served: PrepPath(served, loaded, a, b, sides, first))


def ask(work: PrepPath) -> None:
    """Have the answers compared as well; reads the test images, where these are needed and here."""
    if work.answers is None:
        work.ask(work.task.data_to_ask(work.loaded))


def prep_data(
    loaded: Loaded, work: PrepPath, a: int, b: int, *, frame: int, method: str, against: str, scale: str, layer: str
) -> dict:
    """What the view shows beside values and statistics, which come by feeds.

    Args:
        against: nearer, a or b.
        scale: own or one.
        layer: the parameter that is marked, or "".
    """
    return (
        path_data(loaded, work, a, b, frame=frame, method=method)
        | work.words
        | {
            "steps": work.steps,
            "all_steps": STEPS,
            "against": against,
            "scale": scale,
            "layer": layer,
            "family": several(loaded),
            "shades": SHADES,
        }
    )
