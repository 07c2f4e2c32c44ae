"""Reading what others saved: folders, zips and files of state dicts; nothing in them is run."""

from __future__ import annotations

import io
import lzma
import os
import pickletools
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor

from ..zoo import BadFolder, read_tensors

WEIGHTS = (".safetensors", ".pt", ".pth")
HUB = ("model.safetensors", "pytorch_model.bin")
"""what a network's file is called in the hub's layout, the one to be read first; its folder is its name"""
OTHERS = (
    ".bin",
    ".ckpt",
    ".h5",
    ".keras",
    ".npz",
    ".npy",
    ".onnx",
    ".pkl",
    ".pickle",
    ".joblib",
    ".tar",
    ".gz",
    ".zip",
)
"""kinds of files that may hold weights and are not read: they are listed, others are passed over"""
MOST_BYTES = 256 * 1024**2
"""of one file: 70 times the largest architecture here"""
MOST_IN_ALL = 2 * 1024**3
"""of what a zip unpacks to"""
MOST_FILES = 20_000
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""under which checkpoints keep a state dict"""


class Refused(ValueError):
    """A file that is not imported; the message says why, without its name."""


class Refusal(NamedTuple):
    """A file that was not imported, and why."""

    name: str
    reason: str


class Source(NamedTuple):
    """A file that may hold a network."""

    name: str
    """of the network"""
    path: Path
    reason: str
    """why it is not read; empty where it is"""


def sources(folder: Path) -> list[Source]:
    """The files of a folder and the folders in it that may hold a network, by name.

    Raises:
        BadFolder: there is no such folder, it may not be read, or it is a zoo already.
    """
    if not folder.is_dir():
        raise BadFolder(f"no folder {folder}")
    if (folder / "zoo.json").exists():
        raise BadFolder(f"{folder} is a zoo already: it needs no import")
    found: list[Source] = []
    root = folder.resolve()
    for path in sorted(_files(folder)):
        relative = path.relative_to(folder)
        hub = path.name in HUB
        if path.suffix.lower() not in (*WEIGHTS, *OTHERS):
            continue
        stem = relative.parent if hub and relative.parent != Path() else relative.with_suffix("")
        reason = ""
        if not path.resolve().is_relative_to(root):
            reason = "a link to a file outside the folder"
        elif not path.is_file():
            reason = "no regular file"
        elif path.suffix == ".zip":
            reason = "a zip inside what is imported: import it by itself"
        elif path.suffix.lower() not in WEIGHTS and not hub:
            reason = f"{path.suffix} files are not read, only {', '.join(WEIGHTS)}"
        elif path.name == HUB[1] and path.with_name(HUB[0]).is_file():
            reason = f"{HUB[0]} beside it is taken to be the same network"
        found.append(Source("-".join(stem.parts), path, reason))
    counts, read = Counter(s.name for s in found), Counter(s.name for s in found if not s.reason)
    unclear = [counts[s.name] > 1 and (bool(s.reason) or read[s.name] > 1) for s in found]
    whole = [
        source._replace(name="-".join(source.path.relative_to(folder).parts)) if longer else source
        for source, longer in zip(found, unclear, strict=True)
    ]
    seen: Counter = Counter()
    for k, source in enumerate(whole):
        seen[source.name] += 1
        if seen[source.name] > 1:  # a/b.pt beside a-b.pt
            whole[k] = source._replace(name=f"{source.name}-{seen[source.name]}")
    return whole


def _files(folder: Path) -> list[Path]:
    """What is in a folder and the folders in it, hidden ones apart; BadFolder where that is too much or forbidden."""
    found: list[Path] = []

    def forbidden(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise BadFolder(f"{folder} may not be read by this program ({error.strerror})") from error

    for where, folders, names in os.walk(folder, onerror=forbidden):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(where) / name for name in names if not name.startswith(".")]
        if len(found) > MOST_FILES:
            raise BadFolder(f"{folder} holds more than {MOST_FILES:,} files; import a part of it")
    return found


DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError,
    UnicodeDecodeError,
)  # fmt: skip
"""what opening a damaged or odd zip raises"""


def unpack_zip(path: Path, folder: Path) -> None:
    """Unpack the weights in a zip; nothing is written outside the folder, and not more than is sensible.

    Raises:
        BadFolder: the zip is damaged, names a path outside, holds a link, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > MOST_FILES:
                raise BadFolder(f"{path.name} holds {len(members):,} files, {MOST_FILES:,} at most are unpacked")
            for member in members:
                _check_member(path, member)
            members = [m for m in members if PurePosixPath(m.filename).suffix.lower() in (*WEIGHTS, *OTHERS)]
            declared = sum(m.file_size for m in members)
            if declared > MOST_IN_ALL:
                raise BadFolder(
                    f"{path.name} would unpack to {declared / 1e9:.1f} GB: refused, {MOST_IN_ALL / 1e9:.1f} GB at most"
                )
            left = MOST_IN_ALL
            for member in members:
                left -= _unpack_member(archive, member, folder, min(left, MOST_BYTES))
    except DAMAGED as error:
        raise BadFolder(f"{path.name} is damaged or not a zip ({type(error).__name__})") from error


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match(r"[A-Za-z]:", member.filename):
        raise BadFolder(
            f"{path.name} names the path {member.filename!r}, outside the folder it is unpacked to: refused"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadFolder(f"{path.name} holds the link {member.filename!r}: refused")
    if member.flag_bits & 1:
        raise BadFolder(f"{path.name} is encrypted")


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, most: int) -> int:
    """Write one file and return its size, counted as it comes: what a zip declares need not be so."""
    target = folder / member.filename.replace("\\", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > most:
                raise BadFolder(
                    f"{member.filename} in the zip unpacks to more than {most / 1e6:.0f} MB: refused as a zip bomb"
                )
            file.write(block)
    return written


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a file; Refused, saying why, where there is none or opening it could run code."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refused(f"{path.stat().st_size / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} MB at most are read")
        held = read_tensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)
    except BadFolder as error:
        words = str(error).removeprefix(f"{path} ").removeprefix("is ")
        raise Refused(words) from error
    except OSError as error:
        raise Refused(f"cannot be opened ({error.strerror})") from error
    return _only_weights(held)


