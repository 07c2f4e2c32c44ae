"""What the config dataclasses share: the help, the choices and the limits of a field stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any

DTYPES = ("float32", "bfloat16", "float16")
MOST_SEED = 2**31 - 1
"""Seeds are shifted by 32 bits to make room for the step."""


def option(
    default: Any,
    words: str,
    *,
    choices: Sequence[str] | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """A field of a config dataclass; `words` are its documentation and the command line's help."""
    return field(default=default, metadata={"help": words, "choices": choices, "least": least, "most": most})


def check_fields(config: Any) -> None:
    """ValueError, naming the option, its value and what is allowed, unless every field has an allowed value."""
    for f in fields(config):
        value, flag = getattr(config, f.name), f"--{f.name.replace('_', '-')}"
        choices, least, most = (f.metadata[key] for key in ("choices", "least", "most"))
        if choices is not None and value not in choices:
            raise ValueError(f"{flag} is {value!r}, not one of {', '.join(choices)}")
        if least is not None and value < least:
            raise ValueError(f"{flag} is {value}, it must be at least {least}")
        if most is not None and value > most:
            raise ValueError(f"{flag} is {value}, it must be at most {most}")
