"""How many threads torch computes with: a sum that is split among more or fewer differs in its last bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

MOST_THREADS = 1024
"""that a record may ask for"""


def threads() -> int:
    """Return how many threads torch computes with in this process."""
    import torch

    return torch.get_num_threads()


@contextmanager
def held_threads(count: int = 1) -> Iterator[None]:
    """Inside, torch computes with so many threads, whatever this process was started with.

    One is what small networks are fastest with; the same work is then spread over processes or threads of Python.
    """
    import torch

    before = torch.get_num_threads()
    if count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count != before:
            torch.set_num_threads(before)
