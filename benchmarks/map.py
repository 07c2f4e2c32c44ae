"""python -m benchmarks.map [--points N ...] [--clicks N] [--json]: how fast the page Map answers, at sizes of a zoo.

Zoos of random networks (siren64) are embedded by a space that nobody trained, and drawn as a PCA map in headless
Chromium. A click is answered when the card beside the map names the network that was clicked. Memory is that of the
server's process after each click, in the median over the first and over the last of them: what is being decoded at a
moment makes single readings differ by a twentieth. A hundred clicks come before: it grows with the first of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import netspace
from netspace.latent.embeddings import embed_zoo
from netspace.latent.projection import UmapMap
from netspace.zoo.store import write_zoo

from .browser import launch, served

REST = 0.3
"""seconds between clicks, as of a hand"""
WARM = 100
"""clicks before those that count: until the server's caches are full and its allocator holds what clicks ask for"""

SPREAD = {"layers.0.weight": 0.02, "layers.0.bias": 0.05, "layers.1.weight": 0.003, "layers.1.bias": 0.02,
          "layers.2.weight": 0.15, "layers.2.bias": 0.0}  # fmt: skip
"""of weights whose networks are smooth: surfaces as of shapes, where a freshly initialised SIREN is noise"""


def random_zoo(folder: Path, count: int) -> netspace.Zoo:
    """Networks drawn around as many centres as there are hundreds of them, so that the map has some shape."""
    family, draw = netspace.Family.of("siren64"), torch.Generator().manual_seed(count)
    (arch,) = family.archs
    group = torch.randint(max(2, count // 100), (count,), generator=draw)
    weights = {}
    for name, shape in arch.shapes.items():
        centres = torch.randn(int(group.max()) + 1, *shape, generator=draw)
        noise = torch.randn(count, *shape, generator=draw)
        weights[f"{arch.name}/{name}"] = (SPREAD[name] * (centres[group] + 0.3 * noise)).half()
    score = np.random.default_rng(count).random(count)
    names = [f"random-{k:06d}" for k in range(count)]
    split = np.where(np.arange(count) % 8 == 0, "heldout", "train")
    records = pd.DataFrame({"name": names, "arch": arch.name, "row": range(count), "split": split, "score": score})
    write_zoo(folder, family, records.assign(group=group.numpy()), weights, {"made_by": "benchmarks.map"})
    return netspace.Zoo.load(folder)


def resident(process: subprocess.Popen) -> float:
    """Megabytes of memory that a process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


FIND = """
const find = (root, name) => {
  for (const el of root.querySelectorAll("*")) {
    if (el.classList.contains(name)) return el;
    const inner = el.shadowRoot && find(el.shadowRoot, name);
    if (inner) return inner;
  }
};
"""
READY = (
    f"(count) => {{ {FIND} const map = find(document, 'zoo-map'); return map && Number(map.dataset.count) >= count; }}"
)
ANSWERED = f"""(clicks) => {{ {FIND}
  const {{ clicks: made, answered, picked }} = find(document, 'zoo-map').dataset;
  const titles = [...document.querySelectorAll("h5")].map((title) => title.innerText);
  return Number(answered) >= clicks && Number(made) === clicks
    && (!picked || picked.includes(",") || titles.some((t) => t.includes(`random-${{picked.padStart(6, "0")}}`)));
}}"""


def clicks_of(page, count: int, server: subprocess.Popen) -> tuple[list[float], list[float]]:
    """Seconds from each of some clicks at random places to its answer, and the server's megabytes after it."""
    box = page.locator(".zoo-map canvas").first.bounding_box()
    draw, times, held = np.random.default_rng(0), [], []
    made = int(page.locator(".zoo-map").get_attribute("data-clicks") or 0)
    while len(times) < count:
        x, y = 0.15 + 0.6 * draw.random(2)
        start = time.perf_counter()
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        now = int(page.locator(".zoo-map").get_attribute("data-clicks") or 0)
        if now == made:  # the network that was picked already
            continue
        made = now
        page.wait_for_function(ANSWERED, arg=made, polling="raf", timeout=60_000)
        times.append(time.perf_counter() - start)
        time.sleep(REST)
        held.append(resident(server))
    return times, held


def measure(count: int, clicks: int) -> dict:
    """What a zoo of a size takes."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        zoo = random_zoo(folder / "random" / "zoo", count)
        space = netspace.NetSpace(zoo.family, embedding=64, hidden=64).eval().requires_grad_(False)
        space.save(folder / "random" / "space")
        start = time.perf_counter()
        z = embed_zoo(netspace.load(folder / "random" / "space"), zoo, folder / "cache")
        embedded = time.perf_counter() - start
        found = {"points": count, "seconds_to_embed": round(embedded, 1)}
        if count <= 10_000:
            UmapMap.fit(z[:50])  # compiled before it is timed
            start = time.perf_counter()
            UmapMap.fit(z)
            found["seconds_of_umap"] = round(time.perf_counter() - start, 1)
        del z, zoo
        known = {"NETSPACE_CACHE": str(folder / "cache")}
        with served(folder, **known) as (address, server), sync_playwright() as play:
            page = launch(play).new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{address}/zoo_map?space=random/space&zoo=random/zoo&projection=pca&colour=score")
            start = time.perf_counter()
            page.wait_for_function(READY, arg=count, timeout=300_000)
            found["seconds_to_map"] = round(time.perf_counter() - start, 1)
            page.wait_for_timeout(5000)
            fresh = resident(server)
            warm, _ = clicks_of(page, WARM, server)
            times, held = clicks_of(page, clicks, server)
            some = max(1, clicks // 10)
            before, after = statistics.median(held[:some]), statistics.median(held[-some:])
            found |= {
                "clicks": len(times),
                "milliseconds_median": round(1000 * statistics.median(times)),
                "milliseconds_95_per_cent": round(1000 * sorted(times)[int(0.95 * len(times))]),
                "milliseconds_slowest": round(1000 * max(times)),
                "milliseconds_of_the_first": round(1000 * warm[0]),
                "milliseconds_to_draw": float(page.locator(".zoo-map").get_attribute("data-drawn") or "nan"),
                "server_megabytes_fresh": round(fresh),
                "server_megabytes_before": round(before),
                "server_megabytes_after": round(after),
                "server_growth": round(after / before - 1, 4),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.map", description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    results = [measure(count, args.clicks) for count in args.points]
    print(json.dumps(results, indent=2) if args.json else pd.DataFrame(results).T.to_string(header=False))


if __name__ == "__main__":
    main()
