"""How well a space reproduces its networks, as `eval --save` measured it: tables for the Home page."""

from __future__ import annotations

from dataclasses import dataclass

from app.tasks import app_task
from app.tasks.task import Score

from . import catalogue
from .catalogue import Loaded
from .words import plain

SPLIT_TITLES = {"train": "training networks", "validation": "validation networks", "heldout": "held-out networks"}


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
    task = app_task(loaded)
    scores = task.scores
    columns, note = dict(scores.columns), scores.note
    if any(ARCHITECTURE["correct architecture"].key in figures for figures in measured.values()):
        columns, note = columns | ARCHITECTURE, f"{note} {ARCHITECTURE_NOTE}"
    parts = catalogue.by_architecture(measured)
    return ScoreTables(
        _table({SPLIT_TITLES[split]: figures for split, figures in measured.items()}, columns, scores.undefined),
        {SPLIT_TITLES[split]: _table(part, columns, scores.undefined) for split, part in parts.items()},
        f"{note} {task.reads_note(loaded)}",
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
