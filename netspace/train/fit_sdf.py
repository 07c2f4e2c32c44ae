"""Fit SIRENs to signed distance functions: one per shape, each from its own initialization (supplement V)."""

from __future__ import annotations

import math
import time
import zlib
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Unpack

import numpy as np
import torch
from torch import Tensor

from ..config import DTYPES, MOST_ITEMS, MOST_RATE, MOST_SEED, check_fields, option
from ..data.meshes import KEEPS, UPS, is_chair, load_source, mesh_files
from ..data.solid_check import check
from ..data.solids import THICKNESS, Solid, occupancy_points, sample_sdf
from ..errors import FormatError, MeshError, MissingData, UsageError
from ..io import read_json
from ..nets.archs import arch_named
from ..nets.fields import SDF
from ..places import note_places
from ..zoo.store import HELDOUT, TRAIN
from .muon import Muon
from .parts import Made
from .zoos import Progress, RunOptions, ZooPlan, as_stored, make_zoo

IOU_POINTS = 32_768
MUON_RATE = 1.5
"""Muon's learning rate over Adam's"""
ADAM_BETAS = {"muon": (0.9, 0.99), "adam": (0.9, 0.999)}
"""of Adam: in few steps the usual 0.999 remembers the first ones for too long"""
NEAREST = 0.02
"""Samples are drawn by nearness with weights 1 / (distance + this), and by distance with its inverse."""
HELD_BADLY = 0.9
"""A mesh file gets a warning if its network's IoU with the solid is below this."""


@dataclass(frozen=True)
class FitConfig:
    """How SIRENs are fitted to shapes. Defaults are this product's; `recipes.PAPER_SDF_ZOO` has the paper's."""

    arch: str = option("siren256", "architecture of every network: siren256, or e.g. siren/3-128-128-1@30")
    optimiser: str = option(
        "adam",
        "adam: on all parameters (paper); muon: on the hidden matrices, Adam on the rest, which wants fewer steps at "
        "twice the rate: --recipe chairs-fast-zoo",
        choices=("adam", "muon"),
    )
    steps: int = option(1000, "steps per network", least=1)
    batch: int = option(1024, "points per step", least=1, most=MOST_ITEMS)
    lr: float = option(1e-3, "Adam's learning rate at the start; Muon's is 1.5 times as high", above=0, most=MOST_RATE)
    decay: str = option(
        "cosine", "cosine, or steps: times 0.9 every tenth of the run (paper)", choices=("cosine", "steps")
    )
    samples: int = option(50_000, "SDF samples per shape, drawn as in DeepSDF", least=100, most=10 * MOST_ITEMS)
    near: float = option(
        0.0, "share of every batch that is drawn by nearness to the surface, the rest by distance from it; 0: evenly",
        least=0, most=1,
    )  # fmt: skip
    half_inside: bool = option(False, "draw half of every batch inside the shape (paper), instead of by nearness")
    hidden_dtype: str = option("bfloat16", "compute precision while fitting", choices=DTYPES)
    store_dtype: str = option("float16", "precision of the stored weights", choices=("float16", "float32"))
    shared_init: bool = option(False, "start all networks from the same initialization")
    heldout_every: int = option(9, "hold out every N-th network", least=1)
    seed: int = option(0, "seed of initializations, samples and batches", least=0, most=MOST_SEED)

    up: str = option(
        "auto",
        "axis of mesh files that points up; auto: as the file declares, else z for OFF and 3MF, y for others",
        choices=UPS,
    )
    keep: str = option(
        "all", "all of a mesh file, or only its largest object, without ground planes and far specks", choices=KEEPS
    )
    thickness: float = option(
        THICKNESS,
        "thickness of a mesh file's sheets, as a share of its longest side; 0 leaves them out",
        least=0,
        most=0.2,
    )
    strict: bool = option(False, "skip mesh files that come with a warning")

    def __post_init__(self) -> None:
        check_fields(self)
        arch = arch_named(self.arch)
        if arch.field != SDF:
            raise UsageError(f"{arch.name} holds no signed distances of shapes: siren256, siren/3-128-128-1@30, ... do")


class ShapeSource(NamedTuple):
    """Where a shape comes from."""

    name: str
    """name of its network in the zoo"""
    source: str
    """"chair:<seed>", or the path of a mesh file"""
    seed: int
    """seed of the network's initialization and batches; does not depend on the other shapes"""
    place: int
    """position among the shapes: every N-th is held out"""


def chair_sources(count: int, first_seed: int = 0) -> list[ShapeSource]:
    """Return the procedural chairs of `count` consecutive seeds; UsageError if there are none."""
    if count < 1:
        raise UsageError(f"{count} chairs are none to fit")
    seeds = range(first_seed, first_seed + count)
    return [ShapeSource(f"chair-{seed:04d}", f"chair:{seed}", seed, seed) for seed in seeds]


