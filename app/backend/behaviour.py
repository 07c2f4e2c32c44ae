"""Classifiers by what they take for what: a column of the map per pair of classes, of answers to test images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.tasks import app_task
from netspace.data.images import Images
from netspace.latent.embeddings import finite

from .caches import cached_object
from .catalogue import Loaded
from .charts import Chart, Column
from .inspection import ByFunction
from .placements import placed_columns


@dataclass(frozen=True)
class Confusion:
    """Images of one class, and the class that they are taken for; both the same: images that are recognised."""

    truth: int
    answer: int

    @property
    def column(self) -> str:
        """Name of its column on the map."""
        return f"takes {self.truth} {self.answer}"


def confusion_of(column: str) -> Confusion | None:
    """Return the confusion that a column of the map is about; None for any other column."""
    found = re.fullmatch(r"takes (\d+) (\d+)", column)
    return Confusion(int(found[1]), int(found[2])) if found else None


def classes_of(loaded: Loaded) -> tuple[str, ...]:
    """Return the classes that networks confuse; none of other kinds of networks, and where no test images are here."""
    return app_task(loaded).classes(loaded)


@cached_object(max_entries=8)
def _answers(key: str, _member: Loaded) -> ByFunction:
    return ByFunction(_member, range(len(_member.zoo)))


def answers_of(member: Loaded) -> ByFunction:
    """Return what all networks of a zoo answer, asked in the background and kept by content."""
    return _answers(member.key, member)


def confused_column(chart: Chart, confusion: Confusion) -> Column:
    """Return the share of a class's test images that every network puts into another; NaN where it is not known."""
    numbers = np.full(len(chart), np.nan, np.float32)
    for k, member in enumerate(chart.members):
        work = answers_of(member)
        if work.answers is not None and isinstance(work.data, Images):
            asked = work.data.labels.cpu() == confusion.truth
            shares = (work.answers[:, asked] == confusion.answer).float().mean(dim=1)  # (b)
            numbers[int(chart.starts[k]) + np.array(work.ids)] = shares.numpy()
    numbers[~finite(chart.z).numpy()] = np.nan
    classes = classes_of(chart.loaded)
    truth, answer = classes[confusion.truth], classes[confusion.answer]
    title = f"recognises {truth}" if truth == answer else f"takes {truth} for {answer}"
    return Column(confusion.column, title, numbers, (), None)


def map_columns(chart: Chart, asked: Sequence[str]) -> dict[str, Column]:
    """Return the columns by which points can be told apart, with those about confusions that are asked for."""
    found, count = placed_columns(chart), len(classes_of(chart.loaded))
    for name in asked:
        confusion = confusion_of(name)
        if confusion and max(confusion.truth, confusion.answer) < count:
            found[name] = confused_column(chart, confusion)
    return found


def asking(chart: Chart, asked: Sequence[str]) -> list[ByFunction]:
    """Return the work on answers that columns wait for; begun if it is not there yet."""
    if not classes_of(chart.loaded) or not any(map(confusion_of, asked)):
        return []
    return [answers_of(member) for member in chart.members]


def progress_words(works: Sequence[ByFunction]) -> str:
    """Say how many networks were asked, or why none can be; empty once all were."""
    problem = next((work.problem for work in works if work.problem), "")
    if problem or all(work.answers is not None for work in works):
        return problem
    return f"{sum(work.done for work in works):,} of {sum(len(work.ids) for work in works):,} networks asked"
