"""Families of networks as the page Map shows them; what they are stands in `netspace.latent.families`."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.palette import TRUTH_COLOUR
from app.tasks import app_task
from app.tasks.task import PAIR_ENDS
from netspace.io import content_hash
from netspace.latent import directions, families
from netspace.latent.embeddings import finite, nearest
from netspace.latent.families import LatentFamily
from netspace.latent.paths import FIRST, METHODS
from netspace.nets.network import Network
from netspace.tasks import task_of
from netspace.zoo.store import TRAIN

from . import charts, manifold, projections
from .caches import cached_value
from .catalogue import DEVICE, Loaded, card
from .embeddings import zoo_embeddings
from .path import (
    NetworkPath,
    Route,
    Side,
    absent_words,
    architectures_along,
    between,
    method_colour,
    several,
    sides_between,
)

BEYOND = families.gammas_beyond(0.5, 25)
"""gammas of the path from A to B and beyond both ends; 0 and 1 are among them"""
SAYS_LITTLE, SAYS_NOTHING = 0.5, 0.1
"""R² below which a direction comes with a warning"""
MOST_ON_SPLINE = families.MOST_ANCHORS
"""maximum number of networks on a spline"""


@dataclass(frozen=True)
class Place:
    """A point of the space that is no network of the zoo: where an empty place was clicked, or of another zoo."""

    name: str
    z: tuple[float, ...]


@dataclass(frozen=True)
class Move:
    """A family of networks, and what the page says of it."""

    family: LatentFamily
    route: Route
    shown: dict
    """for the view, over what it shows of any route"""
    words: str
    """in a few words, for the line on the map"""
    anchors: tuple[int, ...]
    """ids of the networks that it is made from"""
    near: tuple[str, ...]
    """names of the training networks nearest to every step"""
    far: np.ndarray | None
    """(steps) `Reach.score`; None if there are too few training networks to say"""
    about: dict
    """where its networks come from; travels with their files"""
    notes: tuple[str, ...] = ()
    """what to know about the family as a whole"""
    controlled: tuple[str, ...] = ()
    """of a direction: the columns that are held fixed"""
    original: str = ""
    """name of the network that the fixed side shows"""
    pad: dict | None = None
    """of a mix: what the pad shows"""

    @property
    def kind(self) -> str:
        """path, direction, arithmetic, mix or spline"""
        return self.family.kind

    @property
    def start(self) -> int:
        """The step that is shown first."""
        return self.family.start

    @property
    def z(self) -> np.ndarray:
        """(steps, E) embeddings"""
        return self.family.z.numpy()

    def made(self, i: int) -> dict:
        """Return how the network of a step was made, as JSON."""
        return self.family.made[i] | self.about

    def said(self, i: int) -> str:
        """Say where a step is: "gamma 0.50"."""
        axis = self.shown["axis"]
        value = axis["said"][i] if axis.get("said") else f"{axis['values'][i]:.{axis['digits']}f}"
        return f"{axis['title']} {value}".replace("-", "−")


# -- where networks are --------------------------------------------------------------------------------------------


def _anchors(loaded: Loaded, ids: Sequence[int]) -> tuple[Tensor, list[str]]:
    """Return the embeddings (k, E) and the names of networks."""
    return zoo_embeddings(loaded)[list(ids)], [loaded.names[i] for i in ids]


def _training(loaded: Loaded, z: Tensor) -> Tensor:
    """Return the ids of the training networks whose embeddings among these (b, E) are finite."""
    ids = torch.tensor(loaded.zoo.ids(TRAIN), dtype=torch.long)
    return ids[finite(z[ids])]


@cached_value(max_entries=64)
def _nearest(key: str, content: str, _z: Tensor, _loaded: Loaded) -> tuple[np.ndarray, np.ndarray]:
    """Return distances (s) of embeddings (s, E) to the nearest training network, and its ids (s); empty if none is."""
    known = zoo_embeddings(_loaded)
    ids = _training(_loaded, known)
    if not len(ids):
        return np.empty(0), np.empty(0, int)
    found = nearest(_z, known[ids], 1)
    return found.distances[:, 0].numpy(), ids[found.ids[:, 0]].numpy()


def _surroundings(loaded: Loaded, z: Tensor) -> tuple[dict, np.ndarray | None, tuple[str, ...]]:
    """Return what the view is told about how far the steps lie from training networks, the distances, and the names.

    The distances are in units of the reach of the training networks, which takes a while to measure in a large zoo.
    """
    distances, ids = _nearest(loaded.key, content_hash(z), z, loaded)
    if not len(ids):
        return {}, None, ("",) * len(z)
    near = tuple(loaded.zoo.records.name.iloc[ids])
    reach = manifold.manifold_of(_chart(loaded)).reach
    if reach is None:
        return {}, None, near
    far = reach.ratio(torch.from_numpy(distances)).numpy()
    return {"far": [round(float(v), 4) for v in far], "off": (far > 1).tolist()}, far, near


def _chart(loaded: Loaded) -> charts.Chart:
    """Return the zoo's networks on their map; wait for their embeddings."""
    zoo_embeddings(loaded)
    found = charts.chart(loaded)
    assert found is not None
    return found


