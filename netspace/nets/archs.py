"""Target architectures (supplement III) and the families they form; the table ARCHS names them.

A setting of the paper is a family of architectures ordered by size; ClassId = index in the family.
"""

from __future__ import annotations

import copy
import functools
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from ..memory import check_memory
from .classifiers import PAPERS, LeNetLike, ResNet, See, Sequence, VanillaCNN, Variant
from .fields import ENDS, SDF, Field, FieldSpec, Siren
from .inputs import IMAGE_SETS
from .prep import Params, PrepSize, check_size, prep_size
from .units import Units

PAPER_WIDTH = 10_000
"""PRep width of the authors' experiments."""


_threads = threading.local()


@dataclass(frozen=True)
class Arch:
    """A target architecture: its name, what it is trained on, and how to build a freshly initialised module."""

    name: str
    task: str
    """the kind of network, of `tasks.TASKS`: sdf, classification or image-field"""
    data: str
    """what it is trained on: a classifier's image data set, of IMAGE_SETS or as in "48px-37c"; else the task"""
    build: Callable[[], Any]
    """Called without arguments, a freshly initialised module, which evaluates many networks at once."""
    build_trained: Callable[[], Any] | None = None
    """the form it is trained in, where that is another one: with batch norm (supplement VI)"""
    class_id: int | None = None
    """of the paper's families (Table I)"""
    field: str = ""
    """of coordinate networks: what the value is, of `fields.ENDS`"""
    base: str = "field"
    """what architectures have in common that differ in sizes, units or images alone: resnet8, cnn[...] or field"""

    @cached_property
    def convolutional(self) -> bool:
        """Whether it has convolutions, and reads images."""
        return any(len(shape) == 4 for shape in self.shapes.values())

    @cached_property
    def skeleton(self) -> Any:
        """The module without values: `nets.classifiers` or `nets.fields` say what it has."""
        with torch.device("meta"):
            return self.build().requires_grad_(False)

    @property
    def _threads_skeleton(self) -> Any:
        """One of this thread's own: `functional_call` puts parameters into the module while it runs."""
        mine = vars(_threads).setdefault("skeletons", {})
        if self.name not in mine:
            mine[self.name] = copy.deepcopy(self.skeleton)
        return mine[self.name]

    @cached_property
    def shapes(self) -> dict[str, torch.Size]:
        """Parameter name -> shape, in the order in which a PRep holds them."""
        return {name: p.shape for name, p in self.skeleton.named_parameters()}

    @cached_property
    def num_params(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def check_step(self, inputs: int, networks: int = 1) -> None:
        """Raise UsageError if a step of an optimiser on so many inputs of so many networks cannot fit into memory.

        For the gradient every layer's outputs are kept, in two bytes a number at least.
        """
        each = self.skeleton.values_per_input
        what = f"a step of {networks:,} times {self.name} with {inputs:,} inputs"
        check_memory(2.0 * each * inputs * networks, what)

    @property
    def formula(self) -> str:
        """What is to be computed with its weights, from inputs to outputs; travels with its networks' files."""
        return self.skeleton.formula

    @property
    def num_trained(self) -> int:
        """Parameters of the form it is trained in: the paper's counts."""
        with torch.device("meta"):
            return sum(p.numel() for p in (self.build_trained or self.build)().parameters())

    def initialise(self, seed: int) -> dict[str, Tensor]:
        """Freshly drawn parameters, the same for the same seed; no global random state is touched."""
        return {name: p.detach() for name, p in self._fresh(self.build, seed).named_parameters()}

    def fresh(self, seed: int) -> nn.Module:
        """A freshly initialised module in the form that is trained; the same for the same seed."""
        return self._fresh(self.build_trained or self.build, seed)

    @staticmethod
    def _fresh(build: Callable[[], Any], seed: int) -> Any:
        with torch.device("meta"):
            module = build()
        module.to_empty(device="cpu").initialise(torch.Generator().manual_seed(seed))
        return module

    def apply_params(self, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Outputs of one or many networks, params name -> (*b, *shape), for the same or for each its own inputs."""
        return self._threads_skeleton.apply_params(params, x, hidden_dtype)

    @cached_property
    def units(self) -> tuple[Units, ...]:
        """Its groups of hidden units, from the inputs to the outputs; UsageError if its module does not say them."""
        if not hasattr(type(self.skeleton), "units"):
            raise UsageError(f"nothing is known of the hidden units of {self.name}: they cannot be permuted")
        return self.skeleton.units

    def watch(self, params: Params, x: Tensor, see: See) -> Tensor:
        """Outputs of one network; `see` is shown every layer's name, inputs and outputs, and may change these."""
        return self._threads_skeleton.watch(params, x, see)

    def stretch_params(self, params: Params, factors: Tensor) -> dict[str, Tensor]:
        """The parameters of the same SDF stretched along the axes by factors (3,)."""
        return self.skeleton.stretch_params(params, factors)

    def compile_params(self, params: Params, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function for inference, without gradients."""
        return self.skeleton.compile_params(params, hidden_dtype)

    def check(self, shapes: Mapping[str, torch.Size]) -> None:
        """ValueError, naming the first differences, unless these are the shapes of this architecture."""
        problems = differences(shapes, self.shapes)
        if problems:
            raise UsageError(f"not a {self.name}: {problems}")


def differences(found: Mapping[str, torch.Size], expected: Mapping[str, torch.Size]) -> str:
    """What sets two lists of named shapes apart, the first few in words; empty where nothing does."""
    problems = [f"missing {n}" for n in expected if n not in found]
    problems += [f"unknown {n}" for n in found if n not in expected]
    problems += [
        f"{n} is {tuple(found[n])} instead of {tuple(s)}"
        for n, s in expected.items()
        if n in found and tuple(found[n]) != tuple(s)
    ]
    return "; ".join(problems[:4]) + (" ..." if len(problems) > 4 else "")


CLASSIFIERS: dict[str, Callable[..., Callable[[], nn.Module]]] = {
    "lenetlike": lambda size, classes, variant=PAPERS: partial(LeNetLike, size, classes, variant),
    "vanillacnn": lambda size, classes, variant=PAPERS: partial(VanillaCNN, size, classes, variant),
    "resnet8": lambda size, classes, variant=PAPERS, **norm: partial(ResNet, 1, size, classes, variant, **norm),
    "resnet32": lambda size, classes, variant=PAPERS, **norm: partial(ResNet, 5, size, classes, variant, **norm),
    "resnet56": lambda size, classes, variant=PAPERS, **norm: partial(ResNet, 9, size, classes, variant, **norm),
}
"""The paper's classifiers, by increasing size; the last is its teacher. For any image size and number of classes."""

_TITLES = {"lenetlike": "LeNetLike", "vanillacnn": "VanillaCNN"}


def arch_title(name: str) -> str:
    """Return an architecture's name as the paper writes it, without its data: "resnet8/digits" -> "ResNet8"."""
    base = name.partition("/")[0]
    return _TITLES.get(base, re.sub(r"^resnet(?=\d)", "ResNet", base))


MOST_BLOCKS = 200
"""of a ResNet's stage: depth 1,202 is the deepest that its authors trained"""
_BASE = re.compile(r"resnet(\d{1,4})|cnn\[([\w.-]+)\]")
OF_ONE_DEPTH = tuple(base for base in CLASSIFIERS if not _BASE.fullmatch(base))
"""those of CLASSIFIERS that are no ResNets"""


def maker(base: str) -> Callable[..., Callable[[], nn.Module]]:
    """How a classifier of any size is built: one of CLASSIFIERS, a ResNet of another depth, or `cnn[layers]`.

    Raises:
        ValueError: there is none of this name.
    """
    if base in CLASSIFIERS:
        return CLASSIFIERS[base]
    found = _BASE.fullmatch(base)
    if found and found[2]:
        return lambda size, classes, variant=PAPERS: partial(Sequence, found[2], size, classes, variant)
    if found and (int(found[1]) - 2) % 6 == 0 and 1 <= (int(found[1]) - 2) // 6 <= MOST_BLOCKS:
        blocks = (int(found[1]) - 2) // 6
        return lambda size, classes, variant=PAPERS, **norm: partial(ResNet, blocks, size, classes, variant, **norm)
    if found:
        raise UsageError(f"{base!r}: CIFAR ResNets have depth 6n + 2, from 8 to {6 * MOST_BLOCKS + 2}")
    raise UsageError(f"unknown architecture {base!r}")


def classifier_arch(base: str, data: str, size: int, classes: int, variant: Variant = PAPERS) -> Arch:
    """A classifier (see `maker`) for images of `size` pixels in `classes` classes, named base/data and its variant."""
    make = maker(base)
    trained = make(size, classes, variant, norm=True) if base.startswith("resnet") else None
    order = list(CLASSIFIERS)
    class_id = order.index(base) if base in order[:-1] and variant == PAPERS else None
    return Arch(
        f"{base}/{data}{variant}", "classification", data, make(size, classes, variant), trained, class_id, base=base
    )


def field_arch(spec: FieldSpec) -> Arch:
    """The architecture of a coordinate network."""
    task = spec.ends.task
    return ARCHS.get(spec.name) or Arch(spec.name, task, task, partial(Field, spec), field=spec.field)


SIRENS: dict[str, Arch] = {
    f"siren{hidden}": Arch(f"siren{hidden}", "sdf", "sdf", partial(Siren, hidden), field=SDF) for hidden in (256, 64)
}
IMAGE_CLASSIFIERS: dict[str, Arch] = {
    arch.name: arch
    for arch in (
        classifier_arch(base, name, spec.size, spec.classes)
        for name, spec in IMAGE_SETS.items()
        for base in CLASSIFIERS
    )
}
ARCHS: dict[str, Arch] = SIRENS | IMAGE_CLASSIFIERS
"""Architectures with a name of their own; `arch_named` makes others from theirs."""
KINDS_OF_NETWORK = (*dict.fromkeys(ends.task for ends in ENDS.values()), "classification")
"""what `Arch.task` may be; `tasks.TASKS` has a value for each"""

_CLASSIFIER = re.compile(r"(?P<base>[^/]+)/(?P<data>[\w-]+)(?P<variant>(:[^/:]+)*)")
_OTHER_IMAGES = re.compile(r"([0-9]{1,9})px-([0-9]{1,9})c")
MOST_PIXELS, MOST_CLASSES = 1024, 100_000
"""of images of other sizes: larger networks fit no PRep that a machine could hold"""
LONGEST_ARCH_NAME = 2000


@functools.cache
def arch_named(name: str) -> Arch:
    """An architecture of the table, or one that its name spells out.

    `resnet20/48px-37c`: for any images of 48 pixels in 37 classes. `resnet20/cifar10:relu:mean=0.5:std=0.5`: with
    another activation and normalisation. `siren/3-128-128-1@60`, `mlp/3-256-256-1:relu:pe6`, `siren/2-32-32-1@30`: see
    `fields.FieldSpec`.

    Raises:
        ValueError: there is none of this name, or it does not fit such images.
    """
    if name in ARCHS:
        return ARCHS[name]
    if len(name) > LONGEST_ARCH_NAME:
        raise UsageError(f"a name of an architecture has {LONGEST_ARCH_NAME} letters at most, got {len(name)}")
    if name.startswith(("siren", "mlp/")):
        return field_arch(FieldSpec.parse(name))
    found = _CLASSIFIER.fullmatch(name)
    known = found and (found["data"] in IMAGE_SETS or _OTHER_IMAGES.fullmatch(found["data"]))
    if not known or not (found["base"] in CLASSIFIERS or _BASE.fullmatch(found["base"])):
        raise UsageError(
            f"unknown architecture {name!r}; known: {', '.join(ARCHS)}, and e.g. resnet20/48px-37c for images of "
            "48 pixels in 37 classes, resnet8/digits:relu, siren/3-128-128-1@30, siren/2-32-32-1@30"
        )
    if found["data"] in IMAGE_SETS:
        spec = IMAGE_SETS[found["data"]]
        size, classes = spec.size, spec.classes
    else:
        size, classes = map(int, _OTHER_IMAGES.fullmatch(found["data"]).groups())
    if size > MOST_PIXELS or classes > MOST_CLASSES:
        raise UsageError(f"{name} is too large: at most {MOST_PIXELS} pixels and {MOST_CLASSES} classes are supported")
    arch = classifier_arch(found["base"], found["data"], size, classes, Variant.parse(found["variant"]))
    if arch.name in ARCHS:
        return ARCHS[arch.name]
    arch.skeleton  # noqa: B018  (raises where it does not fit)
    return arch


@dataclass(frozen=True)
class Family:
    """Architectures of one space, ordered by size, and the PRep size they share. ClassId = index."""

    archs: tuple[Arch, ...]
    size: PrepSize

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size(self.size))  # any pair may be given
        check_memory(4 * self.size.height * self.size.width, f"a PRep {self.size}")
        counts = [arch.num_params for arch in self.archs]
        if not counts or counts != sorted(counts):
            raise UsageError(f"a family lists its architectures by increasing size, got {counts} parameters")
        room = self.size.height * self.size.width
        if counts[-1] > room:
            largest = self.archs[-1]
            raise UsageError(f"PRep {self.size} holds {room} values, {largest.name} has {largest.num_params}")

    @classmethod
    def of(cls, *names: str, width: int = PAPER_WIDTH) -> Family:
        """The family of the named architectures, with the smallest PRep of this width that holds all of them."""
        archs = tuple(sorted((arch_named(name) for name in names), key=lambda arch: arch.num_params))
        return cls(archs, prep_size(archs[-1].num_params, width))

    @property
    def names(self) -> list[str]:
        return [arch.name for arch in self.archs]

    def class_ids(self, preps: Tensor) -> Tensor:
        """ClassIds (b) of PReps (b, 1, H, W): the smallest architecture that all of a PRep's values belong to.

        Behind a network's last parameter a PRep is zero, so its padding says what it holds.
        """
        flat = preps.flatten(1)
        places = torch.arange(1, flat.shape[1] + 1, device=flat.device)
        used = ((flat != 0) * places).amax(dim=1)  # (b) values up to the last that is not zero
        counts = torch.tensor([arch.num_params for arch in self.archs], device=flat.device)
        return torch.searchsorted(counts, used).clamp(max=len(self.archs) - 1)
