"""Families of networks made from embeddings: beyond the ends of a path, along a direction, by arithmetic, by mixing."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.tasks import app_task
from app.tasks.task import PAIR_ENDS
from netspace.latent import directions, families
from netspace.latent.embeddings import finite, nearest
from netspace.latent.paths import FIRST, METHODS
from netspace.nets.network import Network
from netspace.tasks import task_of
from netspace.zoo.store import TRAIN

from . import charts, manifold, projections, take_away
from .caches import cached_value
from .catalogue import DEVICE, Loaded, card
from .path import (
    STEPS,
    NetworkPath,
    Route,
    Side,
    absent_words,
    arch_ids,
    architectures_along,
    between,
    method_colour,
    several,
    sides_between,
)

BEYOND = tuple(i / 24 - 0.5 for i in range(49))
"""gammas of the path from A to B and beyond both ends; 0 and 1 are among them"""
SAYS_LITTLE, SAYS_NOTHING = 0.5, 0.1
"""R² below which a direction comes with a warning"""
ORIGINAL = "#64748B"
"""slate, as a target or the ground truth everywhere"""


@dataclass(frozen=True)
class Place:
    """A point of the space that is no network of the zoo: where an empty place was clicked, or of another zoo."""

    name: str
    z: tuple[float, ...]


@dataclass(frozen=True)
class Family:
    """Networks with one parameter, and what the page says of them."""

    kind: str
    route: Route
    z: np.ndarray
    """(steps, E) embeddings"""
    start: int
    """the step that is shown first"""
    shown: dict
    """for the view, over what it shows of any route"""
    words: str
    """in a word, for the line on the map"""
    anchors: tuple[int, ...]
    """ids of the networks that it is made of"""
    near: tuple[str, ...]
    """names of the training networks nearest to every step"""
    far: np.ndarray | None
    """(steps) `Reach.far`; None where there are too few training networks to say"""
    made: Callable[[int], dict]
    """how the network of a step was made"""
    notes: tuple[str, ...] = ()
    """what is to be known of the family as a whole"""
    held: tuple[str, ...] = ()
    """of a direction: the columns that stay as they are"""
    original: str = ""
    """name of the network that the fixed side shows"""
    lattice: dict | None = None
    """of a mix: what the pad shows"""

    def said(self, i: int) -> str:
        """A step in words: "gamma 0.50"."""
        axis = self.shown["axis"]
        value = axis["said"][i] if axis.get("said") else f"{axis['values'][i]:.{axis['digits']}f}"
        return f"{axis['title']} {value}".replace("-", "−")


# -- where networks are --------------------------------------------------------------------------------------------


def embeddings(loaded: Loaded) -> Tensor:
    """Of all networks of the zoo, (b, E)."""
    return torch.from_numpy(charts.embeddings_of(loaded))


def _training(loaded: Loaded, z: Tensor) -> Tensor:
    """Ids of the training networks whose embeddings among these (b, E) are numbers."""
    ids = torch.tensor(loaded.zoo.ids(TRAIN), dtype=torch.long)
    return ids[finite(z[ids])]


@cached_value(max_entries=64)
def _nearest(key: str, z: np.ndarray, _loaded: Loaded) -> tuple[np.ndarray, np.ndarray]:
    """Of embeddings (s, E) the distance (s) to the nearest training network, and its id (s); of none, empty."""
    known = embeddings(_loaded)
    ids = _training(_loaded, known)
    if not len(ids):
        return np.empty(0), np.empty(0, int)
    found = nearest(torch.from_numpy(z), known[ids], 1)
    return found.distances[:, 0].numpy(), ids[found.ids[:, 0]].numpy()


def _embedded(loaded: Loaded, ids: Sequence[int]) -> Tensor:
    """Embeddings (k, E) of networks; ValueError, naming it, for one that has none."""
    z = embeddings(loaded)[list(ids)]
    for i, good in zip(ids, finite(z).tolist(), strict=True):
        if not good:
            raise ValueError(f"{loaded.names[i]} has weights that are no numbers: it has no place in the space.")
    return z


def _distinct(loaded: Loaded, ids: Sequence[int], z: Tensor, what: str) -> None:
    """ValueError where all of these embeddings are the same."""
    if torch.equal(z, z[:1].expand_as(z)):
        names = list(dict.fromkeys(loaded.names[i] for i in ids))
        same = f"{names[0]} alone" if len(names) == 1 else f"{' and '.join(names[:2])}, which are embedded at one point"
        raise ValueError(f"{what} from {same}: choose networks that differ.")


# -- what all kinds share ------------------------------------------------------------------------------------------


def _latent(loaded: Loaded, z: Tensor, title: str, help: str, kinds: list[str]) -> Side:
    """The side whose networks are decoded from embeddings (steps, E); `kinds` says what they are."""

    def network(i: int) -> Network:
        with torch.inference_mode():
            return loaded.space.networks(z[i : i + 1].to(DEVICE))[0]

    words: dict[str, Any] = {"side": "latent", "title": title, "help": help, "colour": method_colour(FIRST)}
    return Side("latent", network, words | {"ends": kinds[0], "between": kinds[0], "kinds": kinds})


def _original(network: Network, name: str, help: str) -> Side:
    """The side that shows one network of the zoo at all steps."""
    what = "the original network"
    words = {"side": "original", "title": name, "help": help, "ends": what, "between": what, "colour": ORIGINAL}
    return Side("original", lambda i: network, words | {"kinds": None}, fixed=True)


def _probabilities(loaded: Loaded, z: Tensor) -> np.ndarray | None:
    if not several(loaded):
        return None
    with torch.inference_mode():
        return loaded.space.head(z.to(DEVICE)).softmax(dim=1).cpu().numpy()


def _surroundings(loaded: Loaded, z: np.ndarray) -> tuple[dict, np.ndarray | None, tuple[str, ...]]:
    """What the view is told of how far the steps lie from training networks, the same as numbers, and which these are.

    The distances are in units of the reach of the training networks, which a large zoo's take a while to be known.
    """
    distances, ids = _nearest(loaded.key, z, loaded)
    if not len(ids):
        return {}, None, ("",) * len(z)
    near = tuple(loaded.zoo.records.name.iloc[ids])
    reach = manifold.of(charts.chart(loaded)).reach
    if reach is None:
        return {}, None, near
    far = distances / max(reach.p99_nn, 1e-30)
    return {"far": [round(float(v), 4) for v in far], "off": (far > 1).tolist()}, far, near


def _end(letter: str, name: str, words: str = "") -> dict:
    """An end of the slider that is no network of the zoo."""
    return {"letter": letter, "name": name, "words": words, "split": "", "held_out": False, "accuracy": None}


def _anchor(loaded: Loaded, i: int, letter: str) -> dict:
    return asdict(card(loaded, i)) | {"letter": letter}


def _digits(values: Sequence[float]) -> int:
    """Decimals in which neighbouring values differ, 4 at most."""
    step = (max(values) - min(values)) / max(1, len(values) - 1)
    return min(4, max(0, math.ceil(-math.log10(step)))) if step > 0 else 2


def _about(loaded: Loaded, kind: str, **made: object) -> dict:
    """Where a network of a family comes from; travels with its file."""
    return {
        "made_by": kind,
        **made,
        "space": loaded.space_info.id,
        "zoo": loaded.zoo_info.id,
        "evaluate": task_of(loaded.space).formula,
    }


def _family(
    loaded: Loaded,
    kind: str,
    key: str,
    z: Tensor,
    sides: Sequence[Side],
    *,
    axis: dict,
    ends: tuple[Network, Network],
    of_ends: tuple[int, int],
    compared: Mapping[str, tuple[str, str]],
    measured: str = "",
    **more,
) -> Family:
    """From what differs between the kinds: `ends` are what steps are compared with, `of_ends` their ClassIds."""
    numbers = app_task(loaded).numbers(compared, measured.replace("_", " "))
    shown = {"axis": axis, "numbers": numbers, "same": False, "absent": []}
    around, far, near = _surroundings(loaded, z.numpy())
    probabilities = functools.cache(lambda: _probabilities(loaded, z))
    positions = tuple(axis["values"] or range(len(z)))
    route = Route(f"{loaded.key}|{kind}|{key}", tuple(sides), positions, ends, probabilities, measured)
    shown |= around | {"family": architectures_along(loaded, probabilities(), of_ends)} | more.pop("shown")
    return Family(kind, route, z.numpy(), shown=shown, near=near, far=far, **more)


# -- the kinds -----------------------------------------------------------------------------------------------------


def path(loaded: Loaded, a: int, b: int) -> Family:
    """From A to B, and beyond both."""
    z = _embedded(loaded, [a, b])
    _distinct(loaded, [a, b], z, "There is no path")
    gamma = torch.tensor(BEYOND).unsqueeze(1)  # (s, 1)
    z = (1 - gamma) * z[0] + gamma * z[1]  # (s, E)
    route = between(loaded, a, b, sides_between(loaded, a, b), BEYOND)

    def kinds(side: str) -> list[str]:
        method, what = METHODS[side], {"latent": "decoded from the extrapolated embedding"}
        said = {0.0: f"A, {method.ends}", 1.0: f"B, {method.ends}"}
        beyond = what.get(side, "extrapolated weights")
        return [
            said.get(g, f"beyond {'A' if g < 0 else 'B'}, {beyond}" if not 0 <= g <= 1 else method.between)
            for g in BEYOND
        ]

    sides = [side._replace(words=side.words | {"kinds": kinds(side.name)}) for side in route.sides]
    names, at = loaded.names, (BEYOND.index(0.0), BEYOND.index(1.0))
    help = "Position on the path: 0 is A, 1 is B; below 0 and above 1 it goes on beyond them"

    def made(i: int) -> dict:
        return _about(loaded, "path", a=names[a], b=names[b], gamma=BEYOND[i], embedding="(1 - gamma) a + gamma b")

    return _family(
        loaded, "path", f"{a}|{b}", z, sides,
        axis={"title": "gamma", "values": BEYOND, "digits": 2, "help": help},
        ends=route.ends, of_ends=arch_ids(loaded, a, b),
        compared=PAIR_ENDS,
        shown={
            "ends": {"a": _anchor(loaded, a, "A"), "b": _anchor(loaded, b, "B")},
            "marks": [{"frame": i, "label": label} for i, label in zip(at, "AB", strict=True)],
            "absent": absent_words(loaded, a, b),
        },
        start=len(BEYOND) // 2, words="latent path, beyond A and B", anchors=(a, b), made=made,
    )  # fmt: skip


def columns(loaded: Loaded) -> list[str]:
    """Columns of the records that have a direction."""
    return directions.columns_of(loaded.zoo.records)


def title(column: str) -> str:
    """A column as the page names it."""
    return column.replace("_", " ")


def reads(found: directions.Direction) -> tuple[str, str]:
    """How well a column can be read off embeddings, in words; and what to expect where that is badly."""
    r2 = f"{found.r2:.2f} ± {found.r2_std:.2f}".replace("-", "−")
    words = f"Cross-validated R² {r2} ({directions.FOLDS} folds, {found.count} training networks)"
    if found.r2_unseen is not None:
        unseen = f"{found.r2_unseen:.2f}".replace("-", "−")
        words += f"; {unseen} on {found.count_unseen} networks that the space was not trained on"
    understood = found.r2 if found.r2_unseen is None else min(found.r2, found.r2_unseen)
    if understood >= SAYS_LITTLE:
        return f"{words}.", ""
    little = "little" if understood >= SAYS_NOTHING else "nothing"
    if found.r2 >= SAYS_LITTLE:
        return f"{words}.", (
            f"The space remembers the {title(found.column)} of networks it was trained on; its embeddings of others "
            f"say {little} about it: do not expect the slider to change it in those."
        )
    return (
        f"{words}.",
        f"These embeddings say {little} about {title(found.column)}: do not expect the slider to change it.",
    )


def direction(loaded: Loaded, start: int | Place, column: str) -> Family:
    """A network, moved along the direction of a column; `start` is its id, or a point of the space."""
    found, records, called = projections.direction(charts.chart(loaded), column), loaded.zoo.records, title(column)
    if isinstance(start, Place):
        name, z0, own = start.name, torch.tensor(start.z), math.nan
        if not z0.isfinite().all():
            raise ValueError(f"{name} has weights that are no numbers: it has no place in the space.")
    else:
        name, z0, own = loaded.names[start], _embedded(loaded, [start])[0], float(records[column][start])
    known = math.isfinite(own)
    own = own if known else float(found.score(z0))
    furthest = families.furthest_along(found, task_of(loaded.space).reaches)
    by = torch.linspace(-furthest, furthest, STEPS)  # (s)
    z, values = found.move(z0, by), (own + by).tolist()
    middle, digits = STEPS // 2, _digits(values)
    what = "the decoded network itself" if isinstance(start, Place) else f"{name}, decoded from its embedding"
    kinds = [what if i == middle else f"moved by {step:+.{digits}f} {called}" for i, step in enumerate(by.tolist())]
    moved = _latent(loaded, z, "moved", "Its embedding, moved along the direction of the column, and decoded", kinds)
    if isinstance(start, Place):
        network, sides = moved.network(middle), [moved]
    else:
        network = loaded.zoo[start].to(DEVICE)
        sides = [_original(network, name, "The network of the zoo, as it is"), moved]
    measured = column if column in app_task(loaded).measured_columns else ""
    compared = {"a": ("start", f"{name}, before it is moved")}
    shown = {
        "ends": {"a": _end("−", f"less {called}"), "b": _end("+", f"more {called}")},
        "marks": [{"frame": middle, "label": name}],
    }
    if measured:
        shown["chart"] = {
            "key": "measured", "title": "measured",
            "help": f"{called} measured of the decoded meshes; dotted: what the slider asks for. A gap: no surface.",
        }  # fmt: skip
    words, warning = reads(found)
    unknown = "" if known else f"The zoo does not know the {called} of {name}: its value is read off its embedding."
    arch = loaded.space.family.names.index(network.arch.name)

    def made(i: int) -> dict:
        return _about(
            loaded, "direction", of=name, column=column, by=round(float(by[i]), 6), asked=round(values[i], 6),
            r2=round(found.r2, 4), networks=found.count, embedding=[float(v) for v in z[i]],
        )  # fmt: skip

    key = f"{column}|{start}" if not isinstance(start, Place) else f"{column}|{hash(start)}"
    return _family(
        loaded, "direction", key, z, sides,
        axis={"title": called, "values": values, "digits": digits, "help": f"The {called} that is asked for"},
        ends=(network, network), of_ends=(arch, arch), compared=compared, measured=measured, shown=shown,
        start=middle, words=f"direction of {called}", anchors=() if isinstance(start, Place) else (start,), made=made,
        notes=tuple(filter(None, [words, warning, unknown])), held=found.controlled, original=name,
    )  # fmt: skip


def arithmetic(loaded: Loaded, a: int, b: int, c: int) -> Family:
    """From c to a - b + c."""
    names, z = loaded.names, _embedded(loaded, [a, b, c])
    if torch.equal(z[0], z[1]):
        raise ValueError(f"a − b is nothing: {names[a]} and {names[b]} are embedded at one point. Choose others.")
    result = families.analogy(*z)
    share = torch.linspace(0, 1, STEPS).unsqueeze(1)
    way = torch.lerp(z[2], result, share)  # (s, E)
    network = loaded.zoo[c].to(DEVICE)
    kinds = ["c, decoded from its embedding", *["on the way from c to the result"] * (STEPS - 2), "the result, decoded"]
    sides = [
        _original(network, f"c: {names[c]}", "The network of the zoo, as it is"),
        _latent(loaded, way, "a − b + c", "Decoded from the embedding of a, minus that of b, plus that of c", kinds),
    ]

    def made(i: int) -> dict:
        embedding = "c + share (a - b)"
        return _about(
            loaded, "arithmetic", a=names[a], b=names[b], c=names[c], share=float(share[i]), embedding=embedding
        )

    arch = arch_ids(loaded, c, c)
    return _family(
        loaded, "arithmetic", f"{a}|{b}|{c}", way, sides,
        axis={
            "title": "share", "values": share[:, 0].tolist(), "digits": 2,
            "help": "Share of a − b that is added to c: 0 is c, 1 the result",
        },
        ends=(network, network), of_ends=arch, compared={"a": ("c", f"{names[c]}, the original")},
        shown={"ends": {"a": _anchor(loaded, c, "c"), "b": _end("=", "a − b + c")}},
        start=STEPS - 1, words="from c to a − b + c", anchors=(a, b, c), made=made, original=names[c],
    )  # fmt: skip


def mix(loaded: Loaded, ids: Sequence[int]) -> Family:
    """Mixtures of three or four networks."""
    if len(ids) not in families.LATTICES:
        raise ValueError(f"A mix is of three or four networks, not of {len(ids)}.")
    z, names = _embedded(loaded, ids), [loaded.names[i] for i in ids]
    _distinct(loaded, ids, z, "There is nothing to mix")
    lay, side = families.LATTICES[len(ids)]
    lattice = lay(side)
    mixed = families.blend(z, lattice.weights)
    weights = lattice.weights.numpy().round(4)
    said = [" ".join(f"{w + 1e-6:.2f}" for w in row) for row in weights]  # halves up, as the pad
    kinds = [
        f"{names[int(row.argmax())]}, decoded from its embedding" if row.max() > 0.999 else "decoded from the mixture"
        for row in weights
    ]
    sides = [_latent(loaded, mixed, "mixture", "Decoded from the weighted mean of the embeddings", kinds)]
    ends = (loaded.zoo[ids[0]].to(DEVICE), loaded.zoo[ids[1]].to(DEVICE))

    def made(i: int) -> dict:
        return _about(loaded, "mix", weights=dict(zip(names, weights[i].tolist(), strict=True)), networks=names)

    family = _family(
        loaded, "mix", "|".join(map(str, ids)), mixed, sides,
        axis={"title": "weights", "values": None, "said": said, "help": f"Of {', '.join(names)}"},
        ends=ends, of_ends=arch_ids(loaded, *ids[:2]), compared={},
        shown={"ends": {"a": _end("", ""), "b": _end("", "")}, "padded": True},
        start=int((lattice.weights - 1 / len(ids)).square().sum(dim=1).argmin()),
        words="mixtures", anchors=tuple(ids), made=made,
    )  # fmt: skip
    pad = {"xy": lattice.xy.numpy().round(4).tolist(), "weights": weights.tolist(), "names": names}
    return replace(family, lattice=pad | {"off": family.shown.get("off")})


def spline(loaded: Loaded, ids: Sequence[int]) -> Family:
    """Through networks, in this order."""
    if not 2 <= len(ids) <= families.MOST_ANCHORS:
        raise ValueError(f"A spline leads through 2 to {families.MOST_ANCHORS} networks, not through {len(ids)}.")
    z, names = _embedded(loaded, ids), [loaded.names[i] for i in ids]
    _distinct(loaded, ids, z, "There is no way")
    for i, j, one, other in zip(ids, ids[1:], z, z[1:], strict=False):
        if torch.equal(one, other):
            raise ValueError(
                f"{loaded.names[i]} and {loaded.names[j]} are embedded at one point: take one of them out."
            )
    way, knots = families.natural_spline(z, max(4, math.ceil((STEPS - 1) / (len(ids) - 1))))
    steps, at = len(way), knots.tolist()
    positions = np.interp(range(steps), at, range(1, len(ids) + 1)).round(6).tolist()
    on = dict(zip(at, names, strict=True))
    kinds = [f"{on[i]}, decoded from its embedding" if i in on else "decoded from the spline" for i in range(steps)]
    sides = [_latent(loaded, way, "spline", "Decoded along the natural cubic spline through the embeddings", kinds)]

    def made(i: int) -> dict:
        return _about(loaded, "spline", through=names, at=positions[i], embedding="natural cubic spline, chord lengths")

    return _family(
        loaded, "spline", "|".join(map(str, ids)), way, sides,
        axis={"title": "network", "values": positions, "digits": 2, "help": "1 is the first network, 2 the second"},
        ends=(loaded.zoo[ids[0]].to(DEVICE), loaded.zoo[ids[-1]].to(DEVICE)), of_ends=arch_ids(loaded, ids[0], ids[-1]),
        compared={"a": ("first", f"{names[0]}, the original"), "b": ("last", f"{names[-1]}, the original")},
        shown={
            "ends": {"a": _anchor(loaded, ids[0], "1"), "b": _anchor(loaded, ids[-1], str(len(ids)))},
            "marks": [{"frame": i, "label": str(k)} for k, i in enumerate(at, start=1)],
        },
        start=0, words="spline", anchors=tuple(ids), made=made,
    )  # fmt: skip


# -- choosing ------------------------------------------------------------------------------------------------------


def default_anchors(loaded: Loaded, a: int, b: int, more: Sequence[int | None], count: int) -> list[int]:
    """A, B, those asked for and training networks: different ones, `count` where the zoo has as many."""
    train = loaded.zoo.ids(TRAIN)
    every = max(1, len(train) // 7)
    wanted = [a, b, *(i for i in more if i is not None), *train[every::every], *train, *range(len(loaded.zoo))]
    return list(dict.fromkeys(wanted))[:count]


def default_arithmetic(loaded: Loaded, a: int, b: int) -> list[int]:
    """A, the training network nearest to it, and B: what sets the first two apart is little, and carried over to B."""
    z = embeddings(loaded)
    others = _training(loaded, z)
    others = others[(others != b) & (z[others] != z[a]).any(dim=1)]
    if not len(others) or not finite(z[a : a + 1]):
        return default_anchors(loaded, a, b, [], 3)
    return [a, int(others[nearest(z[a : a + 1], z[others], 1).ids[0, 0]]), b]


# -- showing -------------------------------------------------------------------------------------------------------


def can_ask(loaded: Loaded) -> bool:
    """Whether the networks can be shown: shapes always, classifiers where their test images are."""
    return app_task(loaded).can_show(loaded)


def work(loaded: Loaded, family: Family, first: int) -> NetworkPath:
    """The networks of a family, worked on in the background; DataError where the test images cannot be read."""
    return app_task(loaded).route_path(loaded, family.route, first)


def view_data(loaded: Loaded, work: NetworkPath, family: Family, frame: int, method: str) -> dict:
    """What the viewer, or of classifiers their view, shows of a family."""
    any_two = (family.anchors * 2 or (0, 0))[:2]
    data = app_task(loaded).view_data(loaded, work, *any_two, frame=frame, method=method)
    return data | {"hint": ""} | family.shown


def remark(loaded: Loaded, family: Family, i: int) -> str:
    """Where the network of a step lies among the training networks."""
    if not family.near[i]:
        return ""
    if family.far is None:
        return f"Nearest training network: {family.near[i]}."
    if family.far[i] < 1e-3:
        return f"This is the embedding of {family.near[i]}, a training network."
    if family.shown["off"][i]:
        return f"Off the manifold: the nearest training network, {family.near[i]}, is at {family.far[i]:.2f}, above 1."
    return (
        f"Nearest training network: {family.near[i]}, at a distance of {family.far[i]:.2f} (above 1: off the manifold)."
    )


def made(work: NetworkPath, family: Family, side: str, i: int) -> dict:
    """How the network of a side at a step was made; travels with its file."""
    if side == "original":
        about = {"made_by": "zoo", "name": family.original}
        return about | {key: family.made(i)[key] for key in ("space", "zoo", "evaluate")}
    how = family.made(i) | {"method": side, "architecture": take_away.arch_name(work, side, i)}
    return how if side == "latent" else {key: value for key, value in how.items() if key != "embedding"}


def network_file(work: NetworkPath, side: str, i: int, about: dict, kind: str) -> bytes:
    """A network of a family as a file, as `take_away.network_bytes`."""
    return take_away.network_bytes(work.network(side, i), about, kind)
