"""Latent space optimization: the space is frozen, one embedding moves until its network does what is asked of it.

Section IV, "Latent Space Optimization". A run is a folder, see `loop`; its checkpoint holds the trajectory. Beside it
stand best.safetensors (embedding and weights of the best network) and, once it has ended, result.json.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softmax

from ..config import DTYPES, MOST_ITEMS, MOST_RATE, MOST_SEED, check_fields, option
from ..data.meshes import is_chair
from ..errors import Diverged, FormatError
from ..io import FORMATS, atomic_write, check_types, content_hash
from ..nets.network import Network
from ..space.losses import ALPHA, TEMPERATURE, class_loss
from ..space.space import NetSpace
from ..tasks.task import Goal
from .loop import CHECKPOINT, Checkpoint, LogEntry, Measured, RunFolder, RunState, changed_settings, learn
from .lso_files import Result, read_run, write_best
from .starts import Start


@dataclass(frozen=True)
class LsoConfig:
    """How an embedding is optimized."""

    loss: str = option(
        "auto",
        "kd: teacher and labels (Eq. 5); kl: the teacher alone (Eq. 3); task: labels alone (Eq. 4); mse: samples of a "
        "shape (SDFs); auto: mse for SDFs, else kd with a teacher and task without",
        choices=("auto", "kd", "kl", "task", "mse"),
    )
    steps: int = option(1000, "steps of Adam", least=1)
    lr: float = option(
        1e-4, "learning rate; 1e-4 is the paper's, the authors' code has 1e-2 for one architecture",
        above=0, most=MOST_RATE,
    )  # fmt: skip
    points: int = option(128, "images, or points of a shape, per step", least=1, most=MOST_ITEMS)
    queries: int = option(
        2048,
        "augmented images on which the teacher is evaluated once, or samples of a shape; 0 (images): fresh ones",
        least=0,
    )
    alpha: float = option(ALPHA, "weight of the teacher in Eq. 5", least=0, most=1)
    temperature: float = option(TEMPERATURE, "temperature of Eq. 3", least=1e-3)
    class_weight: float = option(1.0, "weight of the class loss (Eq. 6) towards the wanted architecture", least=0)
    every: int = option(25, "steps between measurements on validation data and checkpoints", least=1)
    patience: int = option(0, "stop after this many measurements without a better score; 0: never", least=0)
    hidden_dtype: str = option("float32", "compute precision of the predicted network", choices=DTYPES)
    seed: int = option(0, "seed of batches, samples and of a start from noise", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)


def optimise(
    space: NetSpace,
    start: Start,
    goal: Goal,
    config: LsoConfig,
    folder: Path,
    *,
    want: int | None = None,
    about: dict | None = None,
    resume: bool = False,
) -> Generator[LogEntry, None, None]:
    """Move an embedding by Adam, with `patience` until its network scores no higher; a generator of log entries.

    Selection is by validation alone; start and best are tested once, at the end. Score, embedding and architecture of
    an entry belong to the same step; its measures are validation_accuracy or validation_iou, `moved` (distance from
    the start) and, in a family, `sure` (probability of the architecture). If an architecture is wanted, only networks
    of that architecture are selected, and that one is decoded while training from the first step.

    Args:
        space: frozen, as `load` returns it.
        want: ClassId of the architecture to pull towards, as `wanted_class` returns it.
        about: kept in lso.json beside the settings: names of space, zoo, teacher and target, the command.

    Raises:
        FormatError: the folder holds a run and `resume` is off, or it was made with other settings or another space.
        OSError: the disk is full; the last checkpoint stays readable.
    """
    space.family.archs[0].check_step(config.points)
    asked = _asked(space, start, goal, config, want) | {"about": about or {}}
    run = RunFolder(folder, "run")
    if run.open(resume):
        _check_same_optimization(read_run(folder), asked, config, folder)
        if (folder / "result.json").exists():
            return
    else:
        run.describe(asked)
    learner = EmbeddingLearner(space, start, goal, config, folder, want)
    saved = run.checkpoint()
    state = RunState() if saved is None else saved.state
    if saved is not None:
        learner.restore(saved)
    began = time.perf_counter() - state.seconds
    ended, problem, steps = "steps", "", config.steps
    try:
        yield from learn(learner, run, state, steps=config.steps, every=config.every, fresh=saved is None)
        if learner.enough(state):
            ended, steps = "patience", state.step
    except Diverged as error:
        ended, problem, steps = "diverged", str(error), learner.step
        problem += f"; the best, of step {state.best_step}, is kept. Try a lower --lr than {config.lr}"
    result = learner.tested(state, ended, problem, steps)._replace(seconds=time.perf_counter() - began)
    with atomic_write(folder / "result.json") as path:
        path.write_text(json.dumps(result._asdict(), indent=2) + "\n")


class EmbeddingLearner:
    """An embedding that is optimized: where it is, where it has been, and Adam."""

    measures_start = True

    def __init__(
        self, space: NetSpace, start: Start, goal: Goal, config: LsoConfig, folder: Path, want: int | None
    ) -> None:
        """Begin at the start; the best network is written to `folder`."""
        self.space, self.start, self.goal, self.config, self.folder = space, start, goal, config, folder
        self.z = start.z.detach().clone().requires_grad_()  # (E)
        self.first, self.best = self.z.detach().clone(), self.z.detach().clone()
        self.trajectory: list[Tensor] = []
        self.optimizer = torch.optim.Adam([self.z], lr=config.lr)
        self.wanted = None if want is None else torch.tensor([want], device=self.z.device)
        self.want = None if want is None else space.family.names[want]
        self.start_score = math.nan
        self.step = 0
        """of the last `advance`"""

    def advance(self, step: int) -> dict[str, Tensor]:
        """One step of Adam; Diverged if the loss or the embedding is not finite."""
        self.step = step
        terms = self._terms(step)
        loss = torch.stack(list(terms.values())).sum()
        if not loss.isfinite():
            raise Diverged(f"the loss was not finite at step {step}")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if not self.z.isfinite().all():
            raise Diverged(f"the embedding was not finite after step {step}")
        return terms

    def _terms(self, step: int) -> dict[str, Tensor]:
        """The loss terms of a step; with a wanted architecture the class loss (Eq. 6) is one of them.

        The paper decodes the predicted architecture. If an architecture is wanted, we decode that one from the first
        step.
        """
        generator = torch.Generator(self.z.device).manual_seed((self.config.seed << 32) + step)
        decoded = self.space.decode(self.z.unsqueeze(0), self.wanted)
        arch = self.space.family.archs[int(decoded.class_ids[0])]
        terms = self.goal.terms(Network(arch, decoded.preps[0]), generator)
        if self.wanted is not None and self.config.class_weight:
            terms["class"] = self.config.class_weight * class_loss(decoded.class_logits, self.wanted)
        return terms

    def measure(self, step: int, terms: Mapping[str, float]) -> Measured:
        """Score the network on validation data; one of another architecture than the wanted one is not eligible."""
        self.network, sure = _network(self.space, self.z)
        network, score = self.network, self.goal.validate(self.network)
        eligible = self.want is None or network.arch.name == self.want
        eligible = eligible and bool(network.prep.isfinite().all())  # NaN logits all count as class 0
        measures = {f"validation_{self.goal.score}": score, "moved": (self.z - self.first).norm().item()}
        measures |= {} if sure is None else {"sure": sure}
        self.trajectory.append(self.z.detach().clone())
        if step == 0:
            self.start_score = score
        return Measured(score, measures, eligible, network.arch.name)

    def keep(self, step: int, measured: Measured) -> None:
        """Write the embedding and the network that was measured."""
        self.best = self.z.detach().clone()
        write_best(self.folder, self.network, self.best, step, measured.score)

    def enough(self, state: RunState) -> bool:
        """Tell whether patience has run out."""
        return bool(self.config.patience) and state.since >= self.config.patience

    def notes(self) -> dict[str, Any]:
        """The score of the start."""
        return {"start": self.start_score}

    def tensors(self) -> dict[str, Tensor]:
        """Embedding, best embedding, trajectory (entries, E) and Adam's moments."""
        moments = {f"adam/{key}": value for key, value in self.optimizer.state[self.z].items()}
        return {"z": self.z, "best": self.best, "trajectory": torch.stack(self.trajectory)} | moments

    @torch.no_grad()
    def restore(self, saved: Checkpoint) -> None:
        """Continue from a checkpoint; FormatError if it is of another run."""
        tensors = {name: t.to(self.z.device) for name, t in saved.tensors.items()}
        try:
            self.z.copy_(tensors["z"])
            moments = {name.removeprefix("adam/"): t for name, t in tensors.items() if name.startswith("adam/")}
            if moments:  # none before the first step
                self.optimizer.state[self.z] = moments | {"step": moments["step"].cpu()}
            self.best, self.trajectory = tensors["best"], list(tensors["trajectory"])
            self.first = self.trajectory[0]  # another machine embeds its network to other last bits
            check_types(saved.notes, self.folder / CHECKPOINT, {"start": int | float})
            self.start_score = saved.notes["start"]
        except (KeyError, IndexError, RuntimeError) as error:
            raise FormatError(f"{self.folder / CHECKPOINT} is not a checkpoint of this run ({error})") from error

    def tested(self, state: RunState, ended: str, problem: str, steps: int) -> Result:
        """Test start and best once; the start is the best if no step had the wanted architecture."""
        start = _network(self.space, self.first)[0]
        best, best_score = _network(self.space, self.best)[0], state.best
        if state.best < 0:
            never = f"no step had the architecture {self.want}; the start is kept"
            problem = f"{problem}; {never}" if problem else never
            best_score = self.start_score
            write_best(self.folder, start, self.first, 0, best_score)
        networks = {"start": start, "best": best}
        tests = {name: self.goal.test(network) for name, network in networks.items()}
        if self.start.network is not None:
            tests["original"] = self.goal.test(self.start.network)
        architectures = {name: network.arch.name for name, network in networks.items()}
        validation = {"start": self.start_score, "best": best_score}
        return Result(
            ended, problem, steps, state.best_step, self.goal.score, validation, tests, architectures, seconds=0.0
        )


