"""What the page asks a run for: settings, teachers, targets; and the command that is launched."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet

from app.tasks import app_task
from netspace.jobs import Command
from netspace.recipes import RECIPES
from netspace.tasks import task_of
from netspace.train.lso import LsoConfig

from .. import catalogue, jobs, looks
from ..caches import cached_value
from ..catalogue import ROOT, Found, Loaded, cards
from ..visitors import RefusedToVisitors, is_visitor
from .runs import link_id

RUNS = ROOT / "runs"
"""What the page makes lies below: runs in lso/, copies of zoos in zoos/."""
LOSSES = {
    "kd": "teacher + labels",
    "kl": "teacher alone",
    "task": "labels alone",
}


@dataclass(frozen=True)
class Setup:
    """What the page asks a run for."""

    start: str
    """a network, mean, noise or at:X,Y"""
    lr: float
    steps: int
    points: int
    loss: str = ""
    """of LOSSES; empty if there is a target"""
    teacher: str = ""
    """id of a zoo"""
    target: str = ""
    """as `AppTask.targets` has it: chair:SEED, digits:INDEX or a file; empty for classifiers"""
    want: str = ""
    """an architecture of a family, "any", or that of the network it starts from"""
    seed: int = 0
    name: str = ""
    """of the run's folder; empty: the first that is free of those that say what it does"""


def starts(loaded: Loaded) -> list[str]:
    """What a run can start from, beside a point of the map: mean, noise, the networks, of classifiers weakest first."""
    known = cards(loaded)
    order = sorted(range(len(known)), key=lambda i: known[i].accuracy or 0.0)
    return ["mean", "noise", *(known[i].name for i in order)]


def teachers(loaded: Loaded) -> dict[str, Found]:
    """Zoos whose networks were trained on the same data and are known to be accurate, by id, the best first."""
    found = {f.id: f for f in catalogue.find() if f.kind == "zoo" and f.data == loaded.space_info.data}
    best = {id: accuracy for id, f in found.items() if (accuracy := _best_accuracy(f.folder, f.stamp)) is not None}
    return {id: found[id] for id in sorted(best, key=best.get, reverse=True)}


@cached_value(max_entries=256)
def _best_accuracy(folder: Path, stamp: float) -> float | None:
    """The highest validation accuracy of a zoo's networks, as its table has it."""
    try:
        found = pyarrow.parquet.read_table(folder / "records.parquet", columns=["val_accuracy"])
        return max((v for v in found["val_accuracy"].to_pylist() if v is not None and math.isfinite(v)), default=None)
    except (OSError, ValueError, KeyError):
        return None


def teacher_words(teacher: Found) -> str:
    """A teacher as its list names it."""
    accuracy = _best_accuracy(teacher.folder, teacher.stamp)
    return f"{looks.arch_titles(list(teacher.family[0]))} · {accuracy:.3f} · {teacher.title}"


def target_words(loaded: Loaded, target: str) -> str:
    """What a target is; ValueError, in a sentence, where it cannot be read."""
    if not is_numbered(loaded, target):
        if is_visitor():  # who would learn which files there are
            raise RefusedToVisitors
        path = below_root(Path(target).expanduser())
        if not target or not path.is_file():
            what = app_task(loaded).targets[-1].title
            article = "an" if what[0] in "aeiou" else "a"
            raise ValueError(f"There is no {what} “{target}”." if target else f"Name {article} {what}.")
        return f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"
    records = loaded.zoo.records
    mine = records.name[app_task(loaded).sources(records) == target].tolist() if "source" in records else []
    return f"{mine[0] if mine else 'new to the zoo'}: {app_task(loaded).target_words(target)}"


def is_numbered(loaded: Loaded, target: str) -> bool:
    """Whether a target is one of a source's, as chair:SEED; else it is a file."""
    source, _, number = target.partition(":")
    return source in {one.source for one in app_task(loaded).targets if one.source} and number.lstrip("-").isdecimal()


def below_root(path: Path) -> Path:
    """A path as a job would read it, which runs in the project's folder."""
    return path if path.is_absolute() else ROOT / path


def shown_path(folder: Path) -> str:
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def recipe(loaded: Loaded) -> str:
    """The name of the settings that the page starts from."""
    return task_of(loaded.space).lso_recipe(loaded.space_info.data)


def defaults(loaded: Loaded) -> LsoConfig:
    """Those settings."""
    return RECIPES[recipe(loaded)] if recipe(loaded) else LsoConfig()


def name_of(loaded: Loaded, setup: Setup) -> str:
    """The name of a run's folder."""
    if setup.name:
        return setup.name
    aim = Path(setup.target).stem.replace(":", "-") if setup.target else setup.loss
    start = "point" if setup.start.startswith("at:") else setup.start
    want = "" if setup.want in ("", "any") else setup.want.split("/")[0]
    parts = (loaded.space_info.folder.parent.name, start, want, aim)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(filter(None, parts))).lower()
    taken = {path.name for path in (RUNS / "lso").iterdir()} if (RUNS / "lso").is_dir() else set()
    return next(n for k in range(1, len(taken) + 2) if (n := f"{plain}-{k}" if k > 1 else plain) not in taken)


def command_of(loaded: Loaded, setup: Setup, data: str = "") -> Command:
    """The command that makes a run.

    Args:
        data: folder of images, if it is to be named.
    """
    teacher = teachers(loaded)[setup.teacher].folder if setup.teacher and setup.loss != "task" else None
    usual = defaults(loaded)
    asked: dict[str, Any] = {"lr": setup.lr, "steps": setup.steps, "points": setup.points, "seed": setup.seed}
    options = {
        "space": shown_path(loaded.space_info.folder),
        "zoo": shown_path(loaded.zoo_info.folder),
        "start": setup.start,
        "teacher": shown_path(teacher) if teacher else None,
        "target": setup.target,
        "want": setup.want,
        "data": data,
    }
    config = replace(usual, loss=setup.loss or usual.loss, **asked)
    return Command("lso", options, config, recipe(loaded), shown_path(RUNS / "lso" / name_of(loaded, setup)))


def problem(loaded: Loaded, setup: Setup) -> str:
    """Why a run cannot be launched, in a sentence; empty where it can."""
    if setup.name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", setup.name):
        return "A run's name is made of letters, digits, dots, dashes and underscores."
    if setup.name and (RUNS / "lso" / setup.name).exists():
        return f"There is a run “{setup.name}” already: choose another name."
    if setup.loss in ("kd", "kl") and not setup.teacher:
        data = loaded.space_info.data
        return f"There is no teacher: no zoo for {data} says how accurate its networks are. Labels alone need none."
    if app_task(loaded).targets:
        try:
            target_words(loaded, setup.target)
        except ValueError as error:
            return str(error)
    return ""


def launch(loaded: Loaded, setup: Setup) -> str:
    """Start a run; its id. ValueError, in a sentence, where it cannot be started."""
    folder = jobs.start(command_of(loaded, setup)).job.folder
    return link_id(folder) or folder.name
