"""OMP_NUM_THREADS=1 python -m benchmarks.fitting --before CHECKOUT [--chairs N]: how fast SIRENs are fitted to chairs.

Each chair is fitted by the build that this file belongs to, by an earlier one (a checkout of another commit) and by the
plain loop that one would write for one network, in turn, each in a process of one thread. Seconds are those of a core
that a network takes from its mesh to its measured, stored weights; `loop` those of fitting alone. IoU and error are of
the weights in half precision, on the same points for all.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPE = "chairs-fast-zoo"
"""of this build; that of the earlier one and of the plain loop is chairs-zoo"""
STEPS, RATE, SAMPLES = 1000, 1e-3, 50_000
"""of the plain loop"""


def plain_loop(samples, seed: int):
    """Fit one network to samples (n, 4) as one would without this library; returns its module."""
    import torch

    from netspace.nets.archs import arch_named

    module = arch_named("siren256").fresh(seed)
    optimiser = torch.optim.Adam(module.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(seed)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        batch = samples[torch.randint(len(samples), (1024,), generator=generator)]
        loss = (module(batch[:, :3]).squeeze(-1) - batch[:, 3]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return module


def worker(way: str) -> None:
    """Fit the chairs whose seeds come by standard input, with the netspace that is found, and tell what came out."""
    import torch

    from netspace.data.solids import Solid, occupancy_points, sample_sdf
    from netspace.nets.archs import arch_named
    from netspace.recipes import RECIPES
    from netspace.train import fit_sdf

    torch.set_num_threads(1)
    fit, spent, arch = fit_sdf.fit_sdf, [0.0], arch_named("siren256")

    def timed(*args):
        start = time.process_time()
        found = fit(*args)
        spent[0] = time.process_time() - start
        return found

    fit_sdf.fit_sdf = timed
    for line in sys.stdin:
        (source,) = fit_sdf.chair_sources(1, int(line))
        start = time.process_time()
        if way == "plain":
            solid = Solid(fit_sdf.load_source(source.source)[0])
            samples = torch.from_numpy(sample_sdf(solid, SAMPLES, source.seed))
            began = time.process_time()
            params = {name: p.detach().half() for name, p in plain_loop(samples, source.seed).named_parameters()}
            spent[0] = time.process_time() - began
        else:
            (made,) = fit_sdf._fit_group(([source], RECIPES["chairs-zoo" if way == "before" else RECIPE], "cpu"))
            params = {name: torch.from_numpy(p) for name, p in made.params.items()}
        seconds = time.process_time() - start
        net = arch.compile_params({name: p.float() for name, p in params.items()})
        solid = Solid(fit_sdf.load_source(source.source)[0])
        points, inside = occupancy_points(solid, 32_768, 1_000_000 + source.seed)
        occupied = (net(torch.from_numpy(points)) < 0).numpy()
        asked = torch.from_numpy(sample_sdf(solid, 20_000, 2_000_000 + source.seed))
        found = {
            "seconds": seconds,
            "loop": spent[0],
            "iou": float((occupied & inside).sum() / (occupied | inside).sum()),
            "error": (net(asked[:, :3]) - asked[:, 3]).abs().mean().item(),
        }
        print(json.dumps(found), flush=True)


def spread(values: list[float], digits: int = 3) -> str:
    """Median, lowest and highest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="checkout of the build to compare with")
    parser.add_argument("--chairs", type=int, default=64, help="how many")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first")
    parser.add_argument("--plain", type=int, default=8, help="chairs that are fitted by the plain loop too")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker)
    places = {"now": ROOT, "plain": ROOT} | ({"before": args.before.resolve()} if args.before else {})
    workers = {
        way: subprocess.Popen(
            [sys.executable, __file__, "--worker", way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}, cwd=place,
        )
        for way, place in places.items()
    }  # fmt: skip
    rows: dict[str, list[dict]] = {way: [] for way in places}
    for k in range(args.chairs):
        for way, process in workers.items():
            if way == "plain" and k >= args.plain:
                continue
            process.stdin.write(f"{args.first_seed + k}\n")
            process.stdin.flush()
            rows[way].append(json.loads(process.stdout.readline()))
            print(f"{k + 1}/{args.chairs} {way:7}", {n: round(v, 4) for n, v in rows[way][-1].items()}, flush=True)
    for process in workers.values():
        process.stdin.close()
        process.wait()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}")
    for way, mine in rows.items():
        columns = {name: [row[name] for row in mine] for name in mine[0]}
        print(f"{way:7}", "; ".join(f"{name} {spread(v, 4 if name == 'error' else 3)}" for name, v in columns.items()))
        for name in ("seconds", "loop") if way != "now" else ():
            ratios = [a[name] / b[name] for a, b in zip(mine, rows["now"], strict=False)]
            print(f"{'':7} {name} over now's: {spread(ratios, 2)}")


if __name__ == "__main__":
    main()
