"""ONNX models from elsewhere: rebuilt from their graphs, compared with what onnxruntime answers, or refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from onnx import helper
from test_import_functions import CHAIRS, ReluResNet, bring, in_sines_of, pixels, same
from test_importing import lived
from torch import nn
from torch.nn import functional as F  # noqa: N812

from netspace.data.images import Images
from netspace.data.transforms import normalise
from netspace.importing import Declaration, import_networks
from netspace.nets.inputs import MEAN, STD
from netspace.zoo.store import Zoo

POINTS = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
UNIT = {"mean": (0.0,), "std": (1.0,)}


def write(path: Path, module: nn.Module, x: torch.Tensor) -> None:
    """As most people write ONNX: by the older exporter, for any number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (x,), str(path), input_names=["x"], output_names=["y"],
            dynamic_axes={"x": {0: "n"}}, dynamo=False,
        )  # fmt: skip


def asked(path: Path, x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(onnxruntime.InferenceSession(path.read_bytes()).run(None, {"x": x.numpy()})[0])


class Sines(nn.Module):
    def __init__(self, params: dict, first: float, others: float):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*w.shape[::-1]) for n, w in params.items() if n.endswith("weight"))
        self.load_state_dict(params)
        self.factors = first, others

    def forward(self, x):
        for layer, omega in zip(self.layers, self.factors, strict=False):
            x = torch.sin(omega * layer(x))
        return self.layers[2](x)


class Encoded(nn.Module):
    """With NeRF's encoding, as HyperDiffusion's networks have it."""

    def __init__(self, act):
        super().__init__()
        torch.manual_seed(0)
        self.layers, self.act = nn.ModuleList([nn.Linear(27, 24), nn.Linear(24, 24), nn.Linear(24, 1)]), act

    def forward(self, x):
        h = torch.cat([x, *(f(2.0**k * x) for k in range(4) for f in (torch.sin, torch.cos))], dim=-1)
        for layer in self.layers[:-1]:
            h = self.act(layer(h))
        return self.layers[-1](h)


@pytest.fixture(scope="module")
def chair():
    return {name: p.clone() for name, p in Zoo.load(CHAIRS)["chair-0086"].params.items()}


@pytest.mark.parametrize("factors", [(30, 30), (47, 13), (1, 1)], ids=str)
def test_a_siren_needs_no_declaration(chair, factors, tmp_path):
    path = tmp_path / "in" / "mine.onnx"
    write(path, Sines(in_sines_of(chair, *factors), *factors), POINTS)
    done = bring(tmp_path / "in", None)
    zoo = Zoo.load(done.folder)
    assert zoo.records.arch[0] == "siren256"
    assert same(asked(path, POINTS), zoo["mine"](POINTS))
    assert done.records[0]["graph_difference"] < 1e-4


@pytest.mark.parametrize("end", [nn.Sigmoid(), nn.Identity()], ids=["sigmoid", "logits"])
def test_an_occupancy_keeps_its_inside(chair, end, tmp_path):
    path = tmp_path / "in" / "mine.onnx"
    logits = Sines({n: -60 * t if n.startswith("layers.2") else t for n, t in chair.items()}, 30, 30)
    write(path, nn.Sequential(logits, end), POINTS)
    done = bring(tmp_path / "in", None)
    zoo = Zoo.load(done.folder)
    assert zoo.records.arch[0] == "siren/3-256-256-1@30:occupancy"
    level = 0.5 if isinstance(end, nn.Sigmoid) else 0.0
    assert ((zoo["mine"](POINTS) < 0) == (asked(path, POINTS) > level)).all()


