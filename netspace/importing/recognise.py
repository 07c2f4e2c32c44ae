"""Which architecture a state dict is of: by the kinds and shapes of its layers in order, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..archs import Arch
from ..fuse import norms
from .files import Refused


class Layer(NamedTuple):
    """A module with parameters: its kind tells what a tensor of these dimensions can be."""

    name: str
    kind: str
    """convolution, linear layer or batch norm"""
    tensors: dict[str, Tensor]
    """weight, bias, running_mean, running_var"""


KINDS = {4: "convolution", 2: "linear layer"}


def layers_of(state: dict[str, Tensor]) -> list[Layer]:
    """The modules of a state dict in its own order. Refused where a tensor belongs to no layer known here."""
    grouped: dict[str, dict[str, Tensor]] = {}
    for name, t in state.items():
        module, _, leaf = name.rpartition(".")
        if leaf != "num_batches_tracked":
            grouped.setdefault(module, {})[leaf] = t
    layers = []
    for module, tensors in grouped.items():
        unknown = set(tensors) - {"weight", "bias", "running_mean", "running_var"}
        if unknown:
            where = f"{module}.{min(unknown)}" if module else min(unknown)
            raise Refused(f"{where} belongs to no convolution, linear layer or batch norm")
        kind = (
            "batch norm"
            if "running_mean" in tensors
            else KINDS.get(tensors["weight"].dim() if "weight" in tensors else 0)
        )
        if kind is None:
            raise Refused(
                f"{module or 'its first layer'} is no convolution, linear layer or batch norm with statistics"
            )
        if kind == "batch norm" and len(tensors) < 4:
            raise Refused(f"the batch norm {module} has no weight, bias or statistics")
        layers.append(Layer(module, kind, tensors))
    return layers


def _natural(layer: Layer) -> list:
    """Sorts layer 9 before layer 10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)|\.", layer.name) if part
    ]


def _expected(arch: Arch, trained: bool) -> list[Layer]:
    """The layers of an architecture, as a PRep holds it or as it is trained; without values."""
    with torch.device("meta"):
        return layers_of(((arch.build_trained if trained else None) or arch.build)().state_dict())


def _kinds(layers: Sequence[Layer]) -> dict[str, list[Layer]]:
    return {kind: [layer for layer in layers if layer.kind == kind] for kind in (*KINDS.values(), "batch norm")}


def _difference(found: Sequence[Layer], expected: Sequence[Layer]) -> str:
    """What first sets two lists of layers apart, kind by kind; empty where nothing does."""
    ours, theirs = _kinds(expected), _kinds(found)
    for kind in ours:
        for k, (a, b) in enumerate(zip(theirs[kind], ours[kind], strict=False), start=1):
            for leaf, t in b.tensors.items():
                if leaf not in a.tensors:
                    return f"{kind} {k} ({a.name}) has no {leaf}"
                shapes = tuple(a.tensors[leaf].shape), tuple(t.shape)
                if shapes[0] != shapes[1]:
                    return f"{kind} {k} ({a.name}) has a {leaf} of {shapes[0]} instead of {shapes[1]}"
        if len(theirs[kind]) != len(ours[kind]):
            return f"{_count(len(theirs[kind]), kind)} instead of {len(ours[kind]) or 'none'}"
    return ""


def _count(number: int, kind: str) -> str:
    return f"{number or 'no'} {kind}{'' if number == 1 else 's'}"


class Recognised(NamedTuple):
    """A state dict as an architecture names it."""

    arch: Arch
    state: dict[str, Tensor]
    trained: bool
    """whether it has batch norm, still to be fused"""


def recognise_state(state: dict[str, Tensor], archs: Sequence[Arch]) -> Recognised:
    """The architecture of a state dict, by its layers in the order they are saved in, else in that of their names.

    Raises:
        Refused: it is none of these architectures, naming the first difference from the one that comes nearest, or it
            could be several.
    """
    layers = layers_of(state)
    normed = any(layer.kind == "batch norm" for layer in layers)
    found, problems = [], []
    for arch in archs:
        trained = normed and arch.build_trained is not None
        expected = _expected(arch, trained)
        differences = []
        for order in (layers, sorted(layers, key=_natural)):
            differences.append(_difference(order, expected))
            if not differences[-1]:
                found.append(Recognised(arch, _renamed(order, expected, arch, trained), trained))
                break
        problems.append((abs(len(layers) - len(expected)), f"not a {arch.name}: {differences[-1]}"))
    if not found:
        raise Refused(min(problems)[1])
    if len(found) > 1:
        names = " or ".join(r.arch.name for r in found)
        raise Refused(f"its layers are those of {names}: name the architecture (--arch) or a space (--space)")
    return found[0]


def _belong(conv: str, norm: str) -> bool:
    """Whether a batch norm is the one after a convolution by their names: conv1 and bn1, 0 and 1, conv and norm."""
    parents, lasts = zip(*(name.rpartition(".")[::2] for name in (conv, norm)), strict=True)
    numbers = [re.findall(r"\d+", last) for last in lasts]
    if parents[0] != parents[1] or len(numbers[0]) != len(numbers[1]):
        return False
    if all(last.isdigit() for last in lasts):
        return int(lasts[1]) == int(lasts[0]) + 1
    return numbers[0] == numbers[1]


def _renamed(layers: Sequence[Layer], expected: Sequence[Layer], arch: Arch, trained: bool) -> dict[str, Tensor]:
    """The tensors under the architecture's names. A convolution's bias before a batch norm moves into its mean."""
    pairs = {
        b.name: a for kind, ours in _kinds(expected).items() for a, b in zip(_kinds(layers)[kind], ours, strict=True)
    }
    state = {f"{b.name}.{leaf}": pairs[b.name].tensors[leaf] for b in expected for leaf in b.tensors}
    if trained:
        with torch.device("meta"):
            before = norms(arch.build_trained())
        for norm, conv in before.items():
            if not _belong(pairs[conv].name, pairs[norm].name):
                raise Refused(
                    f"its names do not tell which batch norm follows which convolution: {pairs[norm].name} does not go "
                    f"with {pairs[conv].name}"
                )
            bias = pairs[conv].tensors.get("bias")
            if bias is not None:  # w x + b - mean = w x - (mean - b)
                state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - bias
    return state
