"""Whether what a space makes is new: the memorisation audit of Zeng et al. (CVPR 2026, arXiv 2506.07998).

Each network is compared, by what it does, with all that the space was trained on: how like is it to the nearest, and
how good? Beside it stand what takes no space: noise on training networks' weights, and averages of two networks'.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..errors import NetSpaceError, UsageError
from ..latent.embeddings import embed
from ..latent.paths import METHODS
from ..nets.network import Network
from ..nets.prep import pack
from ..space.space import NetSpace
from ..tasks import task_of
from ..tasks.task import ScoreColumn
from ..threads import held_threads
from ..zoo.store import HELDOUT, TRAIN, Zoo
from .scorecard import drawn_from, spread_of, strength_column, usable_number

SIGMAS = (0.01, 0.03, 0.1, 0.3)
"""of the noise, in units of each parameter's standard deviation"""
REFERENCE, BASELINE, OF_METHODS = "reference", "baseline", "made"
"""what a source is: networks as they were trained; what takes no space; what a method makes"""


class Audited(NamedTuple):
    """A network that is audited."""

    source: str
    role: str
    name: str
    network: Network
    origins: tuple[int, ...] = ()
    """places, among the training networks, of those that it was made of"""
    itself: int | None = None
    """its own place, if it is a training network"""


class Audit(NamedTuple):
    """What an audit found."""

    rows: list[dict[str, Any]]
    """one per network"""
    sources: list[dict[str, Any]]
    """figures of each source"""
    notes: list[str]
    """what was left out, as sentences"""


def with_noise(network: Network, sigma: float, generator: torch.Generator) -> Network:
    """Return a network with Gaussian noise of `sigma` standard deviations of each parameter tensor on its values."""
    params = {
        name: p + sigma * p.std(correction=0) * torch.randn(p.shape, generator=generator).to(p.device)
        for name, p in network.params.items()
    }
    return Network(network.arch, pack(params, (network.prep.shape[-2], network.prep.shape[-1])))


