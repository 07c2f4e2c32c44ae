"""Files: atomic writes, checked reads, format versions, content hashes and JSON-lines logs."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .errors import FormatError

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def atomic_write(path: Path):
    """Yield a temporary path next to `path`; if the block succeeds, it replaces `path` in one step.

    What an earlier process left that was killed in here is removed.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, escape(path.name))
        yield temporary
        temporary.replace(path)
    except OSError as error:  # of a full disk it does not say where, and Arrow's have several lines
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path):
    """Yield a temporary folder next to `path`; if the block succeeds, it becomes `path` in one step.

    What an earlier process left that was killed in here is removed.

    Raises:
        OSError: `path` is there already, and not an empty folder.
    """
    temporary = _temporary(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, escape(path.name))
    temporary.mkdir()
    try:
        yield temporary
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.tmp")


_HOST = "".join(c for c in platform.node() if c.isalnum() or c == "-") or "host"
"""Name of this machine, for temporary files: a process of another one that shares the disk may be writing."""


def remove_leftovers(folder: Path, names: str) -> None:
    """Remove temporary files and folders of a folder that processes left which run no more on this machine.

    Args:
        names: glob pattern of the names that they were for.
    """
    for left in folder.glob(f".{names}.{_HOST}.*.tmp"):
        number = left.name.split(".")[-2]
        if number.isdecimal() and int(number) != os.getpid() and not _is_running(int(number)):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):
                    left.unlink()


def _is_running(process: int) -> bool:
    """Return whether a process of this machine runs; True if that cannot be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str] | None = None, *, checksum: bool = True
) -> None:
    """Write a safetensors file, atomically, with a checksum of its tensors in its header.

    Args:
        header: further texts for the header, by key.
        checksum: False if the header says in a way of its own how the tensors are checked.
    """
    stored = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    header = dict(header or {}) | ({CHECKSUM: tensors_checksum(stored)} if checksum else {})
    with atomic_write(path) as temporary:
        temporary.write_bytes(_safetensors(stored, header))


def _safetensors(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> bytes:
    from safetensors.torch import save

    return save(dict(tensors), dict(header) or None)


def stage_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> Path:
    """Write a safetensors file for `path` under a hidden name, which is returned; the caller renames or removes it.

    A killed process leaves nothing that stays: `remove_leftovers` knows the name.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_safetensors(tensors, header))
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    return temporary


CHECKSUM = "crc32"
"""Key in the header of a safetensors file; files without it are read as they are."""


def tensors_checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the CRC-32 of tensors and their names, in the names' order, as 8 hex digits: against bits that flip."""
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(_bytes(tensors[name]), zlib.crc32(name.encode(), found))
    return f"{found:08x}"


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Hash names, types, shapes and values to 16 hex digits."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        t = tensors[name]
        found.update(f"{name} {t.dtype} {tuple(t.shape)}\n".encode())
        found.update(_bytes(t))
    return found.hexdigest()[:16]


