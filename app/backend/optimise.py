"""Latent space optimisation for its page: what is launched, which runs there are, and what is read of their folders."""

from __future__ import annotations

import functools
import math
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet
import streamlit as st
import torch

from netspace.cli.registry import build_parser
from netspace.data.meshes import load_source
from netspace.data.shapes import chair, chair_params, describe
from netspace.errors import FormatError
from netspace.folders import ASSETS
from netspace.geometry.mesh import Surface, surface_or_none
from netspace.io import find_files, read_json
from netspace.jobs import runs
from netspace.jobs.runs import duration
from netspace.latent.embeddings import embed
from netspace.latent.projection import Plane
from netspace.recipes import RECIPES
from netspace.tasks.measures import wilson
from netspace.tasks.sdf import ShapeGoal
from netspace.tasks.surfaces import Step
from netspace.train.lso import LsoConfig
from netspace.train.lso_files import read_best, read_result, read_run, read_trajectory
from netspace.train.starts import start_from
from netspace.zoo.store import TRAIN

from . import catalogue, jobs, looks, take_away
from .catalogue import COLOURS, ROOT, Found, Loaded, cards, is_shapes
from .chairs import frames_feed, pack_frame
from .classifiers import _test_images, here
from .engine import Engine, feed, shared
from .words import sentence

RUNS = ROOT / "runs"
"""What the page makes lies below: runs in lso/, copies of zoos in zoos/."""

RECIPE, USUAL = {"sdf": "chairs-lso", "digits": "digits-lso"}, "cifar10-lso"
"""Settings that the page starts from, by what networks are trained on, and those for other images."""

LOSSES = {
    "kd": "teacher + labels",
    "kl": "teacher alone",
    "task": "labels alone",
}

TERMS = {
    ("images", "pred"): ("teacher", "Divergence from the teacher's answers (Eq. 3), weighted as the loss has it"),
    ("images", "task"): ("labels", "Cross-entropy with the labels (Eq. 4), weighted as the loss has it"),
    ("sdf", "pred"): ("squared error", "Mean squared error of the signed distance at samples of the shape (Eq. 2)"),
    ("images", "class"): ("architecture", "Cross-entropy of the predicted architecture with the wanted one (Eq. 6)"),
}

TARGET = "#64748B"
PREVIEW, AT_REST = 64, 128
AT_ONCE = 4
"""networks of one task of the map"""
PATIENCE = 1.0
"""seconds that a page waits for its map before it is shown without"""


# -- the map -------------------------------------------------------------------------------------------------------


class MapWork:
    """The embeddings of a zoo's networks, a few at a time, and the plane in which those of training spread most."""

    def __init__(self, engine: Engine, loaded: Loaded) -> None:
        ids, rank = range(len(loaded.zoo)), -next(engine.count)
        self.parts = [
            engine.submit((rank, k), embed, loaded.space, loaded.zoo, ids[k : k + AT_ONCE]) for k in ids[::AT_ONCE]
        ]
        self.waited_for = False
        self.training = loaded.zoo.ids(TRAIN) or list(ids)

    @functools.cached_property
    def plane(self) -> Plane:
        """As `start_from` has it."""
        return Plane.of(self._embeddings[self.training])

    @functools.cached_property
    def places(self) -> torch.Tensor:
        """Of all networks (b, 2)."""
        return self.plane.place(self._embeddings)

    @functools.cached_property
    def _embeddings(self) -> torch.Tensor:
        return torch.cat([part.result().cpu() for part in self.parts])  # (b, E)


def _map(loaded: Loaded) -> MapWork:
    return shared().work(("map", loaded.key), lambda engine: MapWork(engine, loaded))


def embedded(loaded: Loaded) -> float:
    """The share of the networks that are embedded; the first time it is asked about a zoo, it waits a moment."""
    work = _map(loaded)
    if not work.waited_for:
        work.waited_for = True
        wait(work.parts, timeout=PATIENCE)
    return sum(part.done() for part in work.parts) / len(work.parts)