def better_half(zoo: Zoo, ids: Sequence[int]) -> list[int]:
    """Return the better half of networks, two at least; all if the zoo does not say how good they are."""
    column = strength_column(zoo, task_of(zoo))
    if column is None:
        return list(ids)
    order = sorted(ids, key=lambda i: (-zoo.records[column][i], i))
    return sorted(order[: max(2, len(order) // 2)])


def networks_to_audit(
    space: NetSpace, zoo: Zoo, training: Sequence[int], count: int, seed: int, sigmas: Sequence[float],
    methods: Sequence[str], notes: list[str], images: Path | None = None,
) -> Iterator[Audited]:  # fmt: skip
    """Yield the networks of an audit, `count` of each source: references, baselines, and what methods make.

    They are the better half of a split, or made of these: what is no good may be as new as one likes.

    Args:
        training: ids of all training networks that count.
        notes: gets a sentence for each method that has no path between some of the pairs.
    """
    draw, names, broken = random.Random(seed), zoo.records.name, set(zoo.not_finite)
    good = [training.index(i) for i in better_half(zoo, training)]
    held = better_half(zoo, [i for i in zoo.ids(HELDOUT) if i not in broken])
    places = draw.sample(good, min(count, len(good)))
    others = draw.sample(held, min(count, len(held)))
    pairs = [tuple(draw.sample(good, 2)) for _ in range(count)]

    def network(i: int) -> Network:
        return zoo[i].to(space.device)

    def decoded(ids: Sequence[int]) -> list[Network]:
        with torch.inference_mode():
            return space.networks(embed(space, zoo, ids)) if ids else []

    for k in places:
        yield Audited("training networks", REFERENCE, str(names[training[k]]), network(training[k]), itself=k)
    for i in others:
        yield Audited("held-out networks", REFERENCE, str(names[i]), network(i))
    for sigma in sigmas:
        generator = torch.Generator().manual_seed(seed)
        for k in places:
            noisy = with_noise(network(training[k]), sigma, generator)
            yield Audited(f"noise {sigma:g}", BASELINE, str(names[training[k]]), noisy, (k,))
    for k, made in zip(places, decoded([training[k] for k in places]), strict=True):
        yield Audited("decoded, training", OF_METHODS, str(names[training[k]]), made, (k,))
    for i, made in zip(others, decoded(others), strict=True):
        yield Audited("decoded, held-out", OF_METHODS, str(names[i]), made)
    for method in methods:
        role, reasons = OF_METHODS if METHODS[method].embedded else BASELINE, []
        for k, j in pairs:
            a, b = network(training[k]), network(training[j])
            try:
                middle = METHODS[method].path_between(space, a, b, images)(0.5)
            except NetSpaceError as error:
                reasons.append(str(error))
                continue
            name = f"{names[training[k]]} and {names[training[j]]}"
            yield Audited(f"half-way, {METHODS[method].title}", role, name, middle, (k, j))
        if reasons:
            notes.append(f"{METHODS[method].title}: no path between {len(reasons)} of {count} pairs. {reasons[0]}")


def audit(
    space: NetSpace, zoo: Zoo, *, optimised: Mapping[str, Network] | None = None, count: int = 20, seed: int = 0,
    sigmas: Sequence[float] = SIGMAS, methods: Sequence[str] = tuple(METHODS), data: Any = None, resolution: int = 64,
    images: Path | None = None, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Audit:  # fmt: skip
    """Compare networks of all sources with the training networks of a zoo.

    Args:
        optimised: networks that a latent space optimisation ended with, by name.
        count: networks of each source.
        data: what `Task.score_data` returned.
        images: folder of the images by which a method is prepared; None: looked for.

    Raises:
        UsageError: the zoo has less than two training networks.
    """
    task, broken, notes = task_of(space), set(zoo.not_finite), []
    training = drawn_from([i for i in zoo.ids(TRAIN) if i not in broken])
    if len(training) < 2:
        raise UsageError(f"an audit needs two training networks to compare with, {zoo.folder} has {len(training)}")
    if broken:
        notes.append(f"{len(broken)} networks are left out, as their weights are not finite.")
    with held_threads(), ThreadPoolExecutor(os.cpu_count()) as pool:
        nearest = task.auditing([zoo[i].to(space.device) for i in training], data, resolution)
        found = list(networks_to_audit(space, zoo, training, count, seed, sigmas, methods, notes, images))
        found += [Audited("optimised", OF_METHODS, name, network) for name, network in (optimised or {}).items()]
        rows = []
        for one, alike in zip(found, pool.map(lambda c: nearest(c.network, c.itself), found), strict=True):
            rows.append({
                "source": one.source, "role": one.role, "name": one.name,
                "nearest": str(zoo.records.name[training[alike.nearest[0]]]),
                "nearest_is_origin": bool({*alike.nearest} & {*one.origins}) if one.origins else None,
                "likeness": usable_number(alike.likeness),
            } | {name: usable_number(value) for name, value in alike.qualities.items()})  # fmt: skip
            progress(len(rows), len(found))
    return Audit(rows, list(summarise_audit(rows, task.likeness, task.qualities)), notes)


def summarise_audit(
    rows: Sequence[Mapping[str, Any]], likeness: ScoreColumn, qualities: Mapping[str, ScoreColumn]
) -> Iterator[dict[str, Any]]:
    """Yield figures of each source: likeness and qualities, medians with quartiles, and how it fares with baselines.

    `nearest_is_origin` is the share of networks of whose nearest training networks one is what they were made of.
    `rival` is the baseline that beats a method most often: `beaten` is the share of pairs of a network and one of the
    rival's in which the latter is as new and as good, and more so in one respect; `beats` the share of the reverse.
    """
    known = {name: column for name, column in qualities.items() if any(row[name] is not None for row in rows)}
    columns = {"likeness": likeness} | known
    sources = {source: [row for row in rows if row["source"] == source] for source in dict.fromkeys(map(_source, rows))}
    baselines = {s: [standing(row, columns) for row in of] for s, of in sources.items() if of[0]["role"] == BASELINE}
    for source, mine in sources.items():
        origins = [row["nearest_is_origin"] for row in mine if row["nearest_is_origin"] is not None]
        seeded = [dict(row, seed=0) for row in mine]
        rates = {
            rival: rates_of([standing(row, columns) for row in mine], theirs) for rival, theirs in baselines.items()
        }
        rival = (
            max(rates, key=lambda r: (rates[r][0], -rates[r][1])) if rates and mine[0]["role"] == OF_METHODS else None
        )
        yield {
            "source": source,
            "role": mine[0]["role"],
            "count": len(mine),
            "likeness": spread_of(seeded, "likeness", "")._asdict(),
            "qualities": {name: spread_of(seeded, name, column.better)._asdict() for name, column in known.items()},
            "nearest_is_origin": usable_number(sum(origins) / len(origins)) if origins else None,
            "rival": rival,
            "beaten": usable_number(rates[rival][0]) if rival else None,
            "beats": usable_number(rates[rival][1]) if rival else None,
        }


def _source(row: Mapping[str, Any]) -> str:
    return row["source"]


def standing(row: Mapping[str, Any], columns: Mapping[str, ScoreColumn]) -> tuple[float, ...] | None:
    """Return how new and how good a network is, more being better; None if some of it is not defined."""
    if any(row[name] is None for name in columns):
        return None
    return tuple(-row[name] if column.better == "lower" else row[name] for name, column in columns.items())


def beats(one: tuple[float, ...] | None, other: tuple[float, ...] | None) -> bool:
    """Return whether one network is at least as new and as good as another, and not equal to it in all respects.

    One of which something is not defined, such as a network without a surface, is beaten by any other.
    """
    if one is None or other is None:
        return one is not None
    return one != other and all(x >= y for x, y in zip(one, other, strict=True))


def rates_of(
    mine: Sequence[tuple[float, ...] | None], theirs: Sequence[tuple[float, ...] | None]
) -> tuple[float, float]:
    """Return the shares of pairs in which one of theirs beats one of mine, and the other way round."""
    pairs = len(mine) * len(theirs)
    beaten = sum(beats(other, one) for one in mine for other in theirs)
    return beaten / pairs, sum(beats(one, other) for one in mine for other in theirs) / pairs
