"""What the config dataclasses share: the help, the choices and the limits of a field stand beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any, cast

from .errors import UsageError

DTYPES = ("float32", "bfloat16", "float16")
MOST_SEED = 2**31 - 1
"""Seeds are shifted by 32 bits to make room for the step."""
MOST_RATE = 1e30
"""Highest learning rate: Adam's steps stay finite in float32."""
MOST_ITEMS = 10**6
"""Most points or images of a step, and most networks of a zoo: they are held in memory together."""
MOST_WIDTH = 2**16
"""Largest embedding, chunk and hidden layer of a space."""


def option(
    default: Any,
    words: str,
    *,
    choices: Sequence[str] | None = None,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of a config dataclass; `words` are its documentation and the command line's help.

    Args:
        least, most: lowest and highest value allowed.
        above, below: values that the field must stay above and below, themselves not allowed.
    """
    limits = {"least": least, "most": most, "above": above, "below": below}
    return field(default=default, metadata={"help": words, "choices": choices} | limits)


def check_number(name: str, value: float, limits: Mapping[str, Any]) -> None:
    """Raise ValueError, with name and value, unless a number is finite and within limits (as `option` has them)."""
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        finite = False
    if not finite:
        raise UsageError(f"{name} is {short(value)}, it must be a finite number")
    least, most, above, below = (limits.get(key) for key in ("least", "most", "above", "below"))
    if least is not None and value < least:
        raise UsageError(f"{name} is {value}, it must be at least {least}")
    if above is not None and value <= above:
        raise UsageError(f"{name} is {value}, it must be above {above}")
    if most is not None and value > most:
        raise UsageError(f"{name} is {value}, it must be at most {most}")
    if below is not None and value >= below:
        raise UsageError(f"{name} is {value}, it must be below {below}")


def short(value: Any, most: int = 60) -> str:
    """Return a value as it fits into a sentence."""
    try:
        words = repr(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        words = f"a {type(value).__name__} that is too large to be shown"
    return words if len(words) <= most else f"{words[:most]} ..."


def check_fields(config: Any) -> None:
    """Raise ValueError, naming the option, its value and what is allowed, unless every field has an allowed value."""
    for f in fields(config):
        value, flag = getattr(config, f.name), f"--{f.name.replace('_', '-')}"
        wanted = Real if type(f.default) is float else Integral if type(f.default) is int else type(f.default)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            kind = {Real: "a number", Integral: "a whole number", str: "a text", bool: "yes or no"}[wanted]
            raise UsageError(f"{flag} is {short(value)}, it must be {kind}")
        choices = f.metadata["choices"]
        if choices is not None and value not in choices:
            raise UsageError(f"{flag} is {short(value)}, not one of {', '.join(choices)}")
        if isinstance(value, Real) and not isinstance(value, bool):
            check_number(flag, cast(float, value), f.metadata)
