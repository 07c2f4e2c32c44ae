"""Networks that were made, and files of them: how they come back from another machine, known by their SHA-256 digest.

A part is a safetensors file with the parameters of a group of networks, `<place in the group>/<parameter>`; its header
holds, as JSON, what else is known of each. Its name has its digest, so that a job that was done twice has two files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..errors import FormatError
from ..io import atomic_write, read_bytes


class Made(NamedTuple):
    """A trained network, or the reason why there is none."""

    name: str
    params: Mapping[str, np.ndarray] | None
    """parameter name -> values as stored; None if the network could not be made"""
    record: dict
    """columns of the zoo's table"""
    problem: str

    @classmethod
    def of(cls, name: str, params: Mapping[str, Tensor], record: dict) -> Made:
        """A network that was trained."""
        return cls(name, {key: p.cpu().numpy() for key, p in params.items()}, record, "")

    @classmethod
    def skipped(cls, name: str, why: str) -> Made:
        """A network that could not be made; `why` is one sentence."""
        return cls(name, None, {}, why)


class PartFile(NamedTuple):
    """A file of networks, as whoever wrote it tells others."""

    file: str
    """name in the folder of parts"""
    digest: str
    """SHA-256 of its bytes, 64 hex digits"""


def write_part(folder: Path, group: Sequence[Made]) -> PartFile:
    """Write a group of networks as a file of `folder`, atomically."""
    from safetensors.numpy import save

    about = [{"name": made.name, "record": made.record, "problem": made.problem} for made in group]
    for k, made in enumerate(group):
        about[k]["params"] = None if made.params is None else list(made.params)
    each = ((f"{k}/{name}", p) for k, made in enumerate(group) for name, p in (made.params or {}).items())
    tensors = {name: np.ascontiguousarray(p) for name, p in each}
    content = save(tensors, {"made": json.dumps(about, default=lambda number: number.item())})
    digest = hashlib.sha256(content).hexdigest()
    part = PartFile(f"{digest}.safetensors", digest)
    with atomic_write(folder / part.file) as path:
        path.write_bytes(content)
    return part


def read_part(folder: Path, part: PartFile) -> list[Made]:
    """Read a group of networks; FormatError if the file is not there, or is not the one that was written."""
    from safetensors.numpy import load

    path = folder / part.file
    try:
        content = read_bytes(path)
    except OSError as error:
        raise FormatError(f"{path} cannot be read ({error.strerror or error})") from error
    if hashlib.sha256(content).hexdigest() != part.digest:
        raise FormatError(f"{path} is damaged: it does not have the digest that it was written with")
    size = int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["made"])
    tensors = load(content)
    return [
        Made(
            one["name"],
            None if one["params"] is None else {name: tensors[f"{k}/{name}"] for name in one["params"]},
            one["record"],
            one["problem"],
        )
        for k, one in enumerate(about)
    ]
