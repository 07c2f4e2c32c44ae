"""The parser that all commands are added to; what it imports is loaded for every `--help`, so it imports little."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from ..config import MOST_ITEMS, check_number
from ..errors import UsageError

PROGRAM = "netspace"


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError, in one sentence, where argparse prints the usage and ends the process."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register("type", Path, named_path)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def named_path(text: str) -> Path:
    """Return the path that somebody typed; an empty text, as of a variable that is not set, does not name this folder.

    Raises:
        ArgumentTypeError: the text is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a file or folder")
    return Path(text)


class HelpLayout(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Help that keeps the lines of a command's description and names the default of every option."""


class Count(argparse.Action):
    """An option or argument that takes a whole number within limits; UsageError, naming both, for any other."""

    def __init__(self, *args, least: int | None = 0, most: int | None = MOST_ITEMS, **kwargs) -> None:
        super().__init__(*args, **{**kwargs, "type": int})
        self.limits = {"least": least, "most": most}

    def __call__(self, parser, namespace, value, option_string=None) -> None:
        check_number(self.option_strings[0], value, self.limits)
        setattr(namespace, self.dest, value)
