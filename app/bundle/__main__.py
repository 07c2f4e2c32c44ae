"""python -m app.bundle, started by `netspace bundle`: reads what is asked for as JSON, and answers with a line of JSON.

Asked for: space, zoo, pairs (A:B each) or random and seed, methods, steps, map, scores (folders), out, command.
Answered: {"written": path, "bytes": size, "large": whether it became a zip for its size}, or {"error": a sentence}.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Write a bundle; return what is to be said of it. ValueError, OSError if something is wrong with what is asked."""
    from app.backend import bundles, scorecards

    from .writing import bundle_file, is_bundle

    out = Path(asked["out"])
    for path in {out, out.with_suffix(".zip")}:
        if path.exists() and not is_bundle(path):
            raise ValueError(f"{path} exists and is no bundle; choose another name")
    loaded = bundles.open_both_at(Path(asked["space"]), Path(asked["zoo"]))
    pairs = bundles.pairs_named(loaded, asked["pairs"]) or bundles.pairs_drawn(loaded, asked["random"], asked["seed"])
    order = bundles.BundleOrder(
        pairs, asked["methods"], asked["steps"], asked["map"], bundles.reports_for(loaded, map(Path, asked["score"])),
        asked["command"], {"space": asked["space"], "zoo": asked["zoo"]},
    )  # fmt: skip
    made = bundle_file(bundles.gathered(loaded, order, _say), out.stem, out.suffix.lower())
    path = out.with_suffix(made.suffix) if made.suffix != out.suffix.lower() else out
    bundles.write_bundle(path, made.content)
    return {"written": str(path), "bytes": len(made.content), "large": made.suffix != out.suffix.lower()}


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{words:<60}", end="\r", file=sys.stderr)


def main() -> None:
    logging.getLogger("streamlit").setLevel(logging.ERROR)  # nothing here runs in a session, which it would remark on
    try:
        answer = run(json.load(sys.stdin))
    except (ValueError, OSError, MemoryError) as error:
        answer = {"error": str(error.args[0] if isinstance(error, KeyError) else error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
