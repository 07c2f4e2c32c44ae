"""The one training loop, for every setting: it sums the named terms an objective gives it, and logs them by name.

A run is a folder: config.json and model.safetensors (the best so far, what `netspace.load` reads),
checkpoint.safetensors (to resume from), metrics.jsonl and tensorboard/. Nothing in a step depends on global state:
what is random in step i is drawn from a generator seeded with the run's seed and i.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..config import DTYPES, MOST_RATE, MOST_ROWS, MOST_SEED, MOST_WIDTH, check_fields, option
from ..errors import FormatError, InUse, UsageError
from ..io import append_line, atomic_write, content_hash, read_json, refuse_others, truncate_log
from ..nets.network import Network
from ..space.losses import ALPHA, TEMPERATURE
from ..space.space import NetSpace, load
from ..tasks import task_of
from ..tasks.task import Objective
from ..zoo.store import SPLITS, TRAIN, Zoo

DIVERGED = 1e3
"""A loss that no network has which holds anything: distances are at most a few units, Eqs. 1 and 5 a few hundred."""
BATCHES = 2
"""Changes where the same seed no longer gives the same inputs."""


@dataclass(frozen=True)
class TrainConfig:
    """How a space is trained. Defaults are this product's; `recipes` has the paper's."""

    preset: str = option("tokens", "tokens, or paper: exactly the authors' model", choices=("tokens", "paper"))
    encoder: str = option(
        "prep", "prep: reads weights; probe: reads answers at fixed inputs", choices=("prep", "probe")
    )
    embedding: int = option(0, "embedding size E; 0: 256, or 4096 in the preset paper", least=0, most=MOST_WIDTH)
    chunk: int = option(128, "values of a PRep that are read and written at once (tokens)", least=1, most=MOST_WIDTH)
    hidden: int = option(256, "width of the MLP shared by all chunks (tokens)", least=2, most=MOST_WIDTH)
    steps: int = option(20_000, "steps of the optimiser", least=1)
    nets: int = option(8, "networks a step (the paper's metabatch)", least=1)
    points: int = option(768, "inputs a network and step", least=1, most=MOST_ROWS)
    queries: int = option(
        16_384,
        "stored inputs a network, with the target's answers; 0 (images): fresh ones every step",
        least=0,
        most=10 * MOST_ROWS,
    )
    drawing: str = option(
        "random",
        "networks of a step: random (the paper); even: architectures take turns; pairs: one of the smallest and one of "
        "the largest architecture in every step, the others take turns in what is left",
        choices=("random", "even", "pairs"),
    )
    build: str = option(
        "target",
        "several architectures: what a predicted network is built as while training: its target's, or the predicted "
        "architecture (authors' code)",
        choices=("target", "predicted"),
    )
    alpha: float = option(ALPHA, "several architectures: share of the teacher in Eqs. 5 and 10", least=0, most=1)
    temperature: float = option(TEMPERATURE, "temperature of Eqs. 1, 3 and 8", least=1e-3)
    noise: float = option(0.0, "noise on embeddings while training, as a share of their size", least=0, most=10)
    copies: int = option(
        1,
        "versions of every network to train on: SDFs stretched, classifiers with noise on their weights; of several "
        "architectures, with more than 1, a fresh one in every step",
        least=1,
        most=1000,
    )
    stretch: float = option(0.2, "share by which copies' proportions (SDFs) or weights change at most", least=0, most=1)
    lr: float = option(7e-4, "highest learning rate; the paper's is 1e-4", above=0, most=MOST_RATE)
    beta2: float = option(0.98, "AdamW's decay of squared gradients; the paper's is 0.999", least=0, below=1)
    schedule: str = option("cosine", "cosine with warm-up, or constant (the paper's)", choices=("cosine", "constant"))
    weight_decay: float = option(0.0, "AdamW's weight decay", least=0)
    clip: float = option(0.0, "largest norm of the gradient, larger ones are scaled down; 0: any", least=0)
    average: float = option(0.999, "decay of the moving average of weights; 0 turns it off", least=0, most=1)
    select: str = option("train", "split whose score selects the best", choices=SPLITS)
    stop_at: float = option(
        0.0,
        "stop at this score on the selecting split: agreement, 1 - accuracy error, or mean accuracy (several "
        "architectures); 0: never",
        least=0,
        most=1,
    )
    every: int = option(500, "steps between validations and checkpoints", least=1)
    hidden_dtype: str = option("bfloat16", "precision of the predicted networks' hidden product", choices=DTYPES)
    seed: int = option(0, "seed of initialisation, batches and inputs", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.drawing == "pairs" and self.nets < 2:
            raise UsageError("--drawing pairs needs --nets 2 or more")


class Line(NamedTuple):
    """One line of a training log."""

    step: int
    terms: dict[str, float]
    """loss terms by name, averaged since the last line"""
    measures: dict[str, float]
    """what the objective measures, on every split: "heldout_agreement"..."""
    best: bool
    """whether this step is the best so far"""
    seconds: float
    """since the start of the run, earlier parts of a resumed run included"""


def new_space(zoo: Zoo, config: TrainConfig) -> NetSpace:
    """A freshly initialised space for the zoo's family; the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        embedding = {"embedding": config.embedding} if config.embedding else {}
        made = {"preset": config.preset, "encoder": config.encoder, "chunk": config.chunk, "hidden": config.hidden}
        return NetSpace(zoo.family, **made, **embedding)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Constant, or a linear warm-up over 2 % of the steps and then half a cosine down to 1 % of the highest."""
    if config.schedule == "constant":
        return config.lr
    warmup = max(1, config.steps // 50)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, config.steps - warmup))))


def batch_of(groups: Sequence[Sequence[int]], size: int, step: int, seed: int, drawing: str = "random") -> list[int]:
    """The networks of a step, known from the seed and the step alone.

    Args:
        groups: the training networks of every architecture, smallest first.
        drawing: random: every epoch is a fresh permutation of all; even and pairs as in `TrainConfig`.
    """
    groups = [group for group in groups if group]
    if drawing == "random":
        everyone = sorted(i for group in groups for i in group)
        size = min(size, len(everyone))
        per_epoch = len(everyone) // size
        epoch, place = divmod(step, per_epoch)
        return _permuted(everyone, epoch, seed)[place * size : (place + 1) * size]
    ends = [groups[0], groups[-1]] if drawing == "pairs" and len(groups) > 1 else []
    others, room = groups[1:-1] if ends and len(groups) > 2 else groups, max(0, size - len(ends))
    turns = [divmod(step * room + j, len(others)) for j in range(room)]
    asked = [(end, step) for end in ends] + [(others[k], round) for round, k in turns]
    places = [(group, *divmod(n, len(group))) for group, n in asked]
    return [_permuted(group, epoch, seed)[place] for group, epoch, place in places]


def _permuted(ids: Sequence[int], epoch: int, seed: int) -> list[int]:
    """Fresh in every epoch."""
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    return [ids[k] for k in order]


def fit(
    zoo: Zoo,
    config: TrainConfig,
    folder: Path,
    *,
    data: Path | None = None,
    teacher: Network | None = None,
    start: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    command: str = "",
) -> Iterator[Line]:
    """Train a space on the zoo's training networks; a generator of log lines, one a validation.

    Args:
        data: folder of the images, where the zoo holds classifiers; None: looked for.
        teacher: N* of Eqs. 3 and 8, needed where the zoo's family has several architectures, and only there.
        start: folder of a space of the same make, to go on from its weights instead of fresh ones.

    Raises:
        ValueError: the zoo has no network to train on or to select by, the space to start from is of another make, or
            training diverged; what was saved before stays.
        FormatError: the folder holds a run and `resume` is off, or it was made with another config or zoo.
        OSError: the disk is full; the last checkpoint and the best model stay readable.
    """
    splits = {split: ids for split in SPLITS if (ids := zoo.ids(split))}
    for split in dict.fromkeys((TRAIN, config.select)):
        if split not in splits:
            raise UsageError(f"{zoo.folder} has no network of the split {split!r}")
    zoo.check_finite([i for ids in splits.values() for i in ids])
    if teacher is not None:
        teacher.check_finite("the teacher")
    train = splits[TRAIN]
    groups = [[i for i in train if zoo.records.arch[i] == name] for name in zoo.family.names]
    if config.drawing == "pairs" and not (groups[0] and groups[-1]):
        missing = zoo.family.names[0 if not groups[0] else -1]
        raise UsageError(f"--drawing pairs needs training networks of {missing}, {zoo.folder} has none")
    space = new_space(zoo, config)
    if start:
        before = load(start)
        before.check_family(zoo.family)
        if before.config != space.config:
            raise UsageError(f"{start} is {before.config}, the settings ask for {space.config}")
        space.load_state_dict(before.state_dict())
    space = space.to(device).train()
    about = {"config": asdict(config), "command": command, "zoo": zoo.folder.name, "networks": len(train)}
    about |= {
        "start": start.name if start else None,
        "zoo_digest": _digest(zoo),
        "teacher": None if teacher is None else f"{teacher.arch.name} {content_hash(teacher.prep)}",
        "batches": BATCHES,
        "made_on": f"{platform.machine()}, torch {torch.__version__}, {device}",
    }
    if (folder / "train.json").exists():
        if not resume:
            raise InUse(f"{folder} holds a run already; add --resume to go on with it, or choose another folder")
        _check_same_run(read_json(folder / "train.json"), about, folder)
    else:
        refuse_others(folder)
    averaged = {name: p.detach().clone() for name, p in space.named_parameters()}
    optimiser = torch.optim.AdamW(
        space.parameters(), lr=config.lr, weight_decay=config.weight_decay, betas=(0.9, config.beta2), fused=True
    )
    state = {"step": 0, "best": -1.0, "seconds": 0.0, "points": config.points}
    if (folder / "checkpoint.safetensors").exists():
        state = _read_checkpoint(folder, space, optimiser, averaged)
        if config.stop_at and state["best"] >= config.stop_at:
            return
    truncate_log(folder / "metrics.jsonl", state["step"])
    everyone = [i for ids in splits.values() for i in ids]
    objective = task_of(zoo).objective(space, zoo, everyone, config, data, teacher)
    objective.points = min(objective.points, state["points"])
    with atomic_write(folder / "train.json") as path:  # not before the objective has found what it needs
        path.write_text(json.dumps(about, indent=2) + "\n")
    if state["step"] == 0 and not start:
        objective.calibrate(space, train)
    writer = _tensorboard(folder, state["step"])
    sums: dict[str, float] = {}
    limit = DIVERGED * (1 if len(zoo.family.archs) == 1 else config.nets**2)  # sums over networks and pairs
    began = time.perf_counter() - state["seconds"]
    try:
        for step in range(state["step"], config.steps):
            optimiser.param_groups[0]["lr"] = learning_rate(config, step)
            optimiser.zero_grad()
            ids = batch_of(groups, config.nets, step, config.seed, config.drawing)
            terms = _backward(objective, space, ids, config.seed, step)
            if config.clip:
                torch.nn.utils.clip_grad_norm_(space.parameters(), config.clip)
            optimiser.step()
            decay = min(config.average, (1 + step) / (10 + step))
            with torch.no_grad():
                names, live = zip(*space.named_parameters(), strict=True)
                torch._foreach_lerp_([averaged[n] for n in names], list(live), 1 - decay)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + float(term.detach())
            done = step + 1
            if done % config.every and done != config.steps:
                continue
            since = config.every if done % config.every == 0 else done % config.every
            measures = _measure(space, averaged, objective, splits)
            score = measures[f"{config.select}_{objective.score}"]
            best = score > state["best"]
            seconds = time.perf_counter() - began
            state = {"step": done, "best": max(score, state["best"]), "seconds": seconds, "points": objective.points}
            line = Line(done, {k: v / since for k, v in sums.items()}, measures, best, state["seconds"])
            sums = {}
            if not sum(line.terms.values()) < limit:  # not a number is not either
                raise UsageError(
                    f"training diverged before step {done}; the best space so far and the last checkpoint are kept. "
                    f"Try a lower --lr than {config.lr}"
                )
            if best:
                with _Averaged(space, averaged):
                    space.save(folder, about | {"step": done} | measures)
            append_line(folder / "metrics.jsonl", line._asdict())  # those after the checkpoint are dropped on resuming
            _write_checkpoint(folder, space, optimiser, averaged, state)
            for name, value in {**{f"loss/{k}": v for k, v in line.terms.items()}, **measures}.items():
                writer.add_scalar(name, value, done)
            yield line
            if config.stop_at and score >= config.stop_at:
                return
    finally:
        writer.close()


def _backward(objective: Objective, space: NetSpace, ids: list[int], seed: int, step: int) -> dict[str, Tensor]:
    """The terms of a step, their gradients left in the space; with half the inputs where GPU memory runs out."""
    terms: dict[str, Tensor] = {}
    while True:
        generator = torch.Generator(space.device).manual_seed((seed << 32) + step)
        try:
            terms = objective.terms(space, ids, generator)
            torch.stack(list(terms.values())).sum().backward()
            return terms
        except torch.OutOfMemoryError:
            if objective.points == 1:
                raise
            terms = {}  # with it goes the graph of the attempt
            objective.points //= 2
            space.zero_grad()
            warnings.warn(f"out of GPU memory: going on with --points {objective.points}", stacklevel=2)


def _digest(zoo: Zoo) -> str:
    """Tells zoos apart: family, names and splits."""
    rows = zoo.records[["name", "arch", "split"]][zoo.records.split.isin(SPLITS)].to_numpy().tolist()
    return hashlib.sha256(json.dumps([zoo.family.names, list(zoo.family.size), rows]).encode()).hexdigest()[:16]


def _check_same_run(before: dict, now: dict, folder: Path) -> None:
    """FormatError unless a run can go on with this configuration and this zoo."""
    earlier = asdict(TrainConfig()) | before["config"]  # settings that it does not know yet had their defaults
    changed = [k for k, v in now["config"].items() if earlier[k] != v]
    if changed:
        raise FormatError(f"{folder} was started with another configuration ({', '.join(changed)} changed)")
    if before.get("start") != now["start"]:
        raise FormatError(f"{folder} was started with --start {before.get('start')}, now it is {now['start']}")
    if "teacher" in before and before["teacher"] != now["teacher"]:
        raise FormatError(f"{folder} was started with another teacher ({before['teacher']})")
    drawn_alike = now["config"]["copies"] == 1 and now["config"]["encoder"] == "prep"
    if before.get("batches") != BATCHES and not drawn_alike:
        raise FormatError(f"{folder} was started by an earlier version, which drew other copies and probes: start anew")
    if before.get("zoo_digest") != now["zoo_digest"]:
        raise FormatError(f"{folder} was started with the zoo {before['zoo']!r}, which held other networks")


class _Averaged:
    """Inside, the space has the averaged weights."""

    def __init__(self, space: NetSpace, averaged: dict[str, Tensor]) -> None:
        self.space, self.averaged = space, averaged

    def __enter__(self) -> None:
        self.live = {name: p.detach().clone() for name, p in self.space.named_parameters()}
        self._put(self.averaged)

    def __exit__(self, *_) -> None:
        self._put(self.live)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, p in self.space.named_parameters():
            p.copy_(values[name])


@torch.no_grad()
def _measure(space: NetSpace, averaged: dict[str, Tensor], objective: Objective, splits: dict) -> dict[str, float]:
    """The objective's measures of every split with the averaged weights; of at most 64 networks of each."""
    with _Averaged(space, averaged):
        return {
            f"{split}_{name}": value
            for split, ids in splits.items()
            for name, value in objective.measure(space, ids[:: math.ceil(len(ids) / 64)]).items()
        }


