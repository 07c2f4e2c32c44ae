"""Training of a space, for every setting: the loop sums the named terms that an objective gives, and logs them by name.

A run's folder has, beside what `loop` says: config.json and model.safetensors (the best so far, what `netspace.load`
reads) and tensorboard/. Nothing in a step depends on global state.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import __version__
from ..config import DTYPES, MOST_ITEMS, MOST_RATE, MOST_SEED, MOST_WIDTH, check_fields, option
from ..errors import Diverged, FormatError, UsageError
from ..io import check_types, content_hash
from ..memory import check_memory
from ..nets.network import Network
from ..space.losses import ALPHA, TEMPERATURE
from ..space.space import NetSpace, load
from ..tasks import task_of
from ..tasks.task import Objective
from ..zoo.store import SPLITS, TRAIN, Zoo
from .loop import CHECKPOINT, Checkpoint, LogEntry, Measured, RunFolder, RunState, changed_settings, learn
from .optimisers import Optimisers
from .world import ALONE, World

DIVERGED = 1e3
"""Training counts as diverged above this loss. Signed distances are a few units at most, Eqs. 1 and 5 a few hundred."""
SAMPLING_VERSION = 2
"""Version of the sampling scheme; bump it when a seed no longer yields the same batches."""


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
    steps: int = option(20_000, "steps of the optimizer", least=1)
    nets: int = option(8, "networks per step (the paper's meta-batch)", least=1)
    points: int = option(768, "inputs per network and step", least=1, most=MOST_ITEMS)
    queries: int = option(
        16_384,
        "stored inputs per network, with the target's answers; 0 (images): fresh ones every step",
        least=0,
        most=10 * MOST_ITEMS,
    )
    drawing: str = option(
        "random",
        "how networks are sampled: random (the paper); even: architectures take turns; pairs: one of the smallest and "
        "one of the largest architecture in every step, the others take turns in the remaining places",
        choices=("random", "even", "pairs"),
    )
    build: str = option(
        "target",
        "several architectures: architecture of a decoded network while training: its target's, or the predicted one "
        "(authors' code)",
        choices=("target", "predicted"),
    )
    alpha: float = option(ALPHA, "several architectures: weight of the teacher in Eqs. 5 and 10", least=0, most=1)
    temperature: float = option(TEMPERATURE, "temperature of Eqs. 1, 3 and 8", least=1e-3)
    noise: float = option(0.0, "noise on embeddings while training, relative to their size", least=0, most=10)
    copies: int = option(
        1,
        "augmented versions of every network: SDFs are stretched, classifiers get noise on their weights; several "
        "architectures, if more than 1: a fresh one in every step",
        least=1,
        most=1000,
    )
    stretch: float = option(0.2, "augmentation: largest change of proportions (SDFs) or weights", least=0, most=1)
    optimiser: str = option(
        "adamw", "adamw, or muon: on the matrices of linear layers, AdamW on the rest", choices=("adamw", "muon")
    )
    muon_lr: float = option(4e-3, "Muon's highest learning rate", above=0, most=MOST_RATE)
    lr: float = option(7e-4, "highest learning rate; the paper's is 1e-4", above=0, most=MOST_RATE)
    beta2: float = option(0.98, "AdamW's decay of squared gradients; the paper's is 0.999", least=0, below=1)
    schedule: str = option("cosine", "cosine with warm-up, or constant (the paper's)", choices=("cosine", "constant"))
    weight_decay: float = option(0.0, "AdamW's weight decay", least=0)
    clip: float = option(0.0, "gradient clipping by norm; 0: off", least=0)
    average: float = option(0.999, "decay of the exponential moving average of weights; 0: off", least=0, most=1)
    select: str = option("train", "split whose score selects the best", choices=SPLITS)
    stop_at: float = option(
        0.0,
        "stop at this score on the selecting split: agreement, 1 - accuracy error, or mean accuracy (several "
        "architectures); 0: never",
        least=0,
        most=1,
    )
    every: int = option(500, "steps between validations and checkpoints", least=1)
    hidden_dtype: str = option("bfloat16", "compute precision of the predicted networks", choices=DTYPES)
    seed: int = option(0, "seed of initialization, batches and inputs", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.drawing == "pairs" and self.nets < 2:
            raise UsageError("--drawing pairs needs --nets 2 or more")


BYTES_PER_PARAMETER = 16
"""of a space that is trained: its weights, their gradients and Adam's two moments, in float32"""


