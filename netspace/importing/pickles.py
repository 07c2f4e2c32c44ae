"""Pickles read without running anything in them: torch.save's files (both formats), TorchScript's, plain ones.

An unpickler calls whatever a file names. This one calls only what stands in `_TABLE`: makers of tensors and containers,
which check sizes first, and inert bags for the settings that people save beside weights (argparse's, Lightning's). Any
other name refuses the file. It also reads what `torch.load(weights_only=True)` does not: NumPy's numbers and arrays,
pickle protocols above 2, and the tensors of TorchScript, whose code is not looked at.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..errors import ImportRefused
from . import limits

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
"""the first number in a file that torch.save wrote before PyTorch 1.6"""
DAMAGED = "truncated or not a file of weights"
STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "UntypedStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}


class _Closed(type):
    """Classes that a pickle cannot change."""

    def __setattr__(cls, name, value):
        raise pickle.UnpicklingError("a class is no place to write to")


class _Call:
    """A function that a pickle may call and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable):
        object.__setattr__(self, "_function", function)

    def __setattr__(self, name, value):
        raise pickle.UnpicklingError("a function is no place to write to")

    def __call__(self, *args):
        return self._function(*args)


class Bag(dict, metaclass=_Closed):
    """Settings, or a module of TorchScript: the attributes of an object whose class is not looked at."""

    def __new__(cls, *args):
        return dict.__new__(cls)

    def __init__(self, *args):
        super().__init__()

    def __setstate__(self, state):
        if isinstance(state, dict):
            dict.update(self, state)


class Odd(metaclass=_Closed):
    """Something that is kept as a place only: a layout, a date, a tensor that is not dense."""

    __slots__ = ("what",)
    what: str

    def __new__(cls, *args):
        found = object.__new__(cls)
        found.what = ""
        return found

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        pass


def odd(what: str) -> Odd:
    """A place for a tensor that is not read; `what` it is follows its name in a refusal."""
    found = Odd()
    found.what = what
    return found


class _NumpyType(metaclass=_Closed):
    """A NumPy dtype of numbers or text."""

    __slots__ = ("code", "order")

    def __new__(cls, *args):
        return object.__new__(cls)

    def __init__(self, code="", *args):
        self.code, self.order = code if isinstance(code, str) else "", "="

    def __setstate__(self, state):
        self.order = state[1] if state[1] in ("<", ">", "|", "=") else "="

    @property
    def real(self) -> np.dtype:
        if not re.fullmatch(r"[biufcUS]\d{1,4}", self.code):
            raise ImportRefused("it holds a NumPy array of Python objects, which are not read")
        return np.dtype(self.order + self.code)


class Array(metaclass=_Closed):
    """A NumPy array, made when its state comes."""

    __slots__ = ("value",)

    def __new__(cls, *args):
        return object.__new__(cls)

    def __init__(self, *args):
        self.value = np.zeros(0)

    def __setstate__(self, state):
        _, shape, kind, fortran, raw = state
        self.value = _filled(raw, kind, shape, "F" if fortran else "C")


