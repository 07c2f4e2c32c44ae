"""The scorecard: every method on the same pairs of networks, as medians and quartiles by kind of pair."""

from __future__ import annotations

import itertools
import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..errors import NetSpaceError, UsageError
from ..latent.paths import METHODS, gammas
from ..nets.network import Network
from ..space.space import NetSpace
from ..tasks import task_of
from ..tasks.path_measures import mean
from ..tasks.task import ScoreColumn, Task
from ..threads import held_threads
from ..zoo.store import HELDOUT, TRAIN, Zoo

WEAK_STRONG, STRONG_STRONG, ANY_TWO = "weak to strong", "strong to strong", "any two"
KINDS_OF_PAIR = (WEAK_STRONG, STRONG_STRONG, ANY_TWO)
SCORED_SPLITS = {TRAIN: "training", HELDOUT: "held-out"}
"""in words"""
LATENT_COLUMNS: Mapping[str, ScoreColumn] = {
    "cycle": ScoreColumn("cycle", "lower", "|encode(decode(z)) - z| / |z|, mean along the path; of latent paths."),
    "cycle_ends": ScoreColumn("cycle, ends", "lower", "The same of the embeddings of both originals."),
}
"""what is measured of every path of embeddings, whatever the networks are"""
MOST_DRAWN_FROM = 1000
"""networks of a split that pairs are drawn from; of more, a fixed sample"""
SIGNIFICANT, PLACES = 6, 7
"""significant digits of what is kept, and places after the point: below are rounding errors"""


class ScoredPair(NamedTuple):
    """Two networks of a zoo, by their ids, and how they were chosen."""

    split: str
    kind: str
    seed: int
    a: int
    b: int


def strength_column(zoo: Zoo, task: Task[Any]) -> str | None:
    """Return the column of a zoo's table that says how good its networks are; None if it has none."""
    return next((name for name in task.strengths if name in zoo.records and zoo.records[name].notna().all()), None)


def drawn_from(ids: list[int]) -> list[int]:
    """Return the networks that pairs are drawn from: all, or a sample of MOST_DRAWN_FROM."""
    return ids if len(ids) <= MOST_DRAWN_FROM else sorted(random.Random(0).sample(ids, MOST_DRAWN_FROM))


