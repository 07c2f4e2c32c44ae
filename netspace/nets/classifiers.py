"""Image classifiers (supplement III, Figs. 3 and 4), and what others change about them: activation, inputs, pooling.

A classifier reads images as the product normalises them (`images.normalise`), (n, 3, S, S); networks that were trained
on grey images or with another normalisation convert them first, which is a part of their architecture.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from ..errors import UsageError
from .activations import Activation, activation, activation_name
from .inputs import MEAN, STD
from .prep import Params
from .units import ANYTHING, Symmetry, Units, chain, made_by, read_by, symmetry_of, units_between

See = Callable[[str, Tensor, Tensor], Tensor | None]
"""is shown a layer's name, inputs and outputs; returns the outputs to go on with, or None for these"""
LUMA = (0.299, 0.587, 0.114)
"""weights of red, green and blue in a grey image (ITU-R 601, as Pillow converts)"""


@dataclass(frozen=True)
class Variant:
    """How a classifier differs from the paper's: data that its name spells and a zoo keeps."""

    activation: str = "leaky_relu"
    """as `activations` names it; the paper's is leaky ReLU of slope 0.01"""
    channels: int = 3
    """1: the images are made grey first"""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    """of the owner's normalisation, one number or one per channel, of pixels in [0, 1]; empty: the product's"""
    pool: str = ""
    """of ResNets: `global` instead of over 8 x 8"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_name(self.activation))
        if self.channels not in (1, 3):
            raise UsageError(f"images have 1 or 3 channels, got {self.channels}")
        if self.pool not in ("", "global"):
            raise UsageError(f"unknown pooling {self.pool!r}; global, or none for the paper's 8 x 8")
        if bool(self.mean) != bool(self.std):
            raise UsageError("mean and std go together: one is given and the other is not")
        for name in ("mean", "std"):
            values = tuple(float(v) for v in getattr(self, name))
            if len(values) not in (0, 1, self.channels):
                raise UsageError(f"{name} has {len(values)} numbers for {self.channels} channels")
            if not all(map(math.isfinite, values)) or (name == "std" and any(v <= 0 for v in values)):
                raise UsageError(f"{name} {values} must be finite{' and positive' if name == 'std' else ''}")
            values = values * self.channels if len(values) == 1 else values
            object.__setattr__(self, name, values)
        if self.channels == 3 and (self.mean, self.std) == (MEAN, STD):
            object.__setattr__(self, "mean", ())
            object.__setattr__(self, "std", ())

    def __str__(self) -> str:
        """As names of architectures spell it; empty for the paper's."""
        words = [] if self.activation == "leaky_relu" else [self.activation]
        words += ["gray"] if self.channels == 1 else []
        for name in ("mean", "std"):
            values = getattr(self, name)
            same = len(set(values)) == 1
            words += [f"{name}={','.join(f'{v:.10g}' for v in (values[:1] if same else values))}"] if values else []
        words += [self.pool] if self.pool else []
        return "".join(f":{word}" for word in words)

    @classmethod
    def parse(cls, text: str) -> Variant:
        """The variant of a name's part such as `:relu:gray:mean=0.5:std=0.5`; ValueError if it is none."""
        values: dict = {}
        for word in filter(None, text.split(":")):
            key, equals, numbers = word.partition("=")
            before = len(values)
            if equals and key in ("mean", "std"):
                try:
                    values[key] = tuple(float(v) for v in numbers.split(","))
                except ValueError:
                    raise UsageError(
                        f"{word!r}: {key} is one number or one a channel, as in {key}=0.5,0.5,0.5"
                    ) from None
            elif word == "gray":
                values["channels"] = 1
            elif word == "global":
                values["pool"] = word
            else:
                values["activation"] = activation_name(word)
            if len(values) == before:
                raise UsageError(f"{text!r} says twice what {word!r} says")
        return cls(**values)

    @property
    def entrance_words(self) -> str:
        """What `entrance` does, in words; empty if it does nothing."""
        if self.entrance is None:
            return ""
        words = ["RGB in [0, 1] again"]
        words += ["made grey ({} R + {} G + {} B)".format(*LUMA)] if self.channels == 1 else []
        words += [f"minus {self.mean} over {self.std}"] if self.mean else []
        return f" -> its own inputs ({', '.join(words)})"

    @property
    def entrance(self) -> tuple[list[list[float]], list[float]] | None:
        """Matrix (channels, 3) and offset (channels) from the product's inputs to the owner's; None if they agree."""
        if self.channels == 3 and not self.mean:
            return None
        mix = [list(LUMA)] if self.channels == 1 else [[float(i == j) for j in range(3)] for i in range(3)]
        mean, std = self.mean or (0.0,) * self.channels, self.std or (1.0,) * self.channels
        matrix = [[w * STD[j] / s for j, w in enumerate(row)] for row, s in zip(mix, std, strict=True)]
        offset = [
            (sum(w * MEAN[j] for j, w in enumerate(row)) - m) / s for row, m, s in zip(mix, mean, std, strict=True)
        ]
        return matrix, offset


