"""python -m benchmarks.projections [--points N ...] [--json]: how well ways to make a map place new networks on it.

UMAP as the map has it, new points lying by their neighbours' dots, beside PaCMAP and LocalMAP (Wang et al. 2021, 2025),
if the package pacmap is installed: their own placing of new points, and by neighbours' dots as on the map.

Embeddings are drawn from curved clusters, a hundred points each; a tenth of them is new. Fit and placing are in seconds
of one core (CPU time). Trust is trustworthiness at 10 neighbours (Venna and Kaski 2001), of the points of the map and
of the new ones among these. Own place is how far points of the map land from their dots if they are placed like new
ones, in the median, over the median distance between a dot and the nearest other.

2026-11-30, two busy cores, umap-learn 0.5.12, pacmap 0.9.1:

  points map       placing                fit s  place s  trust    new    own
    1000 UMAP      by neighbours' dots      1.3     0.00  0.981  0.973   0.00
    1000 PaCMAP    by itself                0.2     0.01  0.975  0.965   2.35
    1000 PaCMAP    by neighbours' dots      0.2     0.00  0.975  0.972   0.00
    1000 LocalMAP  by itself                0.3     0.01  0.986  0.979   3.03
    1000 LocalMAP  by neighbours' dots      0.3     0.00  0.986  0.975   0.00
   10000 UMAP      by neighbours' dots      4.5     0.14  0.972  0.953   0.00
   10000 PaCMAP    by itself                3.1     0.11  0.972  0.966   2.61
   10000 PaCMAP    by neighbours' dots      3.1     0.14  0.972  0.954   0.00
   10000 LocalMAP  by itself                4.2     0.15  0.975  0.963   2.85
   10000 LocalMAP  by neighbours' dots      4.2     0.14  0.975  0.953   0.00

PaCMAP and LocalMAP place new points a little more truly by themselves (0.966 and 0.963, UMAP's map 0.953), but what is
on the map up to three neighbouring dots beside its own; by neighbours' dots, where it lies at its own, they are no
better than UMAP. So the map has no third projection of this kind. 60,000 points were not measured.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from netspace.latent.embeddings import nearest
from netspace.latent.projection import UmapConfig, UmapMap

SIZE, INNER, CLUSTER = 128, 6, 100
"""entries of an embedding, dimensions in which its clusters are spread, and points of a cluster"""
K = 10
"""neighbours that count"""
ASKED = 2000
"""points that are asked about, of more as many at even steps"""

Place = Callable[[Tensor], Tensor]
"""new embeddings (n, E) to places (n, 2)"""


class Mapped(NamedTuple):
    """A map, and ways to place new points on it, by name."""

    places: Tensor
    """(b, 2)"""
    ways: dict[str, Place]


def drawn(count: int) -> Tensor:
    """Embeddings (count, SIZE) on curved clusters."""
    draw = torch.Generator().manual_seed(count)
    group = torch.randint(max(2, count // CLUSTER), (count,), generator=draw)
    centres = 2 * torch.randn(int(group.max()) + 1, INNER, generator=draw)
    inner = centres[group] + 0.5 * torch.randn(count, INNER, generator=draw)
    weights = [torch.randn(*shape, generator=draw) / shape[0] ** 0.5 for shape in ((INNER, 64), (64, SIZE))]
    return torch.sin(2 * inner @ weights[0]) @ weights[1] + 0.05 * torch.randn(count, SIZE, generator=draw)


# -- ways to make a map ------------------------------------------------------------------------------------------------


def umap_map(z: Tensor) -> Mapped:
    found = UmapMap.fit(z)
    return Mapped(found.places, {"by neighbours' dots": found.place})


def pacmap_map(z: Tensor, kind: str) -> Mapped:
    """By a class of the package pacmap."""
    import pacmap

    reducer = getattr(pacmap, kind)(random_state=0, save_tree=True)
    places = torch.from_numpy(reducer.fit_transform(z.numpy())).float()

    def own(new: Tensor) -> Tensor:
        return torch.from_numpy(reducer.transform(new.numpy(), basis=z.numpy())).float()

    return Mapped(places, {"by itself": own, "by neighbours' dots": UmapMap(z, places, UmapConfig()).place})


MAPS: dict[str, Callable[[Tensor], Mapped]] = {
    "UMAP": umap_map,
    "PaCMAP": lambda z: pacmap_map(z, "PaCMAP"),
    "LocalMAP": lambda z: pacmap_map(z, "LocalMAP"),
}


# -- what is measured --------------------------------------------------------------------------------------------------


def trusted(z: Tensor, places: Tensor, new: Tensor, placed: Tensor, own: Tensor | None = None) -> float:
    """Trustworthiness at K neighbours of points (n) among those of a map (b): 1 if all neighbours on it are near.

    Args:
        own: (n) ids of the points on the map, if they are of it.
    """
    apart = [torch.cdist(each, all_of_them) for each, all_of_them in ((new, z), (placed, places))]  # (n, b) each
    if own is not None:
        for distances in apart:
            distances[torch.arange(len(own)), own] = torch.inf
    ranks = apart[0].argsort(dim=1).argsort(dim=1) + 1  # (n, b), 1 the nearest
    near = apart[1].topk(K, largest=False).indices  # (n, K)
    beyond = (ranks.gather(1, near) - K).clamp(min=0).double().sum()
    return 1 - float(beyond) * 2 / (len(new) * K * (2 * len(z) - 3 * K - 1))


def timed(function: Callable[[], object]) -> tuple[object, float]:
    """What a function returns, and the CPU time it took."""
    start = time.process_time()
    return function(), time.process_time() - start


def measure(count: int, make: Callable[[Tensor], Mapped]) -> list[dict]:
    """A row per way to place new points."""
    z = drawn(count)
    new = torch.arange(count) % 10 == 0
    known, unseen = z[~new], z[new]
    make(known[:: max(1, len(known) // 500)])  # code is compiled
    mapped, fit = timed(lambda: make(known))
    some = torch.arange(0, len(known), -(-len(known) // ASKED))
    dots = mapped.places[some]
    between = float(nearest(dots, mapped.places, 2).distances[:, 1].median())
    whole = trusted(known, mapped.places, known[some], dots, some)
    rows = []
    for name, place in mapped.ways.items():
        placed, took = timed(lambda place=place: place(unseen))
        again = place(known[some])
        off = float((again - dots).norm(dim=1).median()) / between
        trust = trusted(known, mapped.places, unseen, placed)
        rows.append({"way": name, "fit": fit, "place": took, "trust": whole, "trust_new": trust, "own_place": off})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", default=[1000, 10_000], help="embeddings, new ones among them")
    parser.add_argument("--json", action="store_true", help="print JSON lines instead")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.json:
        print(
            f"{'points':>8} {'map':<9} {'placing':<20} {'fit s':>7} {'place s':>8} {'trust':>6} {'new':>6} {'own':>6}"
        )
    for count in args.points:
        for title, make in MAPS.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    rows = measure(count, make)
            except ModuleNotFoundError as missing:
                print(f"{count:8} {title:<9} is not measured: {missing.name} is not installed", flush=True)
                continue
            for row in rows:
                if args.json:
                    print(json.dumps({"points": count, "map": title} | row), flush=True)
                    continue
                print(
                    f"{count:8} {title:<9} {row['way']:<20} {row['fit']:7.1f} {row['place']:8.2f} {row['trust']:6.3f} "
                    f"{row['trust_new']:6.3f} {row['own_place']:6.2f}", flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
