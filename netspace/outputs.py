"""What a folder or file that is to be written may hold already: nothing that somebody would miss is replaced.

HOLDINGS says what this program writes into folders, by the kind of what it makes. A command names its outputs with
`cli.options.Output`, and the command line checks them before the command begins; functions that write folders call
`check_folder` themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile, is_zipfile

from .errors import InUse, UsageError
from .io import open_regular


class Holding(NamedTuple):
    """What a folder of some kind holds."""

    name: str
    """in sentences: "holds a zoo already" """
    marks: tuple[str, ...]
    """files that each mark such a folder"""
    writes: tuple[str, ...]
    """patterns of the other files that are written there and replaced"""
    own: bool = True
    """whether such a folder is for this alone, so that nothing else may be written to it"""
    again: bool = False
    """whether it may be written once more without being asked"""


CHECKPOINTED = ("checkpoint.safetensors", "metrics.jsonl")
HOLDINGS = {
    "zoo": Holding("zoo", ("zoo.json",), ("records.parquet", "weights*.safetensors")),
    "space": Holding("space", ("config.json",), ("model.safetensors",)),
    "training": Holding("training", ("train.json",), ("model.safetensors", "config.json", *CHECKPOINTED)),
    "run": Holding("run", ("lso.json",), ("result.json", "best.safetensors", *CHECKPOINTED)),
    "path": Holding("path", ("path.csv",), ("path.*", "[0-9][0-9][0-9].*"), own=False, again=True),
    "score": Holding("scorecard", ("score.json",), ("score.md", "score.tex", "score-*.png"), own=False, again=True),
    "audit": Holding("audit", ("audit.json",), ("audit.md", "audit.tex"), own=False, again=True),
    "symmetry": Holding("symmetry audit", ("symmetry.json",), ("symmetry.md", "symmetry.tex"), own=False, again=True),
    "chairs": Holding("set of chairs", ("chairs.csv",), ("chair-[0-9]*.*",), own=False, again=True),
}
"""By kind of folder. A training becomes a space, and is marked by both."""
BECOMES = {"training": ("space",)}
"""By kind, what else a folder of it is marked as."""


def check_folder(folder: Path, kind: str, *, resume: bool | None = None, empty: bool = False) -> None:
    """Raise an error, in words, unless what is written to a folder can destroy nothing.

    Args:
        kind: what is made, a key of HOLDINGS.
        resume: go on with what the folder holds of this kind; None: that is not possible.
        empty: the folder is put in its place as a whole, so it may hold nothing yet.

    Raises:
        UsageError: it is no name of a folder, or the working directory or one above it.
        InUse: it is a file, or holds something else, or something of this kind that is not to be gone on with.
    """
    where, mine = resolved(folder), HOLDINGS[kind]
    if where in (Path.cwd(), *Path.cwd().parents):
        raise UsageError(f"{folder} is the working directory or a folder above it; name a folder of its own")
    _check_above(folder, where)
    if not os.path.lexists(where):
        return
    if not where.is_dir():
        raise InUse(f"{folder} is no folder; choose another name")
    held = {one for one, holding in HOLDINGS.items() if any((where / mark).exists() for mark in holding.marks)}
    allowed = {kind, *(BECOMES.get(kind, ()) if kind in held else ())}
    others = [one for one in HOLDINGS if one in held and one not in allowed and HOLDINGS[one].own]
    if others:
        raise InUse(f"{folder} holds a {HOLDINGS[others[0]].name} already; choose another folder")
    if kind in held and not mine.again and not resume:
        name = "run" if kind == "training" else mine.name
        way = "" if resume is None else "add --resume to go on with it, or "
        raise InUse(f"{folder} holds a {name} already; {way}choose another folder")
    files = sorted(path.name for path in where.iterdir())
    if empty and files:
        raise InUse(f"{folder} holds something already, such as {files[0]}; choose another folder")
    replaced = [] if kind in held else [name for name in files if any(fnmatch(name, one) for one in mine.writes)]
    if replaced:
        raise InUse(f"{folder} holds {replaced[0]} already, of something else; choose another folder")


def check_file(path: Path, suffixes: Sequence[str] = (), inputs: Iterable[Path] = ()) -> None:
    """Raise an error, in words, unless a file can be written, or replaced, without destroying anything else.

    Args:
        suffixes: those that its name may end with; none: any.
        inputs: files that are read for it.

    Raises:
        UsageError: its name ends otherwise, or it is one of the files that are read.
        InUse: it is a folder or a device, or lies in a folder that is a zoo, a space or a run.
    """
    where = resolved(path)
    if where.is_dir():
        raise InUse(f"{path} is a folder, a file is written; name the file")
    if suffixes and path.suffix.lower() not in suffixes:
        raise UsageError(f"{path} is to be written as {' or '.join(suffixes)}; give it that ending")
    _check_above(path, where)
    if os.path.lexists(where) and not where.is_file():
        raise InUse(f"{path} is no regular file; choose another name")
    for folder in {where.parent, resolved(path.parent)}:
        for holding in HOLDINGS.values():
            if holding.own and any((folder / mark).exists() for mark in holding.marks):
                raise InUse(f"{path} lies in the folder of a {holding.name}; choose another folder")
    if any(each.exists() and where == resolved(each) for each in inputs):
        raise UsageError(f"{path} is read by this command, it cannot be written; choose another name")


BUNDLE_MARK = '<meta name="generator" content="netspace bundle">'
"""near the beginning of the page of every bundle"""
BUNDLE_START = 400
"""bytes in which it stands"""


def check_bundle(path: Path) -> None:
    """Raise InUse if a file exists that is no bundle, an HTML file or a zip that this program wrote."""
    if not os.path.lexists(path):
        return
    beginning = b""
    try:
        if is_zipfile(path):
            with ZipFile(path) as held:
                first = held.namelist()[0]
                beginning = held.open(first).read(BUNDLE_START) if first.endswith("/index.html") else b""
        elif path.is_file():
            with open_regular(path) as file:
                beginning = file.read(BUNDLE_START)
    except (OSError, IndexError, BadZipFile, NotImplementedError, RuntimeError):
        beginning = b""
    if BUNDLE_MARK.encode() not in beginning:
        raise InUse(f"{path} exists already and is no bundle; choose another name")


def resolved(path: Path) -> Path:
    """Return where a path leads to, links followed; UsageError if it is no path."""
    try:
        where = path.resolve()
        os.lstat(where.parent)  # a name that is too long, or that holds a null byte
        os.path.lexists(where)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{str(path)[:200]!r} is no usable path: {why}") from error
    return where


def _check_above(path: Path, where: Path) -> None:
    """Raise InUse if one of the folders above is none."""
    for above in _existing(where.parent):
        if not above.is_dir():
            raise InUse(f"{path} cannot be written: {above} is no folder")
        return


def _existing(path: Path) -> Iterator[Path]:
    yield from (each for each in (path, *path.parents) if os.path.lexists(each))
