"""What the records of a job's folder say of it, read from any process; and how they are written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from numbers import Real
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..io import FORMATS, METRICS_FILE, atomic_write, check_format, find_files, open_regular, read_json, read_text
from ..places import check_own
from ..threads import MOST_THREADS
from .command import typed
from .launch import absolute_words, plain_words
from .locks import is_held

QUEUED, RUNNING, STOPPED, FINISHED, FAILED, CRASHED = "queued", "running", "stopped", "finished", "failed", "crashed"
ALIVE = (QUEUED, RUNNING)
UNREADABLE = "unreadable"
"""what `find_jobs` says of a folder that `read_job` refuses"""
JOB, STATUS, LOG, STOP, LOCK = "job.json", "status.json", "log.txt", "STOP", ".lock"
STARTING = timedelta(seconds=60)
"""how long a process that another started may take to its first word, before it counts as dead"""
WAITING = "waiting until fewer than two other jobs run"
"""message of a queued job whose process is there; until it says so, it is starting"""
NO_WORD = "the process ended without a word (killed, disk full, power lost); resuming goes on from what was saved"


@dataclass(frozen=True)
class Job:
    """What the records of a folder say of a long job."""

    folder: Path
    kind: str
    """the command's name: "train", "zoo fit-cnn"..."""
    argv: tuple[str, ...]
    """the words after `python -m netspace`"""
    directory: Path
    """the working directory it was started in, to which relative paths in `argv` are relative"""
    command: str
    """as one would type it"""
    created: str
    """ISO time of the first start"""
    state: str
    """queued, running, stopped (on request), finished, failed (and said why), crashed; unreadable, from `find_jobs`"""
    message: str
    """the last words; why it failed"""
    done: int
    total: int
    """0 where it is not known yet"""
    seconds_left: float | None
    started: str
    """ISO time of the last start"""
    updated: str
    threads: int | None = None
    """with which it computes, so that it ends with the same numbers if it is resumed; None: an earlier version's"""

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    def option(self, name: str) -> str:
        """The value of an option that it was started with, such as "zoo"; empty if it was not given."""
        return next((value for word, value in zip(self.argv, self.argv[1:], strict=False) if word == f"--{name}"), "")


def read_job(folder: Path) -> Job:
    """The job of a folder.

    FormatError, in one sentence, where its records cannot be read, or its job.json is damaged.
    """
    reap()
    try:
        return _read_job(folder)
    except OSError as error:
        raise FormatError(f"the records of {folder} cannot be read ({error.strerror or error})") from error


def check_records(folder: Path) -> None:
    """Raise FormatError if a job's file is a link that leads out of its folder: folders come from other people too."""
    check_own(folder, JOB, STATUS, LOG, METRICS_FILE, STOP, LOCK)


def _read_job(folder: Path) -> Job:
    check_records(folder)
    about = read_json(folder / JOB)
    check_format(about if isinstance(about, dict) else {}, "job", folder / JOB)
    try:
        words = tuple(map(str, about["argv"]))
        known = {"kind": about["kind"], "command": about["command"], "created": about["created"]}
        job: dict[str, Any] = {"folder": folder, "argv": words, "directory": Path(about["directory"])} | known
    except (KeyError, TypeError) as error:
        raise FormatError(f"{folder / JOB} is damaged: it has no usable {error}") from error
    for name, value in known.items():
        if not isinstance(value, str) or (name == "created" and not _time(value)):
            raise FormatError(f"{folder / JOB} is damaged: it has no usable '{name}'")
    threads = about.get("threads")
    job["threads"] = threads if type(threads) is int and 1 <= threads <= MOST_THREADS else None
    status = read_status(folder)
    if status["state"] not in ALIVE and is_held(folder / LOCK):  # a command that has not begun to work in it
        status |= {"state": RUNNING, "message": "starting", "seconds_left": None}
    while status["state"] in ALIVE and not _lives(folder, status):
        again = read_status(folder)
        if again == status:  # else it ended, or began, between two looks
            status |= _death(folder, status)
            break
        status = again
    status["started"] = status["started"] if _time(status["started"]) else job["created"]
    status["updated"] = status["updated"] if _time(status["updated"]) else status["started"]
    return Job(**job, **{name: value for name, value in status.items() if name != "pid"})


def find_jobs(roots: Sequence[Path]) -> list[Job]:
    """Every job at most four folders below these, newest start first; those that cannot be read say so."""
    folders: dict[Path, Path] = {}
    for root in roots:
        for path in find_files(root, 4, JOB):
            folders.setdefault(path.parent.resolve(), path.parent)
    return sorted(filter(None, map(read_or_tell, folders.values())), key=lambda job: job.started, reverse=True)


def read_curves(folder: Path) -> list[dict]:
    """The curves of a job, a dict a step: step, terms and measures by name; what is half written is left out."""
    try:
        check_own(folder, METRICS_FILE)
        lines = read_text(folder / METRICS_FILE, errors="replace").splitlines()
    except (OSError, FormatError):
        return []
    return [found for line in lines if (found := _point(line))]


