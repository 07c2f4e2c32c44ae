"""Fit SIRENs to signed distance functions: one a shape, each from its own initialisation (supplement V)."""

from __future__ import annotations

import math
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..config import DTYPES, MOST_RATE, MOST_ROWS, MOST_SEED, check_fields, option
from ..data.meshes import KEEPS, UPS, load_source, mesh_files
from ..data.solids import THICKNESS, Solid, check, occupancy_points, sample_sdf
from ..errors import MeshError, UsageError
from ..io import read_json
from ..nets.archs import arch_named
from ..nets.fields import SDF
from ..zoo.store import HELDOUT, TRAIN
from .make_zoo import Made, Progress, make_zoo

IOU_POINTS = 32_768
HELD_BADLY = 0.9
"""A mesh file's network is warned of below this IoU with its solid."""


@dataclass(frozen=True)
class FitConfig:
    """How SIRENs are fitted to shapes. Defaults are this product's; `recipes.PAPER_SDF_ZOO` has the paper's."""

    arch: str = option("siren256", "architecture of every network: siren256, or e.g. siren/3-128-128-1@30")
    steps: int = option(1000, "Adam steps a network", least=1)
    batch: int = option(1024, "points a step", least=1, most=MOST_ROWS)
    lr: float = option(1e-3, "learning rate at the start", above=0, most=MOST_RATE)
    decay: str = option(
        "cosine", "cosine, or steps: times 0.9 every tenth of the run (paper)", choices=("cosine", "steps")
    )
    samples: int = option(50_000, "SDF samples drawn a shape, as in DeepSDF", least=100, most=10 * MOST_ROWS)
    half_inside: bool = option(False, "draw half of every batch inside the shape (paper)")
    hidden_dtype: str = option("bfloat16", "precision of the hidden product while fitting", choices=DTYPES)
    store_dtype: str = option("float16", "precision of the stored weights", choices=("float16", "float32"))
    shared_init: bool = option(False, "start all networks from the same initialisation")
    heldout_every: int = option(9, "every so many-th network is held out", least=1)
    seed: int = option(0, "seed of initialisations, samples and batches", least=0, most=MOST_SEED)

    up: str = option(
        "auto",
        "axis of mesh files that points up; auto: as they say, else z for OFF and 3MF, y for others",
        choices=UPS,
    )
    keep: str = option(
        "all", "all of a mesh file, or its largest object without ground planes and far specks", choices=KEEPS
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
        if arch.data != "sdf" or arch.field != SDF:
            raise UsageError(f"{arch.name} holds no signed distances of shapes: siren256, siren/3-128-128-1@30, ... do")


class Source(NamedTuple):
    """Where a shape comes from."""

    name: str
    """of its network in the zoo"""
    source: str
    """"chair:<seed>", or the path of a mesh file"""
    seed: int
    """of the network's initialisation and batches: the same however many others there are"""
    place: int
    """every so many-th is held out"""


def chair_sources(count: int, first_seed: int = 0) -> list[Source]:
    """The procedural chairs of `count` consecutive seeds."""
    if count < 1:
        raise UsageError(f"{count} chairs are none to fit")
    seeds = range(first_seed, first_seed + count)
    return [Source(f"chair-{seed:04d}", f"chair:{seed}", seed, seed) for seed in seeds]


def file_sources(folder: Path) -> list[Source]:
    """Every mesh file below a folder, named by its path in it; FileNotFoundError where there is none."""
    paths = [path.relative_to(folder) for path in mesh_files(folder)]
    stems = Counter(path.with_suffix("") for path in paths)
    return [
        Source(
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
    """Fit one network a row of samples (g, n, 4) = points and signed distances, by Adam on the MSE (supplement V).

    Runs on the samples' device. `seeds` (g) decide each network's initialisation and batches.
    """
    g, n, _ = samples.shape
    arch = arch_named(config.arch)
    device = samples.device
    init = [arch.initialise(config.seed if config.shared_init else seed) for seed in seeds]
    params = {k: torch.stack([p[k] for p in init]).to(device).requires_grad_() for k in arch.shapes}  # (g, *shape)
    optimiser = torch.optim.Adam(params.values(), lr=config.lr, fused=True)
    generator = torch.Generator(device).manual_seed(seeds[0])
    hidden_dtype = getattr(torch, config.hidden_dtype)
    order, inside = (
        samples[..., 3].sort(dim=1).indices,
        (samples[..., 3] < 0).sum(dim=1, keepdim=True),
    )  # (g, n), (g, 1)
    rows = torch.arange(g, device=device)[:, None]
    for step in range(config.steps):
        if config.decay == "cosine":
            rate = 0.5 * (1 + math.cos(math.pi * step / config.steps))
        else:
            rate = 0.9 ** (10 * step // config.steps)
        optimiser.param_groups[0]["lr"] = config.lr * rate
        u = torch.rand(g, config.batch, device=device, generator=generator)
        if config.half_inside:
            half = config.batch // 2
            pick = torch.cat([u[:, :half] * inside, inside + u[:, half:] * (n - inside)], dim=1)
            index = order.gather(1, pick.long().clamp(max=n - 1))  # (g, batch)
        else:
            index = (u * n).long().clamp(max=n - 1)
        batch = samples[rows, index]  # (g, batch, 4)
        predicted = arch.apply_params(params, batch[..., :3], hidden_dtype).squeeze(-1)
        loss = (predicted - batch[..., 3]).square().mean(dim=1)  # (g,)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    return Fitted({k: p.detach() for k, p in params.items()}, loss.detach())


def _prepare(source: Source, config: FitConfig, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Samples (n, 4), test points (m, 3) in the bounding box, which of them are inside, and record columns."""
    mesh, record = load_source(source.source, config.up, config.keep)
    solid = Solid(mesh, config.thickness)
    if not source.source.startswith("chair:"):  # those are closed by construction
        record |= checked(solid, record) | {"thickness_share": config.thickness}
        if config.strict and record["warnings"]:
            raise MeshError(f"skipped by --strict: {record['warnings']}")
    samples = sample_sdf(solid, config.samples, seed)
    return samples, *occupancy_points(solid, IOU_POINTS, seed + 1), record


def checked(solid: Solid, record: dict) -> dict:
    """Record columns that say what a mesh file's ground truth is and what other tests say of it."""
    found = check(solid)
    return {
        "sky_share": round(found.sky_share, 4),
        "tests_agree": round(found.tests_agree, 4),
        "mended": "; ".join(solid.mended),
        "thickness": solid.thickness,
        "fit_iou_against": solid.words,
        "warnings": "; ".join(filter(None, [record.get("warnings", ""), *found.warnings])),
    }


def _fit_group(job: tuple[Sequence[Source], FitConfig, str]) -> list[Made]:
    """Fit the networks of a few sources."""
    sources, config, device = job
    seeds = [config.seed + 1_000_003 * (source.seed + 1) for source in sources]
    start = time.perf_counter()
    arch = arch_named(config.arch)
    ready, results = [], {}
    for source, seed in zip(sources, seeds, strict=True):
        try:
            ready.append((source, seed, *_prepare(source, config, seed)))
        except MeshError as error:
            results[source] = Made(source.name, None, {}, f"{source.source}: {error}")
        except Exception as error:  # whatever one file brings about, the others are fitted
            results[source] = Made(source.name, None, {}, f"{source.source}: {type(error).__name__}: {error}")
    if ready:
        samples = torch.from_numpy(np.stack([r[2] for r in ready])).to(device)
        fitted = fit_sdf(samples, [r[1] for r in ready], config)
        store = getattr(torch, config.store_dtype)
        stored = {k: p.to(store) for k, p in fitted.params.items()}
        seconds = (time.perf_counter() - start) / len(ready)
        for i, (source, seed, _, points, inside, record) in enumerate(ready):
            if not all(p[i].isfinite().all() for p in stored.values()):
                why = "fitting diverged, its weights are not finite numbers: try a lower --lr"
                results[source] = Made(source.name, None, {}, f"{source.source}: {why}")
                continue
            net = arch.compile_params(
                {k: p[i].float() for k, p in stored.items()}
            )  # what is stored is what is measured
            test = torch.from_numpy(points).to(device)
            occupied = (net(test) < 0).cpu().numpy()
            error = (net(samples[i, :, :3]) - samples[i, :, 3]).abs().mean().item()
            iou = float((occupied & inside).sum() / max((occupied | inside).sum(), 1))
            measured = {"seed": seed, "steps": config.steps, "fit_error": error, "fit_iou": iou, "seconds": seconds}
            if "warnings" in record and iou < HELD_BADLY:  # of mesh files: their solids are others'
                words = f"the network holds its solid badly (IoU {iou:.2f}): more --steps, or parts too thin for it"
                record = record | {"warnings": "; ".join(filter(None, [record["warnings"], words]))}
            params = {k: p[i].cpu().numpy() for k, p in stored.items()}
            results[source] = Made(source.name, params, {"source": source.source} | measured | record, "")
    return [results[source] for source in sources]


def make_sdf_zoo(
    folder: Path,
    sources: Sequence[Source],
    config: FitConfig,
    *,
    resume: bool = False,
    workers: int = 1,
    group: int = 1,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Fit a network to every source; a generator of progress lines, see `make_zoo`.

    Args:
        group: networks fitted at once in one batched product; 1 is fastest on a CPU.
    """
    splits = {source.name: HELDOUT if (source.place + 1) % config.heldout_every == 0 else TRAIN for source in sources}
    groups = [sources[i : i + group] for i in range(0, len(sources), group)]
    begun = read_json(folder / "zoo.json").get("config") if resume and (folder / "zoo.json").exists() else None
    if begun and "up" not in begun and config.up == "auto":
        config = replace(config, up="y")  # a zoo begun before files were turned goes on as it began
    yield from make_zoo(
        folder, arch_named(config.arch), groups, config, _fit_group, splits,
        made_by="zoo fit-sdf", resume=resume, workers=workers, device=device,
    )  # fmt: skip
