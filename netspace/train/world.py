"""The processes that work on one command, as one of them sees them: by itself it is ALONE, else one of `Processes`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ..errors import Elsewhere, UsageError
from ..share import Share

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Value = TypeVar("Value")


@dataclass(frozen=True)
class World:
    """One process by itself, which has nobody to wait for; `Processes` are several."""

    rank: int = 0
    """of this process"""
    size: int = 1
    """number of processes"""

    @property
    def first(self) -> bool:
        """Whether this process measures, writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """The part of a step that this process computes."""
        return Share(self.rank, self.size)

    def refuse(self, words: str) -> NoReturn:
        """Raise what every process finds wrong: a UsageError in the first, Elsewhere in the others."""
        raise UsageError(words) if self.first else Elsewhere(words)

    def gather(self, value: Value) -> list[Value]:
        """Return every process's value, in the order of ranks."""
        return [value]

    def together(self, work: Callable[[], Value]) -> Value:
        """Do what every process does by itself; if it goes wrong in one, it ends in all, and the first says why."""
        return work()

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Return what the first process makes; Elsewhere in the others if it could not."""
        return make()

    def check_same(self, what: str, value: Any) -> None:
        """Raise an error, naming a process that has another value than the first; `what` as in "another zoo"."""

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors by those of the first process."""

    def any(self, here: bool, device: torch.device) -> bool:
        """Return whether something happened in any process; `device`: that all of them compute on."""
        return here

    def add_up(self, parameters: Sequence[nn.Parameter], terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace gradients by their sums over all processes, and return the sums of loss terms.

        A parameter that has a gradient nowhere is left without one. All processes have the same terms.
        """
        return dict(terms)


ALONE = World()
"""this process works by itself"""