def file_sources(folder: Path) -> list[ShapeSource]:
    """Return every mesh file below a folder, named by its path in it; FileNotFoundError if there is none."""
    paths = [path.relative_to(folder) for path in mesh_files(folder)]
    stems = Counter(path.with_suffix("") for path in paths)
    return [
        ShapeSource(
            (path.with_suffix("") if stems[path.with_suffix("")] == 1 else path).as_posix().replace("/", "-"),
            str((folder / path).resolve()),
            zlib.crc32(path.as_posix().encode()),
            place,
        )
        for place, path in enumerate(paths)
    ]


class Fitted(NamedTuple):
    """Networks fitted to a group of shapes."""

    params: dict[str, Tensor]
    """name -> (g, *shape) float32"""
    loss: Tensor
    """(g,) MSE of the last batch"""


def fit_sdf(samples: Tensor, seeds: Sequence[int], config: FitConfig) -> Fitted:
    """Fit one network per row of samples (g, n, 4), points and signed distances, on the MSE (supplement V).

    Runs on the samples' device. `seeds` (g) decide each network's initialization and batches.
    """
    arch = arch_named(config.arch)
    device = samples.device
    init = [arch.initialise(config.seed if config.shared_init else seed) for seed in seeds]
    params = {k: torch.stack([p[k] for p in init]).to(device).requires_grad_() for k in arch.shapes}  # (g, *shape)
    optimisers = _optimisers(params, config)
    rates = [optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    hidden_dtype = getattr(torch, config.hidden_dtype)
    rows = torch.arange(len(seeds), device=device)[:, None]
    loss = torch.zeros(len(seeds))
    for step, index in enumerate(_batches(samples[..., 3], config, seeds[0])):
        if config.decay == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * step / config.steps))
        else:
            share = 0.9 ** (10 * step // config.steps)
        batch = samples[rows, index]  # (g, batch, 4)
        predicted = arch.apply_params(params, batch[..., :3], hidden_dtype).squeeze(-1)
        loss = (predicted - batch[..., 3]).square().mean(dim=1)  # (g,)
        for p in params.values():
            p.grad = None
        loss.sum().backward()
        for optimiser, rate in zip(optimisers, rates, strict=True):
            optimiser.param_groups[0]["lr"] = rate * share
            optimiser.step()
    return Fitted({k: p.detach() for k, p in params.items()}, loss.detach())


def _optimisers(params: dict[str, Tensor], config: FitConfig) -> list[torch.optim.Optimizer]:
    """Adam, and Muon for the hidden matrices (g, m, n): all but the first and the last, if it is asked for."""
    weights = [name for name, p in params.items() if p.ndim == 3]
    hidden = weights[1:-1] if config.optimiser == "muon" else []
    rest = [p for name, p in params.items() if name not in hidden]
    found: list[torch.optim.Optimizer] = [
        torch.optim.Adam(rest, lr=config.lr, betas=ADAM_BETAS[config.optimiser], fused=True)
    ]
    if hidden:
        dtype = getattr(torch, config.hidden_dtype)
        found.append(Muon([params[name] for name in hidden], lr=MUON_RATE * config.lr, dtype=dtype))
    return found


def _batches(distances: Tensor, config: FitConfig, seed: int) -> Generator[Tensor, None, None]:
    """Which samples every step takes, (g, batch), given the signed distances of all of them (g, n)."""
    g, n = distances.shape
    device = distances.device
    generator = torch.Generator(device).manual_seed(seed)
    order, inside = distances.sort(dim=1).indices, (distances < 0).sum(dim=1, keepdim=True)  # (g, n), (g, 1)
    far = (
        distances.abs() + NEAREST
    )  # what lies far off fills most of space and few samples: it needs a share of its own
    by_nearness, by_distance = (w / w.mean(dim=1, keepdim=True) for w in (1 / far, far))
    heaped = (config.near * by_nearness + (1 - config.near) * by_distance).cumsum(dim=1)  # (g, n)
    places = torch.arange(config.batch, device=device)
    for _ in range(config.steps):
        if config.near and not config.half_inside:  # at equal steps over the heap of weights, from a random place on
            start = torch.rand(g, 1, device=device, generator=generator)
            index = torch.searchsorted(heaped, (start + places) / config.batch * heaped[:, -1:])
        else:
            u = torch.rand(g, config.batch, device=device, generator=generator)
            index = (u * n).long()
            if config.half_inside:
                half = config.batch // 2
                pick = torch.cat([u[:, :half] * inside, inside + u[:, half:] * (n - inside)], dim=1)
                index = order.gather(1, pick.long().clamp(max=n - 1))  # (g, batch)
        yield index.clamp(max=n - 1)


class _Shape(NamedTuple):
    """What a network is fitted to and measured against."""

    samples: np.ndarray
    """(n, 4) points and signed distances"""
    points: np.ndarray
    """(m, 3) test points in the bounding box"""
    inside: np.ndarray
    """(m,) which of them are inside"""
    record: dict
    """columns of the zoo's table"""


def _prepare(source: ShapeSource, config: FitConfig, seed: int) -> _Shape:
    """Sample a shape; MeshError if it has no inside, or comes with a warning in the strict mode."""
    mesh, record = load_source(source.source, config.up, config.keep)
    solid = Solid(mesh, config.thickness)
    if not is_chair(source.source):  # those are closed by construction
        record |= checked(solid, record) | {"thickness_share": config.thickness}
        if config.strict and record["warnings"]:
            raise MeshError(f"skipped by --strict: {record['warnings']}")
    return _Shape(sample_sdf(solid, config.samples, seed), *occupancy_points(solid, IOU_POINTS, seed + 1), record)


def checked(solid: Solid, record: dict) -> dict:
    """Return columns that describe a mesh file's ground truth and how far independent tests agree with it."""
    found = check(solid)
    return {
        "sky_share": round(found.sky_share, 4),
        "tests_agree": round(found.tests_agree, 4),
        "mended": "; ".join(solid.mended),
        "thickness": solid.thickness,
        "fit_iou_against": solid.words,
        "warnings": "; ".join(filter(None, [record.get("warnings", ""), *found.warnings])),
    }


def _fit_group(job: tuple[Sequence[ShapeSource], FitConfig, str]) -> list[Made]:
    """Fit the networks of a few shapes; a shape that cannot be read is skipped and its neighbors are fitted."""
    sources, config, device = job
    seeds = [config.seed + 1_000_003 * (source.seed + 1) for source in sources]
    for path in (Path(source.source) for source in sources if not is_chair(source.source)):
        if not path.parent.is_dir():  # as on a machine that does not have the files: no fault of one of them
            raise MissingData(f"there is no folder {path.parent}, in which {path.name} should be")
    start = time.perf_counter()
    ready, results = [], {}
    for source, seed in zip(sources, seeds, strict=True):
        try:
            ready.append((source, seed, _prepare(source, config, seed)))
        except MeshError as error:
            results[source] = Made.skipped(source.name, f"{source.source}: {error}")
        except Exception as error:  # whatever is wrong with one file, the others are fitted
            results[source] = Made.skipped(source.name, f"{source.source}: {type(error).__name__}: {error}")
    if ready:
        samples = torch.from_numpy(np.stack([shape.samples for _, _, shape in ready])).to(device)
        fitted = fit_sdf(samples, [seed for _, seed, _ in ready], config)
        seconds = (time.perf_counter() - start) / len(ready)
        for i, (source, seed, shape) in enumerate(ready):
            params = {k: p[i] for k, p in fitted.params.items()}
            params = as_stored(params, config.store_dtype)
            if params is None:
                why = "fitting diverged, its weights are not finite numbers: try a lower --lr"
                results[source] = Made.skipped(source.name, f"{source.source}: {why}")
                continue
            about = {"source": source.source, "seed": seed, "steps": config.steps}
            measured = _measure(config, params, samples[i], shape) | {"seconds": seconds}
            record = _with_warning(shape.record, measured["fit_iou"])
            results[source] = Made.of(source.name, params, about | measured | record)
    return [results[source] for source in sources]


def _measure(config: FitConfig, params: dict[str, Tensor], samples: Tensor, shape: _Shape) -> dict:
    """Record columns of how well a network, as it is stored, holds its shape."""
    net = arch_named(config.arch).compile_params({k: p.float() for k, p in params.items()})
    occupied = (net(torch.from_numpy(shape.points).to(samples.device)) < 0).cpu().numpy()
    error = (net(samples[:, :3]) - samples[:, 3]).abs().mean().item()
    iou = float((occupied & shape.inside).sum() / max((occupied | shape.inside).sum(), 1))
    return {"fit_error": error, "fit_iou": iou}


def _with_warning(record: dict, iou: float) -> dict:
    """Add a warning to the record of a mesh file (a chair has none) if its network holds the solid badly."""
    if "warnings" not in record or iou >= HELD_BADLY:
        return record
    words = f"the network holds its solid badly (IoU {iou:.2f}): more --steps, or parts too thin for it"
    return record | {"warnings": "; ".join(filter(None, [record["warnings"], words]))}


def fit_sdf_zoo(
    folder: Path, sources: Sequence[ShapeSource], config: FitConfig, **options: Unpack[RunOptions]
) -> Generator[Progress, None, None]:
    """Fit a network to every shape; a generator of progress lines, see `make_zoo` for options and errors."""
    begun = read_json(folder / "zoo.json").get("config") if _goes_on(folder, options) else None
    if begun and "up" not in begun and config.up == "auto":
        config = replace(config, up="y")  # a zoo begun before files were turned goes on as it began
    if begun and "optimiser" not in begun and (config.optimiser, config.near) != (FitConfig.optimiser, FitConfig.near):
        raise FormatError(
            f"{folder} was begun by Adam on batches drawn evenly, --optimiser and --near cannot change that"
        )
    note_places({Path(source.source).parent for source in sources if not is_chair(source.source)})
    splits = {source.name: HELDOUT if (source.place + 1) % config.heldout_every == 0 else TRAIN for source in sources}
    arch_named(config.arch).check_step(config.batch)
    plan = ZooPlan(arch_named(config.arch), sources, config, _fit_group, splits, made_by="zoo fit-sdf")
    yield from make_zoo(folder, plan, **options)


def _goes_on(folder: Path, options: RunOptions) -> bool:
    return options.get("resume", False) and (folder / "zoo.json").exists()
