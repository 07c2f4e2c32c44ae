"""The only file of the front end that imports netspace: ids and numbers go in, bytes and dataclasses come out."""

from __future__ import annotations

import atexit
import gzip
import io
import itertools
import json
import math
import os
import queue
import random
import shlex
import struct
import threading
import zipfile
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import streamlit as st
import torch

import netspace
from netspace.interpolate import METHODS, Step, gammas, measure
from netspace.interpolate import PATH_STEPS as STEPS
from netspace.mesh import Surface, export, surface_of, surface_or_none, vertex_normals
from netspace.network import Network
from netspace.shapes import describe
from netspace.zoo import HELDOUT, TRAIN, BadFolder, Zoo, read_json

ROOT = Path(__file__).resolve().parent.parent
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PREVIEW, AT_REST = 64, 128
COLOURS = {"latent": "#0F9D8A", "weights": "#E8743B", "aligned": "#7A5CC8"}
DEFAULT_PAIR = ("chair-0086", "chair-0120")

torch.set_num_threads(1)  # the work is spread over threads that run one network each


# -- what is there to load -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A folder that holds a space or a zoo; its id is its path below the folder it was found in."""

    id: str
    folder: Path
    kind: str
    """space or zoo"""
    title: str
    note: str
    """what kind of space or zoo it is, in a few words"""
    stamp: float
    """when it was last written: a folder that changes is loaded anew"""


def roots() -> list[Path]:
    """Where spaces and zoos are looked for: assets/, runs/, and the folders named in NETSPACE_FOLDERS."""
    more = [Path(p).expanduser() for p in os.environ.get("NETSPACE_FOLDERS", "").split(os.pathsep) if p]
    return [ROOT / "assets", ROOT / "runs", *more]


def find() -> list[Found]:
    """Every space and zoo at most three folders deep, spaces first, those that ship with the product before others."""
    found = []
    for root in roots():
        for kind, marker, data in (
            ("space", "config.json", "model.safetensors"),
            ("zoo", "zoo.json", "records.parquet"),
        ):
            paths = itertools.chain.from_iterable(root.glob(f"{'*/' * depth}{marker}") for depth in range(4))
            for path in sorted(paths):
                folder = path.parent
                name = folder.relative_to(root).as_posix() if folder != root else folder.name
                stamp = max((p.stat().st_mtime for p in (path, folder / data) if p.exists()), default=0.0)
                title = f"{folder.parent.name} / {folder.name}"
                found.append(Found(name, folder, kind, title, _note(path, kind, stamp), stamp))
    return list({(f.kind, f.id): f for f in reversed(found)}.values())[::-1]


READS = {"prep": "reads weights", "probe": "reads answers"}
READS_NOTE = {
    "prep": "This encoder reads weights: it knows the networks it was trained on, and no others.",
    "probe": "This encoder reads answers: it also understands networks it has never seen.",
}


@st.cache_data(max_entries=256, show_spinner=False)
def _note(path: Path, kind: str, stamp: float) -> str:
    try:
        about = read_json(path)
        if kind == "space":
            space = about["space"]
            return f"{space['preset']}, {READS[space['encoder']]}, E = {space['embedding']}"
        count = pyarrow.parquet.read_metadata(path.parent / "records.parquet").num_rows
        return f"{count} networks, {', '.join(about['family']['archs'])}"
    except (BadFolder, KeyError, TypeError, OSError, pyarrow.ArrowInvalid):
        return "cannot be read"


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_space(folder: Path, stamp: float) -> netspace.NetSpace:
    return netspace.load(folder, DEVICE)


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_zoo(folder: Path, stamp: float) -> Zoo:
    return Zoo.load(folder)


@dataclass(frozen=True)
class Loaded:
    """A space and a zoo that fit together."""

    space_info: Found
    zoo_info: Found
    space: netspace.NetSpace = field(repr=False)
    zoo: Zoo = field(repr=False)

    @property
    def names(self) -> list[str]:
        return self.zoo.records.name.tolist()


def load(space: Found, zoo: Found) -> Loaded:
    """Load both; ValueError, in one sentence for the page, where either is damaged or they do not belong together."""
    loaded = Loaded(space, zoo, _load_space(space.folder, space.stamp), _load_zoo(zoo.folder, zoo.stamp))
    loaded.space.check_family(loaded.zoo.family)
    return loaded


@dataclass(frozen=True)
class Card:
    """A network as the picker and the viewer name it."""

    name: str
    words: str
    held_out: bool


@st.cache_data(max_entries=8, show_spinner=False)
def _cards(folder: Path, stamp: float) -> list[Card]:
    records = _load_zoo(folder, stamp).records
    return [
        Card(r["name"], describe(r) if "legs" in r else str(r.get("source", r["arch"])), r["split"] == HELDOUT)
        for r in records.to_dict("records")
    ]


