"""Networks from elsewhere do what their owners' do: declared, detected, or asked for. The owners' programs are here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from test_importing import PlainLeNet, lived
from torch import nn
from torch.nn import functional as F  # noqa: N812

from netspace.data.images import Images, load_images
from netspace.data.transforms import normalise
from netspace.geometry.mesh import surface_of
from netspace.importing import Declaration, ReadOptions, import_networks
from netspace.importing.declare import class_names, declaration_of, normalisation
from netspace.nets.archs import ARCHS, arch_named
from netspace.zoo.store import Zoo

CHAIRS = Path(__file__).parent.parent / "assets" / "chairs" / "zoo"
POINTS = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def chair() -> dict[str, torch.Tensor]:
    """A trained SIREN: sines of 30, negative inside."""
    return {name: p.clone() for name, p in Zoo.load(CHAIRS)["chair-0086"].params.items()}


def sirens(params: dict, first: float = 30.0, others: float = 30.0):
    """The owner's program."""

    def f(x):
        for k, omega in enumerate([first, others]):
            x = torch.sin(omega * F.linear(x, params[f"layers.{k}.weight"], params[f"layers.{k}.bias"]))
        return F.linear(x, params["layers.2.weight"], params["layers.2.bias"])

    return f


def in_sines_of(params: dict, first: float, others: float) -> dict:
    """The same function with other factors in its sines."""
    scale = {0: 30 / first, 1: 30 / others, 2: 1.0}
    return {name: p * scale[int(name.split(".")[1])] for name, p in params.items()}


def bring(folder: Path, state, **more):
    """Import one state dict, or a folder that is written already."""
    folder.mkdir(exist_ok=True)
    if state is not None:
        torch.save(state, folder / "mine.pt")
    return import_networks(folder, folder.parent / f"{folder.name}-zoo", **more)


def network(done, name="mine"):
    assert not done.refused, done.refused
    return Zoo.load(done.folder)[name]


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    a, b = a.detach(), b.detach()
    return float((a - b).abs().max() / a.abs().max()) < 1e-4


# -- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [(30, 30), (30, 1), (1, 1), (10, 10), (60, 60), (100, 100)], ids=str)
def test_sines_of_any_usual_factor_are_found_out_by_what_the_network_does(chair, factors, tmp_path):
    state = in_sines_of(chair, *factors)
    done = bring(tmp_path / "in", state)
    mine = network(done)
    assert mine.arch.name == "siren256"
    assert same(sirens(state, *factors)(POINTS), mine(POINTS))
    assert "signed distances" in done.records[0]["function"]
    assert "(detected)" in done.records[0]["function"]


def test_unusual_factors_are_asked_for_and_declared(chair, tmp_path):
    state = in_sines_of(chair, 47, 13)
    (refused,) = bring(tmp_path / "in", state).refused
    assert "--omega" in refused.reason
    done = bring(tmp_path / "said", state, said=Declaration(omega=13.0, omega_first=47.0))
    assert same(sirens(state, 47, 13)(POINTS), network(done)(POINTS))


def test_what_is_declared_against_the_evidence_is_refused(chair, tmp_path):
    state = in_sines_of(chair, 30, 1)
    (refused,) = bring(tmp_path / "in", state, said=Declaration(omega=30.0)).refused
    assert "sines of 30, then 1" in refused.reason
    assert "--omega 1 --omega-first 30" in refused.reason


def test_a_file_that_keeps_its_factors_says_them(chair, tmp_path):
    state = in_sines_of(chair, 47, 13)
    state |= {"layers.0.omega_0": torch.tensor(47.0), "layers.1.omega_0": torch.tensor(13.0)}
    assert same(sirens(state, 47, 13)(POINTS), network(bring(tmp_path / "in", state))(POINTS))


def test_positive_inside_is_turned(chair, tmp_path):
    state = chair | {name: -chair[name] for name in ("layers.2.weight", "layers.2.bias")}
    done = bring(tmp_path / "in", state)
    assert same(-sirens(state)(POINTS), network(done)(POINTS))
    assert "positive inside" in done.records[0]["function"]


def test_a_field_of_another_box_is_scaled(chair, tmp_path):
    state = dict(chair) | {"layers.0.weight": 2 * chair["layers.0.weight"]}
    state |= {name: 0.5 * chair[name] for name in ("layers.2.weight", "layers.2.bias")}  # f(2x) / 2: a distance again
    done = bring(tmp_path / "in", state, said=Declaration(box=0.5))
    assert same(sirens(chair)(POINTS), network(done)(POINTS))