# -- what all kinds share ------------------------------------------------------------------------------------------


def _decoded(loaded: Loaded, family: LatentFamily, title: str, help: str) -> Side:
    """Return the side whose networks are decoded from a family's embeddings."""
    words, kinds = {"side": FIRST, "title": title, "help": help, "colour": method_colour(FIRST)}, list(family.words)
    told = words | {"ends": kinds[0], "between": kinds[0], "kinds": kinds}
    return Side(FIRST, functools.partial(family.network, loaded.space), told)


def _original(network: Network, name: str, help: str) -> Side:
    """Return the side that shows one network of the zoo at all steps."""
    what = "the original network"
    words = {"side": "original", "title": name, "help": help, "ends": what, "between": what, "colour": TRUTH_COLOUR}
    return Side("original", lambda i: network, words | {"kinds": None}, fixed=True)


def _end(letter: str, name: str, words: str = "") -> dict:
    """An end of the slider that is no network of the zoo."""
    return {"letter": letter, "name": name, "words": words, "split": "", "held_out": False, "accuracy": None}


def _anchor(loaded: Loaded, i: int, letter: str) -> dict:
    return asdict(card(loaded, i)) | {"letter": letter}


def _on_device(loaded: Loaded, a: int, b: int) -> tuple[Network, Network]:
    return loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE)


def _move(
    loaded: Loaded,
    family: LatentFamily,
    key: str,
    sides: Sequence[Side],
    *,
    axis: dict,
    ends: tuple[Network, Network],
    compared: Mapping[str, tuple[str, str]],
    measured: str = "",
    **more,
) -> Move:
    """Put together what the kinds share: `ends` are what steps are compared with, `compared` what these are called."""
    numbers = app_task(loaded).numbers(compared, measured.replace("_", " "))
    shown = {"axis": axis, "numbers": numbers, "same": False, "absent": []}
    if family.marks:
        shown["marks"] = [{"frame": i, "label": label} for i, label in family.marks]

    @functools.cache
    def probabilities() -> np.ndarray | None:
        logits = family.class_logits(loaded.space) if several(loaded) else None
        return None if logits is None else logits.softmax(dim=1).cpu().numpy()

    around, far, near = _surroundings(loaded, family.z)
    route = Route(f"{loaded.key}|{family.kind}|{key}", tuple(sides), family.positions, ends, probabilities, measured)
    first, last = (loaded.space.family.names.index(end.arch.name) for end in ends)
    shown |= around | {"family": architectures_along(loaded, probabilities(), (first, last))} | more.pop("shown")
    about = {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id}
    return Move(family, route, shown=shown, near=near, far=far, about=about, **more)


# -- the kinds -----------------------------------------------------------------------------------------------------


def path_beyond(loaded: Loaded, a: int, b: int) -> Move:
    """Lead from A to B, and beyond both, by every method that does."""
    family = families.beyond(*_anchors(loaded, [a, b]), BEYOND)
    route = between(loaded, a, b, sides_between(loaded, a, b), BEYOND)

    def kinds(side: str) -> list[str]:
        how = METHODS[side]
        return [families.beyond_words(gamma, how.ends, how.between, how.beyond) for gamma in BEYOND]

    help = "Position on the path: 0 is A, 1 is B; below 0 and above 1 it goes on beyond them"
    return _move(
        loaded, family, f"{a}|{b}",
        [side._replace(words=side.words | {"kinds": kinds(side.name)}) for side in route.sides],
        axis={"title": "gamma", "values": BEYOND, "digits": 2, "help": help}, ends=route.ends, compared=PAIR_ENDS,
        shown={
            "ends": {"a": _anchor(loaded, a, "A"), "b": _anchor(loaded, b, "B")},
            "absent": absent_words(loaded, a, b),
        },
        words="latent path, beyond A and B", anchors=(a, b),
    )  # fmt: skip


