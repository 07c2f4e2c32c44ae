"""python -m benchmarks.kills [--kills 200] [--seed 0]: long commands are killed at random moments, and gone on with.

Every command runs once undisturbed. Then it is killed with SIGKILL, with its workers, at a moment drawn evenly from the
whole of its duration, and gone on with by --resume or, where there is no such thing, by the same command. What it has
made in the end must equal what the undisturbed one made, and no other file may lie beside it. One process loads the
library and forks for each run, so that moments are spread over the work and not over loading.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from netspace import ARCHS, ASSETS, Zoo
from netspace.cli.main import main
from netspace.io import read_safetensors
from netspace.zoo.store import select

UNLIKE = ("seconds", "created", "started", "ended", "updated", "pid", "time", "directory", "message", "command")
"""parts of keys and columns that differ from run to run"""
RECORDS = ("log.txt", "status.json", "job.json", ".lock")
"""of a job: they tell what happened to it"""
FAST = ["--steps", "30", "--every", "3", "--nets", "2", "--points", "16", "--queries", "64"]


def commands(place: Path) -> dict[str, tuple[list[str], bool]]:
    """What is killed: name -> the words but for --out, and whether --resume goes on with it."""
    chairs, digits = place / "chairs", place / "digits"
    small = ["--embedding", "8", "--hidden", "16"]
    sdf = ["zoo", "fit-sdf", "--chairs", "6", "--arch", "siren64", "--steps", "40"]
    sdf += ["--batch", "128", "--samples", "1000"]
    cnn = ["zoo", "fit-cnn", "--arch", "lenetlike/digits", "--count", "6", "--epochs", "2", "--limit", "256"]
    space = ["--space", str(ASSETS / "digits/space"), "--zoo", str(digits)]
    shapes = ["--space", str(ASSETS / "chairs/space-prep"), "--zoo", str(chairs)]
    parts = ["--train", "40", "--heldout", "4"]
    return {
        "zoo fit-sdf": ([*sdf, "--group", "1", "--workers", "0"], True),
        "zoo fit-sdf, two workers": ([*sdf, "--group", "1", "--workers", "2"], True),
        "zoo fit-cnn": ([*cnn, "--validation", "1", "--heldout", "1", "--group", "1", "--workers", "0"], True),
        "zoo fit-image": (["zoo", "fit-image", "--count", "24", "--validation", "4", "--heldout", "4", "--steps", "60",
                           "--group", "4", "--workers", "0"], True),
        "train": (["train", "--zoo", str(chairs), *FAST, *small], True),
"lso": (["lso", *shapes, "--start", "mean", "--target", "chair:1", "--steps", "30", "--every", "3"], True),
        "zoo import": (["zoo", "import", str(place / "made"), "--arch", "lenetlike/digits", "--as", "paper"], False),
        "embed": (["embed", *space], False),
        "zoo join": (["zoo", "join", "--zoo", str(chairs), "--zoo", str(place / "others")], False),
        "zoo select": (["zoo", "select", "--zoo", str(ASSETS / "chairs/zoo"), *parts], False),
    }  # fmt: skip


def prepared(place: Path) -> None:
    """Small zoos, and networks to import."""
    chairs, digits = Zoo.load(ASSETS / "chairs/zoo"), Zoo.load(ASSETS / "digits/zoo")
    select(chairs, chairs.ids("train")[:12], place / "chairs")
    select(chairs, chairs.ids("train")[12:24], place / "others")
    parts = (("train", 10), ("validation", 2), ("heldout", 2))
    select(digits, [i for split, count in parts for i in digits.ids(split)[:count]], place / "digits")
    (place / "made").mkdir()
    for k in range(24):
        torch.save(ARCHS["lenetlike/digits"].fresh(k).state_dict(), place / "made" / f"net-{k:02d}.pt")


def run(argv: Sequence[str], log: Path, kill_after: float | None = None) -> tuple[bool, float]:
    """Run a command in a process of its own; whether it ended well by itself, and its seconds."""
    start = time.monotonic()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        code = 1
        try:
            code = main(list(argv))
        finally:
            sys.stdout.flush()
            os._exit(code)
    with suppress(OSError):  # both sides say so: it may be killed before it has
        os.setpgid(child, child)
    end = float("inf") if kill_after is None else start + kill_after
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0, time.monotonic() - start
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False, time.monotonic() - start


def made(out: Path) -> dict[str, Any]:
    """What lies at a place, in a form that can be compared: by name of the file."""
    files = [out] if out.is_file() else sorted(path for path in out.rglob("*") if path.is_file())
    return {path.name: _content(path) for path in files if path.name not in RECORDS and "tfevents" not in path.name}


def _content(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return {name: t.numpy().tobytes() for name, t in read_safetensors(path)[0].items()}
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        return table[[name for name in table if not any(word in name for word in UNLIKE)]].to_json()
    if path.suffix in (".json", ".jsonl"):
        return [_alike(json.loads(line)) for line in _lines(path)]
    return path.read_bytes()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]


def _alike(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _alike(value) for key, value in data.items() if not any(word in key for word in UNLIKE)}
    return data


def killed(name: str, words: Sequence[str], resumable: bool, kills: int, place: Path, draw: random.Random) -> list[str]:
    """Kill a command again and again, go on with it, and compare; what was wrong, a line each, and a line on all."""
    ending = ".parquet" if name == "embed" else ""
    whole, out, log = place / "whole" / f"it{ending}", place / "killed" / f"it{ending}", place / "log"
    for each in (whole, out):
        shutil.rmtree(each.parent, ignore_errors=True)
        each.parent.mkdir()
    log.unlink(missing_ok=True)
    ended, lasts = run([*words, "--out", str(whole)], log)
    if not ended:
        raise SystemExit(f"{name} does not run: {log.read_text()[-500:]}")
    expected, wrong, hit = made(whole), [], 0
    for _ in range(kills):
        for each in (out.parent, place / "cache"):
            shutil.rmtree(each, ignore_errors=True)
        out.parent.mkdir()
        log.unlink()
        moment = draw.uniform(0, lasts)
        ended, _seconds = run([*words, "--out", str(out)], log, moment)
        if not ended:
            hit += 1
            again = ["--resume"] if resumable and any(out.glob("*")) else []
            ended, _seconds = run([*words, "--out", str(out), *again], log)
        told = log.read_text().strip().splitlines()[-1:]
        if not ended and (resumable or "holds a zoo already" not in "".join(told)):  # else it was made, but for its end
            wrong.append(f"{moment:.3f} s: {told}")
        elif (found := made(out)) != expected or len(list(out.parent.iterdir())) > 1:
            unlike = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
            wrong.append(f"{moment:.3f} s: unlike {unlike}, there are {sorted(p.name for p in out.parent.rglob('*'))}")
    print(f"{name}: {lasts:.2f} s, {kills} runs, {hit} killed, {len(wrong)} unlike", *wrong[:5], sep="\n  ", flush=True)
    return wrong


def run_kills() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="netspace-kills-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        os.environ |= {f"NETSPACE_{name.upper()}": f"{place}/{name}" for name in ("cache", "state", "slots")}
        prepared(place)
        asked = commands(place)
        shares = [args.kills * (i + 1) // len(asked) - args.kills * i // len(asked) for i in range(len(asked))]
        found = [
            killed(name, *one, share, place, draw) for (name, one), share in zip(asked.items(), shares, strict=True)
        ]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(run_kills())
