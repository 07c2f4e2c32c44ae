"""Embeddings that a cache keeps, network by network: what was embedded once, in whatever zoo, is not embedded again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import FormatError, one_line
from ..io import atomic_write, content_hash, open_regular, read_bytes

if TYPE_CHECKING:
    import pandas as pd

FOLDER, CONTENT = "embeddings", "content"
"""of a cache; and the column of a file in it that says which PRep a row is the embedding of"""


def prep_content(prep: Tensor) -> str:
    """Return 32 hex digits that change with the values of a PRep (1, H, W) float32."""
    return hashlib.blake2b(prep.contiguous().numpy().data, digest_size=16).hexdigest()


class KeptEmbeddings:
    """The embeddings of one space in a cache, by `prep_content`. What cannot be read or written costs time only."""

    def __init__(self, cache: Path | None, space: str, size: int) -> None:
        """Read those that there are.

        Args:
            cache: folder; None: keep nothing.
            space: content of the space.
            size: E.
        """
        self.folder, self.space = cache and cache / FOLDER, space
        self._rows: dict[str, int] = {}
        self._files: dict[Path, set[str]] = {}
        parts = [torch.empty(0, size)]
        for path in sorted(self.folder.glob(f"{space}-*.parquet")) if self.folder else ():
            with suppress(OSError, ValueError):
                contents, z = _read(path)
                if z.shape[1] == size:
                    start = sum(map(len, parts))
                    self._rows |= {content: start + k for k, content in enumerate(contents)}
                    self._files[path] = set(contents)
                    parts.append(z)
        self._z = torch.cat(parts)

    def __getitem__(self, content: str) -> Tensor | None:
        """The embedding (E) of a PRep, or None."""
        row = self._rows.get(content)
        return None if row is None else self._z[row]

    def write(self, table: pd.DataFrame, contents: Sequence[str], name: str = "") -> None:
        """Keep a table of embeddings; files that hold nothing else go.

        Args:
            contents: of the table's rows; "" for one that is left out.
            name: content of the zoo whose whole table it is, if it is to be found by that.
        """
        if self.folder is None:
            return
        table = table.assign(**{CONTENT: list(contents)})
        path = self.folder / f"{self.space}-{name or content_hash(*contents)}.parquet"
        held = set(contents) - {""}
        with suppress(OSError):  # no room or no permission
            with atomic_write(path) as temporary:
                table[table[CONTENT] != ""].to_parquet(temporary, index=False)
            for other in [file for file, theirs in self._files.items() if file != path and theirs <= held]:
                other.unlink(missing_ok=True)
                del self._files[other]
            self._files[path] = held


def read_embeddings(path: Path) -> Tensor:
    """Read the embeddings (b, E), float32, from a Parquet file. FormatError if it holds none."""
    import pandas as pd

    content = io.BytesIO(read_bytes(path))
    try:
        table = pd.read_parquet(content)
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise FormatError(f"{path} is truncated or not a parquet file ({one_line(error)})") from error
    columns = [name for name in table if name[:1] == "z" and name[1:].isdigit()]
    if not columns:
        raise FormatError(f"{path} holds no embeddings: it has no columns z0, z1, ...")
    return torch.from_numpy(table[columns].to_numpy("float32", copy=True)).contiguous()  # columns: sums would differ


def _read(path: Path) -> tuple[list[str], Tensor]:
    """The contents and embeddings (n, E) of a file; ValueError if it has no contents."""
    import pyarrow.parquet

    with open_regular(path) as file:
        columns = pyarrow.parquet.read_table(file, columns=[CONTENT])
    return columns[CONTENT].to_pylist(), read_embeddings(path)
