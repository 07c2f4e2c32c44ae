"""python -m benchmarks [--only NAME] [--json]: what is timed, against what, in one run on one machine.

Absolute times carry over to no other machine; ratios do, roughly. Everything runs on one core but `path`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import netspace
from netspace.data.images import load_images
from netspace.errors import NoSurface
from netspace.geometry.mesh import extract_dense, isosurface, sign_changing_cells, surface_of
from netspace.latent.paths import METHODS, gammas
from netspace.train.fit_cnn import WAYS, CnnConfig, TrainingPlan, fit_cnns
from netspace.zoo.store import TRAIN

from .browser import launch, served

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets" / "chairs"


def seconds(
    function: Callable[[], object], repeats: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:  # fmt: skip
    """Fastest of a few calls; `time.process_time` as the clock counts seconds of a core, also on a busy machine."""
    times = []
    for _ in range(repeats):
        start = clock()
        function()
        times.append(clock() - start)
    return min(times)


def authors_way(network: netspace.Network, resolution: int) -> None:
    """As in the authors' mesh extraction: a dense grid, chunks of 100,000 points, marching cubes of scikit-image."""
    from skimage.measure import marching_cubes

    module = network.module()
    steps = torch.linspace(-1, 1, resolution + 1)
    grid = torch.cartesian_prod(steps, steps, steps)
    with torch.no_grad():
        values = torch.cat([module(chunk) for chunk in grid.split(100_000)])
    marching_cubes(values.view(resolution + 1, resolution + 1, resolution + 1).numpy(), 0.0)


def mesh(networks: int = 20, resolution: int = 128) -> dict:
    """Coarse-to-fine extraction against the best dense one and the authors' way; and whether it misses a cell.

    Networks: as many decoded from training networks as interpolated half-way between them in the latent space.
    """
    space, zoo = netspace.load(ASSETS / "space-prep"), netspace.Zoo.load(ASSETS / "zoo")
    ids = torch.randperm(len(zoo.ids(TRAIN)), generator=torch.Generator().manual_seed(0))[: 2 * networks]
    ids = [zoo.ids(TRAIN)[k] for k in ids]
    latent = METHODS["latent"]
    subjects = [latent.open(space, zoo[a], zoo[a])(0.0) for a in ids[:networks]]
    halfway = [latent.open(space, zoo[a], zoo[b])(0.5) for a, b in zip(ids[::2], ids[1::2], strict=True)]
    subjects += halfway[:networks]
    rows, missed, cells, without = [], 0, 0, 0
    for network in subjects:
        try:
            dense = extract_dense(network.compiled(), resolution)
        except NoSurface:
            without += 1
            continue
        sparse = surface_of(network, resolution)
        missed += int((sign_changing_cells(sparse.values) != sign_changing_cells(dense.values)).sum())
        cells += int(sign_changing_cells(dense.values).sum())
        rows.append(
            {
                "sparse": seconds(lambda n=network: surface_of(n, resolution), 2),
                "dense": seconds(lambda n=network: extract_dense(n.compiled(), resolution)),
                "authors": None if len(rows) % 4 else seconds(lambda n=network: authors_way(n, resolution)),
                "isosurface": seconds(lambda v=dense.values: isosurface(v), 2),
                "evaluated": sparse.evaluations / dense.evaluations,
            }
        )

    def median(value: Callable[[dict], float], of: list[dict] = rows) -> float:
        return round(statistics.median(value(row) for row in of), 4)

    slow = [row for row in rows if row["authors"]]  # every fourth: ten seconds each

    return {
        "resolution": resolution,
        "networks": len(rows),
        "without_surface": without,
        "sign_changing_cells": cells,
        "cells_missed": missed,
        "seconds_sparse_median": median(lambda r: r["sparse"]),
        "seconds_dense_best_median": median(lambda r: r["dense"]),
        "seconds_authors_way_median": median(lambda r: r["authors"], slow),
        "seconds_isosurface_alone_median": median(lambda r: r["isosurface"]),
        "share_of_points_evaluated_median": median(lambda r: r["evaluated"]),
        "dense_best_over_sparse_median": median(lambda r: r["dense"] / r["sparse"]),
        "dense_best_over_sparse_lowest": round(min(r["dense"] / r["sparse"] for r in rows), 2),
        "authors_way_over_sparse_median": median(lambda r: r["authors"] / r["sparse"], slow),
    }


