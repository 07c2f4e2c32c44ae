"""What was measured along a path, as a table and as a figure."""

from __future__ import annotations

import io
from collections.abc import Callable

from ..errors import UsageError, required_for
from .figures import pad_figure, score_figure, walk_figure
from .table import CurveSubject


def write_csv(subject: CurveSubject) -> bytes:
    """One line per network."""
    return subject.table.to_csv(index=False, float_format=subject.float_format).encode()


def write_figure(kind: str) -> Callable[[CurveSubject], bytes]:
    """Return what draws scores as png or pdf: Fig. 3b, Fig. 5 for a walk through a family, or mixtures over a pad.

    It raises UsageError if there is only one score, and MissingPackage if matplotlib is not installed.
    """

    def write(subject: CurveSubject) -> bytes:
        if len(subject.positions) < 2:
            raise UsageError("a figure takes the scores of two networks or more")
        buffer, along = io.BytesIO(), (subject.positions, subject.lines, subject.originals)
        with required_for("a figure"):
            if subject.xy is not None:
                place = dict(zip(subject.positions, subject.xy, strict=True))
                corners = [(place[at], f"{label}  {score:.3f}") for at, label, score in subject.originals]
                pad_figure(buffer, subject.xy, subject.lines[0].values, corners, subject.about, kind)
            elif subject.walk is None:
                score_figure(buffer, *along, subject.chance, subject.about, kind, axis=subject.axis)
            else:
                walk_figure(buffer, *along, subject.chance, subject.about, kind, subject.walk)
        return buffer.getvalue()

    return write