def cards(loaded: Loaded) -> list[Card]:
    return _cards(loaded.zoo_info.folder, loaded.zoo_info.stamp)


def atlas(loaded: Loaded) -> bytes | None:
    """A feed with the zoo's thumbnails, or None where none were made."""
    path = loaded.zoo_info.folder / "thumbnails.webp"
    if not path.exists():
        return None
    grid = read_json(path.with_suffix(".json"))
    header = {"view": "picker", "feed": "atlas", "path": loaded.zoo_info.id, "zoo": loaded.zoo_info.id}
    return feed(header | {"columns": grid["columns"], "rows": grid["rows"]}, path.read_bytes())


def default_pair(loaded: Loaded) -> tuple[int, int]:
    """The pair that the pages open with: two chairs that look well together, else the first training networks."""
    names = loaded.names
    if all(name in names for name in DEFAULT_PAIR):
        return names.index(DEFAULT_PAIR[0]), names.index(DEFAULT_PAIR[1])
    ids = [*loaded.zoo.ids(TRAIN), *loaded.zoo.ids(HELDOUT)]
    return ids[0], ids[min(1, len(ids) - 1)]


def random_pair(loaded: Loaded) -> tuple[int, int]:
    """Two training networks, drawn at random; where there are not two, two of all."""
    train = loaded.zoo.ids(TRAIN)
    ids = train if len(train) > 1 else range(len(loaded.zoo))
    return tuple(random.sample(ids, 2)) if len(ids) > 1 else (ids[0], ids[0])


def picker_data(loaded: Loaded, a: int, b: int) -> dict:
    """What the picker shows."""
    zoo = f"{loaded.zoo_info.id}|{loaded.zoo_info.stamp}"
    return {"zoo": zoo, "networks": [asdict(card) for card in cards(loaded)], "a": a, "b": b}


def viewer_data(
    loaded: Loaded,
    work: PathWork,
    a: int,
    b: int,
    *,
    frame: int,
    method: str,
    camera: list[float] | None = None,
    hero: bool = False,
) -> dict:
    """What the viewer shows beside the meshes, which come by feeds."""
    sides = [
        {
            "side": name,
            "title": METHODS[name].title,
            "help": METHODS[name].words,
            "ends": METHODS[name].ends,
            "between": METHODS[name].between,
            "colour": COLOURS[name],
        }
        for name in work.sides
    ]
    known = cards(loaded)
    return {
        "path": work.id,
        "steps": STEPS,
        "frame": frame,
        "method": method,
        "sides": sides,
        "hero": hero,
        "camera": camera,
        "ends": {"a": asdict(known[a]), "b": asdict(known[b])},
        "same": a == b,
    }


def summary(loaded: Loaded) -> dict[str, str]:
    """What is loaded, for the Home page."""
    records, space, family = loaded.zoo.records, loaded.space, loaded.zoo.family
    train, heldout = (int((records.split == split).sum()) for split in (TRAIN, HELDOUT))
    parameters = sum(p.numel() for p in space.parameters()) / 1e6
    kind = f"{space.config.preset}, {READS[space.config.encoder]}"
    return {
        "Networks": f"{len(records)}: {train} train, {heldout} held‑out",
        "Architecture": f"{', '.join(family.names)}, {family.archs[-1].num_params:,} parameters",
        "PRep": f"{family.size.height} × {family.size.width:,}",
        "Space": f"{kind}, E = {space.config.embedding}, {parameters:.1f} M parameters",
        "Device": device_name(),
    }


def reconstruction(loaded: Loaded) -> dict[str, dict] | None:
    """What `eval --save` measured with this space on this zoo, by split, or None where it was not run."""
    try:
        measured = read_json(loaded.space_info.folder / "eval.json")
        if (loaded.space_info.folder / measured["zoo"]).resolve() != loaded.zoo_info.folder.resolve():
            return None
        return {split: measured[split] for split in (TRAIN, HELDOUT) if split in measured}
    except (BadFolder, KeyError, TypeError):
        return None


def doubt(loaded: Loaded, a: int, b: int) -> str:
    """Why a path may look broken that is not; empty where there is no such reason."""
    strangers = [card.name for card in (cards(loaded)[i] for i in dict.fromkeys((a, b))) if card.held_out]
    if not strangers or loaded.space.config.encoder != "prep":
        return ""
    were = "was" if len(strangers) == 1 else "were"
    known = f"{' and '.join(strangers)} {were} held out from training. {reads_note(loaded)}"
    return f"{known} A space that reads answers fits better here."


def reads_note(loaded: Loaded) -> str:
    """What to expect of the space on networks it has not seen."""
    return READS_NOTE[loaded.space.config.encoder]


def device_name() -> str:
    if DEVICE == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU, {os.cpu_count()} cores"


