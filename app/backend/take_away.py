"""What can be kept of networks and paths: the files of EXPORTS, and the commands that do the same."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from netspace.errors import UsageError
from netspace.export import EXPORTS
from netspace.export.table import CURVE, NETWORK, PATH, SURFACE, Export, NetworkSubject, exports_of
from netspace.io import read_bytes
from netspace.jobs import Command
from netspace.jobs.launch import environment
from netspace.latent.paths import METHODS
from netspace.nets.network import Network
from netspace.tasks import task_of

from . import chairs
from .catalogue import ROOT, Loaded
from .engine import at_rest
from .path import STEPS, NetworkPath, several
from .visitors import not_for_visitors

__all__ = ["CURVE", "NETWORK", "PATH", "SURFACE"]  # what `files_of` is asked for


def method_title(side: str) -> str:
    return METHODS[side].title


def arch_name(work: NetworkPath, side: str, i: int) -> str:
    """The architecture of a network of a path."""
    return work.loaded.space.family.names[work.arch_at(side, i)]


def file_name(work: NetworkPath, side: str, i: int, a: str, b: str) -> str:
    """What a network's file is called, without what says its kind; in a family it names the architecture."""
    arch = f"_{arch_name(work, side, i).split('/')[0]}" if several(work.loaded) else ""
    return f"{a}_{b}_{side}_{work.gammas[i]:.3f}{arch}"


def about_network(work: NetworkPath, side: str, i: int, a: str, b: str) -> dict:
    """Where a network of a path comes from; travels with its file."""
    method = METHODS[side]
    return {
        "method": side,
        "gamma": work.gammas[i],
        "a": a,
        "b": b,
        "is": method.ends if i in (0, STEPS - 1) else method.between,
        "space": work.loaded.space_info.id,
        "zoo": work.loaded.zoo_info.id,
    }


def path_key(work: NetworkPath, settled: bool, *which: Any) -> tuple:
    """Return what a file of a whole path is kept by; nothing if it is not `settled` what is known of the path."""
    return (work.id, work.sides, *which) if settled else ()


FileKey = Callable[[], tuple]
"""Returns, when a file is asked for, what differs where its subject does; nothing if it is not to be kept."""


class KeptFiles:
    """Files that were made, for all sessions: the last ones asked for, of so many bytes together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.files: OrderedDict[tuple, bytes] = OrderedDict()
        self.asked: dict[tuple, float] = {}
        """when each of them was asked for last"""
        self.lock = threading.Lock()

    def get(self, key: tuple, make: Callable[[], bytes]) -> bytes:
        """Return the file of a key, made now unless it is kept; what `make` raises is not kept."""
        with self.lock:
            self.asked[key] = time.monotonic()
            if key in self.files:
                self.files.move_to_end(key)
                return self.files[key]
        content = make()  # others are made meanwhile
        with self.lock:
            self.files[key] = content
            self.files.move_to_end(key)
            while sum(map(len, self.files.values())) > self.most:
                self.files.popitem(last=False)
            self.asked = {key: since for key, since in self.asked.items() if key in self.files}
        return content

    def forget(self, seconds: float) -> None:
        """Drop files that nobody has asked for in so many seconds."""
        with self.lock:
            for key in [key for key in self.files if time.monotonic() - self.asked.get(key, 0.0) >= seconds]:
                del self.files[key]


RECENT = KeptFiles(64 << 20)
at_rest(RECENT.forget)


class Offer(NamedTuple):
    """A file that can be had of something."""

    name: str
    """in EXPORTS"""
    title: str
    suffix: str
    words: str
    make: Callable[[], bytes]
    """raises NoSurface if it shows a surface and there is none"""
    lacking: str = ""
    """the package that it needs and that is not installed, in a sentence"""


def files_of(loaded: Loaded, of: str, subject: Callable[[], Any], key: FileKey = tuple) -> list[Offer]:
    """Return what EXPORTS has for these networks.

    Args:
        of: NETWORK, SURFACE, PATH or CURVE.
        subject: what is exported, made when a file is.
        key: what files are kept by for whoever asks for them again; by itself they are not.
    """

    def maker(name: str, export: Export) -> Callable[[], bytes]:
        def make() -> bytes:
            mine = key()  # before the subject: what is known of that only grows
            return RECENT.get((*mine, of, name), lambda: export.write(subject())) if mine else export.write(subject())

        return make

    found = exports_of(EXPORTS, task_of(loaded.space), of)
    return [Offer(name, one.title, one.suffix, one.words, maker(name, one), one.lacking) for name, one in found.items()]


@not_for_visitors
def collection(loaded: Loaded, a: str, b: str, method: str) -> Callable[[], bytes]:
    """Return what has the command `collect` write all files of a path as a zip, in a process of its own.

    It raises UsageError with what the command said if that wrote nothing.
    """
    options = both_folders(loaded) | {"a": a, "b": b, "method": method}

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "path.zip"
            words = [sys.executable, "-m", "netspace", *Command("collect", options, out=path).words]
            ended = subprocess.run(words, cwd=ROOT, env=environment(ROOT), capture_output=True, text=True)
            if ended.returncode:
                said = ended.stderr.strip().splitlines() or [f"it ended with status {ended.returncode}"]
                raise UsageError(said[-1].removeprefix("netspace: "))
            return read_bytes(path)

    return make


def network_subject(network: Network, about: dict) -> NetworkSubject:
    """Return a network as it is exported; `about` travels with its file."""
    return NetworkSubject(network, about, chairs.AT_REST)


def through_pair(a: str, b: str) -> list[tuple[float, str]]:
    """Return where a path passes through A and B, as `PathSubject.through` has it."""
    return [(0.0, f"A: {a}"), (1.0, f"B: {b}")]


def path_command(loaded: Loaded, a: str, b: str, method: str, steps: int = STEPS) -> str:
    """The command line that writes the same path."""
    options = {"a": a, "b": b, "method": method, "steps": steps}
    return Command("interpolate", both_folders(loaded) | options, out="path").line


def eval_command(loaded: Loaded, **options: str) -> str:
    """The command line that measures what `reconstruction` reads."""
    return Command("eval", both_folders(loaded) | options | {"save": True}).line


def both_folders(loaded: Loaded) -> dict[str, Path]:
    """The options that name the space and the zoo, relative to the product's folder if they lie in it."""
    folders = {"space": loaded.space_info.folder, "zoo": loaded.zoo_info.folder}
    return {name: f.relative_to(ROOT) if f.is_relative_to(ROOT) else f for name, f in folders.items()}