PAPERS = Variant()


class Classifier(nn.Module):
    """An image classifier (n, 3, S, S) -> logits (n, C) whose parameters can be given from outside."""

    needs = 1
    """least size of an image, pixels"""

    def __init__(self, size: int, classes: int, variant: Variant = PAPERS) -> None:
        super().__init__()
        if size < self.needs:
            raise UsageError(f"{type(self).__name__} needs images of at least {self.needs} pixels, got {size}")
        if classes < 2:
            raise UsageError(f"a classifier tells at least 2 classes apart, got {classes}")
        self.size, self.classes, self.variant = size, classes, variant
        self.act: Activation = activation(variant.activation)

    fixed: tuple = ()
    """what a name of it cannot leave open, beside its base"""

    @property
    def formula(self) -> str:
        """What is computed with the weights, in words that travel with them: of the inputs, in their order."""
        inputs = f"RGB images (n, 3, {self.size}, {self.size}) in [0, 1], minus {MEAN} over {STD}"
        return f"{inputs}{self.variant.entrance_words} -> logits (n, {self.classes})"

    def enter(self, x: Tensor) -> Tensor:
        """Images as the product normalises them (n, 3, S, S) -> as this network was trained on (n, channels, S, S)."""
        entrance = self.variant.entrance
        if entrance is None:
            return x
        matrix, offset = (torch.tensor(part, dtype=x.dtype, device=x.device) for part in entrance)
        return torch.einsum("ij,njhw->nihw", matrix, x) + offset[:, None, None]

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
        params = {
            name: p.detach().to(
                dtype=dtype or p.dtype, memory_format=torch.channels_last if p.dim() == 4 else torch.preserve_format
            )
            for name, p in params.items()
        }
        module = copy.deepcopy(self)
        module.load_state_dict(params, assign=True)
        rows = 64 if next(iter(params.values())).device.type == "cpu" else 4096

        def run(x: Tensor) -> Tensor:
            with torch.inference_mode():
                batches = (b.to(dtype=dtype or b.dtype, memory_format=torch.channels_last) for b in x.split(rows))
                return torch.cat([module(batch) for batch in batches]).float()

        return run

    @property
    def units(self) -> tuple[Units, ...]:
        """Its hidden units, in the form that a PRep holds, from the images to the logits."""
        return ()

    @property
    def symmetry(self) -> Symmetry:
        """What its activation leaves undecided beside the order of its units."""
        return symmetry_of(self.variant.activation)

    def points(self, count: int, generator: torch.Generator) -> Tensor | None:
        """Inputs that say what it does, drawn from where all of its inputs lie; None: it reads images."""
        return None

    def watch(self, params: Params, x: Tensor, see: See) -> Tensor:
        """Logits of one network, while `see` is shown every layer's name, inputs and outputs, and may change these."""
        layers = [(n, m) for n, m in self.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        hooks = [m.register_forward_hook(lambda m, x, y, name=n: see(name, x[0], y)) for n, m in layers]
        try:
            return functional_call(self, dict(params), (x,))
        finally:
            for hook in hooks:
                hook.remove()


class LeNetLike(Classifier):
    """LeCun et al. 1998, slightly modified: convolutions of stride 2 and 5x5 pixels, then three linear layers.

    Two convolutions for small images (CIFAR-10), three for larger ones (Tiny-ImageNet).
    """

    needs = 13

    def __init__(self, size: int, classes: int, variant: Variant = PAPERS) -> None:
        super().__init__(size, classes, variant)
        c = variant.channels
        plan = [(c, 6, 0), (6, 16, 0)] if size < 48 else [(c, 4, 2), (4, 8, 0), (8, 16, 0)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 5, 2, padding) for i, o, padding in plan)
        for _, _, padding in plan:
            size = (size + 2 * padding - 5) // 2 + 1
        widths = [16 * size * size, 120, 84, classes]
        self.fcs = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:], strict=False))

    @property
    def units(self) -> tuple[Units, ...]:
        layers = [f"{part}.{i}" for part in ("convs", "fcs") for i in range(len(getattr(self, part)))]
        return chain(self, layers, self.symmetry)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for conv in self.convs:
            x = self.act(conv(x))
        x = x.flatten(1)  # (n, 16 * size^2)
        for fc in self.fcs[:-1]:
            x = self.act(fc(x))
        return self.fcs[-1](x)  # (n, C)


