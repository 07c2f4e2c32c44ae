"""Directions in the space along which a property of networks changes, and arithmetic of embeddings.

What a regression reads a column off by is not where to go to change it: its weights also cancel what is of no interest
(Haufe et al. 2014). Reading and moving are two fits here: the column on the embeddings, the embeddings on the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from .mixing import Reach
from .project import finite

if TYPE_CHECKING:
    import pandas as pd

BOOKKEEPING = ("row", "seed", "init", "seconds", "steps", "norms_never_run", "fused_difference")
"""columns that say how a network was made or kept, not what it is like"""
GROUND_TRUTH = (
    "fit_iou_against", "sky_share", "tests_agree", "mended", "thickness", "thickness_share", "up", "keep", "warnings",
)  # fmt: skip
NOT_HELD = ("name", "split", "source", "fit_error", "fit_iou", *GROUND_TRUTH, *BOOKKEEPING)
"""columns that moving along another takes no account of"""
ALPHAS = np.logspace(-3, 5, 17)
"""strengths of the ridge penalty; each fit chooses its own by leaving one out"""
FOLDS = 5
LEAST = 20
"""networks of which a regression says something"""
TIED = 0.5
"""rank correlation from which on another column is not held fixed: it changes along"""
MOST_CATEGORIES = 8
WITHIN = 0.1
"""spread of the column within categories, over all of it, below which these are not held fixed"""


@dataclass(frozen=True)
class Direction:
    """How well a column can be read off embeddings, and the way to go to change it."""

    column: str
    reads: Tensor
    """(E) weights of the regression of the column on embeddings"""
    at_zero: float
    """its intercept"""
    moves: Tensor
    """(E) how embeddings change by one unit of the column, the columns of `held` staying as they are"""
    held: tuple[str, ...]
    r2: float
    """cross-validated coefficient of determination on the networks it was fitted on"""
    r2_std: float
    """over the folds"""
    count: int
    """networks it was fitted on"""
    r2_unseen: float | None
    """on networks that the space was not trained on; None where there are fewer than 20"""
    count_unseen: int
    mean: float
    std: float
    """of the column, over the networks it was fitted on"""
    reach: float
    """units of the column by which a network moves as far as training networks usually are from the nearest other"""

    def score(self, z: Tensor) -> Tensor:
        """Embeddings (*b, E) -> the column's values read off (*b)."""
        return z @ self.reads + self.at_zero

    def move(self, z: Tensor, by: Tensor | float) -> Tensor:
        """An embedding (E), changed by some units of the column: a number -> (E), several (s) -> (s, E)."""
        by = torch.as_tensor(by, dtype=z.dtype, device=z.device)
        return z + by.unsqueeze(-1) * self.moves.to(z)


def columns_of(records: pd.DataFrame) -> list[str]:
    """Columns of a zoo's table with a direction: numbers or yes and no, not all the same, no bookkeeping."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return [
        name
        for name in records
        if name not in BOOKKEEPING
        and (is_numeric_dtype(records[name]) or is_bool_dtype(records[name]))
        and records[name].dropna().nunique() > 1
    ]


def direction_of(
    z: Tensor, records: pd.DataFrame, column: str, train: Sequence[int], unseen: Sequence[int] = (), seed: int = 0
) -> Direction:
    """The direction of a column of a zoo's table.

    Args:
        z: embeddings (b, E) of all networks.
        train: ids of the networks to fit on, those the space was trained on.
        unseen: ids of networks that it was not trained on, to test on.
        seed: of the folds.

    Raises:
        ValueError: too few networks with a value and an embedding that is a number, or all values are the same.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold

    values = records[column].astype(float).to_numpy()
    good = finite(z).numpy() & np.isfinite(values)
    train, unseen = ([i for i in ids if good[i]] for ids in (train, unseen))
    if len(train) < LEAST:
        raise UsageError(f"{len(train)} networks with a known {column} are too few for a direction, {LEAST} are needed")
    x, y = z[train].numpy().astype(np.float64), values[train]
    if np.ptp(y) == 0:
        raise UsageError(f"all networks have the same {column}, {y[0]:g}")
    predicted, of_folds = np.empty_like(y), []
    for fit, test in KFold(FOLDS, shuffle=True, random_state=seed).split(x):
        predicted[test] = RidgeCV(ALPHAS).fit(x[fit], y[fit]).predict(x[test])
        of_folds.append(_r2(y[test], predicted[test]))
    ridge = RidgeCV(ALPHAS).fit(x, y)
    r2_unseen = None
    if len(unseen) >= LEAST:
        r2_unseen = _r2(values[unseen], ridge.predict(z[unseen].numpy()))
    moves, held = _moves(x, records.iloc[train], column)
    reach = Reach.of(z[train]).usual / max(float(moves.norm()), 1e-30)
    return Direction(
        column, torch.from_numpy(ridge.coef_).float(), float(ridge.intercept_), moves, held,
        _r2(y, predicted), float(np.nanstd(of_folds)), len(train), r2_unseen, len(unseen),
        float(y.mean()), float(y.std()), reach,
    )  # fmt: skip


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """Coefficient of determination; not a number where all values are the same."""
    spread = ((y - y.mean()) ** 2).sum()
    return float(1 - ((y - predicted) ** 2).sum() / spread) if spread else float("nan")


def _moves(x: np.ndarray, records: pd.DataFrame, column: str) -> tuple[Tensor, tuple[str, ...]]:
    """From a regression of embeddings (n, E) on the columns: the change by one unit of one, and the others."""
    import pandas as pd
    from sklearn.linear_model import Ridge

    y = records[column].astype(float)
    design = {column: y}
    held = []
    for name in records:
        if name in (column, *NOT_HELD):
            continue
        if name in columns_of(records):
            other = records[name].astype(float)
            if not np.isfinite(other).all() or abs(y.corr(other, method="spearman")) >= TIED:
                continue
            design[name] = other
        elif 1 < records[name].astype(str).nunique() <= MOST_CATEGORIES:
            kinds = records[name].astype(str)
            within = y - y.groupby(kinds).transform("mean")
            if within.std() < WITHIN * y.std():  # it says what the column says
                continue
            design |= {f"{name} {kind}": (kinds == kind).astype(float) for kind in kinds.unique()}
        else:
            continue
        held.append(name)
    table = pd.DataFrame(design)
    scale = table.std().replace(0, 1)
    fitted = Ridge(alpha=1.0).fit((table - table.mean()) / scale, x)
    return torch.from_numpy(fitted.coef_[:, 0] / scale[column]).float(), tuple(held)


def analogy(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a - b + c, of embeddings (E): what sets a apart from b, added to c (Mikolov et al. 2013)."""
    return a - b + c
