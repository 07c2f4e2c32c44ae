"""Networks one after another, as along a path between two of a zoo, whose steps are worked on in the background."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from netspace.latent.paths import FIRST, METHODS, Path, gammas
from netspace.latent.paths import PATH_STEPS as STEPS
from netspace.nets.network import Network
from netspace.space.losses import boundary_gammas, interpolated_class

from . import looks
from .caches import cached_value, may_end
from .catalogue import DEVICE, Loaded, card
from .engine import Engine, Piece, feed, shared

Key = tuple[str, int]
"""A side, and a step of it."""


def step_at(gamma: float, steps: int = STEPS) -> int:
    """Return the step of a path that is nearest to gamma."""
    return round(gamma * (steps - 1))


def gamma_at(step: int, steps: int = STEPS) -> float:
    """Return gamma of a step of a path."""
    return step / (steps - 1)


# -- routes ----------------------------------------------------------------------------------------------------------


def method_colour(name: str) -> str:
    """Return the colour of a method, #rrggbb."""
    return METHODS[name].look.colour


class Side(NamedTuple):
    """A way of making the network of every step."""

    name: str
    network: Callable[[int], Network]
    words: dict[str, Any]
    """what the views are told of it, as `side_words`"""
    fixed: bool = False
    """whether it is one network at all steps, with which the others are compared"""

    @property
    def embedded(self) -> bool:
        """Whether its networks are decoded from embeddings, so that the class head predicts their architectures."""
        return self.words.get("embedded", self.name == FIRST)


@dataclass(frozen=True)
class Route:
    """A family of networks with one parameter, of which the path between two networks is one."""

    id: str
    """differs where any of its networks does"""
    sides: tuple[Side, ...]
    positions: tuple[float, ...]
    """of the steps: gamma on a path from A to B"""
    ends: tuple[Network, Network]
    """with which every step is compared: A and B"""
    probabilities: Callable[[], np.ndarray | None]
    """softmax of the class head's logits of the first embedded side, (steps, A); None in a family of one"""
    measured: str = ""
    """a column that is also measured of the steps"""

    @property
    def steps(self) -> int:
        return len(self.positions)


def between(
    loaded: Loaded, a: int, b: int, sides: tuple[str, ...], positions: Sequence[float] = tuple(gammas(STEPS))
) -> Route:
    """Return the path from network A to network B of the zoo, by some of METHODS, also beyond its ends."""
    ends = loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE)

    locks = {side: threading.Lock() for side in sides}

    @functools.cache
    def opened(side: str) -> Path:
        return METHODS[side].open(loaded.space, *ends)

    def network(side: str, i: int) -> Network:
        with locks[side]:  # two threads would open it twice, and each would take longer
            path = opened(side)
        return path(positions[i])

    ways = [Side(words["side"], functools.partial(network, words["side"]), words) for words in side_words(sides)]
    probabilities = functools.partial(class_probabilities, loaded, a, b, tuple(positions))
    return Route(f"{loaded.key}|{a}|{b}", tuple(ways), tuple(positions), ends, probabilities)


MOMENT = 0.25
"""seconds between two looks whether the page that waits for something is still wanted"""

# -- work on a route -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepPacket:
    """A step as a view takes it: an entry of a packet's header, and its part of the body."""

    entry: dict
    body: bytes = b""


class Stage(NamedTuple):
    """Results of all steps, sent in packets of a few steps each."""

    name: str
    """of its packets, before their number"""
    futures: Callable[[Key], Sequence[Future]]
    """what a step's part of it waits for; empty if that has not begun"""
    pack: Callable[[list[Key]], tuple[dict, bytes]]
    """header and body of a packet with these steps, all of which are ready"""


