"""Files of others: each kind of file, wrapper, zoo and note beside is read as it was meant, and nothing goes unsaid."""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from netspace.cli.main import main
from netspace.errors import FormatError, ImportRefused
from netspace.importing import import_networks, limits
from netspace.importing.annotate import annotate
from netspace.importing.columns import RESERVED, column, tidy
from netspace.importing.files import Read, ReadOptions, Refusal, networks_in, read_state
from netspace.importing.pickles import Bag
from netspace.importing.states import find_states
from netspace.nets.archs import ARCHS
from netspace.zoo.store import Zoo, join, select


def siren(seed: int = 0) -> dict[str, torch.Tensor]:
    return ARCHS["siren64"].initialise(seed)


def same(a: dict, b: dict) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in b)


def put(path: Path, held, **how) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(held, path, **how)
    return path


def results(source: Path, **options) -> tuple[dict[str, Read], dict[str, str]]:
    """What was read and what was refused, by name."""
    found = list(networks_in(source, ReadOptions(**options)))
    names = [each.name for each in found]
    assert len(set(names)) == len(names), names
    return (
        {each.name: each for each in found if isinstance(each, Read)},
        {each.name: each.reason for each in found if isinstance(each, Refusal)},
    )


# -- a file is what it holds ---------------------------------------------------------------------------------------


def _npz(state, path):
    with path.open("wb") as file:
        np.savez(file, **{name: t.numpy() for name, t in state.items()})


def _safetensors(state, path):
    save_file(state, path)


def _plain(state, path):
    path.write_bytes(pickle.dumps({name: t.numpy() for name, t in state.items()}, protocol=2))


def _plain_new(state, path):
    path.write_bytes(pickle.dumps({name: t.numpy() for name, t in state.items()}, protocol=5))


WRITERS = {
    "zip": torch.save,
    "legacy": lambda s, p: torch.save(s, p, _use_new_zipfile_serialization=False),
    "protocol 4": lambda s, p: torch.save(s, p, pickle_protocol=4),
    "safetensors": _safetensors,
    "npz": _npz,
    "pickle": _plain,
    "pickle 5": _plain_new,
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    "name", ["net.pt", "net", "net.safetensors", "net.npz", "model.v1.2", "x.pth.tar", "n.msgpack"]
)
def test_files_are_judged_by_what_they_hold(kind, name, tmp_path):
    WRITERS[kind](siren(3), tmp_path / name)
    read, refused = results(tmp_path)
    assert not refused
    (one,) = read.values()
    assert {n: t.tolist() for n, t in one.state.items()} == {n: t.tolist() for n, t in siren(3).items()}
    assert one.name == {"x.pth.tar": "x", "model.v1.2": "model.v1.2"}.get(name, name.partition(".")[0])
    (alone,) = results(tmp_path / name)[0].values()
    assert alone.name == one.name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_tensors_come_out_as_torch_reads_them(dtype, new, tmp_path):
    base = (torch.arange(24).reshape(4, 6) % 5).to(dtype)
    held = {
        "w.weight": torch.randn(2, 3),
        "whole": base,
        "turned": base.t(),
        "part": base[1:3, ::2],
        "row": base[2],
        "spread": base[0, :1].expand(3),
        "none": base[:0],
        "one": base[0, 0],
        "parameter": nn.Parameter(torch.randn(3)),
    }
    torch.save(held, tmp_path / "a.pt", _use_new_zipfile_serialization=new)
    ours, theirs = read_state(tmp_path / "a.pt"), torch.load(tmp_path / "a.pt", weights_only=True)
    assert list(ours) == list(theirs)
    for name, t in theirs.items():
        assert ours[name].dtype == t.dtype and torch.equal(ours[name], t), name


HEADS = {
    "net.h5": (b"\x89HDF\r\n\x1a\n" + bytes(600), "HDF5"),
    "net.gguf": (b"GGUF" + bytes(600), "GGUF"),
    "net.pt": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
    "net.pth": (b"<!DOCTYPE html><html>404</html>", "web page"),
    "net.ckpt": (b"", "an empty file"),
    "net.npz": (b"just words", "text and no weights"),
    "net.bin": (bytes(range(256)), "no kind of weights file"),
    "net.msgpack": (b"\x81\xa6params\x81", "msgpack"),
    "net.tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(90), "TensorFlow Lite"),
    "model.ckpt-3.index": (b"\x00\x00\x12binary\x01", "TensorFlow checkpoint"),
    "net.joblib": (b"\x78\x9c" + bytes(90), "joblib"),
    "net.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(90), "archive"),
    "net.pt.gz": (b"\x1f\x8b" + bytes(90), "archive"),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_is_not_read_is_named_for_what_it_is(name, tmp_path):
    raw, words = HEADS[name]
    (tmp_path / name).write_bytes(raw)
    read, refused = results(tmp_path)
    assert not read and len(refused) == 1 and words in next(iter(refused.values()))


def test_a_keras_file_and_a_tar_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, "x")
    put(tmp_path / "inner" / "a.pt", siren())
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.add(tmp_path / "inner" / "a.pt", "a.pt")
    read, refused = results(tmp_path)
    assert set(read) == {"inner-a"}
    assert "Keras" in refused["a"] and "tar archive" in refused["b"]