def _bytes(text, encoding="latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise ImportRefused("it holds encoded bytes that are not read")
    return text.encode("latin1")


def _filled(raw, kind: _NumpyType, shape, order) -> np.ndarray:
    raw = _bytes(raw) if isinstance(raw, str) else raw
    if not isinstance(raw, (bytes, bytearray)):
        raise ImportRefused("it holds a NumPy array of Python objects, which are not read")
    return np.frombuffer(bytearray(raw), kind.real).reshape([int(n) for n in shape], order=order)


def _scalar(kind: _NumpyType, raw):
    return _filled(raw, kind, (), "C").item()


class _Storage:
    """The bytes that tensors are views of."""

    __slots__ = ("dtype", "values")

    def __init__(self, values: Tensor, dtype: torch.dtype | None):
        self.values, self.dtype = values, dtype


def _whole(numbers) -> tuple[int, ...]:
    numbers = tuple(numbers)
    if not all(type(n) is int and n >= 0 for n in numbers):
        raise ImportRefused(DAMAGED)
    return numbers


class _Unpickler(pickle._Unpickler):  # the one in Python: the one in C allots memory by numbers that a file names
    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file, storage: Callable[..., Tensor], modules: bool = False):
        super().__init__(file, encoding="latin1")
        self._storage, self._modules, self._made = storage, modules, 0

    def find_class(self, module: str, name: str):
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        module = module.replace("numpy.core.", "numpy._core.")
        found = _TABLE.get((module, name))
        if found is not None:
            return found
        if module in ("torch", "torch.storage", "torch.cuda") and name.endswith("Storage"):
            return Odd if name not in STORAGES else _Call(lambda: STORAGES[name])
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
            return _Call(self._tensor)
        if module == "torch._utils" and name == "_rebuild_tensor_v3":
            return _Call(lambda s, offset, size, stride, grad, hooks, dtype, *more: self._tensor(
                s, offset, size, stride, dtype=dtype
            ))  # fmt: skip
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if module == "numpy.dtypes":
            return Odd
        if re.fullmatch(r"torch(\.cuda)?(\.sparse)?\.\w+Tensor", f"{module}.{name}"):
            return Odd
        if re.fullmatch(r"torch\._utils\._rebuild_\w+|torch\.per_\w+", f"{module}.{name}"):
            return _Call(lambda *args: odd("a tensor of a kind that is not read"))
        if self._modules and module.partition(".")[0] == "__torch__":
            return Bag
        raise ImportRefused(
            f"a pickle that holds {module}.{name} beside weights: opening it could run code; save the state_dict() "
            "alone"
        )

    def persistent_load(self, pid):
        """A storage: ("storage", type, key, device, number of elements), in the older format with a view of another."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[2], str):
            raise ImportRefused(DAMAGED)
        dtype = pid[1]() if isinstance(pid[1], _Call) else None
        if dtype is None:
            return odd("a tensor of a kind of numbers that is not read")
        count = _whole([pid[4]])[0]
        if count * dtype.itemsize > limits.MOST_BYTES:
            raise ImportRefused(_too_much(count * dtype.itemsize))
        view = pid[5] if len(pid) > 5 else None
        return _Storage(self._storage(pid[2], count * dtype.itemsize, view and (view, dtype.itemsize)), dtype)

    def _tensor(self, storage, offset, size, stride, *more, dtype=None):
        if not isinstance(storage, _Storage):
            return odd("a tensor of a kind of numbers that is not read")
        dtype = dtype or storage.dtype
        (offset,), size, stride = _whole([offset]), _whole(size), _whole(stride)
        if len(size) != len(stride) or not isinstance(dtype, torch.dtype):
            raise ImportRefused(DAMAGED)
        self._made += prod(size) * dtype.itemsize
        if self._made > limits.MOST_BYTES:
            raise ImportRefused(_too_much(self._made))
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if prod(size) and (last + 1) * dtype.itemsize > len(storage.values):
            raise ImportRefused(DAMAGED)
        if not prod(size):
            return torch.empty(size, dtype=dtype)
        return storage.values[: len(storage.values) // dtype.itemsize * dtype.itemsize].view(dtype).as_strided(
            size, stride, offset
        )  # fmt: skip

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def load_setitems(self):
        self._put(self.pop_mark())

    def _put(self, items: list):
        into = self.stack[-1]  # type: ignore[attr-defined]  # of pickle's own Unpickler in Python, not in its stub
        if not isinstance(into, dict):
            raise ImportRefused(DAMAGED)
        for key, value in zip(items[::2], items[1::2], strict=True):
            into[_key(key)] = value

    def load_additems(self):
        self.pop_mark()  # sets hold nothing that is read

    def load_frozenset(self):
        self.append(self.pop_mark())

    def load_empty_set(self):
        self.append([])

    def load_bytearray8(self):
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(size)))  # what is there, before anything is allotted for it

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset
    dispatch[pickle.EMPTY_SET[0]] = load_empty_set


def _key(key):
    """A key of a dictionary; tuples in tuples are not hashed, which takes the stack of the whole program."""
    return key if key is None or isinstance(key, (str, int, float, bool, bytes)) else str(type(key))


def _pairs(items=()) -> dict:
    return {_key(k): v for k, v in (items.items() if isinstance(items, dict) else items)}


class _Plain(dict):
    """An OrderedDict; torch writes `_metadata` to its attributes."""


def _ordered(items=()) -> _Plain:
    return _Plain(_pairs(items))


def _from_type(function, kind, args, state):
    if not isinstance(function, _Call):
        raise ImportRefused(DAMAGED)
    return function(*args)


def _bytearray(content=b"", *encoding) -> bytearray:
    if isinstance(content, str):
        return bytearray(_bytes(content, *encoding))
    if not isinstance(content, (bytes, bytearray, list)):
        raise ImportRefused(
            "it holds a builtins.bytearray beside weights that claims memory without saying what is in it"
        )
    return bytearray(content)


def _path(*parts) -> str:
    return "/".join(part for part in parts if isinstance(part, str))


_TABLE = {
    ("collections", "OrderedDict"): _Call(_ordered),
    ("collections", "defaultdict"): _Call(lambda *factory: _Plain()),
    ("collections", "Counter"): _Call(_ordered),
    ("collections", "deque"): _Call(lambda items=(), *most: list(items)),
    ("builtins", "set"): _Call(lambda items=(): list(items)),
    ("builtins", "frozenset"): _Call(lambda items=(): list(items)),
    ("builtins", "list"): _Call(lambda items=(): list(items)),
    ("builtins", "dict"): _Call(_ordered),
    ("builtins", "bytearray"): _Call(_bytearray),
    ("builtins", "complex"): _Call(lambda *parts: complex(*parts)),
    ("builtins", "int"): _Call(lambda n=0: n if isinstance(n, (int, float)) else 0),
    ("builtins", "float"): _Call(lambda n=0.0: n if isinstance(n, (int, float)) else 0.0),
    ("_codecs", "encode"): _Call(_bytes),
    ("numpy._core.multiarray", "scalar"): _Call(_scalar),
    ("numpy._core.multiarray", "_reconstruct"): _Call(lambda *args: Array()),
    ("numpy._core.numeric", "_frombuffer"): _Call(
        lambda raw, kind, shape, order: _array(_filled(raw, kind, shape, order))
    ),
    ("numpy", "ndarray"): Array,
    ("numpy", "dtype"): _NumpyType,
    ("torch._utils", "_rebuild_parameter"): _Call(lambda data, *more: data),
    ("torch._utils", "_rebuild_parameter_with_state"): _Call(lambda data, *more: data),
    ("torch._tensor", "_rebuild_from_type_v2"): _Call(_from_type),
    ("torch", "Size"): _Call(lambda size=(): tuple(size)),
    ("torch", "device"): _Call(_path),
    ("torch", "Tensor"): Odd,
    ("torch.nn.parameter", "Parameter"): Odd,
    ("torch.serialization", "_get_layout"): _Call(lambda *args: Odd()),
    ("torch._utils", "_rebuild_qtensor"): _Call(lambda *args: odd("a quantised tensor")),
    ("torch._utils", "_rebuild_sparse_tensor"): _Call(lambda *args: odd("a sparse tensor")),
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): _Call(lambda *args: odd("a meta tensor, without values")),
    ("torch.jit._pickle", "build_intlist"): _Call(lambda items: list(items)),
    ("torch.jit._pickle", "build_tensorlist"): _Call(lambda items: list(items)),
    ("torch.jit._pickle", "build_doublelist"): _Call(lambda items: list(items)),
    ("torch.jit._pickle", "build_boollist"): _Call(lambda items: list(items)),
    ("torch.jit._pickle", "restore_type_tag"): _Call(lambda value, *tag: value),
    ("argparse", "Namespace"): Bag,
    ("types", "SimpleNamespace"): Bag,
    ("pytorch_lightning.utilities.parsing", "AttributeDict"): Bag,
    ("lightning_fabric.utilities.data", "AttributeDict"): Bag,
    ("lightning.fabric.utilities.data", "AttributeDict"): Bag,
    ("lightning.pytorch.utilities.parsing", "AttributeDict"): Bag,
    ("easydict", "EasyDict"): Bag,
    ("addict.addict", "Dict"): Bag,
    ("pathlib", "PosixPath"): _Call(_path),
    ("pathlib", "PurePosixPath"): _Call(_path),
    ("pathlib", "WindowsPath"): _Call(_path),
    ("datetime", "datetime"): Odd,
}


def _array(value: np.ndarray) -> Array:
    found = Array()
    found.value = value
    return found


def _too_much(size: int) -> str:
    return f"it would unpack to {size / 1e6:.0f} MB, {limits.MOST_BYTES / 1e6:.0f} MB at most are read"


def _read(file, storage, modules=False):
    """One object of a pickle; ImportRefused if it names anything but weights and settings, or is damaged."""
    try:
        return _Unpickler(file, storage, modules).load()
    except ImportRefused:
        raise
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        raise ImportRefused(DAMAGED) from error


def member_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file in a zip, and no more of it than the zip declares: more is not unpacked to be thrown away."""
    with archive.open(name) as packed:
        return packed.read(archive.getinfo(name).file_size)


