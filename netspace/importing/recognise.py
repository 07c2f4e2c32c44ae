"""Which layers a state dict holds and which architecture they are of: by kinds and shapes, whatever they are called.

Order is taken from the file if the file has one, else from the names: safetensors sorts them as text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import Arch
from ..nets.fuse import norms

NORM_LEAVES = {"weight", "bias", "running_mean", "running_var"}


class Layer(NamedTuple):
    """A module with parameters: its kind tells what a tensor of these dimensions can be."""

    name: str
    kind: str
    """convolution, linear layer or batch norm"""
    tensors: dict[str, Tensor]
    """weight, bias, running_mean, running_var"""


@dataclass(frozen=True)
class Layers:
    """What a state dict holds: layers in their order, and single numbers beside them."""

    layers: tuple[Layer, ...]
    scalars: dict[str, float]
    """numbers of one element that belong to no layer, by full name: `net.0.omega_0`; metrics are left out"""
    buffers: dict[str, Tensor]
    """what a module of normalisation keeps, by its last name: mean, std"""

    by_text: bool = False
    """whether the file's format sorts names, so that the order of layers is known by their names alone"""

    def of(self, kind: str) -> list[Layer]:
        return [layer for layer in self.layers if layer.kind == kind]

    def check_numbers(self, known: Container[str] = ()) -> None:
        """ImportRefused if there are numbers beside the layers, other than those known: gates, scales, temperatures."""
        unknown = [name for name in self.scalars if name not in known]
        if unknown:
            raise ImportRefused(
                f"beside its layers it holds {unknown[0]} = {self.scalars[unknown[0]]:g}, and it is not known what the "
                "network does with that number: fold it into a layer, or leave it out if it does nothing"
            )


CONV, LINEAR, NORM = "convolution", "linear layer", "batch norm"
LAYER_KINDS = {4: CONV, 2: LINEAR}


def layers_of(state: dict[str, Tensor]) -> list[Layer]:
    """The modules of a state dict in their order. ImportRefused if a tensor belongs to no layer known here."""
    return list(read_layers(state).layers)


def read_layers(state: dict[str, Tensor]) -> Layers:
    """The layers of a state dict in their order.

    Counters are passed over, weight norm is multiplied out, and a layer without bias gets one of zeros.

    Raises:
        ImportRefused: a tensor belongs to no layer known here, so that leaving it out could change what the network
            does.
    """
    grouped: dict[str, dict[str, Tensor]] = {}
    scalars: dict[str, float] = {}
    buffers: dict[str, Tensor] = {}
    for name, t in _without_weight_norm(state).items():
        module, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked" or not (t.is_floating_point() or leaf in NORM_LEAVES):
            continue  # counters and index tables
        if not t.is_floating_point():
            kind = str(t.dtype).removeprefix("torch.")
            raise ImportRefused(f"{name} is of {kind}: quantised weights are not read, save them as float32")
        if leaf in ("mean", "std") and t.numel() in (1, 3):
            value = t.flatten().float()
            if leaf in buffers and not torch.equal(buffers[leaf], value):
                raise ImportRefused(
                    f"it holds several buffers {leaf} of different values: which of them is used is not known"
                )
            buffers[leaf] = value
        elif leaf not in NORM_LEAVES and t.numel() == 1:
            if module or not _METRICS.fullmatch(leaf):
                scalars[name] = float(t)
        else:
            grouped.setdefault(module, {})[leaf] = t
    layers = [_layer(module, tensors) for module, tensors in grouped.items()]
    names = list(state)
    # a format that sorts names has lost the order, and a program that made layers backwards does not tell it
    by_text = len(layers) > 1 and (names == sorted(names) or _backwards(layers))
    if by_text:
        layers = sorted(layers, key=_natural)
        _check_names([layer for layer in layers if layer.kind != NORM], _NUMBERS_OR_LETTERS)
    return Layers(tuple(layers), scalars, buffers, by_text)


_METRICS = re.compile(
    r"(best_|test_|val_|train_)*(acc\w*|loss|psnr|iou|epoch|step|iterations?|lr|time|score|seed|chamfer\w*)", re.I
)
"""names of numbers of training that lie beside the weights"""
_NUMBERS = re.compile(r"[\d._]+")
_NUMBERS_OR_LETTERS = re.compile(r"([\d._]|(?<![a-z])[a-z](?![a-z]))+", re.I)


def _backwards(layers: Sequence[Layer]) -> bool:
    """Whether layers of equal shape whose names count are saved in another order: conv2 before conv1."""
    last: dict[tuple, Layer] = {}
    for layer in layers:
        if layer.kind == NORM:
            continue
        key = layer.kind, tuple(layer.tensors["weight"].shape), _NUMBERS.sub("", layer.name)
        before = last.get(key)
        if before is not None and _natural(layer) < _natural(before):
            return True
        last[key] = layer
    return False


