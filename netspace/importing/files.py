"""Reading what others saved: folders, zips and files of state dicts; nothing in them is run.

What a file is, its content tells. `networks_in` yields a network at a time, so that large zoos need little memory, and
counts what it passes over.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..errors import FormatError, ImportRefused
from .archives import unpack_zip
from .columns import Beside, column, folder_columns
from .declare import DECLARED
from .discover import WEIGHTS, Candidate, Tree, look_through, plain_stem
from .limits import NoNetwork, Refusal, ZipInside
from .readers import HEAD, ONNX, REFUSED_KINDS, ZIP, file_kind, opened, read_held, read_json_file, zip_kind
from .states import FoundState, find_states


@dataclass(frozen=True)
class ReadOptions:
    """Which networks of a source are read."""

    pattern: str = ""
    """glob on the path below the source, or on the file's name: only these; empty: all"""
    limit: int = 0
    """at most so many networks; 0: all"""
    prefix: str = ""
    """name of the state dict to read if a file holds several ("ema", "state_dict_ema" ...)"""


class Read(NamedTuple):
    """A network as it was found."""

    name: str
    """unique among those of the source"""
    path: Path
    """its file below the source, for people"""
    state: dict[str, Tensor]
    """its tensors in the order they are saved in"""
    known: dict[str, float | int | str | bool]
    """what is known of it: columns for the zoo's table"""
    notes: tuple[str, ...] = ()
    """sentences that people must be told"""
    declared: Path | None = None
    """the nearest network.json, in its folder or one above, up to the source itself"""
    onnx: Path | None = None
    """the ONNX model to read, if it is one; then `state` is empty"""
    layout: str = ""
    """whose way of laying out files it is, see `states.Found`"""


class Sources:
    """The networks in a folder, a zip or a file, read one by one: iterate over it; a context that clears up.

    `len` is the number of files that may hold networks, `done` that of those opened so far.

    Raises:
        FormatError: the source cannot be read, or a zip is dangerous.
    """

    def __init__(
        self, source: Path, options: ReadOptions | None = None, progress: Callable[[int, int], None] | None = None
    ):
        self.options, self.done = options or ReadOptions(), 0
        self._progress = progress or (lambda done, total: None)
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._alone, source = False, Path(source)
        try:
            self._root, tree = self._opened(source)
        except BaseException:
            self.close()
            raise
        self._candidates, self._passed = tree.candidates, Counter(tree.passed)
        self._beside = Beside(self._root, tree.tables, tree.candidates)
        self._folders = folder_columns([each.label for each in tree.candidates])
        self._declared: dict[str, Path | None] = {}
        self._names: set[str] = set()
        self._notes: list[str] = []

    def _opened(self, source: Path) -> tuple[Path, Tree]:
        if not source.exists():
            raise FormatError(f"no folder {source}")
        if source.is_dir():
            return source, look_through(source, pattern=self.options.pattern)
        self._alone = True
        try:
            with opened(source) as file:
                kind = file_kind(file.read(HEAD), source.name)
        except ImportRefused as reason:
            raise FormatError(f"{source} {reason}") from reason
        if source.suffix.lower() == ".zip" and kind in REFUSED_KINDS:
            raise FormatError(f"{source.name} is damaged or not a zip")
        if kind == ZIP and zip_kind(source) == ZIP:
            self._alone = False
            self._scratch = tempfile.TemporaryDirectory(prefix="netspace-zip-")
            root = Path(self._scratch.name)
            passed = unpack_zip(source, root)
            tree = look_through(root, links=False, pattern=self.options.pattern)
            for suffix, count in passed.items():
                tree.passed[suffix] += count
            return root, tree
        return source.parent, Tree([Candidate(plain_stem(source.name), source.name, source)], Counter(), {})

    def __len__(self) -> int:
        return len(self._candidates)

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._scratch:
            self._scratch.cleanup()
            self._scratch = None

    @property
    def passed_over(self) -> str:
        """How many files were passed over, and of which kinds; empty if none. Complete when all is read."""
        if not self._passed:
            return ""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self._passed.most_common(12))
        more = len(self._passed) - 12
        rest = f" and {more} more kinds" if more > 0 else ""
        count = sum(self._passed.values())
        return f"{count:,} other file{'s' * (count > 1)} passed over: {kinds}{rest}"

    @property
    def notes(self) -> list[str]:
        """What is to be said of the source as a whole. Complete when all is read."""
        return [*self._notes, *self._beside.notes]

    def __iter__(self) -> Iterator[Read | Refusal]:
        read = 0
        for k, candidate in enumerate(self._candidates):
            self._progress(k, len(self))
            self.done = k + 1
            for each in self._networks(k, candidate):
                yield each
                read += isinstance(each, Read)
                if self.options.limit and read >= self.options.limit:
                    if left := len(self) - k - 1:
                        self._notes.append(
                            f"{left:,} more files are not read: at most {read:,} networks were asked for"
                        )
                    return
        self._progress(len(self), len(self))

    def _networks(self, k: int, candidate: Candidate) -> Iterator[Read | Refusal]:
        try:
            if candidate.reason:
                raise ImportRefused(candidate.reason)
            if not candidate.shards and is_onnx(candidate.path):
                known = self._known(k, candidate, candidate.name, "", {})
                yield Read(
                    self._unique(candidate.name), Path(candidate.label), {}, known, (), self._nearest(candidate.label),
                    candidate.path,
                )  # fmt: skip
                return
            found = _found(candidate, self.options.prefix)
        except ZipInside as reason:
            if self._scratch:
                yield Refusal(candidate.name, str(reason))
            else:
                yield from self._unpacked(k, candidate)
            return
        except NoNetwork as reason:
            if self._alone:
                yield Refusal(candidate.name, f"{reason} and no network")
            else:
                self._passed[reason.several] += 1
            return
        except ImportRefused as reason:
            yield Refusal(candidate.name, str(reason))
            return
        except Exception as error:  # whatever is wrong with one file, the others go on
            words = str(error).strip().splitlines()
            yield Refusal(candidate.name, words[0] if words else f"cannot be read ({type(error).__name__})")
            return
        for each in found:
            inner = each.label.replace("/", "-")
            name = self._unique(
                inner if self._alone and inner and not inner.isdigit() else _joined(candidate.name, inner)
            )
            known = self._known(k, candidate, name, each.label, each.known)
            declared = self._nearest(candidate.label)
            yield Read(name, Path(candidate.label), each.state, known, each.notes, declared, None, each.layout)

    def _unpacked(self, k: int, candidate: Candidate) -> Iterator[Read | Refusal]:
        """The networks in a zip that lies in the folder."""
        try:
            with Sources(candidate.path, ReadOptions(prefix=self.options.prefix)) as inside:
                for each in inside:
                    name = self._unique(_joined(candidate.name, each.name))
                    if isinstance(each, Refusal):
                        yield Refusal(name, each.reason)
                    else:
                        known = self._known(k, candidate, name, str(each.path), each.known)
                        yield each._replace(name=name, path=Path(candidate.label) / each.path, known=known)
                self._passed.update(inside._passed)
        except FormatError as error:
            yield Refusal(candidate.name, str(error))

    def _unique(self, name: str) -> str:
        free, k = name, 1
        while free in self._names:
            k += 1
            free = f"{name}-{k}"
        self._names.add(free)
        return free

    def _known(self, k: int, candidate: Candidate, name: str, key: str, inside: dict) -> dict:
        beside = self._beside.of(candidate, name, key, inside)
        return {column(head): value for head, value in (self._folders[k] | beside | inside).items()}

    def _nearest(self, label: str) -> Path | None:
        """The network.json of a file's folder or the nearest above."""
        folder = label.rpartition("/")[0]
        if folder not in self._declared:
            here = self._root / folder / DECLARED
            if here.is_file() and not (self._scratch and here.is_symlink()):
                self._declared[folder] = here
            else:
                self._declared[folder] = self._nearest(folder) if folder else None
        return self._declared[folder]


