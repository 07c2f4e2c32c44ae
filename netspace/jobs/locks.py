"""Locks of jobs: the kernel releases them at any death, so whether one is held says whether its process lives."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..errors import FormatError
from ..io import open_regular

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SLOTS = 2


def is_held(path: Path) -> bool:
    """Whether a process holds this lock; who looks shares it, and is no holder to others who look."""
    try:
        if fcntl:
            with open_regular(path) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(file, fcntl.LOCK_UN)  # closing does not where a process forked meanwhile has it open
            return False
    except (FileNotFoundError, FormatError):
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


def slots_folder() -> Path:
    """Where the slots lie: NETSPACE_SLOTS, else a folder of the user's on this machine, whose cores all jobs share."""
    user = getattr(os, "getuid", lambda: "")()
    return Path(os.environ.get("NETSPACE_SLOTS") or Path(tempfile.gettempdir()) / f"netspace-{user}")


def acquire_any(locks: Sequence[FileLock]) -> bool:
    for lock in locks:
        with suppress(TimeoutError):
            lock.acquire(blocking=False)
            return True
    return False


def is_first(place: Path) -> bool:
    """Whether no job that started earlier waits; those that died waiting are cleared away."""
    for path in sorted(place.parent.glob("wait-*.lock")):
        if path.name >= place.name:
            return True
        if is_held(path):
            return False
        path.unlink(missing_ok=True)
    return True