def no_map(loaded: Loaded) -> str:
    """Why a zoo has no map; empty where it has one."""
    count = len(loaded.zoo.ids(TRAIN)) or len(loaded.zoo)
    return f"its plane is spanned by 3 training networks at least, and it has {count}" if count < 3 else ""


def map_feed(loaded: Loaded, view: str) -> bytes:
    """The networks as points of the map, sent once."""
    places = _map(loaded).places
    known, records, names = cards(loaded), loaded.zoo.records, loaded.zoo.family.names
    header = {
        "view": view,
        "feed": "map",
        "path": loaded.key,
        "points": [[round(v, 4) for v in point] for point in places.tolist()],
        "names": [card.name for card in known],
        "words": [card.words for card in known],
        "splits": [card.split for card in known],
        "held": [card.held_out for card in known],
        "values": [_finite(card.accuracy) for card in known],
        "archs": [names.index(name) for name in records.arch],
    }
    return feed(header, b"")


def architectures(loaded: Loaded) -> list[dict[str, str]]:
    """Names, colours and marks, where there are several."""
    names = loaded.zoo.family.names
    if len(names) == 1:
        return []
    return [{"name": one.title, "colour": one.colour, "mark": one.mark} for one in map(looks.look, names)]


def arch_title(name: str) -> str:
    return looks.title(name)


def _kind(loaded: Loaded) -> str:
    return "sdf" if is_shapes(loaded) else "images"


@st.cache_data(max_entries=32, show_spinner=False)
def _place_of_noise(_loaded: Loaded, key: str, seed: int) -> list[float]:
    start = start_from(_loaded.space, _loaded.zoo, "noise", seed)
    return _map(_loaded).plane.place(start.z.cpu()).tolist()


def start_place(loaded: Loaded, where: str, seed: int) -> list[float]:
    """Where on the map a run would start."""
    if where == "mean":
        return [0.0, 0.0]
    if where == "noise":
        return _place_of_noise(loaded, loaded.key, seed)
    if where.startswith("at:"):
        return [float(part) for part in where.removeprefix("at:").split(",")]
    return _map(loaded).places[loaded.zoo.index(where)].tolist()


# -- what is launched ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setup:
    """What the page asks a run for."""

    start: str
    """a network, mean, noise or at:X,Y"""
    lr: float
    steps: int
    points: int
    loss: str = ""
    """of LOSSES; empty for shapes"""
    teacher: str = ""
    """id of a zoo"""
    target: str = ""
    """chair:SEED or a mesh file; empty for classifiers"""
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


@st.cache_data(max_entries=256, show_spinner=False)
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
    return f"{looks.titles(list(teacher.family[0]))} · {accuracy:.3f} · {teacher.title}"


def target_title(target: str) -> str:
    """A target as the viewer names it."""
    return f"{target}, {_chair_words(target)}" if target.startswith("chair:") else Path(target).name


def _chair_words(target: str) -> str:
    return describe(chair(chair_params(int(target.removeprefix("chair:"))))[1]).removeprefix("chair: ")


def target_words(loaded: Loaded, target: str) -> str:
    """What a target is; ValueError, in a sentence, where it cannot be read."""
    if not target.startswith("chair:"):
        path = _below_root(Path(target).expanduser())
        if not target or not path.is_file():
            raise ValueError(f"There is no mesh file “{target}”." if target else "Name a mesh file.")
        return f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"
    records = loaded.zoo.records
    mine = records.name[records.source == target].tolist() if "source" in records else []
    return f"{mine[0] if mine else 'new to the zoo'}: {_chair_words(target)}"


def _below_root(path: Path) -> Path:
    """A path as a job would read it, which runs in the project's folder."""
    return path if path.is_absolute() else ROOT / path


def shown_path(folder: Path) -> str:
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def recipe(loaded: Loaded) -> str:
    """The name of the settings that the page starts from."""
    return RECIPE.get(loaded.space_info.data, USUAL)


def defaults(loaded: Loaded) -> LsoConfig:
    """Those settings."""
    return RECIPES[recipe(loaded)]


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


