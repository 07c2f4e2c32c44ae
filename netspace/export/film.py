"""Pictures of many networks: film strips of a path, thumbnails of a zoo."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import UsageError
from ..io import atomic_write
from ..tasks import task_of
from ..zoo.store import Zoo
from .figures import SLATE


def film_strip(pictures: Sequence[np.ndarray | None], size: int = 240) -> np.ndarray:
    """Lay pictures (size, size, 4) in one row (size, steps * size, 4): white behind, an empty frame for None."""
    tiles = []
    for picture in pictures:
        tile = np.full((size, size, 4), 255, np.uint8)
        if picture is not None:
            picture = picture.astype(np.float32)
            alpha = picture[..., 3:] / 255
            tile[..., :3] = (picture[..., :3] * alpha + 255 * (1 - alpha)).round()
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def pad_sheet(pictures: Sequence[np.ndarray | None], xy: np.ndarray, size: int = 120) -> np.ndarray:
    """Lay pictures (size, size, 4) out as mixtures lie on a pad, white behind: (side * size, side * size, 4).

    Args:
        xy: places (s, 2) in [0, 1]^2 with y upwards, as `families.triangle` and `families.square` spread them.
    """
    side = round((xy[:, 1] == 0).sum())  # mixtures along the lower edge
    sheet = np.full((side * size, side * size, 4), 255, np.uint8)
    for picture, (x, y) in zip(pictures, xy.tolist(), strict=True):
        left, top = (round(share * (side - 1) * size) for share in (x, 1 - y))
        sheet[top : top + size, left : left + size] = film_strip([picture], size)
    return sheet


def write_thumbnails(zoo: Zoo, size: int = 96, columns: int = 16, resolution: int = 64) -> Iterable[int]:
    """Draw what every network itself holds into one atlas, thumbnails.webp, in the zoo's folder; yields the ids done.

    Raises:
        UsageError: networks of this kind have no picture.
    """
    from PIL import Image

    task = task_of(zoo)
    draw = task.artist(2 * size, SLATE)
    if draw is None:
        raise UsageError(f"{zoo.folder} holds {zoo.family.names[0]}: {task.networks} have no picture to draw")
    rows = math.ceil(len(zoo) / columns)
    atlas = Image.new("RGBA", (columns * size, rows * size))
    for i in range(len(zoo)):
        shown = task.show(zoo[i], resolution)
        if shown is not None:  # else its place in the atlas stays empty
            tile = Image.fromarray(draw(shown)).resize((size, size), Image.Resampling.LANCZOS)
            atlas.paste(tile, ((i % columns) * size, (i // columns) * size))
        yield i
    with atomic_write(zoo.folder / "thumbnails.webp") as path:
        atlas.save(path, format="webp", quality=80, alpha_quality=90, method=6)
    with atomic_write(zoo.folder / "thumbnails.json") as path:
        path.write_text(json.dumps({"size": size, "columns": columns, "rows": rows}) + "\n")
