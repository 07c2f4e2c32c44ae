"""What the commands share that place networks among the training networks of a zoo."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..nets.archs import Arch
from ..zoo.store import TRAIN, Zoo


def counted(words: str):
    """Tells on the terminal how far something is, where one looks on."""

    def progress(done: int, total: int, last: str = "") -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            print(f"\r{words} {done} of {total}", end=end, file=sys.stderr, flush=True)

    return progress


def images_of(arch: Arch, split: str = "test", *, data: Path | None):
    """Data to measure networks on; None if they need none, or if it is not here and no folder is named."""
    from ..tasks import task_of

    return task_of(arch).data_here(arch, split, data)


def check_reference(space, reference: Zoo) -> None:
    """ValueError unless networks can be placed among the training networks of a zoo."""
    space.check_family(reference.family)
    train = set(reference.ids(TRAIN)) - set(reference.not_finite)
    if len(train) < 2:
        raise UsageError(f"{reference.folder} has {len(train)} training networks to place others among")


def place_among(space, zoo: Zoo, reference: Zoo, images) -> list:
    """The placements of a zoo's networks among the training networks of a reference zoo."""
    from ..evaluate.placement import place_networks
    from ..kept import cache_folder
    from ..latent.embeddings import embed_zoo

    broken = set(reference.not_finite)
    train = [i for i in reference.ids(TRAIN) if i not in broken]
    training, names = embed_zoo(space, reference, cache_folder())[train], reference.records.name[train].tolist()
    placed, progress = [], counted("placed")
    for placement in place_networks(space, zoo, range(len(zoo)), training, names, images):
        placed.append(placement)
        progress(len(placed), len(zoo))
    return placed


def print_placements(placed: Sequence) -> None:
    """A line for each placement: error, nearest training network, and why it is off the manifold."""
    if placed:
        print(f"{'network':24} {'error':>7} {'distance':>9}  nearest training network")
    for one in placed:
        error = f"{one.error:7.3f}" if math.isfinite(one.error) else "unknown"
        off = f"  off the manifold: {one.why}" if one.off else ""
        print(f"{one.name:24} {error} {one.distance:9.2f}  {one.nearest}{off}")


def placement_columns(placed: Sequence) -> dict[str, list]:
    """Placements as columns of a table of embeddings."""
    columns = {"error": "error", "nearest": "nearest", "distance": "distance", "off_manifold": "off", "why_off": "why"}
    return {column: [getattr(one, name) for one in placed] for column, name in columns.items()}


def figures_of(placement) -> dict:
    """What was measured of a placed network's decode, without what the placement says already."""
    figures = placement.figures._asdict() if placement.figures else {}
    return {name: value for name, value in figures.items() if name not in ("name", "split")}
