"""The best network of a run beside its target, as the kind of networks is drawn: surfaces, or pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.palette import TRUTH_COLOUR
from app.tasks import app_task
from netspace.latent.paths import FIRST
from netspace.places import check_known, is_known
from netspace.train.lso_files import read_best

from ..caches import cached_value
from ..catalogue import Loaded
from ..path import method_colour, steps_feed
from .progress import stamp_of
from .runs import LsoRun
from .setup import below_root, is_numbered


def is_drawn(loaded: Loaded) -> bool:
    """Whether networks of this kind are drawn beside a target."""
    return bool(app_task(loaded).targets)


def best_data(loaded: Loaded, run: LsoRun) -> dict:
    """For a path view standing still: the best network of a run beside its target; empty before there is one."""
    try:
        best = read_best(run.folder)
    except ValueError:
        return {}
    kind = app_task(loaded)
    title = "best network so far" if run.alive else "best network"
    words = f"step {best.step}, {kind.score_title} {best.score:.3f}"
    sides = [
        _side(
            "best", title, f"The network of the highest {kind.score_title} in validation", words, method_colour(FIRST)
        ),
        _side("target", "target", "What is asked for", _target_words(loaded, run), TRUTH_COLOUR),
    ]
    end = {"name": "", "words": "", "split": "", "held_out": False}
    still = {"steps": 2, "frame": 0, "method": "best", "still": True, "same": False}
    return still | {"path": run.id, "ends": {"a": end, "b": end}, "sides": sides}


def _target_words(loaded: Loaded, run: LsoRun) -> str:
    """What a run's target is; a file that lies elsewhere is read only if the user named it, see `netspace.places`."""
    target = run.option("target")
    known = is_numbered(loaded, target) or is_known(below_root(Path(target)), run.folder)
    return app_task(loaded).target_title(target) + ("" if known else ", not read: it was not named on this machine")


def _side(side: str, title: str, help: str, words: str, colour: str) -> dict:
    return {"side": side, "title": title, "help": help, "ends": words, "between": words, "colour": colour}


def best_feeds(loaded: Loaded, run: LsoRun, view: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the packets with the best network, finer at rest, and with the target."""
    drawings, name = app_task(loaded).drawings, loaded.space_info.task
    with suppress(ValueError):
        best = read_best(run.folder)
        for detail in drawings[:1] if run.alive else drawings:
            packet = _best_feed(run.id, run.folder, stamp_of(run.folder), view, detail, name, loaded)
            yield f"best-{best.step}-{detail}", packet
    with suppress(ValueError, OSError):
        if not is_numbered(loaded, target := run.option("target")):
            check_known(below_root(Path(target)), run.folder)
        yield "target", _target_feed(run.id, target, view, name, loaded)


@cached_value(max_entries=64)
def _best_feed(id: str, folder: Path, stamp: tuple, view: str, detail: int, task: str, _loaded: Loaded) -> bytes:
    best = read_best(folder)
    step = app_task(_loaded).draw_still("best", best.network, detail)
    step.entry["version"] = best.step  # the view shows that of the latest
    return steps_feed(view, f"best-{best.step}-{detail}", id, [step])


@cached_value(max_entries=16)
def _target_feed(id: str, target: str, view: str, task: str, _loaded: Loaded) -> bytes:
    named = target if is_numbered(_loaded, target) else str(below_root(Path(target)))
    step = app_task(_loaded).draw_target(_loaded, named)
    step.entry["version"] = 0
    return steps_feed(view, "target", id, [step])