def test_an_occupancy_is_asked_about_and_meshed_as_its_owner_means_it(chair, tmp_path):
    state = chair | {name: -60 * chair[name] for name in ("layers.2.weight", "layers.2.bias")}  # logits
    (refused,) = bring(tmp_path / "in", state).refused
    assert "--omega 30" in refused.reason
    done = bring(tmp_path / "said", state, said=Declaration(omega=30.0))
    mine = network(done)
    assert mine.arch.field == "occupancy"
    assert mine.arch.name == "siren/3-256-256-1@30:occupancy"
    assert ((mine(POINTS) < 0) == (sirens(state)(POINTS) > 0)).all()
    original = surface_of(Zoo.load(CHAIRS)["chair-0086"], 32)
    assert abs(surface_of(mine, 32).mesh.volume / original.mesh.volume - 1) < 0.02


def test_a_level_moves_the_surface_to_zero(chair, tmp_path):
    state = chair | {"layers.2.bias": chair["layers.2.bias"] + 0.5}
    done = bring(tmp_path / "in", state, said=Declaration(omega=30.0, level=0.5, inside="negative"))
    assert same(sirens(chair)(POINTS), network(done)(POINTS))
    (refused,) = bring(tmp_path / "open", state, said=Declaration(omega=30.0, level=0.5)).refused
    assert "--inside" in refused.reason


def octahedron() -> nn.Sequential:
    """|x| + |y| + |z| = 0.8 by ReLU: an exact distance near its faces."""
    net = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.cat([torch.eye(3), -torch.eye(3)]))
        net[2].weight.copy_(torch.eye(6))
        net[4].weight.fill_(1 / math.sqrt(3))
        net[0].bias.zero_(), net[2].bias.zero_(), net[4].bias.fill_(-0.8 / math.sqrt(3))
    return net.requires_grad_(False)


def test_relu_is_not_taken_for_sines(tmp_path):
    net = octahedron()
    (refused,) = bring(tmp_path / "in", net.state_dict()).refused
    assert "signed distances under relu" in refused.reason
    assert "--activation relu" in refused.reason
    done = bring(tmp_path / "said", net.state_dict(), said=Declaration(activation="relu"))
    assert network(done).arch.name == "mlp/3-6-6-1:relu"
    assert same(net(POINTS), network(done)(POINTS))


@pytest.mark.parametrize("pi", [False, True])
def test_a_positional_encoding_is_asked_for(pi, tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(15, 20), nn.ReLU(), nn.Linear(20, 1)).requires_grad_(False)
    (refused,) = bring(tmp_path / "in", net.state_dict()).refused
    assert "pe2" in refused.reason
    name = "pe2pi" if pi else "pe2"
    said = Declaration(activation="relu", encoding=name, inside="positive", field="occupancy")
    done = bring(tmp_path / "said", net.state_dict(), said=said)
    scale = math.pi if pi else 1.0
    parts = [POINTS]
    for k in range(2):
        parts += [torch.sin(scale * 2**k * POINTS), torch.cos(scale * 2**k * POINTS)]
    assert same(-net(torch.cat(parts, dim=1)), network(done)(POINTS))


@pytest.mark.parametrize("name", ["siren/3-32-48-16-1@30", "siren64", "siren256"])
def test_fresh_sirens_of_any_size_are_known(name, tmp_path):
    arch = arch_named(name)
    done = bring(tmp_path / "in", arch.initialise(0))
    assert network(done).arch == arch
    assert "untrained" in done.records[0]["function"]


def test_layers_are_found_whatever_they_are_called_and_sorted(tmp_path):
    params = arch_named("siren/3-32-32-32-1@30").initialise(0)
    names = {"layers.0": "stem", "layers.1": "body.2", "layers.2": "body.10", "layers.3": "exit"}
    state = {f"{names[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": t for n, t in params.items()}
    done = bring(tmp_path / "in", dict(sorted(state.items())))
    for name, p in network(done).params.items():
        assert torch.equal(p, params[name]), name