# -- paths: decoded and meshed in the background, the newest request first -----------------------------------------


class Engine:
    """Worker threads that serve the newest path first; what an older one still wants is done when there is time."""

    def __init__(self, workers: int) -> None:
        self.queue: queue.PriorityQueue = queue.PriorityQueue()
        self.count = itertools.count()
        self.paths: OrderedDict[tuple, PathWork] = OrderedDict()
        self.lock = threading.Lock()
        self.workers = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()
        atexit.register(self.close)  # a thread inside torch while the interpreter goes down would abort it

    def submit(self, priority: tuple, function, *args) -> Future:
        future: Future = Future()
        self.queue.put((priority, next(self.count), future, function, args))
        return future

    def close(self) -> None:
        """Finish what is under way, drop the rest, and end the workers."""
        for _ in self.workers:
            self.queue.put(((-math.inf,), next(self.count), None, None, ()))
        for worker in self.workers:
            worker.join()

    def _work(self) -> None:
        torch.set_num_threads(1)
        while True:
            _, _, future, function, args = self.queue.get()
            if function is None:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*args))
            except Exception as error:  # handed on to whoever waits for the result
                future.set_exception(error)


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    return Engine(max(1, min(8, os.cpu_count() or 1)))


@dataclass(frozen=True)
class Frame:
    """One decoded and meshed network of a path, ready to be sent."""

    entry: dict
    body: bytes