def directed_columns(loaded: Loaded) -> list[str]:
    """Return the columns of the zoo's table that have a direction."""
    return directions.columns_of(loaded.zoo.records)


def column_title(column: str) -> str:
    """Return a column as the page names it."""
    return column.replace("_", " ")


def fit_words(found: directions.Direction) -> tuple[str, str]:
    """Say how well a column can be predicted from embeddings, and what to expect if that is badly."""
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
            f"The space remembers the {column_title(found.column)} of networks it was trained on; its embeddings of "
            f"others say {little} about it: do not expect the slider to change it in those."
        )
    return (
        f"{words}.",
        f"These embeddings say {little} about {column_title(found.column)}: do not expect the slider to change it.",
    )


def along_column(loaded: Loaded, start: int | Place, column: str) -> Move:
    """Move a network along the direction of a column; `start` is its id, or a point of the space."""
    found, called = projections.direction_along(_chart(loaded), column), column_title(column)
    own, anchors = math.nan, tuple[int, ...]()
    if isinstance(start, Place):
        name, z0 = start.name, torch.tensor(start.z)
    else:
        (z0,), (name,) = _anchors(loaded, [start])
        own, anchors = float(loaded.zoo.records[column][start]), (start,)
    furthest = families.furthest_along(found, task_of(loaded.space).reaches)
    family = families.along(found, z0, name, furthest, own)
    if not anchors:
        itself = ("the decoded network itself" if i == family.start else w for i, w in enumerate(family.words))
        family = replace(family, words=tuple(itself))
    sides = [_decoded(loaded, family, "moved", "Its embedding, moved along the direction of the column, and decoded")]
    if anchors:
        network = loaded.zoo[anchors[0]].to(DEVICE)
        sides.insert(0, _original(network, name, "The network of the zoo, as it is"))
    else:
        network = family.network(loaded.space, family.start)
    measured = column if column in app_task(loaded).measured_columns else ""
    shown: dict = {"ends": {"a": _end("−", f"less {called}"), "b": _end("+", f"more {called}")}}
    if measured:
        shown["chart"] = {
            "key": "measured", "title": "measured",
            "help": f"{called} measured of the decoded meshes; dotted: what the slider asks for. A gap: no surface.",
        }  # fmt: skip
    words, warning = fit_words(found)
    unknown = f"The zoo does not know the {called} of {name}: its value is read off its embedding."
    values = family.positions
    return _move(
        loaded, family, f"{column}|{anchors[0] if anchors else hash(start)}", sides,
        axis={"title": called, "values": values, "digits": families.decimals(values),
              "help": f"The {called} that is asked for"},
        ends=(network, network), compared={"a": ("start", f"{name}, before it is moved")}, measured=measured,
        shown=shown, words=f"direction of {called}", anchors=anchors,
        notes=tuple(filter(None, [words, warning, "" if math.isfinite(own) else unknown])),
        controlled=found.controlled, original=name,
    )  # fmt: skip


def sum_of(loaded: Loaded, a: int, b: int, c: int) -> Move:
    """Lead from c to a - b + c."""
    z, names = _anchors(loaded, [a, b, c])
    family, network = families.arithmetic(z, names), loaded.zoo[c].to(DEVICE)
    help = "Decoded from the embedding of a, minus that of b, plus that of c"
    return _move(
        loaded, family, f"{a}|{b}|{c}",
        [_original(network, f"c: {names[2]}", "The network of the zoo, as it is"),
         _decoded(loaded, family, "a − b + c", help)],
        axis={
            "title": "share", "values": family.positions, "digits": 2,
            "help": "Share of a − b that is added to c: 0 is c, 1 the result",
        },
        ends=(network, network), compared={"a": ("c", f"{names[2]}, the original")},
        shown={"ends": {"a": _anchor(loaded, c, "c"), "b": _end("=", "a − b + c")}},
        words="from c to a − b + c", anchors=(a, b, c), original=names[2],
    )  # fmt: skip


def mix_of(loaded: Loaded, ids: Sequence[int]) -> Move:
    """Mix three or four networks."""
    z, names = _anchors(loaded, ids)
    family = families.mix(z, names)
    weights, xy = (t.numpy().round(4) for t in (family.weights, family.xy))
    said = [" ".join(f"{w + 1e-6:.2f}" for w in row) for row in weights]  # halves up, as the pad
    move = _move(
        loaded, family, "|".join(map(str, ids)),
        [_decoded(loaded, family, "mixture", "Decoded from the weighted mean of the embeddings")],
        axis={"title": "weights", "values": None, "said": said, "help": f"Of {', '.join(names)}"},
        ends=_on_device(loaded, ids[0], ids[1]), compared={},
        shown={"ends": {"a": _end("", ""), "b": _end("", "")}, "padded": True},
        words="mixtures", anchors=tuple(ids),
    )  # fmt: skip
    pad = {"xy": xy.tolist(), "weights": weights.tolist(), "names": names}
    return replace(move, pad=pad | {"off": move.shown.get("off")})


