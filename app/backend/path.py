"""Networks one after another, as along a path between two of a zoo, whose steps are worked on in the background."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
import torch

from netspace.latent.paths import METHODS, Path, gammas
from netspace.latent.paths import PATH_STEPS as STEPS
from netspace.nets.network import Network
from netspace.space.losses import boundary_gammas, interpolated_class

from . import looks
from .catalogue import COLOURS, DEVICE, Loaded
from .engine import Engine

Key = tuple[str, int]
"""A side, and a step of it."""


def step_at(gamma: float, steps: int = STEPS) -> int:
    """Return the step of a path that is nearest to gamma."""
    return round(gamma * (steps - 1))


def gamma_at(step: int, steps: int = STEPS) -> float:
    """Return gamma of a step of a path."""
    return step / (steps - 1)


def method_names() -> tuple[str, ...]:
    """Return the names of the methods, whether or not they lead from one network to another."""
    return tuple(METHODS)


def method_colour(name: str) -> str:
    """Return the colour of a method, #rrggbb."""
    return METHODS[name].look.colour


class Side(NamedTuple):
    """A way of making the network of every step."""

    name: str
    network: Callable[[int], Network]
    words: dict[str, Any]
    """what the views say of it, as `side_words`"""
    fixed: bool = False
    """whether it is one network at all steps, with which the others are compared"""


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
    """softmax of the class head's logits of the latent side, (steps, A); None in a family of one"""
    measured: str = ""
    """a column that is also measured of the steps' meshes"""

    @property
    def steps(self) -> int:
        return len(self.positions)


class NetworkPath:
    """The steps of a route; what is done with them is the subclass's."""

    def __init__(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> None:
        self.engine, self.loaded, self.route, self.first = engine, loaded, route, first
        self.id, self.ends, self.gammas = route.id, route.ends, route.positions
        self.sides = tuple(side.name for side in route.sides)
        self.serial = next(engine.count)
        self.network = functools.lru_cache(maxsize=8)(self._network)  # asked for again by every part of the work on it
        """The network of a side at a step."""

    def submit(self, rank: int, function, *args) -> Future:
        """Have something done: a low rank first, and all of a newer path before any of an older one."""
        return self.engine.submit((-self.serial, rank), function, *args)

    def key(self, side: str, i: int) -> Key:
        """Where the network of a side at a step is found: a fixed side has only one."""
        return side, 0 if self._side(side).fixed else i

    def parts(self) -> list[list[Key]]:
        """Steps in the order in which they are wanted: where the slider is, every fourth, the rest."""
        others = [i for i in range(self.route.steps) if i != self.first]
        coarse, fine = [i for i in others if i % 4 == 0], [i for i in others if i % 4]
        parts = [[self.key(side, i) for i in part for side in self.sides] for part in ([self.first], coarse, fine)]
        seen: set[Key] = set()
        first = []
        for part in parts:
            first.append([key for key in dict.fromkeys(part) if key not in seen])
            seen.update(part)
        return first

    def arch_at(self, side: str, i: int) -> int:
        """ClassId of the network of a side at a step; decodes nothing."""
        names, predicted = self.loaded.space.family.names, self.route.probabilities()
        if predicted is None or side != "latent":
            return names.index(self.ends[0].arch.name)
        return int(predicted[i].argmax())

    def _side(self, name: str) -> Side:
        return self.route.sides[self.sides.index(name)]

    def _network(self, side: str, i: int) -> Network:
        return self._side(side).network(i)


def between(
    loaded: Loaded, a: int, b: int, sides: tuple[str, ...], positions: Sequence[float] = tuple(gammas(STEPS))
) -> Route:
    """The path from network A to network B of the zoo, on sides of METHODS, also beyond its ends."""
    ends = loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE)

    @functools.cache
    def opened(side: str) -> Path:
        return METHODS[side].open(loaded.space, *ends)

    def network(side: str, i: int) -> Network:
        return opened(side)(positions[i])

    ways = [Side(words["side"], functools.partial(network, words["side"]), words) for words in side_words(sides)]
    probabilities = functools.partial(class_probabilities, loaded, a, b, tuple(positions))
    return Route(f"{loaded.key}|{a}|{b}", tuple(ways), tuple(positions), ends, probabilities)


def several(loaded: Loaded) -> bool:
    """Whether the space tells architectures apart."""
    return len(loaded.space.family.archs) > 1


def arch_ids(loaded: Loaded, a: int, b: int) -> tuple[int, int]:
    """ClassIds of two networks of the zoo."""
    names, of = loaded.space.family.names, loaded.zoo.records.arch
    return names.index(of[a]), names.index(of[b])


def sides_between(loaded: Loaded, a: int, b: int) -> tuple[str, ...]:
    """The ways that lead from A to B: raw weights lead nowhere between different architectures."""
    first, last = arch_ids(loaded, a, b)
    return ("latent", "weights") if first == last else ("latent",)


def absent_words(loaded: Loaded, a: int, b: int) -> list[dict[str, str]]:
    """What the views say of the ways that there are not."""
    if len(sides_between(loaded, a, b)) > 1:
        return []
    one, other = (looks.title(loaded.zoo.records.arch[i]) for i in (a, b))
    why = f"There is no path through raw weights: those of {one} and {other} do not correspond."
    return [{"title": METHODS["weights"].title, "help": why}]


def class_probabilities(
    loaded: Loaded, a: int, b: int, positions: tuple[float, ...] = tuple(gammas(STEPS))
) -> np.ndarray | None:
    """Softmax of the class head's logits along the latent path, (steps, A); None in a family of one."""
    return _class_probabilities(loaded.key, a, b, positions, loaded) if several(loaded) else None


@st.cache_data(max_entries=64, show_spinner=False)
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
            {"name": arch.name, "parameters": arch.num_params} | looks.look(arch.name)._asdict()
            for arch in family.archs
        ],
        "probabilities": np.nan_to_num(probabilities).round(5).tolist(),
        "stars": [],
        "ends": ends,
    }


def side_words(sides: Iterable[str]) -> list[dict[str, str]]:
    """What the views show of the methods beside their results."""
    return [
        {
            "side": side,
            "title": METHODS[side].title,
            "help": METHODS[side].words,
            "ends": METHODS[side].ends,
            "between": METHODS[side].between,
            "colour": COLOURS[side],
        }
        for side in sides
    ]
