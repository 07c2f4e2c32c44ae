"""Zips of files, unpacked with care: nothing is written outside a folder, and not more than is sensible."""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import FormatError
from . import limits
from .discover import NEVER, SURE
from .readers import HEAD, REFUSED_KINDS, file_kind

ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError,
    UnicodeDecodeError, ValueError,
)  # fmt: skip
"""what opening a damaged or odd zip raises"""
BESIDE = (".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml")
"""files that say something of the networks beside them"""


def unpack_zip(path: Path, folder: Path) -> dict[str, int]:
    """Unpack what may be weights in a zip, and the tables beside; returns how many others there are by suffix.

    Raises:
        FormatError: the zip is damaged, names a path outside, holds a link, or unpacks to too much.
    """
    passed: dict[str, int] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > limits.MOST_FILES:
                raise FormatError(
                    f"{path.name} holds {len(members):,} files, {limits.MOST_FILES:,} at most are unpacked"
                )
            for member in members:
                _check_member(path, member)
            wanted = []
            for member in members:
                if _wanted(archive, member):
                    wanted.append(member)
                else:
                    suffix = PurePosixPath(member.filename).suffix.lower() or "without a suffix"
                    passed[suffix] = passed.get(suffix, 0) + 1
            declared = sum(m.file_size for m in wanted)
            if declared > limits.MOST_IN_ALL:
                raise FormatError(
                    f"{path.name} would unpack to {declared / 1e9:.1f} GB: refused, {limits.MOST_IN_ALL / 1e9:.1f} GB "
                    "at most"
                )
            left = limits.MOST_IN_ALL
            for member in wanted:
                left -= _unpack_member(archive, member, folder, min(left, limits.MOST_BYTES))
    except FormatError:
        raise
    except ZIP_ERRORS as error:
        raise FormatError(f"{path.name} is damaged or not a zip ({type(error).__name__})") from error
    return passed


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match(r"[A-Za-z]:", member.filename):
        raise FormatError(
            f"{path.name} names the path {member.filename!r}, outside the folder it is unpacked to: refused"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FormatError(f"{path.name} holds the link {member.filename!r}: refused")
    if member.flag_bits & 1:
        raise FormatError(f"{path.name} is encrypted")


def _wanted(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether a member may hold weights, by its suffix or its first bytes, or says something of those that do."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return False
    suffix = path.suffix.lower()
    if suffix in BESIDE:
        return member.file_size <= limits.MOST_JSON
    if suffix in SURE or suffix in NEVER:
        return suffix in SURE
    with archive.open(member) as packed:
        return file_kind(packed.read(HEAD), path.name) not in REFUSED_KINDS


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, most: int) -> int:
    """Write one file and return its size, counted as it comes: what a zip declares need not be so."""
    target = folder / member.filename.replace("\\", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > most:
                raise FormatError(
                    f"{member.filename} in the zip unpacks to more than {most / 1e6:.0f} MB: refused as a zip bomb"
                )
            file.write(block)
    return written