def test_onnx_is_handed_on(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x08\x0a\x12\x07pytorch\x1a\x032.0:\x00")
    read, refused = results(tmp_path)
    assert not refused and read["a"].onnx == tmp_path / "a.onnx" and not read["a"].state


def test_a_torchscript_is_read_without_its_code(tmp_path):
    net = nn.Sequential(OrderedDict(net=nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3)), tmp_path / "a.pt")
        torch.jit.save(torch.jit.script(net[0][0]), tmp_path / "b.pt")
    assert same(read_state(tmp_path / "a.pt"), net.state_dict())
    assert same(read_state(tmp_path / "b.pt"), net[0][0].state_dict())


# -- wrappers ------------------------------------------------------------------------------------------------------


def _adam(state):
    optimizer = torch.optim.Adam([nn.Parameter(t.clone()) for t in state.values()])
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer.state_dict()


def _wrapped(state: dict) -> dict:
    """The state dict as programs wrap it; what is known of it is epoch 3 and some accuracy."""
    return {
        "authors": {"mlp": state, "sdf": torch.rand(100, 4)},
        "imagenet": {"epoch": 3, "state_dict": state, "best_acc1": torch.tensor(9.0), "optimizer": _adam(state)},
        "timm": {"epoch": 3, "state_dict": state, "state_dict_ema": siren(99), "args": argparse.Namespace(lr=0.1)},
        "lightning": {
            "epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.0", "state_dict": state, "callbacks": {},
            "optimizer_states": [_adam(state)], "lr_schedulers": [], "hyper_parameters": {"width": 64}, "loops": {},
        },
        "named by nobody": {"siren_of_the_chair": state, "epoch": 3},
        "deep": {"checkpoint": {"inner": {"weights": state}}, "epoch": 3},
        "ema first": {"model_ema": siren(99), "model": state},
        "numpy numbers": {"model": state, "acc": np.float64(0.5), "log": np.zeros(3), "seen": defaultdict(list, a=[1])},
        "numpy weights": {"model": {name: t.numpy() for name, t in state.items()}},
        "best": {"net": state, "best_net": siren(99)},
        "list in a dict": {"ensemble": [state]},
    }  # fmt: skip


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", list(_wrapped(siren())))
def test_a_state_dict_is_found_however_it_is_wrapped(kind, new, tmp_path):
    put(tmp_path / "a.pt", _wrapped(siren(3))[kind], _use_new_zipfile_serialization=new)
    read, refused = results(tmp_path)
    assert not refused
    (one,) = read.values()
    assert same(one.state, siren(3))


def test_of_two_copies_the_average_is_not_read_unless_asked_for(tmp_path):
    put(tmp_path / "timm.pt", {"state_dict": siren(1), "state_dict_ema": siren(2)})
    put(tmp_path / "flat.pt", siren(1) | {f"ema_model.{name}": t for name, t in siren(2).items()})
    both = {f"{head}.{name}": t for head, k in (("online", 1), ("target", 2)) for name, t in siren(k).items()}
    put(tmp_path / "heads.pt", {"state_dict": both})
    read, _ = results(tmp_path)
    assert all(torch.equal(next(iter(each.state.values())), siren(1)["layers.0.weight"]) for each in read.values())
    assert all(len(each.state) == 6 for each in read.values())
    assert "--prefix state_dict_ema" in read["timm"].notes[0] and "--prefix ema_model" in read["flat"].notes[0]
    for name, prefix in (("timm", "ema"), ("timm", "state_dict_ema"), ("flat", "ema_model"), ("heads", "target")):
        assert same(results(tmp_path / f"{name}.pt", prefix=prefix)[0][name].state, siren(2)), (name, prefix)
    _, refused = results(tmp_path / "timm.pt", prefix="teacher")
    assert "'teacher'" in refused["timm"] and "state_dict_ema" in refused["timm"]


def test_an_average_is_told_by_its_name_and_its_shapes():
    (one,) = find_states({"chair": siren(1), "chair_ema": siren(2)})
    assert same(one.state, siren(1)) and "--prefix chair_ema" in one.notes[0]
    head = {"target_head.weight": torch.zeros(7, 5)}  # a layer of that name is no copy of the others
    (one,) = find_states(siren(1) | head)
    assert "target_head.weight" in one.state and not one.notes


def test_blocks_of_the_same_shapes_are_no_copies():
    state = {f"layer{k}.{n}": t for k in range(3) for n, t in nn.Linear(4, 4).state_dict().items()}
    assert find_states({"state_dict": state})[0].state.keys() == state.keys()


