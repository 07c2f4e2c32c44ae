"""Which architecture of image classifiers the layers of a state dict are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import IMAGE_CLASSIFIERS, OF_ONE_DEPTH, Arch, arch_named
from .recognise import CONV, LINEAR, NORM, Layers, expected_layers, match, renamed


class Recognised(NamedTuple):
    """A state dict as an architecture names it; the architecture's activation and inputs are still to be settled."""

    arch: Arch
    state: dict[str, Tensor]
    trained: bool
    """whether it has batch norm, still to be fused"""
    shortcut: bool = False
    """whether its ResNet has no projections, whose place identity convolutions take"""


def recognise_classifier(layers: Layers, archs: Sequence[Arch]) -> Recognised:
    """The architecture of a file with convolutions.

    Raises:
        ImportRefused: it is none of these architectures, naming the first difference from the one that comes
            nearest, or it could be several.
    """
    found, problem = _matches(layers, archs)
    if not found:
        suggested = _suggested(layers)
        if suggested and suggested not in {arch.name for arch in archs}:
            raise ImportRefused(f"its layers are those of {suggested}: name it (--arch {suggested}) to read it")
        raise ImportRefused(
            f"{problem}; a CNN of another design is read from its ONNX model, which says strides and poolings too"
            if problem
            else "it has convolutions, and no classifier is looked for"
        )
    if len(found) > 1:
        names = " or ".join(dict.fromkeys(r.arch.name for r in found))
        raise ImportRefused(f"its layers are those of {names}: name the architecture (--arch) or a space (--space)")
    return found[0]


def _matches(layers: Layers, archs: Sequence[Arch]) -> tuple[list[Recognised], str]:
    """The architectures that a file's layers are of, and what sets them apart from the one that comes nearest."""
    normed, found = bool(layers.of(NORM)), []
    problems: list[tuple[float, int, str]] = []
    for arch in archs:
        for candidate in _variants(arch, layers):
            trained = normed and candidate.build_trained is not None
            expected = expected_layers(candidate, trained)
            bare = _bare_shortcuts(candidate, layers)
            wanted = [x for x in expected if not (bare and "downsample" in x.name)]
            matched = match(layers.layers, wanted)
            if not matched.problem:
                state = renamed(matched, layers.layers, candidate, trained)
                found.append(Recognised(candidate, state, trained, bare))
            problems.append((matched.distance, len(problems), f"not a {candidate.name}: {matched.problem}"))
    return found, min(problems)[2] if problems and not found else ""


def _variants(arch: Arch, layers: Layers) -> list[Arch]:
    """The architecture, for grey images and with global pooling if the file's first and last layers need that."""
    if not arch.convolutional:
        return []
    convs, linear = layers.of(CONV), layers.of(LINEAR)
    channels = convs[0].tensors["weight"].shape[1] if convs else 3
    name = arch.name
    if channels == 1 and arch.skeleton.variant.channels == 3:
        name += ":gray"
    if "resnet" in arch.name and arch.skeleton.size >= 48 and linear and linear[-1].tensors["weight"].shape[1] == 64:
        name += "" if ":global" in name else ":global"
    return [arch_named(name)]


def _bare_shortcuts(arch: Arch, layers: Layers) -> bool:
    """Whether a file has the convolutions of this ResNet but none of its projections."""
    one = [x for x in layers.of(CONV) if tuple(x.tensors["weight"].shape[2:]) == (1, 1)]
    return arch.name.startswith("resnet") and not one


def _suggested(layers: Layers) -> str:
    """The name of an architecture that these layers are of, whatever images it is for; empty if none is known."""
    convs, linear = layers.of(CONV), layers.of(LINEAR)
    if not convs or not linear:
        return ""
    classes, features = linear[-1].tensors["weight"].shape
    gray = ":gray" if convs[0].tensors["weight"].shape[1] == 1 else ""
    three = [x for x in convs if tuple(x.tensors["weight"].shape[2:]) == (3, 3)]
    depth, names = 2 + len(three) - 1, []
    if len(linear) == 1 and (depth - 2) % 6 == 0 and depth >= 8:
        names = [f"resnet{depth}/{size}px-{classes}c{gray}" for size in (32, 64) if features == 64 * (size // 32) ** 2]
    names += [f"{base}/{size}px-{classes}c{gray}" for base in OF_ONE_DEPTH for size in (32, 64, 28, 48)]
    for name in names:
        try:
            if _matches(layers, [arch_named(name)])[0]:
                return name
        except (ImportRefused, ValueError):
            continue
    return ""


ALL_CLASSIFIERS = tuple(IMAGE_CLASSIFIERS.values())
