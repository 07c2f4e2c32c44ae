"""A path as an animated GIF, there and back for ever: pictures of its networks or, without such, a point on its curve.

One palette serves all frames, and nothing is dithered, so that what does not change does not flicker.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import required_for
from .figures import SLATE
from .film import drawn_steps, film_strip, some_of
from .table import PathSubject

if TYPE_CHECKING:
    from PIL import Image

SHORTEST = 2
"""hundredths of a second, in which GIF counts; browsers show frames that are shorter slowly"""
PICTURE_SIZE, CAPTION_HEIGHT, BELOW, MARGIN = 320, 48, 36, 12
"""pixels: of a picture, of the words above and the bar below it, and beside both"""
MOST_NETWORKS = 129
"""evenly spaced ones of longer paths are shown"""
INK, PAPER, RULE = "#1F2933", "#FFFFFF", "#D5DAE1"
MOST_COLOURS, SAMPLE_SIDE = 256, 64
"""of the palette; and pixels along a side of each frame that it is chosen from"""
SMOOTH = 3
"""lines are drawn this many times as large and scaled down, as Pillow draws no smooth ones"""


def write_gif(subject: PathSubject) -> bytes:
    """The networks of a path from A to B and back, at about the rate that was asked for: see `gif_delay`.

    Equal frames that follow each other are one of theirs in the file, shown as long as all of them.

    Raises:
        MissingPackage: Pillow, or what draws this kind of network, is not installed.
    """
    with required_for("an animated GIF"):
        import PIL  # noqa: F401
    loop = there_and_back(with_one_palette(frames_of(subject), [PAPER, INK, RULE, SLATE, subject.look.colour]))
    buffer = io.BytesIO()
    loop[0].save(
        buffer, format="GIF", save_all=True, append_images=loop[1:], duration=10 * gif_delay(subject.fps), loop=0,
        optimize=False, disposal=1,
        palette=bytes(loop[0].getpalette()),  # the file's one colour table: without it every frame has its own
    )  # fmt: skip
    return buffer.getvalue()


def gif_delay(fps: int) -> int:
    """Return how long a frame is shown, in hundredths of a second: GIF has no finer ones."""
    return max(SHORTEST, round(100 / fps))


def gif_remark(subject: PathSubject) -> str:
    """Return the rate of the file, in words, if it is not the one that was asked for."""
    real = 100 / gif_delay(subject.fps)
    return "" if real == subject.fps else f"{real:.1f} frames per second, as GIF counts in hundredths of a second"


def there_and_back(frames: list[Image.Image]) -> list[Image.Image]:
    """Return frames from A to B and, without showing B or A twice, back."""
    return [*frames, *frames[-2:0:-1]]


def with_one_palette(frames: Sequence[Image.Image], exact: Sequence[str]) -> list[Image.Image]:
    """Reduce RGB frames to one palette of at most MOST_COLOURS, with these `exact` ones ("#rrggbb") among them.

    Every pixel takes the nearest colour; Pillow's own search rounds before it compares.
    """
    from PIL import Image

    montage = Image.new("RGB", (SAMPLE_SIDE * len(frames), SAMPLE_SIDE))
    for k, frame in enumerate(frames):
        montage.paste(frame.resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST), (k * SAMPLE_SIDE, 0))
    chosen = montage.quantize(MOST_COLOURS - len(exact), method=Image.Quantize.MEDIANCUT).getpalette("RGB")
    given = [int(colour[k : k + 2], 16) for colour in exact for k in (1, 3, 5)]
    palette = np.array(list(dict.fromkeys(zip(*[iter([*given, *chosen])] * 3, strict=True))), np.float32)  # (c, 3)
    codes = [_codes(np.asarray(frame)) for frame in frames]  # (H, W) each
    seen, nearest = np.zeros(1 << 24, bool), np.zeros(1 << 24, np.uint8)  # by code
    for code in codes:
        seen[code] = True
    for some in np.array_split(np.flatnonzero(seen), 64):
        colours = np.stack([some >> 16, some >> 8 & 255, some & 255], axis=1).astype(np.float32)  # (n, 3), exact
        nearest[some] = ((palette**2).sum(axis=1) - 2 * colours @ palette.T).argmin(axis=1)
    found = []
    for code in codes:
        found.append(Image.fromarray(nearest[code]))
        found[-1].putpalette(palette.ravel().astype(int).tolist())
    return found


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Colours (*b, 3) uint8 as numbers (*b), 8 bits each."""
    red, green, blue = (pixels[..., k].astype(np.uint32) for k in range(3))
    return red << 16 | green << 8 | blue