HARMLESS = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor(_v2)?|parameter)|torch (\w+Storage|Size|[a-z]+\d*)"
    r"|torch\.storage (\w+Storage)"
)
"""what a pickle of weights names: containers of tensors, their storages and kinds of numbers"""


def _read_pickle(path: Path):
    data = path.read_bytes()
    pickles = [data]
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            declared = sum(member.file_size for member in archive.infolist())
            if declared > MOST_BYTES:
                raise Refused(f"it would unpack to {declared / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} MB at most are read")
            try:
                pickles = [archive.read(name) for name in archive.namelist() if name.endswith(".pkl")]
            except DAMAGED as error:
                raise Refused("truncated or not a file of weights") from error
    for pickled in pickles:
        named = next((name for name in _named_in(pickled) if not HARMLESS.fullmatch(name)), None)
        if named:
            raise Refused(
                f"a pickle that holds {named.replace(' ', '.')} beside weights: opening it could run code; save the "
                "state_dict() alone"
            )
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file and one that wants to run code raise many kinds
        raise Refused("truncated or not a file of weights") from error


def _named_in(pickled: bytes) -> Iterator[str]:
    """Modules and names of what a pickle, or several one after the other, would call; nothing of it is run."""
    stream = io.BytesIO(pickled)
    try:
        while stream.tell() < len(pickled):
            strings: list[str] = []
            for code, argument, _ in pickletools.genops(stream):
                if code.name in ("GLOBAL", "INST"):
                    yield argument
                elif code.name == "STACK_GLOBAL":
                    yield " ".join(strings[-2:])
                elif isinstance(argument, str):
                    strings.append(argument)
    except Exception:  # what comes after the pickles of older files are numbers
        return


def _only_weights(held) -> dict[str, Tensor]:
    """The state dict in what a file holds."""
    for _ in range(3):
        wrapped = next((held[w] for w in WRAPPERS if isinstance(held, dict) and isinstance(held.get(w), dict)), None)
        if wrapped is None:
            break
        held = wrapped
    if not isinstance(held, dict):
        raise Refused("no state dict: not a mapping of names to tensors")
    state = {str(name): t for name, t in held.items() if isinstance(t, Tensor)}
    if not state:
        raise Refused("no state dict: it holds no tensors")
    for name, t in state.items():
        if t.layout != torch.strided or t.is_quantized or t.is_complex() or t.is_meta:
            raise Refused(f"{name} is not a dense tensor of real numbers")
    return state
