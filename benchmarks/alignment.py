"""OMP_NUM_THREADS=1 python -m benchmarks.alignment [--only NAME ...] [--count N] [--pairs N]: how well networks align.

planted: networks against randomly permuted, sign-flipped and phase-shifted copies of themselves: how many are recovered
exactly, by weights alone and by answers. search: Frank-Wolfe beside coordinate descent, seconds and |A - B|^2 over
|A|^2, on the same pairs. speed: seconds of a core for a pair. middle: what the networks half way between two of a zoo
are worth. CIFAR-10 is left out where its images are not at hand.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

import netspace
from netspace.align import align, calibration_inputs, can_calibrate, compose, random_element, same_element, transform
from netspace.align.activations import match_activations
from netspace.align.group import UnitMove, apply
from netspace.align.match import doubles
from netspace.align.weights import by_features, descend, distance, frank_wolfe, halfway, size
from netspace.data.images import load_images
from netspace.latent.paths import METHODS
from netspace.nets.archs import Arch, arch_named
from netspace.nets.network import Network
from netspace.nets.prep import Params, pack, prep_size
from netspace.nets.units import Units
from netspace.tasks.measures import accuracy, classify

ZOOS = {
    "lenetlike/digits": "digits-family", "vanillacnn/digits": "digits-family", "resnet8/digits": "digits-family",
    "resnet32/digits": "digits-family", "lenetlike/cifar10": "cifar10", "vanillacnn/cifar10": "", "resnet8/cifar10": "",
    "siren256": "chairs", "siren/2-32-32-1@30": "digits-images",
}  # fmt: skip
"""by architecture, the zoo of assets/ with trained ones; empty: there is none, they are as they start"""
SHARED = ("resnet8/digits, 4 inits", "resnet8/digits", "digits")
"""a row more for the zoo whose networks share four initialisations"""
POINTS, MOST_TESTED, ASKED = 20_000, 2000, 100
"""points that say how much is explained, test images, and inputs by which planted elements are recovered, at most"""


def networks(name: str, count: int, folder: str | None = None) -> list[Network]:
    """Return networks of an architecture: the zoo's in turn, or freshly initialised."""
    arch, folder = arch_named(name), ZOOS[name] if folder is None else folder
    if not folder:
        size_ = prep_size(arch.num_params, 10_000)
        return [Network(arch, pack(arch.initialise(seed), size_)) for seed in range(count)]
    zoo = netspace.Zoo.load(netspace.ASSETS / folder / "zoo")
    ids = [i for i in range(len(zoo)) if zoo.records.arch[i] == name]
    return [zoo[ids[k % len(ids)]] for k in range(count)]


def pairs_of(name: str, count: int, folder: str | None = None) -> Iterator[tuple[Network, Network]]:
    """Yield pairs of different networks, drawn with a seed."""
    found, draw = networks(name, 40, folder), random.Random(0)
    while count:
        a, b = draw.sample(found, 2)
        if not torch.equal(a.prep, b.prep):
            count -= 1
            yield a, b


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of a core that something takes, and what it returns."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def inputs_of(arch: Arch) -> torch.Tensor | None:
    return calibration_inputs(arch) if can_calibrate(arch) else None


def planted(count: int, pairs: int) -> dict:
    """Return by architecture how many planted elements are recovered, all units, signs and turns of them."""
    found = {}
    for name, folder in ZOOS.items():
        x, right, by_answers = inputs_of(arch_named(name)), 0, 0
        x = x if x is None else x[:ASKED]
        for seed, a in enumerate(networks(name, count)):
            element = random_element(a.arch, torch.Generator().manual_seed(seed))
            b = transform(a, element)
            right += same_element(compose(element, align(a, b).element), {})
            if x is not None:
                by_answers += same_element(compose(element, match_activations(a, b, x)), {})
        answers = {} if x is None else {"by answers": by_answers}
        found[name] = {"trained": bool(folder), "of": count, "by weights": right} | answers
        print(name, found[name], flush=True)
    return found


