"""Pictures of many networks: film strips of a path, thumbnails of a zoo."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..data.shapes import Mesh
from ..errors import NoSurface
from ..geometry.mesh import surface_of
from ..geometry.render import Studio
from ..io import atomic_write
from ..zoo.store import Zoo
from .figures import SLATE


def film_strip(meshes: Sequence[Mesh | None], colour: str, size: int = 240) -> np.ndarray:
    """A path in one row (size, steps * size, 4): white behind, an empty frame where there is no surface."""
    studio = Studio(size)
    tiles = []
    for mesh in meshes:
        tile = np.full((size, size, 4), 255, np.uint8)
        if mesh is not None:
            picture = studio.picture(mesh, colour).astype(np.float32)
            alpha = picture[..., 3:] / 255
            tile[..., :3] = (picture[..., :3] * alpha + 255 * (1 - alpha)).round()
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def write_thumbnails(zoo: Zoo, size: int = 96, columns: int = 16, resolution: int = 64) -> Iterable[int]:
    """Draw every network's own surface into one atlas, thumbnails.webp, in the zoo's folder; yields the ids done."""
    from PIL import Image

    rows = math.ceil(len(zoo) / columns)
    atlas = Image.new("RGBA", (columns * size, rows * size))
    studio = Studio(2 * size)
    for i in range(len(zoo)):
        try:
            picture = studio.picture(surface_of(zoo[i], resolution, preview=True).mesh, SLATE)
            tile = Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS)
            atlas.paste(tile, ((i % columns) * size, (i // columns) * size))
        except NoSurface:
            pass  # its place in the atlas stays empty
        yield i
    with atomic_write(zoo.folder / "thumbnails.webp") as path:
        atlas.save(path, format="webp", quality=80, alpha_quality=90, method=6)
    with atomic_write(zoo.folder / "thumbnails.json") as path:
        path.write_text(json.dumps({"size": size, "columns": columns, "rows": rows}) + "\n")
