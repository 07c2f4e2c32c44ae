"""The pictures of a zoo's networks that lie in its folder as one atlas, as `zoo thumbnails` draws it."""

from __future__ import annotations

from netspace.errors import FormatError
from netspace.io import check_types, read_bytes, read_json

from .catalogue import Loaded

MOST_ATLAS_BYTES = 64 * 1024**2
"""of an atlas that is sent to a browser"""
GRID = {"size": int, "columns": int, "rows": int}


def read_thumbnails(loaded: Loaded) -> tuple[dict[str, int], bytes] | None:
    """The atlas's grid (pixels of a picture's side, columns, rows) and WebP file; None where there is none to use.

    The folder may be somebody else's: what is no atlas of these networks is left out.
    """
    file = loaded.zoo_info.folder / "thumbnails.webp"
    try:
        grid = read_json(file.with_suffix(".json"))
        check_types(grid, file.with_suffix(".json"), GRID)
        grid = {name: grid[name] for name in GRID}
        if min(grid.values()) < 1 or grid["columns"] * grid["rows"] < len(loaded.zoo) or not file.is_file():
            return None
        picture = read_bytes(file) if file.stat().st_size <= MOST_ATLAS_BYTES else b""
    except (FormatError, OSError):
        return None
    return (grid, picture) if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" else None
