"""Long jobs: a job is the folder it writes to and a process, whether a terminal or the app started it.

    job.json       format, kind, argv, directory, command, created: what it is; paths in argv are absolute, or relative
                   to the checkout, where jobs run if there is one
    status.json    state, message, done, total, seconds_left, started, updated, pid: how far it is
    metrics.jsonl  the curves, a line a step: step, terms, measures
    log.txt        every line it said
    STOP           asks it to stop
    .lock          held as long as the process lives

The kernel releases a lock at any death, so no process id has to be trusted: what says that it is running while its lock
is free has crashed. Two jobs run at a time on a machine, which are two further locks; those started to queue wait.
"""

from __future__ import annotations

import _thread
import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from numbers import Real
from pathlib import Path

from filelock import FileLock

from ..errors import FormatError, UsageError
from ..io import FORMATS, atomic_write, check_format, find_files, read_json
from .launch import ROOT, absolute_words, checked_words, depends_on, environment, kind_of, working_directory

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

QUEUED, RUNNING, STOPPED, FINISHED, FAILED, CRASHED = "queued", "running", "stopped", "finished", "failed", "crashed"
ALIVE = (QUEUED, RUNNING)
UNREADABLE = "unreadable"
"""what `find` says of a folder that `read` refuses"""
JOB, STATUS, METRICS, LOG, STOP, LOCK = "job.json", "status.json", "metrics.jsonl", "log.txt", "STOP", ".lock"
AT_ONCE = 2
NICE = 10
"""by which a job is nicer than the process that started it"""
POLL_SECONDS = 0.4
STARTING = timedelta(seconds=60)
"""how long a process that another started may take to its first word, before it counts as dead"""
GO_ON = "what was finished is kept, resuming goes on from there"
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
    """queued, running, stopped (on request), finished, failed (and said why), crashed; from `find` also unreadable"""
    message: str
    """the last words; why it failed"""
    done: int
    total: int
    """0 where it is not known yet"""
    seconds_left: float | None
    started: str
    """ISO time of the last start"""
    updated: str

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


# -- looking at jobs, from any process -----------------------------------------------------------------------------


def read(folder: Path) -> Job:
    """The job of a folder.

    FormatError, in one sentence, where its records cannot be read, or its job.json is damaged.
    """
    _reap()
    try:
        return _read(folder)
    except OSError as error:
        raise FormatError(f"the records of {folder} cannot be read ({error.strerror or error})") from error


def _read(folder: Path) -> Job:
    about = read_json(folder / JOB)
    check_format(about if isinstance(about, dict) else {}, "job", folder / JOB)
    try:
        words = tuple(map(str, about["argv"]))
        known = {"kind": about["kind"], "command": about["command"], "created": about["created"]}
        job = {"folder": folder, "argv": words, "directory": Path(about["directory"])} | known
    except (KeyError, TypeError) as error:
        raise FormatError(f"{folder / JOB} is damaged: it has no usable {error}") from error
    for name, value in known.items():
        if not isinstance(value, str) or (name == "created" and not _time(value)):
            raise FormatError(f"{folder / JOB} is damaged: it has no usable '{name}'")
    status = _status(folder)
    if status["state"] not in ALIVE and _held(folder / LOCK):  # a command that has not begun to work in it
        status |= {"state": RUNNING, "message": "starting", "seconds_left": None}
    while status["state"] in ALIVE and not _lives(folder, status):
        again = _status(folder)
        if again == status:  # else it ended, or began, between two looks
            status |= _death(folder, status)
            break
        status = again
    status["started"] = status["started"] if _time(status["started"]) else job["created"]
    status["updated"] = status["updated"] if _time(status["updated"]) else status["started"]
    return Job(**job, **{name: value for name, value in status.items() if name != "pid"})


def find(roots: Sequence[Path]) -> list[Job]:
    """Every job at most four folders below these, newest start first; those that cannot be read say so."""
    folders = {}
    for root in roots:
        for path in find_files(root, 4, JOB):
            folders.setdefault(path.parent.resolve(), path.parent)
    return sorted(filter(None, map(_read_or_tell, folders.values())), key=lambda job: job.started, reverse=True)