def search(count: int, pairs: int) -> dict:
    """Return by architecture seconds and |A - B|^2 / |A|^2 of descents from three starts; mean over pairs."""
    found = {}
    for name in (name for name, folder in ZOOS.items() if folder):
        rows = [searched(doubles(a), doubles(b), a.arch.units) for a, b in pairs_of(name, pairs)]
        found[name] = {way: [round(statistics.mean(row[way][k] for row in rows), 4) for k in (0, 1)] for way in rows[0]}
        print(name, found[name], flush=True)
    return found


def searched(a: Params, b: Params, groups: Sequence[Units]) -> dict[str, tuple[float, float]]:
    """Return by way of matching one pair the seconds, those of its start included, and |A - B|^2 / |A|^2."""
    generator = partial(np.random.default_rng, 0)
    whole, found = size(a, groups), {}

    def walked() -> dict[str, UnitMove]:
        featured = by_features(a, b, groups, generator())
        return compose(featured, frank_wolfe(a, apply(featured, b, groups), groups, halfway(groups), generator()))

    starts = {
        "raw": None,
        "descent": lambda: {units.name: UnitMove.none(units.count) for units in groups},
        "features, descent": lambda: by_features(a, b, groups, generator()),
    }
    if not any(units.symmetry.turn for units in groups):
        starts["Frank-Wolfe, descent"] = walked
    for way, start in starts.items():
        took, element = seconds(lambda start=start: descend(a, b, groups, start(), generator()) if start else {})
        found[way] = (took, distance(a, apply(element, b, groups), groups) / whole)
    return found


def speed(count: int, pairs: int) -> dict:
    """Return by architecture the median seconds of a core to align a pair, inputs at hand."""
    found = {}
    for name in (name for name, folder in ZOOS.items() if folder):
        x = inputs_of(arch_named(name))
        took = [seconds(partial(align, a, b, x))[0] for a, b in pairs_of(name, pairs)]
        found[name] = {"inputs": 0 if x is None else len(x), "seconds": round(statistics.median(took), 3)}
        print(name, found[name], flush=True)
    return found


@torch.inference_mode()
def middle(count: int, pairs: int) -> dict:
    """Return means over pairs: accuracy on test images half way, or the share of the ends' mean that is explained."""
    found = {}
    rows = [(name, name, folder) for name, folder in ZOOS.items() if folder and name != "resnet32/digits"] + [SHARED]
    for title, name, folder in rows:
        if not can_calibrate(arch_named(name)):
            continue
        measured = [measure(a, b) for a, b in pairs_of(name, pairs, folder)]
        found[title] = {way: round(statistics.mean(one[way] for one in measured), 3) for way in measured[0]}
        print(title, found[title], flush=True)
    return found


def measure(a: Network, b: Network) -> dict[str, float]:
    """Return what the middles of a pair are worth, by method, beside the mean of the ends."""
    middles = {name: METHODS[name].open(None, a, b)(0.5) for name in ("weights", "aligned")}
    points = a.arch.skeleton.points(POINTS, torch.Generator().manual_seed(1))
    if points is not None:
        mean = (a(points) + b(points)) / 2
        whole = (mean - mean.mean(dim=0)).square().sum()
        return {name: 1 - ((n(points) - mean).square().sum() / whole).item() for name, n in middles.items()}
    middles["repaired"] = METHODS["repaired"].open(None, a, b)(0.5)
    images = load_images(a.arch.data, "test").take(slice(MOST_TESTED))
    ends = statistics.mean(accuracy(classify(end, images), images.labels) for end in (a, b))
    return {"ends": ends} | {name: accuracy(classify(n, images), images.labels) for name, n in middles.items()}


PARTS = {"planted": planted, "search": search, "speed": speed, "middle": middle}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--count", type=int, default=100, help="planted elements per architecture")
    parser.add_argument("--pairs", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps({name: PARTS[name](args.count, args.pairs) for name in args.only}, indent=1))


if __name__ == "__main__":
    main()
