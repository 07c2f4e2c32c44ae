"""What a state dict does not say: activation, sines, sign, inputs, classes. Declared, detected, or asked for.

A declaration comes from options, a `network.json` beside the weights, or an ONNX graph. What is not declared and cannot
be detected is asked for: the file is refused with the options that would answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import ImportRefused, UsageError
from ..io import read_text
from ..nets.activations import activation_name
from ..nets.archs import arch_named
from ..nets.fields import OCCUPANCY, SDF, Encoding
from ..nets.inputs import MEAN, STD

NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": (MEAN, STD),
    "half": ((0.5,), (0.5,)),
    "unit": ((0.0,), (1.0,)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar10-old": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "mnist": ((0.1307,), (0.3081,)),
    "bytes": ((0.0,), (1 / 255,)),
}
"""Usual normalisations by name: mean and standard deviation of pixels in [0, 1]; `bytes` are pixels from 0 to 255."""

INSIDE = ("negative", "positive")
SHORTCUTS = ("pad-both", "pad-end")
"""How a ResNet without projections (option A of He et al.) widens shortcuts: zero channels on both sides, or after."""


@dataclass(frozen=True)
class Declaration:
    """What is said of networks that their state dicts do not hold; None where nothing is said."""

    arch: str | None = None
    """architecture, see `archs.arch_named`"""
    activation: str | None = None
    """`relu`, `leaky_relu0.2`, ... (see `activations.NAMES`), or `sin`"""
    omega: float | None = None
    """factor in the sines of a SIREN, x -> sin(omega (W x + b))"""
    omega_first: float | None = None
    """of its first layer, if that has another"""
    encoding: str | None = None
    """positional encoding before a field's first layer, such as `pe6`; `none`"""
    inside: str | None = None
    """sign of a field's values inside the shape: negative or positive"""
    level: float | None = None
    """value of a field at the surface; 0 if nothing is said"""
    field: str | None = None
    """what a field's values are: sdf (distances) or occupancy (only their sign counts)"""
    box: float | None = None
    """half edge of the cube in which a field lives: 0.5 for [-0.5, 0.5]^3; 1 if nothing is said"""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    """normalisation that a classifier was trained with, of pixels in [0, 1]"""
    classes: tuple[str, ...] | None = None
    """names of a classifier's classes in the order of its outputs; or `sorted`"""
    pool: str | None = None
    """of a ResNet: global, or 8x8 as in the paper"""
    norm_eps: float | None = None
    """epsilon of its batch norms; PyTorch's is 1e-5"""
    shortcut: str | None = None
    """of a ResNet without projections, see SHORTCUTS"""
    made_as: str | None = None
    """one of CONVENTIONS: what is not said otherwise is as there"""

    def __post_init__(self) -> None:
        for name in ("omega", "omega_first", "box", "norm_eps"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} is {value}, it must be positive and finite")
        if self.omega_first is not None and self.omega is None:
            raise UsageError(f"omega_first is {self.omega_first:g}, and omega is not given")
        if self.omega is not None and self.activation not in (None, "sin", "sine"):
            raise UsageError(f"omega {self.omega:g} is a factor of sines, and the activation is {self.activation}")
        if self.level is not None and not math.isfinite(self.level):
            raise UsageError(f"level is {self.level}, it must be finite")
        if self.activation not in (None, "sin", "sine"):
            object.__setattr__(self, "activation", activation_name(self.activation))
        elif self.activation == "sine":
            object.__setattr__(self, "activation", "sin")
        if self.encoding not in (None, "none"):
            Encoding.parse(self.encoding)
        for name, known in (
            ("inside", INSIDE), ("field", (SDF, OCCUPANCY)), ("pool", ("global", "8x8")), ("shortcut", SHORTCUTS),
            ("made_as", tuple(CONVENTIONS)),
        ):  # fmt: skip
            if getattr(self, name) not in (None, *known):
                raise UsageError(f"{name.replace('made_as', 'as')} is {getattr(self, name)!r}: {' or '.join(known)}")
        if (self.mean is None) != (self.std is None):
            raise UsageError("mean and std go together: one is given and the other is not")
        if self.mean is not None:
            if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
                raise UsageError(f"mean {self.mean} and std {self.std} must be finite, std positive")
            if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3):
                raise UsageError(f"mean and std are 1 or 3 numbers, got {len(self.mean)} and {len(self.std)}")

    def under(self, other: Declaration) -> Declaration:
        """This declaration, what it leaves open taken from another."""
        return replace(
            other, **{f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        )

    def against(self, other: Declaration) -> list[str]:
        """What another declaration says otherwise, in words."""
        mine, theirs = self.said(), other.said()
        return [
            f"{name.replace('made_as', 'as')} {theirs[name]} and not {mine[name]}"
            for name in mine
            if name in theirs and theirs[name] != mine[name]
        ]

    def said(self) -> dict[str, Any]:
        """What is declared, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True)
class Convention:
    """A named set of answers."""

    words: str
    activation: str
    norm_eps: float = 1e-5
    omega: float | None = None
    inside: str | None = None
    normalisation: str | None = None


CONVENTIONS: dict[str, Convention] = {
    "paper": Convention(
        "the paper's networks: leaky ReLU (0.01), ImageNet's mean and std, sines of 30, negative inside",
        "leaky_relu", omega=30.0, inside="negative", normalisation="imagenet",
    ),
    "torchvision": Convention("ReLU and ImageNet's mean and std, as torchvision", "relu", normalisation="imagenet"),
}  # fmt: skip
"""What `--as` and the app's dialog offer."""


def parse_numbers(text: str, name: str) -> tuple[float, ...]:
    """One number or three, separated by commas; ValueError if it is something else."""
    try:
        return tuple(float(part) for part in str(text).split(","))
    except ValueError:
        known = ", ".join(NORMALISATIONS) if name == "mean" else ""
        raise UsageError(
            f"{name} is {text!r}: one number or three, as in 0.5,0.5,0.5{f'; or one of {known}' if known else ''}"
        ) from None


def normalisation(mean: str | None, std: str | None) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and standard deviation from the text of options: numbers, or the name of a usual normalisation as mean."""
    if mean in NORMALISATIONS and std is None:
        return NORMALISATIONS[mean]
    return (None if mean is None else parse_numbers(mean, "mean")), (None if std is None else parse_numbers(std, "std"))


def class_names(path: Path) -> tuple[str, ...]:
    """Names of classes from a file: a line each, or a JSON list; ValueError if it holds none."""
    try:
        text = read_text(path, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as a list of classes ({type(error).__name__})") from error
    if text.lstrip().startswith("["):
        names = _parsed(text, path)
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise UsageError(f"{path} is no JSON list of names")
    else:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    if len(names) < 2 or len(set(names)) != len(names):
        raise UsageError(f"{path} lists {len(names)} classes, {len(set(names))} of them different")
    return tuple(names)


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid JSON ({type(error).__name__})") from error


DECLARED = "network.json"
"""a file that says what the networks of its folder compute"""
CARD = "architecture"
"""key by which the card that the app writes beside a network says what it is"""
MOST_DECLARED_BYTES = 1 << 20
_NUMBERS = ("omega", "omega_first", "level", "box", "norm_eps")
_LISTS = ("mean", "std")


def read_declaration(path: Path) -> Declaration:
    """The declaration in a `network.json`. ImportRefused, naming file and key, if something in it is not understood."""
    try:
        if path.stat().st_size > MOST_DECLARED_BYTES:
            raise UsageError(f"{path} has {path.stat().st_size:,} bytes, {MOST_DECLARED_BYTES:,} at most are read")
        held = _parsed(read_text(path, "utf-8-sig"), path)
        if not isinstance(held, dict):
            raise UsageError(f"{path} is no JSON object")
        if isinstance(held.get(CARD), str):  # of a network that the app wrote: its functions are the product's own
            return Declaration(arch=arch_named(held[CARD]).name, made_as="paper")
        return declaration_of(held, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ImportRefused(f"{path.name} cannot be read ({type(error).__name__})") from error
    except ValueError as error:
        raise ImportRefused(str(error).replace(f"{path}", path.name)) from error


def declaration_of(held: Mapping[str, Any], where: str) -> Declaration:
    """A declaration from a mapping of plain values; ValueError, naming the key, if one is not understood."""
    known = {f.name for f in fields(Declaration)} | {"as"}
    unknown = sorted(str(key) for key in set(held) - known)
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known - {'made_as'}))}")
    values: dict[str, Any] = {}
    for key, value in held.items():
        if value is None:
            continue
        if key in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"{where}: {key} is {value!r}, not a number")
            values[key] = float(value)
        elif key in _LISTS and not isinstance(value, str):
            listed = value if isinstance(value, list) else [value]
            if not listed or any(isinstance(v, bool) or not isinstance(v, int | float) for v in listed):
                raise UsageError(f"{where}: {key} is {value!r}, not one number or a list of numbers")
            values[key] = tuple(map(float, listed))
        elif key in _LISTS:
            values |= {} if key == "std" and "mean" in held and held["mean"] in NORMALISATIONS else {key: value}
        elif key == "classes" and isinstance(value, list) and all(isinstance(v, str) for v in value):
            values[key] = tuple(value)
        elif isinstance(value, str):
            values["made_as" if key == "as" else key] = (value,) if key == "classes" else value
        else:
            raise UsageError(f"{where}: {key} is {value!r}, which is not understood")
    for key in _LISTS:
        if isinstance(values.get(key), str):
            if key == "mean" and values[key] in NORMALISATIONS and "std" not in values:
                values["mean"], values["std"] = NORMALISATIONS[values[key]]
            else:
                values[key] = parse_numbers(values[key], key)
    try:
        return Declaration(**values)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error
