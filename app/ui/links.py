"""What the link of the page Map holds beside words: places, a view, a polygon, as numbers with spaces between."""

from __future__ import annotations

import math
from collections.abc import Iterable


def numbers(asked: str | list[float], count: int | None = None) -> list[float]:
    """Numbers of a link; ValueError where they are none, or not as many."""
    found = [float(v) for v in (asked.split() if isinstance(asked, str) else asked)]
    if not all(map(math.isfinite, found)) or (count is not None and len(found) != count):
        raise ValueError
    return found


def text(values: Iterable[float] | None) -> str:
    """Numbers as a link has them; empty of none."""
    return " ".join(f"{v:.5g}" for v in values or ())


def place(asked: str | list[float] | None) -> list[float] | None:
    """For `frame.linked`: x and y."""
    try:
        return None if not asked else numbers(asked, 2)
    except ValueError:
        raise ValueError(f"The link's place “{asked}” is not two numbers; nothing is decoded there.") from None


def view(asked: str | list[float] | None) -> list[float] | None:
    """For `frame.linked`: x and y of the middle of the map, and its scale."""
    try:
        found = None if not asked else numbers(asked, 3)
        if found and found[2] <= 0:
            raise ValueError
        return found
    except ValueError:
        raise ValueError(f"The link's view “{asked}” is not three numbers; showing the whole map.") from None


def polygon(asked: str | list[list[float]] | None) -> list[list[float]] | None:
    """For `frame.linked`: x and y of three corners or more."""
    try:
        found = numbers(asked) if isinstance(asked, str) else [v for corner in asked or [] for v in corner]
        if len(found) % 2 or 0 < len(found) < 6:
            raise ValueError
        return [found[k : k + 2] for k in range(0, len(found), 2)] or None
    except ValueError:
        raise ValueError("The link's selection is not the corners of a polygon; nothing is selected.") from None
