"""How much memory this machine has: what would need more is refused before anything is allocated."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from .errors import UsageError


def check_memory(needed: float, what: str) -> None:
    """Raise UsageError, with both sizes, if something needs more memory than this process can have.

    Args:
        needed: bytes.
        what: the subject of the sentence, such as "a PRep (8, 10000)".
    """
    if needed > memory():
        raise UsageError(f"{what} would take {size_in_words(needed)} of memory, there are {size_in_words(memory())}")


@cache
def memory() -> float:
    """Return the bytes of memory that this process can have: the machine's, or less if a limit is set; inf: unknown."""
    found = [float("inf")]
    with suppress(ValueError, OSError, AttributeError):
        found.append(float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE"))
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(ValueError, OSError):  # "max", or no control groups here
            found.append(float(Path(limit).read_bytes()))
    return min(found)


def size_in_words(count: float) -> str:
    """Return a number of bytes as people say it: "24 GB"."""
    for unit, name in ((1e24, "YB"), (1e21, "ZB"), (1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"
