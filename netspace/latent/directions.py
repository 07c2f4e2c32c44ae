"""Directions in the space along which a property of networks changes.

The weights that best predict a property are not the direction that best changes it: they also cancel what is of no
interest (Haufe et al. 2014). So there are two fits: the column on the embeddings, and the embeddings on the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from .embeddings import finite
from .manifold import Reach

if TYPE_CHECKING:
    import pandas as pd

BOOKKEEPING = ("row", "seed", "init", "seconds", "steps", "norms_never_run", "fused_difference")
"""columns about how a network was made or stored, not what it is like"""
GROUND_TRUTH = (
    "fit_iou_against", "sky_share", "tests_agree", "mended", "thickness", "thickness_share", "up", "keep", "warnings",
)  # fmt: skip
NOT_HELD = ("name", "split", "source", "fit_error", "fit_iou", *GROUND_TRUTH, *BOOKKEEPING)
"""columns that are not controlled for when moving along another one"""
ALPHAS = np.logspace(-3, 5, 17)
"""ridge penalties, from which each fit chooses by leave-one-out cross-validation"""
FOLDS = 5
LEAST = 20
"""minimum number of networks for a meaningful regression"""
TIED = 0.5
"""columns at least this correlated (Spearman) with the target are not held fixed"""
MOST_CATEGORIES = 8
WITHIN_SHARE = 0.1
"""a categorical column is not held fixed if within/total standard deviation of the target is below this"""


@dataclass(frozen=True)
class Direction:
    """How well a column can be predicted from embeddings, and the direction that changes it."""

    column: str
    coef: Tensor
    """(E) of the regression of the column on embeddings"""
    intercept: float
    direction: Tensor
    """(E) change of embeddings per unit of the column, the columns of `controlled` held fixed"""
    controlled: tuple[str, ...]
    r2: float
    """cross-validated coefficient of determination on the networks it was fitted on"""
    r2_std: float
    """over the folds"""
    count: int
    """number of networks it was fitted on"""
    r2_unseen: float | None
    """on networks that the space was not trained on; None if there are fewer than 20"""
    count_unseen: int
    mean: float
    std: float
    """of the column, over the networks it was fitted on"""
    reach: float
    """change of the column that moves an embedding by the median nearest-neighbour distance"""

    def score(self, z: Tensor) -> Tensor:
        """Predict the column (*b) from embeddings (*b, E)."""
        return z @ self.coef + self.intercept

    def move(self, z: Tensor, by: Tensor | float) -> Tensor:
        """Move an embedding (E) by some units of the column: a number -> (E), several (s) -> (s, E)."""
        by = torch.as_tensor(by, dtype=z.dtype, device=z.device)
        return z + by.unsqueeze(-1) * self.direction.to(z)


def columns_of(records: pd.DataFrame) -> list[str]:
    """Return the columns of a zoo's table that have a direction: numbers or booleans that differ, no bookkeeping."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return [
        name
        for name in records
        if name not in BOOKKEEPING
        and (is_numeric_dtype(records[name]) or is_bool_dtype(records[name]))
        and records[name].dropna().nunique() > 1
    ]


def check_column(records: pd.DataFrame, column: str, where: str = "the zoo") -> None:
    """Raise UsageError, naming those there are, if a zoo's table has no direction of this column."""
    names = columns_of(records)
    if column not in names:
        raise UsageError(f"{where} has no column of different numbers {column!r}: {', '.join(names) or 'it has none'}")


def direction_of(
    z: Tensor, records: pd.DataFrame, column: str, train: Sequence[int], unseen: Sequence[int] = (), seed: int = 0
) -> Direction:
    """Fit the direction of a column of a zoo's table.

    Args:
        z: embeddings (b, E) of all networks.
        train: ids of the networks to fit on, those the space was trained on.
        unseen: ids of networks that it was not trained on, to test on.
        seed: of the folds.

    Raises:
        UsageError: too few networks have a value and a finite embedding, or all values are the same.
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
    reach = Reach.of(z[train]).median_nn / max(float(moves.norm()), 1e-30)
    return Direction(
        column, torch.from_numpy(ridge.coef_).float(), float(ridge.intercept_), moves, held,
        _r2(y, predicted), float(np.nanstd(of_folds)), len(train), r2_unseen, len(unseen),
        float(y.mean()), float(y.std()), reach,
    )  # fmt: skip


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the coefficient of determination; NaN if all values are the same."""
    spread = ((y - y.mean()) ** 2).sum()
    return float(1 - ((y - predicted) ** 2).sum() / spread) if spread else float("nan")


def _moves(x: np.ndarray, records: pd.DataFrame, column: str) -> tuple[Tensor, tuple[str, ...]]:
    """Regress embeddings (n, E) on the columns; return the change per unit of one, and the names of the others."""
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
            if within.std() < WITHIN_SHARE * y.std():  # it says what the column says
                continue
            design |= {f"{name} {kind}": (kinds == kind).astype(float) for kind in kinds.unique()}
        else:
            continue
        held.append(name)
    table = pd.DataFrame(design)
    scale = table.std().replace(0, 1)
    fitted = Ridge(alpha=1.0).fit((table - table.mean()) / scale, x)
    return torch.from_numpy(fitted.coef_[:, 0] / scale[column]).float(), tuple(held)