def _bytes(t: Tensor) -> memoryview:
    """The bytes of a tensor, in memory's order."""
    import torch

    return t.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file and the texts in its header, from one version of it even if it is replaced meanwhile.

    The library opens the file by its name more than once, so it is read again if it was replaced in between.

    Raises:
        FormatError: it is missing, truncated, not one (a pickle, say), or its tensors do not have their checksum.
    """
    for attempt in range(MOST_READS):
        version = file_version(path)
        try:
            found = _read_safetensors(path)
        except FormatError:
            if attempt == MOST_READS - 1 or file_version(path) == version:
                raise
        else:
            if file_version(path) == version:
                return found
        time.sleep(PAUSE)
    raise FormatError(f"{path} was replaced by another program whenever it was read: {MOST_READS} times")


MOST_READS, PAUSE = 200, 0.02
"""How often a file that is replaced while it is read is read again, and the seconds in between."""


def file_version(path: Path) -> tuple[int, ...]:
    """Return what differs once a file was replaced; empty if there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    import safetensors

    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}")
    try:
        with open_regular(path) as file:
            head = file.read(9)  # a safetensors file: the length of its header in 8 bytes, then "{"
        pickled = head[:1] == b"\x80" and head[8:] != b"{"
        if pickled or head[:2] == b"PK" or path.suffix != ".safetensors":
            raise FormatError(f"{path} is a pickle, which can run code when loaded; only safetensors files are read")
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dict)
    except FormatError:
        raise
    except (safetensors.SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise FormatError(f"{path} is truncated or not a safetensors file ({error})") from error
    if CHECKSUM in header and header[CHECKSUM] != tensors_checksum(tensors):
        raise FormatError(f"{path} is damaged: its values do not have the checksum that they were written with")
    return tensors, header


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; every reader of this program does so by this function.

    Raises:
        FormatError: it is a folder, a pipe or a device, which might be waited for or read without end.
        OSError: it is missing, or may not be read.
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:  # a null byte
        raise FormatError(f"{str(path)!r} is no name of a file ({error})") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise FormatError(f"{path} is no regular file")
    return os.fdopen(number, "rb")


def read_bytes(path: Path) -> bytes:
    """Read a regular file; raises as `open_regular`, and FormatError if it is larger than MOST_READ_BYTES."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_READ_BYTES:
            raise FormatError(
                f"{path} has {size / 1e9:.1f} GB, {MOST_READ_BYTES / 1e9:.1f} GB at most are read at once"
            )
        return file.read()


MOST_READ_BYTES = 4 * 1024**3
"""of a file that is read as a whole, which weights are not"""


def read_text(path: Path, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Read a regular file of text; raises as `read_bytes`, and UnicodeDecodeError."""
    return read_bytes(path).decode(encoding, errors)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file; raises as `read_safetensors`."""
    return read_safetensors(path)[0]


def read_json(path: Path) -> dict:
    """Read the JSON object in a folder's file; FormatError if it is missing, broken or not an object."""
    if not path.parent.is_dir():
        raise FormatError(f"no folder {path.parent}")
    if not path.is_file():
        raise FormatError(f"{path.parent} has no {path.name}")
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise FormatError(f"{path} holds no JSON object but {type(found).__name__} data")
    return found


def check_types(found: Mapping[str, Any], where: Path, types: Mapping[str, type | UnionType]) -> None:
    """Raise FormatError, naming file and key, unless a JSON object has these keys with values of these types.

    True and False are no numbers, nor are numbers that are not finite.
    """
    for key, wanted in types.items():
        if key not in found:
            raise FormatError(f"{where} has no {key!r}")
        value = found[key]
        right = isinstance(value, wanted)
        if isinstance(value, int | float) and wanted not in (bool, object):
            right = right and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER
        if not right:
            raise FormatError(f"{where} has no usable {key!r}: {str(value)[:40]}")


LARGEST_NUMBER = 2.0**63
"""above every number that this program writes"""


FORMATS = {"zoo": 3, "space": 1, "run": 1, "job": 1, "score": 1, "audit": 1, "symmetry": 1, "collection": 1, "views": 1}
"""Version of each format that this program writes; it reads this one and all before."""


def check_format(about: dict, what: str, folder: Path | str) -> None:
    """Raise FormatError, naming the versions, unless the header of a folder has a version up to that of FORMATS."""
    found, newest = about.get("format"), FORMATS[what]
    if type(found) is not int or not 1 <= found <= newest:
        known = f"format {newest}" if newest == 1 else f"formats 1 to {newest}"
        raise FormatError(f"{folder} has {what} format {found}, this program reads {known}")


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
    import torch

    found = hashlib.sha256()
    for part in parts:
        whole = part.encode() if isinstance(part, str) else np.ascontiguousarray(torch.as_tensor(part).cpu()).tobytes()
        found.update(len(whole).to_bytes(8, "little") + whole)
    return found.hexdigest()[:16]


METRICS_FILE = "metrics.jsonl"
"""The JSON-lines log of a job or training run: step, terms and measures per line."""


def append_line(path: Path, line: dict) -> None:
    """Append an entry to a JSON-lines log."""
    try:
        with path.open("a") as log:
            log.write(json.dumps(line) + "\n")
    except OSError as error:  # of a full disk it does not say where
        raise OSError(error.errno, error.strerror, str(path)) from error


def truncate_log(path: Path, step: int) -> None:
    """Truncate a JSON-lines log to the checkpoint's step; incomplete lines (full disk, killed process) go too."""

    def kept_of(line: str) -> bool:
        try:
            return json.loads(line)["step"] <= step
        except (ValueError, TypeError, KeyError, RecursionError):
            return False

    if path.exists():
        kept = [line for line in read_text(path, errors="replace").splitlines() if kept_of(line)]
        with atomic_write(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))