def new_space(zoo: Zoo, config: TrainConfig) -> NetSpace:
    """Return a freshly initialized space for the zoo's family; the same for the same seed."""
    made: dict[str, Any] = {"embedding": config.embedding} if config.embedding else {}
    made |= {"preset": config.preset, "encoder": config.encoder, "chunk": config.chunk, "hidden": config.hidden}
    with torch.device("meta"):  # which takes no memory
        count = sum(p.numel() for p in NetSpace(zoo.family, **made).parameters())
    check_memory(BYTES_PER_PARAMETER * count, f"training a space of {count:,} parameters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return NetSpace(zoo.family, **made)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Return the rate of a step: constant, or linear warm-up over 2 % of the steps and half a cosine down to 1 %."""
    if config.schedule == "constant":
        return config.lr
    warmup = max(1, config.steps // 50)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, config.steps - warmup))))


def batch_of(groups: Sequence[Sequence[int]], size: int, step: int, seed: int, drawing: str = "random") -> list[int]:
    """Return the networks of a step; seed and step alone decide.

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
    """Return the ids in an order that is fresh in every epoch."""
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    return [ids[k] for k in order]


def train_space(
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
    world: World = ALONE,
) -> Generator[LogEntry, None, None]:
    """Train a space on the zoo's training networks; a generator of log entries, one per validation.

    Each of several processes calls this with what it finds on its machine; `folder` and `start` are the first's alone.

    Args:
        data: folder of the images, for a zoo of classifiers; None: looked for.
        teacher: N* of Eqs. 3 and 8, needed if the zoo's family has several architectures, and only then.
        start: folder of a space of the same make, to continue from its weights instead of fresh ones.
        world: the processes that train together; of how many there are, only the order of sums depends.

    Raises:
        UsageError: the zoo has no network to train on or to select by, the space to start from is of another make, or
            there are more processes than networks per step.
        Elsewhere: another process cannot go on.
        Diverged: the loss is not finite or far too high; what was saved before stays.
        FormatError: the folder holds a run and `resume` is off, or it was made with another config or zoo.
        OSError: the disk is full; the last checkpoint and the best model stay readable.
    """
    learner = world.together(lambda: _new_learner(zoo, config, folder, teacher, start, command, device, world))
    world.check_same("zoo or version", (learner.about["zoo_digest"], __version__))
    per_step = len(batch_of(learner.groups, config.nets, 0, config.seed, config.drawing))
    if world.size > per_step:
        world.refuse(f"{world.size} processes for {per_step} networks per step: start at most {per_step}")
    run = RunFolder(folder, "training")
    saved = world.from_first(lambda: _reopened(run, learner.about, config, resume))
    state = RunState() if saved is None else saved.state
    if saved is not None:
        world.together(lambda: learner.restore(saved))
        if learner.enough(state):
            return
    world.together(lambda: learner.prepare(zoo, data, teacher, fresh=state.step == 0 and not start))
    world.from_first(lambda: run.describe(learner.about))  # not before the objective has found what it needs
    world.spread(learner.tensors().values())
    with closing(_tensorboard(folder, state.step, world)) as writer:
        every = config.every
        for entry in learn(learner, run, state, steps=config.steps, every=every, fresh=saved is None, world=world):
            for name, value in {**{f"loss/{k}": v for k, v in entry.terms.items()}, **entry.measures}.items():
                writer.add_scalar(name, value, entry.step)
            yield entry


def _new_learner(
    zoo: Zoo,
    config: TrainConfig,
    folder: Path,
    teacher: Network | None,
    start: Path | None,
    command: str,
    device: str,
    world: World,
) -> SpaceLearner:
    """A learner with fresh weights, or those of `start`, which the first process alone reads."""
    splits, groups = _training_networks(zoo, config)
    if teacher is not None:
        teacher.check_finite("the teacher")
    if device == "cpu":  # elsewhere fewer inputs are tried where memory runs out
        zoo.family.archs[0].check_step(config.points, min(config.nets, len(splits[TRAIN])))
    space = _fresh_space(zoo, config, start if world.first else None).to(device).train()
    about = _about(zoo, config, start, teacher, command, device) | {"networks": len(splits[TRAIN])}
    if world.size > 1:
        about["processes"] = world.size
    return SpaceLearner(space, config, folder, about, splits, groups, world)


def _reopened(run: RunFolder, about: dict[str, Any], config: TrainConfig, resume: bool) -> Checkpoint | None:
    """The last checkpoint of the folder; None if there is none."""
    if run.open(resume):
        _check_same_training(run.described(), about, config, run.path)
    return run.checkpoint()


def _training_networks(zoo: Zoo, config: TrainConfig) -> tuple[dict[str, list[int]], list[list[int]]]:
    """Ids by split, and the training networks of every architecture; UsageError if some are missing."""
    splits = {split: ids for split in SPLITS if (ids := zoo.ids(split))}
    for split in dict.fromkeys((TRAIN, config.select)):
        if split not in splits:
            raise UsageError(f"{zoo.folder} has no network of the split {split!r}")
    zoo.check_finite([i for ids in splits.values() for i in ids])
    groups = [[i for i in splits[TRAIN] if zoo.records.arch[i] == name] for name in zoo.family.names]
    if config.drawing == "pairs" and not (groups[0] and groups[-1]):
        missing = zoo.family.names[0 if not groups[0] else -1]
        raise UsageError(f"--drawing pairs needs training networks of {missing}, {zoo.folder} has none")
    return splits, groups


def _fresh_space(zoo: Zoo, config: TrainConfig, start: Path | None) -> NetSpace:
    """A new space, with the weights of the one in the folder `start` if there is one."""
    space = new_space(zoo, config)
    if start:
        before = load(start)
        before.check_family(zoo.family)
        if before.config != space.config:
            raise UsageError(f"{start} is {before.config}, the settings ask for {space.config}")
        space.load_state_dict(before.state_dict())
    return space


def _about(
    zoo: Zoo, config: TrainConfig, start: Path | None, teacher: Network | None, command: str, device: str
) -> dict[str, Any]:
    """What a run is made of, as train.json keeps it."""
    return {
        "config": asdict(config),
        "command": command,
        "zoo": zoo.folder.name,
        "start": start.name if start else None,
        "zoo_digest": _digest(zoo),
        "teacher": None if teacher is None else f"{teacher.arch.name} {content_hash(teacher.prep)}",
        "batches": SAMPLING_VERSION,
        "made_on": f"{platform.machine()}, torch {torch.__version__}, {device}",
    }


def _digest(zoo: Zoo) -> str:
    """Tell zoos apart by family, names and splits."""
    rows = zoo.records[["name", "arch", "split"]][zoo.records.split.isin(SPLITS)].to_numpy().tolist()
    return hashlib.sha256(json.dumps([zoo.family.names, list(zoo.family.size), rows]).encode()).hexdigest()[:16]


def _check_same_training(before: dict, now: dict, config: TrainConfig, folder: Path) -> None:
    """Raise FormatError unless a run can go on with this configuration and this zoo."""
    check_types(before, folder / "train.json", {"config": dict})
    changed = changed_settings(before["config"], config)
    if changed:
        raise FormatError(f"{folder} was started with another configuration ({', '.join(changed)} changed)")
    if before.get("start") != now["start"]:
        raise FormatError(f"{folder} was started with --start {before.get('start')}, now it is {now['start']}")
    if "teacher" in before and before["teacher"] != now["teacher"]:
        raise FormatError(f"{folder} was started with another teacher ({before['teacher']})")
    drawn_alike = config.copies == 1 and config.encoder == "prep"
    if before.get("batches") != SAMPLING_VERSION and not drawn_alike:
        raise FormatError(f"{folder} was started by an earlier version, which drew other copies and probes: start anew")
    if before.get("zoo_digest") != now["zoo_digest"]:
        raise FormatError(f"{folder} was started with the zoo {before.get('zoo')!r}, which held other networks")


class _Unwritten:
    """What the first process writes, in the others."""

    def add_scalar(self, *words: Any) -> None: ...
    def close(self) -> None: ...


def _tensorboard(folder: Path, step: int, world: World):
    if not world.first:
        return _Unwritten()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)


class SpaceLearner:
    """A space under training: its weights, their moving average, what moves them and the objective."""

    measures_start = False
    objective: Objective
    """set before the first step"""

    def __init__(
        self,
        space: NetSpace,
        config: TrainConfig,
        folder: Path,
        about: dict[str, Any],
        splits: dict[str, list[int]],
        groups: list[list[int]],
        world: World = ALONE,
    ) -> None:
        """Take a space as it is before calibration; its best version is saved to `folder` with `about`."""
        self.space, self.config, self.folder, self.about = space, config, folder, about
        self.splits, self.groups, self.world = splits, groups, world
        self.averaged = {name: p.detach().clone() for name, p in space.named_parameters()}
        self.optimisers = Optimisers(space, config)
        self.points = config.points
        """inputs per network and step; fewer than asked for if GPU memory ran out"""
        self.limit = DIVERGED * (1 if len(space.family.archs) == 1 else config.nets**2)  # sums over networks and pairs

    def prepare(self, zoo: Zoo, data: Path | None, teacher: Network | None, *, fresh: bool) -> None:
        """Make the objective, before the first step.

        Args:
            fresh: the space has never been trained, and is calibrated to the training networks.
        """
        everyone = [i for ids in self.splits.values() for i in ids]
        self.objective = task_of(zoo).objective(self.space, zoo, everyone, self.config, data, teacher)
        self.objective.points = min(self.objective.points, self.points)
        if fresh:
            self.objective.calibrate(self.space, self.splits[TRAIN])

    def advance(self, step: int) -> dict[str, Tensor]:
        """One step of the optimizers on the sum of the objective's terms."""
        config, space = self.config, self.space
        self.optimisers.zero_grad()
        ids = batch_of(self.groups, config.nets, step, config.seed, config.drawing)
        terms = self._backward(ids, step)
        if config.clip:
            torch.nn.utils.clip_grad_norm_(space.parameters(), config.clip)
        self.optimisers.step(learning_rate(config, step))
        decay = min(config.average, (1 + step) / (10 + step))
        with torch.no_grad():
            names, live = zip(*space.named_parameters(), strict=True)
            torch._foreach_lerp_([self.averaged[n] for n in names], list(live), 1 - decay)
        return terms

    def _backward(self, ids: list[int], step: int) -> dict[str, Tensor]:
        """Return the terms of a step, their gradients left in the space; halve the inputs if GPU memory runs out."""
        device = self.space.device
        while True:
            generator = torch.Generator(device).manual_seed((self.config.seed << 32) + step)
            terms: dict[str, Tensor] = {}
            full = False
            try:
                terms = self.objective.terms(self.space, ids, generator, self.world.share)
                torch.stack(list(terms.values())).sum().backward()
            except torch.OutOfMemoryError:
                if self.objective.points == 1:
                    raise
                full, terms = True, {}  # frees the graph of the attempt
            if not self.world.any(full, device):
                return self.world.add_up(list(self.space.parameters()), terms)
            self.objective.points //= 2
            self.space.zero_grad()
            warnings.warn(f"out of GPU memory: going on with --points {self.objective.points}", stacklevel=2)

    def measure(self, step: int, terms: Mapping[str, float]) -> Measured:
        """The objective's measures of every split; Diverged if the loss is too high."""
        if not sum(terms.values()) < self.limit:  # also catches NaN
            raise Diverged(
                f"training diverged before step {step}; the best space so far and the last checkpoint are kept. "
                f"Try a lower --lr than {self.config.lr}"
            )
        measures = self.measures()
        return Measured(measures[f"{self.config.select}_{self.objective.score}"], measures)

    @torch.no_grad()
    def measures(self) -> dict[str, float]:
        """Measure the averaged weights on at most 64 networks of every split."""
        with self._averaged_weights():
            return {
                f"{split}_{name}": value
                for split, ids in self.splits.items()
                for name, value in self.objective.measure(self.space, ids[:: math.ceil(len(ids) / 64)]).items()
            }

    def keep(self, step: int, measured: Measured) -> None:
        """Save the space with its averaged weights."""
        with self._averaged_weights():
            self.space.save(self.folder, self.about | {"step": step} | measured.measures)

    def enough(self, state: RunState) -> bool:
        """Tell whether the score to stop at is reached."""
        return bool(self.config.stop_at) and state.best >= self.config.stop_at

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """Inside, the space has the averaged weights."""
        live = {name: p.detach().clone() for name, p in self.space.named_parameters()}
        self._put(self.averaged)
        try:
            yield
        finally:
            self._put(live)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, p in self.space.named_parameters():
            p.copy_(values[name])

    def notes(self) -> dict[str, Any]:
        """The number of inputs, which may have been lowered."""
        return {"points": self.objective.points}

    def tensors(self) -> dict[str, Tensor]:
        """Weights, averaged weights and the optimizers' moments, by names such as "averaged/decoder.scale"."""
        tensors = {f"model/{name}": t for name, t in self.space.state_dict().items()}
        tensors |= {f"averaged/{name}": t for name, t in self.averaged.items()}
        return tensors | self.optimisers.tensors()

    @torch.no_grad()
    def restore(self, saved: Checkpoint) -> None:
        """Continue from a checkpoint; FormatError if it is of another space."""
        tensors = saved.tensors
        known = {f"model/{name}" for name in self.space.state_dict()}
        known |= {f"averaged/{name}" for name in self.averaged} | self.optimisers.names()
        try:
            if set(tensors) - known:
                raise KeyError(f"unknown key {min(set(tensors) - known)}")
            for name, t in self.space.state_dict().items():
                t.copy_(tensors[f"model/{name}"])
            for name, average in self.averaged.items():
                average.copy_(tensors[f"averaged/{name}"])
            self.optimisers.restore(tensors)
        except (KeyError, RuntimeError) as error:
            raise FormatError(f"{self.folder / CHECKPOINT} is not a checkpoint of this run ({error})") from error
        check_types({"points": TrainConfig.points} | saved.notes, self.folder / CHECKPOINT, {"points": int})
        self.points = saved.notes.get("points", TrainConfig.points)
