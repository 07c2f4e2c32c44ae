"""Where the space places the networks of imported zoos, and how well it reconstructs them."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import pandas as pd

from app.tasks import app_task
from netspace.evaluate.placement import Placement, place_networks

from .caches import cached_object
from .catalogue import Loaded
from .charts import Chart, Column
from .engine import go_on, patient
from .imports import is_import
from .visitors import seen_data
from .words import sentence

PLACED = {"error": "reconstruction error", "distance": "distance to the nearest training network"}
"""columns that imported networks have beside those of their table"""


class Placements:
    """What the space makes of the networks of an imported zoo, one after the other, when there is time."""

    def __init__(self, chart: Chart, member: Loaded) -> None:
        self.rows: list[Placement] = []
        self.total, self.problem = len(member.zoo), ""
        self.future: Future = Future()
        self.engine = patient()
        self.rank = (1, next(self.engine.count))  # after all that is begun by a click
        names = chart.loaded.zoo.records.name.iloc[chart.training.tolist()].tolist()
        data = app_task(chart.loaded).data_to_ask(chart.loaded)
        self.found = place_networks(chart.loaded.space, member.zoo, range(len(member.zoo)), chart.trained, names, data)
        self.engine.submit(self.rank, self._place)

    def _place(self) -> None:
        """The next network."""
        try:
            go_on()
            self.rows.append(next(self.found))
            self.engine.submit(self.rank, self._place)
        except StopIteration:
            self.future.set_result(None)
        except Exception as problem:  # told below the map
            self.problem = sentence(problem)
            self.future.set_result(None)

    def table(self) -> pd.DataFrame:
        """What is known by now."""
        rows = [(row.name, row.error, row.distance, row.nearest, row.why) for row in list(self.rows)]
        return seen_data(
            pd.DataFrame(rows, columns=["name", "reconstruction error", "distance", "nearest", "off manifold"])
        )


@cached_object(max_entries=8)
def _placements(key: str, _chart: Chart, _member: Loaded) -> Placements:
    return Placements(_chart, _member)


def placements_of(chart: Chart, member: Loaded) -> Placements:
    """Of a zoo on the map."""
    return _placements(f"{chart.loaded.key}|{member.key}", chart, member)


def imported(chart: Chart) -> list[Loaded]:
    """The imported zoos on the map."""
    return [member for member in chart.members[1:] if is_import(member.zoo_info)]


def placed_columns(chart: Chart) -> dict[str, Column]:
    """As `chart.columns`, with what was measured of imported networks."""
    there = {member.key: placements_of(chart, member) for member in imported(chart)}
    found = dict(chart.columns)
    for name, title in PLACED.items():
        numbers = np.full(len(chart), np.nan, np.float32)
        for k, member in enumerate(chart.members):
            for row in list(there[member.key].rows) if member.key in there else ():
                numbers[int(chart.starts[k]) + member.zoo.index(row.name)] = getattr(row, name)
        measured = numbers[np.isfinite(numbers)]
        if len(measured) and measured.min() < measured.max():
            found[f"placed {name}"] = Column(f"placed {name}", title, numbers, (), None)
    return found