def frames_of(subject: PathSubject) -> list[Image.Image]:
    """Draw RGB frames of a path from A to B: the method and what was measured above, the position below."""
    from PIL import Image

    chosen = some_of(len(subject.steps), MOST_NETWORKS)
    pictures = drawn_steps(subject, chosen, PICTURE_SIZE)
    panel = curve_panel(subject) if pictures is None else None
    found = []
    for k, i in enumerate(chosen):
        frame = Image.new("RGB", (PICTURE_SIZE + 2 * MARGIN, CAPTION_HEIGHT + PICTURE_SIZE + BELOW), PAPER)
        inside = panel(i) if panel else Image.fromarray(film_strip([pictures[k]], PICTURE_SIZE)).convert("RGB")
        frame.paste(inside, (MARGIN, CAPTION_HEIGHT))
        _write_head(frame, subject, subject.steps[i].words)
        if panel is None and pictures[k] is None:
            _write(frame, (frame.width / 2, CAPTION_HEIGHT + PICTURE_SIZE / 2), subject.steps[i].words, 16, SLATE, "mm")
        _draw_bar(frame, subject, subject.positions[i])
        found.append(frame)
    return found


def curve_panel(subject: PathSubject) -> Callable[[int], Image.Image]:
    """Return what draws the score over the positions with a point at a step; scores go from 0 to 1."""
    from PIL import Image, ImageDraw

    side, edge = PICTURE_SIZE * SMOOTH, 28 * SMOOTH
    span, colour = side - 2 * edge, subject.look.colour

    low, high = min(subject.positions), max(subject.positions)

    def at(share: float, score: float) -> tuple[float, float]:
        return edge + share * span, side - edge - score * span

    points = [
        at((position - low) / ((high - low) or 1), step.row[subject.task.score])
        for position, step in zip(subject.positions, subject.steps, strict=True)
    ]
    base = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(base)
    for share in (0, 0.25, 0.5, 0.75, 1):
        draw.line([at(0, share), at(1, share)], RULE, SMOOTH)
    for k in range(0, 40, 2):
        draw.line([at(k / 40, subject.chance), at((k + 1) / 40, subject.chance)], SLATE, SMOOTH)
    for one, other in zip(points, points[1:], strict=False):
        if all(map(math.isfinite, (*one, *other))):  # else a gap: it is not known
            draw.line([one, other], colour, 2 * SMOOTH)
    base = base.resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.LANCZOS)
    for share in (0, 0.5, 1):
        x, y = (value / SMOOTH for value in at(0, share))
        _write(base, (x - 4, y), f"{share:g}", 11, SLATE, "rm")
    _write(base, (edge / SMOOTH, 12), subject.task.score, 11, SLATE, "lm")
    radius = 6
    disc = Image.new("L", (2 * radius * SMOOTH,) * 2)
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), 255)
    disc = disc.resize((2 * radius,) * 2, Image.Resampling.LANCZOS)

    def draw_point(i: int) -> Image.Image:
        shown = base.copy()
        x, y = points[i]
        if math.isfinite(y):
            shown.paste(colour, (round(x / SMOOTH) - radius, round(y / SMOOTH) - radius), disc)
        return shown

    return draw_point


def _write_head(frame: Image.Image, subject: PathSubject, words: str) -> None:
    _write(frame, (MARGIN, 16), subject.name, 15, subject.look.colour, "lm")
    start = MARGIN + _width(subject.name, 15) + 10
    names = " to ".join(label.partition(": ")[2] or label for _, label in subject.through)
    _write(frame, (start, 16), _fitting(names, 13, frame.width - MARGIN - start), 13, INK, "lm")
    _write(frame, (MARGIN, 36), _fitting(words, 12, frame.width - 2 * MARGIN), 12, SLATE, "lm")


def _draw_bar(frame: Image.Image, subject: PathSubject, position: float) -> None:
    """Draw where a position is, also in figures, with the letters of the networks that the steps lead through."""
    from PIL import ImageDraw

    words = f"{subject.axis} {position:.3f}"
    y, left, right = frame.height - BELOW + 12, MARGIN + 4, frame.width - MARGIN - max(_width(words, 13) + 16, 110)
    low, high = min(subject.positions), max(subject.positions)

    def at(value: float) -> int:
        return left + round((value - low) / ((high - low) or 1) * (right - left))

    draw = ImageDraw.Draw(frame)
    draw.rectangle((left, y - 2, right, y + 2), RULE)
    draw.rectangle((left, y - 2, at(position), y + 2), subject.look.colour)
    for value, label in subject.through:
        draw.line((at(value), y - 4, at(value), y + 4), SLATE)
        letter = label.partition(": ")
        _write(frame, (at(value), y + 15), letter[0] if letter[1] else "", 11, SLATE, "mm")
    draw.rectangle((at(position) - 2, y - 7, at(position) + 2, y + 7), INK)
    _write(frame, (frame.width - MARGIN, y), words, 13, INK, "rm")


def _font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _width(words: str, size: int) -> int:
    return math.ceil(_font(size).getlength(words))


def _fitting(words: str, size: int, width: int) -> str:
    """Shorten words that are wider than so many pixels."""
    while words and _width(words, size) > width:
        words = words.removesuffix("...")[:-1] + "..." if len(words) > 4 else ""
    return words


def _write(image: Image.Image, place: tuple[float, float], words: str, size: int, colour: str, anchor: str) -> None:
    from PIL import ImageDraw

    ImageDraw.Draw(image).text(place, words, colour, _font(size), anchor)