def metrics(folder: Path) -> list[dict]:
    """The curves of a job, a dict a step: step, terms and measures by name; what is half written is left out."""
    try:
        lines = (folder / METRICS).read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [found for line in lines if (found := _point(line))]


def log_tail(job: Job, lines: int = 200) -> str:
    """The last lines that a job said."""
    try:
        with (job.folder / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 400 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _read_or_tell(folder: Path) -> Job | None:
    """The job of a folder, unreadable where `read` refuses it; None where it is gone."""
    try:
        return read(folder)
    except (ValueError, TypeError) as problem:
        try:
            when = datetime.fromtimestamp((folder / JOB).stat().st_mtime, UTC).isoformat()
        except OSError:
            return None
        return Job(folder, "", (), folder, "", when, UNREADABLE, str(problem), 0, 0, None, when, when)


def _status(folder: Path) -> dict:
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


def _sensible(name: str, value: object) -> bool:
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
    if _held(folder / LOCK):
        return True
    if status["pid"] is not None:
        return False
    child = _children.get(folder.resolve())
    if child:  # started here, so known to live however slow its start is
        return child.poll() is None
    when = _time(status["updated"])
    return when is not None and datetime.now(UTC) - when < STARTING


def _death(folder: Path, status: dict) -> dict:
    """What a job that says it is alive comes to where its process is not there."""
    if status["pid"] is not None:
        return {"state": CRASHED, "message": NO_WORD, "seconds_left": None}
    lines = (folder / LOG).read_text(errors="replace").split("\n") if (folder / LOG).exists() else []
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


def _held(path: Path) -> bool:
    """Whether a process holds this lock; who looks shares it, and is no holder to others who look."""
    try:
        if fcntl:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(file, fcntl.LOCK_UN)  # closing does not where a process forked meanwhile has it open
            return False
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ENOSYS:  # also where it is another user's, whose job we believe
            return True
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0.06, poll_interval=0.02)  # longer than another looks
    except OSError:
        return True
    lock.release()
    return False


# -- starting and stopping them ------------------------------------------------------------------------------------

_children: dict[Path, subprocess.Popen] = {}


def start(argv: Sequence[str], directory: Path | None = None) -> Path:
    """Run `python -m netspace *argv` as a process of its own, which outlives this one; the folder of the job.

    It gives way to this process, where the system knows such a thing: an app stays quick beside what it started. It
    runs in the checkout or, of an installed product, in `directory`, and imports from neither but the product.

    Args:
        directory: to which paths among the words are relative; None: this process's working directory.

    Raises:
        FormatError: the folder is in use, or holds anything and `--resume` is not among the words.
        ValueError: the words are not those of a long job.
    """
    _reap()
    directory = (directory or Path.cwd()).resolve()
    words = absolute_words(_plain(argv), directory)
    place = max(i for i, word in enumerate(words) if word == "--out") + 1
    folder = directory / words[place]
    argv = [*words, *(["--resume"] if "--resume" in argv else [])]
    earlier = {}
    if folder.exists():
        if _held(folder / LOCK) or ((job := _read_or_tell(folder)) and job.alive):
            raise FormatError(f"{folder} is running already")
        others = {path.name for path in folder.iterdir()} - {JOB, STATUS, LOG, STOP, LOCK}
        if others and "--resume" not in argv:
            raise FormatError(f"{folder} is not empty; choose another folder")
        if "--resume" in argv and (folder / JOB).exists():
            job = read(folder)
            if _purpose(job.argv, job.directory) != _purpose(argv, ROOT):
                raise FormatError(f"{folder} was made by another command: {job.command}")
            earlier = {"done": job.done, "total": job.total, "created": job.created}
    argv, place_to_run = checked_words(argv, Path(words[place])), working_directory(directory)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STOP).unlink(missing_ok=True)
    _save(folder / JOB, _about(kind_of(argv), argv, place_to_run, earlier.get("created", _now())))
    _save(folder / STATUS, _news(QUEUED, None, earlier) | {"message": "starting"})
    with (folder / LOG).open("ab") as log:
        _children[folder.resolve()] = child = subprocess.Popen(
            [sys.executable, "-m", "netspace", *argv, "--queue"],
            cwd=place_to_run, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            env=environment(directory),
        )  # fmt: skip
    if hasattr(os, "setpriority"):
        with suppress(ProcessLookupError):  # it is over already
            os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    return folder


