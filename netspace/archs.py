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

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import avg_pool2d, leaky_relu

from .images import IMAGE_SETS
from .prep import PrepSize, check_size, prep_size

PAPER_WIDTH = 10_000
"""PRep width of the authors' experiments."""

Params = Mapping[str, Tensor]

# -- signed distance functions -------------------------------------------------------------------------------------


class Siren(nn.Module):
    """MLP with sine activations, `in_features` -> hidden -> hidden -> 1: x -> sin(omega (W x + b)), linear at the end.

    Supplement III; Sitzmann et al. 2020, section 3.2 for the initialisation. Queried in [-1, 1]^3.
    """

    omega = 30.0

    def __init__(self, hidden: int = 256, in_features: int = 3) -> None:
        super().__init__()
        widths = [in_features, hidden, hidden, 1]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:], strict=False))
        self.initialise()

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights: first layer U(+-1/in), the others U(+-sqrt(6/in)/omega), biases as `nn.Linear` does."""
        for depth, layer in enumerate(self.layers):
            fan_in = layer.in_features
            bound = 1 / fan_in if depth == 0 else math.sqrt(6 / fan_in) / self.omega
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -(fan_in**-0.5), fan_in**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3) -> (n, 1)."""
        return self.apply_params(dict(self.named_parameters()), x)

    @classmethod
    def apply_params(cls, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Many networks at once: params name -> (*b, *shape), x (n, 3) or (*b, n, 3) -> (*b, n, 1).

        Args:
            hidden_dtype: precision of the hidden product, where nearly all the work is; None keeps the parameters'.
        """
        (w1, b1), (w2, b2), (w3, b3) = (
            (params[f"layers.{i}.weight"], params[f"layers.{i}.bias"].unsqueeze(-2)) for i in range(3)
        )
        h = torch.sin(x @ (cls.omega * w1).mT + cls.omega * b1)  # (*b, n, hidden)
        w2, b2 = cls.omega * w2, cls.omega * b2
        if hidden_dtype is None:
            h = h @ w2.mT + b2
        else:
            h = (h.to(hidden_dtype) @ w2.to(hidden_dtype).mT).to(w2.dtype) + b2
        return torch.sin(h) @ w3.mT + b3

    @staticmethod
    def stretch_params(params: Params, factors: Tensor) -> dict[str, Tensor]:
        """The network x -> f(x / factors): its shape stretched along the axes by factors (3,), exactly."""
        return dict(params) | {"layers.0.weight": params["layers.0.weight"] / factors}

    @classmethod
    def compile_params(cls, params: Params, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function (n, 3) -> (n,) for inference: omega folded in, chunks that stay in cache.

        Args:
            hidden_dtype: precision of the hidden product; None keeps that of the parameters.
        """
        params = {name: p.detach() for name, p in params.items()}
        w1, b1 = params["layers.0.weight"].mT.contiguous() * cls.omega, params["layers.0.bias"] * cls.omega
        w2, b2 = params["layers.1.weight"].mT.contiguous() * cls.omega, params["layers.1.bias"] * cls.omega
        w3, b3 = params["layers.2.weight"].squeeze(0), params["layers.2.bias"]
        dtype = hidden_dtype or w2.dtype
        w2, b2 = w2.to(dtype), b2.to(dtype)
        rows, whole = (2048, 256) if w1.device.type == "cpu" else (1 << 18, 1)

        def run(x: Tensor) -> Tensor:
            n = x.shape[0]
            x = nn.functional.pad(x, (0, 0, 0, -n % whole))  # oneDNN keeps a kernel for every number of rows it meets
            with torch.inference_mode():
                out = x.new_empty(x.shape[0])
                for start in range(0, x.shape[0], rows):
                    h = torch.addmm(b1, x[start : start + rows], w1).sin_()
                    h = torch.addmm(b2, h.to(dtype), w2).to(w3.dtype).sin_()
                    torch.add(h @ w3, b3, out=out[start : start + rows])
                return out[:n]

        return run


# -- image classifiers (supplement III, Figs. 3 and 4) -------------------------------------------------------------


class Classifier(nn.Module):
    """An image classifier (n, 3, S, S) -> logits (n, C) whose parameters can be given from outside."""

    needs = 1
    """least size of an image, pixels"""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        if size < self.needs:
            raise ValueError(f"{type(self).__name__} needs images of at least {self.needs} pixels, got {size}")
        if classes < 2:
            raise ValueError(f"a classifier tells at least 2 classes apart, got {classes}")
        self.size, self.classes = size, classes

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights as PyTorch's layers do: U(+-1/sqrt(fan-in)); batch norm starts as the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                bound = math.prod(module.weight.shape[1:]) ** -0.5
                for p in module.parameters(recurse=False):
                    nn.init.uniform_(p, -bound, bound, generator=generator)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()

    def apply_params(self, params: Params, x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """Many networks at once: params name -> (*b, *shape), x (n, 3, S, S) or (*b, n, 3, S, S) -> (*b, n, C).

        On a CPU one network after the other is fastest, elsewhere all in one batched product.

        Args:
            dtype: precision of everything between inputs and logits; None keeps the parameters'.
        """
        first = next(iter(params.values()))
        out_dtype, batch = first.dtype, first.shape[: first.dim() - self.get_parameter(next(iter(params))).dim()]
        if dtype is not None:
            params, x = {name: p.to(dtype) for name, p in params.items()}, x.to(dtype)
        if not batch:
            return functional_call(self, dict(params), (x,)).to(out_dtype)
        flat = {name: p.flatten(0, len(batch) - 1) for name, p in params.items()}
        own = x.dim() > 4
        xs = x.flatten(0, len(batch) - 1) if own else x
        if first.device.type == "cpu":
            out = torch.stack(
                [
                    functional_call(self, {name: p[i] for name, p in flat.items()}, (xs[i] if own else xs,))
                    for i in range(math.prod(batch))
                ]
            )
        else:
            out = vmap(lambda p, x: functional_call(self, p, (x,)), in_dims=(0, 0 if own else None))(flat, xs)
        return out.unflatten(0, batch).to(out_dtype)

    def compile_params(self, params: Params, dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function (n, 3, S, S) -> (n, C) for inference, in batches that stay in cache.

        Args:
            dtype: precision of everything between inputs and logits; None keeps that of the parameters.
        """
        form = {"dtype": dtype} if dtype else {}
        params = {
            name: p.detach().to(**form, **({"memory_format": torch.channels_last} if p.dim() == 4 else {}))
            for name, p in params.items()
        }
        module = copy.deepcopy(self)
        module.load_state_dict(params, assign=True)
        rows = 64 if next(iter(params.values())).device.type == "cpu" else 4096

        def run(x: Tensor) -> Tensor:
            with torch.inference_mode():
                batches = (b.to(**form, memory_format=torch.channels_last) for b in x.split(rows))
                return torch.cat([module(batch) for batch in batches]).float()

        return run


class LeNetLike(Classifier):
    """LeCun et al. 1998, slightly modified: convolutions of stride 2 and 5x5 pixels, then three linear layers.

    Two convolutions for small images (CIFAR-10), three for larger ones (Tiny-ImageNet).
    """

    needs = 13

    def __init__(self, size: int, classes: int) -> None:
        super().__init__(size, classes)
        plan = [(3, 6, 0), (6, 16, 0)] if size < 48 else [(3, 4, 2), (4, 8, 0), (8, 16, 0)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 5, 2, padding) for i, o, padding in plan)
        for _, _, padding in plan:
            size = (size + 2 * padding - 5) // 2 + 1
        widths = [16 * size * size, 120, 84, classes]
        self.fcs = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:], strict=False))

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = leaky_relu(conv(x))
        x = x.flatten(1)  # (n, 16 * size^2)
        for fc in self.fcs[:-1]:
            x = leaky_relu(fc(x))
        return self.fcs[-1](x)  # (n, C)


class VanillaCNN(Classifier):
    """Five 3x3 convolutions and a linear layer."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__(size, classes)
        if size < 48:
            plan = [(3, 8, 2), (8, 8, 1), (8, 32, 2), (32, 64, 1), (64, 64, 2)]
        else:
            plan = [(3, 8, 2), (8, 16, 2), (16, 32, 2), (32, 64, 2), (64, 64, 2)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, stride, 1) for i, o, stride in plan)
        for _, _, stride in plan:
            size = math.ceil(size / stride)
        self.fc = nn.Linear(64 * size * size, classes)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = leaky_relu(conv(x))
        return self.fc(x.flatten(1))  # (n, C)


class Block(nn.Module):
    """He et al. 2016, Fig. 2: two 3x3 convolutions and a shortcut, projected by 1x1 where the size changes."""

    def __init__(self, i: int, o: int, stride: int, norm: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(i, o, 3, stride, norm)
        self.conv2, self.bn2 = conv_norm(o, o, 3, 1, norm)
        self.downsample = nn.Sequential(*conv_norm(i, o, 1, stride, norm)) if stride > 1 or i != o else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = leaky_relu(self.bn1(self.conv1(x)))
        return leaky_relu(self.bn2(self.conv2(h)) + self.downsample(x))


def conv_norm(i: int, o: int, kernel: int, stride: int, norm: bool) -> tuple[nn.Module, nn.Module]:
    """A convolution and its batch norm (as trained), or a convolution with bias and nothing (as in a PRep)."""
    conv = nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=not norm)
    return conv, nn.BatchNorm2d(o) if norm else nn.Identity()


class ResNet(Classifier):
    """He et al. 2016, section 4.2, of depth 6n + 2: three stages of n blocks with 16, 32 and 64 channels.

    As a PRep holds it, with batch norm fused into the convolutions, or with `norm` as it is trained (supplement VI).
    """

    needs = 32

    def __init__(self, blocks: int, size: int, classes: int, norm: bool = False) -> None:
        super().__init__(size, classes)
        self.conv1, self.bn1 = conv_norm(3, 16, 3, 1, norm)

        def stage(i: int, o: int, stride: int) -> nn.Sequential:
            return nn.Sequential(*(Block(i if k == 0 else o, o, stride if k == 0 else 1, norm) for k in range(blocks)))

        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)
        side = math.ceil(size / 4) // 8
        self.fc = nn.Linear(64 * side * side, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = leaky_relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(avg_pool2d(x, 8).flatten(1))  # (n, C)


# -- the table -----------------------------------------------------------------------------------------------------

_threads = threading.local()


@dataclass(frozen=True)
class Arch:
    """A target architecture: its name, what it is trained on, and how to build a freshly initialised module."""

    name: str
    data: str
    """"sdf" for signed distance functions of shapes, else the image data set: of IMAGE_SETS, or as in "48px-37c"."""
    build: partial[nn.Module]
    """Called without arguments, a freshly initialised module, which evaluates many networks at once."""
    build_trained: partial[nn.Module] | None = None
    """the form it is trained in, where that is another one: with batch norm (supplement VI)"""
    class_id: int | None = None
    """of the paper's families (Table I)"""

    @property
    def kind(self) -> str:
        """What family of objectives and measures applies: sdf or images."""
        return "sdf" if self.data == "sdf" else "images"

    @cached_property
    def skeleton(self) -> nn.Module:
        """The module without values."""
        with torch.device("meta"):
            return self.build().requires_grad_(False)

    @property
    def _threads_skeleton(self) -> nn.Module:
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
    def _fresh(build: partial[nn.Module], seed: int) -> nn.Module:
        with torch.device("meta"):
            module = build()
        module.to_empty(device="cpu").initialise(torch.Generator().manual_seed(seed))
        return module

    def apply_params(self, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Outputs of one or many networks, params name -> (*b, *shape), for the same or for each its own inputs."""
        return self._threads_skeleton.apply_params(params, x, hidden_dtype)

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
            raise ValueError(f"not a {self.name}: {problems}")


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


CLASSIFIERS: dict[str, Callable[..., partial[nn.Module]]] = {
    "lenetlike": lambda size, classes: partial(LeNetLike, size, classes),
    "vanillacnn": lambda size, classes: partial(VanillaCNN, size, classes),
    "resnet8": lambda size, classes, **norm: partial(ResNet, 1, size, classes, **norm),
    "resnet32": lambda size, classes, **norm: partial(ResNet, 5, size, classes, **norm),
    "resnet56": lambda size, classes, **norm: partial(ResNet, 9, size, classes, **norm),
}
"""The paper's classifiers, by increasing size; the last is its teacher. For any image size and number of classes."""


def classifier(base: str, data: str, size: int, classes: int) -> Arch:
    """One of CLASSIFIERS for images of `size` pixels in `classes` classes, named base/data."""
    make = CLASSIFIERS[base]
    trained = make(size, classes, norm=True) if base.startswith("resnet") else None
    order = list(CLASSIFIERS)
    class_id = order.index(base) if base != order[-1] else None
    return Arch(f"{base}/{data}", data, make(size, classes), trained, class_id)


ARCHS: dict[str, Arch] = {
    arch.name: arch
    for arch in [
        Arch("siren256", "sdf", partial(Siren, 256)),
        Arch("siren64", "sdf", partial(Siren, 64)),
        *(classifier(base, name, spec.size, spec.classes) for name, spec in IMAGE_SETS.items() for base in CLASSIFIERS),
    ]
}

OTHER_IMAGES = re.compile(r"(\w+)/([0-9]{1,9})px-([0-9]{1,9})c")
MOST_PIXELS, MOST_CLASSES = 1024, 100_000
"""of images of other sizes: larger networks fit no PRep that a machine could hold"""


@functools.cache
def arch_named(name: str) -> Arch:
    """An architecture of the table, or "resnet8/48px-37c": one of CLASSIFIERS for any images of 48 pixels, 37 classes.

    Raises:
        ValueError: there is none of this name, or it does not fit such images.
    """
    if name in ARCHS:
        return ARCHS[name]
    other = OTHER_IMAGES.fullmatch(name)
    if not other or other[1] not in CLASSIFIERS:
        raise ValueError(
            f"unknown architecture {name!r}; known: {', '.join(ARCHS)}, and e.g. resnet8/48px-37c for images of "
            "48 pixels in 37 classes"
        )
    size, classes = int(other[2]), int(other[3])
    if size > MOST_PIXELS or classes > MOST_CLASSES:
        raise ValueError(f"{name} is too large: at most {MOST_PIXELS} pixels and {MOST_CLASSES} classes are supported")
    arch = classifier(other[1], name.split("/")[1], size, classes)
    arch.skeleton  # noqa: B018  (raises where it does not fit)
    return arch


@dataclass(frozen=True)
class Family:
    """Architectures of one space, ordered by size, and the PRep size they share. ClassId = index."""

    archs: tuple[Arch, ...]
    size: PrepSize

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size(self.size))  # any pair may be given
        counts = [arch.num_params for arch in self.archs]
        if not counts or counts != sorted(counts):
            raise ValueError(f"a family lists its architectures by increasing size, got {counts} parameters")
        room = self.size.height * self.size.width
        if counts[-1] > room:
            largest = self.archs[-1]
            raise ValueError(f"PRep {self.size} holds {room} values, {largest.name} has {largest.num_params}")

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
