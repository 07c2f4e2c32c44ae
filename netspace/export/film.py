"""Pictures of many networks: film strips of a path, thumbnails of a zoo."""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Iterable, Sequence

import numpy as np

from ..data.shapes import Mesh
from ..errors import UsageError, required_for
from ..geometry.render import WIDE_ANGLE, Studio
from ..io import atomic_write
from ..tasks import task_of
from ..zoo.store import Zoo
from .figures import SLATE
from .table import PathSubject

FILM_SIZE, MOST_FRAMES = 240, 9
"""pixels along a side of a frame of a film strip, and its most frames"""
PAD_SIZE = 120
"""pixels along a side of a frame of a pad"""
_drawing = threading.Lock()
"""one renderer at a time: the app makes files in several threads"""


def some_of(count: int, most: int) -> list[int]:
    """Return at most so many of `count` positions, evenly spaced, the first and the last among them."""
    shown = min(count, most)
    return [round(k * (count - 1) / max(1, shown - 1)) for k in range(shown)]


def drawn_steps(subject: PathSubject, chosen: Sequence[int], size: int) -> list[np.ndarray | None] | None:
    """Draw the chosen steps of a path as (size, size, 4) uint8.

    Returns:
        None for steps that have nothing to draw; None altogether for kinds of network without a picture.

    Raises:
        MissingPackage: a package that draws them is not installed.
    """
    with required_for("a picture of a path"), _drawing:
        draw = subject.task.artist(size, subject.look.colour)
        if draw is None:
            return None
        shown = [subject.steps[i].shown for i in chosen]
        return [None if one is None else draw(one) for one in shown]


def drawn_turn(mesh: Mesh, colour: str, count: int, size: int) -> list[np.ndarray]:
    """Draw a mesh as (size, size, 4) uint8 `count` times, turned about the vertical axis from one to the next.

    Raises:
        MissingPackage: VTK is not installed.
    """
    with required_for("a picture of a surface"), _drawing:
        return Studio(size, WIDE_ANGLE).pictures(mesh, colour, [360 * k / count for k in range(count)])


def write_film(subject: PathSubject) -> bytes:
    """At most MOST_FRAMES steps of a path in one row, or all mixtures of a pad where they lie, as PNG."""
    with required_for("a film strip"):
        from PIL import Image
    count = len(subject.steps)
    size = FILM_SIZE if subject.xy is None else PAD_SIZE
    pictures = drawn_steps(subject, some_of(count, MOST_FRAMES) if subject.xy is None else range(count), size)
    if pictures is None:
        raise UsageError(f"{subject.task.networks} have no picture to draw")
    sheet = film_strip(pictures, size) if subject.xy is None else pad_sheet(pictures, subject.xy, size)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "png")
    return buffer.getvalue()


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
