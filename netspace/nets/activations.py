"""Activation functions by name, as architectures spell them: `relu`, `leaky_relu`, `leaky_relu0.2`, `gelu`, `sin30`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..errors import UsageError

Activation = Callable[[Tensor], Tensor]

_PLAIN: dict[str, Activation] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "selu": F.selu,
    "hardswish": F.hardswish,
    "softsign": F.softsign,
}
_WITH_NUMBER: dict[str, tuple[float, Callable[[float], Activation]]] = {
    "leaky_relu": (0.01, lambda slope: partial(F.leaky_relu, negative_slope=slope)),
    "elu": (1.0, lambda alpha: partial(F.elu, alpha=alpha)),
    "softplus": (1.0, lambda beta: partial(F.softplus, beta=beta)),
}
"""name -> PyTorch's default of the number that may follow the name, and the function for a number"""

NAMES = (*_PLAIN, *_WITH_NUMBER)

ODD = frozenset({"tanh", "softsign"})
"""f(-x) = -f(x)"""
HOMOGENEOUS = frozenset({"relu", "leaky_relu"})
"""f(s x) = s f(x) for s > 0, whatever the slope"""


def activation_name(name: str) -> str:
    """The one spelling of an activation: `LeakyReLU(0.01)`, `leaky-relu` and `leaky_relu0.01` are `leaky_relu`.

    Raises:
        ValueError: no activation of this name is known, or its number is not finite.
    """
    asked = re.fullmatch(r"\s*([A-Za-z][A-Za-z_\- ]*?6?)[(: ]*(\d*\.?\d+(?:[eE][-+]?\d+)?)?\)?\s*", name)
    base = re.sub(r"[_\- ]", "", asked[1]).lower() if asked else ""
    plain = {re.sub("_", "", known): known for known in NAMES} | {"lrelu": "leaky_relu", "swish": "silu"}
    known = plain.get(base)
    if known is None:
        raise UsageError(f"unknown activation {name!r}; known: {', '.join(NAMES)}")
    if asked[2] is None or (known in _WITH_NUMBER and float(asked[2]) == _WITH_NUMBER[known][0]):
        return known
    if known not in _WITH_NUMBER or not math.isfinite(float(asked[2])):
        raise UsageError(f"the activation {known} takes no number {asked[2]}")
    return f"{known}{float(asked[2]):g}"


def activation(name: str) -> Activation:
    """The function of an activation in its one spelling (see `activation_name`)."""
    if name in _PLAIN:
        return _PLAIN[name]
    base = base_of(name)
    default, make = _WITH_NUMBER[base]
    return make(float(name[len(base) :] or default))


def base_of(name: str) -> str:
    """The name of an activation without its number: `leaky_relu` of `leaky_relu0.2`."""
    return name if name in NAMES else name.rstrip("0123456789.e-+")