BESIDE = {
    "optimizer.pt": lambda: _adam(siren()),
    "other-name-optim.pt": lambda: _adam(siren()),
    "scheduler.pt": lambda: {"base_lrs": [0.1], "last_epoch": 3, "_step_count": 4},
    "sched.pt": lambda: {"base_lrs": [0.1], "last_epoch": 3, "_step_count": 4},
    "rng_state.pth": lambda: {"cpu": torch.get_rng_state()},
    "noise.pth": lambda: {"cpu": torch.get_rng_state(), "numpy": np.random.RandomState(0).get_state()},
    "scaler.pt": lambda: {"scale": 1.0, "growth_factor": 2.0},
}


def test_what_belongs_to_training_is_counted_and_not_refused(tmp_path):
    for name, make in BESIDE.items():
        put(tmp_path / name, make())
    for k in range(30):
        (tmp_path / f"{k}.json").write_text("{}")
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "events.out.tfevents.1").write_bytes(b"\x18\x00\x00")
    put(tmp_path / "net.pt", siren())
    found = networks_in(tmp_path)
    assert [each.name for each in found] == ["net"]
    words = found.passed_over
    assert words.startswith("39 other files passed over: 30 .json") and "1 .md" in words
    assert "1 optimizer states" in words and "1 states of random numbers" in words and "scheduler" in words
    (refusal,) = networks_in(tmp_path / "optimizer.pt")
    assert refusal == ("optimizer", "an optimizer's state and no network")


# -- several networks in a file, one network in several ------------------------------------------------------------


NETS = [siren(k) for k in range(3)]


def _stack(states):
    return {name: torch.stack([s[name] for s in states]) for name in states[0]}


MANY = {
    "dict": {f"chair_{k}": s for k, s in enumerate(NETS)},
    "list": NETS,
    "stacked": _stack(NETS),
    "stacked in a wrapper": {"params": _stack(NETS), "epoch": 1},
    "wrapped each": {f"chair_{k}": {"state_dict": s, "acc": k / 2, "optimizer": {}} for k, s in enumerate(NETS)},
    "numbered": dict(enumerate(NETS)),
    "slashes": {f"chair_{k}/{name}": t for k, s in enumerate(NETS) for name, t in s.items()},
    "list of wrapped": [{"model": s, "acc": k / 2} for k, s in enumerate(NETS)],
}


@pytest.mark.parametrize("kind", MANY)
def test_a_zoo_in_one_file_is_read_as_its_networks(kind, tmp_path):
    read, refused = results(put(tmp_path / "zoo.pt", MANY[kind]))
    assert not refused and len(read) == 3
    assert all(same(each.state, net) for each, net in zip(read.values(), NETS, strict=True))
    if "chair" in str(MANY[kind])[:20]:
        assert list(read) == ["chair_0", "chair_1", "chair_2"]
    if "wrapped" in kind and kind != "stacked in a wrapper":
        assert [each.known["acc"] for each in read.values()] == [0.0, 0.5, 1.0]


def test_many_networks_in_an_npz_and_a_nested_one(tmp_path):
    np.savez(tmp_path / "many.npz", **{n: t.numpy() for n, t in _stack(NETS).items()})
    assert len(results(tmp_path / "many.npz")[0]) == 3
    put(
        tmp_path / "nested.pt",
        {"l0": {"weight": torch.zeros(4, 3), "bias": torch.zeros(4)}, "l1": {"weight": torch.ones(1, 4)}},
    )
    (one,) = results(tmp_path / "nested.pt")[0].values()
    assert list(one.state) == ["l0.weight", "l0.bias", "l1.weight"]
    put(tmp_path / "pairs.pt", list(siren().values()))
    (one,) = results(tmp_path / "pairs.pt")[0].values()
    assert list(one.state)[:2] == ["0.weight", "0.bias"]


def test_what_cannot_be_told_apart_is_refused_or_said(tmp_path):
    put(tmp_path / "matrix.pt", torch.stack([torch.cat([t.flatten() for t in s.values()]) for s in NETS]))
    np.save(tmp_path / "matrix.npy", np.zeros((3, 10), np.float32))
    put(tmp_path / "one.pt", siren() | {"layers.0.bias": torch.zeros(64, 1)})
    put(tmp_path / "no-bias.pt", {f"{k}.weight": torch.zeros(3, 4, 5) for k in range(3)})
    read, refused = results(tmp_path)
    assert all("flattened networks" in reason for reason in refused.values()) and len(refused) == 2
    assert len(read) == 2 and "stacked networks" in read["no-bias"].notes[0]


def _sharded(folder: Path, suffix: str, state: dict, index=True) -> None:
    folder.mkdir(parents=True)
    names, base = list(state), "model" if suffix == ".safetensors" else "pytorch_model"
    where = {name: f"{base}-0000{1 + k // 3}-of-00002{suffix}" for k, name in enumerate(reversed(names))}
    for shard in set(where.values()):
        part = {name: state[name] for name in names if where[name] == shard}
        (save_file if suffix == ".safetensors" else torch.save)(part, folder / shard)
    if index:
        (folder / f"{base}{suffix}.index.json").write_text(json.dumps({"weight_map": {n: where[n] for n in names}}))


