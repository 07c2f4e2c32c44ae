"""Dense groups of networks of one category, which the map names."""

from __future__ import annotations

from concurrent.futures import Future, wait

from netspace.latent.groups import DenseGroup, dense_groups

from .caches import cached_object
from .charts import Chart, Column
from .engine import shared
from .projections import Placed

FOUND_AT_ONCE = 0.1
"""seconds that the map waits for the groups before it is shown without"""


@cached_object(max_entries=16)
def _groups_work(key: str, _where: Placed, _column: Column) -> Future:
    engine = shared()
    work = engine.submit((-next(engine.count),), dense_groups, _where.places, _column.codes)
    wait([work], timeout=FOUND_AT_ONCE)
    return work


def groups_work(chart: Chart, where: Placed, column: Column | None) -> Future | None:
    """The search for the groups of a column's categories on the map; None where it has no categories."""
    if column is None or column.codes is None:
        return None
    return _groups_work(f"{where.key}|{chart.key}|{column.name}", where, column)


def all_found(work: Future | None) -> bool:
    """Whether nothing more is to be found."""
    return work is None or work.done()


def named_groups(work: Future | None) -> list[dict]:
    """What the map is told of the groups: none until they are found, and if they cannot be."""
    found: list[DenseGroup] = work.result() if work and all_found(work) and not work.exception() else []
    return [{"id": group.medoid, "category": group.category} for group in found]
