"""What a scorecard and an audit measure of image fields, from the values (S*S, C) that networks answer with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from .path_measures import evenness, mean
from .task import Resemblance, ScoreColumn

PICTURE_COLUMNS: Mapping[str, ScoreColumn] = {
    "psnr_ends": ScoreColumn("PSNR, ends", "higher", "PSNR of the path's ends with the originals, mean of both, dB."),
    "evenness": ScoreColumn(
        "evenness", "lower", "Longest step over mean step, 1 if all are equal; by root mean squared difference."
    ),
    "variation": ScoreColumn(
        "variation", "", "How much neighbouring pixels differ half-way, over the originals' mean; noise is above 1."
    ),
}  # fmt: skip
PSNR_NEAREST = ScoreColumn("PSNR, nearest", "lower", "PSNR with the nearest training network's picture, dB.")
PICTURE_QUALITIES = {
    "variation": ScoreColumn(
        "usual variation", "higher",
        "1 if neighbouring pixels differ as much as the training networks' do in the median; noise and blur are below.",
    )
}  # fmt: skip


class PathOfPictures:
    """Measures whole paths between two image fields."""

    def __init__(
        self, ends: Sequence[Tensor], psnr: Callable[[Tensor, Tensor], Tensor], variation: Callable[[Tensor], float]
    ) -> None:
        """`ends`: the values of both originals."""
        self.ends, self.psnr, self.variation = ends, psnr, variation

    def __call__(self, pictures: Sequence[Tensor]) -> dict[str, float | None]:
        """Return the measures of PICTURE_COLUMNS."""
        shown = [picture.clamp(-1, 1) for picture in pictures]
        lengths = [(p - q).square().mean().sqrt().item() for p, q in zip(shown, shown[1:], strict=False)]
        usual = mean([self.variation(end) for end in self.ends])
        ends = zip((pictures[0], pictures[-1]), self.ends, strict=True)
        return {
            "psnr_ends": mean([self.psnr(mine, original).item() for mine, original in ends]),
            "evenness": evenness(lengths) if all(map(math.isfinite, lengths)) else math.nan,
            "variation": self.variation(pictures[len(pictures) // 2]) / usual if usual > 0 else math.nan,
        }


def pictures_audit(
    theirs: Tensor, psnr: Callable[[Tensor, Tensor], Tensor], variation: Callable[[Tensor], float]
) -> Callable[[Tensor, int | None], Resemblance]:
    """Return what finds the most alike of known pictures (N, S*S, C)."""
    usual = torch.tensor([variation(values) for values in theirs]).median().item()

    def of(values: Tensor, without: int | None = None) -> Resemblance:
        alike = psnr(values.expand_as(theirs), theirs).nan_to_num(-math.inf)  # (N)
        if without is not None:
            alike[without] = -math.inf
        nearest = int(alike.argmax())
        mine = variation(values)
        quality = min(mine, usual) / max(mine, usual, 1e-12)
        return Resemblance((nearest,), float(alike[nearest]), {"variation": quality})

    return of
