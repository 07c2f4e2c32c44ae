"""State dicts made elsewhere: which are recognised, that they answer as before, and which are refused."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import avg_pool2d, leaky_relu

from netspace.data.images import load_images
from netspace.errors import FormatError, ImportRefused
from netspace.importing import import_networks, limits
from netspace.importing.coordinates import Reader
from netspace.importing.declare import Declaration
from netspace.importing.files import networks_in, read_state
from netspace.importing.match_classifier import recognise_classifier
from netspace.importing.recognise import layers_of, read_layers
from netspace.importing.states import find_states
from netspace.nets.archs import ARCHS, Family, arch_named
from netspace.zoo.store import IMPORTED, Zoo
from netspace.zoo.writer import ShardWriter

PAPER = Declaration(made_as="paper")
"""What state dicts do not say is as the paper has it."""


def bring(*args, said=PAPER, **more):
    return import_networks(*args, said=said, **more)


DIGITS = [arch for arch in ARCHS.values() if arch.data == "digits"]
SIRENS = [arch for arch in ARCHS.values() if arch.task == "sdf"]


# -- networks as others write them: plain PyTorch, no line shared with the library ---------------------------------


class PlainLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5, 2), nn.Conv2d(6, 16, 5, 2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = leaky_relu(self.conv2(leaky_relu(self.conv1(x)))).flatten(1)
        return self.fc3(leaky_relu(self.fc2(leaky_relu(self.fc1(x)))))


def features_and_classifier() -> nn.Module:
    """VanillaCNN as torchvision names its older networks."""
    plan = [(3, 8, 2), (8, 8, 1), (8, 32, 2), (32, 64, 1), (64, 64, 2)]
    parts = [part for i, o, s in plan for part in (nn.Conv2d(i, o, 3, s, 1), nn.LeakyReLU())]
    names = OrderedDict(features=nn.Sequential(*parts), flatten=nn.Flatten(), classifier=nn.Linear(1024, 10))
    return nn.Sequential(names)


class BasicBlock(nn.Module):
    def __init__(self, i, o, stride, shortcut, bias):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=bias), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=bias), nn.BatchNorm2d(o)
        self.shortcut_name = shortcut
        projection = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=bias), nn.BatchNorm2d(o))
        setattr(self, shortcut, projection if stride > 1 else nn.Sequential())

    def forward(self, x):
        h = self.bn2(self.conv2(leaky_relu(self.bn1(self.conv1(x)))))
        return leaky_relu(h + getattr(self, self.shortcut_name)(x))


class CifarResNet(nn.Module):
    def __init__(self, blocks=1, head="linear", shortcut="shortcut", bias=False):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=bias), nn.BatchNorm2d(16)
        for k, (i, o, s) in enumerate([(16, 16, 1), (16, 32, 2), (32, 64, 2)], start=1):
            rows = [BasicBlock(i if n == 0 else o, o, s if n == 0 else 1, shortcut, bias) for n in range(blocks)]
            setattr(self, f"layer{k}", nn.Sequential(*rows))
        setattr(self, head, nn.Linear(64, 10))
        self.head = head

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(leaky_relu(self.bn1(self.conv1(x))))))
        return getattr(self, self.head)(avg_pool2d(x, 8).flatten(1))


class Sine(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.linear = nn.Linear(i, o)

    def forward(self, x):
        return torch.sin(30 * self.linear(x))


def siren() -> nn.Module:
    return nn.Sequential(OrderedDict(net=nn.Sequential(Sine(3, 64), Sine(64, 64), nn.Linear(64, 1))))


def lived(module: nn.Module, seed: int = 0) -> nn.Module:
    """With values that no fresh module has, in its batch norms too."""
    torch.manual_seed(seed)
    for name, t in module.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and t.dim() == 1):
            t.uniform_(0.5, 1.5)
        elif t.is_floating_point() and t.dim() == 1:
            t.normal_(0, 0.2)
        elif t.is_floating_point():
            nn.init.kaiming_normal_(t)
    return module.eval()


MODULES = {
    "lenetlike/digits": PlainLeNet,
    "vanillacnn/digits": features_and_classifier,
    "resnet8/digits": CifarResNet,
    "resnet32/digits": lambda: CifarResNet(5, "fc", "downsample"),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("by_name", [False, True], ids=["as saved", "sorted"])
def test_plain_modules_answer_as_before(name, by_name, tmp_path):
    module = lived(MODULES[name]())
    state = module.state_dict()
    if by_name:
        state = {key: state[key].contiguous() for key in sorted(state, key=lambda k: (len(k), k))}
    torch.save(state, tmp_path / "mine.pt")
    done = bring(tmp_path, tmp_path / "zoo", Family.of(*(arch.name for arch in DIGITS)))
    assert not done.refused
    zoo = Zoo.load(done.folder)
    assert zoo.records.arch[0] == name
    assert zoo.records.split[0] == IMPORTED
    x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(zoo["mine"](x), module(x), rtol=1e-3, atol=1e-3)


def test_a_bias_before_a_batch_norm_is_not_lost(tmp_path):
    module = lived(CifarResNet(bias=True))
    torch.save(module.state_dict(), tmp_path / "mine.pt")
    done = bring(tmp_path, tmp_path / "zoo", arch="resnet8/digits")
    x = torch.randn(8, 3, 32, 32)
    torch.testing.assert_close(Zoo.load(done.folder)["mine"](x), module(x), rtol=1e-3, atol=1e-3)
    (record,) = done.records
    assert 0 < record["fused_difference"] < 1e-3
    assert done.compared == "256 random inputs"


def test_networks_are_compared_and_tested_on_images_where_there_are_some(tmp_path):
    test = load_images("digits", "test")
    torch.save(lived(CifarResNet()).state_dict(), tmp_path / "mine.pt")
    done = bring(tmp_path, tmp_path / "zoo", arch="resnet8/digits", images=lambda arch, split: test)
    assert done.compared == "256 test images"
    assert 0 <= done.records[0]["test_accuracy"] <= 1


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.module.", "net.0."])
def test_prefixes_and_wrappers_are_seen_through(prefix):
    state = {prefix + name: t for name, t in lived(PlainLeNet()).state_dict().items()}
    held = {"epoch": 3, "optimizer": {"lr": 0.1}, "state_dict": state}
    assert recognise_classifier(read_layers(find_states(held)[0].state), DIGITS).arch.name == "lenetlike/digits"


def test_sirens_of_the_usual_names_are_recognised(tmp_path):
    module = lived(siren())
    save_file(module.state_dict(), tmp_path / "chair.safetensors")
    done = bring(tmp_path, tmp_path / "zoo")
    x = torch.rand(50, 3) * 2 - 1
    network = Zoo.load(done.folder)["chair"]
    assert network.arch.name == "siren64"
    torch.testing.assert_close(network(x), module(x), rtol=1e-3, atol=1e-2)


def test_the_authors_names_are_recognised():
    lenet = PlainLeNet().state_dict()  # theirs are the same
    vanilla = {
        f"layers.{k}.{leaf}": t
        for k, layer in enumerate(layers_of(features_and_classifier().state_dict()))
        for leaf, t in layer.tensors.items()
    }
    mlp = {
        f"mlp.{2 * k}.{leaf}": t
        for k, layer in enumerate(layers_of(siren().state_dict()))
        for leaf, t in layer.tensors.items()
    }
    resnet = CifarResNet(head="fc", shortcut="downsample").state_dict()
    fused = {
        name.replace("layer1", "layers.0")
        .replace("layer2", "layers.1")
        .replace("layer3", "layers.2")
        .replace("downsample.0", "downsample"): t
        for name, t in arch_named("resnet8/digits").initialise(0).items()
    }
    for state, name in ((lenet, "lenetlike"), (vanilla, "vanillacnn"), (resnet, "resnet8"), (fused, "resnet8")):
        assert recognise_classifier(read_layers(state), DIGITS).arch.name == f"{name}/digits"
    assert Reader().read(read_layers(mlp), PAPER).arch.name == "siren64"


def write_fifty(folder: Path) -> None:
    """State dicts as people have them, with and without batch norm; three of them are broken."""
    makers = [PlainLeNet, features_and_classifier, CifarResNet, lambda: CifarResNet(1, "fc", "downsample", True)]
    for k in range(50):
        state = lived(makers[k % 4](), k).state_dict()
        if k == 20:
            state["conv1.weight"].fill_(torch.nan)
        if k == 30:
            state["conv1.weight"] = state["conv1.weight"][:3]
        if k % 3 == 0:
            state = {f"module.{name}": t for name, t in state.items()}
        torch.save({"epoch": k, "state_dict": state} if k % 2 else state, folder / f"net-{k:02d}.pt")
    whole = (folder / "net-10.pt").read_bytes()
    (folder / "net-10.pt").write_bytes(whole[: len(whole) // 2])


FIFTY_REFUSED = {
    "net-10": "truncated or not a file of weights",
    "net-20": "450 of its 62,006 weights are not finite numbers",
    "net-30": "not a resnet8/digits: convolution 1 (module.conv1) has a weight of (3, 3, 3, 3) instead of "
    "(16, 3, 3, 3); a CNN of another design is read from its ONNX model, which says strides and poolings too",
}


def test_of_fifty_networks_made_elsewhere_47_are_imported(tmp_path):
    (tmp_path / "made").mkdir()
    write_fifty(tmp_path / "made")
    done = bring(tmp_path / "made", tmp_path / "zoo", Family.of(*list(MODULES)[:3]))
    assert len(Zoo.load(done.folder)) == 47
    assert dict(done.refused) == FIFTY_REFUSED


def test_the_hubs_layout_names_networks_by_their_folders(tmp_path):
    for k in range(2):
        (tmp_path / f"net-{k}").mkdir()
        save_file(lived(siren(), k).state_dict(), tmp_path / f"net-{k}" / "model.safetensors")
        (tmp_path / f"net-{k}" / "config.json").write_text("{}")
    (tmp_path / "old").mkdir()
    for name in ("old", "net-1"):
        torch.save(siren().state_dict(), tmp_path / name / "pytorch_model.bin")
    done = bring(tmp_path, tmp_path / "zoo")
    assert [record["name"] for record in done.records] == ["net-0", "net-1", "old"]
    assert done.refused == [("net-1-pytorch_model.bin", "model.safetensors beside it is taken to be the same network")]


def test_files_of_the_same_name_are_told_apart(tmp_path):
    torch.save(siren().state_dict(), tmp_path / "a.pt")
    save_file(siren().state_dict(), tmp_path / "a.safetensors")
    assert [record["name"] for record in bring(tmp_path, tmp_path / "zoo").records] == [
        "a.pt",
        "a.safetensors",
    ]


# -- what does not fit ---------------------------------------------------------------------------------------------


NORM = {"bn.weight": 1.0, "bn.bias": 0.0, "bn.running_mean": 0.0, "bn.running_var": 1.0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fc3.bias": None}, "linear layer 3 (fc3) has no bias"),
        ({"fc3.weight": torch.zeros(7, 84)}, "has a weight of (7, 84) instead of (10, 84)"),
        ({"fc4.weight": torch.zeros(2, 10), "fc4.bias": torch.zeros(2)}, "4 linear layers instead of 3"),
        ({"attention.in_proj": torch.zeros(3)}, "attention.in_proj (3,) belongs to no convolution"),
        ({"fc1.weight": torch.full((120, 400), torch.nan)}, "48,000 of its 62,006 weights are not finite"),
        ({name: torch.full((6,), value) for name, value in NORM.items()}, "1 batch norm instead of none"),
    ],
)
def test_what_does_not_fit_is_listed_with_the_reason(change, words, tmp_path):
    state = dict(lived(PlainLeNet()).state_dict()) | change
    state = {name: t for name, t in state.items() if t is not None}
    torch.save(state, tmp_path / "mine.pt")
    done = bring(tmp_path, tmp_path / "zoo", arch="lenetlike/digits")
    (refused,) = done.refused
    assert words in refused.reason
    assert done.folder is None
    assert not (tmp_path / "zoo").exists()


def test_layers_that_fit_several_architectures_want_a_name():
    with pytest.raises(ImportRefused, match="lenetlike/cifar10 or lenetlike/digits"):
        recognise_classifier(read_layers(PlainLeNet().state_dict()), list(ARCHS.values()))


class Evil:
    def __reduce__(self):
        return os.system, ("touch HACKED",)


def test_a_pickle_with_code_is_refused_and_nothing_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"fc1.weight": Evil()}, tmp_path / "evil.pt")
    torch.save(PlainLeNet(), tmp_path / "whole.pth")
    (tmp_path / "disguised.safetensors").write_bytes((tmp_path / "evil.pt").read_bytes())
    reasons = dict(bring(tmp_path, tmp_path / "zoo").refused)
    assert "system" in reasons["evil"]
    assert "opening it could run code" in reasons["evil"]
    assert "PlainLeNet" in reasons["whole"]
    assert "pickle" in reasons["disguised"]
    assert not (tmp_path / "HACKED").exists()


class Large:
    def __reduce__(self):
        return bytearray, (3 * 10**9,)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "older"])
def test_nothing_in_a_pickle_is_called_but_what_makes_tensors(tmp_path, new):
    torch.save(siren().state_dict(), tmp_path / "fine.pt", _use_new_zipfile_serialization=new)
    assert len(read_state(tmp_path / "fine.pt")) == 6
    torch.save(siren().state_dict() | {"x": Large()}, tmp_path / "large.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(ImportRefused, match=r"builtin\w*.bytearray beside weights"):
        read_state(tmp_path / "large.pt")


def test_damaged_and_other_files_are_refused(tmp_path):
    save_file(siren().state_dict(), tmp_path / "cut.safetensors")
    data = (tmp_path / "cut.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    torch.save(siren().state_dict(), tmp_path / "half.pt")
    data = (tmp_path / "half.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "other.h5").write_bytes(b"x")
    (tmp_path / "README.md").write_text("not a network")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "numbers.pt")
    reasons = dict(bring(tmp_path, tmp_path / "zoo").refused)
    assert "truncated" in reasons["cut"]
    assert "truncated" in reasons["half"]
    assert reasons["empty"] == "an empty file"
    assert reasons["other"] == "text and no weights"
    assert "list of 1 tensors without names" in reasons["list"]
    assert "holds no tensors" in reasons["numbers"]
    assert len(reasons) == 6


def test_files_that_are_too_large_are_not_opened(tmp_path, monkeypatch):
    torch.save(siren().state_dict(), tmp_path / "large.pt")
    monkeypatch.setattr(limits, "MOST_BYTES", 1000)
    with pytest.raises(ImportRefused, match="at most are read"):
        read_state(tmp_path / "large.pt")


def test_a_pickle_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("archive/data/0", bytes(2_000_000))
    monkeypatch.setattr(limits, "MOST_BYTES", 1_000_000)
    with pytest.raises(ImportRefused, match="would unpack to 2 MB"):
        read_state(tmp_path / "bomb.pt")


# -- zips ----------------------------------------------------------------------------------------------------------


def zipped(path, members: dict[str, bytes], method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def packed(module: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    return buffer.getvalue()


def test_a_zip_is_imported_like_its_folder(tmp_path):
    path = zipped(tmp_path / "z.zip", {"nets/a.pt": packed(siren()), "nets/b.pt": packed(siren()), "notes.txt": b"hi"})
    assert [record["name"] for record in bring(path, tmp_path / "zoo").records] == ["nets-a", "nets-b"]


@pytest.mark.parametrize(
    "name", ["../outside.pt", "/tmp/outside.pt", "a/../../outside.pt", "C:/outside.pt", "..\\outside.pt"]
)
def test_a_zip_with_paths_outside_is_refused(tmp_path, name):
    path = zipped(tmp_path / "z.zip", {"fine.pt": packed(siren()), name: packed(siren())})
    with pytest.raises(FormatError, match="outside the folder it is unpacked to"):
        bring(path, tmp_path / "in" / "zoo")
    assert not (tmp_path / "outside.pt").exists()
    assert not (tmp_path / "in").exists()


def test_a_zip_with_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("passwd.pt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FormatError, match="holds the link"):
        bring(tmp_path / "z.zip", tmp_path / "zoo")


def test_a_bomb_is_refused_by_what_it_declares(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_IN_ALL", 10_000_000)
    path = zipped(tmp_path / "z.zip", {f"{k}.pt": bytes(4_000_000) for k in range(4)})
    assert path.stat().st_size < 100_000
    with pytest.raises(FormatError, match="would unpack to"):
        bring(path, tmp_path / "zoo")


def test_a_bomb_is_refused_by_what_it_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_BYTES", 1_000_000)
    path = zipped(tmp_path / "z.zip", {"0.pt": bytes(4_000_000)})
    with pytest.raises(FormatError, match="zip bomb"):
        bring(path, tmp_path / "zoo")


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path):
    path = zipped(tmp_path / "z.zip", {"0.pt": bytes(4_000_000)})
    data = path.read_bytes().replace((4_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(FormatError):
        bring(path, tmp_path / "zoo")


@pytest.mark.parametrize("at", [60, -22])
def test_a_damaged_zip_is_refused(tmp_path, at):
    path = zipped(tmp_path / "z.zip", {"0.pt": packed(siren())})
    data = bytearray(path.read_bytes())
    data[at : at + 8 or None] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(FormatError, match="damaged or not a zip"):
        bring(path, tmp_path / "zoo")


def test_no_zip_at_all_is_refused(tmp_path):
    (tmp_path / "z.zip").write_bytes(b"no zip")
    with pytest.raises(FormatError, match="damaged or not a zip"):
        bring(tmp_path / "z.zip", tmp_path / "zoo")


# -- folders -------------------------------------------------------------------------------------------------------


def test_a_folder_without_permission_says_so(tmp_path, monkeypatch):
    def forbidden(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(FormatError, match="may not be read by this program"):
        networks_in(tmp_path)


def test_odd_files_are_listed_and_the_others_imported(tmp_path):
    (tmp_path / "broken.pt").symlink_to(tmp_path / "nowhere.pt")
    os.mkfifo(tmp_path / "pipe.pt")
    with torch.device("meta"):
        torch.save(siren().state_dict(), tmp_path / "meta.pt")
    torch.save(siren().state_dict(), tmp_path / "fine.pt")
    done = bring(tmp_path, tmp_path / "zoo")
    assert [record["name"] for record in done.records] == ["fine"]
    reasons = dict(done.refused)
    assert reasons["broken"] == "a link to a file that is not there"
    assert reasons["pipe"] == "a pipe and no regular file"
    assert "meta" in reasons["meta"]


def test_names_are_different_whatever_the_files_are_called(tmp_path):
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "a-b.pt", tmp_path / "a" / "b.pt"):
        torch.save(siren().state_dict(), path)
    assert len({record["name"] for record in bring(tmp_path, tmp_path / "zoo").records}) == 2


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    torch.save(siren().state_dict(), tmp_path / "fine.pt")

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "commit", full)
        with pytest.raises(OSError, match="No space left"):
            bring(tmp_path, tmp_path / "out" / "zoo")
    assert bring(tmp_path, tmp_path / "out" / "zoo").folder  # tried again, it works
    with pytest.raises(ValueError, match="is not of the space's family"):
        bring(tmp_path, tmp_path / "other", Family.of("siren256"), arch="siren64")


def test_batch_norms_go_with_their_convolutions_by_name_if_the_order_is_lost(tmp_path):
    module = lived(CifarResNet(head="fc", shortcut="downsample"))
    state = module.state_dict()
    renamed = {
        name.replace("downsample.0", "conv_skip").replace("downsample.1", "bn_skip").replace(".bn1", ".norm1")
        .replace(".bn2", ".norm2"): t
        for name, t in state.items()
    }  # fmt: skip
    save_file({name: t.contiguous() for name, t in renamed.items()}, tmp_path / "mine.safetensors")
    done = bring(tmp_path, tmp_path / "zoo", arch="resnet8/digits")
    x = torch.randn(8, 3, 32, 32)
    torch.testing.assert_close(Zoo.load(done.folder)["mine"](x), module(x), rtol=1e-3, atol=1e-3)


def test_an_order_that_names_do_not_tell_is_refused(tmp_path):
    state = lived(CifarResNet(head="fc", shortcut="downsample")).state_dict()
    torn = {name.replace(".bn1", ".after").replace(".bn2", ".before"): t for name, t in state.items()}
    save_file({name: t.contiguous() for name, t in torn.items()}, tmp_path / "mine.safetensors")
    (refused,) = bring(tmp_path, tmp_path / "zoo", arch="resnet8/digits").refused
    assert "which batch norm follows which convolution" in refused.reason


def test_zoos_and_missing_folders_are_not_imported(tmp_path, tiny_zoo_folder):
    with pytest.raises(FormatError, match="is a zoo already"):
        bring(tiny_zoo_folder, tmp_path / "zoo")
    with pytest.raises(FormatError, match="no folder"):
        bring(tmp_path / "nowhere", tmp_path / "zoo")
    (tmp_path / "empty").mkdir()
    assert bring(tmp_path / "empty", tmp_path / "zoo") == (None, [], [], "", [])