class NetworkPath:
    """The steps of a route, each worked on in the background; subclasses say by `step` what is done with one."""

    group = 12
    """steps of a packet"""
    idle_seconds = 30.0
    """without a look at it, after which it is paused"""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> None:
        self.engine, self.loaded, self.route, self.first = engine, loaded, route, first
        self.id, self.ends, self.gammas = route.id, route.ends, route.positions
        self.sides = tuple(side.name for side in route.sides)
        self.serial = next(engine.count)
        self.network = functools.lru_cache(maxsize=8)(self._network)  # asked for again by every part of the work on it
        """The network of a side at a step."""
        self.seen, self.paused = time.monotonic(), False
        self.waiting: set[object] = set()
        """who waits for a piece of it"""
        self.needed: list[Piece] = []
        self.frames: dict[Key, Piece] = {}

    # what subclasses say

    def needs(self) -> Sequence[Callable[[], Any]]:
        """What all steps wait for, each made once in the background; the results are `needed`, in this order."""
        return ()

    def step(self, side: str, i: int) -> Any:
        """Work on a step, in a thread of the engine."""
        raise NotImplementedError

    def stages(self) -> Iterable[Stage]:
        """What is sent of the steps, the first to be ready first."""
        yield Stage("part", lambda key: [self.frames[key]], self.pack_steps)

    def opening(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Packets that come before those of the steps."""
        return iter(())

    def detail(self, i: int, view: str) -> bytes | None:
        """A packet with a step as it is shown at rest; waits for it. None if it is shown so already."""
        return None

    def pausable(self) -> Iterable[Piece]:
        """What may be dropped while nobody looks."""
        return self.frames.values()

    # the work

    def submit(self, rank: int, function: Callable, *args: Any) -> Piece:
        """Have something done: a low rank first, and all of a newer path before any of an older one."""
        return self.engine.submit((-self.serial, rank), function, *args)

    def again(self, rank: int, piece: Piece) -> Piece:
        """Have a piece done that may have been held back; return it, or the one that takes its place."""
        return piece if has_result(piece) else self.engine.again((-self.serial, rank), piece)

    def begin(self) -> None:
        """Begin the work on all steps; called by subclasses when they are ready for it."""
        self.needed = [self.submit(0, need) for need in self.needs()]
        self.frames = {
            key: self.submit(rank, self.step, *key)
            for rank, part in enumerate(self.parts(), start=1)
            for key in part
        }  # fmt: skip

    def pause(self) -> None:
        """Hold back what has not begun."""
        self.paused = True
        for piece in self.pausable():
            piece.held = True

    def resume(self) -> None:
        """Go on with what was held back, before all that was asked for earlier."""
        self.paused = False
        if not any(is_stopped(piece) for piece in self.frames.values()):
            return
        self.serial = next(self.engine.count)
        # steps wait for what they need, which must not be behind them
        self.needed = [self.again(0, piece) for piece in self.needed]
        for rank, part in enumerate(self.parts(), start=1):
            for key in part:
                if is_stopped(self.frames[key]):
                    self.frames[key] = self.again(rank, self.frames[key])

    def result(self, piece: Callable[[], Piece]) -> Any:
        """Wait for a piece of this work, which is not paused meanwhile.

        Args:
            piece: returns it, since it may become another one.
        """
        me = object()
        self.waiting.add(me)
        try:
            while True:
                self.looked_at()
                if is_stopped(piece()):
                    self.resume()
                with suppress(CancelledError):
                    if has_result(piece()):
                        return piece().result()
                    wait([piece()], timeout=MOMENT)
                may_end()  # also where one short wait follows another
        finally:
            self.waiting.discard(me)

    def looked_at(self) -> None:
        """Note that somebody looks at it, and go on if it was paused meanwhile."""
        self.seen = time.monotonic()
        if self.paused:
            self.resume()

    @property
    def is_idle(self) -> bool:
        """Whether nobody has looked at it for a while, and nobody waits for it."""
        return not self.waiting and time.monotonic() - self.seen > self.idle_seconds

    @property
    def done(self) -> bool:
        """Whether all steps are there."""
        return all(map(has_result, self.frames.values()))

    def first_ready(self) -> None:
        """Wait until there is something to see where the slider is."""
        self.looked_at()
        for key in self.parts()[0]:
            self.step_result(key)

    def step_result(self, key: Key) -> Any:
        """Wait for a step."""
        return self.result(lambda: self.frames[key])

    # what is sent

    def feeds(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of all packets, the first to be ready first; None for those that are not ready yet."""
        self.looked_at()
        yield from self.opening(view)
        groups = [part[k : k + self.group] for part in self.parts() for k in range(0, len(part), self.group)]
        for stage in self.stages():
            for k, keys in enumerate(groups):
                waits = [stage.futures(key) for key in keys]
                ready = all(waits) and all(has_result(future) for futures in waits for future in futures)
                yield f"{stage.name}-{k}", self.packet(view, f"{stage.name}-{k}", *stage.pack(keys)) if ready else None

    def packet(self, view: str, name: str, header: Mapping[str, Any], body: bytes) -> bytes:
        """A packet of this path for a view."""
        return feed({"view": view, "feed": name, "path": self.id, **header}, body)

    def pack_steps(self, keys: list[Key]) -> tuple[dict, bytes]:
        """Header and body of a packet with steps whose work returned a `StepPacket`; waits for them."""
        return packed([self.step_result(key) for key in keys])

    def part(self, keys: list[Key], name: str, view: str) -> bytes:
        """A packet with these steps; waits for them."""
        return self.packet(view, name, *self.pack_steps(keys))

    # its steps

    def key(self, side: str, i: int) -> Key:
        """Where the network of a side at a step is found: a fixed side has only one."""
        return side, 0 if self._side(side).fixed else i

    def parts(self) -> list[list[Key]]:
        """Steps in the order in which they are wanted: where the slider is, every fourth, the rest."""
        others = [i for i in range(self.route.steps) if i != self.first]
        coarse, fine = [i for i in others if i % 4 == 0], [i for i in others if i % 4]
        slow = tuple(side for side in self.sides if side in METHODS and METHODS[side].calibrated)
        quick = tuple(side for side in self.sides if side not in slow)
        wanted = [([self.first], sides) for sides in (quick, slow) if sides]  # nobody waits for what a method prepares
        wanted += [(coarse, self.sides), (fine, self.sides)]
        parts = [[self.key(side, i) for i in part for side in sides] for part, sides in wanted]
        seen: set[Key] = set()
        first = []
        for part in parts:
            first.append([key for key in dict.fromkeys(part) if key not in seen])
            seen.update(part)
        return first

    def arch_at(self, side: str, i: int) -> int:
        """ClassId of the network of a side at a step; decodes nothing on the latent path."""
        names, predicted = self.loaded.space.family.names, self.route.probabilities()
        if predicted is None or not self._side(side).embedded:
            return names.index(self.ends[0].arch.name)
        first = next(one.name for one in self.route.sides if one.embedded)
        return int(predicted[i].argmax()) if side == first else names.index(self.network(side, i).arch.name)

    def _side(self, name: str) -> Side:
        return self.route.sides[self.sides.index(name)]

    def _network(self, side: str, i: int) -> Network:
        return self._side(side).network(i)


AnyPath = TypeVar("AnyPath", bound=NetworkPath)


def path_at_work(key: tuple, make: Callable[[Engine], AnyPath]) -> AnyPath:
    """Return the work on a path, begun if it is not there yet; work that nobody looks at any more is paused.

    Args:
        key: by which the work is known.
    """
    work = shared().work(key, make)
    for other in list(shared().works.values()):
        if isinstance(other, NetworkPath) and other is not work and other.is_idle:
            other.pause()
    work.seen = time.monotonic()
    work.resume()
    return work


def has_result(future: Future) -> bool:
    """Whether work is done and was not cancelled."""
    return future.done() and not future.cancelled()


def is_stopped(piece: Piece) -> bool:
    """Whether nobody will do a piece of work unless it is asked for again."""
    return piece.cancelled() or (piece.held and not piece.done())


def packed(steps: Sequence[StepPacket]) -> tuple[dict, bytes]:
    """Header and body of a packet with steps."""
    return {"frames": [step.entry for step in steps]}, b"".join(step.body for step in steps)


def steps_feed(view: str, name: str, path: str, steps: Sequence[StepPacket]) -> bytes:
    """A packet with steps of what is not a `NetworkPath`."""
    header, body = packed(steps)
    return feed({"view": view, "feed": name, "path": path} | header, body)


def path_data(
    loaded: Loaded, work: NetworkPath | None, a: int, b: int, *, frame: int, method: str, sides: Sequence[str] = ()
) -> dict:
    """What all views of a path are told of it: `app.frontend.messages.PathData`.

    Args:
        a, b: ids of the networks at its ends.
        frame: the step that is shown.
        method: the side in focus.
        sides: methods of a path that is not worked on, whose results were recorded.
    """
    return {
        "path": work.id if work else f"recorded|{loaded.key}|{a}|{b}",
        "steps": work.route.steps if work else STEPS,
        "frame": frame,
        "method": method,
        "sides": [side.words | {"fixed": side.fixed} for side in work.route.sides] if work else side_words(sides),
        "absent": absent_words(loaded, a, b),
        "ends": {"a": asdict(card(loaded, a)), "b": asdict(card(loaded, b))},
        "same": a == b,
    }


# -- methods ---------------------------------------------------------------------------------------------------------


def method_names() -> tuple[str, ...]:
    """Return the names of the methods, whether or not they lead from one network to another."""
    return tuple(METHODS)


def reasons_against(loaded: Loaded, a: int, b: int) -> dict[str, str | None]:
    """Return by method why it does not lead from A to B, in a sentence; None if it does."""
    ends = loaded.zoo[a], loaded.zoo[b]
    return {name: method.applies(*ends) for name, method in METHODS.items()}


def sides_between(loaded: Loaded, a: int, b: int) -> tuple[str, ...]:
    """Return the methods that lead from A to B."""
    return tuple(name for name, reason in reasons_against(loaded, a, b).items() if reason is None)


def absent_words(loaded: Loaded, a: int, b: int) -> list[dict[str, str]]:
    """Return what the views say of the methods that do not lead from A to B."""
    arch, reasons = loaded.zoo[a].arch, reasons_against(loaded, a, b)
    return [
        {"title": METHODS[name].title, "help": reason}
        for name, reason in reasons.items()
        if reason and METHODS[name].fits(arch)
    ]


def side_words(sides: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the views are told of methods: `app.frontend.messages.SideItem`, with the method's own look."""
    return [
        {
            "side": name,
            "title": METHODS[name].title,
            "help": METHODS[name].words,
            "ends": METHODS[name].ends,
            "between": METHODS[name].between,
            "embedded": METHODS[name].embedded,
            "colour": METHODS[name].look.colour,
            "dash": list(METHODS[name].look.dash),
            "mark": METHODS[name].look.mark,
            "key": METHODS[name].look.key,
        }
        for name in sides
    ]


# -- architectures ---------------------------------------------------------------------------------------------------


def several(loaded: Loaded) -> bool:
    """Whether the space tells architectures apart."""
    return len(loaded.space.family.archs) > 1


def arch_ids(loaded: Loaded, a: int, b: int) -> tuple[int, int]:
    """ClassIds of two networks of the zoo."""
    names, of = loaded.space.family.names, loaded.zoo.records.arch
    return names.index(of[a]), names.index(of[b])


def class_probabilities(
    loaded: Loaded, a: int, b: int, positions: tuple[float, ...] = tuple(gammas(STEPS))
) -> np.ndarray | None:
    """Softmax of the class head's logits along the latent path, (steps, A); None in a family of one."""
    return _class_probabilities(loaded.key, a, b, positions, loaded) if several(loaded) else None


@cached_value(max_entries=64)
def _class_probabilities(key: str, a: int, b: int, positions: tuple[float, ...], _loaded: Loaded) -> np.ndarray:
    space = _loaded.space
    gamma = torch.tensor(positions, device=DEVICE).unsqueeze(1)  # (steps, 1)
    with torch.inference_mode():
        ends = space.encode(_loaded.zoo.preps([a, b]).to(DEVICE))  # (2, E)
        z = (1 - gamma) * ends[0] + gamma * ends[1]  # (steps, E)
        return space.head(z).softmax(dim=1).cpu().numpy()


def stars(loaded: Loaded, a: int, b: int) -> list[dict]:
    """Where on this path the interpolation loss asks for an architecture (Eq. 12): between a smallest and a largest."""
    count, (first, last) = len(loaded.space.family.archs), arch_ids(loaded, a, b)
    if count < 3 or {first, last} != {0, count - 1}:
        return []
    return [{"gamma": gamma, "arch": interpolated_class(gamma, first, last)} for gamma in boundary_gammas(count)]


def architectures(loaded: Loaded, a: int, b: int) -> dict | None:
    """What the views show of a family's architectures along the path from A to B; None in a family of one."""
    found = architectures_along(loaded, class_probabilities(loaded, a, b), arch_ids(loaded, a, b))
    return found and found | {"stars": stars(loaded, a, b)}


def architectures_along(loaded: Loaded, probabilities: np.ndarray | None, ends: tuple[int, int]) -> dict | None:
    """As `architectures`, from the class head's probabilities (steps, A) and the ClassIds of what it is compared with.

    No stars: the interpolation loss asks for architectures only between two networks.
    """
    if probabilities is None:
        return None
    family = loaded.space.family
    return {
        "archs": [
            {"name": arch.name, "parameters": arch.num_params} | looks.arch_look(arch.name)._asdict()
            for arch in family.archs
        ],
        "probabilities": np.nan_to_num(probabilities).round(5).tolist(),
        "stars": [],
        "ends": ends,
    }