def stop(folder: Path) -> None:
    """Ask a job to stop; FormatError where it is neither running nor queued."""
    job = read(folder)
    if not job.alive:
        raise FormatError(f"{folder} is {job.state}: there is nothing to stop")
    (folder / STOP).touch()


def resume(folder: Path) -> Path:
    """Start a job that ended early once more, to go on; FormatError where it is alive, finished, or no job of ours.

    A folder may come from elsewhere: what it says is a command of this program that writes to this folder, or refused.
    """
    job = read(folder)
    if job.alive:
        raise FormatError(f"{folder} is {job.state} already")
    if job.state == FINISHED:
        raise FormatError(f"{folder} is finished: there is nothing to resume")
    try:
        argv = _plain(job.argv)
        if kind_of(argv) != job.kind:
            raise UsageError(f"it is said to be {job.kind!r} and starts with {kind_of(argv)!r}")
        argv = checked_words(absolute_words(argv, ROOT), _own(folder, argv, job.directory))
        if depends_on(argv, job.directory) and not job.directory.is_dir():
            raise FormatError(f"{folder} was started in {job.directory}, which is not there any more")
        return start([*argv, "--resume"], job.directory)
    except FormatError:
        raise
    except ValueError as error:
        raise FormatError(f"{folder} cannot be resumed: its {JOB} holds no job of this program ({error})") from error


def _own(folder: Path, argv: Sequence[str], directory: Path) -> Path:
    """A job's folder as its words name it, where they still do; its whole path where it was moved since."""
    named = next((argv[i + 1] for i, word in enumerate(argv[:-1]) if word == "--out"), "")
    here = folder.resolve()
    return Path(named) if named and (directory / named).resolve() == here else here


def _reap() -> None:
    """Let children that ended go, which would stay as zombies."""
    for child in _children.values():
        child.poll()


def _plain(argv: Sequence[str]) -> list[str]:
    """A command's words, without those that say how it was started."""
    words = [str(word) for word in argv if word not in ("--queue", "--resume")]
    return [part for word in words for part in (("--out", word[6:]) if word.startswith("--out=") else (word,))]


def _purpose(argv: Sequence[str], directory: Path) -> list[str]:
    """What is equal where two commands make the same thing, in whatever folder, started in whatever directory."""
    words = _plain(argv)
    with suppress(ValueError):  # of no long job
        words = absolute_words(words, directory)
    return [word for i, word in enumerate(words) if word != "--out" and words[i - 1 : i] != ["--out"]]


# -- being one -----------------------------------------------------------------------------------------------------


