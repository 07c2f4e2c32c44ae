"""Train zoos of image classifiers, each from its own initialization (supplement IV, "Nets Datasets").

The single schedule collects networks of different performance: Adam, each stopped after its own number of epochs.
The multi schedule collects good ones: SGD with decay, each the best of its epochs on the validation images.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Unpack

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from ..config import DTYPES, MOST_ITEMS, MOST_RATE, MOST_SEED, check_fields, option
from ..data.images import Images, load_images
from ..data.transforms import augment, normalise
from ..errors import UsageError
from ..nets.archs import Arch, arch_named
from ..nets.fuse import fuse, trained_module
from ..nets.network import Network
from ..nets.prep import prep_size
from ..tasks.distillation import check_classes
from ..tasks.measures import accuracy, classify
from ..zoo.store import HELDOUT, TRAIN, VALIDATION
from .parts import Made
from .zoos import Progress, RunOptions, ZooPlan, as_stored, make_zoo

DECAY_AT, DECAY = (0.5, 0.6, 0.7), 0.1
"""The multi schedule multiplies its rate by 0.1 at epochs 150, 180 and 210 of 300."""
FUSING_IMAGES = 256
"""images on which a network is compared before and after fusing"""


@dataclass(frozen=True)
class CnnConfig:
    """How image classifiers are trained. Defaults are this product's; `recipes.PAPER_SINGLE_ZOO` has the paper's."""

    arch: str = option("resnet8/digits", "architecture of every network, see `archs`")
    count: int = option(80, "networks", least=1, most=MOST_ITEMS)
    schedule: str = option(
        "single",
        "single: Adam, each stopped after its own number of epochs; multi: SGD with decay, best on validation",
        choices=("single", "multi"),
    )
    epochs: float = option(30.0, "epochs of the longest network; multi: of every network", least=1e-3, most=1e6)
    first_epochs: float = option(1.0, "single: epochs of the shortest network; the others lie evenly on a log scale")
    lr: float = option(1e-4, "learning rate; single: constant", above=0, most=MOST_RATE)
    momentum: float = option(0.9, "multi: SGD's momentum", least=0, below=1)
    weight_decay: float = option(5e-4, "multi: weight decay", least=0)
    batch: int = option(128, "images per step", least=2, most=MOST_ITEMS)
    inits: int = option(0, "number of initializations shared by the networks; 0: each has its own (paper)", least=0)
    limit: int = option(0, "training images used; 0: all", least=0)
    validation: int = option(8, "networks to select spaces by", least=0)
    heldout: int = option(8, "networks that no space sees in training", least=0)
    dtype: str = option("bfloat16", "precision of training", choices=DTYPES[:2])
    store_dtype: str = option("float16", "precision of the stored weights", choices=("float16", "float32"))
    seed: int = option(0, "seed of initializations, batches and splits", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)
        arch = arch_named(self.arch)
        if not arch.convolutional:
            raise UsageError(f"{arch.name} is no image classifier; fit-sdf fits it")
        if self.schedule == "single" and not 0 < self.first_epochs <= self.epochs:
            raise UsageError(f"--first-epochs is {self.first_epochs}, it must be above 0 and at most {self.epochs}")
        if self.validation + self.heldout >= self.count:
            raise UsageError(
                f"{self.validation} validation and {self.heldout} held-out networks leave none of {self.count} to "
                "train a space on"
            )


class TrainingPlan(NamedTuple):
    """One network to be trained."""

    name: str
    init: int
    """seed of its initialization"""
    seed: int
    """seed of its batches and augmentation"""
    epochs: float


def training_plans(config: CnnConfig) -> list[TrainingPlan]:
    """Return the networks of a zoo; single schedule: many short trainings and few long ones, as in the paper."""
    base = config.arch.split("/")[0]
    rate = config.epochs / config.first_epochs if config.schedule == "single" else 1.0
    lengths = [config.epochs * rate ** (k / max(1, config.count - 1) - 1) for k in range(config.count)]
    lengths[-1] = config.epochs
    seeds = [config.seed + 1_000_003 * (k + 1) for k in range(config.count)]
    return [
        TrainingPlan(f"{base}-{k:03d}", seeds[k % config.inits] if config.inits else seeds[k], seeds[k], e)
        for k, e in enumerate(lengths)
    ]


def splits_of(config: CnnConfig) -> dict[str, str]:
    """Return the split of every network by name, drawn at random like the paper's 100/16/16."""
    order = torch.randperm(config.count, generator=torch.Generator().manual_seed(config.seed)).tolist()
    split = [HELDOUT] * config.heldout + [VALIDATION] * config.validation
    split += [TRAIN] * (config.count - len(split))
    return {plan.name: split[place] for plan, place in zip(training_plans(config), order, strict=True)}


