"""Plain measures of a whole path, from values (s) at its steps: at evenly spaced gammas, ends included."""

from __future__ import annotations

import math
from collections.abc import Sequence


def straight(first: float, last: float, steps: int) -> list[float]:
    """Return the values (s) of the straight line between two."""
    return [first + k / (steps - 1) * (last - first) for k in range(steps)]


def barrier(errors: Sequence[float]) -> float:
    """Return how far an error or a loss rises above the straight line between its values at the path's own ends.

    The error barrier of linear mode connectivity (Frankle et al. 2020, section 2), against the line as Entezari et al.
    2022, Eq. 1, have it, so that ends of different quality are no barrier. At least 0, which is its value at the ends.
    """
    line = straight(errors[0], errors[-1], len(errors))
    return max(error - expected for error, expected in zip(errors, line, strict=True))


def area_under(values: Sequence[float]) -> float:
    """Return the area under values over gamma, by trapezoids: their mean along the path."""
    return (sum(values) - (values[0] + values[-1]) / 2) / (len(values) - 1)


def evenness(lengths: Sequence[float]) -> float:
    """Return the longest step (s - 1 lengths) over the mean step: 1 if all are equal; not a number if nothing moves."""
    total = sum(lengths)
    return max(lengths) * len(lengths) / total if total > 0 else math.nan


def drift(values: Sequence[float], first: float, last: float) -> float:
    """Return how far values are from the straight line between two on average, over the mean of these two."""
    away = [abs(v - e) for v, e in zip(values, straight(first, last, len(values)), strict=True)]
    usual = (first + last) / 2
    return sum(away) / len(away) / usual if usual > 0 else math.nan


def mean(values: Sequence[float]) -> float:
    """Return the mean; not a number of none."""
    return sum(values) / len(values) if values else math.nan