@pytest.mark.parametrize("index", [True, False], ids=["index", "numbers"])
@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_shards_are_joined(suffix, index, tmp_path):
    _sharded(tmp_path / "net", suffix, siren(5), index)
    read, refused = results(tmp_path)
    assert list(read) == ["net"] and not refused
    assert {n: t.tolist() for n, t in read["net"].state.items()} == {n: t.tolist() for n, t in siren(5).items()}
    assert not index or same(read["net"].state, siren(5))
    assert "2 shards" in read["net"].notes[0]


def test_shards_that_lack_something_are_named(tmp_path):
    _sharded(tmp_path / "a", ".safetensors", siren())
    _sharded(tmp_path / "b", ".bin", siren(), index=False)
    _sharded(tmp_path / "c", ".bin", siren())
    for folder in "ab":
        next((tmp_path / folder).glob("*00002-of*")).unlink()
    index = tmp_path / "c" / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../../secret.bin"}}))
    put(tmp_path / "fine.pt", siren())
    read, refused = results(tmp_path)
    assert "fine" in read
    assert "model-00002-of-00002.safetensors" in refused["a"] and "number 2 is missing" in refused["b"]
    assert any("outside its folder" in reason for name, reason in refused.items() if name.startswith("c"))
    index.write_text("[" * 100_000)
    read, refused = results(tmp_path)
    assert "c" in read


# -- links and other odd things in folders -------------------------------------------------------------------------


def test_links_of_a_local_folder_are_followed_once(tmp_path):
    cache = tmp_path / "models--a--b"
    put(cache / "blobs" / "0f3a", siren(1))
    for revision in ("r1", "r2"):
        (cache / "snapshots" / revision).mkdir(parents=True)
        (cache / "snapshots" / revision / "model.safetensors").symlink_to("../../blobs/0f3a")
    put(tmp_path / "elsewhere" / "x.pt", siren(2))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cache").symlink_to(cache)
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    put(tmp_path / "in" / "own.pt", siren(3))
    (tmp_path / "in" / "latest.pt").symlink_to("own.pt")
    found = networks_in(tmp_path / "in")
    assert [each.name for each in found] == ["cache-snapshots-r1", "linked-x", "own"]
    assert "2 links to files that are read already" in found.passed_over
    assert (
        "links to folders that hold this one" in found.passed_over
        and "folders that are read already" in found.passed_over
    )
    assert list(results(cache)[0]) == ["snapshots-r1"]


def test_pipes_and_broken_links_are_named_and_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone.pt").symlink_to("nowhere")
    read, refused = results(tmp_path)
    assert not read and "a pipe" in refused["pipe.pt"] and "a pipe" in refused["pipe"]
    assert "not there" in refused["gone"]
    with pytest.raises(FormatError, match="no regular file"):
        networks_in(tmp_path / "pipe.pt")


def test_a_folder_of_other_files_is_fast_and_not_refused(tmp_path, monkeypatch):
    for k in range(300):
        (tmp_path / f"{k}.json").touch()
    put(tmp_path / "a.pt", siren())
    opened = []
    monkeypatch.setattr("netspace.importing.discover.opened", lambda path: opened.append(path))
    monkeypatch.setattr("netspace.importing.columns.opened", lambda path: opened.append(path))
    found = networks_in(tmp_path)
    assert len(list(found)) == 1 and not opened and "300 .json" in found.passed_over


def test_pattern_and_limit(tmp_path):
    for k in range(4):
        put(tmp_path / "late" / f"{k}.pt", siren(k))
        put(tmp_path / "early" / f"{k}.pt", siren(k))
    assert len(results(tmp_path, pattern="late/*")[0]) == len(results(tmp_path, pattern="2.pt")[0]) * 2 == 4
    found = networks_in(tmp_path, ReadOptions(limit=3))
    assert [each.name for each in found] == ["early-0", "early-1", "early-2"]
    assert found.notes == ["5 more files are not read: at most 3 networks were asked for"]
    found = networks_in(tmp_path, ReadOptions(pattern="*.ckpt"))
    assert not list(found) and "8 outside the pattern" in found.passed_over


def test_one_is_read_at_a_time(tmp_path, monkeypatch):
    for k in range(5):
        put(tmp_path / f"{k}.pt", siren(k))
    seen = []
    found = iter(networks_in(tmp_path, progress=lambda done, total: seen.append((done, total))))
    next(found)
    (tmp_path / "3.pt").write_bytes(b"")
    rest = list(found)
    assert [type(each) for each in rest] == [Read, Read, Refusal, Read]
    assert seen == [(k, 5) for k in range(6)]


