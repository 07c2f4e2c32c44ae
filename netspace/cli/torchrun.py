"""The processes that torchrun starts for one command: `torchrun --nproc-per-node 2 -m netspace train ...`.

All run the same command. They become `Processes`, of which the first checks outputs, is the job and reports.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ..errors import Elsewhere, NetSpaceError, UsageError, one_line
from ..threads import held_threads
from ..train.world import ALONE, World

EXCHANGE_TIMEOUT = timedelta(hours=1)
"""for which a process waits for the others: the first measures alone"""
ONLY_COMMAND = "train"
"""the only command for several processes"""


class Silent:
    """The job, as processes other than the first have it: nobody reads what they say."""

    def report(self, *words: Any) -> None:
        """Say nothing."""


@contextmanager
def joined(args: argparse.Namespace) -> Iterator[World]:
    """Inside, all processes that torchrun started work together; ALONE if it started one, or did not start this.

    `args.device` names this process's own GPU if it was to be any.

    Raises:
        UsageError: the command is not for several processes, or there are more of them here than GPUs.
        NetSpaceError: the others cannot be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1")) if by_torchrun() else 1
    if size == 1:
        yield ALONE
        return
    if getattr(args, "kind", "") != ONLY_COMMAND:
        raise UsageError(f"torchrun starts several processes of `{ONLY_COMMAND}` alone; start this command without it")
    if args.queue:
        raise UsageError("--queue is for one process; start several when there is room for them")
    import torch
    import torch.distributed as dist

    from ..train.processes import Processes

    backends = ["cpu:gloo"]
    if torch.cuda.is_available() and args.device != "cpu":
        backends.append("cuda:nccl")
    world = Processes(int(os.environ["RANK"]), size)
    try:
        dist.init_process_group(",".join(backends), timeout=EXCHANGE_TIMEOUT)
    except (RuntimeError, ValueError) as error:
        words = f"the {size} processes that torchrun started do not reach each other ({one_line(error)})"
        raise NetSpaceError(words) if speaks(args) else Elsewhere(words) from error
    try:
        args.device = world.together(lambda: own_device(args.device))
        yield world
    finally:
        dist.destroy_process_group()


def own_device(name: str) -> str:
    """Return the device of this process: the GPU of its number on this machine if `name` is cuda, or auto finds any.

    Raises:
        UsageError: a GPU is named by its number, or this machine has fewer GPUs than processes.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    if name != "cuda":
        raise UsageError(f"--device {name} is for one process; several train on cpu, or on a GPU each: cuda")
    place, count = local_rank(), torch.cuda.device_count()
    if place >= count:
        here = os.environ.get("LOCAL_WORLD_SIZE", place + 1)
        raise UsageError(f"{here} processes on this machine and {count} GPUs: start one process per GPU")
    torch.cuda.set_device(place)
    return f"cuda:{place}"


@contextmanager
def same_threads(world: World) -> Iterator[None]:
    """Inside, every process computes with as many threads as the first, whose job says how many."""
    if world.size == 1:
        yield
        return
    import torch

    with held_threads(world.from_first(torch.get_num_threads)):
        yield


def local_rank() -> int:
    """Return the number of this process among those of torchrun on this machine; 0 without torchrun."""
    return int(os.environ.get("LOCAL_RANK", "0")) if by_torchrun() else 0


def by_torchrun() -> bool:
    """Return whether torchrun started this process, as `torch.distributed.is_torchelastic_launched` does."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def speaks(args: argparse.Namespace) -> bool:
    """Return whether this process speaks for the others; before they are joined, for those on its machine."""
    return args.world.first if "world" in args else local_rank() == 0
