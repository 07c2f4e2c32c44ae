"""The best network of a run of shapes beside its target, as surfaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import streamlit as st

from netspace.data.meshes import load_source
from netspace.geometry.mesh import Surface, surface_or_none
from netspace.tasks.surfaces import Step
from netspace.train.lso_files import read_best

from ..catalogue import COLOURS
from ..chairs import AT_REST, PREVIEW, frames_feed, pack_frame
from ..inspection import TARGET
from .progress import stamp_of
from .runs import LsoRun
from .setup import below_root, target_title


def solid_data(run: LsoRun) -> dict:
    """For the path viewer standing still: the best network of a run beside its target; empty before there is one."""
    try:
        best = read_best(run.folder)
    except ValueError:
        return {}
    title = "best network so far" if run.alive else "best network"
    words = f"step {best.step}, IoU {best.score:.3f}"
    target = run.option("target")
    sides = [_side("best", title, words, COLOURS["latent"]), _side("target", "target", target_title(target), TARGET)]
    end = {"name": "", "words": "", "split": "", "held_out": False}
    still = {"steps": 2, "frame": 0, "method": "best", "still": True, "camera": None, "same": False}
    return still | {"path": run.id, "ends": {"a": end, "b": end}, "sides": sides}


def _side(side: str, title: str, words: str, colour: str) -> dict:
    help = {"best": "The network of the highest IoU on validation points", "target": "The shape that is asked for"}
    return {"side": side, "title": title, "help": help[side], "ends": words, "between": words, "colour": colour}


def mesh_feeds(run: LsoRun, view: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the feeds with the best network's surface, finer at rest, and the target's."""
    with suppress(ValueError):
        best = read_best(run.folder)
        for resolution in (PREVIEW,) if run.alive else (PREVIEW, AT_REST):
            yield (
                f"best-{best.step}-{resolution}",
                _best_feed(run.id, run.folder, stamp_of(run.folder), view, resolution),
            )
    with suppress(ValueError, OSError):
        yield "target", _target_feed(run.id, run.option("target"), view)


@st.cache_data(max_entries=64, show_spinner=False)
def _best_feed(id: str, folder: Path, stamp: tuple, view: str, resolution: int) -> bytes:
    best = read_best(folder)
    surface = surface_or_none(best.network, resolution)
    return _still(id, view, f"best-{best.step}-{resolution}", "best", surface, resolution, version=best.step)


@st.cache_data(max_entries=16, show_spinner=False)
def _target_feed(id: str, source: str, view: str) -> bytes:
    mesh, _ = load_source(source if source.startswith("chair:") else str(below_root(Path(source))))
    return _still(id, view, "target", "target", Surface(mesh, None, AT_REST, 0), AT_REST)


def _still(
    id: str, view: str, name: str, side: str, surface: Surface | None, resolution: int, version: int = 0
) -> bytes:
    """A feed with one surface; the viewer shows that of the latest version."""
    frame = pack_frame(side, 0, Step(surface, None, None, 1, 0.0, 0.0), resolution)
    frame.entry["version"] = version
    return frames_feed(view, name, id, [frame])
