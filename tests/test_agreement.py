"""Networks that two zoos share, and how far two spaces agree on which of them are near each other."""

import pytest
import torch

from netspace.errors import UsageError
from netspace.latent import agreement
from netspace.latent.agreement import neighbourhood_agreement
from netspace.zoo.common import common_networks
from netspace.zoo.store import Zoo, select


def drawn(count: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def test_a_space_agrees_with_itself_turned_and_stretched():
    z = drawn(60, 5)
    turn, _ = torch.linalg.qr(drawn(5, 5, 1))
    found = neighbourhood_agreement(z, 3 * z @ turn + 7)
    assert found.share == 1 and found.networks == 60 and found.k == 10 and found.chance == pytest.approx(10 / 59)


def test_the_share_is_that_of_the_naive_count(monkeypatch):
    monkeypatch.setattr(agreement, "MOST_ASKED", 20)
    z, other = drawn(40, 6), torch.cat([drawn(40, 3), drawn(40, 3, 2)], dim=1)
    z[5], other[7] = torch.nan, torch.inf
    both = [i for i in range(40) if i not in (5, 7)]
    shares = []
    for i in both[::2]:
        near = [sorted((j for j in both if j != i), key=lambda j: float((e[j] - e[i]).norm()))[:4] for e in (z, other)]
        shares.append(len(set(near[0]) & set(near[1])) / 4)
    found = neighbourhood_agreement(z, other, k=4)
    assert found.share == pytest.approx(sum(shares) / len(shares)) and found.networks == 38
    assert found.chance < found.share < 1


def test_neighbourhoods_are_told_of_enough_networks_alone():
    same = torch.zeros(30, 4)  # all at one place: any are nearest, but none is its own neighbour
    assert 0 <= neighbourhood_agreement(same, same).share <= 1
    with pytest.raises(UsageError, match="11 networks have embeddings in both spaces, 12 are needed"):
        neighbourhood_agreement(drawn(11, 3), drawn(11, 3))
    with pytest.raises(UsageError, match="12 and 13"):
        neighbourhood_agreement(drawn(12, 3), drawn(13, 3))


def test_networks_are_the_same_by_weights_or_else_by_names(tiny_cnn_zoo, tmp_path):
    zoo = tiny_cnn_zoo
    everyone = tuple(range(len(zoo)))
    assert common_networks(zoo, zoo) == (everyone, everyone, "weights")
    select(zoo, [6, 1, 4], tmp_path / "some")
    some = Zoo.load(tmp_path / "some")
    renamed = Zoo(some.folder, some.family, some.records.assign(name=["x", "y", zoo.records.name[0]]), some.weights, {})
    assert common_networks(zoo, renamed) == ((1, 4, 6), (1, 2, 0), "weights"), "whatever they are called"
    assert common_networks(renamed, zoo) == ((0, 1, 2), (6, 1, 4), "weights")
    other = {name: some.weights[name] + 1 for name in some.weights}
    trained = Zoo(some.folder, some.family, some.records, other, {})
    assert common_networks(zoo, trained) == ((1, 4, 6), (1, 2, 0), "names")
    strange = Zoo(some.folder, some.family, some.records.assign(name=["x", "y", "z"]), other, {})
    assert common_networks(zoo, strange) == ((), (), "")
