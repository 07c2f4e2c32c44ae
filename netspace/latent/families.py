"""Families of networks with one parameter, decoded from embeddings: past the ends of a path, along a direction, by
arithmetic, by mixing, along a spline. None of them is in the paper, which interpolates between two networks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..config import MOST_ITEMS, short
from ..errors import UsageError
from ..nets.network import Network
from ..space.space import NetSpace
from .directions import Direction
from .embeddings import finite
from .paths import PATH_STEPS

MOST_ANCHORS = 12
"""maximum number of networks on a spline"""
SPREADS = 2.0
"""a direction moves a network by at most this many standard deviations of its column"""


POSITIONS = ("gamma", "share", "at", "by", "asked")
"""what says in `LatentFamily.made` where a step is"""


@dataclass(frozen=True)
class LatentFamily:
    """Networks with one parameter, each decoded from an embedding of its own."""

    kind: str
    """path, direction, arithmetic, mix or spline"""
    z: Tensor
    """(s, E)"""
    axis: str
    """name of the parameter"""
    positions: tuple[float, ...]
    """(s) its values"""
    words: tuple[str, ...]
    """(s) what the network is, in a few words"""
    made: tuple[dict, ...]
    """(s) how the network was made, as JSON; travels with its file"""
    anchors: tuple[str, ...]
    """names of the networks the family is made from"""
    start: int = 0
    """the step worth seeing first"""
    through: tuple[tuple[int, str], ...] = ()
    """steps whose embedding is that of a network, and its name"""
    marks: tuple[tuple[int, str], ...] = ()
    """steps with a name"""
    weights: Tensor | None = None
    """(s, k) of a mix: the anchors' weights"""
    xy: Tensor | None = None
    """(s, 2) of a mix over a pad: positions in [0, 1]^2, y upwards"""

    def __len__(self) -> int:
        return len(self.z)

    def row(self, i: int) -> dict[str, float]:
        """Return the position of a step as columns of a table: gamma, share, at, by and asked, or the weights."""
        made = self.made[i]
        weights = {f"weight {name}": weight for name, weight in made.get("weights", {}).items()}
        return {name: made[name] for name in POSITIONS if name in made} | weights

    def said(self, i: int) -> str:
        """Say where a step is, such as "gamma 0.500"."""
        if self.weights is not None:
            return f"weights {' '.join(f'{weight:.3f}' for weight in self.weights[i].tolist())}"
        return f"{self.axis.replace('_', ' ')} {self.positions[i]:.3f}"

    def network(self, space: NetSpace, i: int) -> Network:
        """Decode the network of a step."""
        with torch.inference_mode():
            return space.networks(self.z[i : i + 1].to(space.device))[0]

    def class_logits(self, space: NetSpace) -> Tensor | None:
        """Return the class head's logits (s, A); None in a space of one architecture."""
        if space.head is None:
            return None
        with torch.inference_mode():
            return space.head(self.z.to(space.device))


# -- mixtures ------------------------------------------------------------------------------------------------------


def blend(anchors: Tensor, weights: Tensor) -> Tensor:
    """Mix anchors (k, E) with weights (s, k) to embeddings (s, E); negative weights extrapolate.

    Raises:
        UsageError: the weights of a mixture do not sum to 1.
    """
    if not torch.allclose(weights.sum(dim=1), torch.ones(len(weights)), atol=1e-4):
        raise UsageError("weights of a mixture sum to 1")
    return weights @ anchors


class Lattice(NamedTuple):
    """Mixtures spread evenly over a pad."""

    weights: Tensor
    """(s, k) of the anchors"""
    xy: Tensor
    """(s, 2) positions on the pad, in [0, 1]^2 with y upwards"""


def triangle(side: int) -> Lattice:
    """Spread barycentric mixtures of three anchors, `side` along an edge; anchors left, right and at the top."""
    _check_side(side)
    n = side - 1
    weights = torch.tensor([[n - i - j, i, j] for j in range(side) for i in range(side - j)]) / n
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]])
    return Lattice(weights, weights @ corners)


