"""Several processes that train one space together, each on its part of every step's networks.

A step's networks and random numbers follow from seed and step, so every process draws all of them and computes its
part; gradients are summed. What is measured and written is the first process's, and the others go by what it found.
`cli.torchrun` joins the processes that torchrun started.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..errors import Elsewhere, NetSpaceError, message_of
from .world import Value, World

EXPECTED = (ValueError, KeyError, OSError, MemoryError)
"""errors that are told in a sentence"""
LOST = (
    "another process of this training ended, or cannot be reached any more; what was saved is kept, --resume goes on "
    "from the last checkpoint"
)


class Processes(World):
    """Two processes or more, as one of them sees them."""

    def gather(self, value: Value) -> list[Value]:
        """Return every process's value, in the order of ranks."""
        values: list[Any] = [None] * self.size
        with self._exchange():
            dist.all_gather_object(values, value)
        return values

    def together(self, work: Callable[[], Value]) -> Value:
        """Do what every process does by itself; if it goes wrong in one, it ends in all, and the first says why."""
        result: Any = None
        problem: BaseException | None = None
        try:
            result = work()
        except EXPECTED as error:
            problem = error
        told = self.gather((problem and message_of(problem), platform.node()))
        failed = [(rank, words, host) for rank, (words, host) in enumerate(told) if words is not None]
        if not failed:
            return result
        if self.first and problem:
            raise problem
        rank, words, host = failed[0]
        self.refuse(f"process {rank + 1} of {self.size}, on {host}: {words}")

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Return what the first process makes; Elsewhere in the others if it could not."""
        if not self.first:
            (answer,) = self._broadcast([None])
            if answer is None:
                raise Elsewhere(LOST)
            return answer[0]
        try:
            made = make()
        except EXPECTED:
            self._broadcast([None])
            raise
        self._broadcast([(made,)])
        return made

    def check_same(self, what: str, value: Any) -> None:
        """Raise an error, naming a process that has another value than the first; `what` as in "another zoo"."""
        found = self.gather((value, platform.node()))
        for rank, (other, host) in enumerate(found):
            if other != found[0][0]:
                self.refuse(f"process {rank + 1} of {self.size}, on {host}, has another {what} than the first process")

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors by those of the first process."""
        for t in tensors:
            whole = t.detach().contiguous()
            with self._exchange():
                dist.broadcast(whole, 0)
            t.detach().copy_(whole)

    def any(self, here: bool, device: torch.device) -> bool:
        """Return whether something happened in any process; `device`: that all of them compute on."""
        flag = torch.tensor(float(here), device=device)
        with self._exchange():
            dist.all_reduce(flag)
        return bool(flag)

    def add_up(self, parameters: Sequence[nn.Parameter], terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace gradients by their sums over all processes, and return the sums of loss terms.

        A parameter that has a gradient nowhere is left without one. All processes have the same terms.
        """
        device = parameters[0].device
        has = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
        small = torch.cat([torch.stack([t.detach().float() for t in terms.values()]), has]).contiguous()
        with self._exchange():
            dist.all_reduce(small)
        sums, counts = small[: len(terms)], small[len(terms) :].tolist()
        used = [p for p, count in zip(parameters, counts, strict=True) if count]
        for p in used:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad.contiguous()
        with self._exchange():
            for work in [dist.all_reduce(p.grad, async_op=True) for p in used]:
                work.wait()
        return dict(zip(terms, sums, strict=True))

    def _broadcast(self, values: list[Any]) -> list[Any]:
        """The first process's values."""
        with self._exchange():
            dist.broadcast_object_list(values, 0, device=torch.device("cpu"))
        return values

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Inside, an error of the transport is the end of another process, told by the first alone."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise (NetSpaceError if self.first else Elsewhere)(LOST) from error