def test_weight_norm_is_multiplied_out(chair, tmp_path):
    g = chair["layers.1.weight"].norm(dim=1, keepdim=True)
    state = {
        key: t
        for name, p in chair.items()
        for key, t in (
            {"layers.1.weight_g": g, "layers.1.weight_v": 3 * p} if name == "layers.1.weight" else {name: p}
        ).items()
    }
    assert same(sirens(chair)(POINTS), network(bring(tmp_path / "in", state))(POINTS))


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        ((2, 8, 8, 1), "holds an image"),
        ((3, 8, 8, 4), "gives 4 numbers"),
        ((784, 64, 10), "is it a classifier of 10 classes"),
        ((3, 1), "single linear layer"),
    ],
)
def test_what_is_no_field_is_said_to_be_none(widths, words, tmp_path):
    net = nn.Sequential(*(nn.Linear(i, o) for i, o in zip(widths, widths[1:], strict=False)))
    (refused,) = bring(tmp_path / "in", net.state_dict()).refused
    assert words in refused.reason
    assert "lenetlike" not in refused.reason


def test_the_authors_files_are_read_as_theirs(chair, tmp_path):
    state = {name.replace("layers.", "mlp."): t for name, t in in_sines_of(chair, 30, 30).items()}
    noise = {name: torch.randn_like(t) * 0.05 for name, t in state.items()}
    (tmp_path / "in").mkdir()
    torch.save({"mlp": state, "sdf": torch.rand(10, 4)}, tmp_path / "in" / "shape.pt")
    torch.save({"mlp": noise, "sdf": torch.rand(10, 4)}, tmp_path / "in" / "noise.pt")
    done = bring(tmp_path / "in", None)
    assert same(sirens(chair)(POINTS), network(done, "shape")(POINTS))
    assert network(done, "noise").arch.name == "siren256"
    assert "authors' layout" in {r["name"]: r for r in done.records}["noise"]["function"]
    assert surface_of(network(done, "shape"), 32).mesh.volume > 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"layers.1.alpha": torch.tensor(0.3)}, "layers.1.alpha = 0.3"),
        ({"out_scale": torch.tensor([0.1])}, "out_scale = 0.1"),
        ({"mean": torch.zeros(3), "std": torch.ones(3)}, "mean and std"),
        ({"layers.0.omega_0": torch.tensor(30.0)}, "say --omega and --omega-first"),
        ({"bn.weight": torch.ones(9), "bn.bias": torch.zeros(9), "bn.running_mean": torch.zeros(9),
          "bn.running_var": torch.ones(9)}, "batch norm (bn)"),
        ({"layers.1.weight": torch.ones(256, 256, dtype=torch.int8)}, "quantised"),
    ],
    ids=["gate", "scale", "normalisation", "one-omega", "batch-norm", "int8"],
)  # fmt: skip
def test_nothing_beside_the_layers_is_passed_over(more, words, chair, tmp_path):
    (refused,) = bring(tmp_path / "in", chair | more).refused
    assert words in refused.reason


def test_a_metric_beside_the_layers_is_no_part_of_the_network(chair, tmp_path):
    state = chair | {"acc": torch.tensor(0.9), "epoch": torch.tensor(3.0)}
    assert same(sirens(chair)(POINTS), network(bring(tmp_path / "in", state))(POINTS))


def test_a_loss_beside_the_network_is_left_out_by_a_prefix(chair, tmp_path):
    state = {f"model.{name}": t for name, t in chair.items()} | {"criterion.weight": torch.ones(10)}
    (refused,) = bring(tmp_path / "in", state).refused
    assert "--prefix model" in refused.reason
    done = bring(tmp_path / "part", state, options=ReadOptions(prefix="model"))
    assert same(sirens(chair)(POINTS), network(done)(POINTS))