def _joined(*parts: str) -> str:
    return "-".join(filter(None, parts))


def networks_in(
    source: Path, options: ReadOptions | None = None, progress: Callable[[int, int], None] | None = None
) -> Sources:
    """The networks in a folder, a zip or a file, to iterate over: each a Read, or a Refusal that says why.

    Args:
        progress: called with the files done and their number, before each.

    Raises:
        FormatError: the source cannot be read, or a zip is dangerous.
    """
    return Sources(source, options, progress)


def is_onnx(path: Path) -> bool:
    """Whether a file begins like an ONNX model."""
    if path.name.endswith((".safetensors", ".pt", ".pth", ".npz")):  # not opened twice
        return False
    with opened(path) as file:
        return file_kind(file.read(HEAD), path.name) == ONNX


def _found(candidate: Candidate, prefix: str) -> list[FoundState]:
    """The networks in a file, or the one in several shards."""
    if not candidate.shards:
        return find_states(read_held(candidate.path), prefix)
    state: dict = {}
    for shard in candidate.shards:
        (part,) = find_states(read_held(shard))[:1]
        if twice := state.keys() & part.state.keys():
            raise ImportRefused(f"its shards hold {min(twice)} twice")
        state |= part.state
    if candidate.index:
        named = (read_json_file(candidate.index) or {}).get("weight_map", {})
        if lacking := set(named) - set(state):
            raise ImportRefused(f"its shards do not hold {min(lacking)}, which the index names")
        order = {name: k for k, name in enumerate(named)}
        state = dict(sorted(state.items(), key=lambda item: order.get(item[0], len(order))))
    note = f"joined from {len(candidate.shards)} shards"
    return [FoundState("", state, {}, (note,))]


def read_state(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """The state dict of a file that holds one network; ImportRefused, saying why, if it does not."""
    found = find_states(read_held(path), prefix)
    if len(found) > 1:
        raise ImportRefused(f"it holds {len(found)} networks")
    return found[0].state


__all__ = [
    "WEIGHTS",
    "FormatError",
    "ImportRefused",
    "NoNetwork",
    "Read",
    "ReadOptions",
    "Refusal",
    "Sources",
    "networks_in",
    "read_state",
]  # fmt: skip