def read_torch_zip(archive: zipfile.ZipFile):
    """What torch.save or torch.jit.save wrote since PyTorch 1.6; the tensors of a TorchScript come as nested bags."""
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    if sum(sizes.values()) > limits.MOST_BYTES:
        raise ImportRefused(_too_much(sum(sizes.values())))
    main = next((name for name in sizes if re.fullmatch(r"[^/]*/data\.pkl", name)), None)
    if main is None:
        raise ImportRefused(DAMAGED)
    root, kept = main.removesuffix("data.pkl"), {}
    scripted = any(name.startswith(f"{root}code/") for name in sizes)
    try:
        if f"{root}byteorder" in sizes and member_of(archive, f"{root}byteorder").strip() == b"big":
            raise ImportRefused("saved on a machine whose numbers are big-endian, which are not read")

        def storage(key: str, size: int, view) -> Tensor:
            if key not in kept:
                raw = bytearray(member_of(archive, f"{root}data/{key}"))
                if len(raw) < size:
                    raise ImportRefused(DAMAGED)
                kept[key] = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
            return kept[key]

        return _read(io.BytesIO(member_of(archive, main)), storage, scripted)
    except ImportRefused:
        raise
    except Exception as error:  # a damaged zip raises many kinds
        raise ImportRefused(DAMAGED) from error


