"""Laws of alignment over all architectures: the function is kept, what is planted is found, and all of it is undone."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import netspace
from netspace import Network
from netspace.align import align, compose, invert, random_element, same_element, solved, transform
from netspace.align import repair as repair_module
from netspace.align.activations import match_activations
from netspace.align.assign import weight_profits
from netspace.align.group import UnitMove, apply
from netspace.align.match import AS_THEY_ARE, BY_ANSWERS, BY_WEIGHTS, middle_likeness
from netspace.align.repair import Repair, Statistics, of_channels
from netspace.align.weights import by_features, descend, distance, frank_wolfe, halfway, match_weights
from netspace.errors import UsageError
from netspace.nets.archs import ARCHS, arch_named
from netspace.nets.prep import pack, prep_size
from netspace.nets.units import symmetry_of

ROOT = Path(__file__).resolve().parent.parent
NAMES = [
    *(name for name in ARCHS if name.endswith("/digits") and "resnet56" not in name), "siren64", "siren256",
    "vanillacnn/tiny-imagenet", "lenetlike/digits:tanh:gray", "resnet14/cifar10:tanh",
    "resnet8/48px-5c:softsign:global", "siren/3-32-48-16-1@12.5", "siren/2-32-32-3@30", "siren/2-32-32-1@30",
    "siren/2-9-1@30:pe3", "mlp/3-64-32-1:relu:pe6", "mlp/3-64-64-1:tanh:pe6", "mlp/2-24-24-3:softplus",
    "mlp/2-24-24-1:leaky_relu0.2",
    "cnn[conv8k3n-relu-maxpool2-conv16k3g8-relu-conv12k3-tanh-gap-flatten-fc20-gelu-fc10]/digits",
    "cnn[conv6k5s2-tanh-avgpool2-conv8k3g2-tanh-conv6k3-maxpool2-flatten-fc20-tanh-fc16-fc10]/digits",
]  # fmt: skip
"""a new family is added to `nets` and to this list, and to nothing in `align`"""
SMALL = pytest.mark.parametrize("arch", [arch_named(n) for n in NAMES if "resnet32" not in n], ids=lambda a: a.name)
EACH = pytest.mark.parametrize("arch", [arch_named(name) for name in NAMES], ids=lambda arch: arch.name)


def network(arch, seed: int = 0, dtype: torch.dtype = torch.float32) -> Network:
    """Random weights, and biases that are none of them small."""
    params = {name: p.to(dtype) for name, p in arch.initialise(seed).items()}
    return Network(arch, pack(params, prep_size(arch.num_params, 1000)))


def inputs(arch, count: int = 12, seed: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = arch.skeleton.points(count, generator)
    if points is not None:
        return points
    return torch.randn(count, 3, arch.skeleton.size, arch.skeleton.size, generator=generator)


def planted(arch, seed: int = 0, scales: bool = False):
    """A network, what moves it, and what it is then."""
    a = network(arch, seed)
    element = random_element(arch, torch.Generator().manual_seed(seed + 100), scales=scales)
    return a, element, transform(a, element)


def doubles(network: Network) -> dict[str, torch.Tensor]:
    return {name: p.double() for name, p in network.params.items()}


def equal(a: Network, b: Network) -> bool:
    return torch.allclose(a.prep, b.prep, atol=1e-6)


# -- what an architecture says of its units ------------------------------------------------------------------------


@EACH
def test_units_cover_both_sides_of_every_layer(arch):
    """Every axis of every weight is an input's, an output's, or one group's."""
    sides = [(place.param, place.axis) for units in arch.units for place in (*units.made, *units.read)]
    assert len(sides) == len(set(sides))
    for units in arch.units:
        assert units.made and units.read and units.name == units.made[0].layer
        for place in (*units.made, *units.read):
            assert arch.shapes[place.param][place.axis] == units.count * place.block
    held = "g2" in arch.name  # the channels of its groups keep their places, on both sides
    weights = [name for name, shape in arch.shapes.items() if len(shape) > 1]
    lacking = [w for w in weights[:-1] if (w, 0) not in sides] + [w for w in weights[1:] if (w, 1) not in sides]
    depthwise = [w for w in weights if arch.shapes[w][1] == 1 and "g8" in arch.name and "conv8k3n" in arch.name]
    assert set(lacking) <= {*depthwise, *(weights[:3] if held else [])}