def test_factors_in_the_file_against_declared_ones_are_refused(chair, tmp_path):
    state = in_sines_of(chair, 47, 13) | {"first_omega_0": torch.tensor(47.0), "hidden_omega_0": torch.tensor(13.0)}
    assert same(sirens(state, 47, 13)(POINTS), network(bring(tmp_path / "in", state))(POINTS))
    for k, said in enumerate((Declaration(omega=20.0), Declaration(activation="relu"))):
        (refused,) = bring(tmp_path / f"said{k}", state, said=said).refused
        assert "its buffers say sines of 47, then 13" in refused.reason
    each = chair | {f"layers.{k}.omega": torch.tensor(w) for k, w in enumerate((30.0, 28.0, 31.0, 5.0))}
    (refused,) = bring(tmp_path / "each", each, said=Declaration(omega=30.0)).refused
    assert "layers.1.omega = 28" in refused.reason


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_names_that_do_not_count_give_no_order(suffix, tmp_path):
    net = nn.Sequential(*(nn.Linear(i, o) for i, o in ((3, 8), (8, 8), (8, 8), (8, 8), (8, 1))))
    for names, read in ((("in", "h_one", "h_two", "h_three", "out"), False), (("in", "h1", "h2", "h3", "out"), True)):
        layers = dict(zip(names, net, strict=True))
        order = names if suffix == "safetensors" else names[::-1]
        state = {f"{name}.{leaf}": t for name in order for leaf, t in layers[name].state_dict().items()}
        folder = tmp_path / f"{suffix}-{read}"
        folder.mkdir()
        if suffix == "pt":
            torch.save(state, folder / "mine.pt")
        else:
            save_file(state, folder / "mine.safetensors")
        done = bring(folder, None, said=Declaration(activation="relu", inside="negative"))
        if read:
            own = POINTS
            for k, layer in enumerate(net):
                own = layer(own) if k == 4 else F.relu(layer(own))
            assert same(own, network(done)(POINTS))
        else:
            assert "do not tell" in done.refused[0].reason


def test_two_networks_that_happen_to_fit_are_said_to_follow_one_another(tmp_path):
    parts = {"warp": ((3, 8), (8, 3)), "sdf": ((3, 8), (8, 1))}
    state = {
        f"{part}.{k}.{leaf}": t
        for part, shapes in parts.items()
        for k, shape in enumerate(shapes)
        for leaf, t in nn.Linear(*shape).state_dict().items()
    }
    done = bring(tmp_path / "in", state, said=Declaration(activation="relu", inside="negative"))
    assert "warp.* and sdf.* follow one another" in done.records[0]["warning"]


def test_constant_and_overflowing_fields_are_named(chair, tmp_path):
    dead = {name: torch.zeros_like(t) for name, t in chair.items()}
    done = bring(tmp_path / "dead", dead, said=Declaration(omega=30.0))
    assert "0 everywhere" in done.records[0]["warning"]
    huge = {name: 1e30 * t for name, t in chair.items()}
    (refused,) = bring(tmp_path / "huge", huge, said=Declaration(activation="relu", inside="negative")).refused
    assert "not finite" in refused.reason


def test_a_declared_inside_against_the_border_is_said(chair, tmp_path):
    done = bring(tmp_path / "in", chair, said=Declaration(inside="positive"))
    assert "along the border" in done.records[0]["warning"]


@pytest.mark.parametrize("kind", ["positive", "box", "level"])
def test_a_reference_is_compared_as_its_owner_reads_it(kind, chair, tmp_path):
    last, said = ("layers.2.weight", "layers.2.bias"), Declaration(omega=30.0)
    state = dict(chair)
    if kind == "positive":
        state |= {name: -chair[name] for name in last}
    elif kind == "box":
        state |= {"layers.0.weight": 2 * chair["layers.0.weight"]} | {name: 0.5 * chair[name] for name in last}
        said = Declaration(omega=30.0, box=0.5)
    else:
        said = Declaration(omega=30.0, level=0.05, inside="negative")
    done = bring(tmp_path / "in", state, said=said, reference=sirens(state))
    assert done.records[0]["reference_difference"] < 1e-4
    assert not done.records[0]["warning"]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (lambda x: x[:, :1], "answers otherwise"),
        (lambda x: x, "of another kind"),
        (lambda x: 1 / 0, "cannot be run (division by zero)"),
        ({"other": lambda x: x[:, :1]}, "compared with none"),
    ],
    ids=["other", "shape", "raises", "name"],
)
def test_a_reference_that_does_not_belong_is_said(reference, words, chair, tmp_path):
    done = bring(tmp_path / "in", chair, reference=reference)
    assert words in done.records[0]["warning"]


# -- classifiers ---------------------------------------------------------------------------------------------------