def pairs_of_split(zoo: Zoo, ids: Sequence[int], column: str | None, count: int) -> dict[str, list[tuple[int, int]]]:
    """Return, by kind, all pairs (a, b) of networks `ids` that it can be drawn from.

    Weak and strong networks are the lower and the upper quarter by `column`, or so many more, up to half of all, that
    there are `count` pairs; without a column there are none. Any two: in either order.
    """
    found = {ANY_TWO: list(itertools.permutations(ids, 2))}
    if column is None:
        return found
    order = sorted(ids, key=lambda i: (zoo.records[column][i], i))
    enough = next(t for t in itertools.count(2) if t * (t - 1) // 2 >= count)
    tail = min(len(order) // 2, max(math.ceil(len(order) / 4), enough))
    weak, strong = order[:tail], order[len(order) - tail :]
    return {
        WEAK_STRONG: list(itertools.product(weak, strong)),
        STRONG_STRONG: list(itertools.combinations(strong, 2)),
    } | found


def draw_pairs(zoo: Zoo, task: Task[Any], count: int, seeds: Sequence[int]) -> tuple[list[ScoredPair], list[str]]:
    """Draw `count` different pairs of each kind, of each split and for each seed, and say what is missing.

    If there are fewer, all are taken. Networks whose weights are not finite are left out.

    Returns:
        the pairs, and sentences about what was left out.

    Raises:
        UsageError: no split has two networks.
    """
    broken, column, notes, pairs = set(zoo.not_finite), strength_column(zoo, task), [], []
    if broken:
        names = ", ".join(str(zoo.records.name[i]) for i in sorted(broken)[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        notes.append(f"Left out, as their weights are not finite: {names}{more}.")
    if column is None:
        notes.append(
            f"The zoo's table has no complete column {' or '.join(task.strengths)}: no weak and strong networks."
        )
    usable = {split: drawn_from([i for i in zoo.ids(split) if i not in broken]) for split in SCORED_SPLITS}
    for split, ids in usable.items():
        if len(ids) < 2:
            notes.append(f"No pair of {SCORED_SPLITS[split]} networks: there {'is 1' if ids else 'are 0'}.")
            continue
        for kind, all_of in pairs_of_split(zoo, ids, column, count).items():
            if len(all_of) < count:
                notes.append(f"{SCORED_SPLITS[split]}, {kind}: {len(all_of)} pairs, all there are, instead of {count}.")
            for seed in seeds:
                some = random.Random(f"{seed} {split} {kind}").sample(all_of, min(count, len(all_of)))
                pairs += [ScoredPair(split, kind, seed, *pair) for pair in some]
    if not pairs:
        counts = " and ".join(f"{len(ids)} {SCORED_SPLITS[split]}" for split, ids in usable.items())
        raise UsageError(
            f"a scorecard needs two networks of a split, {zoo.folder} has {counts} ones with finite weights"
        )
    return pairs, notes


def cycle_errors(space: NetSpace, z: torch.Tensor, networks: Sequence[Network]) -> list[float]:
    """Return |encode(decode(z)) - z| / |z| of embeddings (s, E) and what they were decoded to, `networks`."""
    with torch.inference_mode():
        again = space.encode(torch.stack([network.prep for network in networks]))
        return ((again - z).norm(dim=1) / z.norm(dim=1)).tolist()


def score_path(
    space: NetSpace, method: str, a: Network, b: Network, steps: int,
    measure: Callable[[Sequence[Network]], dict[str, float | None]], images: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what a method's path between two networks is worth: `why` says why there is none, if there is none."""
    positions = gammas(steps)
    try:
        path = METHODS[method].path_between(space, a, b, images)
        networks = path.networks(positions)
    except NetSpaceError as error:
        return {"why": str(error)}
    bad = sum(not network.prep.isfinite().all() for network in networks)
    if bad:
        return {"why": f"{bad} of its {steps} networks have weights that are not finite."}
    found = measure(networks)
    embeddings = getattr(path, "embeddings", None)
    if METHODS[method].embedded and embeddings:
        cycles = cycle_errors(space, embeddings(positions), networks)
        found |= {"cycle": mean(cycles), "cycle_ends": mean([cycles[0], cycles[-1]])}
    return {name: usable_number(value) for name, value in found.items()}


def usable_number(value: float | None) -> float | None:
    """Return a number as it is kept, with 6 digits and 7 places; None if it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{round(value, PLACES):.{SIGNIFICANT}g}") + 0.0  # -0.0 is 0


def score_pairs(
    space: NetSpace, zoo: Zoo, pairs: Sequence[ScoredPair], methods: Sequence[str], steps: int, data: Any = None,
    resolution: int = 64, images: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Measure all methods on all pairs; one row per pair and method, in their order.

    A pair that was drawn twice is measured once. Of a path that there is none of, the row says `why`.

    Args:
        data: what `Task.score_data` returned.
        images: folder of the images by which a method is prepared; None: looked for.
        progress: called with the different pairs done, and all.
    """
    task, ends = task_of(space), list(dict.fromkeys((pair.a, pair.b) for pair in pairs))
    if not steps % 2:
        raise UsageError(f"a scorecard takes an odd number of steps, so that one is half-way, got {steps}")

    def of(ids: tuple[int, int]) -> dict[str, dict[str, Any]]:
        a, b = (zoo[i].to(space.device) for i in ids)
        measure = task.scoring(a, b, data, resolution)
        return {method: score_path(space, method, a, b, steps, measure, images) for method in methods}

    found: dict[tuple[int, int], dict[str, dict[str, Any]]] = {}
    with held_threads(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for pair, rows in zip(ends, pool.map(of, ends), strict=True):
            found[pair] = rows
            progress(len(found), len(ends))
    names = zoo.records.name
    return [
        {"split": p.split, "kind": p.kind, "seed": p.seed, "a": str(names[p.a]), "b": str(names[p.b]), "method": method}
        | found[p.a, p.b][method]
        for p in pairs
        for method in methods
    ]


class Spread(NamedTuple):
    """Median and quartiles of a measure over pairs."""

    median: float | None
    q1: float | None
    q3: float | None
    undefined: int
    """rows in which it was not defined"""
    by_seed: dict[str, float | None]
    """the median of each seed's pairs"""


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of values, some of which may be infinite, with a straight line between neighbours.

    Not a number of none.
    """
    if not values:
        return math.nan
    order, place = sorted(values), share * (len(values) - 1)
    low, high, part = order[math.floor(place)], order[math.ceil(place)], place % 1
    return low if not part or low == high else (1 - part) * low + part * high


def spread_of(rows: Sequence[Mapping[str, Any]], name: str, better: str) -> Spread:
    """Return median and quartiles of a measure over rows that have it.

    One that is not defined, such as the distance to a surface that is not there, counts as the worst there is; if no
    way is better, it is left out. A median among those is None.
    """
    worst = {"higher": -math.inf, "lower": math.inf}.get(better)

    def values(seed: int | None) -> list[float]:
        mine = [row[name] for row in rows if seed is None or row["seed"] == seed]
        return [worst if value is None else value for value in mine if value is not None or worst is not None]

    median, q1, q3 = (usable_number(quantile(values(None), share)) for share in (0.5, 0.25, 0.75))
    seeds = sorted({row["seed"] for row in rows})
    return Spread(
        median, q1, q3, sum(row[name] is None for row in rows),
        {str(seed): usable_number(quantile(values(seed), 0.5)) for seed in seeds},
    )  # fmt: skip


def summarise_scores(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, ScoreColumn]) -> Iterator[dict[str, Any]]:
    """Yield figures for each split, kind of pair and method, in the order of the rows.

    A measure that no row of a method has, such as the cycle error of raw weights, is no part of its figures.
    """
    for split, kind, method in dict.fromkeys((row["split"], row["kind"], row["method"]) for row in rows):
        mine = [row for row in rows if (row["split"], row["kind"], row["method"]) == (split, kind, method)]
        there = [row for row in mine if "why" not in row]
        yield {
            "split": split,
            "kind": kind,
            "method": method,
            "pairs": len(mine),
            "different_pairs": len({(row["a"], row["b"]) for row in mine}),
            "without_path": len(mine) - len(there),
            "why": sorted({row["why"] for row in mine if "why" in row}),
            "measures": {
                name: spread_of(having, name, column.better)._asdict()
                for name, column in columns.items()
                if (having := [row for row in there if name in row])
            },
        }


def columns_of_scores(space: NetSpace, methods: Sequence[str]) -> dict[str, ScoreColumn]:
    """Return what is measured of paths by these methods, by name."""
    latent = LATENT_COLUMNS if any(METHODS[method].embedded for method in methods) else {}
    return dict(task_of(space).score_columns) | dict(latent)
