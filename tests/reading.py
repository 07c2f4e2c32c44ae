"""What a page's Markdown says to those who read it, and pictures in files."""

import io
import re
from pathlib import Path

from PIL import Image


def read(markdown: str) -> str:
    """Markdown with its escapes taken out, as it is shown."""
    return re.sub(r"\\([\\`*_\[\]<>$~:#|&])", r"\1", markdown).replace("\N{WORD JOINER}", "")


def read_picture(path: Path) -> Image.Image:
    """A picture of a file, which is closed."""
    return Image.open(io.BytesIO(path.read_bytes()))