class VanillaCNN(Classifier):
    """Five 3x3 convolutions and a linear layer."""

    def __init__(self, size: int, classes: int, variant: Variant = PAPERS) -> None:
        super().__init__(size, classes, variant)
        c = variant.channels
        if size < 48:
            plan = [(c, 8, 2), (8, 8, 1), (8, 32, 2), (32, 64, 1), (64, 64, 2)]
        else:
            plan = [(c, 8, 2), (8, 16, 2), (16, 32, 2), (32, 64, 2), (64, 64, 2)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, stride, 1) for i, o, stride in plan)
        for _, _, stride in plan:
            size = math.ceil(size / stride)
        self.fc = nn.Linear(64 * size * size, classes)

    @property
    def units(self) -> tuple[Units, ...]:
        return chain(self, [*(f"convs.{i}" for i in range(len(self.convs))), "fc"], self.symmetry)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for conv in self.convs:
            x = self.act(conv(x))
        return self.fc(x.flatten(1))  # (n, C)


class Block(nn.Module):
    """He et al. 2016, Fig. 2: two 3x3 convolutions and a shortcut, projected by 1x1 where the size changes."""

    def __init__(self, i: int, o: int, stride: int, norm: bool, act: Activation) -> None:
        super().__init__()
        self.act = act
        self.conv1, self.bn1 = conv_norm(i, o, 3, stride, norm)
        self.conv2, self.bn2 = conv_norm(o, o, 3, 1, norm)
        self.downsample = nn.Sequential(*conv_norm(i, o, 1, stride, norm)) if stride > 1 or i != o else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.act(self.bn1(self.conv1(x)))
        return self.act(self.bn2(self.conv2(h)) + self.downsample(x))


def conv_norm(i: int, o: int, kernel: int, stride: int, norm: bool) -> tuple[nn.Module, nn.Module]:
    """A convolution and its batch norm (as trained), or a convolution with bias and nothing (as in a PRep)."""
    conv = nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=not norm)
    return conv, nn.BatchNorm2d(o) if norm else nn.Identity()