@torch.no_grad()
def _network(space: NetSpace, z: Tensor) -> tuple[Network, float | None]:
    """The network that an embedding (E) decodes to, and the probability of its architecture in a family."""
    preps, logits, class_ids = space.decode(z.detach().unsqueeze(0))
    sure = None if logits is None else softmax(logits[0], dim=0).max().item()
    return Network(space.family.archs[int(class_ids[0])], preps[0]), sure


def _asked(space: NetSpace, start: Start, goal: Goal, config: LsoConfig, want: int | None) -> dict[str, Any]:
    """What a run is asked for, as lso.json keeps it; hashes tell spaces, start networks and goals apart."""
    weights = (part for item in sorted(space.state_dict().items()) for part in item)
    of = [] if start.network is None else [start.network.prep]
    return {
        "format": FORMATS["run"],
        "config": asdict(config),
        "start": start.words,
        "score": goal.score,
        "want": None if want is None else space.family.names[want],
        "made_of": content_hash(*weights, *of),
        "goal": goal.made_of,
    }


def _check_same_optimization(before: dict, now: dict, config: LsoConfig, folder: Path) -> None:
    """Raise FormatError unless a run can go on with these settings, this space and this goal."""
    changed = changed_settings(before["config"], config)
    changed += [key for key in ("start", "want") if before[key] != now[key]]
    if changed:
        raise FormatError(f"{folder} was started with other settings ({', '.join(changed)} changed)")
    if before["made_of"] != now["made_of"]:
        raise FormatError(f"{folder} was started in another space, or its zoo has changed")
    names = [str(one["about"].get("target")) for one in (before, now)]
    same_chair = names[0] == names[1] and is_chair(names[0])  # older runs keep a hash of its mesh
    if before["goal"] != now["goal"] and not same_chair:
        raise FormatError(f"{folder} was started with another teacher, target or data")