def argv(loaded: Loaded, setup: Setup) -> list[str]:
    """The words after `python -m netspace`; settings that are the recipe's are left to it."""
    words = ["lso", "--recipe", recipe(loaded), "--space", shown_path(loaded.space_info.folder)]
    words += ["--zoo", shown_path(loaded.zoo_info.folder), "--start", setup.start]
    if setup.teacher and setup.loss != "task":
        words += ["--teacher", shown_path(teachers(loaded)[setup.teacher].folder)]
    for option in ("target", "loss", "want"):
        words += [f"--{option}", getattr(setup, option)] if getattr(setup, option) else []
    usual = defaults(loaded)
    for option in ("lr", "steps", "points", "seed"):
        asked = getattr(setup, option)
        if asked != getattr(usual, option):
            words += [f"--{option}", f"{asked:g}" if option == "lr" else str(asked)]
    return [*words, "--out", shown_path(RUNS / "lso" / name_of(loaded, setup))]


def command(words: Sequence[str]) -> str:
    return shlex.join(["python", "-m", "netspace", *words])


def problem(loaded: Loaded, setup: Setup) -> str:
    """Why a run cannot be launched, in a sentence; empty where it can."""
    if setup.name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", setup.name):
        return "A run's name is made of letters, digits, dots, dashes and underscores."
    if setup.name and (RUNS / "lso" / setup.name).exists():
        return f"There is a run “{setup.name}” already: choose another name."
    if setup.loss in ("kd", "kl") and not setup.teacher:
        data = loaded.space_info.data
        return f"There is no teacher: no zoo for {data} says how accurate its networks are. Labels alone need none."
    if is_shapes(loaded):
        try:
            target_words(loaded, setup.target)
        except ValueError as error:
            return str(error)
    return ""


def launch(loaded: Loaded, setup: Setup) -> str:
    """Start a run; its id. ValueError, in a sentence, where it cannot be started."""
    folder = jobs.start(argv(loaded, setup)).job.folder
    return _id(folder) or folder.name


# -- runs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    id: str
    """its path below the folder it was found in"""
    folder: Path
    state: str
    """as a job's: queued, running, stopping, stopped, finished, failed, crashed; or unreadable"""
    message: str
    """what is wrong with it, in a sentence; empty where nothing is"""
    started: float
    """when, in seconds since 1970"""
    asked: dict
    """lso.json; empty before it is written"""
    argv: tuple[str, ...]
    """what it was started with, as a job; empty where it is none"""

    @property
    def alive(self) -> bool:
        return self.state in (*runs.ALIVE, "stopping")

    @property
    def resumable(self) -> bool:
        """Whether it can go on from here."""
        return self.state in (runs.STOPPED, runs.CRASHED, runs.FAILED) and bool(self.argv)

    @property
    def title(self) -> str:
        return self.id.removeprefix("lso/")

    @property
    def steps(self) -> int:
        """that it is to take"""
        return int(self.asked["config"].get("steps", 0)) if self.asked else 0

    def option(self, name: str) -> str:
        """An option of its command."""
        return _option(self.argv, f"--{name}") or str(self.asked.get("about", {}).get(name) or "")


def _option(words: Sequence[str], name: str) -> str:
    return next((value for word, value in zip(words, words[1:], strict=False) if word == name), "")


def _id(folder: Path) -> str | None:
    """How links name a folder."""
    for root in catalogue.roots():
        if folder.resolve().is_relative_to(root.resolve()) and folder.resolve() != root.resolve():
            return folder.resolve().relative_to(root.resolve()).as_posix()
    return None


def find(loaded: Loaded) -> list[Run]:
    """The runs in this space, the newest first; those that cannot be read are among them, and say why."""
    found = {}
    for root in catalogue.roots():
        for path in find_files(root, 4, "lso.json", runs.JOB):
            if path.parent not in found and (path.name == "lso.json" or _is_lso(path)):
                found[path.parent] = read(path.parent)
    lost = [run for run in found.values() if run.state == runs.UNREADABLE and not run.option("space")]
    mine = [*lost, *(run for run in found.values() if _is_of(run, loaded))]  # lost: nobody knows in which space
    return sorted({run.id: run for run in mine}.values(), key=lambda run: run.started, reverse=True)


