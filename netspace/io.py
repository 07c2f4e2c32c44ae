"""Files: written in one step, read with a check, found, hashed, and logs of JSON lines."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .errors import FormatError, InUse


@contextmanager
def replacing(path: Path):
    """A temporary path beside `path` to write to; it takes the place of `path` at once when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file; FormatError where it is missing, truncated, or something else (a pickle)."""
    import safetensors
    from safetensors.torch import load_file

    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}")
    with path.open("rb") as file:
        head = file.read(9)  # a safetensors file: the length of its header in 8 bytes, then "{"
    pickled = head[:1] == b"\x80" and head[8:] != b"{"
    if pickled or head[:2] == b"PK" or path.suffix != ".safetensors":
        raise FormatError(f"{path} is a pickle, which can run code when loaded; only safetensors files are read")
    try:
        return load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise FormatError(f"{path} is truncated or not a safetensors file ({error})") from error


def read_json(path: Path) -> dict:
    """Return the object that a folder's JSON file holds; FormatError if it is missing, broken or no object."""
    if not path.parent.is_dir():
        raise FormatError(f"no folder {path.parent}")
    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}")
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise FormatError(f"{path} holds no JSON object but {type(found).__name__} data")
    return found


FORMATS = {"zoo": 1, "space": 1, "run": 1, "job": 1}
"""Version of each format that this program writes; it reads no other."""


def check_format(about: dict, what: str, folder: Path) -> None:
    """Raise FormatError, naming both versions, unless the header of a folder has the version of FORMATS."""
    found = about.get("format")
    if found != FORMATS[what] or isinstance(found, bool):
        raise FormatError(f"{folder} has {what} format {found}, this program reads format {FORMATS[what]}")


MARKERS = {"zoo.json": "zoo", "config.json": "space", "train.json": "training", "lso.json": "run"}
"""files by which a folder is known, and what it holds then"""


def refuse_others(folder: Path, *mine: str) -> None:
    """Raise FormatError if a folder holds something of another kind than that of these files of MARKERS."""
    other = next((what for file, what in MARKERS.items() if file not in mine and (folder / file).exists()), None)
    if other:
        raise InUse(f"{folder} holds a {other} already; choose another folder")


def below(root: Path, depth: int, *names: str) -> Iterator[Path]:
    """Files of these names in a folder and at most so many folders deep in it; what goes meanwhile is passed over."""
    try:
        with os.scandir(root) as inside:
            entries = sorted((each.name, bool(depth) and each.is_dir()) for each in inside)
    except OSError:
        return
    yield from (root / name for name, _ in entries if name in names)
    for folder in (name for name, is_folder in entries if is_folder):
        yield from below(root / folder, depth - 1, *names)


def digest(*parts: str | Tensor | np.ndarray) -> str:
    """16 hex digits that differ where the parts do."""
    found = hashlib.sha256()
    for part in parts:
        whole = part.encode() if isinstance(part, str) else np.ascontiguousarray(torch.as_tensor(part).cpu()).tobytes()
        found.update(len(whole).to_bytes(8, "little") + whole)
    return found.hexdigest()[:16]


def append_line(path: Path, line: dict) -> None:
    """Append a line to a log of JSON lines."""
    with path.open("a") as log:
        log.write(json.dumps(line) + "\n")


def trim_log(path: Path, step: int) -> None:
    """Drop a log's lines of later steps than a checkpoint's, and what a full disk or a sudden end left of one."""

    def kept_of(line: str) -> bool:
        try:
            return json.loads(line)["step"] <= step
        except (ValueError, TypeError, KeyError):
            return False

    if path.exists():
        kept = [line for line in path.read_text().splitlines() if kept_of(line)]
        with replacing(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))
