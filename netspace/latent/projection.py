"""Projections of embeddings to a plane: principal components, two directions, or UMAP."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from ..config import MOST_SEED, check_fields, option
from ..errors import UsageError
from ..io import atomic_write, content_hash
from ..kept import kept_files
from .embeddings import finite


class Plane(NamedTuple):
    """A plane through the space, such as that of two principal components (Pearson 1901)."""

    mean: Tensor
    """(E)"""
    axes: Tensor
    """(2, E), of length 1"""
    shares: tuple[float, float]
    """share of the embeddings' variance along each axis"""

    @classmethod
    def of(cls, z: Tensor, components: tuple[int, int] = (0, 1)) -> Plane:
        """Fit principal components of embeddings (b, E); an axis's largest entry is positive, which fixes its sign.

        Args:
            components: which principal components, 0 the strongest.

        Raises:
            UsageError: there are fewer than 3 embeddings, or not as many components.
        """
        z = z[finite(z)]
        if len(z) < 3:
            raise UsageError(f"{len(z)} embeddings span no plane, 3 are needed")
        if max(components) >= min(len(z) - 1, z.shape[1]):
            raise UsageError(f"{len(z)} embeddings have {min(len(z) - 1, z.shape[1])} principal components")
        mean = z.mean(dim=0)
        _, sizes, axes = torch.linalg.svd(z - mean, full_matrices=False)
        axes = axes[list(components)]
        largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))  # (2, 1)
        shares = sizes.square() / sizes.square().sum().clamp(min=1e-30)
        return cls(mean, axes * largest.sign(), (float(shares[components[0]]), float(shares[components[1]])))

    @classmethod
    def along(cls, z: Tensor, axes: Tensor) -> Plane:
        """Span a plane at the mean of embeddings (b, E) by two directions (2, E), of any length and angle.

        Raises:
            UsageError: the directions are parallel, or one of them is zero or not finite.
        """
        z = z[finite(z)]
        axes = axes / axes.norm(dim=1, keepdim=True)
        if not axes.isfinite().all() or abs(float(axes[0] @ axes[1])) > 1 - 1e-6:
            raise UsageError("two different directions span a plane")
        mean = z.mean(dim=0)
        along, total = ((z - mean) @ axes.mT).square().sum(dim=0), (z - mean).square().sum().clamp(min=1e-30)
        return cls(mean, axes, (float(along[0] / total), float(along[1] / total)))

    def place(self, z: Tensor) -> Tensor:
        """Project embeddings (*b, E) to coordinates along the axes (*b, 2)."""
        return (z - self.mean) @ self.axes.mT

    def lift(self, xy: Tensor) -> Tensor:
        """Return the embeddings (*b, E) that lie in the plane at coordinates (*b, 2)."""
        gram = self.axes @ self.axes.mT  # (2, 2): the identity unless the axes are not at right angles
        return self.mean + torch.linalg.solve(gram, xy.unsqueeze(-1)).squeeze(-1) @ self.axes


# -- UMAP ----------------------------------------------------------------------------------------------------------

UMAP_METRICS = ("euclidean", "cosine", "correlation", "manhattan")
UMAP_LEAST = 5
"""minimum number of embeddings for a map"""


@dataclass(frozen=True)
class UmapConfig:
    """Settings of UMAP (McInnes et al. 2018), with the names and defaults of umap-learn."""

    neighbours: int = option(15, "networks that count as near: few show detail, many the whole", least=2, most=200)
    min_dist: float = option(0.1, "how tight points may lie on the map", least=0.0, most=1.0)
    metric: str = option("euclidean", "distance in the space", choices=UMAP_METRICS)
    seed: int = option(0, "of the map: the same seed makes the same map", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)


MANY, MOST_EXACT = 4096, 40_000
"""embeddings above which umap-learn searches neighbours approximately, by code that it compiles for half a minute; and
those up to which all distances are computed instead"""
EPOCHS_OF_MANY = 200
"""what umap-learn takes above 10,000; below that it takes 500, to maps that are no more trustworthy"""


def _suited_to(z: np.ndarray, config: UmapConfig) -> dict[str, Any]:
    """Arguments of UMAP that depend on how many embeddings (b, E) there are."""
    if len(z) <= 10:
        return {"init": "random"}  # few points have no spectrum to start from
    if len(z) <= MANY:
        return {"init": "spectral"}
    found: dict[str, Any] = {"init": "pca", "n_epochs": EPOCHS_OF_MANY}
    if len(z) <= MOST_EXACT:
        ids, distances = neighbours_of_each(torch.from_numpy(z), config.neighbours, config.metric)
        found["precomputed_knn"] = ids.numpy().astype(np.int32), distances.numpy().astype(np.float32)
    return found