def test_a_stage_of_a_residual_network_is_one_group():
    groups = {units.name: units for units in arch_named("resnet20/cifar10").units}
    assert len(groups) == 3 + 9
    stream = groups["conv1"]
    assert {p.layer for p in stream.made} == {"conv1", "layer1.0.conv2", "layer1.1.conv2", "layer1.2.conv2"}
    assert {"layer2.0.downsample.0", "layer2.0.conv1"} <= {p.layer for p in stream.read}


def test_pixels_of_a_flattened_channel_are_a_block():
    units = arch_named("lenetlike/digits").units[1]
    assert units.count == 16 and units.read == (("fcs.0.weight", 1, 25),)


@pytest.mark.parametrize(
    ("name", "signs", "scales"),
    [("relu", 0, 1), ("leaky_relu0.2", 0, 1), ("tanh", 1, 0), ("softsign", 1, 0), ("gelu", 0, 0), ("relu6", 0, 0)],
)
def test_an_activation_has_its_symmetry(name, signs, scales):
    assert symmetry_of(name) == (bool(signs), bool(scales), 0.0)


# -- laws of the group ---------------------------------------------------------------------------------------------


@EACH
def test_the_function_is_kept(arch):
    a, element, b = planted(arch, scales=True)
    x = inputs(arch)
    with torch.no_grad():
        one, other = a(x), b(x)
    assert not torch.equal(a.prep, b.prep)
    assert (one - other).abs().max() <= 2e-5 * one.abs().max().clamp(min=1)
    assert any((move.order != torch.arange(len(move.order))).any() for move in element.values())


@EACH
def test_elements_compose_and_their_inverse_undoes_them(arch):
    one, two = (random_element(arch, torch.Generator().manual_seed(k), scales=True) for k in (1, 2))
    params = {name: p.double() for name, p in arch.initialise(0).items()}
    step = apply(two, apply(one, params, arch.units), arch.units)
    both = apply(compose(one, two), params, arch.units)
    back = apply(invert(compose(one, two)), both, arch.units)
    for name, p in params.items():
        torch.testing.assert_close(step[name], both[name], atol=1e-12, rtol=1e-12)
        torch.testing.assert_close(back[name], p, atol=1e-12, rtol=1e-12)
    assert same_element(compose(one, invert(one)), {}) and not same_element(one, two)


# -- what is planted is found --------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_element_is_found_without_inputs(arch, seed):
    a, element, b = planted(arch, seed)
    found = align(a, b)
    assert same_element(compose(element, found.element), {}) and equal(found.network, a)
    assert found.how == BY_WEIGHTS and not found.notes


@EACH
def test_a_planted_element_is_found_by_answers(arch):
    a, element, b = planted(arch, 2)
    found = match_activations(a, b, inputs(arch, 40))
    assert same_element(compose(element, found), {}), [
        name for name, move in compose(element, found).items() if (move.order != torch.arange(len(move.order))).any()
    ]


@SMALL
def test_aligning_what_is_aligned_does_nothing(arch):
    a, b, x = network(arch, 0), network(arch, 1), inputs(arch, 30)
    for given in (None, x):
        first = align(a, b, given)
        second = align(a, first.network, given)
        assert same_element(second.element, {}), second.how
        with torch.no_grad():
            assert (b(x) - first.network(x)).abs().max() <= 2e-5 * b(x).abs().max().clamp(min=1)


@SMALL
def test_what_is_found_moves_with_the_network(arch):
    """The same two functions are aligned to the same weights, in whatever order B comes."""
    a, (b, _, moved), x = network(arch, 0), planted(arch, 5), inputs(arch, 30)
    one, other = align(a, b, x), align(a, moved, x)
    if AS_THEY_ARE not in (one.how, other.how):  # untrained networks are at times best as they happen to come
        assert equal(one.network, other.network) and one.how == other.how


