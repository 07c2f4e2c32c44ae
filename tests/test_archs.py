"""Laws over all architectures: the fast ways to run a network give what the module gives."""

import pytest
import torch

from netspace import ARCHS, Family, Network, pack, prep_size, run_many
from netspace.archs import Siren

ALL = pytest.mark.parametrize("arch", ARCHS.values(), ids=lambda a: a.name)


def networks(arch, count):
    size = prep_size(arch.num_params, 10_000)
    return [Network(arch, pack(arch.initialise(seed), size)) for seed in range(count)]


def test_the_papers_siren_has_67073_parameters():
    assert ARCHS["siren256"].num_params == 67_073


def test_siren_is_the_formula_of_the_supplement():
    module = Siren(5)
    (w0, b0), (w1, b1), (w2, b2) = ((layer.weight, layer.bias) for layer in module.layers)
    x = torch.rand(7, 3) * 2 - 1
    for point, value in zip(x, module(x), strict=True):
        h = torch.sin(30 * (w0 @ point + b0))
        h = torch.sin(30 * (w1 @ h + b1))
        assert torch.allclose(w2 @ h + b2, value, atol=1e-5)


def test_siren_starts_within_the_bounds_of_its_authors():
    params = ARCHS["siren256"].initialise(3)
    assert params["layers.0.weight"].abs().max() <= 1 / 3
    assert params["layers.1.weight"].abs().max() <= (6 / 256) ** 0.5 / 30
    assert params["layers.0.weight"].abs().max() > 0.9 / 3  # and fills them


@ALL
def test_run_many_is_each_network_run_alone(arch):
    nets = networks(arch, 4)
    preps = torch.stack([n.prep for n in nets])
    x = torch.rand(9, 3) * 2 - 1
    shared = run_many(arch, preps, x)
    own = run_many(arch, preps.view(2, 2, *preps.shape[1:]), x.expand(2, 2, 9, 3))
    assert shared.shape == (4, 9, 1) and own.shape == (2, 2, 9, 1)
    for i, net in enumerate(nets):
        alone = net.module()(x)
        assert torch.allclose(shared[i], alone, atol=1e-5)
        assert torch.allclose(own[i // 2, i % 2], alone, atol=1e-5)
        assert torch.allclose(net(x), alone, atol=1e-5)


@ALL
def test_compiled_is_the_network(arch):
    net = networks(arch, 1)[0]
    x = torch.rand(5000, 3) * 2 - 1  # more than one chunk
    assert torch.allclose(net.compiled()(x), net(x).squeeze(1), atol=2e-5)
    assert torch.allclose(net.compiled(torch.bfloat16)(x), net(x).squeeze(1), atol=1e-2)


@ALL
def test_stretching_the_weights_stretches_the_function(arch):
    net = networks(arch, 1)[0]
    factors = torch.tensor([0.8, 1.25, 1.0])
    x = torch.rand(20, 3) * 2 - 1
    stretched = arch.apply_params(arch.stretch_params(net.params, factors), x)
    assert torch.allclose(stretched, net(x / factors), atol=1e-5)


@ALL
def test_a_seed_gives_the_same_network_and_leaves_the_global_generator_alone(arch):
    state = torch.get_rng_state()
    first, again, other = arch.initialise(5), arch.initialise(5), arch.initialise(6)
    assert torch.equal(state, torch.get_rng_state())
    for name in arch.shapes:
        assert torch.equal(first[name], again[name])
    assert any(not torch.equal(first[name], other[name]) for name in arch.shapes)


@ALL
def test_a_network_is_differentiable_in_its_prep(arch):
    net = networks(arch, 1)[0]
    prep = net.prep.clone().requires_grad_()
    Network(arch, prep)(torch.rand(4, 3)).sum().backward()
    used = prep.grad.flatten()
    assert used[: arch.num_params].count_nonzero() > 0.5 * arch.num_params
    assert not used[arch.num_params :].any()


def test_a_state_dict_of_another_architecture_is_named():
    params = ARCHS["siren64"].initialise(0)
    with pytest.raises(ValueError, match=r"not a siren256: layers.0.weight is \(64, 3\) instead of \(256, 3\)"):
        Network.of(ARCHS["siren256"], params, (8, 10_000))
    params = ARCHS["siren256"].initialise(0)
    params["extra"] = params.pop("layers.2.bias")
    with pytest.raises(ValueError, match=r"missing layers.2.bias; unknown extra"):
        Network.of(ARCHS["siren256"], params, (8, 10_000))


def test_a_family_is_ordered_by_size_and_fits_its_prep():
    family = Family.of("siren256", "siren64")
    assert family.names == ["siren64", "siren256"] and family.size == (8, 10_000)
    with pytest.raises(ValueError, match=r"PRep \(4, 8\) holds 32 values, siren256 has 67073"):
        Family((ARCHS["siren256"],), (4, 8))
    with pytest.raises(ValueError, match=r"unknown architecture 'lenet'"):
        Family.of("lenet")
