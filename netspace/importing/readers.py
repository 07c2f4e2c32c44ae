"""What a file is, told by its first bytes, and what it holds: nested dictionaries and lists of tensors and settings."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError, ImportRefused
from ..io import open_regular
from . import limits
from .limits import ZipInside
from .pickles import DAMAGED, Odd, member_of, odd, read_legacy, read_torch_zip

HEAD = 512
"""bytes from which `file_kind` tells what a file is"""
TORCH_ZIP, LEGACY, SAFETENSORS, NUMPY, NPZ, ONNX, ZIP = "torch", "pickle", "safetensors", "npy", "npz", "onnx", "zip"
READ = (TORCH_ZIP, LEGACY, SAFETENSORS, NUMPY, NPZ, ONNX)
"""kinds of files that are read"""
REFUSED_KINDS = {
    "hdf5": "an HDF5 file (Keras, h5py), which is not read: save the weights as .safetensors or .npz",
    "keras": "a Keras model, which is not read: save the weights as .safetensors or .npz",
    "gguf": "a GGUF file of a language model, which is not read",
    "tflite": "a TensorFlow Lite model, which is not read: save the weights as .safetensors or .npz",
    "tensorflow": "a part of a TensorFlow checkpoint, which is not read: save the weights as .safetensors or .npz",
    "msgpack": "a msgpack file (Flax), which is not read: save the weights as .safetensors or .npz",
    "joblib": "a compressed joblib file, which is not read: opening it could run code; save the weights as .npz",
    "tar": "a tar archive: unpack it and import the folder",
    "archive": "a compressed archive: unpack it and import the folder",
    "lfs": "a Git LFS pointer: the weights themselves were not fetched (git lfs pull)",
    "html": "a web page and no weights: the download did not bring the file",
    "empty": "an empty file",
    "text": "text and no weights",
    "unknown": "no kind of weights file that is known here",
}
"""kinds of files that may be taken for weights, and why each is refused"""
FIRST_BYTES = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"GGUF", "gguf"),
    (b"\x93NUMPY", NUMPY),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"version https://git-lfs", "lfs"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
)
"""what files begin with; a zip is looked into by `kind_of_zip`"""


def file_kind(head: bytes, name: str = "") -> str:
    """The kind of a file by its first bytes: one of READ, "zip", or a key of REFUSED_KINDS.

    Args:
        head: its first HEAD bytes, or all that it has.
        name: of the file; asked only for kinds that have no mark of their own.
    """
    if not head:
        return "empty"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30:
        return SAFETENSORS
    if kind := next((kind for mark, kind in FIRST_BYTES if head.startswith(mark)), None):
        return kind
    suffix = Path(name).suffix.lower()
    if head[0] == 0x80 and len(head) > 1 and 1 < head[1] < 6:
        return LEGACY
    if head[257:262] == b"ustar":
        return "tar"
    if head[4:8] == b"TFL3":
        return "tflite"
    if suffix in (".index", ".meta") or re.search(r"\.data-\d{5}-of-\d{5}$", name):
        return "tensorflow"
    if head[0] == 0x08 and len(head) > 2 and 0 < head[1] < 32 and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42):
        return ONNX  # a protobuf: field 1, the format's version; then another field of a model
    if suffix == ".msgpack":
        return "msgpack"
    if head[0] == 0x78 and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return "joblib"
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "html"
    if suffix in (".pkl", ".pickle", ".p") and head[:1] in b"(]}clN":
        return LEGACY  # of protocols 0 and 1
    text = sum(byte < 9 or 13 < byte < 32 for byte in head) == 0
    return "text" if text else "unknown"


def kind_of_zip(names: list[str]) -> str:
    """The kind of a zip by the names in it: torch's, NumPy's, Keras's, or one of files."""
    if any(re.fullmatch(r"[^/]*/data\.pkl", name) for name in names) and len({n.split("/")[0] for n in names}) == 1:
        return TORCH_ZIP
    if names and all(name.endswith(".npy") and "META" not in name for name in names):
        return NPZ
    if "metadata.json" in names and "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        return "keras"
    return ZIP


def opened(path: Path):
    """A regular file, open for reading.

    ImportRefused for anything else: a pipe that took its place is not waited for.
    """
    try:
        return open_regular(path)
    except OSError as error:
        raise ImportRefused(f"cannot be opened ({error.strerror})") from error
    except FormatError:
        raise ImportRefused("no regular file") from None


