"""Fit image fields to pictures: one network per picture, each from its own initialisation (Sitzmann et al. 2020)."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Unpack

import torch
from torch import Tensor

from ..config import MOST_ITEMS, MOST_RATE, MOST_SEED, check_fields, option
from ..data.pictures import MOST_SIDE, Pictures, load_pictures
from ..errors import UsageError
from ..nets.archs import Arch, arch_named
from ..nets.fields import PICTURE
from ..places import note_places
from ..tasks.image_field import as_values, pixel_centres, psnr
from ..zoo.store import HELDOUT, TRAIN, VALIDATION
from .parts import Made
from .zoos import Progress, RunOptions, ZooPlan, as_stored, make_zoo

BETAS = (0.9, 0.99)
"""of Adam: with so few steps the usual 0.999 remembers the first ones for too long"""
AT_A_TIME = 32
"""networks fitted in one batched product on a CPU; more do not fit its cache"""


@dataclass(frozen=True)
class ImageConfig:
    """How image fields are fitted to pictures."""

    images: str = option("digits", "pictures: digits (scikit-learn's), fashion-mnist, or a folder of image files")
    count: int = option(400, "how many of them; 0: all", least=0, most=MOST_ITEMS)
    first: int = option(0, "place of the first in the data set or folder", least=0)
    size: int = option(
        0, "cut files to squares and scale them to this many pixels along a side; 0: as they are", least=0,
        most=MOST_SIDE,
    )  # fmt: skip
    arch: str = option("siren/2-32-32-1@30", "architecture of every network: 2 coordinates, and 1 or 3 channels")
    steps: int = option(100, "Adam steps per network, each on all pixels", least=1)
    lr: float = option(8e-3, "learning rate at the start, which falls along a half cosine", above=0, most=MOST_RATE)
    shared_init: bool = option(False, "start all networks from the same initialisation")
    validation: int = option(40, "networks to select spaces by", least=0)
    heldout: int = option(40, "networks that no space sees in training", least=0)
    store_dtype: str = option("float16", "precision of the stored weights", choices=("float16", "float32"))
    seed: int = option(0, "seed of initialisations and splits", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)
        arch = arch_named(self.arch)
        if arch.field != PICTURE:
            raise UsageError(f"{arch.name} holds no picture: siren/2-32-32-1@30, siren/2-64-64-3@30, ... do")


class Picture(NamedTuple):
    """A picture to be fitted."""

    name: str
    index: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls
    """its place in the source"""
    seed: int
    """of the initialisation: the same however many others there are"""


class FittedFields(NamedTuple):
    """Networks fitted to a group of pictures."""

    params: dict[str, Tensor]
    """name -> (g, *shape) float32"""
    loss: Tensor
    """(g,) mean squared error of the last step"""


def fit_images(arch: Arch, pixels: Tensor, seeds: Sequence[int], config: ImageConfig) -> FittedFields:
    """Fit one network per picture (g, C, S, S) uint8 by Adam on all of its pixels at once; runs on their device."""
    device, size = pixels.device, pixels.shape[-1]
    target = as_values(pixels)  # (g, S*S, C)
    x = pixel_centres(size, device)  # (S*S, 2)
    init = [arch.initialise(seed) for seed in seeds]
    params = {k: torch.stack([p[k] for p in init]).to(device).requires_grad_() for k in arch.shapes}
    optimiser = torch.optim.Adam(params.values(), lr=config.lr, betas=BETAS, fused=True)
    loss = torch.zeros(len(seeds))
    for step in range(config.steps):
        optimiser.param_groups[0]["lr"] = config.lr * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        loss = (arch.apply_params(params, x) - target).square().mean(dim=(1, 2))  # (g,)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    return FittedFields({k: p.detach() for k, p in params.items()}, loss.detach())


@functools.cache
def _pictures(source: str, channels: int, size: int) -> Pictures:
    """Once per process."""
    return load_pictures(source, channels, size)


def pictures_of(config: ImageConfig) -> Pictures:
    """Load the data set or folder of a config, all of it.

    Raises:
        MissingData, DataError: as `load_pictures`.
        UsageError: there are fewer pictures than asked for.
    """
    found = _pictures(config.images, arch_named(config.arch).skeleton.spec.widths[-1], config.size)
    if config.first + max(1, config.count) > len(found):
        raise UsageError(f"{config.images} has {len(found)} pictures, not {config.count} from place {config.first} on")
    return found


def to_fit(config: ImageConfig, pictures: Pictures) -> list[Picture]:
    """The pictures to be fitted, in order."""
    count = config.count or len(pictures) - config.first
    indices = range(config.first, config.first + count)
    seeds = [config.seed + (0 if config.shared_init else 1_000_003 * (i + 1)) for i in indices]
    return [Picture(pictures.names[i], i, seed) for i, seed in zip(indices, seeds, strict=True)]


def picture_splits(config: ImageConfig, items: Sequence[Picture]) -> dict[str, str]:
    """Name of a network -> its split, drawn at random. UsageError if none is left to train on."""
    if config.validation + config.heldout >= len(items):
        raise UsageError(
            f"{config.validation} validation and {config.heldout} held-out networks leave none of {len(items)} to "
            "train a space on"
        )
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(config.seed)).tolist()
    split = [HELDOUT] * config.heldout + [VALIDATION] * config.validation
    split += [TRAIN] * (len(items) - len(split))
    return {item.name: split[place] for item, place in zip(items, order, strict=True)}


def _fit_group(work: tuple[Sequence[Picture], ImageConfig, str]) -> list[Made]:
    """Fit a group of pictures, and measure what is stored."""
    items, config, device = work
    arch, pictures = arch_named(config.arch), pictures_of(config)
    pixels = pictures.pixels[[item.index for item in items]].to(device)
    start = time.perf_counter()
    params = fit_images(arch, pixels, [item.seed for item in items], config).params
    seconds = (time.perf_counter() - start) / len(items)
    target, x = as_values(pixels), pixel_centres(pixels.shape[-1], pixels.device)
    brightness = ((target + 1) / 2).mean(dim=(1, 2)).tolist()
    made = []
    for k, item in enumerate(items):
        stored = as_stored({name: p[k] for name, p in params.items()}, config.store_dtype)
        if stored is None:
            made.append(Made.skipped(item.name, f"{item.name}: its weights are not finite; try a lower --lr"))
            continue
        values = arch.apply_params({name: p.float() for name, p in stored.items()}, x)  # what is stored is measured
        record = {"source": pictures.source, "index": item.index, "size": pixels.shape[-1]}
        record |= {"label": pictures.labels[item.index]} if pictures.labels else {}
        record |= {"psnr": psnr(values, target[k]).item(), "brightness": brightness[k]}
        made.append(Made.of(item.name, stored, record | {"seed": item.seed, "seconds": seconds}))
    return made


def fit_image_zoo(folder: Path, config: ImageConfig, **options: Unpack[RunOptions]) -> Generator[Progress, None, None]:
    """Fit a network to every picture; a generator of progress lines, see `make_zoo` for options and errors.

    Raises:
        MissingData, DataError, UsageError: there are no pictures to fit, see `pictures_of`.
    """
    pictures = pictures_of(config)
    if Path(pictures.source).is_absolute():
        note_places([pictures.source])
    arch_named(config.arch).check_step(pictures.pixels.shape[-1] ** 2)
    items = to_fit(config, pictures)
    splits = picture_splits(config, items)
    plan = ZooPlan(arch_named(config.arch), items, config, _fit_group, splits, made_by="zoo fit-image")
    yield from make_zoo(folder, plan, **{"group": AT_A_TIME} | options)
