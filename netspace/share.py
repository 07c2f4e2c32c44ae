"""The part of a training step that one of several processes computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Share(NamedTuple):
    """Which part of a step's networks this process computes, if several train a space together."""

    rank: int = 0
    """of this process"""
    size: int = 1
    """number of processes"""

    def of(self, count: int) -> slice:
        """Return the places of its part among `count`; the parts of all processes are about equal."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def weigh(self, mean: Tensor, count: int) -> Tensor:
        """Return a mean over its part of `count`, such that all parts add up to the mean over the whole."""
        mine = self.of(count)
        return mean if self.size == 1 else mean * ((mine.stop - mine.start) / count)


WHOLE = Share()
"""all of a step's networks"""