class ReluResNet(nn.Module):
    """As most have it: ReLU; shortcuts with projections, or of He et al.'s option A."""

    def __init__(self, n=1, bare="", channels=3, eps=1e-5):
        super().__init__()
        self.bare = bare
        self.conv1, self.bn1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16, eps)
        self.blocks = nn.ModuleList()
        for i, o, s in [(16, 16, 1), (16, 32, 2), (32, 64, 2)]:
            for k in range(n):
                a, t = (i, s) if k == 0 else (o, 1)
                block = nn.ModuleDict(
                    {
                        "conv1": nn.Conv2d(a, o, 3, t, 1, bias=False), "bn1": nn.BatchNorm2d(o, eps),
                        "conv2": nn.Conv2d(o, o, 3, 1, 1, bias=False), "bn2": nn.BatchNorm2d(o, eps),
                    }
                )  # fmt: skip
                if a != o and not bare:
                    block["shortcut"] = nn.Sequential(nn.Conv2d(a, o, 1, t, bias=False), nn.BatchNorm2d(o, eps))
                self.blocks.append(block)
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for b in self.blocks:
            h = b["bn2"](b["conv2"](F.relu(b["bn1"](b["conv1"](x)))))
            if "shortcut" in b:
                x = b["shortcut"](x)
            elif h.shape != x.shape:
                more = h.shape[1] - x.shape[1]
                before = more // 2 if self.bare == "both" else 0
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, more - before))
            x = F.relu(h + x)
        return self.linear(x.mean((2, 3)))


HALF = {"mean": (0.5,), "std": (0.5,)}


def pixels(n=8):
    return torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_relu_resnet_is_asked_about_and_then_answers_as_its_owners(tmp_path):
    module = lived(ReluResNet())
    (refused,) = bring(tmp_path / "in", module.state_dict(), arch="resnet8/digits").refused
    for words in ("activation", "--activation relu", "normalisation", "--mean", "--as paper"):
        assert words in refused.reason, words
    done = bring(
        tmp_path / "said", module.state_dict(), said=Declaration(arch="resnet8/digits", activation="relu", **HALF)
    )
    assert network(done).arch.name == "resnet8/digits:relu:mean=0.5:std=0.5"
    assert same(module((pixels() / 255 - 0.5) / 0.5), network(done)(normalise(pixels())))