def read_legacy(data: bytes):
    """What torch.save wrote before PyTorch 1.6, or a plain pickle."""
    file, kept, declared = io.BytesIO(data), {}, 0

    def storage(key: str, size: int, view) -> Tensor:
        nonlocal declared
        if key not in kept:
            declared += size
            if declared > len(data):
                raise ImportRefused(DAMAGED)
            kept[key] = torch.zeros(size, dtype=torch.uint8)
        if not view or not view[0]:
            return kept[key]
        (_, offset, count), width = view[0], view[1]
        start, count = _whole([offset, count])
        return kept[key][start * width : (start + count) * width]

    first = _read(file, storage)
    if not isinstance(first, int) or first != TORCH_MAGIC:
        return first
    _read(file, storage), _read(file, storage)  # the protocol's version and the system's sizes
    held, order = _read(file, storage), _read(file, storage)
    if not isinstance(order, list):
        raise ImportRefused(DAMAGED)
    for key in order:
        count = int.from_bytes(file.read(8), "little")
        values = kept.get(key) if isinstance(key, str) else None
        if values is None or not count or len(values) % count:
            if count == 0 and values is not None and not len(values):
                continue
            raise ImportRefused(DAMAGED)
        raw = bytearray(file.read(len(values)))
        if len(raw) != len(values):
            raise ImportRefused(DAMAGED)
        values.copy_(torch.frombuffer(raw, dtype=torch.uint8))
    return held