def _is_lso(path: Path) -> bool:
    try:
        return read_json(path).get("kind") == "lso"
    except (FormatError, AttributeError):
        return False


def _is_of(run: Run, loaded: Loaded) -> bool:
    """Whether a run moved in this space; a relative path is looked for from where it was started and from above it."""
    space = run.option("space")
    if not space:
        return False
    mine = loaded.space_info.folder.resolve()
    places = [ROOT, *run.folder.parents]
    with suppress(FormatError, KeyError, TypeError):
        places.insert(0, Path(read_json(run.folder / runs.JOB)["directory"]))
    return next((p for place in places if (p := place / space).is_dir()), Path()).resolve() == mine


TOLD = (runs.FAILED, runs.CRASHED)
"""States of which a job's last words are shown"""


def read(folder: Path) -> Run:
    """The run of a folder as it stands."""
    marker = next((folder / name for name in ("lso.json", runs.JOB) if (folder / name).exists()), folder)
    found = Run(_id(folder) or folder.name, folder, runs.STOPPED, "", marker.stat().st_mtime, {}, ())
    try:
        job = jobs.of(folder)
        if job:
            message = sentence(job.job.message) if job.state in TOLD else ""
            found = replace(found, state=job.state, message=message, argv=job.job.argv)
        if (folder / "lso.json").exists():
            found = replace(found, asked=read_run(folder))
        if (folder / "result.json").exists():
            result = read_result(folder)
            problem = sentence(result.problem)
            found = replace(found, state=runs.FINISHED, message=problem)
    except (ValueError, TypeError, KeyError) as error:
        return replace(found, state=runs.UNREADABLE, message=_told(error))
    return found


def _told(error: BaseException) -> str:
    return sentence(runs.sentence(error)) or "It cannot be read."


def stop(run: Run) -> None:
    """Ask a run to stop; ValueError where it has ended."""
    jobs.stop(jobs.of(run.folder))


def resume(run: Run) -> None:
    """Let a run go on; ValueError, in a sentence, where it cannot."""
    jobs.resume(jobs.of(run.folder))


# -- what is shown of them -----------------------------------------------------------------------------------------


def _stamp(folder: Path) -> tuple:
    """Changes with every line, checkpoint and result of a run."""
    files = ("metrics.jsonl", "checkpoint.safetensors", "best.safetensors", "result.json")
    return tuple((p.stat().st_mtime_ns, p.stat().st_size) for name in files if (p := folder / name).exists())


@st.cache_data(max_entries=64, show_spinner=False)
def _lines(folder: Path, stamp: tuple, score: str, steps: int, map_key: str, _plane: Plane | None) -> dict:
    """A run's lines as columns, and its trajectory on the map, as far as it has come."""
    lines = runs.metrics(folder)
    places, trouble = [], ""
    try:
        places = _plane.place(read_trajectory(folder)).tolist() if lines and _plane else []
    except (ValueError, RuntimeError) as error:  # also of another space, whose embeddings have another size
        trouble = _told(error)
    if not all(math.isfinite(v) for place in places for v in place):
        places = [place for place in places if all(map(math.isfinite, place))]
    names = dict.fromkeys(name for line in lines for name in line["terms"])
    measured = [line["measures"] for line in lines]
    last = lines[-1] if lines else {}
    left = last["seconds"] / last["step"] * (steps - last["step"]) if last.get("step") and "seconds" in last else None
    return {
        "at": [line["step"] for line in lines],
        "scores": [_finite(m.get(f"validation_{score}")) for m in measured],
        "moved": [_finite(m.get("moved")) for m in measured],
        "sure": [_finite(m.get("sure")) for m in measured],
        "architectures": [looks.title(str(line.get("architecture", ""))) for line in lines],
        "terms": {name: [_finite(line["terms"].get(name)) for line in lines] for name in names},
        "best": max((k for k, line in enumerate(lines) if line.get("best")), default=None),
        "places": [[round(v, 4) for v in place] for place in places],
        "trouble": trouble,
        "seconds_left": left,
    }


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def shown(loaded: Loaded, run: Run) -> dict:
    """What the view shows of a run: what it is, its lines and, at the end, its scores on test data."""
    score = "iou" if is_shapes(loaded) else "accuracy"
    known = _map(loaded).plane if embedded(loaded) == 1 else None
    lines = _lines(run.folder, _stamp(run.folder), score, run.steps, loaded.key if known else "", known)
    tests, count = {}, 0
    with suppress(ValueError):
        result = read_result(run.folder)
        tests, count = result.test, _test_count(loaded)
    scores = {name: {"value": _finite(v)} | _interval(v, count, score) for name, v in tests.items()}
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
    if is_shapes(loaded):
        return ShapeGoal.OCCUPANCY
    with suppress(ValueError):
        return len(_test_images(loaded.space_info.data)) if here(loaded) else 0
    return 0