@pytest.mark.parametrize(
    "act", [F.relu, F.gelu, F.silu, lambda x: F.softplus(x, beta=100), lambda x: F.leaky_relu(x, 0.2)],
    ids=["relu", "gelu", "silu", "softplus", "leaky_relu"],
)  # fmt: skip
def test_positional_encodings_and_activations_are_read_off_the_graph(act, tmp_path):
    path = tmp_path / "in" / "mine.onnx"
    write(path, Encoded(act), POINTS)
    done = bring(tmp_path / "in", None, said=Declaration(inside="positive", field="occupancy"))
    assert not done.refused
    assert same(-asked(path, POINTS), Zoo.load(done.folder)["mine"](POINTS))


def test_one_networks_graph_speaks_for_all(tmp_path):
    """State dicts of ReLU ResNets of option A, and an ONNX of one of them."""
    modules = [lived(ReluResNet(3, "both"), seed) for seed in range(3)]
    x = torch.randn(4, 3, 32, 32)
    write(tmp_path / "one.onnx", modules[0], x)
    (tmp_path / "in").mkdir()
    for k, module in enumerate(modules):
        torch.save(module.state_dict(), tmp_path / "in" / f"n{k}.pt")
    said = Declaration(arch="resnet20/digits", **UNIT)
    done = import_networks(tmp_path / "in", tmp_path / "zoo", said=said, like=tmp_path / "one.onnx")
    assert not done.refused
    zoo = Zoo.load(done.folder)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for k, module in enumerate(modules):
        assert same(module(x), zoo[f"n{k}"]((x - mean) / std)), k


def test_a_small_cnn_is_read_from_its_graph(tmp_path):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 6, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(6, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Linear(20, 10),
    )  # fmt: skip
    path, grey = tmp_path / "in" / "mine.onnx", torch.rand(4, 1, 28, 28)
    write(path, module, grey)
    (refused,) = bring(tmp_path / "in", None).refused
    assert "--mean" in refused.reason
    done = import_networks(tmp_path / "in", tmp_path / "zoo", said=Declaration(**UNIT))
    zoo = Zoo.load(done.folder)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert same(asked(path, grey), zoo["mine"]((grey.expand(-1, 3, -1, -1) - mean) / std))
    assert zoo.records.arch[0].startswith("cnn[conv8k5-maxpool2s2-relu")


def test_the_original_proves_the_import(chair, tmp_path):
    path = tmp_path / "one.onnx"
    write(path, Sines(chair, 30, 30), POINTS)
    done = bring(tmp_path / "in", chair, reference=path)
    assert done.records[0]["reference_difference"] < 1e-4
    other = bring(tmp_path / "other", chair, reference=lambda x: torch.sin(x[:, :1]))
    assert other.records[0]["reference_difference"] > 0.1


def small_cnn(classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, classes))


def test_an_order_of_classes_is_kept_from_a_graph(tmp_path):
    images = Images("toy", pixels(), torch.zeros(8).long(), ("Zebra", "apple", "mango"), False)
    net, x = small_cnn(), normalise(pixels())
    write(tmp_path / "in" / "mine.onnx", net, x)
    said = Declaration(made_as="torchvision", classes=("apple", "zebra", "mango"))
    done = bring(tmp_path / "in", None, said=said, images=lambda arch, split: images)
    assert same(net(x)[:, [1, 0, 2]], Zoo.load(done.folder)["mine"](x))


class Bytes(nn.Module):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net((x - 255 * torch.tensor(MEAN)[:, None, None]) / (255 * torch.tensor(STD)[:, None, None]))


def test_a_graph_that_normalises_bytes_is_read_as_such(tmp_path):
    net, x = small_cnn(), normalise(pixels())
    write(tmp_path / "in" / "mine.onnx", Bytes(net), x)
    assert same(net(x), Zoo.load(bring(tmp_path / "in", None).folder)["mine"](x))


