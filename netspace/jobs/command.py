"""A command of this program as a typed value: what is asked for, with which settings, and which folder it writes.

Its words are built here alone, to start its process or to be shown to whoever would type them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .launch import parser_of


@dataclass(frozen=True)
class Command:
    """What a command is asked for; `start_job` starts it if it is a long job."""

    name: str
    """train, lso, eval, zoo fit-cnn, zoo import ..."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Option -> value, without dashes: folders, names, numbers; True for a flag. None, False and "" are left out."""
    config: Any = None
    """its settings, such as an LsoConfig; those that the recipe has, or that are the default, are not said again"""
    recipe: str = ""
    """name of the settings that `config` was made from"""
    out: Path | str | None = None
    """folder that it writes"""

    @property
    def words(self) -> list[str]:
        """The words after `python -m netspace`.

        Raises:
            UsageError: there are settings, and the command is no long job or has none of them.
        """
        words = [*self.name.split(), *(["--recipe", self.recipe] if self.recipe else [])]
        for name, value in self.options.items():
            left_out = value is None or value is False or value == ""  # 0 equals False, and is said
            words += [] if left_out else _option(name, value)
        for name, value in self._changed():
            words += _option(name, value)
        return [*words, *(["--out", str(self.out)] if self.out is not None else [])]

    @property
    def line(self) -> str:
        """As one would type it."""
        return typed(self.words)

    def _changed(self) -> Iterator[tuple[str, Any]]:
        """Settings that are neither the recipe's nor the command's own."""
        if self.config is not None:
            usual = parser_of(self.name, self.recipe or None)
            for f in fields(self.config):
                if (value := getattr(self.config, f.name)) != usual.get_default(f.name):
                    yield f.name, value


def _option(name: str, value: Any) -> list[str]:
    """An option as words."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return [flag, short if not isinstance(value, float) or float(short) == value else repr(value)]


def typed(words: Sequence[str]) -> str:
    """A command, by the words after `python -m netspace`, as one would type it."""
    return shlex.join(["python", "-m", "netspace", *words])
