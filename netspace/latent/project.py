"""Embeddings of a zoo, their projection to a plane (PCA, UMAP), and neighbours, which are found in the space itself."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..config import MOST_SEED, check_fields, option
from ..errors import UsageError
from ..io import atomic_write, content_hash
from ..space.space import NetSpace
from ..zoo.store import Zoo

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 16
"""networks of a batch"""

# -- embeddings ----------------------------------------------------------------------------------------------------


@torch.no_grad()
def embed(space: NetSpace, zoo: Zoo, ids: Sequence[int]) -> Tensor:
    """Embeddings (b, E) of networks of a zoo."""
    parts = [space.encode(zoo.preps(ids[k : k + AT_ONCE]).to(space.device)) for k in range(0, len(ids), AT_ONCE)]
    return torch.cat(parts) if parts else torch.empty(0, space.config.embedding)


def cache_folder() -> Path:
    """Where what takes long to compute is kept between runs: NETSPACE_CACHE, else the user's cache folder."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netspace"
    return Path(os.environ.get("NETSPACE_CACHE") or usual)


def space_content(space: NetSpace) -> str:
    """16 hex digits that differ where the architectures, the settings or the weights of two spaces do."""
    about = json.dumps([space.family.names, space.family.size, asdict(space.config)])
    return content_hash(about, *(part for name, t in sorted(space.state_dict().items()) for part in (name, t)))


def zoo_content(zoo: Zoo) -> str:
    """16 hex digits that differ where the networks of two zoos, or their order, do; names and records do not count."""
    where = json.dumps([zoo.family.names, zoo.family.size, zoo.records.arch.tolist(), zoo.records.row.tolist()])
    return content_hash(where, *(part for name, t in sorted(zoo.weights.items()) for part in (name, t)))