def read_held(path: Path):
    """What a file holds, whatever its suffix.

    ImportRefused, saying why, if it is none of READ but ONNX, or is damaged.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        kind = file_kind(file.read(HEAD), path.name)
        if kind in REFUSED_KINDS:
            raise ImportRefused(REFUSED_KINDS[kind])
        if kind == ONNX:
            raise ImportRefused("an ONNX model, which holds a graph and no state dict")
        if size > limits.MOST_BYTES:
            raise ImportRefused(f"{size / 1e6:.0f} MB, {limits.MOST_BYTES / 1e6:.0f} MB at most are read")
        if kind == SAFETENSORS:
            return _safetensors(path)
        file.seek(0)
        if kind == NUMPY:
            return _array(file, size)
        if kind == LEGACY:
            return read_legacy(file.read())
        try:
            with zipfile.ZipFile(file) as archive:
                kind = kind_of_zip(archive.namelist())
                if kind == NPZ:
                    return _npz(archive)
                if kind in REFUSED_KINDS:
                    raise ImportRefused(REFUSED_KINDS[kind])
                if kind == ZIP:
                    raise ZipInside("a zip inside a zip: import it by itself")
                return read_torch_zip(archive)
        except ImportRefused:
            raise
        except Exception as error:  # a damaged zip raises many kinds
            raise ImportRefused(DAMAGED) from error


def _safetensors(path: Path) -> dict:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
            about = {k: number(v) for k, v in (file.metadata() or {}).items() if k != "format"}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ImportRefused(f"truncated or not a safetensors file ({error})") from error
    return {"state_dict": state, **about} if about else state


class Cell(str):
    """A cell of a table of text, of which nobody knows yet whether it is a number."""

    __slots__ = ()


def number(text: str):
    """A number or a truth that a table or a header holds as text, else the text: 007 is no number but a name."""
    text = text.strip()
    if re.fullmatch(r"[+-]?(0|[1-9]\d{0,17})", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d{1,20}\.\d*|\.\d+|\d+(\.\d*)?[eE][+-]?\d+|nan|inf(inity)?)([eE][+-]?\d+)?", text, re.I):
        try:
            return float(text)
        except ValueError:
            return text
    return {"true": True, "false": False}.get(text.lower(), text)


def _array(file, size: int) -> Tensor | Odd | str:
    """A NumPy array; its header is believed only so far as there are bytes."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, fortran, kind = reader(file)
        if kind.hasobject:
            raise ImportRefused(
                "it holds a NumPy array of Python objects: opening it could run code; save the arrays alone"
            )
        if prod(shape) * kind.itemsize > size:
            raise ImportRefused(DAMAGED)
        raw = bytearray(file.read(prod(shape) * kind.itemsize))
        values = np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")
    except ImportRefused:
        raise
    except Exception as error:  # a damaged header raises many kinds
        raise ImportRefused(DAMAGED) from error
    return as_tensor(values)


def as_tensor(values: np.ndarray):
    """A tensor of an array of numbers; the text or the number of one that holds a single one; else Odd."""
    if values.dtype.kind in "US" and values.size == 1:
        return str(values.reshape(()).item())
    if values.dtype.kind not in "biufc":
        return Odd()
    native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="), copy=False).reshape(values.shape)
    try:
        return torch.from_numpy(native if native.flags.writeable else native.copy())
    except TypeError:  # kinds of numbers that torch does not have
        return odd(f"a NumPy array of {values.dtype}")


def _npz(archive: zipfile.ZipFile) -> dict:
    members = archive.infolist()
    declared = sum(member.file_size for member in members)
    if declared > limits.MOST_BYTES:
        raise ImportRefused(
            f"it would unpack to {declared / 1e6:.0f} MB, {limits.MOST_BYTES / 1e6:.0f} MB at most are read"
        )
    return {
        member.filename.removesuffix(".npy"): _array(io.BytesIO(member_of(archive, member.filename)), member.file_size)
        for member in members
    }


def read_json_file(path: Path):
    """A JSON file beside the networks; None if it is missing, too large, damaged or nested too deep."""
    try:
        with opened(path) as file:
            if os.fstat(file.fileno()).st_size > limits.MOST_JSON:
                return None
            return json.loads(file.read())
    except (ImportRefused, ValueError, OSError, RecursionError):
        return None


def zip_kind(path: Path) -> str:
    """What a zip is by the names in it; ZIP if it is damaged, which is found when it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            return kind_of_zip(archive.namelist())
    except Exception:  # a damaged zip raises many kinds
        return ZIP