def spline_through(loaded: Loaded, ids: Sequence[int]) -> Move:
    """Lead through networks, in this order."""
    z, names = _anchors(loaded, ids)
    family = families.spline(z, names)
    return _move(
        loaded, family, "|".join(map(str, ids)),
        [_decoded(loaded, family, "spline", "Decoded along the natural cubic spline through the embeddings")],
        axis={"title": "network", "values": family.positions, "digits": 2,
              "help": "1 is the first network, 2 the second"},
        ends=_on_device(loaded, ids[0], ids[-1]),
        compared={"a": ("first", f"{names[0]}, the original"), "b": ("last", f"{names[-1]}, the original")},
        shown={"ends": {"a": _anchor(loaded, ids[0], "1"), "b": _anchor(loaded, ids[-1], str(len(ids)))}},
        words="spline", anchors=tuple(ids),
    )  # fmt: skip


# -- choosing ------------------------------------------------------------------------------------------------------


def default_anchors(loaded: Loaded, a: int, b: int, more: Sequence[int | None], count: int) -> list[int]:
    """Return A, B, those asked for and training networks: different ones, `count` if the zoo has as many."""
    train = loaded.zoo.ids(TRAIN)
    every = max(1, len(train) // 7)
    wanted = [a, b, *(i for i in more if i is not None), *train[every::every], *train, *range(len(loaded.zoo))]
    return list(dict.fromkeys(wanted))[:count]


def default_arithmetic(loaded: Loaded, a: int, b: int) -> list[int]:
    """Return A, the training network nearest to it, and B: what sets the first two apart is added to B."""
    z = zoo_embeddings(loaded)
    others = _training(loaded, z)
    others = others[(others != b) & (z[others] != z[a]).any(dim=1)]
    if not len(others) or not finite(z[a : a + 1]):
        return default_anchors(loaded, a, b, [], 3)
    return [a, int(others[nearest(z[a : a + 1], z[others], 1).ids[0, 0]]), b]


# -- showing -------------------------------------------------------------------------------------------------------


def work_on(loaded: Loaded, move: Move, first: int) -> NetworkPath:
    """Return the work on a family's networks, in the background; DataError if the data it takes cannot be read."""
    return app_task(loaded).route_path(loaded, move.route, first)


def move_data(loaded: Loaded, work: NetworkPath, move: Move, frame: int, method: str) -> dict:
    """Return what the view of this kind of networks shows of a family."""
    a, b = (move.anchors * 2 or (0, 0))[:2]
    data = app_task(loaded).view_data(loaded, work, a, b, frame=frame, method=method)
    return data | {"hint": ""} | move.shown


def remark(move: Move, i: int) -> str:
    """Say where the network of a step lies among the training networks."""
    if not move.near[i]:
        return ""
    if move.far is None:
        return f"Nearest training network: {move.near[i]}."
    if move.far[i] < 1e-3:
        return f"This is the embedding of {move.near[i]}, a training network."
    if move.shown["off"][i]:
        return f"Off the manifold: the nearest training network, {move.near[i]}, is at {move.far[i]:.2f}, above 1."
    return f"Nearest training network: {move.near[i]}, at a distance of {move.far[i]:.2f} (above 1: off the manifold)."


def made(move: Move, side: str, i: int) -> dict:
    """Return how the network of a side at a step was made; travels with its file."""
    if side == "original":
        return {"made_by": "zoo", "name": move.original} | move.about
    how = move.made(i) | {"method": side}
    return how if METHODS[side].embedded else {key: value for key, value in how.items() if key != "embedding"}


def shown_as(move: Move) -> dict[str, Any]:
    """Return what `AppTask.path_subject` is told of a family beside its networks."""
    family, several_marked = move.family, len(move.family.through) > 1
    through = [
        (family.positions[i], f"{k}: {name}" if several_marked else name)
        for k, (i, name) in enumerate(family.through, 1)
    ]
    return {
        "name": "" if move.kind == "path" else move.kind,
        "through": through,
        "axis": family.axis.replace("_", " "),
        "xy": None if family.xy is None else family.xy.numpy(),
    }
