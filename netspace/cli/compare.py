"""Compare latent space optimisations that have ended: their scores on test data, mean and standard deviation.

Example:
    netspace compare runs/lso/one runs/lso/two
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import UsageError

NAME, HELP = "compare", "compare latent space optimisations that have ended"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("run_folders", type=Path, nargs="+", metavar="RUN", help="folder of a run")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> None:
    import statistics

    from ..train.lso_files import read_result

    results = {str(folder): read_result(folder) for folder in args.run_folders}
    if len({result.score for result in results.values()}) > 1:
        raise UsageError("runs on images and on shapes have no score in common")
    columns = list(dict.fromkeys(name for result in results.values() for name in result.test))
    rows: list[dict[str, Any]] = [
        {"run": name, "best_step": result.best_step, "steps": result.steps, "ended": result.ended} | result.test
        for name, result in results.items()
    ]
    found = {name: [row[name] for row in rows if name in row] for name in columns}
    summary = {
        name: {
            "mean": statistics.mean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "lowest": min(values),
            "highest": max(values),
        }
        for name, values in found.items()
    }
    if args.json:
        print(json.dumps({"score": next(iter(results.values())).score, "runs": rows, "summary": summary}, indent=2))
        return
    width = max(len(row["run"]) for row in rows)
    print(f"{'run':{width}} {'best at':>8} " + " ".join(f"{name:>9}" for name in columns))
    for row in rows:
        scores = " ".join(f"{row[name]:9.4f}" if name in row else " " * 9 for name in columns)
        print(f"{row['run']:{width}} {row['best_step']:>8} {scores}")
    for name, figures in summary.items():
        print(
            f"{name}: {figures['mean']:.4f} +- {figures['std']:.4f} "
            f"({figures['lowest']:.4f} to {figures['highest']:.4f})"
        )
