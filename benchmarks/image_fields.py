"""OMP_NUM_THREADS=1 python -m benchmarks.image_fields [--count N] [--loop N]: how fast image fields are fitted.

The same pictures with the same settings in batched products, as `zoo fit-image` does, and in the plain loop that one
would write for one network: both on one thread, timed by the seconds of a core that they use, in turns. On a busy
machine cores share caches and clock: `wall` says how much longer the clock went.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time

import torch

from netspace.data.pictures import Pictures, load_pictures
from netspace.errors import MissingData
from netspace.nets.archs import arch_named
from netspace.tasks.image_field import as_values, pixel_centres, psnr
from netspace.train.fit_image import AT_A_TIME, ImageConfig, fit_images

SETS = ("digits", "fashion-mnist")


def plain_loop(pixels: torch.Tensor, seed: int, config: ImageConfig) -> torch.Tensor:
    """Fit one picture (C, S, S) as one would without this library's batching; returns its values (S*S, C)."""
    network = arch_named(config.arch).fresh(seed)
    x, target = pixel_centres(pixels.shape[-1]), as_values(pixels)
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr, betas=(0.9, 0.99))
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        loss = (network(x) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network(x).detach()


def measured(pictures: Pictures, config: ImageConfig, count: int, loop: int) -> dict[str, float]:
    """Networks per core-second both ways, with median PSNR; rounds of both take turns."""
    arch, pixels = arch_named(config.arch), pictures.pixels[:count]
    found: dict[str, list[float]] = {"batched": [], "loop": []}
    spent = {"batched": [0.0, 0.0, 0], "loop": [0.0, 0.0, 0]}  # core seconds, wall, networks

    def timed(way: str, networks: int, work) -> torch.Tensor:
        core, wall = time.process_time(), time.perf_counter()
        values = work()
        spent[way] = [a + b for a, b in zip(
            spent[way], (time.process_time() - core, time.perf_counter() - wall, networks), strict=True
        )]  # fmt: skip
        return values

    fit_images(arch, pixels[:AT_A_TIME], range(AT_A_TIME), ImageConfig(steps=3))  # warm
    left = list(range(min(loop, count)))
    for start in range(0, count, AT_A_TIME):
        some = pixels[start : start + AT_A_TIME]
        seeds = range(start, start + len(some))
        params = timed("batched", len(some), lambda s=some, k=seeds: fit_images(arch, s, k, config).params)
        values = arch.apply_params(params, pixel_centres(some.shape[-1]))
        found["batched"] += psnr(values, as_values(some)).tolist()
        for _ in range(min(len(left), math.ceil(loop * AT_A_TIME / count))):
            i = left.pop(0)
            values = timed("loop", 1, lambda k=i: plain_loop(pixels[k], k, config))
            found["loop"].append(psnr(values, as_values(pixels[i])).item())
    rate = {way: networks / core for way, (core, _, networks) in spent.items()}
    return {
        "pictures": count,
        "pixels": pixels.shape[-1] ** 2,
        "batched_per_core_second": round(rate["batched"], 1),
        "batched_psnr_median": round(statistics.median(found["batched"]), 2),
        "batched_psnr_lowest": round(min(found["batched"]), 2),
        "loop_per_core_second": round(rate["loop"], 2),
        "loop_psnr_median": round(statistics.median(found["loop"]), 2),
        "ratio": round(rate["batched"] / rate["loop"], 1),
        "wall": round(spent["batched"][1] / spent["batched"][0], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=512, help="pictures fitted in batches")
    parser.add_argument("--loop", type=int, default=48, help="of these fitted one at a time too")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config, rows = ImageConfig(), {}
    for name in SETS:
        try:
            rows[name] = measured(load_pictures(name), config, args.count, args.loop)
        except MissingData as error:
            print(f"{name} is left out: {error}")
    if args.json:
        print(json.dumps(rows | {"load": os.getloadavg()[0]}, indent=2))
        return
    print(f"{config.arch}, {config.steps} steps of Adam, one thread, load {os.getloadavg()[0]:.1f}")
    for name, row in rows.items():
        print(f"{name}")
        for what, value in row.items():
            print(f"  {what.replace('_', ' '):28} {value}")


if __name__ == "__main__":
    main()
