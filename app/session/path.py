"""A path between two networks of a zoo, whose steps are worked on in the background."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from concurrent.futures import Future

import numpy as np
import streamlit as st
import torch

from netspace.interpolate import METHODS, gammas
from netspace.interpolate import PATH_STEPS as STEPS
from netspace.losses import boundary_gammas, interpolated_class
from netspace.network import Network

from . import looks
from .catalogue import COLOURS, DEVICE, Loaded
from .engine import Engine

Key = tuple[str, int]
"""A side, and a step of it."""


class NetworkPath:
    """The steps of a path on one or more sides; what is done with them is the subclass's."""

    def __init__(self, engine: Engine, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> None:
        self.engine, self.loaded, self.sides, self.first = engine, loaded, sides, first
        self.pair, self.ends = (a, b), (loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE))
        self.gammas = gammas(STEPS)
        self.serial = next(engine.count)
        self.id = f"{loaded.key}|{a}|{b}"
        self.network = functools.lru_cache(maxsize=8)(self._network)  # asked for again by every part of the work on it
        """The network of a side at a step."""

    def submit(self, rank: int, function, *args) -> Future:
        """Have something done: a low rank first, and all of a newer path before any of an older one."""
        return self.engine.submit((-self.serial, rank), function, *args)

    def parts(self) -> list[list[Key]]:
        """Steps in the order in which they are wanted: where the slider is, every fourth, the rest."""
        others = [i for i in range(STEPS) if i != self.first]
        coarse, fine = [i for i in others if i % 4 == 0], [i for i in others if i % 4]
        return [[(side, i) for i in part for side in self.sides] for part in ([self.first], coarse, fine)]

    def arch_at(self, side: str, i: int) -> int:
        """ClassId of the network of a side at a step; decodes nothing."""
        names, predicted = self.loaded.space.family.names, class_probabilities(self.loaded, *self.pair)
        if predicted is None or side != "latent":
            return names.index(self.ends[0].arch.name)
        return int(predicted[i].argmax())

    def _network(self, side: str, i: int) -> Network:
        return METHODS[side].path(self.loaded.space, *self.ends, [self.gammas[i]])[0]


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


def class_probabilities(loaded: Loaded, a: int, b: int) -> np.ndarray | None:
    """Softmax of the class head's logits along the latent path, (STEPS, A); None in a family of one."""
    return _class_probabilities(loaded.key, a, b, loaded) if several(loaded) else None


@st.cache_data(max_entries=64, show_spinner=False)
def _class_probabilities(key: str, a: int, b: int, _loaded: Loaded) -> np.ndarray:
    space = _loaded.space
    gamma = torch.tensor(gammas(STEPS), device=DEVICE).unsqueeze(1)  # (STEPS, 1)
    with torch.inference_mode():
        ends = space.encode(_loaded.zoo.preps([a, b]).to(DEVICE))  # (2, E)
        z = (1 - gamma) * ends[0] + gamma * ends[1]  # (STEPS, E)
        return space.head(z).softmax(dim=1).cpu().numpy()


def stars(loaded: Loaded, a: int, b: int) -> list[dict]:
    """Where on this path the interpolation loss asks for an architecture (Eq. 12): between a smallest and a largest."""
    count, (first, last) = len(loaded.space.family.archs), arch_ids(loaded, a, b)
    if count < 3 or {first, last} != {0, count - 1}:
        return []
    return [{"gamma": gamma, "arch": interpolated_class(gamma, first, last)} for gamma in boundary_gammas(count)]


def architectures(loaded: Loaded, a: int, b: int) -> dict | None:
    """What the views show of a family's architectures along the path from A to B; None in a family of one."""
    if not several(loaded):
        return None
    family = loaded.space.family
    return {
        "archs": [
            {"name": arch.name, "parameters": arch.num_params} | looks.look(arch.name)._asdict()
            for arch in family.archs
        ],
        "probabilities": np.nan_to_num(class_probabilities(loaded, a, b)).round(5).tolist(),
        "stars": stars(loaded, a, b),
        "ends": arch_ids(loaded, a, b),
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
