"""Being a job: inside `running`, this process is the job of a folder, and how it ends is recorded there."""

from __future__ import annotations

import _thread
import json
import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from numbers import Real
from pathlib import Path

from filelock import FileLock

from ..errors import FormatError, message_of
from ..io import atomic_write
from ..places import note_places
from ..threads import held_threads, threads
from .launch import named_paths, plain_words, purpose
from .locks import SLOTS, acquire_any, is_first, slots_folder
from .records import (
    FAILED,
    FINISHED,
    JOB,
    LOCK,
    LOG,
    METRICS_FILE,
    QUEUED,
    RUNNING,
    STATUS,
    STOP,
    STOPPED,
    UNREADABLE,
    WAITING,
    check_records,
    iso_now,
    job_record,
    read_curves,
    read_or_tell,
    read_status,
    save_record,
    status_record,
)

POLL_SECONDS = 0.4
GO_ON = "what was finished is kept, resuming goes on from there"


@contextmanager
def running(
    folder: Path, kind: str, argv: Sequence[str], *, queue: bool = False, slots: Path | None = None
) -> Iterator[Running]:
    """Inside, this process is the job of a folder; how it ends is recorded there.

    An earlier job's records stay until this one's work begins. What is refused before leaves the folder as it was, for
    whoever typed the command has read why; where `start_words` prepared the folder, the job is kept as failed.

    Args:
        queue: wait until fewer than two other jobs run; else a slot is taken where one is free.
        slots: folder of the slots; None: see `slots_folder`.

    Raises:
        FormatError: the folder's job is running already.
        KeyboardInterrupt: someone called `stop_job`; in the main thread at once, in another at the next report.
    """
    check_records(folder)
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
                    if job.threads != threads():
                        job.report(f"{job.threads} threads compute, as when this was started: to the same numbers")
                    with held_threads(job.threads):
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
        self._said: list[str] = []
        self._writing = threading.Lock()
        earlier = read_or_tell(folder)
        known = earlier is not None and earlier.state != UNREADABLE
        self._prepared = known and read_status(folder)["pid"] is None
        self._accepted = self._stop = self._deaf = self._changed = False
        self._over = threading.Event()
        self._main = threading.current_thread() is threading.main_thread()
        if not self._prepared:
            (folder / STOP).unlink(missing_ok=True)
        resumed = known and "--resume" in argv
        kept = {"done": earlier.done, "total": earlier.total} if resumed else {}
        self.threads = (resumed and earlier.threads) or threads()
        here = earlier.directory if earlier is not None and self._prepared else Path.cwd()
        if not self._prepared:  # typed: else whoever started the job has looked at its words
            _note_named(argv, here)
        same = known and purpose(earlier.argv, earlier.directory) == purpose(argv, here)
        self._about = job_record(kind, argv, here, earlier.created if same else iso_now(), self.threads)
        self._status = status_record(QUEUED, os.getpid(), kept)
        self._curve_from: int | None = None

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
        news = {"message": words or self._status["message"]}
        if done is not None:
            self._accepted = True
            news |= {"done": done, "total": total or self._status["total"], "seconds_left": seconds_left}
            self._begin()
            if measures is not None:
                self._point(done, measures)
        self._tell(**news)
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
            kept = [json.dumps(point) for point in read_curves(self.folder) if point["step"] < step]
            with suppress(OSError), atomic_write(self.folder / METRICS_FILE) as path:
                path.write_text("".join(f"{line}\n" for line in kept))
        numbers = {k: float(v) for k, v in measures.items() if isinstance(v, Real) and not isinstance(v, bool)}
        self._append(METRICS_FILE, json.dumps({"step": step, "terms": {}, "measures": numbers}))

    def _begin(self) -> None:
        """Make the folder's records this job's."""
        if not self._begun:
            self._begun = True
            self._write()
            save_record(self.folder / JOB, self._about)
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
            if not save_record(self.folder / STATUS, self._status | {"updated": iso_now()}):
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
            words = message_of(error) if refused else traceback.format_exception_only(error)[-1].strip()
            if not self._prepared:  # else main or Python says it on standard error, which is the log
                self._log(words if refused else "".join(traceback.format_exception(error)).rstrip())
            self._end(FAILED, message=words)
        else:
            for name in (JOB, STATUS, LOG, STOP) if self._new else (STOP,):
                with suppress(OSError):
                    (self.folder / name).unlink()


def _note_named(argv: Sequence[str], directory: Path) -> None:
    """Keep what a command names as named by the user."""
    with suppress(ValueError):  # of no long job
        note_places([*named_paths(plain_words(argv), directory), directory / "data"])


@contextmanager
def _slot(folder: Path, waiting: Running | None) -> Iterator[None]:
    """Inside, a slot is held: waited for in the order of starting, or without anyone waiting taken if there is one."""
    locks = [FileLock(folder / f"slot-{i}.lock") for i in range(SLOTS)]
    if waiting:
        folder.mkdir(parents=True, exist_ok=True)
        place = FileLock(folder / f"wait-{re.sub(r'[^0-9]', '', waiting._status['started'])}-{os.getpid()}.lock")
        place.acquire(timeout=2.0)
        try:
            while not (is_first(Path(place.lock_file)) and acquire_any(locks)):
                waiting._tell(message=WAITING)
                time.sleep(POLL_SECONDS)
                waiting._heed()
        finally:
            place.release()
            Path(place.lock_file).unlink(missing_ok=True)
    else:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            acquire_any(locks)
    try:
        yield
    finally:
        for lock in locks:
            lock.release()


def _interrupt_main() -> None:
    """SIGTERM to the main thread, which ends its wait for a worker too."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    else:
        _thread.interrupt_main(signal.SIGTERM)