class ResNet(Classifier):
    """He et al. 2016, section 4.2, of depth 6n + 2: three stages of n blocks with 16, 32 and 64 channels.

    As a PRep holds it, with batch norm fused into the convolutions, or with `norm` as it is trained (supplement VI).
    """

    def __init__(self, blocks: int, size: int, classes: int, variant: Variant = PAPERS, norm: bool = False) -> None:
        self.needs = 4 if variant.pool == "global" else 32
        super().__init__(size, classes, variant)
        self.conv1, self.bn1 = conv_norm(variant.channels, 16, 3, 1, norm)

        def stage(i: int, o: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                *(Block(i if k == 0 else o, o, stride if k == 0 else 1, norm, self.act) for k in range(blocks))
            )

        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)
        side = 1 if variant.pool == "global" else math.ceil(size / 4) // 8
        self.fc = nn.Linear(64 * side * side, classes)

    @property
    def units(self) -> tuple[Units, ...]:
        """The units inside blocks, and those of each stage: what its shortcuts add up has one order."""
        streams: list[tuple[list[str], list[str]]] = [(["conv1"], [])]  # layers that make one, and that read it
        inner = []
        for block in [name for name, module in self.named_modules() if isinstance(module, Block)]:
            makers, readers = streams[-1]
            readers.append(f"{block}.conv1")
            inner.append(units_between(self, [f"{block}.conv1"], [f"{block}.conv2"], self.symmetry))
            if isinstance(self.get_submodule(f"{block}.downsample"), nn.Sequential):
                readers.append(f"{block}.downsample.0")
                streams.append(([f"{block}.downsample.0", f"{block}.conv2"], []))
            else:
                makers.append(f"{block}.conv2")
        streams[-1][1].append("fc")
        shared = [units_between(self, *stream, self.symmetry) for stream in streams]
        order = list(dict(self.named_modules()))
        return tuple(sorted([*shared, *inner], key=lambda units: order.index(units.name)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.bn1(self.conv1(self.enter(x))))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = adaptive_avg_pool2d(x, 1) if self.variant.pool == "global" else avg_pool2d(x, 8)
        return self.fc(x.flatten(1))  # (n, C)


_LAYER = re.compile(r"(?P<kind>conv|maxpool|avgpool|fc)(?P<number>\d{1,5})(?P<options>([kspdg]\d{1,3})*)(?P<bare>n)?")
MOST_LAYERS = 64
MOST_UNITS = 50_000_000


def parse_layers(text: str) -> list[tuple[str, dict[str, int]]]:
    """The layers of a sequence such as `conv8k5p2-relu-maxpool2s2-flatten-fc10`; ValueError if one is unknown.

    `conv8k5s2p1d1g1` has 8 channels, kernel 5, stride 2, padding 1, dilation 1 and 1 group, `n` at its end: no bias.
    `gap` is global average pooling.
    """
    layers: list[tuple[str, dict[str, int]]] = []
    for word in text.split("-"):
        found = _LAYER.fullmatch(word)
        if found:
            options = {o[0]: int(o[1:]) for o in re.findall(r"[kspdg]\d+", found["options"])}
            layers.append((found["kind"], {"number": int(found["number"]), "bias": int(not found["bare"])} | options))
        elif word in ("flatten", "gap"):
            layers.append((word, {}))
        else:
            layers.append((activation_name(word), {}))
    if len(layers) > MOST_LAYERS:
        raise UsageError(f"a sequence has {MOST_LAYERS} layers at most, got {len(layers)}")
    return layers


_KEPT = {"maxpool": Symmetry(scales=True), "avgpool": ANYTHING, "gap": ANYTHING, "flatten": ANYTHING}
"""by kind of step, the symmetries that pass through it"""


class Sequence(Classifier):
    """Any plain sequence of convolutions, poolings, activations and linear layers; a name spells it out."""

    def __init__(self, layers: str, size: int, classes: int, variant: Variant = PAPERS) -> None:
        super().__init__(size, classes, variant)
        self.text = layers
        self.steps: list[Any] = []
        """numbers of `layers`, and functions of values"""
        self.kinds: list[str] = []
        """of the steps, as `parse_layers` names them"""
        self.layers = nn.ModuleList()
        channels, side, flat = variant.channels, size, False
        for kind, o in parse_layers(layers):
            number, stride, pad = o.get("number", 0), o.get("s", 1), o.get("p", 0)
            if kind == "conv" and not flat:
                kernel, dilation = o.get("k", 1), o.get("d", 1)
                groups = o.get("g", 1)
                if min(number, kernel, stride, dilation, groups) < 1 or channels % groups or number % groups:
                    raise UsageError(f"a convolution of {number} channels, kernel {kernel}, {groups} groups is none")
                side = (side + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
                layer = nn.Conv2d(channels, number, kernel, stride, pad, dilation, groups, bool(o["bias"]))
                channels = number
                self._add(kind, layer)
            elif kind in ("maxpool", "avgpool") and not flat:
                stride = o.get("s", number)
                if number < 1 or stride < 1 or pad > number // 2:
                    raise UsageError(f"pooling over {number} pixels with stride {stride} and padding {pad} is none")
                side = (side + 2 * pad - number) // stride + 1
                pool = nn.MaxPool2d if kind == "maxpool" else nn.AvgPool2d
                self._then(kind, pool(number, stride, pad))
            elif kind == "gap" and not flat:
                side = 1
                self._then(kind, nn.AdaptiveAvgPool2d(1))
            elif kind == "flatten" and not flat:
                channels, flat = channels * side * side, True
                self._then(kind, nn.Flatten())
            elif kind == "fc" and flat and number:
                self._add(kind, nn.Linear(channels, number, bool(o["bias"])))
                channels = number
            elif kind in ("conv", "maxpool", "avgpool", "gap", "flatten", "fc"):
                raise UsageError(f"{kind} cannot come {'after' if flat else 'before'} flatten in {layers!r}")
            else:
                self._then(kind, activation(kind))
            if side < 1 or channels * max(side, 1) ** 2 > MOST_UNITS:
                raise UsageError(f"{layers!r} leaves images of {size} pixels with {channels} x {side} x {side} values")
        if not flat or channels != classes:
            raise UsageError(f"{layers!r} ends with {channels} values, not with logits of {classes} classes")

    @property
    def units(self) -> tuple[Units, ...]:
        """Channels that a depthwise convolution makes of others share their order; other groups keep theirs."""
        found: list[Units] = []
        last: Units | None = None  # read by nothing yet
        for kind, step in zip(self.kinds, self.steps, strict=True):
            if not isinstance(step, int):
                last = last and replace(last, symmetry=last.symmetry.both(_KEPT.get(kind) or symmetry_of(kind)))
                continue
            name, layer = f"layers.{step}", cast(nn.Conv2d, self.layers[step])
            count, groups = len(layer.weight), getattr(layer, "groups", 1)
            if groups == 1:
                found += [replace(last, read=(read_by(self, name, last.count),))] if last else []
                last = Units(name, count, made_by(self, name, count), (), ANYTHING)
            elif last and groups == last.count:
                last = replace(last, made=(*last.made, *made_by(self, name, groups)), symmetry=Symmetry())
            else:
                last = None
        return tuple(found)

    def _add(self, kind: str, layer: nn.Module) -> None:
        self._then(kind, len(self.layers))
        self.layers.append(layer)

    def _then(self, kind: str, step: Any) -> None:
        self.kinds.append(kind)
        self.steps.append(step)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for step in self.steps:
            x = self.layers[step](x) if isinstance(step, int) else step(x)
        return x  # (n, C)