def decode() -> dict:
    """One embedding to one PRep: preset paper against preset tokens."""
    family = netspace.Family.of("siren256")
    paper, tokens = netspace.NetSpace(family, preset="paper").eval(), netspace.NetSpace(family).eval()
    with torch.inference_mode():
        times = {
            name: seconds(lambda s=space: s.decode(torch.randn(1, s.config.embedding)), 10)
            for name, space in (("paper", paper), ("tokens", tokens))
        }
    return {f"seconds_{k}": round(v, 5) for k, v in times.items()} | {
        "paper_over_tokens": round(times["paper"] / times["tokens"], 1)
    }


def path(pairs: int = 5) -> dict:
    """What a user waits for: the first frame and all 33 on both sides at 64^3, from choosing a pair, on all cores."""
    logging.disable(logging.WARNING)  # Streamlit's remarks on running outside of its server
    sys.path.insert(0, str(ROOT))
    from app.backend import catalogue, chairs, engine
    from app.backend.path import between

    found = {(f.kind, f.id): f for f in catalogue.find()}
    loaded = catalogue.load(found["space", "chairs/space-prep"], found["zoo", "chairs/zoo"])
    rng = np.random.default_rng(0)
    served = engine.Engine(max(1, min(8, os.cpu_count() or 1)))
    first, everything = [], []
    for k in range(pairs + 1):
        a, b = (int(i) for i in rng.choice(loaded.zoo.ids(TRAIN), 2, replace=False))
        start = time.perf_counter()
        work = chairs.PathWork(served, loaded, between(loaded, a, b, ("latent", "weights")), first=16)
        parts = work.parts()
        work.part(parts[0], "first", "bench")
        mid = time.perf_counter()
        size = sum(len(work.part(part, "rest", "bench")) for part in parts)
        if k:  # the first pair warms up
            first.append(mid - start)
            everything.append(time.perf_counter() - start)
    served.close()
    return {
        "pairs": pairs,
        "cores": os.cpu_count(),
        "seconds_to_first_frame_median": round(statistics.median(first), 3),
        "seconds_to_first_frame_longest": round(max(first), 3),
        "seconds_to_all_frames_median": round(statistics.median(everything), 3),
        "seconds_to_all_frames_longest": round(max(everything), 3),
        "megabytes_of_a_path": round(size / 1e6, 2),
    }


def ends(pairs: int = 5, steps: int = 33) -> dict:
    """All networks of a latent path: both ends encoded once when the path is opened, against anew at every step.

    At every step is how paths were made before methods opened them. Decoding is the same in both.
    """
    zoo, latent = netspace.Zoo.load(ASSETS / "zoo"), METHODS["latent"]
    rng, found = np.random.default_rng(0), {"pairs": pairs, "steps": steps}
    chosen = [tuple(int(i) for i in rng.choice(zoo.ids(TRAIN), 2, replace=False)) for _ in range(pairs)]
    positions = gammas(steps)
    for name in ("space-prep", "space-probe"):
        space = netspace.load(ASSETS / name)

        def once(space: netspace.NetSpace = space) -> None:
            for a, b in chosen:
                path = latent.open(space, zoo[a], zoo[b])
                for gamma in positions:
                    path(gamma)

        def every_step(space: netspace.NetSpace = space) -> None:
            for a, b in chosen:
                for gamma in positions:
                    latent.open(space, zoo[a], zoo[b])(gamma)

        fast, slow = seconds(once, 3), seconds(every_step, 3)
        found |= {
            f"{name}_milliseconds_a_path": round(1000 * fast / pairs, 1),
            f"{name}_times_faster_than_encoding_at_every_step": round(slow / fast, 2),
        }
    return found