def _interval(value: float, count: int, score: str) -> dict:
    if score != "accuracy" or not count or _finite(value) is None:
        return {}
    low, high = wilson(round(value * count), count)
    return {"low": low, "high": high}


def state_words(run: Run, seconds_left: float | None = None) -> str:
    """A run's state, and how long it takes yet."""
    if run.state == runs.RUNNING and seconds_left is not None:
        return f"running, {duration(seconds_left)} left"
    if run.state == runs.FINISHED and run.message:
        return "ended early"
    return "waits for two others" if run.state == runs.QUEUED else run.state


def brief(run: Run) -> str:
    """A run in a line, for lists."""
    best = ""
    if not run.alive and run.state != runs.UNREADABLE:  # else it would be out of date in a moment
        with suppress(ValueError):
            best = f" · best {read_best(run.folder).score:.3f}"
    return f"{run.title} · {state_words(run)}{best}"


def details(run: Run) -> str:
    """What a run was asked for, in a line."""
    if not run.asked:
        return ""
    config = run.asked["config"]
    aim = run.option("target") or LOSSES.get(config.get("loss"), config.get("loss", ""))
    teacher = f", teacher {run.option('teacher')}" if run.option("teacher") else ""
    want = f", towards {looks.title(run.asked['want'])}" if run.asked.get("want") else ""
    how = f"learning rate {config.get('lr', 0):g}, seed {config.get('seed', 0)}"
    return f"from {run.asked['start']}, {aim}{teacher}{want}, {how}"


def reference(loaded: Loaded) -> dict | None:
    """Of a zoo of classifiers, its best network by validation accuracy; None where that is not known."""
    records = loaded.zoo.records
    if is_shapes(loaded) or "val_accuracy" not in records or records.val_accuracy.isna().all():
        return None
    best = records.loc[records.val_accuracy.idxmax()]
    test = _finite(best.get("test_accuracy"))
    return {"name": best["name"], "validation": float(best["val_accuracy"]), "test": test}


def view_data(loaded: Loaded, chosen: Sequence[Run], start: str, seed: int) -> dict:
    """What the view shows beside the map's points, which come by a feed."""
    values = [card.accuracy for card in cards(loaded) if _finite(card.accuracy) is not None]
    kind, share = _kind(loaded), embedded(loaded)
    placed = share == 1 and start
    return {
        "map": loaded.key,
        "embedded": share,
        "shares": list(_map(loaded).plane.shares) if share == 1 else None,
        "score": "IoU with the target" if is_shapes(loaded) else "accuracy",
        "shapes": is_shapes(loaded),
        "archs": architectures(loaded),
        "range": [min(values), max(values)] if values else None,
        "start": {"where": start, "place": start_place(loaded, start, seed)} if placed else None,
        "reference": reference(loaded),
        "terms": {name: words for (k, name), words in TERMS.items() if k == kind},
        "runs": [shown(loaded, run) for run in chosen],
    }


# -- shapes --------------------------------------------------------------------------------------------------------