# -- training many at once -----------------------------------------------------------------------------------------


def _loop(modules: Sequence[nn.Module]) -> tuple[list[Tensor], Callable[[Tensor], Tensor], Callable[[int], dict]]:
    """Evaluate each module by itself: fastest on a CPU."""

    def logits(x: Tensor) -> Tensor:
        return torch.stack([module(images) for module, images in zip(modules, x, strict=True)])

    return [p for m in modules for p in m.parameters()], logits, lambda i: modules[i].state_dict()


def _vmap(modules: Sequence[nn.Module]) -> tuple[list[Tensor], Callable[[Tensor], Tensor], Callable[[int], dict]]:
    """Evaluate all modules at once, which torch turns into grouped convolutions: for a GPU."""
    params, buffers = stack_module_state(list(modules))
    inner = modules[0]

    def logits(x: Tensor) -> Tensor:
        return vmap(lambda p, b, images: functional_call(inner, (p, b), (images,)))(params, buffers, x)

    return list(params.values()), logits, lambda i: {name: t[i] for name, t in (params | buffers).items()}


WAYS = {"loop": _loop, "vmap": _vmap}
"""Ways to train a group of networks of one architecture: modules -> parameters, logits (g, n, C) of images
(g, n, 3, S, S), and the state dict of one network."""


def fit_cnns(
    arch: Arch,
    images: Images,
    group: Sequence[TrainingPlan],
    config: CnnConfig,
    way: str,
    validation: Images | None = None,
) -> list[nn.Module]:
    """Train a group of networks on the images' device; return their trained form, in evaluation mode.

    A network's seeds alone decide its initialization, order of images and augmentation.

    Args:
        validation: images by which the multi schedule keeps the best epoch of each network.
    """
    device = images.pixels.device
    modules = [arch.fresh(plan.init).to(device).to(memory_format=torch.channels_last).train() for plan in group]
    parameters, logits, state_of = WAYS[way](modules)
    if config.schedule == "single":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(parameters, lr=config.lr, fused=True)
    else:
        optimiser = torch.optim.SGD(
            parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay, fused=True
        )
    generators = [torch.Generator(device).manual_seed(plan.seed) for plan in group]
    n = len(images)
    size = min(config.batch, n)
    arch.check_step(size)
    per_epoch = n // size
    last = [max(1, round(plan.epochs * per_epoch)) for plan in group]
    kept: list[dict] = [{} for _ in group]
    best = [-1.0] * len(group)
    orders: list[Tensor] = []
    for step in range(max(last)):
        place = step % per_epoch
        if place == 0:
            orders = [torch.randperm(n, device=device, generator=g) for g in generators]
        if config.schedule == "multi":
            decays = sum(step >= share * max(last) for share in DECAY_AT)
            optimiser.param_groups[0]["lr"] = config.lr * DECAY**decays
        picks = [order[place * size : (place + 1) * size] for order in orders]
        pixels = [
            augment(images.pixels[pick], images.pad, images.flip, g) for pick, g in zip(picks, generators, strict=True)
        ]
        x = torch.stack([normalise(p).contiguous(memory_format=torch.channels_last) for p in pixels])
        with torch.autocast(device.type, torch.bfloat16, enabled=config.dtype == "bfloat16"):
            said = logits(x)  # (g, n, C)
        truth = torch.stack([images.labels[pick] for pick in picks])  # (g, n)
        loss = cross_entropy(said.float().flatten(0, 1), truth.flatten(), reduction="none").view_as(truth).mean(dim=1)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        done = step + 1
        for i in range(len(group)):
            if config.schedule == "single":
                keep = done == last[i]
            else:
                keep = done % per_epoch == 0 or done == last[i]
                if keep:
                    score = _validation_accuracy(arch, state_of(i), validation)
                    keep, best[i] = score > best[i], max(score, best[i])
            if keep:
                kept[i] = {name: t.detach().clone() for name, t in state_of(i).items()}
    return [trained_module(arch, state).to(device) for state in kept]