@pytest.mark.parametrize("bare", ["both", "end"])
@pytest.mark.parametrize("depth", [8, 20])
def test_shortcuts_without_parameters_become_convolutions_by_the_identity(bare, depth, tmp_path):
    module = lived(ReluResNet((depth - 2) // 6, bare))
    said = {"arch": f"resnet{depth}/digits", "activation": "relu"} | HALF
    (refused,) = bring(tmp_path / "in", module.state_dict(), said=Declaration(**said)).refused
    assert "--shortcut" in refused.reason
    done = bring(tmp_path / "said", module.state_dict(), said=Declaration(**said, shortcut=f"pad-{bare}"))
    assert same(module((pixels() / 255 - 0.5) / 0.5), network(done)(normalise(pixels())))


def test_an_epsilon_that_matters_is_asked_for(tmp_path):
    module = lived(ReluResNet(eps=1e-3))
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_var.uniform_(1e-3, 2e-2)
    said = {"arch": "resnet8/digits", "activation": "relu"} | HALF
    (refused,) = bring(tmp_path / "in", module.state_dict(), said=Declaration(**said)).refused
    assert "--norm-eps" in refused.reason
    done = bring(tmp_path / "said", module.state_dict(), said=Declaration(**said, norm_eps=1e-3))
    assert same(module((pixels() / 255 - 0.5) / 0.5), network(done)(normalise(pixels())))


def test_a_grey_network_reads_colours_as_grey(tmp_path):
    module = lived(ReluResNet(channels=1))
    said = Declaration(arch="resnet8/digits", activation="relu", mean=(0.1307,), std=(0.3081,))
    done = bring(tmp_path / "in", module.state_dict(), said=said)
    grey = torch.einsum("c,nchw->nhw", torch.tensor([0.299, 0.587, 0.114]), pixels() / 255).unsqueeze(1)
    assert same(module((grey - 0.1307) / 0.3081), network(done)(normalise(pixels())))


def test_the_normalisation_is_told_by_the_first_batch_norm(tmp_path):
    test = load_images("digits", "test")
    module = lived(ReluResNet())
    for m in module.train().modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
            m.momentum = None
    with torch.no_grad():
        for part in ((test.pixels / 255 - 0.5) / 0.5).split(64):
            module(part)
    said = Declaration(arch="resnet8/digits", activation="relu")
    done = bring(tmp_path / "in", module.eval().state_dict(), said=said, images=lambda arch, split: test)
    assert "half" in done.records[0]["function"]
    assert same(module((pixels() / 255 - 0.5) / 0.5), network(done)(normalise(pixels())))
    wrong = Declaration(arch="resnet8/digits", activation="relu", mean=(0.0,), std=(1.0,))
    done = bring(tmp_path / "wrong", module.state_dict(), said=wrong, images=lambda arch, split: test)
    assert "half" in done.records[0]["warning"]


def test_an_order_of_classes_is_declared(tmp_path):
    module = lived(PlainLeNet())
    test = load_images("digits", "test")
    names = list(test.classes)
    owners = names[::-1]
    (tmp_path / "classes.txt").write_text("\n".join(owners))
    said = Declaration(arch="lenetlike/digits", made_as="paper", classes=class_names(tmp_path / "classes.txt"))
    done = bring(tmp_path / "in", module.state_dict(), said=said, images=lambda arch, split: test)
    x = normalise(pixels())
    assert same(module(x).flip(1), network(done)(x))
    said = Declaration(arch="lenetlike/digits", made_as="paper", classes=("a", "b"))
    (refused,) = bring(tmp_path / "other", module.state_dict(), said=said, images=lambda arch, split: test).refused
    assert "classes are not those" in refused.reason


def shuffled_images(split: str) -> Images:
    """Ten images of ten classes whose identifiers are not sorted."""
    ids = ("n5", "n3", "n9", "n1", "n7", "n0", "n2", "n8", "n4", "n6")
    test = load_images("digits", "test" if split == "test" else "train").take(slice(0, 40))
    return Images("tiny-imagenet", test.pixels, test.labels, test.classes, False, ids)


@pytest.mark.parametrize(
    ("classes", "order", "words"),
    [
        (("sorted",), [0, 1, 2], ""),  # folders are sorted before letters are made small
        (("apple", "Zebra", "mango"), [1, 0, 2], ""),
        (("apple", "zebra", "mango", "Apple"), None, "'apple' more than once"),
        (("apple", "zebra"), None, "'mango' is missing"),
    ],
    ids=["sorted", "listed", "twice", "missing"],
)
def test_names_of_classes_differ_in_case_and_come_once(classes, order, words, tmp_path):
    images = load_images("digits", "test").take(slice(0, 30))
    images = Images("toy", images.pixels, images.labels % 3, ("Zebra", "apple", "mango"), False)
    params = arch_named("lenetlike/32px-3c").initialise(0)
    said = Declaration(activation="relu", classes=classes, **HALF)
    done = bring(tmp_path / "in", params, arch="lenetlike/32px-3c", said=said, images=lambda arch, split: images)
    if words:
        assert words in done.refused[0].reason
    else:
        x = normalise(pixels())
        plain = arch_named("lenetlike/32px-3c:relu:mean=0.5:std=0.5").apply_params(params, x)
        assert same(plain[:, order], network(done)(x))


def test_sorted_classes_are_found_out_by_labelled_images_or_asked_for(tmp_path):
    held = shuffled_images("validation")
    arch = arch_named("lenetlike/32px-10c")
    params = arch.initialise(0)
    x = normalise(held.pixels)
    with torch.no_grad():  # the last layer fitted to the labels in sorted order
        state = dict(params)
        module = arch.build()
        module.load_state_dict(state)
        h = module.convs[0](x)
        for k, conv in enumerate(module.convs):
            h = F.leaky_relu(conv(x if k == 0 else h))
        h = h.flatten(1)
        for fc in list(module.fcs)[:-1]:
            h = F.leaky_relu(fc(h))
        order = sorted(range(10), key=lambda c: held.ids[c])
        place = torch.tensor([order.index(c) for c in range(10)])
        target = F.one_hot(place[held.labels], 10).float()
        whole = torch.cat([h, torch.ones(len(h), 1)], dim=1)
        fit = torch.linalg.lstsq(whole, target, driver="gelsd").solution  # (85, 10)
        state["fcs.2.weight"], state["fcs.2.bias"] = fit[:-1].T.contiguous(), fit[-1].contiguous()
    said = Declaration(arch="lenetlike/32px-10c", made_as="paper")
    done = bring(tmp_path / "in", state, said=said, images=lambda arch, split: shuffled_images(split))
    assert "sorted order" in done.records[0]["function"]
    assert (network(done)(x).argmax(1) == held.labels).float().mean() > 0.9
    (refused,) = bring(
        tmp_path / "random", params, said=said, images=lambda arch, split: shuffled_images(split)
    ).refused
    assert "--classes sorted" in refused.reason


@pytest.mark.parametrize("first", ["conv2", "all"])
def test_layers_made_backwards_are_read_by_their_numbers(first, tmp_path):
    module = lived(ReluResNet(2))
    state = module.state_dict()
    if first == "all":
        state = dict(reversed(state.items()))
    else:
        state = dict(sorted(state.items(), key=lambda item: "conv2" not in item[0]))
    done = bring(tmp_path / "in", state, said=Declaration(arch="resnet14/32px-10c", activation="relu", **HALF))
    assert same(module((pixels() / 255 - 0.5) / 0.5), network(done)(normalise(pixels())))


def test_buffers_of_pixels_up_to_255_are_read_as_such(tmp_path):
    module = lived(ReluResNet())
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    state = module.state_dict() | {"mean": mean.view(1, 3, 1, 1), "std": std.view(1, 3, 1, 1)}
    said = Declaration(arch="resnet8/digits", activation="relu")
    x = (pixels().float() - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert same(module(x), network(bring(tmp_path / "in", state, said=said))(normalise(pixels())))
    done = bring(tmp_path / "said", state, said=Declaration(arch="resnet8/digits", activation="relu", **HALF))
    assert "its buffers say imagenet" in done.records[0]["warning"]
    del state["std"]
    assert "no std" in bring(tmp_path / "one", state, said=said).refused[0].reason


def test_a_classifier_that_is_dead_damaged_or_scaled_is_named(tmp_path):
    state = lived(ReluResNet()).state_dict()
    said = Declaration(arch="resnet8/digits", activation="relu", **HALF)
    done = bring(tmp_path / "dead", state | {"linear.weight": torch.zeros(10, 64)}, said=said)
    assert "all images are the same" in done.records[0]["warning"]
    (refused,) = bring(tmp_path / "scaled", state | {"logit_scale": torch.tensor(4.6)}, said=said).refused
    assert "logit_scale = 4.6" in refused.reason
    (refused,) = bring(tmp_path / "below", state | {"bn1.running_var": -torch.ones(16)}, said=said).refused
    assert "below zero" in refused.reason


def test_an_accuracy_that_a_file_claims_is_compared_with_the_one_measured(tmp_path):
    test = load_images("digits", "test")
    state = {"state_dict": lived(PlainLeNet()).state_dict(), "acc": 97.5}
    said = Declaration(arch="lenetlike/digits", made_as="paper")
    done = bring(tmp_path / "in", state, said=said, images=lambda arch, split: test)
    assert "97.5%" in done.records[0]["warning"]


# -- declarations --------------------------------------------------------------------------------------------------


def test_a_file_beside_the_weights_declares_them(chair, tmp_path):
    (tmp_path / "in" / "other").mkdir(parents=True)
    state = in_sines_of(chair, 47, 13)
    for folder in ("in", "in/other"):
        torch.save(state, tmp_path / folder / "mine.pt")
    (tmp_path / "in" / "other" / "network.json").write_text(json.dumps({"omega": 13, "omega_first": 47}))
    done = bring(tmp_path / "in", None)
    assert [r.name for r in done.refused] == ["mine"]
    assert same(sirens(state, 47, 13)(POINTS), Zoo.load(done.folder)["other-mine"](POINTS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no JSON object"),
        ('{"omga": 30}', "unknown key 'omga'"),
        ('{"omega": "thirty"}', "omega is 'thirty'"),
        ('{"omega": -1}', "positive and finite"),
        ('{"omega": NaN}', "positive and finite"),
        ('{"activation": "reluu"}', "unknown activation 'reluu'"),
        ('{"mean": [1, 2], "std": [1, 1]}', "1 or 3 numbers"),
        ("[" * 100_000, "not valid JSON"),
        ("{", "not valid JSON"),
    ],
)
def test_a_declaration_that_is_not_understood_is_named(text, words, chair, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "network.json").write_text(text)
    (refused,) = bring(tmp_path / "in", chair).refused
    assert words in refused.reason
    assert "network.json" in refused.reason


def test_declarations_that_contradict_each_other_are_said(chair, tmp_path):
    with pytest.raises(ValueError, match="factor of sines"):
        Declaration(activation="relu", omega=30.0)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "network.json").write_text('\ufeff{"omega": 47}', encoding="utf-8")
    done = bring(folder, chair, said=Declaration(omega=30.0))
    assert "network.json says omega 47.0 and not 30.0" in done.records[0]["warning"]


@pytest.mark.parametrize("name", ["siren256", "resnet8/digits", "vanillacnn/digits:relu"])
def test_a_network_that_the_app_wrote_comes_back_unasked(name, tmp_path):
    arch = arch_named(name)
    params = {n: p * 0.7 for n, p in arch.initialise(0).items()}
    (tmp_path / "in").mkdir()
    card = {"architecture": name, "method": "latent", "gamma": 0.5, "a": "x", "b": "y", "evaluate": "f(x)"}
    (tmp_path / "in" / "network.json").write_text(json.dumps(card))
    mine = network(bring(tmp_path / "in", params))
    assert mine.arch is arch
    for n, p in mine.params.items():
        assert torch.equal(p, params[n]), n


def test_normalisations_are_named_or_given_in_numbers():
    assert normalisation("imagenet", None) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert normalisation("0.5", "0.25,0.5,1") == ((0.5,), (0.25, 0.5, 1.0))
    with pytest.raises(ValueError, match="half"):
        normalisation("helf", "1")
    assert declaration_of({"as": "paper", "mean": "half"}, "x").std == (0.5,)


def test_kinds_are_not_mixed_in_one_zoo(chair, tmp_path):
    (tmp_path / "in").mkdir()
    for k in range(2):
        torch.save(chair, tmp_path / "in" / f"chair-{k}.pt")
    torch.save(lived(PlainLeNet()).state_dict(), tmp_path / "in" / "digits.pt")
    done = bring(tmp_path / "in", None, said=Declaration(made_as="paper"))
    assert [r["name"] for r in done.records] == ["chair-0", "chair-1"]
    assert [r.name for r in done.refused] == ["digits"]


def test_a_space_reads_its_own_function_alone(chair, tmp_path):
    state = chair | {name: -60 * chair[name] for name in ("layers.2.weight", "layers.2.bias")}
    from netspace.nets.archs import Family

    (refused,) = bring(tmp_path / "in", state, family=Family.of("siren256"), said=Declaration(omega=30.0)).refused
    assert "occupancy" in refused.reason
    assert "without the space" in refused.reason


def test_names_of_architectures_are_read_back():
    for name in (
        "siren/3-128-128-128-1@30", "siren/3-32-32-1@60", "mlp/3-256-256-1:relu:pe6", "mlp/3-64-64-1:leaky_relu0.2",
        "mlp/3-64-1:softplus100:occupancy", "resnet20/cifar10", "resnet8/digits:relu", "resnet44/32px-100c:relu:global",
        "resnet8/28px-10c:relu:gray:mean=0.1307:std=0.3081:global", "vanillacnn/digits:mean=0.5:std=0.5",
        "cnn[conv8k5-maxpool2s2-relu-flatten-fc10]/28px-10c:gray:mean=0.5:std=0.5",
    ):  # fmt: skip
        arch = arch_named(name)
        if arch.task == "classification" and arch.skeleton.size == 32:
            continue
        assert arch.name == name
        assert arch_named(arch.name) is arch
    assert arch_named("siren/3-256-256-1@30") is ARCHS["siren256"]
    assert arch_named("resnet8/digits:leaky_relu") is ARCHS["resnet8/digits"]


@pytest.mark.parametrize(
    "name",
    [
        "siren/3-0-1@30", "siren/4-8-1@30", "siren/3-8-2@30", "siren/3-8-1@0", "siren/3-999999-999999-1@30",
        "mlp/3-8-1",
        "mlp/3-8-1:relux", "resnet9/digits", "resnet99998/digits", "resnet8/digits:mean=0.5",
        "resnet8/digits:std=0:mean=0",
        "cnn[conv8k5]/28px-10c", "cnn[flatten-fc9]/28px-10c", "cnn[conv8k99-flatten-fc10]/28px-10c", "x" * 3000,
        "resnet8/digits:nan", "siren/3-8-1@nan",
    ],
    ids=lambda name: name[:40],
)  # fmt: skip
def test_names_that_spell_no_architecture_are_refused_in_a_sentence(name):
    with pytest.raises(ValueError, match=r"\w+ "):
        arch_named(name)
