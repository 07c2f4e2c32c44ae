"""Options that name what a command writes, and the check of all of them before it begins."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any

from ..errors import InUse, UsageError
from ..jobs.locks import is_held
from ..jobs.records import JOB, LOCK, read_or_tell
from ..outputs import check_file, check_folder, resolved


class Output(argparse.Action):
    """An option that names what the command writes; `check_outputs` refuses what would be destroyed by it."""

    def __init__(
        self, *args: Any, holds: str = "", suffixes: Sequence[str] = (), empty: bool = False, **kwargs: Any
    ) -> None:
        """Say what is written.

        Args:
            holds: for a folder, the kind of it, a key of `netspace.outputs.HOLDINGS`; else it is a file.
            suffixes: those that a file's name may end with; none: any.
            empty: the folder is put in its place as a whole.
        """
        super().__init__(*args, **{**kwargs, "type": Path})
        self.holds, self.suffixes, self.empty = holds, tuple(suffixes), empty

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        if value == Path():
            raise UsageError(f"{option} is empty or the working directory; name a {'folder' if self.holds else 'file'}")
        setattr(namespace, self.dest, value)
        namespace.outputs = [*getattr(namespace, "outputs", ()), self]


def check_outputs(args: argparse.Namespace) -> None:
    """Raise an error, in words, unless what a command writes can destroy nothing; nothing was written yet."""
    outputs: list[Output] = getattr(args, "outputs", [])
    read = list(_paths(value for name, value in vars(args).items() if name not in {one.dest for one in outputs}))
    for one in outputs:
        path = getattr(args, one.dest)
        if not one.holds:
            check_file(path, one.suffixes, read)
            continue
        resume = getattr(args, "resume", None)
        check_folder(path, one.holds, resume=resume, empty=one.empty)
        _check_free(path, ({args.kind} | ({""} if resume else set())) if "queue" in args else set())


def _check_free(folder: Path, kinds: Set[str]) -> None:
    """Raise InUse if a folder is that of a job of none of these kinds ("": unreadable), or a process works in it."""
    where = resolved(folder)
    if is_held(where / LOCK):
        raise InUse(f"{folder} is running already; see `jobs list`")
    job = read_or_tell(where) if (where / JOB).exists() else None
    if job and job.kind not in kinds:
        raise InUse(f"{folder} holds a job{f' of {job.kind}' if job.kind else ''} already; choose another folder")


def _paths(values: Iterable[Any]) -> Iterator[Path]:
    """The paths among values, also those in lists."""
    for value in values:
        if isinstance(value, Path):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, Path))
