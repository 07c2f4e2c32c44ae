"""What is shown of runs: their curves and trajectories, what they were asked for, how far they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.tasks import app_task
from netspace.jobs import read_curves
from netspace.jobs.records import FINISHED, QUEUED, RUNNING, UNREADABLE, duration
from netspace.latent.projection import Plane
from netspace.nets.archs import arch_title
from netspace.tasks import task_of
from netspace.tasks.measures import wilson
from netspace.train.lso_files import read_best, read_result, read_trajectory

from ..caches import cached_value
from ..catalogue import Loaded, cards
from ..visitors import is_visitor
from .embedding_map import arch_looks, embedded, finite_or_none, map_of, start_place
from .runs import LsoRun, told
from .setup import LOSSES


def stamp_of(folder: Path) -> tuple:
    """Changes with every line, checkpoint and result of a run."""
    files = ("metrics.jsonl", "checkpoint.safetensors", "best.safetensors", "result.json")
    return tuple((p.stat().st_mtime_ns, p.stat().st_size) for name in files if (p := folder / name).exists())


@cached_value(max_entries=64)
def _lines(folder: Path, stamp: tuple, score: str, steps: int, map_key: str, _plane: Plane | None) -> dict:
    """A run's lines as columns, and its trajectory on the map, as far as it has come."""
    lines = read_curves(folder)
    places, trouble = [], ""
    try:
        places = _plane.place(read_trajectory(folder)).tolist() if lines and _plane else []
    except (ValueError, RuntimeError) as error:  # also of another space, whose embeddings have another size
        trouble = told(error)
    if not all(math.isfinite(v) for place in places for v in place):
        places = [place for place in places if all(map(math.isfinite, place))]
    names = dict.fromkeys(name for line in lines for name in line["terms"])
    measured = [line["measures"] for line in lines]
    last = lines[-1] if lines else {}
    left = last["seconds"] / last["step"] * (steps - last["step"]) if last.get("step") and "seconds" in last else None
    return {
        "at": [line["step"] for line in lines],
        "scores": [finite_or_none(m.get(f"validation_{score}")) for m in measured],
        "moved": [finite_or_none(m.get("moved")) for m in measured],
        "sure": [finite_or_none(m.get("sure")) for m in measured],
        "architectures": [arch_title(str(line.get("architecture", ""))) for line in lines],
        "terms": {name: [finite_or_none(line["terms"].get(name)) for line in lines] for name in names},
        "best": max((k for k, line in enumerate(lines) if line.get("best")), default=None),
        "places": [[round(v, 4) for v in place] for place in places],
        "trouble": trouble,
        "seconds_left": left,
    }


def shown(loaded: Loaded, run: LsoRun) -> dict:
    """What the view shows of a run: what it is, its lines and, at the end, its scores on test data."""
    score = task_of(loaded.space).score
    known = map_of(loaded).plane if embedded(loaded) == 1 else None
    lines = _lines(run.folder, stamp_of(run.folder), score, run.steps, loaded.key if known else "", known)
    tests, count = {}, 0
    with suppress(ValueError):
        result = read_result(run.folder)
        tests, count = result.test, _test_count(loaded)
    scores = {name: {"value": finite_or_none(v)} | _interval(v, count, score) for name, v in tests.items()}
    return lines | {
        "id": run.id,
        "title": run.title,
        "state": run.state,
        "words": state_words(run, lines["seconds_left"]),
        "details": f"{run.title}: {details(run)}",
        "steps": run.steps,
        "tests": scores,
        "count": count,
    }


def _test_count(loaded: Loaded) -> int:
    """How many test images, or points of a shape, a test score stands on; 0 where the images are not here."""
    with suppress(ValueError):
        return app_task(loaded).test_count(loaded)
    return 0


def _interval(value: float, count: int, score: str) -> dict:
    if score != "accuracy" or not count or finite_or_none(value) is None:
        return {}
    low, high = wilson(round(value * count), count)
    return {"low": low, "high": high}


def state_words(run: LsoRun, seconds_left: float | None = None) -> str:
    """A run's state, and how long it takes yet."""
    if run.state == RUNNING and seconds_left is not None:
        return f"running, {duration(seconds_left)} left"
    if run.state == FINISHED and run.message:
        return "ended early"
    return "waits for two others" if run.state == QUEUED else run.state


def brief(run: LsoRun) -> str:
    """A run in a line, for lists."""
    best = ""
    if not run.alive and run.state != UNREADABLE:  # else it would be out of date in a moment
        with suppress(ValueError):
            best = f" · best {read_best(run.folder).score:.3f}"
    return f"{run.title} · {state_words(run)}{best}"


def details(run: LsoRun) -> str:
    """What a run was asked for, in a line."""
    if not run.asked:
        return ""
    config = run.asked["config"]
    aim = run.option("target") or LOSSES.get(config.get("loss"), config.get("loss", ""))
    teacher = f", teacher {run.option('teacher')}" if run.option("teacher") else ""
    if is_visitor():  # who reads no path of this machine, also none below the product's folder
        aim, teacher = (Path(aim).name, ", a teacher" if teacher else "")
    want = f", towards {arch_title(run.asked['want'])}" if run.asked.get("want") else ""
    how = f"learning rate {config.get('lr', 0):g}, seed {config.get('seed', 0)}"
    return f"from {run.asked['start']}, {aim}{teacher}{want}, {how}"


def reference(loaded: Loaded) -> dict | None:
    """Of a zoo of classifiers, its best network by validation accuracy; None where that is not known."""
    records = loaded.zoo.records
    if "val_accuracy" not in records or records.val_accuracy.isna().all():
        return None
    best = records.loc[records.val_accuracy.idxmax()]
    test = finite_or_none(best.get("test_accuracy"))
    return {"name": best["name"], "validation": float(best["val_accuracy"]), "test": test}


def progress_data(loaded: Loaded, chosen: Sequence[LsoRun], start: str, seed: int) -> dict:
    """What the view shows beside the map's points, which come by a feed."""
    values = [card.accuracy for card in cards(loaded) if finite_or_none(card.accuracy) is not None]
    task, kind, share = task_of(loaded.space), app_task(loaded), embedded(loaded)
    placed = share == 1 and start
    return {
        "map": loaded.key,
        "embedded": share,
        "shares": list(map_of(loaded).plane.shares) if share == 1 else None,
        "score": task.goal_score,
        "measured": kind.score_title,
        "asked": kind.asked_inputs,
        "originals": not kind.targets,
        "archs": arch_looks(loaded),
        "range": [min(values), max(values)] if values else None,
        "start": {"where": start, "place": start_place(loaded, start, seed)} if placed else None,
        "reference": reference(loaded),
        "terms": dict(task.goal_terms),
        "runs": [shown(loaded, run) for run in chosen],
    }
