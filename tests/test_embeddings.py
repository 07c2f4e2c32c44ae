"""Embeddings and their cache, planes, UMAP, neighbours."""

import numpy as np
import pandas as pd
import pytest
import torch

from netspace.latent import embeddings, projection
from netspace.latent.embeddings import embed, embed_zoo, finite, nearest, read_embeddings, space_content, zoo_content
from netspace.latent.projection import UMAP_METRICS, Plane, UmapConfig, UmapMap
from netspace.space.space import NetSpace, load
from netspace.zoo.store import Zoo


@pytest.fixture(scope="module")
def space(tiny_space_folder) -> NetSpace:
    return load(tiny_space_folder)


def clusters(count: int = 30, size: int = 16) -> torch.Tensor:
    """Three clouds, far apart."""
    draw = torch.Generator().manual_seed(0)
    return torch.cat([10 * k + torch.randn(count // 3, size, generator=draw) for k in range(3)])


def test_embeddings_are_those_of_the_space_and_are_cached_by_content(space, tiny_zoo, tmp_path, monkeypatch):
    told = []
    z = embed_zoo(space, tiny_zoo, tmp_path, lambda done, total: told.append((done, total)))
    torch.testing.assert_close(z, embed(space, tiny_zoo, range(6)))
    assert told == [(6, 6)]
    (file,) = (tmp_path / "embeddings").iterdir()
    assert pd.read_parquet(file).name.tolist() == tiny_zoo.records.name.tolist()
    monkeypatch.setattr(embeddings, "embed", None)  # from here on nothing can be embedded
    torch.testing.assert_close(embed_zoo(space, tiny_zoo, tmp_path), z)


def test_a_damaged_cache_costs_time_only(space, tiny_zoo, tmp_path):
    z = embed_zoo(space, tiny_zoo, tmp_path)
    (file,) = (tmp_path / "embeddings").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    torch.testing.assert_close(embed_zoo(space, tiny_zoo, tmp_path), z)
    torch.testing.assert_close(read_embeddings(file), z)  # and is mended
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    torch.testing.assert_close(embed_zoo(space, tiny_zoo, blocked), z)


def test_content_differs_where_weights_do(space, tiny_zoo, tiny_space_folder):
    before, other = space_content(space), load(tiny_space_folder)
    assert space_content(other) == before
    next(other.parameters()).data.add_(1)
    assert space_content(other) != before
    weights = dict(tiny_zoo.weights)
    first = next(iter(weights))
    weights[first] = weights[first] + 1
    changed = Zoo(tiny_zoo.folder, tiny_zoo.family, tiny_zoo.records, weights, tiny_zoo.about)
    renamed = Zoo(tiny_zoo.folder, tiny_zoo.family, tiny_zoo.records.assign(name="x"), tiny_zoo.weights, tiny_zoo.about)
    assert zoo_content(changed) != zoo_content(tiny_zoo) == zoo_content(renamed)


def test_an_empty_zoo_has_no_embed_zoo(space, tiny_zoo):
    empty = Zoo(tiny_zoo.folder, tiny_zoo.family, tiny_zoo.records.iloc[:0], tiny_zoo.weights, tiny_zoo.about)
    assert embed_zoo(space, empty).shape == (0, 16)


# -- neighbours ----------------------------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_naive_search():
    z = clusters()
    found = nearest(z[:4], z, 3)
    naive = [[float(torch.sqrt(((a - b) ** 2).sum())) for b in z] for a in z[:4]]
    for row, distances, ids in zip(naive, found.distances, found.ids, strict=True):
        assert ids.tolist() == sorted(range(len(z)), key=row.__getitem__)[:3]
        assert distances.tolist() == pytest.approx(sorted(row)[:3], abs=1e-5)
    assert found.distances[:, 0].tolist() == [0, 0, 0, 0]


def test_neighbours_where_there_are_few_or_no_numbers():
    z = clusters(6)
    assert nearest(z, z[:2], 5).ids.shape == (6, 2)
    z[3] = torch.nan
    assert 3 not in nearest(z[:1], z, 5).ids
    assert finite(z).tolist() == [True, True, True, False, True, True]


# -- planes --------------------------------------------------------------------------------------------------------


def test_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    z = clusters()
    reference = PCA(4).fit(z.numpy())
    for pair in ((0, 1), (2, 3)):
        plane = Plane.of(z, pair)
        theirs = reference.transform(z.numpy())[:, list(pair)]
        np.testing.assert_allclose(np.abs(plane.place(z).numpy()), np.abs(theirs), atol=1e-3)
        assert plane.shares == pytest.approx(reference.explained_variance_ratio_[list(pair)], abs=1e-4)


def test_components_that_there_are_not():
    with pytest.raises(ValueError, match="5 embeddings have 4 principal components"):
        Plane.of(clusters(15)[:5], (0, 4))


def test_networks_without_numbers_do_not_bend_the_plane():
    z = clusters()
    with_nan = torch.cat([z, torch.full((1, 16), torch.nan)])
    torch.testing.assert_close(Plane.of(with_nan).axes, Plane.of(z).axes)
    assert Plane.of(with_nan).place(with_nan)[-1].isnan().all()


def test_any_two_directions_span_a_plane():
    z, axes = clusters(), torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    plane, xy = Plane.along(z, axes), torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    torch.testing.assert_close(plane.place(plane.lift(xy)), xy)
    with pytest.raises(ValueError, match="two different directions"):
        Plane.along(z, torch.stack([axes[0], -2 * axes[0]]))


# -- UMAP ----------------------------------------------------------------------------------------------------------


def test_a_map_keeps_clusters_together_is_repeatable_and_places_newcomers_without_moving():
    z, threads = clusters(), torch.get_num_threads()
    made = UmapMap.fit(z, UmapConfig(neighbours=5))
    assert torch.get_num_threads() == threads
    groups = made.places.view(3, 10, 2)
    spread = (groups - groups.mean(1, keepdim=True)).norm(dim=2).max()
    centres = torch.pdist(groups.mean(1))
    assert spread < centres.min()
    before = made.places.clone()
    newcomers = made.place(z[:2] + 0.01)
    assert (newcomers - before[:2]).norm(dim=1).max() < spread
    torch.testing.assert_close(made.places, before)
    again = UmapMap.fit(z, UmapConfig(neighbours=5))
    torch.testing.assert_close(again.places, before, rtol=0, atol=0)
    assert not torch.equal(UmapMap.fit(z, UmapConfig(neighbours=5, seed=1)).places, before)


@pytest.mark.parametrize("metric", UMAP_METRICS)
def test_a_way_on_a_map_begins_and_ends_at_its_dots_and_does_not_jump(metric):
    z, generator = clusters(), torch.Generator().manual_seed(0)
    config = UmapConfig(neighbours=5, metric=metric)
    made = UmapMap(z, torch.randn(len(z), 2, generator=generator), config)
    torch.testing.assert_close(made.place(z), made.places, rtol=0, atol=1e-5)
    steps = [made.place(torch.lerp(z[0], z[25], torch.linspace(0, 1, n)[:, None])) for n in (400, 4000)]
    coarse, fine = (float(places.diff(dim=0).norm(dim=1).max()) for places in steps)
    assert fine < 0.25 * coarse, "more steps, shorter ones: the line is continuous"
    low, high = made.places.amin(dim=0), made.places.amax(dim=0)
    away = made.place(1000 * torch.randn(20, z.shape[1], generator=generator))
    assert ((away >= low - 1e-5) & (away <= high + 1e-5)).all()


def test_what_cannot_be_placed_has_no_place():
    z = clusters()
    z[3] = torch.nan
    made = UmapMap(z, torch.where(z[:, :2].isnan(), torch.nan, z[:, :2]), UmapConfig())
    assert made.place(z).isnan().all(dim=1).nonzero().flatten().tolist() == [3]
    alike = UmapMap(torch.zeros(6, 4), torch.arange(12.0).view(6, 2), UmapConfig(neighbours=5))
    assert alike.place(torch.zeros(1, 4)).isfinite().all(), "all are equally near"


def test_maps_of_few_equal_or_broken_networks():
    z = clusters()
    for few in (5, 9, 12):
        assert UmapMap.fit(z[:few]).places.isfinite().all()
    twins = z.clone()
    twins[1] = twins[2] = twins[0]
    twins[4] = torch.nan
    places = UmapMap.fit(twins).places
    assert places.isfinite().all(dim=1).tolist() == finite(twins).tolist()
    with pytest.raises(ValueError, match="UMAP makes no map of 4 networks"):
        UmapMap.fit(z[:4])
    with pytest.raises(ValueError, match="one and the same embedding"):
        UmapMap.fit(z[:1].expand(20, -1))


@pytest.mark.parametrize("setting", [{"neighbours": 1}, {"min_dist": 2.0}, {"metric": "guess"}, {"seed": -1}])
def test_settings_have_limits(setting):
    with pytest.raises(ValueError, match="--"):
        UmapConfig(**setting)


def test_the_nearest_of_many_are_found_part_by_part(monkeypatch):
    z, reference = torch.randn(10, 4), torch.randn(7, 4)
    whole = nearest(z, reference, 3)
    monkeypatch.setattr(embeddings, "MOST_DISTANCES", 3 * 7 + 1)  # three at once
    parts = nearest(z, reference, 3)
    assert torch.equal(whole.ids, parts.ids) and torch.equal(whole.distances, parts.distances)
    assert nearest(z[:0], reference, 3).ids.shape == (0, 3)


@pytest.mark.parametrize("metric", UMAP_METRICS)
def test_the_nearest_are_those_of_scikit_learn(metric):
    from sklearn.metrics import pairwise_distances

    z = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    ids, distances = projection.neighbours_of_each(z, 7, metric)
    whole = pairwise_distances(z.double().numpy(), metric=metric)
    assert np.allclose(distances[:, 1:], np.sort(whole, axis=1)[:, 1:7], atol=1e-6)
    assert np.allclose(np.take_along_axis(whole, ids.numpy(), axis=1), distances, atol=1e-6)
    assert (ids[:, 0] == torch.arange(60)).all()


def test_the_map_of_many_is_as_trustworthy_and_the_same_again(monkeypatch):
    from sklearn.manifold import trustworthiness

    draw = torch.Generator().manual_seed(0)
    z = torch.randn(4, 6, generator=draw)[torch.arange(200) % 4] * 4 + torch.randn(200, 6, generator=draw)
    usual = UmapMap.fit(z).places
    monkeypatch.setattr(projection, "MANY", 100)
    many = UmapMap.fit(z).places
    assert torch.equal(many, UmapMap.fit(z).places) and not torch.equal(many, usual)
    trusted, before = (trustworthiness(z.numpy(), places.numpy(), n_neighbors=10) for places in (many, usual))
    assert trusted > before - 0.03
