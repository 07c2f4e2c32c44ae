"""Encoded images as pixels: decoded by Pillow, all of one size."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..nets.inputs import IMAGE_SETS

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""What Pillow may take a file for: it reads others with programs that an unknown file should not reach."""
CHUNK = 256
"""Images that a thread decodes at a time."""


class Encoded(NamedTuple):
    """Images as files hold them, by their position."""

    where: Callable[[int], str]
    """what messages call it"""
    read: Callable[[int], bytes]


class RequiredSize(NamedTuple):
    """The size that every image must have."""

    size: int
    because: str


def required_size(name: str, encoded: Encoded) -> RequiredSize:
    """The size that the data set is known for, else that of its first image."""
    if name in IMAGE_SETS:
        size = IMAGE_SETS[name].size
        return RequiredSize(size, f"{name} needs {size}x{size}")
    height, width, _ = decode_image(encoded, 0, None).shape
    if height != width:
        raise DataError(f"{encoded.where(0)} is {width}x{height}, images must be square")
    return RequiredSize(width, f"{encoded.where(0)} is {width}x{width}")


def decode_image(encoded: Encoded, i: int, need: RequiredSize | None) -> np.ndarray:
    """An image (height, width, 3) uint8, grey made RGB; DataError where it is none or not what is needed."""
    from PIL import Image, UnidentifiedImageError

    Image.init()  # else only some formats can be named
    try:
        with Image.open(io.BytesIO(encoded.read(i)), formats=PILLOW_FORMATS) as image:
            width, height = image.size
            if need is not None and (width, height) != (need.size, need.size):
                raise DataError(f"{encoded.where(i)} is {width}x{height}, {need.because}")
            if image.mode not in ("RGB", "L", "P", "1"):  # P: the colours of a palette
                raise DataError(f"{encoded.where(i)} has the channels {image.mode}, it must be RGB or grey")
            return np.asarray(image.convert("RGB"))
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{encoded.where(i)} is not an image") from error
    except Exception as error:  # Pillow and zipfile raise many kinds for damaged files
        raise DataError(f"{encoded.where(i)} cannot be decoded ({error})") from error


def decode_images(encoded: Encoded, need: RequiredSize, rows: np.ndarray) -> np.ndarray:
    """Images (m, 3, S, S) uint8 of the rows (m,), decoded on all cores."""
    pixels = np.empty((len(rows), 3, need.size, need.size), np.uint8)

    def fill(start: int) -> None:
        for k in range(start, min(start + CHUNK, len(rows))):
            pixels[k] = decode_image(encoded, int(rows[k]), need).transpose(2, 0, 1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(rows), CHUNK)))
    return pixels
