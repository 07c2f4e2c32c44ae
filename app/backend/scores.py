"""How well a space reproduces its networks, as `eval --save` measured it: tables for the Home page."""

from __future__ import annotations

from dataclasses import dataclass

from . import catalogue
from .catalogue import Loaded
from .words import plain

SPLIT_TITLES = {"train": "training networks", "validation": "validation networks", "heldout": "held-out networks"}


@dataclass(frozen=True)
class Score:
    """A figure of eval.json: its key and the decimals that are shown."""

    key: str
    digits: int


@dataclass(frozen=True)
class Scores:
    """What is measured of a kind of networks."""

    columns: dict[str, Score]
    note: str
    undefined: str
    """what a figure is called that is not defined"""


SHAPE_SCORES = Scores(
    {
        "agreement": Score("agreement_median", 3),
        "IoU": Score("iou_median", 3),
        "Chamfer distance": Score("chamfer_median", 4),
    },
    "Medians over networks, decoded against original. Agreement: share of points near the surface at which both "
    "answers are within 0.01.",
    "no surface",
)
CLASSIFIER_SCORES = Scores(
    {
        "accuracy error": Score("accuracy_mae", 3),
        "correlation of accuracies": Score("pearson", 3),
        "same answer": Score("same_answer", 3),
    },
    "Decoded against original, on all test images: mean absolute difference of the two accuracies, Pearson "
    "correlation of the two over networks, and the share of images that both put into the same class.",
    "not defined",
)
ARCHITECTURE = {"correct architecture": Score("architecture_right", 3)}
ARCHITECTURE_NOTE = "Correct architecture: share of networks whose architecture the class head predicts."


@dataclass(frozen=True)
class ScoreTables:
    """The measured figures as Markdown."""

    splits: str
    """by split"""
    architectures: dict[str, str]
    """by architecture, for each split in words; empty for a space of one architecture"""
    note: str
    """what the figures mean"""


def tables(loaded: Loaded) -> ScoreTables | None:
    """Return what was measured with this space on this zoo; None if `eval --save` was not run."""
    measured = catalogue.reconstruction(loaded)
    if not measured:
        return None
    scores = SHAPE_SCORES if catalogue.is_shapes(loaded) else CLASSIFIER_SCORES
    columns, note = scores.columns, scores.note
    if any(ARCHITECTURE["correct architecture"].key in figures for figures in measured.values()):
        columns, note = columns | ARCHITECTURE, f"{note} {ARCHITECTURE_NOTE}"
    parts = catalogue.by_architecture(measured)
    return ScoreTables(
        _table({SPLIT_TITLES[split]: figures for split, figures in measured.items()}, columns, scores.undefined),
        {SPLIT_TITLES[split]: _table(part, columns, scores.undefined) for split, part in parts.items()},
        f"{note} {catalogue.reads_note(loaded)}",
    )


def _table(rows: dict[str, dict], columns: dict[str, Score], undefined: str) -> str:
    """Markdown with a row for each title; a cell is empty if its figure was not measured."""

    def cell(figures: dict, score: Score) -> str:
        if score.key not in figures:
            return ""
        value = figures[score.key]
        return undefined if value is None else f"{value:.{score.digits}f}"

    lines = [["", "networks", *columns], ["--", *["--:"] * (len(columns) + 1)]]
    for name, figures in rows.items():
        lines.append([plain(name), str(figures["count"]), *(cell(figures, score) for score in columns.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
