"""Fit many networks and write a zoo. For SDFs: one SIREN a shape, each from its own initialisation (supplement V).

On a CPU one network a process is fastest, so groups are spread over processes; on a GPU a group is one batched product.
"""

from __future__ import annotations

import math
import os
import platform
import signal
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .archs import ARCHS, Family
from .config import DTYPES, check_fields, option
from .shapes import BadMesh, load_source, mesh_files, occupancy_points, sample_sdf
from .zoo import HELDOUT, TRAIN, BadFolder, Zoo, write_about, write_zoo

FLUSH_SECONDS = 20.0
IOU_POINTS = 32_768
SDF_ARCHS = tuple(name for name, arch in ARCHS.items() if arch.data == "sdf")


@dataclass(frozen=True)
class FitConfig:
    """How SIRENs are fitted to shapes. Defaults are this product's; `recipes.PAPER_SDF_ZOO` has the paper's."""

    arch: str = option("siren256", "architecture of every network", choices=SDF_ARCHS)
    steps: int = option(1000, "Adam steps a network", least=1)
    batch: int = option(1024, "points a step", least=1)
    lr: float = option(1e-3, "learning rate at the start")
    decay: str = option(
        "cosine", "cosine, or steps: times 0.9 every tenth of the run (paper)", choices=("cosine", "steps")
    )
    samples: int = option(50_000, "SDF samples drawn a shape, as in DeepSDF", least=100)
    half_inside: bool = option(False, "draw half of every batch inside the shape (paper)")
    hidden_dtype: str = option("bfloat16", "precision of the hidden product while fitting", choices=DTYPES)
    store_dtype: str = option("float16", "precision of the stored weights", choices=("float16", "float32"))
    shared_init: bool = option(False, "start all networks from the same initialisation")
    heldout_every: int = option(9, "every so many-th network is held out", least=1)
    seed: int = option(0, "seed of initialisations, samples and batches", least=0)

    def __post_init__(self) -> None:
        check_fields(self)


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
        raise ValueError(f"{count} chairs are none to fit")
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
    arch = ARCHS[config.arch]
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


class _Result(NamedTuple):
    source: Source
    params: dict[str, np.ndarray] | None
    record: dict
    problem: str