def square(side: int) -> Lattice:
    """Spread bilinear mixtures of four anchors, `side` along an edge; left, right, top right and top left."""
    _check_side(side)
    u = torch.arange(side) / (side - 1)
    xy = torch.stack(torch.meshgrid(u, u, indexing="xy"), dim=-1).view(-1, 2)
    x, y = xy.mT
    return Lattice(torch.stack([(1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y], dim=1), xy)


def _check_side(side: int) -> None:
    if side < 2:
        raise UsageError(f"a pad has at least 2 mixtures along an edge, got {side}")


LATTICES = {3: (triangle, 9), 4: (square, 7)}
"""by number of anchors: how mixtures are spread over a pad, and how many along an edge"""


def mix(
    z: Tensor, names: Sequence[str], weights: Tensor | None = None, side: int | None = None
) -> LatentFamily:  # fmt: skip
    """Mix networks by weighted means of their embeddings.

    Args:
        z: embeddings (k, E).
        weights: (s, k), each row summing to 1; None spreads mixtures of three or four networks over a pad.
        side: mixtures along an edge of the pad; None: 9 of three networks, 7 of four.

    Raises:
        UsageError: the embeddings are all equal or not finite; without weights there are not three or four; with
            weights there is not one for each network, or they do not sum to 1.
    """
    xy = None
    if weights is None:
        if len(names) not in LATTICES:
            raise UsageError(f"a mix is of three or four networks, not of {len(names)}")
        spread, usual = LATTICES[len(names)]
        weights, xy = spread(usual if side is None else side)
    elif weights.shape[1] != len(names):
        raise UsageError(f"a mix of {len(names)} networks has as many weights, got {weights.shape[1]}")
    check_anchors(z, names)
    check_distinct(z, names, "there is nothing to mix")
    rounded = weights.numpy().round(4)
    pure = tuple((i, names[int(row.argmax())]) for i, row in enumerate(rounded) if row.max() > 0.999)
    words = _embedded_words(len(weights), pure, "decoded from the mixture")
    about = tuple(
        {"made_by": "mix", "weights": dict(zip(names, row.tolist(), strict=True)), "networks": list(names)}
        for row in rounded
    )
    middle = int((weights - 1 / len(names)).square().sum(dim=1).argmin())
    positions = tuple(float(i) for i in range(len(weights)))
    mixed = blend(z, weights)
    return LatentFamily(
        "mix", mixed, "mixture", positions, words, about, tuple(names), middle, pure, weights=weights, xy=xy
    )


# -- splines -------------------------------------------------------------------------------------------------------


class Spline(NamedTuple):
    """A smooth way through anchors."""

    z: Tensor
    """(s, E)"""
    at: Tensor
    """(k) steps at which it passes the anchors, exactly"""


def natural_spline(anchors: Tensor, between: int = 8) -> Spline:
    """Fit the natural cubic spline through anchors (k, E) over chord length; through two, the straight line.

    Args:
        between: steps from an anchor to the next.

    Raises:
        UsageError: fewer than 2 anchors, an anchor that is not finite, or the same one twice in a row.
    """
    from scipy.interpolate import CubicSpline

    if len(anchors) < 2:
        raise UsageError(f"a way leads through at least 2 networks, got {len(anchors)}")
    if not finite(anchors).all():
        raise UsageError("a network with weights that are no numbers has no place on a way")
    chords = (anchors[1:] - anchors[:-1]).norm(dim=1).double()
    if not chords.min() > 0:
        raise UsageError("a way does not stand still: the same embedding comes twice in a row")
    knots = np.concatenate([[0.0], chords.cumsum(0).numpy()])
    steps = np.concatenate(
        [np.linspace(a, b, between, endpoint=False) for a, b in zip(knots, knots[1:], strict=False)] + [knots[-1:]]
    )
    z = CubicSpline(knots, anchors.double().numpy(), bc_type="natural")(steps)
    return Spline(torch.from_numpy(z).float(), torch.arange(len(anchors)) * between)


def spline(z: Tensor, names: Sequence[str], steps: int = PATH_STEPS) -> LatentFamily:
    """Lead through networks in order, along the natural cubic spline through their embeddings (k, E).

    The parameter counts networks: 1 is the first, 2 the second. At least `steps` steps, at least 4 between two.

    Raises:
        UsageError: fewer than 2 or more than 12 networks, embeddings that are not finite, or equal in a row.
    """
    if not 2 <= len(names) <= MOST_ANCHORS:
        raise UsageError(f"a spline leads through 2 to {MOST_ANCHORS} networks, not through {len(names)}")
    check_anchors(z, names)
    check_distinct(z, names, "there is no way")
    for one, other, a, b in zip(names, names[1:], z, z[1:], strict=False):
        if torch.equal(a, b):
            raise UsageError(f"{one} and {other} are embedded at one point: take one of them out")
    _check_steps(steps)
    way, knots = natural_spline(z, max(4, math.ceil((steps - 1) / (len(names) - 1))))
    at = knots.tolist()
    positions = tuple(np.interp(range(len(way)), at, range(1, len(names) + 1)).round(6).tolist())
    through = tuple(zip(at, names, strict=True))
    words = _embedded_words(len(way), through, "decoded from the spline")
    about = tuple(
        {"made_by": "spline", "through": list(names), "at": p, "embedding": "natural cubic spline, chord lengths"}
        for p in positions
    )
    marks = tuple((i, str(k)) for k, i in enumerate(at, start=1))
    return LatentFamily(
        "spline", way, "network", positions, words, about, tuple(names), through=through, marks=marks
    )  # fmt: skip


# -- lines ---------------------------------------------------------------------------------------------------------


def gammas_beyond(factor: float, between: int) -> tuple[float, ...]:
    """Return `between` positions from 0 to 1 and further ones at their distance, up to `factor` beyond both.

    Raises:
        UsageError: the factor is negative or not finite, or there are fewer than 2 positions between or too many.
    """
    _check_steps(between)
    if not 0 <= factor <= MOST_ITEMS:
        limit = f"at most {MOST_ITEMS:,}" if MOST_ITEMS < factor < math.inf else "at least 0"
        raise UsageError(f"a path goes on beyond its ends by a factor of {limit}, got {short(factor)}")
    more = math.floor(factor * (between - 1) + 1e-9)
    if between + 2 * more > MOST_ITEMS:
        raise UsageError(f"a path has at most {MOST_ITEMS:,} steps, got {between + 2 * more:,}")
    return tuple(i / (between - 1) for i in range(-more, between + more))


def beyond_words(gamma: float, ends: str, between: str, beyond: str) -> str:
    """Say what the network at a position of a path is, also before A and after B."""
    if gamma in (0.0, 1.0):
        return f"{'B' if gamma else 'A'}, {ends}"
    return between if 0 < gamma < 1 else f"beyond {'A' if gamma < 0 else 'B'}, {beyond or between}"


def beyond(z: Tensor, names: Sequence[str], gammas: Sequence[float]) -> LatentFamily:
    """Lead from A to B along the straight line through their embeddings (2, E), and beyond both.

    Raises:
        UsageError: the embeddings are equal or not finite.
    """
    check_anchors(z, names)
    check_distinct(z, names, "there is no path")
    a, b = names
    gamma = torch.tensor(gammas).unsqueeze(1)  # (s, 1)
    words = tuple(
        beyond_words(
            g, "decoded from its embedding", "decoded from the interpolated embedding",
            "decoded from the extrapolated embedding",
        )
        for g in gammas
    )  # fmt: skip
    about = tuple(
        {"made_by": "path", "a": a, "b": b, "gamma": g, "embedding": "(1 - gamma) a + gamma b"} for g in gammas
    )
    ends = tuple((list(gammas).index(g), k) for k, g in enumerate((0.0, 1.0)) if g in gammas)
    through, marks = (tuple((i, called[k]) for i, k in ends) for called in (names, "AB"))
    return LatentFamily(
        "path", (1 - gamma) * z[0] + gamma * z[1], "gamma", tuple(gammas), words, about, (a, b), len(gammas) // 2,
        through, marks,
    )  # fmt: skip


def analogy(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Add to c what sets a apart from b: a - b + c, of embeddings (E) (Mikolov et al. 2013)."""
    return a - b + c


def arithmetic(z: Tensor, names: Sequence[str], steps: int = PATH_STEPS) -> LatentFamily:
    """Lead from c to a - b + c, of the embeddings (3, E) of a, b and c; the parameter is the share of a - b added.

    Raises:
        UsageError: there are not three networks, a and b have one embedding, or one is not finite.
    """
    if len(names) != 3:
        raise UsageError(f"arithmetic takes three networks a, b and c, got {len(names)}")
    check_anchors(z, names)
    a, b, c = names
    if torch.equal(z[0], z[1]):
        raise UsageError(f"a − b is nothing: {a} and {b} are embedded at one point. Choose others")
    _check_steps(steps)
    share = torch.linspace(0, 1, steps).unsqueeze(1)
    way = torch.lerp(z[2], analogy(*z), share)  # (s, E)
    words = ("c, decoded from its embedding", *["on the way from c to the result"] * (steps - 2), "the result, decoded")
    positions = tuple(share[:, 0].tolist())
    about = tuple(
        {"made_by": "arithmetic", "a": a, "b": b, "c": c, "share": p, "embedding": "c + share (a - b)"}
        for p in positions
    )
    return LatentFamily("arithmetic", way, "share", positions, words, about, (a, b, c), steps - 1, ((0, c),))


def furthest_along(direction: Direction, reaches: float = 1.0) -> float:
    """Return how far, in units of its column, a direction moves networks: `reaches` times its `reach`, 2 std at most.

    `Task.reaches` says how many for a kind of network.
    """
    return min(reaches * direction.reach, SPREADS * direction.std)


def along(
    direction: Direction, z: Tensor, name: str, furthest: float, value: float = math.nan, steps: int = PATH_STEPS
) -> LatentFamily:
    """Move a network along the direction of a column, which the parameter is.

    Args:
        z: its embedding (E).
        furthest: change of the column at either end, in its units.
        value: of the column before it is moved; NaN if it is not known, then it is predicted from the embedding.

    Raises:
        UsageError: the embedding is not finite, or the number of steps is even: the network is in the middle.
    """
    check_anchors(z.unsqueeze(0), [name])
    _check_steps(steps)
    if steps % 2 == 0:
        raise UsageError(f"a direction has an odd number of steps, with the network itself in the middle, got {steps}")
    value = value if math.isfinite(value) else float(direction.score(z))
    by = torch.linspace(-furthest, furthest, steps)  # (s)
    moved, values = direction.move(z, by), tuple((value + by).tolist())
    called, digits, middle = direction.column.replace("_", " "), decimals(values), steps // 2
    itself = ((middle, name),)
    words = tuple(
        f"{name}, decoded from its embedding" if i == middle else f"moved by {step:+.{digits}f} {called}"
        for i, step in enumerate(by.tolist())
    )
    about = tuple(
        {
            "made_by": "direction", "of": name, "column": direction.column, "by": round(float(step), 6),
            "asked": round(asked, 6), "r2": round(direction.r2, 4), "networks": direction.count,
            "embedding": [float(v) for v in e],
        }
        for step, asked, e in zip(by, values, moved, strict=True)
    )  # fmt: skip
    return LatentFamily(
        "direction", moved, direction.column, values, words, about, (name,), middle, itself, itself
    )  # fmt: skip


def decimals(values: Sequence[float]) -> int:
    """Return how many decimals tell neighbouring values apart, 4 at most."""
    step = (max(values) - min(values)) / max(1, len(values) - 1)
    return min(4, max(0, math.ceil(-math.log10(step)))) if step > 0 else 2


def _check_steps(steps: int) -> None:
    if steps < 2:
        raise UsageError(f"a path has at least 2 steps, got {steps}")
    if steps > MOST_ITEMS:
        raise UsageError(f"a path has at most {MOST_ITEMS:,} steps, got {steps:,}")


# -- anchors -------------------------------------------------------------------------------------------------------


def check_anchors(z: Tensor, names: Sequence[str]) -> None:
    """Raise UsageError, naming it, if the embedding (k, E) of a network is not finite."""
    for name, good in zip(names, finite(z).tolist(), strict=True):
        if not good:
            raise UsageError(f"{name} has weights that are no numbers: it has no place in the space")


def check_distinct(z: Tensor, names: Sequence[str], what: str) -> None:
    """Raise UsageError, beginning with `what`, if all embeddings (k, E) are the same."""
    if torch.equal(z, z[:1].expand_as(z)):
        told = list(dict.fromkeys(names))
        same = f"{told[0]} alone" if len(told) == 1 else f"{' and '.join(told[:2])}, which are embedded at one point"
        raise UsageError(f"{what} from {same}: choose networks that differ")


def _embedded_words(steps: int, through: Sequence[tuple[int, str]], others: str) -> tuple[str, ...]:
    """Say what the networks are: those that the family leads through, and all others."""
    own = {i: f"{name}, decoded from its embedding" for i, name in through}
    return tuple(own.get(i, others) for i in range(steps))
