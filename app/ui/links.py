"""How the text of a link is read and checked; what is wrong with it is a sentence for the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

AXES_OF_SLICES, SHOWN_IN_SLICES = ("x", "y", "z"), ("field", "eikonal")


def one_of(options: Collection | Callable[[Any], Collection], words: str) -> Callable[[Any, Any], Any]:
    """Return a field's check that accepts these options, or those that a function of the state returns.

    `words` say what is wrong with another value, which they name as {}.
    """

    def check(state: Any, value: Any) -> Any:
        if value not in (options(state) if callable(options) else options):
            raise ValueError(words.format(f"“{value}”"))
        return value

    return check


def yes(text: str) -> bool:
    """Read yes or no."""
    if text not in ("yes", "no"):
        raise ValueError(f"The link has “{text}” where it says yes or no; it is ignored.")
    return text == "yes"


def yes_or_no(shown: bool) -> str:
    """Write yes or no."""
    return "yes" if shown else "no"


def place_in_list(text: str) -> int:
    """Read the place of a view in its list, from 1."""
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10):
        raise ValueError(f"The link's view to present, “{text}”, is no number; nothing is presented.")
    return int(text)


def gamma(text: str) -> float:
    """Read a gamma, at least 0 and at most 1."""
    try:
        value = float(text)
        if math.isnan(value):
            raise ValueError
    except ValueError:
        raise ValueError(f"The link's gamma “{text}” is not a number; showing the middle of the path.") from None
    return min(max(value, 0.0), 1.0)


def camera(text: str) -> list[float]:
    """Read azimuth, elevation and distance of a camera, within what the viewer allows."""
    try:
        azimuth, elevation, distance = read_numbers(text, 3)
    except ValueError:
        raise ValueError(f"The link's camera “{text}” is not three numbers; showing the usual view.") from None
    return [math.remainder(azimuth, 2 * math.pi), min(max(elevation, -1.5), 1.5), min(max(distance, 1.6), 9.0)]


def field_slice(text: str) -> dict[str, Any] | None:
    """Read a slice: an axis, where a plane crosses it, and what is shown there; None for an empty text."""
    if not text:
        return None
    try:
        axis, where, shown = text.split()
        (at,) = read_numbers(where, 1)
        if axis not in AXES_OF_SLICES or shown not in SHOWN_IN_SLICES or abs(at) > 1:
            raise ValueError
    except ValueError:
        raise ValueError(f"The link's slice “{text}” is not like “x 0.25 field”; no slice is shown.") from None
    return {"axis": axis, "at": round(at, 2) + 0.0, "shown": shown}  # no -0.0


def write_slice(value: dict[str, Any]) -> str:
    """Write a slice."""
    return f"{value['axis']} {value['at']:.2f} {value['shown']}"


def read_numbers(text: str, count: int | None = None) -> list[float]:
    """Return the numbers of a text; ValueError if they are not finite, or not as many."""
    found = [float(value) for value in text.split()]
    if not all(map(math.isfinite, found)) or (count is not None and len(found) != count):
        raise ValueError
    return found


def text(values: Iterable[float]) -> str:
    """Write numbers."""
    return " ".join(f"{v:.5g}" for v in values)


def three_decimals(values: Iterable[float]) -> str:
    """Write numbers with three decimals."""
    return " ".join(f"{v:.3f}" for v in values)


def place(text: str) -> list[float] | None:
    """Read x and y; None for an empty text."""
    try:
        return read_numbers(text, 2) if text else None
    except ValueError:
        raise ValueError(f"The link's place “{text}” is not two numbers; nothing is decoded there.") from None


def view(text: str) -> list[float] | None:
    """Read x and y of the middle of the map, and its scale; None for an empty text."""
    try:
        found = read_numbers(text, 3) if text else None
        if found and found[2] <= 0:
            raise ValueError
        return found
    except ValueError:
        raise ValueError(f"The link's view “{text}” is not three numbers; showing the whole map.") from None


def bounds(text: str) -> tuple[float, float] | None:
    """Read the lowest and the highest value of a range; None for an empty text."""
    try:
        low, high = read_numbers(text, 2) if text else (0.0, 0.0)
        if low > high:
            raise ValueError
        return (low, high) if text else None
    except ValueError:
        raise ValueError(f"The link's range “{text}” is not two numbers, the lower first; all are shown.") from None


def polygon(text: str) -> list[list[float]] | None:
    """Read x and y of three corners or more; None for an empty text."""
    try:
        found = read_numbers(text)
        if len(found) % 2 or 0 < len(found) < 6:
            raise ValueError
        return [found[k : k + 2] for k in range(0, len(found), 2)] or None
    except ValueError:
        raise ValueError("The link's selection is not the corners of a polygon; nothing is selected.") from None


def corners(value: Iterable[Iterable[float]]) -> str:
    """Write the corners of a polygon."""
    return text(v for corner in value for v in corner)