def _prepare(source: Source, config: FitConfig, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Samples (n, 4), test points (m, 3) in the bounding box, which of them are inside, and record columns."""
    mesh, record = load_source(source.source)
    return sample_sdf(mesh, config.samples, seed), *occupancy_points(mesh, IOU_POINTS, seed + 1), record


def _fit_group(job: tuple[list[Source], list[int], FitConfig, str]) -> list[_Result]:
    """Fit the networks of a few sources; runs in a worker process."""
    sources, seeds, config, device = job
    start = time.perf_counter()
    arch = ARCHS[config.arch]
    ready, results = [], {}
    for source, seed in zip(sources, seeds, strict=True):
        try:
            ready.append((source, seed, *_prepare(source, config, seed)))
        except BadMesh as error:
            results[source] = _Result(source, None, {}, f"{source.source}: {error}")
        except Exception as error:  # whatever one file brings about, the others are fitted
            results[source] = _Result(source, None, {}, f"{source.source}: {type(error).__name__}: {error}")
    if ready:
        samples = torch.from_numpy(np.stack([r[2] for r in ready])).to(device)
        fitted = fit_sdf(samples, [r[1] for r in ready], config)
        store = getattr(torch, config.store_dtype)
        stored = {k: p.to(store) for k, p in fitted.params.items()}
        seconds = (time.perf_counter() - start) / len(ready)
        for i, (source, seed, _, points, inside, record) in enumerate(ready):
            net = arch.compile_params(
                {k: p[i].float() for k, p in stored.items()}
            )  # what is stored is what is measured
            test = torch.from_numpy(points).to(device)
            occupied = (net(test) < 0).cpu().numpy()
            error = (net(samples[i, :, :3]) - samples[i, :, 3]).abs().mean().item()
            iou = float((occupied & inside).sum() / max((occupied | inside).sum(), 1))
            record = {
                "seed": seed,
                "steps": config.steps,
                "fit_error": error,
                "fit_iou": iou,
                "seconds": seconds,
            } | record
            params = {k: p[i].cpu().numpy() for k, p in stored.items()}
            results[source] = _Result(source, params, record, "")
    return [results[source] for source in sources]


def _start_worker() -> None:
    torch.set_num_threads(1)


class Progress(NamedTuple):
    """One line of a zoo being made."""

    done: int
    total: int
    name: str
    fit_iou: float | None
    """None where the shape was skipped"""
    seconds_left: float
    problem: str


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
    """Fit a network to every source and keep the zoo in `folder` readable all along; a generator of progress lines.

    Args:
        resume: go on with a zoo that holds some of the sources already.
        workers: processes (CPU); on another device everything runs in this one.
        group: networks fitted at once in one batched product; 1 is fastest on a CPU.

    Raises:
        BadFolder: the folder holds a zoo and `resume` is off, or it was made with another config.
        OSError: the disk is full; what was finished before stays readable.
    """
    import pandas as pd

    arch = ARCHS[config.arch]
    family = Family.of(config.arch)
    names = [f"{arch.name}/{k}" for k in arch.shapes]
    records: list[dict] = []
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    if (folder / "zoo.json").exists():
        if not resume:
            raise BadFolder(f"{folder} holds a zoo already; add --resume to go on with it, or choose another folder")
        if (folder / "records.parquet").exists():
            zoo = Zoo.load(folder)
            if zoo.about.get("config") != asdict(config):
                raise BadFolder(f"{folder} was made with another configuration: {zoo.about.get('config')}")
            records = zoo.records.to_dict("records")
            rows = {name: list(zoo.weights[name][: len(records)].numpy()) for name in names}
    finished = {record["name"] for record in records}
    seeds = {source: config.seed + 1_000_003 * (source.seed + 1) for source in sources}
    splits = {source: HELDOUT if (source.place + 1) % config.heldout_every == 0 else TRAIN for source in sources}
    groups = [sources[i : i + group] for i in range(0, len(sources), group)]
    left = [g for g in groups if any(source.name not in finished for source in g)]  # a group is fitted whole or not
    jobs = [(list(g), [seeds[source] for source in g], config, device) for g in left]
    about = {
        "made_by": "zoo fit-sdf",
        "config": asdict(config),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {device}",
        "skipped": [],
    }
    written = len(records)

    def flush() -> None:
        nonlocal written
        if len(records) > written:
            stacks = {name: torch.from_numpy(np.stack(stack)) for name, stack in rows.items()}
            write_zoo(folder, family, pd.DataFrame(records), stacks, about)
            written = len(records)
        else:
            write_about(folder, family, about)

    start, flushed = time.perf_counter(), -math.inf
    before = sum(source.name in finished for source in sources)
    done, wanted = 0, len(sources) - before
    try:
        for results in _run(jobs, workers if device == "cpu" else 0):
            for result in results:
                if result.source.name in finished:
                    continue
                done += 1
                if result.params is None:
                    about["skipped"].append(result.problem)
                else:
                    for k, p in result.params.items():
                        rows[f"{arch.name}/{k}"].append(p)
                    record = {"name": result.source.name, "arch": arch.name, "row": len(records)}
                    record |= {"split": splits[result.source], "source": result.source.source}
                    records.append(record | result.record)
                seconds_left = (time.perf_counter() - start) / done * (wanted - done)
                fit_iou = result.record.get("fit_iou")
                yield Progress(before + done, len(sources), result.source.name, fit_iou, seconds_left, result.problem)
            if time.perf_counter() - flushed > FLUSH_SECONDS:
                flush()
                flushed = time.perf_counter()
    finally:
        flush()


def _run(jobs: list, workers: int) -> Iterator[list[_Result]]:
    """Results in the order of the jobs, from worker processes or, with 0 workers, from this one."""
    if workers == 0:
        yield from map(_fit_group, jobs)
        return
    others = active_children()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        with _uninterrupted():
            results = pool.map(_fit_group, jobs)
        yield from results
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(active_children()) - set(others):
            worker.terminate()
        raise
    pool.shutdown()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: it is the parent's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