@contextmanager
def running(
    folder: Path, kind: str, argv: Sequence[str], *, queue: bool = False, slots: Path | None = None
) -> Iterator[Running]:
    """Inside, this process is the job of a folder; how it ends is recorded there.

    An earlier job's records stay until this one's work begins. What is refused before leaves the folder as it was, for
    whoever typed the command has read why; where `start` prepared the folder, the job is kept as failed.

    Args:
        queue: wait until fewer than two other jobs run; else a slot is taken where one is free.
        slots: folder of the slots; None: see `slots_folder`.

    Raises:
        FormatError: the folder's job is running already.
        KeyboardInterrupt: someone called `stop`; in the main thread at once, in another at the next report.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    new, lock = not (folder / LOCK).exists(), FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=2.0)  # who only looks holds it for a moment
    except TimeoutError:
        raise FormatError(f"{folder} is running already; see `jobs list`") from None
    try:
        job = Running(folder, kind, argv)
        with job._interruptible():
            try:
                if job._prepared or job._new:
                    job._begin()
                with job._listening(), _slot(slots or slots_folder(), job if queue else None):
                    job._tell(state=RUNNING, message="")
                    yield job
            except BaseException as error:
                job._end_early(error)
                raise
            job._end(FINISHED)
    finally:
        if new and not (folder / JOB).exists():
            (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # what is not empty stays
            for path in made:
                path.rmdir()


class Running:
    """The job that this process is; made by `running`."""

    def __init__(self, folder: Path, kind: str, argv: Sequence[str]) -> None:
        self.folder = folder
        self._new = not any((folder / name).exists() for name in (JOB, STATUS, LOG))
        self._begun = False
        self._said, self._writing = [], threading.Lock()
        earlier = _read_or_tell(folder)
        known = earlier is not None and earlier.state != UNREADABLE
        self._prepared = known and _status(folder)["pid"] is None
        self._accepted = self._stop = self._deaf = self._changed = False
        self._over = threading.Event()
        self._main = threading.current_thread() is threading.main_thread()
        if not self._prepared:
            (folder / STOP).unlink(missing_ok=True)
        kept = {"done": earlier.done, "total": earlier.total} if known and "--resume" in argv else {}
        here = Path.cwd()
        same = known and _purpose(earlier.argv, earlier.directory) == _purpose(argv, here)
        self._about = _about(kind, argv, here, earlier.created if same else _now())
        self._status = _news(QUEUED, os.getpid(), kept)
        self._curve_from = None

    def report(
        self,
        words: str = "",
        done: int | None = None,
        total: int | None = None,
        seconds_left: float | None = None,
        measures: Mapping | None = None,
    ) -> None:
        """Say a line, and how far the job is; the first that says `done` shows that its work has begun.

        Args:
            measures: a point of the curves at step `done`, of which numbers are kept; training writes its own.
        """
        if words:
            print(words, flush=True)
            self._log(words)
        now = {"message": words or self._status["message"]}
        if done is not None:
            self._accepted = True
            now |= {"done": done, "total": total or self._status["total"], "seconds_left": seconds_left}
            self._begin()
            if measures is not None:
                self._point(done, measures)
        self._tell(**now)
        self._heed()

    def _tell(self, **news) -> None:
        """News for status.json, which the listening thread writes: a slow or full disk holds up no step."""
        self._status = self._status | news
        self._changed = True

    def _heed(self) -> None:
        """Stop another thread than the main one, which a signal reaches; and that one if it works on after it was."""
        if self._deaf if self._main else self._stop:
            raise KeyboardInterrupt

    def _point(self, step: int, measures: Mapping) -> None:
        """A line of the curves, after those of earlier steps: a resumed job may come by a step again."""
        if self._curve_from is None:
            self._curve_from = step
            kept = [json.dumps(point) for point in metrics(self.folder) if point["step"] < step]
            with suppress(OSError), atomic_write(self.folder / METRICS) as path:
                path.write_text("".join(f"{line}\n" for line in kept))
        numbers = {k: float(v) for k, v in measures.items() if isinstance(v, Real) and not isinstance(v, bool)}
        self._append(METRICS, json.dumps({"step": step, "terms": {}, "measures": numbers}))

    def _begin(self) -> None:
        """Make the folder's records this job's."""
        if not self._begun:
            self._begun = True
            self._write()
            _save(self.folder / JOB, self._about)
            for line in self._said:
                self._append(LOG, line)

    def _log(self, line: str) -> None:
        if self._begun:
            self._append(LOG, line)
        else:
            self._said.append(line)

    def _append(self, name: str, line: str) -> None:
        with suppress(OSError), (self.folder / name).open("a") as file:  # a full disk must not end a job by this alone
            file.write(f"{line}\n")

    def _write(self) -> None:
        with self._writing:
            self._changed = False  # first: what is told while this is written is news again
            if not _save(self.folder / STATUS, self._status | {"updated": _now()}):
                self._changed = True

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Inside, the first SIGTERM or Ctrl-C interrupts; what comes while the job ends or is recorded is not heard.

        SIGINT only where Python hears it: it is ignored in what a script starts in the background, so in what an app
        started so starts.
        """

        def interrupted(*_) -> None:
            if not self._deaf:
                self._deaf = True
                raise KeyboardInterrupt

        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT) if self._main}
        if before and before[signal.SIGINT] is not signal.default_int_handler:
            del before[signal.SIGINT]
        try:
            for number in before:
                signal.signal(number, interrupted)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Inside, a thread writes news and looks for STOP, which it passes on as SIGTERM."""

        def listen() -> None:
            while not self._over.wait(POLL_SECONDS):
                if self._changed and self._begun:
                    self._write()
                if not self._stop and (self.folder / STOP).exists():
                    self._stop = True
                    if self._main:
                        _interrupt_main()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield
        finally:
            self._deaf = True
            self._over.set()
            listener.join()

    def _end(self, state: str, **news) -> None:
        self._begin()
        (self.folder / STOP).unlink(missing_ok=True)
        self._status = self._status | {"state": state, "seconds_left": None} | news
        self._write()

    def _end_early(self, error: BaseException) -> None:
        """Record why, or leave nothing of this command where it had not begun to work there."""
        self._deaf = True
        stopped, refused = isinstance(error, KeyboardInterrupt), isinstance(error, ValueError | KeyError | OSError)
        begun = self._accepted or self._prepared
        if stopped and (begun or self._new):
            self._end(STOPPED, message=GO_ON)
        elif begun or not (stopped or refused):
            words = sentence(error) if refused else traceback.format_exception_only(error)[-1].strip()
            if not self._prepared:  # else main or Python says it on standard error, which is the log
                self._log(words if refused else "".join(traceback.format_exception(error)).rstrip())
            self._end(FAILED, message=words)
        else:
            for name in (JOB, STATUS, LOG, STOP) if self._new else (STOP,):
                with suppress(OSError):
                    (self.folder / name).unlink()


def sentence(error: BaseException) -> str:
    """An error's message as a sentence for whoever asked."""
    return str(error.args[0] if isinstance(error, KeyError) and error.args else error)