class PathWork:
    """A path between two networks of a zoo, all of its frames decoded, meshed and measured in the background."""

    def __init__(self, engine: Engine, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> None:
        self.engine, self.loaded, self.sides = engine, loaded, sides
        self.ends = loaded.zoo[a].to(DEVICE), loaded.zoo[b].to(DEVICE)
        self.gammas = gammas(STEPS)
        self.serial = next(engine.count)
        self.first = first
        self.id = (
            f"{loaded.space_info.id}|{loaded.space_info.stamp}|{loaded.zoo_info.id}|{loaded.zoo_info.stamp}|{a}|{b}"
        )
        self.frames: dict[tuple[str, int], Future] = {}
        self.details: OrderedDict[tuple[str, int], Future] = OrderedDict()
        self._ends = [self._submit(0, self._end, k, PREVIEW, True) for k in (0, 1)]
        self._fine_ends: list[Future] | None = None
        for rank, part in enumerate(self.parts()):
            for side, i in part:
                self.frames[side, i] = self._submit(rank + 1, self._frame, side, i, PREVIEW, True)

    def _submit(self, rank: int, function, *args) -> Future:
        return self.engine.submit((-self.serial, rank), function, *args)

    def parts(self) -> list[list[tuple[str, int]]]:
        """Frames in the order in which they are wanted: where the slider is, every fourth, the rest."""
        others = [i for i in range(STEPS) if i != self.first]
        coarse, fine = [i for i in others if i % 4 == 0], [i for i in others if i % 4]
        return [[(side, i) for i in part for side in self.sides] for part in ([self.first], coarse, fine)]

    def network(self, side: str, i: int) -> Network:
        """The network of a side at a step."""
        return METHODS[side].path(self.loaded.space, *self.ends, [self.gammas[i]])[0]

    def has_surface(self, side: str, i: int) -> bool:
        """Whether a step has a surface; waits for it."""
        return self.frames[side, i].result().entry["triangles"] > 0

    def _end(self, k: int, resolution: int, preview: bool) -> Surface | None:
        return surface_or_none(self.ends[k], resolution, preview)

    def _frame(self, side: str, i: int, resolution: int, preview: bool) -> Frame:
        ends = self._ends if preview else self._fine_ends
        step = measure(self.network(side, i), ends[0].result(), ends[1].result(), resolution, preview)
        return pack_frame(side, i, step, resolution)

    def part(self, frames: list[tuple[str, int]], name: str, view: str) -> bytes:
        """A feed with these frames; waits for them."""
        return frames_feed(view, name, self.id, [self.frames[key].result() for key in frames])

    def detail(self, i: int, view: str) -> bytes:
        """A feed with both sides of a step at 128^3; waits for them."""
        if self._fine_ends is None:
            self._fine_ends = [self._submit(-2, self._end, k, AT_REST, False) for k in (0, 1)]
        for side in self.sides:
            if (side, i) not in self.details:
                self.details[side, i] = self._submit(-1, self._frame, side, i, AT_REST, False)
        while len(self.details) > 16:
            self.details.popitem(last=False)
        return frames_feed(view, f"detail-{i}", self.id, [self.details[side, i].result() for side in self.sides])


def path_work(loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> PathWork:
    """The path between two networks, started if it is not there yet."""
    served = engine()
    key = (loaded.space_info, loaded.zoo_info, a, b, sides)
    with served.lock:
        if key not in served.paths:
            served.paths[key] = PathWork(served, loaded, a, b, sides, first)
            while len(served.paths) > 24:
                served.paths.popitem(last=False)
        served.paths.move_to_end(key)
        return served.paths[key]


def pack_frame(side: str, i: int, step: Step, resolution: int) -> Frame:
    """A step as the viewer draws it: 16-bit positions in its bounding box, 8-bit normals, indices, gzipped."""
    numbers = {
        "volume": step.volume,
        "area": step.area,
        "components": step.components,
        "iou_a": step.iou_a,
        "iou_b": step.iou_b,
    }
    entry = {"side": side, "index": i, "resolution": resolution, "numbers": numbers, "bytes": 0, "triangles": 0}
    if step.surface is None:
        return Frame(entry, b"")
    mesh = step.surface.mesh
    low = mesh.vertices.min(axis=0)
    size = np.maximum(np.ptp(mesh.vertices, axis=0), 1e-6)
    position = np.zeros((len(mesh.vertices), 4), np.uint16)
    position[:, :3] = np.round((mesh.vertices - low) / size * 65535)
    normal = np.zeros((len(mesh.vertices), 4), np.int8)
    normal[:, :3] = np.round(vertex_normals(mesh) * 127)
    wide = len(mesh.vertices) > 65535
    index = mesh.faces.astype(np.uint32 if wide else np.uint16)
    body = gzip.compress(position.tobytes() + normal.tobytes() + index.tobytes(), compresslevel=1, mtime=0)
    entry |= {
        "resolution": step.surface.resolution,
        "vertices": len(position),
        "triangles": len(index),
        "wide": wide,
        "low": low.tolist(),
        "size": size.tolist(),
        "bytes": len(body),
    }
    return Frame(entry, body)


def frames_feed(view: str, name: str, path: str, frames: list[Frame]) -> bytes:
    header = {"view": view, "feed": name, "path": path, "frames": [frame.entry for frame in frames]}
    return feed(header, b"".join(frame.body for frame in frames))


def feed(header: dict, body: bytes) -> bytes:
    """Bytes for the feed component: the header's length, the header as JSON, the body."""
    head = json.dumps(header).encode()
    return struct.pack("<I", len(head)) + head + body


# -- taking things away --------------------------------------------------------------------------------------------


def method_title(side: str) -> str:
    return METHODS[side].title


def mesh_arrays(work: PathWork, side: str, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) and faces (f, 3) of a step at 128^3."""
    return tuple(surface_of(work.network(side, i), AT_REST).mesh)


def mesh_file(work: PathWork, side: str, i: int, kind: str) -> bytes:
    """The mesh of a step at 128^3 as a file."""
    return export(surface_of(work.network(side, i), AT_REST).mesh, kind)


def about_network(work: PathWork, side: str, i: int, a: str, b: str) -> dict:
    """Where a network of a path comes from; travels with its file."""
    method = METHODS[side]
    return {
        "architecture": work.ends[0].arch.name,
        "method": side,
        "gamma": work.gammas[i],
        "a": a,
        "b": b,
        "is": method.ends if i in (0, STEPS - 1) else method.between,
        "space": work.loaded.space_info.id,
        "zoo": work.loaded.zoo_info.id,
        "evaluate": "x -> sin(30 (W0 x + b0)) -> sin(30 (W1 h + b1)) -> W2 h + b2, x in [-1, 1]^3, negative inside",
    }


def network_file(work: PathWork, side: str, i: int, about: dict, kind: str) -> bytes:
    """A network as `zip` (network.safetensors and network.json) or as `pt`, for torch.load(weights_only=True)."""
    from safetensors.torch import save

    params = {name: p.detach().cpu().clone().contiguous() for name, p in work.network(side, i).params.items()}
    buffer = io.BytesIO()
    if kind == "pt":
        torch.save(params, buffer)
    else:
        with zipfile.ZipFile(buffer, "w") as bundle:
            bundle.writestr("network.safetensors", save(params, metadata={"netspace": json.dumps(about)}))
            bundle.writestr("network.json", json.dumps(about, indent=2) + "\n")
    return buffer.getvalue()


def command(loaded: Loaded, a: str, b: str, method: str, steps: int = STEPS) -> str:
    """The command line that writes the same path."""
    return _command(
        "interpolate", loaded, "--a", a, "--b", b, "--method", method, "--steps", str(steps), "--out", "path"
    )


def eval_command(loaded: Loaded) -> str:
    """The command line that measures what `reconstruction` reads."""
    return _command("eval", loaded, "--save")


def _command(name: str, loaded: Loaded, *options: str) -> str:
    def shown(folder: Path) -> str:
        return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)

    both = ["--space", shown(loaded.space_info.folder), "--zoo", shown(loaded.zoo_info.folder)]
    return shlex.join(["python", "-m", "netspace", name, *both, *options])