# -- how matching goes ---------------------------------------------------------------------------------------------


def brute(a, b, units) -> np.ndarray:
    """The least |A - B|^2 / 2 of every pair, over signs and turns, without what does not depend on the pairing."""
    n, turn = units.count, units.symmetry.turn
    best = np.full((n, n), np.inf)
    for sign in (1, -1):
        for k in range(-20, 21):
            move = UnitMove(
                torch.arange(n), torch.full((n,), float(sign)).double(), torch.full((n,), float(k)).double()
            )
            moved = apply({units.name: move}, b, [units])
            cost = np.zeros((n, n))
            for place in (*units.made, *units.read):
                one, other = (p[place.param].movedim(place.axis, 0).reshape(n, -1) for p in (a, moved))
                cost += (one[:, None] - other[None]).square().sum(-1).numpy() / 2
                if a[place.param].dim() > 1:
                    cost -= (one.square().sum(1)[:, None] + other.square().sum(1)[None]).numpy() / 2
            best = np.minimum(best, cost)
    assert turn
    return best


def test_a_pair_of_sines_costs_the_least_over_signs_and_phases():
    arch = arch_named("siren/2-6-5-1@30")
    a, (_, _, b) = doubles(network(arch, 0)), planted(arch, 1)
    for units in arch.units:
        value = weight_profits(a, doubles(b), units).value
        np.testing.assert_allclose(-value.numpy(), brute(a, doubles(b), units), atol=1e-9)


@pytest.mark.parametrize("name", ["lenetlike/digits", "resnet8/digits", "mlp/3-64-64-1:tanh:pe6"])
def test_descent_and_frank_wolfe_only_come_nearer(name):
    arch = arch_named(name)
    a, b, groups = doubles(network(arch, 0)), doubles(network(arch, 1)), arch.units
    raw = distance(a, b, groups)
    starts = [{}, by_features(a, b, groups, np.random.default_rng(0))]
    starts.append(frank_wolfe(a, b, groups, halfway(groups), np.random.default_rng(0)))
    ends = []
    for start in starts:
        end = descend(a, b, groups, start, np.random.default_rng(0))
        ends.append(distance(a, apply(end, b, groups), groups))
        assert ends[-1] <= distance(a, apply(start, b, groups), groups) + 1e-9
    assert ends[2] < raw and match_weights(a, b, groups).distance <= min(ends[:2]) * (1 + 1e-9)


def test_the_same_seed_gives_the_same_and_dead_or_equal_units_are_told():
    arch = arch_named("mlp/3-16-16-1:relu")
    a, params = network(arch, 0), dict(network(arch, 1).params)
    for k in (3, 4, 5):  # dead
        params["layers.0.weight"] = params["layers.0.weight"].index_fill(0, torch.tensor([k]), 0.0)
        params["layers.0.bias"] = params["layers.0.bias"].index_fill(0, torch.tensor([k]), 0.0)
        params["layers.1.weight"] = params["layers.1.weight"].index_fill(1, torch.tensor([k]), 0.0)
    for name in ("weight", "bias"):  # equal
        params[f"layers.1.{name}"] = params[f"layers.1.{name}"].clone()
        params[f"layers.1.{name}"][7] = params[f"layers.1.{name}"][2]
    b = Network.of(arch, params, tuple(a.prep.shape[-2:]))
    x = inputs(arch, 200)
    for given in (None, x):
        one, again, other = (align(a, b, given, seed) for seed in (0, 0, 1))
        assert torch.equal(one.network.prep, again.network.prep)
        assert "3 hidden units are dead or equal to others" in one.notes[0] and "seed 0" in one.notes[0]
        for found in (one, other):
            torch.testing.assert_close(found.network(x), b(x), atol=1e-5, rtol=1e-5)
        assert same_element(align(a, one.network, given).element, {})


