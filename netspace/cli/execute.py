"""Runs a command that was parsed: as one process or several, as the job of its folder, its outputs checked before."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ZooWarning
from ..jobs.running import running
from .outputs import check_outputs
from .torchrun import Silent, joined, same_threads


def execute(args: argparse.Namespace) -> None:
    """Run a command; what its `run` raises is raised here."""
    with joined(args) as args.world:
        args.world.together(lambda: check_outputs(args) if args.world.first else None)
        with as_job(args), _zoo_warnings_as_sentences():
            if "device" in args:
                from .options import device_of

                args.device = args.world.together(lambda: device_of(args))
            with same_threads(args.world):
                args.run(args)


@contextmanager
def as_job(args: argparse.Namespace) -> Iterator[None]:
    """Inside, a command that takes long is the job of its folder."""
    if "queue" not in args:  # of a command that is no job
        yield
        return
    if not args.world.first:
        args.job = Silent()
        yield
        return
    with running(args.out, args.kind, args.argv, queue=args.queue) as args.job:
        yield


@contextmanager
def _zoo_warnings_as_sentences() -> Iterator[None]:
    """Inside, what cannot be read of a zoo is said as a mistake is, without a place in the program."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message, category, filename, lineno, file=None, line=None) -> None:
            if issubclass(category, ZooWarning):
                print(f"netspace: {message}", file=sys.stderr)
            else:
                usual(message, category, filename, lineno, file, line)

        warnings.simplefilter("always", ZooWarning)
        warnings.showwarning = show
        yield