def _check_names(layers: Sequence[Layer], counted: re.Pattern) -> None:
    """ImportRefused if layers of equal shape are called by words that do not count: hidden_one, hidden_two."""
    called: dict[tuple, Layer] = {}
    for layer in layers:
        key = layer.kind, tuple(layer.tensors["weight"].shape), _place(layer)
        first = called.setdefault(key, layer)
        if counted.sub("", first.name) != counted.sub("", layer.name):
            raise ImportRefused(
                f"the file does not keep the order of its layers, and the names of {first.name} and {layer.name}, of "
                "equal shape, do not tell it: number them, or save the ONNX model"
            )


def _layer(module: str, tensors: dict[str, Tensor]) -> Layer:
    unknown = sorted(set(tensors) - NORM_LEAVES)
    if unknown:
        where = f"{module}.{unknown[0]}" if module else unknown[0]
        shape = tuple(tensors[unknown[0]].shape)
        raise ImportRefused(f"{where} {shape} belongs to no convolution, linear layer or batch norm")
    weight = tensors.get("weight")
    kind = NORM if "running_mean" in tensors else LAYER_KINDS.get(weight.dim() if weight is not None else 0)
    if kind is None:
        has = "" if weight is None else f", its weight has shape {tuple(weight.shape)}"
        raise ImportRefused(
            f"{module or 'its first layer'} is no convolution, linear layer or batch norm with statistics{has}"
        )
    if kind == NORM and len(tensors) < 4:
        raise ImportRefused(f"the batch norm {module} has no {' or '.join(sorted(NORM_LEAVES - set(tensors)))}")
    return Layer(module, kind, tensors)


_NORMED = (
    (re.compile(r"(.*)weight_g"), "{}weight_v"),
    (re.compile(r"(.*)parametrizations\.weight\.original0"), "{}parametrizations.weight.original1"),
)


def _without_weight_norm(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state with every weight g v / |v| multiplied out (Salimans and Kingma 2016), in its order."""
    result = dict(state)
    for name, g in state.items():
        for pattern, other in _NORMED:
            found = pattern.fullmatch(name)
            v = state.get(other.format(found[1])) if found else None
            if v is None or v.dim() != g.dim() or g.shape[0] != v.shape[0] or g.numel() != g.shape[0]:
                continue
            norm = v.float().flatten(1).norm(dim=1).view(g.shape)
            whole = {f"{found[1]}weight": g.float() * v.float() / norm}
            result = {
                key: t
                for old, tensor in result.items()
                for key, t in (
                    whole.items() if old == name else [] if old == other.format(found[1]) else [(old, tensor)]
                )
            }
    return result


def _natural(layer: Layer) -> list:
    """Sorts layer 9 before layer 10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)|\.", layer.name) if part
    ]


# -- chains of linear layers ---------------------------------------------------------------------------------------

_FIRST = re.compile(r"first|in(put)?(_|\b|$)|enter|embed|stem", re.I)
_LAST = re.compile(r"last|final|out(put)?|head|exit", re.I)


def _place(layer: Layer) -> int:
    """Where a layer's name says that it is: 0 first, 1 between, 2 last."""
    return 0 if _FIRST.search(layer.name) else 2 if _LAST.search(layer.name) else 1


def chain_of(layers: Sequence[Layer]) -> list[Layer]:
    """Linear layers in the order in which each takes what the one before gives.

    Raises:
        ImportRefused: there is no such order, or their names do not tell which of several it is.
    """
    fits = [tuple(layer.tensors["weight"].shape) for layer in layers]  # (outputs, inputs)
    if all(a[0] == b[1] for a, b in zip(fits, fits[1:], strict=False)):
        return list(layers)

    _check_names(layers, _NUMBERS)
    ordered = sorted(layers, key=lambda layer: (_place(layer), _natural(layer)))
    chain = _walk(ordered)
    if chain is None:
        shapes = ", ".join(f"{i} to {o}" for o, i in fits)
        raise ImportRefused(f"its linear layers do not follow one another: {shapes}")
    return chain


def _walk(layers: Sequence[Layer]) -> list[Layer] | None:
    """The first order, by preference of the given one, in which all layers follow one another."""
    for start in range(len(layers)):
        chain, left = [layers[start]], [*layers[:start], *layers[start + 1 :]]
        while left:
            width = chain[-1].tensors["weight"].shape[0]
            following = next((x for x in left if x.tensors["weight"].shape[1] == width), None)
            if following is None:
                break
            # a layer that narrows the chain comes last: n -> n layers before the one that leads on
            square = next((x for x in left if tuple(x.tensors["weight"].shape) == (width, width)), following)
            chain.append(square)
            left.remove(square)
        if not left:
            return chain
    return None


# -- architectures -------------------------------------------------------------------------------------------------


@functools.cache
def expected_layers(arch: Arch, trained: bool) -> tuple[Layer, ...]:
    """The layers of an architecture, as a PRep holds it or as it is trained; without values."""
    with torch.device("meta"):
        return tuple(layers_of(((arch.build_trained if trained else None) or arch.build)().state_dict()))


class Match(NamedTuple):
    """Which of a file's layers are an architecture's, or what sets them apart."""

    pairs: dict[str, Layer]
    """the architecture's name of a layer -> the file's layer"""
    problem: str
    """the first difference in words; empty if all match"""
    distance: int
    """how much sets them apart: kinds first, then numbers of layers, then shapes"""