def test_a_dead_network_is_aligned_too():
    arch = arch_named("lenetlike/digits")
    a = network(arch, 0)
    nothing = Network(arch, torch.zeros_like(a.prep))
    for one, other in ((a, nothing), (nothing, a), (nothing, nothing)):
        found = align(one, other, inputs(arch))
        torch.testing.assert_close(found.network(inputs(arch)), other(inputs(arch)))


def test_what_answers_more_alike_is_kept():
    arch = arch_named("lenetlike/digits")
    a, b, x = network(arch, 0), network(arch, 1), inputs(arch, 60)
    found = align(a, b, x)
    assert found.how in (AS_THEY_ARE, BY_ANSWERS, BY_WEIGHTS)
    best = middle_likeness(a, found.network, x)
    assert best >= middle_likeness(a, b, x) and best >= middle_likeness(a, align(a, b).network, x) - 1e-6


@pytest.mark.parametrize("name", ["lenetlike/digits", "resnet8/digits", "mlp/3-64-32-1:relu:pe6"])
def test_scales_are_taken_where_they_make_the_middle_better(name):
    arch = arch_named(name)
    a, _, b = planted(arch, 3, scales=True)
    x = inputs(arch, 60)
    found = align(a, b, x)
    assert found.how.endswith("and scaled")
    torch.testing.assert_close(found.network.prep, a.prep, atol=5e-3, rtol=5e-3)
    torch.testing.assert_close(found.network(x), b(x), atol=1e-4, rtol=1e-4)
    plain = transform(a, random_element(arch, torch.Generator().manual_seed(3)))
    assert not align(a, plain, x).how.endswith("scaled")


# -- REPAIR --------------------------------------------------------------------------------------------------------

CLASSIFIERS = ["lenetlike/digits", "vanillacnn/digits", "resnet8/digits", "resnet8/48px-5c:softsign:global", NAMES[-1]]


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("gamma", [0.5, 0.2, -0.25, 1.5])
def test_statistics_of_channels_are_those_between_the_ends(name, gamma):
    """Equations 2 and 3 of the paper, of every layer but the last, on the images that they are set on."""
    arch = arch_named(name)
    a, b, x = network(arch, 0), network(arch, 1), inputs(arch, 40)
    repair = Repair(a, b, x)
    found = repair(Network(arch, torch.lerp(a.prep, b.prep, gamma)), gamma)

    def seen(network: Network) -> dict[str, Statistics]:
        kept = {}
        with torch.no_grad():
            arch.watch(network.params, x, lambda layer, x, y: kept.update({layer: of_channels(y)}))
        return kept

    of_a, of_b, ours = seen(a), seen(b), seen(found)
    assert len(ours) == len([shape for shape in arch.shapes.values() if len(shape) > 1])
    for layer in [*ours][:-1]:
        mean, std = (torch.lerp(*both, gamma) for both in zip(of_a[layer], of_b[layer], strict=True))
        torch.testing.assert_close(ours[layer].mean, mean, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(ours[layer].std, std.clamp(min=0), atol=1e-4, rtol=1e-3)
    last = [*arch.shapes][-2:]
    assert all(torch.equal(found.params[p], torch.lerp(a.params[p], b.params[p], gamma)) for p in last)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_repair_leaves_the_ends(name):
    arch = arch_named(name)
    a, b, x = network(arch, 0), network(arch, 1), inputs(arch, 40)
    repair = Repair(a, b, x)
    for end, gamma in ((a, 0.0), (b, 1.0)):
        torch.testing.assert_close(repair(end, gamma)(x), end(x), atol=1e-4, rtol=1e-4)


def test_repair_survives_dead_channels_and_layers_without_bias():
    arch = arch_named("cnn[conv6k5s2n-relu-conv8k3s2-relu-flatten-fc10]/digits")
    params = dict(network(arch, 0).params)
    params["layers.1.weight"] = params["layers.1.weight"].index_fill(0, torch.tensor([1]), 0.0)
    a, b = Network.of(arch, params, (4, 1000 * 4)), network(arch, 1)
    b = Network.of(arch, dict(b.params), (4, 4000))
    found = Repair(a, b, inputs(arch, 40))(Network(arch, (a.prep + b.prep) / 2), 0.5)
    assert found.prep.isfinite().all() and found(inputs(arch)).isfinite().all()


def test_repair_takes_as_few_images_as_fit(monkeypatch):
    arch = arch_named("resnet8/digits")
    a, x = network(arch, 0), inputs(arch, 30)
    monkeypatch.setattr(repair_module, "ANSWERS_BYTES", 10 * 16 * 32 * 32 * 4)
    assert len(Repair(a, a, x).x) == 10
    monkeypatch.setattr(repair_module, "ANSWERS_BYTES", 1)
    assert len(Repair(a, a, x).x) == 1


def test_a_pair_is_solved_once(monkeypatch):
    arch, asked = arch_named("siren64"), []
    a, b, x = network(arch, 7), network(arch, 8), inputs(arch, 20)
    monkeypatch.setattr(solved, "align", lambda *given: (asked.append(given), align(*given))[1])
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda k: solved.aligned_once(a, b, x), range(8))]
    assert len(asked) == 1 and all(one is found[0] for one in found)
    assert solved.aligned_once(a, b, None) is not found[0] and len(asked) == 2
    broken = Network(arch, b.prep * float("nan"))
    for _ in range(2):
        with pytest.raises(UsageError, match="B are not finite"):
            solved.aligned_once(a, broken, x)
    assert len(asked) == 4  # errors are not kept