def embeddings(
    space: NetSpace,
    zoo: Zoo,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """Embeddings (b, E) of all networks of a zoo, float32 on the CPU.

    Args:
        cache: folder in which they are kept by content of space and zoo; None computes them anew. A cache that cannot
            be read or written costs time and nothing else.
        progress: called with the count of networks embedded so far, and of all.
    """
    file = cache and cache / "embeddings" / f"{space_content(space)}-{zoo_content(zoo)}.parquet"
    if file and file.exists():
        with contextlib.suppress(OSError, ValueError):  # damaged: computed anew
            z = read_embeddings(file)
            if tuple(z.shape) == (len(zoo), space.config.embedding):
                progress(len(zoo), len(zoo))
                return z
    parts = []
    for start in range(0, len(zoo), AT_ONCE):
        ids = range(start, min(start + AT_ONCE, len(zoo)))
        parts.append(embed(space, zoo, ids).float().cpu())
        progress(ids.stop, len(zoo))
    z = torch.cat(parts) if parts else torch.empty(0, space.config.embedding)
    if file:
        with contextlib.suppress(OSError):  # no room or no permission
            write_embeddings(file, embeddings_table(zoo, z))
    return z


def embeddings_table(zoo: Zoo, z: Tensor) -> pd.DataFrame:
    """A row a network: name, arch, split, and its embedding (b, E) as columns z0, z1, ..."""
    import pandas as pd

    table = pd.DataFrame(z.cpu().numpy(), columns=[f"z{k}" for k in range(z.shape[1])])
    about = zoo.records[["name", "arch", "split"]].reset_index(drop=True)
    return pd.concat([about, table], axis=1)


def write_embeddings(path: Path, table: pd.DataFrame) -> None:
    """Write such a table as a Parquet file."""
    with atomic_write(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_embeddings(path: Path) -> Tensor:
    """The embeddings (b, E) float32 of such a file; ValueError where it holds none."""
    import pandas as pd

    table = pd.read_parquet(path)
    columns = [name for name in table if name[:1] == "z" and name[1:].isdigit()]
    if not columns:
        raise UsageError(f"{path} holds no embeddings: it has no columns z0, z1, ...")
    return torch.from_numpy(table[columns].to_numpy("float32", copy=True))


def finite(z: Tensor) -> Tensor:
    """Which embeddings (b, E) are numbers throughout, (b) bool: those of networks with NaN weights are not."""
    return z.isfinite().all(dim=1)


class Nearest(NamedTuple):
    """Nearest embeddings, the nearest first."""

    distances: Tensor
    """(n, k)"""
    ids: Tensor
    """(n, k)"""


MOST_DISTANCES = 1 << 24
"""distances that are held at once: 64 MB of them"""


def nearest(z: Tensor, reference: Tensor, k: int) -> Nearest:
    """Of embeddings (n, E) the k nearest among the reference's (b, E), by Euclidean distance in the space.

    Where the reference has fewer than k, all of it; what is not finite is infinitely far away.
    """
    parts = []
    for part in z.split(max(1, MOST_DISTANCES // max(1, len(reference)))):
        distances = torch.cdist(part, reference, compute_mode="donot_use_mm_for_euclid_dist")  # equal ones are at 0
        parts.append(torch.nan_to_num(distances, nan=torch.inf).topk(min(k, len(reference)), largest=False))
    return Nearest(torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts]))


# -- planes --------------------------------------------------------------------------------------------------------


class Plane(NamedTuple):
    """A plane through the space. That in which embeddings spread most: their principal components (Pearson 1901)."""

    mean: Tensor
    """(E)"""
    axes: Tensor
    """(2, E), of length 1"""
    shares: tuple[float, float]
    """of the embeddings' variance along either axis"""

    @classmethod
    def of(cls, z: Tensor, components: tuple[int, int] = (0, 1)) -> Plane:
        """Of embeddings (b, E); the largest entry of an axis is positive, so that it does not flip at random.

        Args:
            components: which principal components, 0 the strongest.

        Raises:
            ValueError: fewer than 3 embeddings span no plane, or there are not as many components.
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
        return cls(mean, axes * largest.sign(), tuple(float(shares[k]) for k in components))

    @classmethod
    def along(cls, z: Tensor, axes: Tensor) -> Plane:
        """Through the mean of embeddings (b, E) along two directions (2, E) of any length, not at right angles.

        Raises:
            ValueError: the directions are the same, or one of them is none.
        """
        z = z[finite(z)]
        axes = axes / axes.norm(dim=1, keepdim=True)
        if not axes.isfinite().all() or abs(float(axes[0] @ axes[1])) > 1 - 1e-6:
            raise UsageError("two different directions span a plane")
        mean = z.mean(dim=0)
        along, total = ((z - mean) @ axes.mT).square().sum(dim=0), (z - mean).square().sum().clamp(min=1e-30)
        return cls(mean, axes, (float(along[0] / total), float(along[1] / total)))

    def place(self, z: Tensor) -> Tensor:
        """Embeddings (*b, E) -> their coordinates along the axes (*b, 2)."""
        return (z - self.mean) @ self.axes.mT

    def lift(self, xy: Tensor) -> Tensor:
        """Places (*b, 2) -> the embeddings (*b, E) that lie in the plane there."""
        gram = self.axes @ self.axes.mT  # (2, 2): the identity unless the axes are not at right angles
        return self.mean + torch.linalg.solve(gram, xy.unsqueeze(-1)).squeeze(-1) @ self.axes


# -- UMAP ----------------------------------------------------------------------------------------------------------

METRICS = ("euclidean", "cosine", "correlation", "manhattan")
LEAST = 5
"""embeddings of which UMAP can make a map"""


@dataclass(frozen=True)
class UmapConfig:
    """Settings of UMAP (McInnes et al. 2018), named and preset as in umap-learn."""

    neighbours: int = option(15, "networks that count as near: few show detail, many the whole", least=2, most=200)
    min_dist: float = option(0.1, "how tight points may lie on the map", least=0.0, most=1.0)
    metric: str = option("euclidean", "distance in the space", choices=METRICS)
    seed: int = option(0, "of the map: the same seed makes the same map", least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        check_fields(self)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """UMAP inside: its warnings are not told, and torch keeps its number of threads, for which numba sets its own."""
    threads = torch.get_num_threads()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # umap-learn tells what a seed costs
            yield
    finally:
        torch.set_num_threads(threads)


class UmapMap:
    """A map of embeddings by UMAP, on which new ones are placed without changing it."""

    def __init__(self, reducer, places: Tensor) -> None:
        self._reducer = reducer
        self.places = places
        """(b, 2) of the embeddings that it was made of; NaN where these are not finite"""

    @classmethod
    def fit(cls, z: Tensor, config: UmapConfig | None = None) -> UmapMap:
        """Of embeddings (b, E); the same for the same embeddings and settings. The first takes seconds to compile.

        Raises:
            ValueError: there are fewer than 5 embeddings, or all are the same.
        """
        from umap import UMAP

        config, good = config or UmapConfig(), finite(z)
        some = z[good].numpy()
        if len(some) < LEAST:
            raise UsageError(f"UMAP makes no map of {len(some)} networks, {LEAST} are needed")
        if (some == some[0]).all():
            raise UsageError("UMAP makes no map of networks with one and the same embedding")
        reducer = UMAP(
            n_neighbors=min(config.neighbours, len(some) - 1), min_dist=config.min_dist, metric=config.metric,
            random_state=config.seed, n_jobs=1,
            init="spectral" if len(some) > 10 else "random",  # few points have no spectrum to start from
        )  # fmt: skip
        with _alone():
            placed = torch.from_numpy(reducer.fit_transform(some)).float()
        places = torch.full((len(z), 2), torch.nan)
        places[good] = placed
        return cls(reducer, places)

    def place(self, z: Tensor) -> Tensor:
        """Embeddings (n, E) -> their places (n, 2) among the others, by UMAP's transform; NaN where not finite."""
        good, places = finite(z), torch.full((len(z), 2), torch.nan)
        if good.any():
            with _alone():
                places[good] = torch.from_numpy(self._reducer.transform(z[good].numpy())).float()
        return places