def viewer_data(run: Run) -> dict:
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


def mesh_feeds(run: Run, view: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the feeds with the best network's surface, finer at rest, and the target's."""
    with suppress(ValueError):
        best = read_best(run.folder)
        for resolution in (PREVIEW,) if run.alive else (PREVIEW, AT_REST):
            yield f"best-{best.step}-{resolution}", _best_feed(run.id, run.folder, _stamp(run.folder), view, resolution)
    with suppress(ValueError, OSError):
        yield "target", _target_feed(run.id, run.option("target"), view)


@st.cache_data(max_entries=64, show_spinner=False)
def _best_feed(id: str, folder: Path, stamp: tuple, view: str, resolution: int) -> bytes:
    best = read_best(folder)
    surface = surface_or_none(best.network, resolution)
    return _still(id, view, f"best-{best.step}-{resolution}", "best", surface, resolution, version=best.step)


@st.cache_data(max_entries=16, show_spinner=False)
def _target_feed(id: str, source: str, view: str) -> bytes:
    mesh, _ = load_source(source if source.startswith("chair:") else str(_below_root(Path(source))))
    return _still(id, view, "target", "target", Surface(mesh, None, AT_REST, 0), AT_REST)


def _still(
    id: str, view: str, name: str, side: str, surface: Surface | None, resolution: int, version: int = 0
) -> bytes:
    """A feed with one surface; the viewer shows that of the latest version."""
    frame = pack_frame(side, 0, Step(surface, None, None, 1, 0.0, 0.0), resolution)
    frame.entry["version"] = version
    return frames_feed(view, name, id, [frame])


# -- what can be kept ----------------------------------------------------------------------------------------------


def has_best(run: Run) -> bool:
    """Whether a best network can be read."""
    with suppress(ValueError):
        return read_best(run.folder) is not None
    return False


def about_best(loaded: Loaded, run: Run) -> dict:
    """Where a run's best network comes from; travels with its file."""
    best = read_best(run.folder)
    return {
        "architecture": best.network.arch.name,
        "made_by": "latent space optimisation",
        "step": best.step,
        f"validation_{run.asked['score']}": best.score,
        "space": loaded.space_info.id,
        "run": run.asked,
        "evaluate": take_away.EVALUATE[best.network.arch.task],
    }


def network_file(loaded: Loaded, run: Run, kind: str) -> bytes:
    """The best network as `take_away.network_bytes` writes it."""
    return take_away.network_bytes(read_best(run.folder).network, about_best(loaded, run), kind)


def run_command(run: Run) -> str:
    """The command that made a run, as it was typed or launched."""
    return command(run.argv) if run.argv else str(run.asked.get("about", {}).get("command", ""))


def zoo_to_keep_in(loaded: Loaded) -> tuple[Path, bool]:
    """The zoo's folder or, of one that ships with the product, its copy's; and whether that is still to be made."""
    folder = loaded.zoo_info.folder
    if not folder.resolve().is_relative_to(ASSETS.resolve()):
        return folder, False
    copy = RUNS / "zoos" / "-".join(folder.relative_to(ASSETS).parts).removesuffix("-zoo")
    return copy, not (copy / "zoo.json").exists()


def keep(loaded: Loaded, run: Run, name: str) -> str:
    """Append a run's best network to the zoo as `zoo add` does, to a copy where it ships with the product.

    Returns:
        the id of the zoo that has it.

    Raises:
        ValueError: the zoo has a network of this name, or the run has no best network.
    """
    if not name.strip():
        raise ValueError("a network needs a name")
    folder, missing = zoo_to_keep_in(loaded)
    if missing:
        read_best(run.folder)  # before anything is copied
        copy = folder.with_name(f".{folder.name}.copying")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(loaded.zoo_info.folder, copy, ignore=shutil.ignore_patterns("README.md"))
        copy.rename(folder)
    words = ["zoo", "add", "--zoo", str(folder), "--run", str(run.folder), f"--name={name.strip()}"]
    args = build_parser().parse_args(words)
    args.run(args)
    return _id(folder) or folder.name