def _tensorboard(folder: Path, step: int):
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)


def _write_checkpoint(folder: Path, space: NetSpace, optimiser, averaged: dict[str, Tensor], state: dict) -> None:
    from safetensors.torch import save

    tensors = {f"model/{name}": t for name, t in space.state_dict().items()}
    for name, p in space.named_parameters():
        tensors[f"averaged/{name}"] = averaged[name]
        for key, value in optimiser.state[p].items():
            tensors[f"{key}/{name}"] = value
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with atomic_write(folder / "checkpoint.safetensors") as path:
        path.write_bytes(save(tensors, metadata={"state": json.dumps(state)}))


@torch.no_grad()
def _read_checkpoint(folder: Path, space: NetSpace, optimiser, averaged: dict[str, Tensor]) -> dict:
    import safetensors

    path = folder / "checkpoint.safetensors"
    try:
        with safetensors.safe_open(path, "pt") as file:
            state = {"points": TrainConfig.points} | json.loads(file.metadata()["state"])
            moments = ("step", "exp_avg", "exp_avg_sq")
            known = {f"model/{name}" for name in space.state_dict()}
            known |= {f"{kind}/{name}" for kind in ("averaged", *moments) for name, _ in space.named_parameters()}
            if set(file.keys()) - known:
                raise KeyError(f"unknown key {min(set(file.keys()) - known)}")
            for name, t in space.state_dict().items():
                t.copy_(file.get_tensor(f"model/{name}"))
            for name, p in space.named_parameters():
                averaged[name].copy_(file.get_tensor(f"averaged/{name}"))
                optimiser.state[p] = {key: file.get_tensor(f"{key}/{name}").to(p.device) for key in moments}
    except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
        raise FormatError(f"{path} is truncated or not a checkpoint of this run ({error})") from error
    return state