def neighbours_of_each(z: Tensor, count: int, metric: str) -> tuple[Tensor, Tensor]:
    """Return the nearest of embeddings (b, E) for each of them, itself first: ids and distances (b, count).

    Args:
        metric: one of UMAP_METRICS.
    """
    all_of_them, power = _measured(z, metric), 1.0 if metric == "manhattan" else 2.0
    parts = []
    for some in all_of_them.split(PLACED_AT_ONCE):
        parts.append(torch.cdist(some, all_of_them, p=power).topk(count, largest=False))
    distances, ids = (torch.cat([part[k] for part in parts]) for k in (0, 1))
    return ids, distances.square() / 2 if metric in ("cosine", "correlation") else distances


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Silence UMAP's warnings, and restore torch's number of threads, which numba changes."""
    threads = torch.get_num_threads()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # umap-learn warns that a seed costs threads
            yield
    finally:
        torch.set_num_threads(threads)


def _part(z: Tensor, config: UmapConfig) -> str:
    """Where a map of these embeddings is kept, below a cache."""
    return f"maps/{content_hash(z)}-{content_hash(json.dumps(asdict(config)))}.npy"


class UmapMap:
    """A UMAP of embeddings, on which new ones are placed without changing it."""

    def __init__(self, z: Tensor, places: Tensor, config: UmapConfig) -> None:
        self._z, self._config = z, config
        self.places = places
        """coordinates (b, 2) of the embeddings it was fitted to; NaN where these are not finite"""

    @classmethod
    def fit(cls, z: Tensor, config: UmapConfig | None = None) -> UmapMap:
        """Fit embeddings (b, E); deterministic in embeddings and settings. The first call compiles for seconds.

        Raises:
            UsageError: there are fewer than 5 embeddings, or all are the same.
        """
        from umap import UMAP

        config, good = config or UmapConfig(), finite(z)
        some = z[good].numpy()
        if len(some) < UMAP_LEAST:
            raise UsageError(f"UMAP makes no map of {len(some)} networks, {UMAP_LEAST} are needed")
        if (some == some[0]).all():
            raise UsageError("UMAP makes no map of networks with one and the same embedding")
        reducer = UMAP(
            n_neighbors=min(config.neighbours, len(some) - 1), min_dist=config.min_dist, metric=config.metric,
            random_state=config.seed, n_jobs=1, **_suited_to(some, config),
        )  # fmt: skip
        with _alone():
            placed = torch.from_numpy(reducer.fit_transform(some)).float()
        places = torch.full((len(z), 2), torch.nan)
        places[good] = placed
        return cls(z, places, config)

    @classmethod
    def kept(cls, z: Tensor, config: UmapConfig, cache: Path) -> UmapMap | None:
        """Return the map of these embeddings that a cache or the product holds, None where neither does."""
        for file in kept_files(_part(z, config), cache):
            with contextlib.suppress(OSError, ValueError, EOFError, BadZipFile):  # damaged: computed anew
                places = torch.from_numpy(np.load(file)).float()
                if places.shape == (len(z), 2):
                    return cls(z, places, config)
        return None

    @classmethod
    def of(cls, z: Tensor, config: UmapConfig, cache: Path) -> UmapMap:
        """Return the map that is kept, else one that is fitted now and kept; raises as `fit`."""
        found = cls.kept(z, config, cache)
        if found is None:
            found = cls.fit(z, config)
            found.write_kept(cache)
        return found

    def write_kept(self, cache: Path) -> None:
        """Write the places to a cache, where it can be written."""
        file = cache / _part(self._z, self._config)
        with contextlib.suppress(OSError), atomic_write(file) as temporary, temporary.open("wb") as out:
            np.save(out, self.places.numpy())

    def place(self, z: Tensor) -> Tensor:
        """Place new embeddings (n, E) among the others, (n, 2), by the dots of their neighbours; NaN where not finite.

        Weights are those of the modified Shepard's method (Franke and Nielson 1980) over as many neighbours as the map
        was made with. An embedding that the map knows lies at its dot, and a way through the space is a line without
        jumps. UMAP's own transform does neither: it moves known embeddings by twice the distance of neighbouring dots.
        """
        own, good, places = finite(self._z), finite(z), torch.full((len(z), 2), torch.nan)
        known, dots = _measured(self._z[own], self._config.metric), self.places[own].double()
        most = min(self._config.neighbours, len(known) - 1)
        for rows in torch.arange(len(z))[good].split(PLACED_AT_ONCE):
            new = _measured(z[rows], self._config.metric)
            distances = torch.cdist(new, known, p=1.0 if self._config.metric == "manhattan" else 2.0)
            near, which = distances.topk(most + 1, largest=False)  # (r, k + 1)
            reach, near = near[:, -1:], near[:, :-1].clamp(min=1e-12)
            weights = ((reach - near).clamp(min=0) / near).square() + 1e-30  # all equally far: all count the same
            mean = (weights.unsqueeze(-1) * dots[which[:, :-1]]).sum(dim=1) / weights.sum(dim=1, keepdim=True)
            places[rows] = mean.float()
        return places


PLACED_AT_ONCE = 1024
"""embeddings whose distances to all others are held in memory at a time"""


def _measured(z: Tensor, metric: str) -> Tensor:
    """Embeddings (b, E) as double precision vectors whose distances order neighbours as the metric does."""
    z = z.double()
    if metric == "correlation":
        z = z - z.mean(dim=1, keepdim=True)
    return torch.nn.functional.normalize(z) if metric in ("cosine", "correlation") else z
