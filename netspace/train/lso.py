"""Latent space optimisation: the space is frozen, one embedding moves until its network does what is asked of it.

Section IV, "Latent Space Optimization". A run is a folder: lso.json (what was asked), metrics.jsonl (its lines),
checkpoint.safetensors (to resume from; the trajectory), best.safetensors (embedding and weights of the best network)
and, once it has ended, result.json. What is random in step i comes from a generator seeded with the run's seed and i.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softmax

from ..config import DTYPES, MOST_RATE, MOST_ROWS, MOST_SEED, check_fields, option
from ..errors import FormatError, InUse, UsageError
from ..io import (
    FORMATS,
    append_line,
    atomic_write,
    check_format,
    content_hash,
    read_json,
    read_tensors,
    refuse_others,
    truncate_log,
)
from ..latent.project import Plane, embed
from ..nets.network import Network
from ..space.losses import ALPHA, TEMPERATURE, class_loss
from ..space.space import NetSpace
from ..tasks.task import Goal
from ..zoo.store import TRAIN, Zoo


@dataclass(frozen=True)
class LsoConfig:
    """How an embedding is optimised."""

    loss: str = option(
        "auto",
        "kd: teacher and labels (Eq. 5); kl: the teacher alone (Eq. 3); task: labels alone (Eq. 4); mse: samples of a "
        "shape (SDFs); auto: mse for SDFs, else kd where there is a teacher and task where there is none",
        choices=("auto", "kd", "kl", "task", "mse"),
    )
    steps: int = option(1000, "steps of Adam", least=1)
    lr: float = option(
        1e-4, "learning rate; 1e-4 is the paper's, the authors' code has 1e-2 for one architecture",
        above=0, most=MOST_RATE,
    )  # fmt: skip
    points: int = option(128, "images, or points of a shape, a step", least=1, most=MOST_ROWS)
    queries: int = option(
        2048,
        "augmented images that the teacher is asked about once, or samples of a shape; images, 0: fresh ones",
        least=0,
    )
    alpha: float = option(ALPHA, "share of the teacher in Eq. 5", least=0, most=1)
    temperature: float = option(TEMPERATURE, "temperature of Eq. 3", least=1e-3)
    class_weight: float = option(1.0, "weight of the class loss (Eq. 6) towards the wanted architecture", least=0)
    every: int = option(25, "steps between measurements on validation data and checkpoints", least=1)
    patience: int = option(0, "measurements without a better one after which it ends; 0: never", least=0)
    hidden_dtype: str = option("float32", "precision of the predicted network's hidden product", choices=DTYPES)
    seed: int = option(0, "seed of batches, samples and of a start from noise", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)


# -- where it starts -----------------------------------------------------------------------------------------------


class Start(NamedTuple):
    """An embedding to start from. `mean`, `noise` and points of the map are of the training networks, or of all where
    a zoo has none to train on."""

    z: Tensor
    """(E)"""
    words: str
    """as it was asked for"""
    network: Network | None = None
    """whose embedding it is"""


def start_from(space: NetSpace, zoo: Zoo, where: str, seed: int = 0) -> Start:
    """The embedding that is asked for.

    Args:
        where: the name of a network; "mean" of the training networks' embeddings; "noise": normal, with their mean and
            standard deviation; "at:X,Y": a point of the map, in the plane where the training embeddings spread most.

    Raises:
        KeyError: there is no network of this name.
        ValueError: X and Y are no numbers, fewer than 3 embeddings span no map, or the embedding is not finite.
    """
    if where != "mean" and where != "noise" and not where.startswith("at:"):
        network = zoo[where].to(space.device)
        network.check_finite(where)
        with torch.no_grad():
            return _finite_start(Start(space.encode(network.prep.unsqueeze(0))[0], where, network))
    ids = set(zoo.ids(TRAIN) or range(len(zoo))) - set(zoo.not_finite)
    if not ids:
        raise UsageError(f"{zoo.folder} has no network whose weights are finite")
    z = embed(space, zoo, sorted(ids))  # (b, E)
    if where == "mean":
        return _finite_start(Start(z.mean(dim=0), where))
    if where == "noise":
        noise = torch.randn(z.shape[1], generator=torch.Generator().manual_seed(seed)).to(z.device)
        return _finite_start(Start(z.mean(dim=0) + noise * z.std(dim=0, unbiased=False), where))
    try:
        xy = [float(part) for part in where.removeprefix("at:").split(",")]
    except ValueError:
        xy = []
    if len(xy) != 2 or not all(map(math.isfinite, xy)):
        raise UsageError(f"{where!r} is no point of the map: two numbers, such as at:0.5,-1.2")
    return _finite_start(Start(Plane.of(z).lift(torch.tensor(xy, device=z.device)), where))


FURTHEST = 1e6
"""largest coordinate of an embedding to start from: networks decoded from further away overflow"""


def _finite_start(start: Start) -> Start:
    """The start; ValueError if its embedding is not finite, or too far away to decode a network."""
    if not (start.z.abs() <= FURTHEST).all():
        raise UsageError(f"the embedding of the start {start.words!r} is not finite, or too far from all networks")
    return start


def wanted_class(space: NetSpace, start: Start, want: str) -> int | None:
    """The ClassId to pull towards; None: there is but one, or none is wanted.

    Args:
        want: the name of an architecture; "": that of the network to start from, where there is one; "any": none.

    Raises:
        ValueError: a family of one is asked for a class, or the family has no such architecture.
    """
    names = space.family.names
    if want in ("", "any"):
        known = len(names) > 1 and want == "" and start.network is not None
        return names.index(start.network.arch.name) if known else None
    if len(names) == 1:
        raise UsageError(f"this space has the one architecture {names[0]}: there is no class to want")
    if want not in names:
        raise UsageError(f"this space has no {want!r}, only {', '.join(names)}")
    return names.index(want)


# -- the run -------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """What was measured of the embedding of a step; score, embedding and architecture belong to that very step."""

    step: int
    terms: dict[str, float]
    """loss terms by name, averaged over the steps since the last line; none at step 0"""
    measures: dict[str, float]
    """validation_accuracy or validation_iou; moved: distance from the start; sure: probability of the architecture"""
    architecture: str
    """that is predicted"""
    best: bool
    """whether this step is the best so far"""
    seconds: float
    """since the start of the run, earlier parts of a resumed run included"""


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
) -> Iterator[Line]:
    """Move an embedding by Adam, with `patience` until its network scores no higher; a generator of measurements.

    Selection is by validation alone; start and best are tested once, at the end. Where an architecture is wanted, only
    networks of that architecture are selected; what they are trained as is the wanted one from the first step on.

    Args:
        space: frozen, as `load` returns it.
        want: ClassId of the architecture to pull towards, as `wanted_class` returns it.
        about: kept in lso.json beside the settings: names of space, zoo, teacher and target, the command.

    Raises:
        FormatError: the folder holds a run and `resume` is off, or it was made with other settings or another space.
        OSError: the disk is full; the last checkpoint stays readable.
    """
    asked = {"format": FORMATS["run"], "config": asdict(config), "start": start.words, "score": goal.score}
    weights = (part for item in sorted(space.state_dict().items()) for part in item)
    of = [] if start.network is None else [start.network.prep]
    asked |= {"want": None if want is None else space.family.names[want], "made_of": content_hash(*weights, *of)}
    asked |= {"goal": goal.made_of}
    refuse_others(folder, "lso.json")
    if (folder / "lso.json").exists():
        if not resume:
            raise InUse(f"{folder} holds a run already; add --resume to go on with it, or choose another folder")
        _check_same_run(read_run(folder), asked, folder)
        if (folder / "result.json").exists():
            return
    else:
        with atomic_write(folder / "lso.json") as path:
            path.write_text(json.dumps(asked | {"about": about or {}}, indent=2) + "\n")
    z = start.z.detach().clone().requires_grad_()  # (E)
    wanted = None if want is None else torch.tensor([want], device=z.device)
    optimiser = torch.optim.Adam([z], lr=config.lr)
    state = {"step": 0, "best": -1.0, "best_step": 0, "since": 0, "seconds": 0.0, "start": math.nan}
    best_z, first, trajectory = z.detach().clone(), z.detach().clone(), []
    resumed = (folder / "checkpoint.safetensors").exists()
    if resumed:
        state, best_z, trajectory = _read_checkpoint(folder, z, optimiser)
        first = trajectory[0]  # another machine embeds its network to other last bits
    truncate_log(folder / "metrics.jsonl", state["step"] if resumed else -1)
    began = time.perf_counter() - state["seconds"]
    sums: dict[str, float] = {}
    ended, problem, begin = "steps", "", state["step"]
    enough = bool(config.patience) and state["since"] >= config.patience  # it was stopped while it was tested
    step = begin
    for step in range(begin, begin if enough else config.steps + 1):
        if (step % config.every == 0 or step == config.steps) and not (resumed and step == begin):
            network, sure = _network(space, z)
            score = goal.validate(network)
            eligible = want is None or network.arch.name == space.family.names[want]
            eligible = eligible and bool(network.prep.isfinite().all())  # NaN logits all count as class 0
            best = score > state["best"] and eligible
            since = 0 if best or state["best"] < 0 else state["since"] + 1
            measures = {f"validation_{goal.score}": score, "moved": (z - first).norm().item()}
            measures |= {} if sure is None else {"sure": sure}
            steps = (step - 1) % config.every + 1 if step else 1
            seconds = time.perf_counter() - began
            line = Line(step, {k: v / steps for k, v in sums.items()}, measures, network.arch.name, best, seconds)
            sums = {}
            trajectory.append(z.detach().clone())
            state |= {"step": step, "since": since, "seconds": seconds}
            state |= {"start": score} if step == 0 else {}
            if best:
                state |= {"best": score, "best_step": step}
                best_z = z.detach().clone()
                _write_best(folder, network, best_z, step, score)
            append_line(folder / "metrics.jsonl", line._asdict())
            _write_checkpoint(folder, z, optimiser, best_z, trajectory, state)
            yield line
            enough = bool(config.patience) and since >= config.patience
            if enough:
                break
        if step == config.steps:
            break
        terms = _terms(space, goal, z, config, wanted, step)
        loss = torch.stack(list(terms.values())).sum()
        if not loss.isfinite():
            ended, problem = "diverged", f"the loss was not finite at step {step}"
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if not z.isfinite().all():
            ended, problem = "diverged", f"the embedding was not finite after step {step}"
            break
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + float(term.detach())
    if enough:
        ended = "patience"
    if problem:
        problem += f"; the best, of step {state['best_step']}, is kept. Try a lower --lr than {config.lr}"
    if state["best"] < 0:
        never = f"no step had the architecture {asked['want']}; the start is kept"
        problem = f"{problem}; {never}" if problem else never
        state["best"] = state["start"]
        _write_best(folder, _network(space, first)[0], first, 0, state["best"])
    networks = {"start": _network(space, first)[0], "best": _network(space, best_z)[0]}
    tests = {name: goal.test(network) for name, network in networks.items()}
    if start.network is not None:
        tests["original"] = goal.test(start.network)
    architectures = {name: network.arch.name for name, network in networks.items()}
    validation = {"start": state["start"], "best": state["best"]}
    seconds = time.perf_counter() - began
    result = Result(ended, problem, step, state["best_step"], goal.score, validation, tests, architectures, seconds)
    with atomic_write(folder / "result.json") as path:
        path.write_text(json.dumps(result._asdict(), indent=2) + "\n")


def _terms(
    space: NetSpace, goal: Goal, z: Tensor, config: LsoConfig, wanted: Tensor | None, step: int
) -> dict[str, Tensor]:
    """The loss terms of a step; with a wanted architecture the class loss (Eq. 6) is one of them.

    The paper builds the network that is predicted; where one is wanted, it is built here, from the first step on.
    """
    generator = torch.Generator(z.device).manual_seed((config.seed << 32) + step)
    decoded = space.decode(z.unsqueeze(0), wanted)
    terms = goal.terms(Network(space.family.archs[int(decoded.class_ids[0])], decoded.preps[0]), generator)
    if wanted is not None and config.class_weight:
        terms["class"] = config.class_weight * class_loss(decoded.class_logits, wanted)
    return terms


@torch.no_grad()
def _network(space: NetSpace, z: Tensor) -> tuple[Network, float | None]:
    """The network that an embedding (E) decodes to, and the probability of its architecture in a family."""
    preps, logits, class_ids = space.decode(z.detach().unsqueeze(0))
    sure = None if logits is None else softmax(logits[0], dim=0).max().item()
    return Network(space.family.archs[int(class_ids[0])], preps[0]), sure


# -- the folder ----------------------------------------------------------------------------------------------------


def read_run(folder: str | Path) -> dict:
    """What a run was asked for, from its lso.json; FormatError where it is missing, damaged or of another version."""
    run = read_json(Path(folder) / "lso.json")
    if not isinstance(run, dict):
        raise FormatError(f"{Path(folder) / 'lso.json'} is no description of a run")
    check_format(run, "run", folder)
    missing = [key for key in ("config", "start", "score", "want", "made_of", "goal", "about") if key not in run]
    if missing:
        raise FormatError(f"{Path(folder) / 'lso.json'} has no {missing[0]!r}")
    return run


def _check_same_run(before: dict, now: dict, folder: Path) -> None:
    changed = [f.name for f in fields(LsoConfig) if before["config"].get(f.name, f.default) != now["config"][f.name]]
    changed += [key for key in ("start", "want") if before[key] != now[key]]
    if changed:
        raise FormatError(f"{folder} was started with other settings ({', '.join(changed)} changed)")
    if before["made_of"] != now["made_of"]:
        raise FormatError(f"{folder} was started in another space, or its zoo has changed")
    if before["goal"] != now["goal"]:
        raise FormatError(f"{folder} was started with another teacher, target or data")


class Result(NamedTuple):
    """How a run ended."""

    ended: str
    """steps: all were done; patience: none was better for long; diverged"""
    problem: str
    """a sentence for the user; empty where there is none"""
    steps: int
    best_step: int
    score: str
    """what the scores are: accuracy or iou"""
    validation: dict[str, float]
    """scores of start and best"""
    test: dict[str, float]
    """the same on test data, measured once; and of the original network where it started from one"""
    architecture: dict[str, str]
    seconds: float


def read_result(folder: str | Path) -> Result:
    """How a run ended; FormatError where it has not ended, or the file is damaged."""
    path = Path(folder) / "result.json"
    try:
        result = Result(**read_json(path))
    except TypeError as error:
        raise FormatError(f"{path} is not the result of a run ({error})") from error
    numbers = [result.steps, result.best_step, result.seconds]
    for scores in (result.validation, result.test):
        numbers += scores.values() if isinstance(scores, dict) else [scores]
    words = [result.ended, result.problem, result.score]
    wrong = [value for value in numbers if not isinstance(value, Real) or isinstance(value, bool)]
    wrong += [value for value in words if not isinstance(value, str)]
    if wrong:
        raise FormatError(f"{path} is not the result of a run (it has the value {wrong[0]!r})")
    return result


class Best(NamedTuple):
    """The best of a run so far."""

    network: Network
    z: Tensor
    """(E)"""
    step: int
    score: float
    """on validation data"""


def _write_best(folder: Path, network: Network, z: Tensor, step: int, score: float) -> None:
    from safetensors.torch import save

    tensors = {f"network/{name}": p for name, p in network.params.items()} | {"z": z}
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    size = json.dumps(list(network.prep.shape[-2:]))
    metadata = {"arch": network.arch.name, "size": size, "step": str(step), "score": repr(score)}
    with atomic_write(folder / "best.safetensors") as path:
        path.write_bytes(save(tensors, metadata))


def read_best(folder: str | Path) -> Best:
    """The best network of a run so far; FormatError where there is none yet, or it is damaged."""
    import safetensors

    from ..nets.archs import arch_named

    path = Path(folder) / "best.safetensors"
    if not path.is_file():
        raise FormatError(f"{folder} has no best network yet")
    try:
        with safetensors.safe_open(path, "pt") as file:  # opened once: a run may replace it any time
            known = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)
        params = {name.removeprefix("network/"): t for name, t in tensors.items() if name.startswith("network/")}
        network = Network.of(arch_named(known["arch"]), params, json.loads(known["size"]))
        return Best(network, tensors["z"], int(known["step"]), float(known["score"]))
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path} is truncated or not the best network of a run ({error})") from error


def read_trajectory(folder: str | Path) -> Tensor:
    """Embeddings (lines, E) of a run's lines, as far as it has come.

    FormatError where there is none or it is damaged.
    """
    path = Path(folder) / "checkpoint.safetensors"
    tensors = read_tensors(path)
    if "trajectory" not in tensors:
        raise FormatError(f"{path} holds no trajectory")
    return tensors["trajectory"]


def _write_checkpoint(
    folder: Path, z: Tensor, optimiser: torch.optim.Adam, best_z: Tensor, trajectory: list[Tensor], state: dict
) -> None:
    from safetensors.torch import save

    tensors = {"z": z, "best": best_z, "trajectory": torch.stack(trajectory)}
    tensors |= {f"adam/{key}": value for key, value in optimiser.state[z].items()}
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with atomic_write(folder / "checkpoint.safetensors") as path:
        path.write_bytes(save(tensors, metadata={"state": json.dumps(state)}))


@torch.no_grad()
def _read_checkpoint(folder: Path, z: Tensor, optimiser: torch.optim.Adam) -> tuple[dict, Tensor, list[Tensor]]:
    """State, best embedding and trajectory; embedding and optimiser are set to what they were."""
    import safetensors

    path = folder / "checkpoint.safetensors"
    tensors = {name: t.to(z.device) for name, t in read_tensors(path).items()}
    try:
        with safetensors.safe_open(path, "pt") as file:
            state = json.loads(file.metadata()["state"])
        z.copy_(tensors["z"])
        moments = {name.removeprefix("adam/"): t for name, t in tensors.items() if name.startswith("adam/")}
        if moments:  # none before the first step
            optimiser.state[z] = moments | {"step": moments["step"].cpu()}
        return state, tensors["best"], list(tensors["trajectory"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatError(f"{path} is not a checkpoint of this run ({error})") from error
