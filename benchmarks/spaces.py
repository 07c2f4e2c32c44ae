"""OMP_NUM_THREADS=1 python -m benchmarks.spaces [--recipe NAME] [--steps N] [--train N]: AdamW beside Muon for a space.

A space is trained on a part of the chairs with each optimizer, in turns of `--every` steps in one process. Seconds are
those of a core that steps and measurements take; computing what the networks answer, before the first step, is left
out and told by itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

import netspace
from netspace.recipes import RECIPES
from netspace.train.space import SpaceLearner, train_space
from netspace.zoo.store import HELDOUT, TRAIN, select


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="chairs-probe", choices=("chairs-probe", "chairs-prep"))
    parser.add_argument("--steps", type=int, default=400, help="of the whole schedule")
    parser.add_argument("--every", type=int, default=50, help="steps between measurements")
    parser.add_argument("--train", type=int, default=48, help="training networks, with a sixth as many held out")
    parser.add_argument("--queries", type=int, default=4096, help="stored points per network")
    args = parser.parse_args()
    torch.set_num_threads(1)
    whole = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    config = replace(RECIPES[args.recipe], steps=args.steps, every=args.every, queries=args.queries)
    prepared: list[float] = []
    prepare = SpaceLearner.prepare

    def timed(*some, **named) -> None:
        start = time.process_time()
        prepare(*some, **named)
        prepared.append(time.process_time() - start)

    SpaceLearner.prepare = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        select(whole, whole.ids(TRAIN)[: args.train] + whole.ids(HELDOUT)[: args.train // 6], Path(folder) / "zoo")
        zoo = netspace.Zoo.load(Path(folder) / "zoo")
        runs = {
            name: train_space(zoo, replace(config, optimiser=name), Path(folder) / name) for name in ("adamw", "muon")
        }
        spent = dict.fromkeys(runs, 0.0)
        curves: dict[str, list[tuple[float, dict[str, float]]]] = {name: [] for name in runs}
        for _ in range(0, args.steps, args.every):
            for name, run in runs.items():
                before, start = len(prepared), time.process_time()
                entry = next(run)
                spent[name] += time.process_time() - start - sum(prepared[before:])
                curves[name].append((spent[name], entry.measures))
                print(f"{name:6} step {entry.step:5} {spent[name]:7.1f} s", entry.measures, flush=True)
        for run in runs.values():
            run.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}")
    print(f"answers before the first step: {max(prepared):.1f} s for {args.train + args.train // 6} networks")
    print(f"a step of muon takes {spent['muon'] / spent['adamw']:.2f} of one of adamw")
    seconds, last = curves["adamw"][-1]
    for name, end in last.items():
        sign = -1 if name.endswith("mse") else 1
        passed = next((took / seconds for took, found in curves["muon"] if sign * found[name] >= sign * end), None)
        words = "does not reach AdamW's end" if passed is None else f"reaches AdamW's end in {passed:.2f} of its time"
        print(f"{name:20} adamw {end:.5f}, muon {curves['muon'][-1][1][name]:.5f}: muon {words}")


if __name__ == "__main__":
    main()