# -- bad input -----------------------------------------------------------------------------------------------------


def test_two_architectures_are_named():
    a, b = (network(arch_named(name)) for name in ("lenetlike/digits", "resnet8/digits"))
    with pytest.raises(UsageError, match="the units of LeNetLike and ResNet8 do not correspond"):
        align(a, b)


def test_weights_that_are_not_finite_are_named():
    a = network(arch_named("siren64"))
    broken = Network(a.arch, a.prep.clone().index_fill_(2, torch.tensor([3]), float("nan")))
    with pytest.raises(UsageError, match="the weights of B are not finite"):
        align(a, broken)
    with pytest.raises(UsageError, match="the weights of A are not finite"):
        align(broken, a)


def test_a_is_b():
    a = network(arch_named("siren64"))
    found = align(a, Network(a.arch, a.prep.clone()), inputs(a.arch))
    assert found.how == AS_THEY_ARE and torch.equal(found.network.prep, a.prep) and not found.notes


def test_a_network_without_hidden_units_stays():
    arch = arch_named("cnn[flatten-fc10]/digits")
    a, b = network(arch, 0), network(arch, 1)
    found = align(a, b)
    assert torch.equal(found.network.prep, b.prep) and "no hidden units" in found.notes[0]


def test_more_units_than_memory_holds_are_refused(monkeypatch):
    from netspace import memory

    arch = arch_named("siren64")
    monkeypatch.setattr(memory, "memory", lambda: 1000.0)
    with pytest.raises(UsageError, match="matching 64 units would take 262144 bytes of memory"):
        align(network(arch, 0), network(arch, 1))


def test_what_is_missing_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    arch = arch_named("siren64")
    with pytest.raises(UsageError, match="aligning networks needs the package scipy: pip install"):
        align(network(arch, 0), network(arch, 1))


def test_the_package_loads_no_scipy():
    code = "import sys, netspace.align.match, netspace.align.repair; print('scipy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


def test_trained_networks_are_found_too():
    """Trained weights are nothing like random ones: one of every architecture that ships."""
    for zoo in ("digits-family", "digits-images"):
        zoo = netspace.Zoo.load(netspace.ASSETS / zoo / "zoo")
        for name in zoo.records.arch.unique():
            a = zoo[zoo.records.arch.tolist().index(name)]
            element = random_element(a.arch, torch.Generator().manual_seed(1))
            found = align(a, transform(a, element))
            assert same_element(compose(element, found.element), {}), name
