"""python -m app.bundle, started by `netspace bundle`: reads what is asked for as JSON, and answers with a line of JSON.

Asked for: space, zoo, pairs (ids of A and B), methods, steps, map, score (folders), out, command.
Answered: {"written": path, "bytes": size, "large": whether it became a zip for its size}, or {"error": a sentence}.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any


def written(asked: dict[str, Any]) -> dict[str, Any]:
    """Write a bundle; return what is to be said of it. ValueError, OSError if something is wrong with what is asked."""
    from app.backend import bundles

    from .writing import bundle_file

    out = Path(asked["out"])
    loaded = bundles.open_both_at(Path(asked["space"]), Path(asked["zoo"]))
    order = bundles.BundleOrder(
        asked["pairs"], asked["methods"], asked["steps"], asked["map"],
        bundles.reports_for(loaded, map(Path, asked["score"])), asked["command"],
        bundles.named_folders(asked["space"], asked["zoo"]),
    )  # fmt: skip
    made = bundle_file(bundles.gathered(loaded, order, _say), out.stem, out.suffix.lower())
    path = out.with_suffix(made.suffix) if made.suffix != out.suffix.lower() else out
    bundles.write_bundle(path, made.content)
    return {"written": str(path), "bytes": len(made.content), "large": made.suffix != out.suffix.lower()}


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{words:<60}", end="\r", file=sys.stderr)


def answer_request() -> None:
    logging.disable(logging.WARNING)  # of Streamlit: nothing here runs in a session
    try:
        answer = written(json.load(sys.stdin))
    except (ValueError, OSError, MemoryError) as error:
        answer = {"error": str(error.args[0] if isinstance(error, KeyError) else error) or type(error).__name__}
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(answer))


if __name__ == "__main__":
    answer_request()