def _validation_accuracy(arch: Arch, state: dict[str, Tensor], images: Images) -> float:
    fused = fuse(arch, trained_module(arch, state).to(images.pixels.device), normalise(images.pixels[:1]))
    network = Network.of(arch, fused.params, prep_size(arch.num_params, 8))
    return accuracy(classify(network, images), images.labels)


# -- a zoo of them -------------------------------------------------------------------------------------------------


@functools.cache
def _images(name: str, split: str, folder: Path | None, device: str) -> Images:
    """Return the images, loaded once per process."""
    return load_images(name, split, folder).to(device)


def _fit_what_fits(
    arch: Arch, images: Images, group: Sequence[TrainingPlan], config: CnnConfig, way: str, validation: Images
) -> list[nn.Module]:
    """Run `fit_cnns`, in groups of half the size if GPU memory runs out; the networks are the same."""
    try:
        return fit_cnns(arch, images, group, config, way, validation)
    except torch.OutOfMemoryError:
        half = len(group) // 2
        if not half:
            raise
    warnings.warn(f"out of GPU memory: going on with {half} networks at once", stacklevel=2)
    return [m for g in (group[:half], group[half:]) for m in _fit_what_fits(arch, images, g, config, way, validation)]


def _fit_group(folder: Path | None, job: tuple[Sequence[TrainingPlan], CnnConfig, str]) -> list[Made]:
    """Train a group of networks, fuse their batch norms and measure what is stored."""
    group, config, device = job
    arch = arch_named(config.arch)
    train, validation, test = (_images(arch.data, split, folder, device) for split in ("train", "validation", "test"))
    if config.limit:
        some = torch.randperm(len(train), generator=torch.Generator().manual_seed(config.seed))[: config.limit]
        train = train.take(some.to(device))  # at random: data sets may come class by class
    start = time.perf_counter()
    way = "loop" if device == "cpu" else "vmap"
    modules = _fit_what_fits(arch, train, group, config, way, validation)
    seconds = (time.perf_counter() - start) / len(group)
    made = []
    for plan, module in zip(group, modules, strict=True):
        fused = fuse(arch, module, normalise(test.pixels[:FUSING_IMAGES]))
        params = as_stored(fused.params, config.store_dtype)
        if params is None:
            made.append(Made.skipped(plan.name, f"{plan.name}: its weights are not finite; try a lower --lr"))
            continue
        stored = Network.of(arch, {name: p.float() for name, p in params.items()}, prep_size(arch.num_params, 8))
        record = {
            "init": plan.init,
            "seed": plan.seed,
            "epochs": plan.epochs,
            "val_accuracy": accuracy(classify(stored, validation), validation.labels),
            "test_accuracy": accuracy(classify(stored, test), test.labels),
            "fused_difference": fused.difference,
            "norms_never_run": len(fused.never_run),
            "seconds": seconds,
        }
        made.append(Made.of(plan.name, params, record))
    return made


def fit_cnn_zoo(
    folder: Path, config: CnnConfig, *, data: Path | None = None, **options: Unpack[RunOptions]
) -> Generator[Progress, None, None]:
    """Train a zoo of image classifiers; a generator of progress lines, see `make_zoo` for options and errors.

    Args:
        data: folder of the images; None: looked for.

    Raises:
        DataError: the images are not here, or cannot be read.
        UsageError: the images are of another size or have other classes than the architecture.
    """
    arch = arch_named(config.arch)
    check_classes(arch, _images(arch.data, "test", data, "cpu"))  # this process may have no GPU, if it makes none
    longest_first = sorted(training_plans(config), key=lambda plan: -plan.epochs)  # groups are about equally long
    work = functools.partial(_fit_group, data)
    plan = ZooPlan(arch, longest_first, config, work, splits_of(config), made_by="zoo fit-cnn")
    yield from make_zoo(folder, plan, **options)