def curve(pairs: int = 5) -> dict:
    """What a user waits for on Classifiers: both accuracies where the slider is, then all 33 on both sides, on digits.

    On the subset of test images that a drag begins with, from choosing a pair, on all cores.
    """
    logging.disable(logging.WARNING)
    sys.path.insert(0, str(ROOT))
    from app.backend import catalogue, classifiers, engine
    from app.backend.path import between

    found = {(f.kind, f.id): f for f in catalogue.find()}
    loaded = catalogue.load(found["space", "digits/space"], found["zoo", "digits/zoo"])
    test, rng = load_images("digits", "test"), np.random.default_rng(0)
    served = engine.Engine(max(1, min(8, os.cpu_count() or 1)))
    first, everything = [], []
    for k in range(pairs + 1):
        a, b = (int(i) for i in rng.choice(loaded.zoo.ids(TRAIN), 2, replace=False))
        start = time.perf_counter()
        work = classifiers.ClassifierWork(served, loaded, between(loaded, a, b, ("latent", "weights")), 16, test)
        work.first_ready()
        mid = time.perf_counter()
        for future in work.frames.values():
            future.result()
        if k:  # the first pair warms up
            first.append(mid - start)
            everything.append(time.perf_counter() - start)
    served.close()
    return {
        "pairs": pairs,
        "cores": os.cpu_count(),
        "images": work.subset,
        "seconds_to_first_point_median": round(statistics.median(first), 3),
        "seconds_to_first_point_longest": round(max(first), 3),
        "seconds_to_all_points_median": round(statistics.median(everything), 3),
        "seconds_to_all_points_longest": round(max(everything), 3),
    }


def cnn(networks: int = 4, batch: int = 128) -> dict:
    """Training many classifiers at once: images per core-second of all networks, by way and precision."""
    images = load_images("digits", "train").take(slice(batch))
    out = {}
    for base in ("lenetlike", "resnet8"):
        arch, rates = netspace.ARCHS[f"{base}/digits"], {}
        for way in WAYS:
            for dtype in ("float32", "bfloat16"):
                config = CnnConfig(arch=arch.name, batch=batch, first_epochs=1.0, epochs=99.0, dtype=dtype)

                def train(steps: int, way=way, config=config, arch=arch) -> float:
                    group = [TrainingPlan(str(k), k, k, float(steps)) for k in range(networks)]  # an epoch is one batch
                    return seconds(lambda: fit_cnns(arch, images, group, config, way), 2, time.process_time)

                rates[way, dtype] = networks * batch * 8 / (train(9) - train(1))
                out[f"{base}_{way}_{dtype}_images_per_core_second"] = round(rates[way, dtype])
        best = {way: max(rates[way, dtype] for dtype in ("float32", "bfloat16")) for way in WAYS}
        out[f"{base}_loop_over_vmap"] = round(best["loop"] / best["vmap"], 1)
    return out


def viewer(seconds_of_play: float = 8.0) -> dict:
    """What the viewer's JavaScript takes a frame while both sides play at rest resolution, in headless Chromium.

    Drawing itself is the graphics card's; where there is none, a software renderer draws outside of what is timed.
    """
    from playwright.sync_api import sync_playwright

    with served() as (address, _), sync_playwright() as play:
        page = launch(play).new_page()
        page.goto(f"{address}/shapes?gamma=0")
        shown = page.locator(".viewer")
        for _ in range(600):
            if shown.evaluate("el => el.dataset.frames") == "66":
                break
            page.wait_for_timeout(200)
        page.locator(".viewer .play").click()
        page.wait_for_timeout(1000 * seconds_of_play)
        report = shown.evaluate("el => ({...el.dataset})")
    return {
        "frames_drawn": int(report["draws"]),
        "triangles_of_the_last_frame": int(report["triangles"]),
        "milliseconds_of_javascript_a_frame_median": float(report["milliseconds"]),
    }


BENCHMARKS = {"mesh": mesh, "decode": decode, "path": path, "ends": ends, "curve": curve, "cnn": cnn, "viewer": viewer}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, help="run one benchmark")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"
    results = {"machine": machine, "date": time.strftime("%Y-%m-%d")}
    for name, run in BENCHMARKS.items():
        if args.only in (None, name):
            try:
                results[name] = run()
            except (ImportError, OSError) as error:  # the others are worth having without it
                results[name] = {"skipped": str(error)}
    if args.json:
        print(json.dumps(results, indent=2))
        return
    print(machine)
    for name in BENCHMARKS:
        for key, value in results.get(name, {}).items():
            print(f"{name:8} {key.replace('_', ' '):36} {value}")


if __name__ == "__main__":
    main()
