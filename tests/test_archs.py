"""Laws over all architectures: the fast ways to run a network give what the module gives."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from netspace import ARCHS, Family, Network, pack, prep_size, run_many
from netspace.nets.archs import Siren, arch_named
from netspace.nets.inputs import MEAN, STD

ALL = pytest.mark.parametrize("arch", [*ARCHS.values(), arch_named("resnet8/48px-37c")], ids=lambda a: a.name)
SDFS = pytest.mark.parametrize("arch", [a for a in ARCHS.values() if a.task == "sdf"], ids=lambda a: a.name)

TABLE_I = {  # the paper's supplement
    "cifar10": {"lenetlike": 62_006, "vanillacnn": 68_818, "resnet8": 78_042, "resnet32": 466_906, "resnet56": 855_770},
    "tiny-imagenet": {
        "lenetlike": 79_612, "vanillacnn": 112_856, "resnet8": 128_792, "resnet32": 517_656, "resnet56": 906_520,
    },
}  # fmt: skip


def inputs(arch, count):
    """Inputs (count, ...) that such a network is asked."""
    if arch.task == "sdf":
        return torch.rand(count, 3) * 2 - 1
    return torch.randn(count, 3, arch.skeleton.size, arch.skeleton.size)


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


@pytest.mark.parametrize(("data", "counts"), TABLE_I.items(), ids=str)
def test_the_trained_counts_are_those_of_table_i(data, counts):
    assert {base: ARCHS[f"{base}/{data}"].num_trained for base in counts} == counts
    class_ids = [ARCHS[f"{base}/{data}"].class_id for base in counts]
    assert class_ids == [0, 1, 2, 3, None]


def test_the_fused_counts_are_those_of_the_authors():
    assert ARCHS["resnet8/cifar10"].num_params == 77_706
    assert ARCHS["resnet32/cifar10"].num_params == 465_674


@pytest.mark.parametrize("base", ["lenetlike", "vanillacnn", "resnet8"])
@pytest.mark.parametrize("size", [33, 47, 48, 64, 96])
def test_a_classifier_is_built_for_any_image_size_that_it_fits(base, size):
    arch = arch_named(f"{base}/{size}px-7c")
    net = networks(arch, 1)[0]
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet8/16px-10c", "ResNet needs images of at least 32 pixels, got 16"),
        ("lenetlike/8px-10c", "LeNetLike needs images of at least 13 pixels, got 8"),
        ("vanillacnn/32px-1c", "at least 2 classes apart, got 1"),
        ("alexnet/32px-10c", "unknown architecture 'alexnet/32px-10c'"),
    ],
)
def test_an_architecture_that_does_not_fit_says_why(name, words):
    with pytest.raises(ValueError, match=words):
        arch_named(name)


@ALL
def test_run_many_is_each_network_run_alone(arch):
    nets = networks(arch, 4)
    preps = torch.stack([n.prep for n in nets])
    x = inputs(arch, 3)
    shared = run_many(arch, preps, x)
    own = run_many(arch, preps.view(2, 2, *preps.shape[1:]), x.expand(2, 2, *x.shape))
    for i, net in enumerate(nets):
        alone = net.module()(x)
        assert torch.allclose(shared[i], alone, atol=1e-5)
        assert torch.allclose(own[i // 2, i % 2], alone, atol=1e-5)
        assert torch.allclose(net(x), alone, atol=1e-5)
    assert shared.shape == (4, *alone.shape) and own.shape == (2, 2, *alone.shape)


def test_the_batched_product_that_a_gpu_runs_is_each_network_run_alone():
    """The very branch of a GPU, on the CPU."""
    arch = ARCHS["resnet8/digits"]
    params = {name: torch.stack([n.params[name] for n in networks(arch, 3)]) for name in arch.shapes}
    x = inputs(arch, 2)
    batched = torch.func.vmap(lambda p: torch.func.functional_call(arch.skeleton, p, (x,)))(params)
    assert torch.allclose(batched, arch.apply_params(params, x), atol=1e-5)


@pytest.mark.parametrize("name", ["lenetlike/digits", "siren64"])
def test_threads_do_not_see_each_others_parameters(name):
    arch = ARCHS[name]
    nets, x = networks(arch, 4), inputs(arch, 16)
    expected = [net.module()(x) for net in nets]
    with ThreadPoolExecutor(4) as pool:
        for k, (called, compiled) in enumerate(
            pool.map(lambda k: (nets[k % 4](x), nets[k % 4].compiled()(x)), range(80))
        ):
            assert torch.allclose(called, expected[k % 4], atol=1e-5)
            assert torch.allclose(compiled.view_as(called), expected[k % 4], atol=1e-4)


@ALL
def test_compiled_is_the_network(arch):
    net = networks(arch, 1)[0]
    few = 8 if arch.num_params > 200_000 else 70  # small ones: more than one chunk
    x = inputs(arch, 5000 if arch.task == "sdf" else few)
    fast, exact = net.compiled()(x), net(x)
    half = net.compiled(torch.bfloat16)(x[:few])
    assert torch.allclose(fast.view_as(exact), exact, atol=2e-5)
    exact = exact[: len(half)]
    assert torch.allclose(half.view_as(exact), exact, atol=1e-2 * max(1.0, float(exact.detach().abs().max())))


@SDFS
def test_a_compiled_network_multiplies_matrices_of_few_shapes(arch, monkeypatch):
    """Each would leave a kernel behind in oneDNN, for ever."""
    net, met, addmm, here = networks(arch, 1)[0], set(), torch.addmm, threading.get_ident()

    def noting(bias, x, w):
        if threading.get_ident() == here:
            met.add(tuple(x.shape))
        return addmm(bias, x, w)

    monkeypatch.setattr(torch, "addmm", noting)
    for n in range(1, 5000, 227):
        assert net.compiled(torch.bfloat16)(torch.zeros(n, 3)).shape == (n,)
    assert len(met) <= 2 * 8


@SDFS
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
    Network(arch, prep)(inputs(arch, 4)).square().sum().backward()
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


ACTIVATIONS = {"sin": np.sin, "relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("siren64", "x in [-1, 1]^3, a signed distance, negative inside"),
        ("siren/3-16-8-8-1@12.5", "x in [-1, 1]^3, a signed distance, negative inside"),
        ("siren/2-8-8-3@20", "x in [-1, 1]^2, channels in [-1, 1]"),
        ("siren/2-8-1@1", "x in [-1, 1]^2, channels in [-1, 1]"),
        ("mlp/3-16-16-1:relu:occupancy", "x in [-1, 1]^3, negative inside, only the sign means anything"),
        ("mlp/3-8-8-1:tanh:pe2", "x in [-1, 1]^3, a signed distance, negative inside"),
        ("mlp/3-8-8-1:relu:pe3pibare", "x in [-1, 1]^3, a signed distance, negative inside"),
        ("siren/3-8-8-1@5:pe2blocks", "x in [-1, 1]^3, a signed distance, negative inside"),
    ],
)
def test_the_formula_that_travels_with_a_field_computes_it(name, end):
    """Read as it stands, with NumPy."""
    arch = arch_named(name)
    params = {key: p.numpy().astype(float) for key, p in arch.initialise(0).items()}
    formula, _, words = arch.formula.partition(", x in ")
    assert "x in " + words == end
    steps = formula.split(" -> ")
    assert steps[0] == "x"
    x = np.random.default_rng(0).uniform(-1, 1, (5, arch.skeleton.spec.widths[0]))
    h = x
    for step in steps[1:]:
        if step.startswith("["):
            h = np.concatenate(
                [wave(part, x) for part in re.findall(r"x(?=,)|sin\(.*?k = 0 to \d+|cos\(.*?k = 0 to \d+", step)], 1
            )
            continue
        activation, factor, depth = re.fullmatch(r"(?:(\w+)\()?(?:([\d.]+) \()?W(\d+) [xh] \+ b\3\)*", step).groups()
        h = h @ params[f"layers.{depth}.weight"].T + params[f"layers.{depth}.bias"]
        h = ACTIVATIONS[activation](float(factor or 1) * h) if activation else h
    expected = arch.apply_params(arch.initialise(0), torch.tensor(x, dtype=torch.float32))
    assert np.allclose(h, expected.numpy(), atol=1e-4)


def wave(part, x):
    """The features that a part of an encoding's formula names."""
    if part == "x":
        return x
    count, pi = int(part.rpartition(" ")[2]) + 1, np.pi if "2^k pi x" in part else 1.0
    waves = [wave for wave in ("sin", "cos") if wave in part]
    return np.concatenate([getattr(np, wave)(2.0**k * pi * x) for k in range(count) for wave in waves], 1)


def test_the_formula_of_a_classifier_says_what_its_inputs_are():
    assert arch_named("resnet8/digits").formula == (
        f"RGB images (n, 3, 32, 32) in [0, 1], minus {MEAN} over {STD} -> logits (n, 10)"
    )
    own = arch_named("lenetlike/28px-7c:relu:gray:mean=0.5:std=0.25")
    assert own.formula == (
        f"RGB images (n, 3, 28, 28) in [0, 1], minus {MEAN} over {STD} -> its own inputs (RGB in [0, 1] again, made "
        "grey (0.299 R + 0.587 G + 0.114 B), minus (0.5,) over (0.25,)) -> logits (n, 7)"
    )
