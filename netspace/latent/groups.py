"""Dense groups of networks of one category on a map, by which the map is labelled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ..errors import UsageError, required_for

LEAST_IN_GROUP = 5
"""networks of the smallest group"""
LEAST_SHARE = 0.1
"""of a category's networks that are in its group: a smaller one says little of where the category lies"""
AROUND = 5
"""nearest networks of each that say of what category its surroundings are"""
REACH = 3.0
"""distance at which two networks are in one group, over the median distance to the farthest of these"""
MOST_LOOKED_AT, MOST_IN_MEDOID = 20_000, 2000
"""networks among which groups are looked for, and networks of a group among which its medoid is: of more, as many are
taken at even steps"""


class DenseGroup(NamedTuple):
    """The largest dense group of a category's networks."""

    category: int
    medoid: int
    """id of the network of the group whose distances to the others sum up to the least"""
    size: int
    """of networks that were looked at"""


def dense_groups(places: np.ndarray, codes: np.ndarray) -> list[DenseGroup]:
    """Find for every category the largest dense group of its networks on a map, if there is one.

    Groups are those of DBSCAN (Ester et al. 1996) among the networks of a category most of whose AROUND nearest are of
    it too: none for categories that are spread over those of others.

    Args:
        places: (b, 2); networks without a finite place are left out.
        codes: (b) category of each network, -1 if it is not known.

    Raises:
        MissingPackage: scikit-learn is not installed.
        UsageError: there are not as many categories as places.
    """
    with required_for("labelling groups", "umap"):
        from sklearn.cluster import DBSCAN
        from sklearn.neighbors import NearestNeighbors

    if len(places) != len(codes):
        raise UsageError(f"{len(codes)} categories of {len(places)} places")
    ids = _some(np.flatnonzero(np.isfinite(places).all(axis=1)), MOST_LOOKED_AT)
    if len(ids) <= AROUND:
        return []
    xy, kinds = places[ids].astype(np.float64), np.asarray(codes)[ids]
    distances, near = NearestNeighbors(n_neighbors=AROUND).fit(xy).kneighbors()  # (b, AROUND), without the network
    own = (kinds[near] == kinds[:, None]).mean(axis=1) > 0.5
    reach = REACH * float(np.median(distances[:, -1]))
    found = []
    for category in np.unique(kinds[kinds >= 0]):
        mine = np.flatnonzero(own & (kinds == category))
        least = max(LEAST_IN_GROUP, LEAST_SHARE * (kinds == category).sum())
        if len(mine) < least:
            continue
        groups = DBSCAN(eps=max(reach, 1e-12), min_samples=LEAST_IN_GROUP).fit(xy[mine]).labels_  # -1: in none
        sizes = np.bincount(groups[groups >= 0], minlength=1)
        if sizes.max() >= least:
            largest = mine[groups == sizes.argmax()]
            found.append(DenseGroup(int(category), int(ids[_medoid(xy, largest)]), int(sizes.max())))
    return found


def _medoid(xy: np.ndarray, ids: np.ndarray) -> int:
    """The one of some places (b, 2) whose distances to the others of them sum up to the least."""
    some = _some(ids, MOST_IN_MEDOID)
    points = torch.from_numpy(xy[some])
    return int(some[int(torch.cdist(points, points).sum(dim=1).argmin())])


def _some(ids: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them, at even steps."""
    return ids[:: max(1, -(-len(ids) // most))]
