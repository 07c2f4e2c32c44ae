"""From the recorded words of a long job to the command that may be run: job folders come from other people too.

Only commands that this program's own parser knows as long jobs are run, and all that they write is their folder.
"""

from __future__ import annotations

import argparse
import os
import re
import site
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import pairwise, takewhile
from pathlib import Path

from ..errors import UsageError
from ..folders import CODE
from ..places import is_known


def command_name(argv: Sequence[str]) -> str:
    """The command's name: "train", "zoo fit-cnn"..."""
    return " ".join(takewhile(lambda word: not word.startswith("-"), argv))


def parser_of(kind: str, recipe: str | None = None) -> argparse.ArgumentParser:
    """The parser of a long job, whose defaults are a recipe's if one is named; UsageError if there is no such job."""
    return import_module("netspace.cli.registry").job_parser(kind, recipe)  # above this module, asked only for a job


def absolute_words(argv: Sequence[str], directory: Path) -> list[str]:
    """The words of a long job, each option as two words, with paths that do not depend on the working directory.

    Paths relative to the product's own folder stay: jobs are run from there.

    Raises:
        ValueError: the words are not those of a long job, or there is no --out.
    """
    kind = command_name(argv)
    parser = parser_of(kind)
    options = {flag: action for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    words, rest = kind.split(), list(argv[len(kind.split()) :])
    given = set()
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        fitting = [flag] if flag in options else [o for o in options if len(flag) > 2 and o.startswith(flag)]
        if len(fitting) != 1 or isinstance(options[fitting[0]], argparse._HelpAction):
            raise UsageError(f"{kind} has no option {flag!r}")
        action = options[fitting[0]]
        given.add(fitting[0])
        words.append(fitting[0])
        if action.nargs == 0:
            if equals:
                raise UsageError(f"{flag} takes no value")
            continue
        if not equals and not rest:
            raise UsageError(f"{flag} has no value")
        value = value if equals else rest.pop(0)
        words.append(_absolute(fitting[0], action, value, directory))
    if "--out" not in given:
        raise UsageError(f"a job needs --out: {' '.join(argv)}")
    return words


NUMBERED_TARGET = re.compile(r"(chair|digits|fashion-mnist):[^/\\]*")
PICTURE_SETS = ("digits", "fashion-mnist")
PATH_OPTIONS: dict[str, Callable[[str], bool]] = {
    "--teacher": lambda value: True,
    "--target": lambda value: not NUMBERED_TARGET.fullmatch(value),
    "--images": lambda value: value not in PICTURE_SETS,
}
"""options that name a path although their type is text: whether a value does"""


def _is_path(flag: str, action: argparse.Action, value: str) -> bool:
    return action.type is Path or PATH_OPTIONS.get(flag, lambda value: False)(value)


def _absolute(flag: str, action: argparse.Action, value: str, directory: Path) -> str:
    """The value of an option, as it means the same when the product's folder is the working directory."""
    if directory == CODE or not _is_path(flag, action, value) or Path(value).is_absolute():
        return value
    folder, name = _teacher(flag, value, directory)
    return f"{directory / folder}{name}"


def _teacher(flag: str, value: str, directory: Path) -> tuple[str, str]:
    """The path in the value of an option, and what follows it: a teacher's name, with the colon before it."""
    if flag == "--teacher" and ":" in value and not (directory / value).is_dir():
        folder, _, name = value.rpartition(":")
        return folder, f":{name}"
    return value, ""


def named_paths(argv: Sequence[str], directory: Path) -> list[Path]:
    """The paths that the words of a long job read from, relative ones to `directory`; not --out, which it writes."""
    words = absolute_words(argv, directory)
    parser = parser_of(command_name(words))
    options = {flag: action for action in parser._actions for flag in action.option_strings}
    pairs = [(flag, value) for flag, value in pairwise(words) if flag in options and options[flag].nargs != 0]
    return [
        directory / _teacher(flag, value, directory)[0]
        for flag, value in pairs
        if flag != "--out" and value and _is_path(flag, options[flag], value)
    ]


def depends_on(argv: Sequence[str], directory: Path) -> bool:
    """Whether the words of a long job mean something else in another working directory."""
    return absolute_words(argv, directory) != absolute_words(argv, CODE)


def checked_words(words: Sequence[str], folder: Path) -> list[str]:
    """The words of a long job that writes to `folder` and nowhere else; ValueError if the parser refuses them."""
    flags = [i for i, word in enumerate(words) if word == "--out"]
    kept = [word for i, word in enumerate(words) if i not in flags[1:] and i - 1 not in flags[1:]]
    kept[kept.index("--out") + 1] = str(folder)
    kind = command_name(kept)
    try:
        args = parser_of(kind).parse_args(kept[len(kind.split()) :])
    except SystemExit as error:
        raise UsageError(f"the words are no command: {' '.join(kept)}") from error
    if args.out != folder:
        raise UsageError(f"the words do not write to {folder}: {' '.join(kept)}")
    return kept


def environment(directory: Path) -> dict[str, str]:
    """The environment of a job's process: this one's, in which no folder but the product's is imported from.

    Args:
        directory: where the job was started; its data/ is one of the places where images are looked for, if the user
            started a job there.
    """
    paths = [str(Path(p).absolute()) for p in _listed("PYTHONPATH")]
    if CODE not in [Path(p).resolve() for p in (*site.getsitepackages(), site.getusersitepackages())]:
        paths.insert(0, str(CODE))  # site-packages are found anyway, and go after Python's own modules
    data = [str(Path(p).expanduser().absolute()) for p in _listed("NETSPACE_DATA")]
    if directory != CODE and (directory / "data").is_dir() and is_known(directory / "data"):
        data.append(str(directory / "data"))
    added = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}  # the working directory is not imported from
    if data:
        added["NETSPACE_DATA"] = os.pathsep.join(data)
    return {"OMP_NUM_THREADS": "1"} | os.environ | added


def _listed(variable: str) -> list[str]:
    """The folders that an environment variable names; empty entries, which mean the working directory, are left out."""
    return [p for p in os.environ.get(variable, "").split(os.pathsep) if p]


def plain_words(argv: Sequence[str]) -> list[str]:
    """A command's words, without those that say how it was started."""
    words = [str(word) for word in argv if word not in ("--queue", "--resume")]
    return [part for word in words for part in (("--out", word[6:]) if word.startswith("--out=") else (word,))]


def purpose(argv: Sequence[str], directory: Path) -> list[str]:
    """What is equal where two commands make the same thing, in whatever folder, started in whatever directory."""
    words = plain_words(argv)
    with suppress(ValueError):  # of no long job
        words = absolute_words(words, directory)
    return [word for i, word in enumerate(words) if word != "--out" and words[i - 1 : i] != ["--out"]]