def match(layers: Sequence[Layer], expected: Sequence[Layer]) -> Match:
    """Assign a file's layers to an architecture's, kind by kind: in order if shapes allow, else by shape."""
    pairs: dict[str, Layer] = {}
    problem, distance = "", 0
    for kind in (CONV, LINEAR, NORM):
        ours, theirs = ([x for x in xs if x.kind == kind] for xs in (expected, layers))
        if bool(ours) != bool(theirs):
            distance += 10_000
        distance += 100 * abs(len(ours) - len(theirs))
        taken, words = _assigned(theirs, ours, without_bias(theirs))
        distance += 1 if words else 0
        problem = problem or words
        pairs |= taken
    return Match(pairs, problem, distance)


def without_bias(layers: Sequence[Layer]) -> bool:
    """Whether no layer of a kind has a bias: they were made so. Where one alone has none, a tensor is missing."""
    return not any("bias" in layer.tensors for layer in layers)


def _assigned(theirs: Sequence[Layer], ours: Sequence[Layer], bare: bool) -> tuple[dict[str, Layer], str]:
    """Layers of one kind, and what first sets them apart."""
    in_order = _difference(theirs, ours, bare)
    if not in_order:
        return {b.name: a for a, b in zip(theirs, ours, strict=True)}, ""
    left, pairs = list(theirs), {}
    for b in ours:
        found = next((a for a in left if not _difference([a], [b], bare)), None)
        if found is None:
            return {}, in_order
        pairs[b.name] = found
        left.remove(found)
    return ({}, in_order) if left else (pairs, "")


def _difference(theirs: Sequence[Layer], ours: Sequence[Layer], bare: bool) -> str:
    """What first sets two lists of layers of one kind apart; empty if nothing does."""
    for k, (a, b) in enumerate(zip(theirs, ours, strict=False), start=1):
        for leaf, t in b.tensors.items():
            if leaf not in a.tensors and leaf == "bias" and bare:
                continue  # one of zeros
            if leaf not in a.tensors:
                return f"{b.kind} {k} ({a.name}) has no {leaf}"
            shapes = tuple(a.tensors[leaf].shape), tuple(t.shape)
            if shapes[0] != shapes[1]:
                return f"{b.kind} {k} ({a.name}) has a {leaf} of {shapes[0]} instead of {shapes[1]}"
    if len(theirs) != len(ours):
        kind = (theirs or ours)[0].kind
        return f"{_count(len(theirs), kind)} instead of {len(ours) or 'none'}"
    return ""


def _count(number: int, kind: str) -> str:
    return f"{number or 'no'} {kind}{'' if number == 1 else 's'}"


def _belong(conv: str, norm: str) -> bool:
    """Whether a batch norm is the one after a convolution by their names: conv1 and bn1, 0 and 1, conv and norm."""
    parents, lasts = zip(*(name.rpartition(".")[::2] for name in (conv, norm)), strict=True)
    if conv.rpartition(".")[2].isdigit() and norm.rpartition(".")[2].isdigit():
        return parents[0] == parents[1] and int(lasts[1]) == int(lasts[0]) + 1
    numbers = [re.findall(r"\d+", last) for last in lasts]
    return parents[0] == parents[1] and len(numbers[0]) == len(numbers[1]) and numbers[0] == numbers[1]


def renamed(found: Match, layers: Sequence[Layer], arch: Arch, trained: bool) -> dict[str, Tensor]:
    """The tensors under the architecture's names. A convolution's bias before a batch norm moves into its mean.

    Raises:
        ImportRefused: the names do not tell which batch norm follows which convolution.
    """
    expected, pairs = expected_layers(arch, trained), dict(found.pairs)
    if trained:
        with torch.device("meta"):
            before = norms(arch.build_trained())
        free = [layer for layer in layers if layer.kind == NORM]
        for norm, conv in before.items():
            if norm not in pairs or conv not in pairs:
                continue
            mine = [x for x in free if _belong(pairs[conv].name, x.name)]
            shape = pairs[conv].tensors["weight"].shape[:1]
            if mine and mine[0].tensors["weight"].shape == shape:
                pairs[norm] = mine[0]
            if not _belong(pairs[conv].name, pairs[norm].name):
                raise ImportRefused(
                    f"its names do not tell which batch norm follows which convolution: {pairs[norm].name} does not go "
                    f"with {pairs[conv].name}"
                )
        followed = [pairs[norm].name for norm in before if norm in pairs]
        if len(set(followed)) != len(followed):
            raise ImportRefused("its names do not tell which batch norm follows which convolution: one follows two")
    state = {}
    for b in expected:
        if b.name not in pairs:
            continue
        for leaf, t in b.tensors.items():
            value = pairs[b.name].tensors.get(leaf)
            state[f"{b.name}.{leaf}"] = torch.zeros(t.shape) if value is None else value
    if trained:
        for norm, conv in before.items():
            bias = pairs[conv].tensors.get("bias") if conv in pairs else None
            if bias is not None and norm in pairs:  # w x + b - mean = w x - (mean - b)
                state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - bias
    return state
