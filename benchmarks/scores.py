"""OMP_NUM_THREADS=1 python -m benchmarks.scores [--make [--only NAME ...]]: every method on the spaces that ship.

Prints the table of docs/results.md from the reports in assets/scores. With --make it first makes those that are not
there: scorecard, memorisation audit and symmetry audit of each space. CIFAR-10 is left out if its images are not at
hand. It takes hours.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netspace.cli.main import main as netspace_command
from netspace.data.images import available

ROOT = Path(__file__).resolve().parent.parent
SCORES = ROOT / "assets" / "scores"
SPACES = {
    "digits": ("digits/space", "digits/zoo"),
    "digits-family": ("digits-family/space", "digits-family/zoo"),
    "cifar10": ("cifar10/space", "cifar10/zoo"),
    "chairs-prep": ("chairs/space-prep", "chairs/zoo"),
    "chairs-probe": ("chairs/space-probe", "chairs/zoo"),
    "digits-images": ("digits-images/space", "digits-images/zoo"),
}
"""by name of the report: space and zoo, below assets/"""
OPTIONS = {
    "score": {
        "digits-family": ["--steps", "5"], "cifar10": ["--steps", "5", "--images", "500"],
        "chairs-prep": ["--steps", "5", "--resolution", "32"], "chairs-probe": ["--steps", "5", "--resolution", "32"],
    },
    "audit": {
        "chairs-prep": ["--resolution", "32"], "chairs-probe": ["--resolution", "32"],
        "digits": ["--run", "assets/digits/lso"],
    },
    "symmetry": {},
}  # fmt: skip
"""by command and name of the report, what is asked beside the usual"""
SHOWN = {
    "classification": ("strong to strong", ("ends", "middle", "barrier")),
    "sdf": ("any two", ("surface", "components", "volume_drift", "iou_ends")),
    "image-field": ("any two", ("psnr_ends", "evenness", "variation")),
}
"""by task, the kind of pairs and the measures of that table"""


def report_folder(name: str, command: str) -> Path:
    """Return where a report lies."""
    return SCORES / (name if command == "score" else f"{name}-{command}")


def make(names: Sequence[str]) -> None:
    """Make the reports that are not there."""
    for command, options in OPTIONS.items():
        for name in names:
            space, zoo = (f"assets/{folder}" for folder in SPACES[name])
            out = report_folder(name, command)
            if out.exists() or (name == "cifar10" and not available("cifar10")):
                continue
            words = [command, "--space", space, "--zoo", zoo, *options.get(name, [])]
            netspace_command([*words, "--out", out.relative_to(ROOT).as_posix()])


def results_table() -> str:
    """Return the table of docs/results.md: for each measure and method the median and quartiles over pairs."""
    reports = {name: report_folder(name, "score") / "score.json" for name in SPACES}
    cards = {name: json.loads(path.read_text()) for name, path in reports.items() if path.exists()}
    methods = next(iter(cards.values()))["methods"]
    lines = [["space, pairs of", "measure", *methods.values()], ["---", "---", *["--:"] * len(methods)]]
    lines += [line for name, card in cards.items() for line in rows(name, card)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows(name: str, card: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the lines of a space."""
    titles, (kind, measures) = {one["name"]: one["title"] for one in card["columns"]}, SHOWN[card["task"]]
    for split, of in card["splits"].items():
        found = {part["method"]: part for part in card["summary"] if part["split"] == split and part["kind"] == kind}
        for measure in measures:
            yield [f"`{name}`, {of}, {kind}", titles[measure], *(cell(found[m], measure) for m in card["methods"])]


def cell(part: Mapping[str, Any], measure: str) -> str:
    """Return a median with its quartiles, and of how many paths if not of all; a dash if a method has none."""
    spread, there = part["measures"].get(measure), part["pairs"] - part["without_path"]
    if spread is None or spread["median"] is None:
        return "–"
    words = "{median:.3g} [{q1:.3g}, {q3:.3g}]".format(**spread)
    return words if there == part["pairs"] else f"{words}, {there} of {part['pairs']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--make", action="store_true", help="make the reports that are not there")
    parser.add_argument("--only", nargs="+", choices=SPACES, default=list(SPACES), help="spaces of --make")
    args = parser.parse_args()
    if args.make:
        make(args.only)
    print(results_table())


if __name__ == "__main__":
    main()