def log_tail(job: Job, lines: int = 200) -> str:
    """The last lines that a job said."""
    try:
        check_own(job.folder, LOG)
        with open_regular(job.folder / LOG) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 400 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except (OSError, FormatError):
        return ""


def read_or_tell(folder: Path) -> Job | None:
    """The job of a folder, unreadable where `read_job` refuses it; None where it is gone."""
    try:
        return read_job(folder)
    except (ValueError, TypeError) as problem:
        try:
            when = datetime.fromtimestamp((folder / JOB).stat().st_mtime, UTC).isoformat()
        except OSError:
            return None
        return Job(folder, "", (), folder, "", when, UNREADABLE, str(problem), 0, 0, None, when, when)


def read_status(folder: Path) -> dict:
    """All fields of status.json; what is missing or of another type, as where the disk was full, is that of a run
    without news."""
    usual = {"state": RUNNING, "message": "", "done": 0, "total": 0, "seconds_left": None}
    usual |= {"started": "", "updated": "", "pid": 0}
    types = {"seconds_left": Real | None, "pid": int | None}
    try:
        found = read_json(folder / STATUS)
        right = [n for n in usual if n in found and isinstance(found[n], types.get(n, type(usual[n])))]
        right = [n for n in right if _sensible(n, found[n])]
        return usual | {name: found[name] for name in right}
    except (FormatError, TypeError):
        return usual


STATES = (QUEUED, RUNNING, STOPPED, FINISHED, FAILED, CRASHED)
LONGEST = 1e10
"""seconds that a job may say it takes yet"""


def _sensible(name: str, value: Any) -> bool:
    """Whether a field of status.json has a value that this program could have written."""
    if name == "state":
        return value in STATES
    if name in ("done", "total"):
        return not isinstance(value, bool) and value >= 0
    return name != "seconds_left" or value is None or 0 <= value <= LONGEST


def _time(text: str) -> datetime | None:
    """An ISO time; None where it is none, or does not say of which zone."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else None


def _lives(folder: Path, status: dict) -> bool:
    """Whether the process of a job is there, or about to come."""
    if is_held(folder / LOCK):
        return True
    if status["pid"] is not None:
        return False
    child = children.get(folder.resolve())
    if child:  # started here, so known to live however slow its start is
        return child.poll() is None
    when = _time(status["updated"])
    return when is not None and datetime.now(UTC) - when < STARTING


def _death(folder: Path, status: dict) -> dict:
    """What a job that says it is alive comes to where its process is not there."""
    if status["pid"] is not None:
        return {"state": CRASHED, "message": NO_WORD, "seconds_left": None}
    lines = read_text(folder / LOG, errors="replace").split("\n") if (folder / LOG).is_file() else []
    return {"state": FAILED, "message": next(filter(None, reversed(lines)), "it never began"), "seconds_left": None}


def _point(line: str) -> dict | None:
    """A line of metrics.jsonl, or None where it is damaged."""
    try:
        found = json.loads(line)
        if type(found["step"]) is not int:
            return None
        for part in ("terms", "measures"):
            numbers = found.get(part, {})
            found[part] = {k: v for k, v in numbers.items() if isinstance(v, Real) and not isinstance(v, bool)}
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


children: dict[Path, subprocess.Popen] = {}


def remember(folder: Path, child: subprocess.Popen) -> None:
    """Note the process of a job that this one started."""
    children[folder.resolve()] = child


def reap() -> None:
    """Let children that ended go, which would stay as zombies."""
    for child in children.values():
        child.poll()


def duration(seconds: float) -> str:
    """A time left in words: "3 min 05 s", "2 h 07 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {seconds:02d} s"


def job_record(
    kind: str, argv: Sequence[str], directory: Path, created: str, threads: int | None = None
) -> dict[str, Any]:
    """What job.json holds: the command as it was typed, and its words without what depends on the directory.

    Args:
        threads: with which it computes; None while no process has said so.
    """
    words = plain_words(argv)
    command = typed(words)
    with suppress(ValueError):  # of no long job
        words = absolute_words(words, directory.resolve())
    about = {"format": FORMATS["job"], "kind": kind, "argv": words, "directory": str(directory)}
    return about | {"command": command, "created": created} | ({"threads": threads} if threads else {})


def status_record(state: str, pid: int | None, kept: Mapping) -> dict:
    """What status.json holds at a start; `pid` is None until the process is there."""
    counts = {"done": kept.get("done", 0), "total": kept.get("total", 0), "seconds_left": None}
    return {"state": state, "message": "", **counts, "started": iso_now(), "updated": iso_now(), "pid": pid}


def save_record(path: Path, record: dict) -> bool:
    """Replace a JSON file; False where the disk is full."""
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
        return True
    except OSError:
        return False


def iso_now() -> str:
    return datetime.now(UTC).isoformat()