def test_what_is_declared_against_the_graph_is_said(chair, tmp_path):
    write(tmp_path / "in" / "mine.onnx", Sines(chair, 30, 30), POINTS)
    done = bring(tmp_path / "in", None, said=Declaration(omega=10.0))
    assert "its graph says omega 30.0 and not 10.0" in done.records[0]["warning"]
    write(tmp_path / "named" / "mine.onnx", Sines(chair, 30, 30), POINTS)
    (refused,) = bring(tmp_path / "named", None, said=Declaration(arch="siren64")).refused
    assert "not a siren64" in refused.reason


def test_a_tanh_and_a_level_at_the_end_are_said_and_taken_into_account(chair, tmp_path):
    write(tmp_path / "tanh" / "mine.onnx", nn.Sequential(Sines(chair, 30, 30), nn.Tanh()), POINTS)
    path = tmp_path / "tanh" / "mine.onnx"
    done = bring(tmp_path / "tanh", None, said=Declaration(level=0.05, inside="negative"), reference=path)
    assert "tanh at its end left out" in done.records[0]["function"]
    assert done.records[0]["reference_difference"] < 1e-4
    assert ((Zoo.load(done.folder)["mine"](POINTS) < 0) == (asked(path, POINTS) < 0.05)).all()


def test_a_graph_speaks_for_no_other_kind(chair, tmp_path):
    write(tmp_path / "one.onnx", small_cnn(10), torch.zeros(2, 3, 32, 32))
    said = Declaration(arch="resnet8/digits", **UNIT)
    (refused,) = bring(tmp_path / "in", lived(ReluResNet()).state_dict(), said=said, like=tmp_path / "one.onnx").refused
    assert "that is to speak for it" in refused.reason


def test_a_loop_is_not_run(tmp_path):
    body = helper.make_graph(
        [helper.make_node("Identity", [a], [f"{a}2"]) for a in "cv"], "body",
        [helper.make_tensor_value_info(*v, None) for v in (("i", 7), ("c", 9), ("v", 1))],
        [helper.make_tensor_value_info(*v, None) for v in (("c2", 9), ("v2", 1))],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Loop", ["", "on", "x"], ["y"], body=body)], "graph",
        [helper.make_tensor_value_info("x", 1, ["n", 3])], [helper.make_tensor_value_info("y", 1, None)],
        [helper.make_tensor("on", 9, [], [True])],
    )  # fmt: skip
    (tmp_path / "in").mkdir()
    onnx.save(helper.make_model(graph), tmp_path / "in" / "mine.onnx")
    assert "operator Loop" in bring(tmp_path / "in", None).refused[0].reason


def two_inputs(path: Path) -> None:
    class Two(nn.Module):
        def forward(self, a, b):
            return a + b

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Two(), (torch.zeros(2, 3), torch.zeros(2, 3)), str(path), dynamo=False)


def outside(path: Path) -> None:
    write(path, nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 1)), POINTS)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location="w.bin", size_threshold=0)


def torn(path: Path) -> None:
    write(path, nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 1)), POINTS)
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_inputs, "2 inputs"),
        (outside, "weights lie in another file"),
        (torn, "ONNX"),
        (lambda p: write(p, nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)), POINTS[:, :2]), "no field"),
        (lambda p: write(p, nn.Conv1d(3, 4, 1), torch.zeros(2, 3, 5)), "3 axes"),
        (
            lambda p: write(
                p, nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4), nn.Flatten(), nn.Linear(144, 10)),
                torch.zeros(2, 3, 8, 8),
            ),
            "InstanceNormalization",
        ),
        (
            lambda p: write(
                p, nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(168, 10)), torch.zeros(1, 3, 8, 9)
            ),
            "fixed square size",
        ),
    ],
    ids=["inputs", "outside", "torn", "plane", "sequence", "operator", "square"],
)  # fmt: skip
def test_what_is_not_read_is_named(make, words, tmp_path):
    (tmp_path / "in").mkdir()
    make(tmp_path / "in" / "mine.onnx")
    refused = dict(bring(tmp_path / "in", None, said=Declaration(made_as="paper", **UNIT)).refused)
    assert words in refused["mine"], refused
