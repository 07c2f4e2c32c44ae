"""Dense groups of networks of one category, by which maps are labelled."""

import numpy as np
import pytest

from netspace.errors import UsageError
from netspace.latent import groups
from netspace.latent.groups import LEAST_IN_GROUP, dense_groups


def test_a_category_is_named_where_most_of_its_networks_lie_together():
    draw = np.random.default_rng(0)
    islands = {(0, 0.0): 30, (0, 40.0): 12, (1, 80.0): 20, (2, 120.0): LEAST_IN_GROUP - 1}
    parts = [draw.normal((x, 0), 1, (count, 2)) for (_, x), count in islands.items()]
    codes = np.repeat([code for code, _ in islands], [*islands.values()])
    places = np.concatenate(parts)
    found = {group.category: group for group in dense_groups(places, codes)}
    assert set(found) == {0, 1}, "the third has too few networks for a group"
    assert found[0].size <= 30 and np.linalg.norm(places[found[0].medoid]) < 1, "the larger of its two islands"
    assert found[1].size == 20 and codes[found[1].medoid] == 1
    island = places[codes == 1]
    sums = np.linalg.norm(island[:, None] - island, axis=-1).sum(axis=1)
    assert found[1].medoid == np.flatnonzero(codes == 1)[sums.argmin()]


def test_what_is_spread_over_others_is_not_named():
    draw = np.random.default_rng(1)
    places = draw.normal(size=(120, 2))
    assert dense_groups(places, np.arange(120) % 4) == []


def test_networks_without_place_or_category_are_left_out(monkeypatch):
    monkeypatch.setattr(groups, "MOST_IN_MEDOID", 7)
    places, codes = np.random.default_rng(2).normal(size=(40, 2)), np.zeros(40, int)
    places[::5] = np.nan
    codes[1::5] = -1
    (group,) = dense_groups(places, codes)
    assert np.isfinite(places[group.medoid]).all() and codes[group.medoid] == 0 and group.size <= 24
    assert dense_groups(places[:LEAST_IN_GROUP], codes[:LEAST_IN_GROUP]) == []
    assert len(dense_groups(np.zeros((40, 2)), np.zeros(40, int))) == 1, "all at one place"
    with pytest.raises(UsageError, match="39 categories of 40 places"):
        dense_groups(places, codes[:-1])
