"""Start, stop and resume a long job from any process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import FormatError, UsageError
from ..folders import CHECKOUT, CODE
from ..places import check_known, note_places
from .command import Command, typed
from .launch import (
    absolute_words,
    checked_words,
    command_name,
    depends_on,
    environment,
    named_paths,
    plain_words,
    purpose,
)
from .locks import is_held
from .records import (
    FINISHED,
    JOB,
    LOCK,
    LOG,
    QUEUED,
    STATUS,
    STOP,
    check_records,
    iso_now,
    job_record,
    read_job,
    read_or_tell,
    reap,
    remember,
    save_record,
    status_record,
)

NICENESS = 10
"""by which a job is nicer than the process that started it"""


def start_job(command: Command, directory: Path | None = None, *, resume: bool = False) -> Path:
    """Start a long job as a process of its own, which outlives this one; return its folder.

    Args:
        directory: to which relative paths are relative; None: this process's working directory.
        resume: go on with what the folder holds.

    Raises:
        FormatError: the folder is in use, or holds anything that is not to be resumed.
        UsageError: the command is no long job, or has no such option or setting.
    """
    return start_words([*command.words, *(["--resume"] if resume else [])], directory)


def start_words(argv: Sequence[str], directory: Path | None = None) -> Path:
    """Run `python -m netspace *argv` as a process of its own, which outlives this one; the folder of the job.

    It gives way to this process, where the system knows such a thing: an app stays quick beside what it started. It
    runs in the product's own folder and imports from nowhere else than this process does, but for its working
    directory. What the words name is kept as named by the user, see `places`.

    Args:
        directory: to which paths among the words are relative; None: this process's working directory.

    Raises:
        FormatError: the folder is in use, or holds anything and `--resume` is not among the words.
        ValueError: the words are not those of a long job.
    """
    directory = (directory or Path.cwd()).resolve()
    note_places([*named_paths(plain_words(argv), directory), directory / "data"])
    return _start(argv, directory)


def _start(argv: Sequence[str], directory: Path) -> Path:
    """`start_words` with words that someone has looked at."""
    reap()
    words = absolute_words(plain_words(argv), directory)
    place = max(i for i, word in enumerate(words) if word == "--out") + 1
    folder = directory / words[place]
    argv = [*words, *(["--resume"] if "--resume" in argv else [])]
    check_records(folder)
    earlier: dict[str, Any] = {}
    if folder.exists():
        if is_held(folder / LOCK) or ((job := read_or_tell(folder)) and job.alive):
            raise FormatError(f"{folder} is running already")
        others = {path.name for path in folder.iterdir()} - {JOB, STATUS, LOG, STOP, LOCK}
        if others and "--resume" not in argv:
            raise FormatError(f"{folder} is not empty; choose another folder")
        if "--resume" in argv and (folder / JOB).exists():
            job = read_job(folder)
            if purpose(job.argv, job.directory) != purpose(argv, CODE):
                raise FormatError(f"{folder} was made by another command: {job.command}")
            earlier = {"done": job.done, "total": job.total, "created": job.created, "threads": job.threads}
    argv, home = checked_words(argv, Path(words[place])), CODE if CHECKOUT else directory
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STOP).unlink(missing_ok=True)
    created, threads = earlier.get("created", iso_now()), earlier.get("threads")
    save_record(folder / JOB, job_record(command_name(argv), argv, home, created, threads))
    save_record(folder / STATUS, status_record(QUEUED, None, earlier) | {"message": "starting"})
    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "netspace", *argv, "--queue"],
            cwd=CODE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            env=environment(directory),
        )  # fmt: skip
    remember(folder, child)
    if hasattr(os, "setpriority"):
        with suppress(ProcessLookupError):  # it is over already
            os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    return folder


def stop_job(folder: Path) -> None:
    """Ask a job to stop; FormatError where it is neither running nor queued."""
    job = read_job(folder)
    if not job.alive:
        raise FormatError(f"{folder} is {job.state}: there is nothing to stop")
    check_records(folder)
    (folder / STOP).touch()


def resume_job(folder: Path) -> Path:
    """Start a job that ended early once more, to go on; FormatError where it is alive, finished, or no job of ours.

    A folder may come from elsewhere: what it says is a command of this program that writes to this folder, and reads
    from it, from what ships and from what this user named on this machine; anything else is refused. Who trusts it
    types the command that the refusal shows.
    """
    job = read_job(folder)
    if job.alive:
        raise FormatError(f"{folder} is {job.state} already")
    if job.state == FINISHED:
        raise FormatError(f"{folder} is finished: there is nothing to resume")
    try:
        argv = plain_words(job.argv)
        if command_name(argv) != job.kind:
            raise UsageError(f"it is said to be {job.kind!r} and starts with {command_name(argv)!r}")
        argv = checked_words(absolute_words(argv, CODE), _own(folder, argv, job.directory))
        if depends_on(argv, job.directory) and not job.directory.is_dir():
            raise FormatError(f"{folder} was started in {job.directory}, which is not there any more")
        again = [*checked_words(absolute_words(argv, job.directory), folder.resolve()), "--resume"]
        for path in named_paths(argv, job.directory):
            check_known(path, folder, f"type `{typed(again)}`, or ")
        return _start([*argv, "--resume"], job.directory.resolve())
    except FormatError:
        raise
    except ValueError as error:
        raise FormatError(f"{folder} cannot be resumed: its {JOB} holds no job of this program ({error})") from error


def _own(folder: Path, argv: Sequence[str], directory: Path) -> Path:
    """A job's folder as its words name it, where they still do; its whole path where it was moved since."""
    named = next((argv[i + 1] for i, word in enumerate(argv[:-1]) if word == "--out"), "")
    here = folder.resolve()
    return Path(named) if named and (directory / named).resolve() == here else here