def test_zips_are_read_as_their_folders_whatever_they_are_called(tmp_path):
    buffer = io.BytesIO()
    torch.save(siren(), buffer)
    for name in ("z.zip", "z.pt", "z"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("nets/checkpoint", buffer.getvalue())
            archive.writestr("nets/a.th", buffer.getvalue())
            archive.writestr("__MACOSX/nets/._a.th", b"x")
            archive.writestr("nets/params.json", '{"lr": 0.5}')
            archive.writestr("notes.txt", "x")
        read, refused = results(tmp_path / name)
        assert set(read) == {"nets-checkpoint", "nets-a"} and not refused
        assert read["nets-a"].known == {"lr": 0.5}
    put(tmp_path / "net.zip", siren(), _use_new_zipfile_serialization=False)
    assert list(results(tmp_path / "net.zip")[0]) == ["net"]
    (tmp_path / "in").mkdir()
    (tmp_path / "z.zip").rename(tmp_path / "in" / "z.zip")
    with zipfile.ZipFile(tmp_path / "in" / "y.zip", "w") as archive:
        archive.write(tmp_path / "z", "inner.zip")
    read, refused = results(tmp_path / "in")
    assert set(read) == {"z-nets-checkpoint", "z-nets-a"}
    assert refused == {"y-inner": "a zip inside a zip: import it by itself"}
    put(tmp_path / "net.zip", siren())  # one network under the name of a zip
    assert list(results(tmp_path / "net.zip")[0]) == ["net"]


# -- what is known -------------------------------------------------------------------------------------------------


def test_what_files_say_of_themselves_becomes_columns(tmp_path):
    held = {
        "state_dict": siren(), "epoch": 3, "acc": 91.5, "best_acc1": torch.tensor(9.0), "done": True, "arch": "x",
        "args": argparse.Namespace(lr=0.1, name="run", layers=[1, 2], epoch=50), "loss": np.float32(0.25),
        "history": {"loss": [1]}, "none": None, "name": "n", "words": "a\nb",
    }  # fmt: skip
    (one,) = results(put(tmp_path / "a.pt", held))[0].values()
    assert one.known == {
        "epoch": 3, "acc": 91.5, "best_acc1": 9.0, "done": True, "given_arch": "x", "lr": 0.1, "given_name": "n",
        "loss": 0.25,
    }  # fmt: skip
    save_file(siren(), tmp_path / "b.safetensors", {"format": "pt", "step": "12"})
    (one,) = results(tmp_path / "b.safetensors")[0].values()
    assert one.known == {"step": 12}


def test_settings_results_and_folders_travel_along(tmp_path):
    for kind in ("chair", "table"):
        for k in range(3):
            put(tmp_path / kind / f"s{k}" / "model.pt", siren(k))
            (tmp_path / kind / f"s{k}" / "config.json").write_text(
                json.dumps({"seed": k, "nested": {"a": [1]}, "name": "x"})
            )
            (tmp_path / kind / f"s{k}" / "result.json").write_text(json.dumps({"iou": k / 4, "bad": float("nan")}))
        (tmp_path / kind / "args.yaml").write_text(f"# made\nkind: '{kind}'\nlr: 1e-4\nlist:\n  - a\nempty: null\n")
    (tmp_path / "note.json").write_text("{" * 100_000)
    read, _ = results(tmp_path)
    assert len(read) == 6
    known = read["table-s2-model"].known
    assert known | {"bad": 0} == {
        "folder_1": "table", "folder_2": "s2", "seed": 2, "given_name": "x", "iou": 0.5, "bad": 0, "kind": "table",
        "lr": 1e-4,
    }  # fmt: skip
    assert "folder_1" not in results(tmp_path / "chair")[0]["s1-model"].known  # a folder for each is its name


def test_a_table_in_the_root_names_its_rows_by_any_of_the_usual_ways(tmp_path):
    ways = {"name": "a-{k}", "file": "a/{k}.pt", "path": "./a/{k}", "uid": "{k}", "id": "0{k}"}
    for k in range(3):
        put(tmp_path / "zoo" / "a" / f"{k}.pt", siren(k))
    for head, form in ways.items():
        lines = [f"{form.format(k=k)},{k / 2},00{k},{'yes' if k else ''}" for k in range(3)]
        (tmp_path / "zoo" / "table.csv").write_text("\n".join([f"{head},iou,code,flag", *lines]))
        found = networks_in(tmp_path / "zoo")
        known = [each.known for each in found]
        if head == "id":
            assert known == [{}, {}, {}] and "table.csv" in found.notes[0]
        else:
            assert known[0] == {"iou": 0.0, "code": "000"} and known[2] == {"iou": 1.0, "code": "002", "flag": "yes"}
    (tmp_path / "zoo" / "table.csv").unlink()
    (tmp_path / "zoo" / "performance.json").write_text(json.dumps({f"a/{k}.pt": {"iou": k} for k in range(3)}))
    assert [each.known for each in networks_in(tmp_path / "zoo")] == [{"iou": k} for k in range(3)]


@pytest.mark.parametrize("log", ["result.json", "progress.csv"])
def test_a_checkpoint_takes_its_own_line_of_a_log(log, tmp_path):
    for trial in range(2):
        folder = tmp_path / f"trial_{trial}"
        for k in (0, 5, 10):
            put(folder / f"checkpoint_{k:06d}" / "checkpoints", siren(k))
        (folder / "params.json").write_text(json.dumps({"lr": trial}))
        rows = [{"training_iteration": k, "acc": trial + k / 100, "config": {"wd": 0.5}} for k in range(1, 11)]
        if log.endswith("csv"):
            text = "training_iteration,acc\n" + "\n".join(f"{r['training_iteration']},{r['acc']}" for r in rows)
        else:
            text = "\n".join(map(json.dumps, rows))
        (folder / log).write_text(text)
    read, _ = results(tmp_path)
    assert len(read) == 6
    known = read["trial_1-checkpoint_000005-checkpoints"].known
    assert known["acc"] == 1.05 and known["lr"] == 1 and known["training_iteration"] == 5
    assert known["folder_1"] == "trial_1" and known["folder_2"] == "checkpoint_000005"
    assert "acc" not in read["trial_1-checkpoint_000000-checkpoints"].known  # no line is of number 0


def test_results_of_one_are_not_given_to_several(tmp_path):
    put(tmp_path / "best.pt", siren(1))
    put(tmp_path / "last.pt", siren(2))
    (tmp_path / "result.json").write_text('{"acc": 0.5}')
    (tmp_path / "params.json").write_text('{"lr": 0.5}')
    (tmp_path / "best.json").write_text('{"iou": 0.5}')
    found = networks_in(tmp_path)
    assert [each.known for each in found] == [{"lr": 0.5, "iou": 0.5}, {"lr": 0.5}]
    assert "holds results and several networks" in found.notes[0]


def test_the_nearest_declaration_is_found(tmp_path):
    for label in ("a/x/1.pt", "b/1.pt", "2.pt"):
        put(tmp_path / "zoo" / label, siren())
    for folder in ("", "zoo", "zoo/a"):
        (tmp_path / folder / "network.json").write_text("{}")
    read, _ = results(tmp_path / "zoo")
    places = {name: each.declared.relative_to(tmp_path).parent.as_posix() for name, each in read.items()}
    assert places == {"a-x-1": "zoo/a", "b-1": "zoo", "2": "zoo"}
    assert not any(each.known for each in read.values())


def test_columns_are_of_one_kind_each():
    rows = [{"a": 1, "b": 1, "c": float("nan"), "d": True}, {"a": 2.5, "b": "x", "c": float("inf")}, {"a": None}]
    assert tidy(rows) == [
        {"a": 1.0, "b": "1", "d": True}, {"a": 2.5, "b": "x", "d": None}, {"a": None, "b": None, "d": None}
    ]  # fmt: skip
    assert column("pytorch-lightning_version") == "pytorch_lightning_version"
    assert all(column(name) == f"given_{name}" for name in RESERVED) and column(" % ") == "value"


def test_columns_reach_the_zoo_whatever_they_mix(tmp_path):
    for k, acc in enumerate([1, 2.5, "high", float("nan"), None]):
        put(tmp_path / "in" / f"{k}.pt", {"state_dict": siren(k), "acc": acc, "row": 7, "epoch": k if k else None})
    zoo = Zoo.load(import_networks(tmp_path / "in", tmp_path / "zoo").folder)
    assert zoo.records.acc.tolist()[:3] == ["1", "2.5", "high"] and zoo.records.acc.isna().tolist()[3:] == [True, True]
    assert zoo.records.row.tolist() == list(range(5)) and zoo.records.given_row.tolist() == [7] * 5
    assert zoo.records.epoch.dtype.kind == "f"


# -- nothing is run, nothing is believed ---------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return os.system, ("touch HACKED",)


class Setter:
    """Writes to a class that the reader uses."""

    def __reduce__(self):
        return argparse.Namespace, (), (None, {"__init__": 3})


@pytest.mark.parametrize("kind", ["zip", "legacy", "protocol 4", "plain"])
def test_no_pickle_runs_anything(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = {"a.weight": torch.zeros(2, 2), "x": Evil()}
    if kind == "plain":
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(Evil()))
    else:
        WRITERS[kind](held, tmp_path / "a.pkl")
    _, refused = results(tmp_path)
    assert "system" in refused["a"] and not (tmp_path / "HACKED").exists()


def _raw(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


HOSTILE = {
    "writes to a class": _raw(b"cargparse\nNamespace\n", b"N}X\x01\x00\x00\x00aK\x01s\x86b"),
    "writes to a function": _raw(b"ccollections\nOrderedDict\n", b"N}X\x09\x00\x00\x00_functionK\x01s\x86b"),
    "an attribute of a module": _raw(b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93"),
    "a dotted name": _raw(b"X\x05\x00\x00\x00torchX\x0e\x00\x00\x00Size.__class__\x93"),
    "a huge memo": _raw(b"}r\xff\xff\xff\xff"),
    "a huge byte array": _raw(b"\x96" + struct.pack("<Q", 1 << 40)),
    "a huge text": _raw(b"\x8d" + struct.pack("<Q", 1 << 40)),
    "a number of bytes": _raw(b"cbuiltins\nbytearray\n", b"\x8a\x06" + (1 << 40).to_bytes(6, "little") + b"\x85R"),
    "a key that nests": _raw(b"}", b")" + b"\x85" * 200_000, b"K\x01s"),
    "dictionaries that nest": _raw(b"}" + b"X\x01\x00\x00\x00a}" * 200_000 + b"s" * 200_000),
    "lists of lists of lists": _raw(b"]q\x00", *(b"]h%cah%caq%c" % (k, k, k + 1) for k in range(40))),
    "an array of objects": pickle.dumps({"a": np.array([Path("x")], dtype=object)}),
    "the end is missing": b"\x80\x04}",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_are_refused_in_a_sentence(kind, tmp_path):
    (tmp_path / "a.pkl").write_bytes(HOSTILE[kind])
    put(tmp_path / "fine.pt", siren())
    read, refused = results(tmp_path)
    assert list(read) == ["fine"] and refused["a"]
    assert not hasattr(Bag, "a") and argparse.Namespace(a=2).a == 2


def test_no_more_is_unpacked_than_a_zip_declares(tmp_path):
    size = 1 << 26
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(size))
    raw = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(raw.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little")))
    tracemalloc.start()
    try:
        _, refused = results(tmp_path)
        assert refused["a"] and tracemalloc.get_traced_memory()[1] < size // 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("code", [b"\x96", b"\x8e", b"\x8d"], ids=["byte array", "bytes", "text"])
def test_no_memory_is_taken_for_what_is_not_there(code, tmp_path):
    (tmp_path / "a.pkl").write_bytes(_raw(code + struct.pack("<Q", 1 << 28)))
    tracemalloc.start()
    try:
        _, refused = results(tmp_path)
        assert "truncated" in refused["a"] and tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()


def test_declared_sizes_are_not_believed(tmp_path, monkeypatch):
    put(tmp_path / "spread.pt", {"a.weight": torch.zeros(1).expand(1 << 20, 1 << 20)})
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 20)})
    (tmp_path / "lie.npy").write_bytes(header.getvalue() + bytes(64))
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("a.weight.npy", header.getvalue() + bytes(64))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(3_000_000))
    with zipfile.ZipFile(tmp_path / "smaller.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(3_000_000))
    lie = (tmp_path / "smaller.pt").read_bytes().replace((3_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    (tmp_path / "smaller.pt").write_bytes(lie)
    data = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    (tmp_path / "lie.safetensors").write_bytes(struct.pack("<Q", len(data)) + data)
    monkeypatch.setattr(limits, "MOST_BYTES", 2_000_000)
    read, refused = results(tmp_path)
    assert not read and len(refused) == 6
    assert "would unpack" in refused["spread"] and "would unpack" in refused["bomb"]


def test_truncated_files_never_stop_the_others(tmp_path):
    for kind, writer in WRITERS.items():
        writer(siren(), tmp_path / "whole")
        data = (tmp_path / "whole").read_bytes()
        (tmp_path / "whole").unlink()
        for part in (1, 3, 7):
            (tmp_path / f"{kind}-{part}.pt").write_bytes(data[: len(data) * part // 8])
    put(tmp_path / "fine.pt", siren())
    read, refused = results(tmp_path)
    assert list(read) == ["fine"] and len(refused) == 3 * len(WRITERS)
    assert not any("run code" in reason for reason in refused.values())


def test_tensors_that_are_not_dense_are_named(tmp_path):
    put(tmp_path / "sparse.pt", {"a.weight": torch.eye(3).to_sparse()})
    put(tmp_path / "complex.pt", {"a.weight": torch.zeros(2, 2, dtype=torch.complex64), "b.weight": torch.zeros(2, 2)})
    _, refused = results(tmp_path)
    assert "a.weight is a sparse tensor" in refused["sparse"] and "a.weight is complex" in refused["complex"]
    with pytest.raises(ImportRefused, match="no tensors, only a"):
        find_states({"a": 1})
    with pytest.raises(ImportRefused, match="of the 1 tensor in it"):
        find_states({"a": {"b": {"c": {"d": {"e": {"weight": torch.zeros(2, 2)}}}}}})
    with pytest.raises(ImportRefused, match="list of 6 tensors without names"):
        find_states(list(siren().values())[::-1])


@pytest.mark.filterwarnings("ignore:torch.quantize")
def test_what_torch_reads_is_never_said_to_run_code(tmp_path):
    quantised = torch.quantize_per_channel(torch.zeros(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8)
    held = {"qint": quantised, "sparse": torch.eye(2).to_sparse(), "set": {1, 2}, "bytes": bytearray(b"abc"), "c": 1j,
            "dtype": torch.float16, "size": torch.Size([1]), "device": torch.device("cpu"), "raw": b"abc"}  # fmt: skip
    for name, value in held.items():
        put(tmp_path / f"{name}.pt", {"state_dict": siren(), "beside": value})
    read, refused = results(tmp_path)
    assert set(read) == set(held) and not refused
    torch.save({"a.weight": quantised}, tmp_path / "only.pt")
    assert "a.weight is a" in results(tmp_path / "only.pt")[1]["only"]


# -- zoos joined and annotated -------------------------------------------------------------------------------------


@pytest.fixture
def zoo_of(tmp_path):
    def make(name: str, count: int = 3) -> Zoo:
        for k in range(count):
            put(tmp_path / "made" / name / f"net-{k}.pt", siren(hash(name) % 1000 + k))
        return Zoo.load(import_networks(tmp_path / "made" / name, tmp_path / name / "zoo").folder)

    return make


def test_joined_zoos_keep_where_networks_come_from(zoo_of, tmp_path):
    a, b = zoo_of("ours"), zoo_of("theirs")
    join([(a, range(3)), (b, [0, 2])], tmp_path / "joined")
    zoo = Zoo.load(tmp_path / "joined")
    assert zoo.records.origin.tolist() == ["ours"] * 3 + ["theirs"] * 2
    assert zoo.records.name.tolist() == ["ours-net-0", "net-1", "ours-net-2", "theirs-net-0", "theirs-net-2"]
    assert torch.equal(zoo["theirs-net-2"].prep, b["net-2"].prep)
    select(zoo, [0, 4], tmp_path / "part")
    assert Zoo.load(tmp_path / "part").records.origin.tolist() == ["ours", "theirs"]
    join([(zoo, range(5)), (zoo_of("third", 1), [0])], tmp_path / "all")
    assert Zoo.load(tmp_path / "all").records.origin.tolist() == ["ours"] * 3 + ["theirs"] * 2 + ["third"]
    with pytest.raises(ValueError, match="two networks are called"):
        join([(a, [0]), (a, [0])], tmp_path / "twice")


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
def test_a_table_annotates_a_zoo(form, zoo_of, tmp_path):
    import pandas as pd

    zoo = zoo_of("ours")
    table = pd.DataFrame(
        {"file": ["net-0.pt", "net-2", "gone"], "iou": [0.5, 1, 0.25], "kind": ["a", None, "c"], "row": 9}
    )
    path = tmp_path / f"t.{form}"
    table.to_parquet(path) if form == "parquet" else table.to_csv(path, index=False, sep="\t" if form == "tsv" else ",")
    done = annotate(zoo.folder, path)
    assert done == ("file", ["iou", "kind"], 2, 1, ["gone"], ["row"])
    after = Zoo.load(zoo.folder).records
    assert after.iou.isna().tolist() == [False, True, False] and after.iou[2] == 1
    assert after.kind.tolist()[0] == "a" and after.row.tolist() == [0, 1, 2]
    assert list(zoo.records) == list(after)[: len(zoo.records.columns)]
    (tmp_path / "more.csv").write_text("name,iou\nnet-1,0.75\n")
    annotate(zoo.folder, tmp_path / "more.csv")
    assert Zoo.load(zoo.folder).records.iou.tolist() == [0.5, 0.75, 1.0]


def test_the_command_says_what_it_added_and_what_not(zoo_of, tmp_path, capsys):
    zoo = zoo_of("ours")
    (tmp_path / "t.csv").write_text("name;iou;split\nnet-0;0.5;x\nnet-2;1;y\ngone;2;z\n")
    assert main(["zoo", "annotate", "--zoo", str(zoo.folder), "--table", str(tmp_path / "t.csv")]) == 0
    said = capsys.readouterr().out
    assert "has iou of 2 of its 3 networks, named by 'name'" in said
    assert "of no network in the zoo: 1 of" in said and "'gone'" in said and "left out split" in said
    assert main(["zoo", "annotate", "--zoo", str(zoo.folder), "--table", str(tmp_path / "none.csv")]) == 2
    assert "no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (None, "", "no file"),
        ("", "", "empty"),
        ("name\nnet-0\n", "", "nothing to add"),
        ("name,arch\nnet-0,x\n", "", "nothing to add"),
        ("name,iou\nx,1\n", "", "is the name of a network"),
        ("who,iou\nx,1\n", "", "--key"),
        ("who,iou\nnet-0,1\n", "whom", "no column 'whom', only 'who', 'iou'"),
        ("name,iou\nnet-0,1\nnet-0,2\n", "", "names 'net-0' twice"),
    ],
)
def test_tables_that_do_not_fit_change_nothing(text, key, words, zoo_of, tmp_path):
    zoo = zoo_of("ours", 1)
    before = (zoo.folder / "records.parquet").read_bytes()
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        annotate(zoo.folder, tmp_path / "t.csv", key)
    assert (zoo.folder / "records.parquet").read_bytes() == before
    with pytest.raises(ValueError, match="no table that is read"):
        annotate(zoo.folder, tmp_path / "t.xlsx")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(ValueError, match="damaged"):
        annotate(zoo.folder, tmp_path / "t.parquet")


def test_a_zoo_under_a_job_is_not_annotated(zoo_of, tmp_path):
    from filelock import FileLock

    zoo = zoo_of("ours", 1)
    (tmp_path / "t.csv").write_text("name,iou\nnet-0,1\n")
    with FileLock(zoo.folder / ".lock"), pytest.raises(FormatError, match="being written by a job"):
        annotate(zoo.folder, tmp_path / "t.csv")
    with pytest.raises(FormatError, match="no folder"):
        annotate(tmp_path / "nowhere", tmp_path / "t.csv")
