"""Files: atomic writes, checked reads, format versions, content hashes and JSON-lines logs."""

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
def atomic_write(path: Path):
    """Yield a temporary path next to `path`; if the block succeeds, it replaces `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; FormatError if it is missing, truncated or not one (a pickle, say)."""
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
    """Read the JSON object in a folder's file; FormatError if it is missing, broken or not an object."""
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
"""Version of each format that this program writes; no other version is read."""


def check_format(about: dict, what: str, folder: Path) -> None:
    """Raise FormatError, naming both versions, unless the header of a folder has the version of FORMATS."""
    found = about.get("format")
    if found != FORMATS[what] or isinstance(found, bool):
        raise FormatError(f"{folder} has {what} format {found}, this program reads format {FORMATS[what]}")


MARKERS = {"zoo.json": "zoo", "config.json": "space", "train.json": "training", "lso.json": "run"}
"""The file that marks a folder, and what such a folder holds."""


def refuse_others(folder: Path, *mine: str) -> None:
    """Raise InUse if a folder holds a MARKERS file other than these."""
    other = next((what for file, what in MARKERS.items() if file not in mine and (folder / file).exists()), None)
    if other:
        raise InUse(f"{folder} holds a {other} already; choose another folder")


def find_files(root: Path, depth: int, *names: str) -> Iterator[Path]:
    """Find files by name, up to `depth` levels deep; entries that disappear while scanning are skipped."""
    try:
        with os.scandir(root) as inside:
            entries = sorted((each.name, bool(depth) and each.is_dir()) for each in inside)
    except OSError:
        return
    yield from (root / name for name, _ in entries if name in names)
    for folder in (name for name, is_folder in entries if is_folder):
        yield from find_files(root / folder, depth - 1, *names)


def content_hash(*parts: str | Tensor | np.ndarray) -> str:
    """Hash strings and arrays to 16 hex digits."""
    found = hashlib.sha256()
    for part in parts:
        whole = part.encode() if isinstance(part, str) else np.ascontiguousarray(torch.as_tensor(part).cpu()).tobytes()
        found.update(len(whole).to_bytes(8, "little") + whole)
    return found.hexdigest()[:16]


METRICS_FILE = "metrics.jsonl"
"""The JSON-lines log of a job or training run: step, terms and measures per line."""


def append_line(path: Path, line: dict) -> None:
    """Append an entry to a JSON-lines log."""
    with path.open("a") as log:
        log.write(json.dumps(line) + "\n")


def truncate_log(path: Path, step: int) -> None:
    """Truncate a JSON-lines log to the checkpoint's step; incomplete lines (full disk, killed process) go too."""

    def kept_of(line: str) -> bool:
        try:
            return json.loads(line)["step"] <= step
        except (ValueError, TypeError, KeyError):
            return False

    if path.exists():
        kept = [line for line in path.read_text().splitlines() if kept_of(line)]
        with atomic_write(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))