def duration(seconds: float) -> str:
    """A time left in words: "3 min 05 s", "2 h 07 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {seconds:02d} s"


def slots_folder() -> Path:
    """Where the slots lie: NETSPACE_SLOTS, else a folder of the user's on this machine, whose cores all jobs share."""
    user = getattr(os, "getuid", lambda: "")()
    return Path(os.environ.get("NETSPACE_SLOTS") or Path(tempfile.gettempdir()) / f"netspace-{user}")


@contextmanager
def _slot(folder: Path, waiting: Running | None) -> Iterator[None]:
    """Inside, a slot is held: waited for in the order of starting, or without anyone waiting taken if there is one."""
    locks = [FileLock(folder / f"slot-{i}.lock") for i in range(AT_ONCE)]
    if waiting:
        folder.mkdir(parents=True, exist_ok=True)
        place = FileLock(folder / f"wait-{re.sub(r'[^0-9]', '', waiting._status['started'])}-{os.getpid()}.lock")
        place.acquire(timeout=2.0)
        try:
            while not (_is_first(Path(place.lock_file)) and _acquire_any(locks)):
                waiting._tell(message="waiting until fewer than two other jobs run")
                time.sleep(POLL_SECONDS)
                waiting._heed()
        finally:
            place.release()
            Path(place.lock_file).unlink(missing_ok=True)
    else:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            _acquire_any(locks)
    try:
        yield
    finally:
        for lock in locks:
            lock.release()


def _acquire_any(locks: Sequence[FileLock]) -> bool:
    for lock in locks:
        with suppress(TimeoutError):
            lock.acquire(blocking=False)
            return True
    return False


def _is_first(place: Path) -> bool:
    """Whether no job that started earlier waits; those that died waiting are cleared away."""
    for path in sorted(place.parent.glob("wait-*.lock")):
        if path.name >= place.name:
            return True
        if _held(path):
            return False
        path.unlink(missing_ok=True)
    return True


def _interrupt_main() -> None:
    """SIGTERM to the main thread, which ends its wait for a worker too."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    else:
        _thread.interrupt_main(signal.SIGTERM)


def _about(kind: str, argv: Sequence[str], directory: Path, created: str) -> dict:
    """What job.json holds: the command as it was typed, and its words without what depends on the directory."""
    words = _plain(argv)
    command = shlex.join(["python", "-m", "netspace", *words])
    with suppress(ValueError):  # of no long job
        words = absolute_words(words, directory.resolve())
    about = {"format": FORMATS["job"], "kind": kind, "argv": words, "directory": str(directory)}
    return about | {"command": command, "created": created}


def _news(state: str, pid: int | None, kept: Mapping) -> dict:
    """What status.json holds at a start; `pid` is None until the process is there."""
    counts = {"done": kept.get("done", 0), "total": kept.get("total", 0), "seconds_left": None}
    return {"state": state, "message": "", **counts, "started": _now(), "updated": _now(), "pid": pid}


def _save(path: Path, record: dict) -> bool:
    """Replace a JSON file; False where the disk is full."""
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
        return True
    except OSError:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat()
