"""Every command on small data; every option explained; every error one sentence and exit code 2."""

import argparse
import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import trimesh
from PIL import Image
from reading import read_picture

import netspace
from netspace.cli.main import main, parse
from netspace.cli.registry import build_parser
from netspace.recipes import CHAIRS_PREP
from netspace.train.lso_files import read_best
from netspace.zoo.store import HELDOUT, Zoo


def parsers(parser: argparse.ArgumentParser):
    """The parser and all of its sub-commands'."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from parsers(sub)


def refused(capsys, *argv) -> str:
    """The one sentence with which a command is refused."""
    code = main([str(a) for a in argv])
    streams = capsys.readouterr()
    assert code == 2
    assert streams.err.startswith("netspace: ") and streams.err.count("\n") == 1 and "Traceback" not in streams.err
    return streams.err


def test_every_option_is_explained():
    for parser in parsers(build_parser()):
        for action in parser._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction), f"{parser.prog} {action.dest}"


def test_help_of_every_command_prints():
    for parser in parsers(build_parser()):
        assert parser.prog.split()[-1] in parser.format_help()


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "netspace", "archs"], capture_output=True, text=True, check=True)
    assert "siren256" in done.stdout and "67,073" in done.stdout


def test_archs_as_json(capsys):
    assert main(["archs", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["siren256"]["parameters"] == 67_073 and rows["siren256"]["prep"] == [8, 10_000]


def test_chairs_are_written_with_their_parameters(tmp_path, capsys):
    assert (
        main(["shapes", "chairs", "--count", "2", "--first-seed", "5", "--format", "ply", "--out", str(tmp_path)]) == 0
    )
    table = pd.read_csv(tmp_path / "chairs.csv")
    assert table.name.tolist() == ["chair-0005", "chair-0006"] and table.legs.notna().all()
    assert trimesh.load(tmp_path / "chair-0005.ply").is_watertight


FIT = [
    "--arch",
    "siren64",
    "--steps",
    "5",
    "--batch",
    "64",
    "--samples",
    "500",
    "--heldout-every",
    "2",
    "--workers",
    "1",
]
TRAIN = ["--embedding", "8", "--hidden", "16", "--steps", "2", "--every", "1", "--nets", "1", "--points", "16"]


@pytest.mark.long
def test_from_meshes_to_a_path(tmp_path, capsys):
    """The whole way by commands: shapes, zoo, space, evaluation, embeddings, path, thumbnails, a part of the zoo."""
    meshes, zoo, space, out = (tmp_path / n for n in ("meshes", "zoo", "space", "out"))
    assert main(["shapes", "chairs", "--count", "3", "--out", str(meshes)]) == 0
    (meshes / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert main(["zoo", "fit-sdf", "--meshes", str(meshes), "--out", str(zoo), *FIT]) == 0
    said = capsys.readouterr().out
    assert "skipped" in said and "flat" in said and "fitted 3 networks" in said
    train = ["train", "--zoo", str(zoo), "--out", str(space), "--queries", "64", *TRAIN]
    assert main(train) == 0
    assert json.loads((space / "config.json").read_text())["about"]["config"]["embedding"] == 8
    assert main([*train, "--resume"]) == 0

    capsys.readouterr()
    both = ["--space", str(space), "--zoo", str(zoo)]
    rows = ["--rows", str(tmp_path / "rows.csv"), "--pairs", "1", "--save"]
    assert main(["eval", *both, "--json", "--resolution", "32", *rows]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["train"]["count"] == 2 and summary["heldout"]["count"] == 1
    assert {"agreement_median", "iou_median", "chamfer_median"} <= set(summary["train"])
    assert summary["paths"]["weights"]["pairs"] == 1 and set(summary["paths"]) == {"latent", "weights"}
    saved = json.loads((space / "eval.json").read_text())
    assert saved["train"] == summary["train"] and (space / saved["zoo"]).resolve() == zoo.resolve()
    for file in (tmp_path / "rows.csv", space / "eval.csv"):
        assert len(pd.read_csv(file)) == 3
    assert main(["eval", *both, "--resolution", "32", "--limit", "1"]) == 0
    assert "train (1 networks)" in capsys.readouterr().out

    assert main(["embed", *both, "--out", str(tmp_path / "z.parquet")]) == 0
    table = pd.read_parquet(tmp_path / "z.parquet")
    loaded, nets = netspace.load(space), netspace.Zoo.load(zoo)
    expected = loaded.encode(nets.preps(range(3))).numpy()
    assert np.allclose(table.filter(like="z").to_numpy(), expected, atol=1e-5)

    a, b = nets.records.name[:2]
    path = ["interpolate", *both, "--a", a, "--b", b, "--method", "weights", "--steps", "3", "--resolution", "32"]
    assert main([*path, "--out", str(out)]) == 0
    with (out / "path.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["gamma"]) for r in rows] == [0, 0.5, 1]
    for row in rows:
        assert bool(row["mesh"]) == bool(row["volume"])
        if row["mesh"]:
            assert trimesh.load(out / row["mesh"]).volume == pytest.approx(float(row["volume"]), rel=1e-2)
    assert read_picture(out / "path.png").size == (3 * 240, 240)

    assert main(["zoo", "thumbnails", "--zoo", str(zoo)]) == 0
    assert read_picture(zoo / "thumbnails.webp").mode == "RGBA"
    assert (
        main(["zoo", "select", "--zoo", str(zoo), "--train", "1", "--heldout", "1", "--out", str(tmp_path / "p")]) == 0
    )
    assert len(netspace.Zoo.load(tmp_path / "p")) == 2
    assert "two training networks" in refused(capsys, "eval", "--space", space, "--zoo", tmp_path / "p", "--pairs", 1)


@pytest.mark.long
def test_from_images_to_curves(tmp_path, capsys):
    """The whole way by commands for classifiers: zoo, space, evaluation with the recorded curves, path."""
    zoo, space = tmp_path / "zoo", tmp_path / "space"
    fit = ["--arch", "lenetlike/digits", "--count", "6", "--validation", "1", "--heldout", "2", "--workers", "1"]
    assert main(["zoo", "fit-cnn", "--out", str(zoo), *fit, "--epochs", "8", "--lr", "1e-3"]) == 0
    assert "trained 6 networks: test accuracy" in capsys.readouterr().out
    train = ["train", "--zoo", str(zoo), "--out", str(space), "--queries", "32", "--select", "validation", *TRAIN]
    assert main(train) == 0
    assert "heldout accuracy mae" in capsys.readouterr().out
    assert main([*train, "--resume"]) == 0
    capsys.readouterr()
    both = ["--space", str(space), "--zoo", str(zoo)]
    assert main(["eval", *both, "--json", "--pairs", "2", "--save"]) == 0
    summary = json.loads(capsys.readouterr().out)
    for split, count in (("train", 3), ("validation", 1), ("heldout", 2)):
        assert summary[split]["count"] == count
        assert {"accuracy_mae", "pearson", "spearman"} <= set(summary[split])
    assert summary["paths"]["train, random, latent"]["pairs"] == 2
    curves = pd.read_parquet(space / "curves.parquet")
    assert len(curves) == 2 * 33 * (1 + 1 + 2) and set(curves["count"]) == {360}
    assert main(["eval", *both, "--pairs", "1"]) == 0
    assert "train, weakest to strongest, weights (1 pairs)" in capsys.readouterr().out
    a, b = netspace.Zoo.load(zoo).records.name[:2]
    assert main(["interpolate", *both, "--a", a, "--b", b, "--steps", "3", "--out", str(tmp_path / "path")]) == 0
    path = pd.read_csv(tmp_path / "path" / "path.csv")
    assert path.gamma.tolist() == [0, 0.5, 1] and path.accuracy.between(0, 1).all()
    assert read_picture(tmp_path / "path" / "path.png").size[0] > 500


@pytest.mark.long
def test_from_zoos_to_a_family_and_back(tmp_path, capsys, tiny_family_zoo, tiny_family_zoo_folder):
    """Zoos of one architecture are joined, taught, evaluated with walks; one network is optimised and kept."""
    parts, joined, space = [tmp_path / base for base in ("a", "b")], tmp_path / "zoo", tmp_path / "space"
    for folder, base in zip(parts, ("lenetlike", "resnet8"), strict=True):
        part = ["zoo", "select", "--zoo", tiny_family_zoo_folder, "--arch", f"{base}/digits", "--out", folder]
        assert main([*map(str, part), "--train", "2", "--validation", "1", "--heldout", "1"]) == 0
        assert netspace.Zoo.load(folder).family == tiny_family_zoo.family  # the positions of Eq. 12 stay
    words = refused(capsys, "zoo", "join", "--zoo", parts[0], "--zoo", parts[0], "--out", tmp_path / "twice")
    assert "two networks are called 'lenetlike-000'" in words
    assert main(["zoo", "join", "--zoo", str(parts[0]), "--zoo", str(parts[1]), "--out", str(joined)]) == 0
    zoo = netspace.Zoo.load(joined)
    assert len(zoo) == 8 and zoo.family.names == ["lenetlike/digits", "vanillacnn/digits", "resnet8/digits"]
    assert np.array_equal(zoo["resnet8-002"].prep, tiny_family_zoo["resnet8-002"].prep)

    train = ["train", "--zoo", joined, "--out", space, "--queries", "64", "--drawing", "pairs"]
    train = [*map(str, train), "--select", "validation", *TRAIN, "--nets", "2"]
    assert "learns from a teacher" in refused(capsys, *train)
    assert main([*train, "--teacher", f"{joined}:lenetlike-002"]) == 0
    both = ["--space", str(space), "--zoo", str(joined)]
    assert main(["eval", *both, "--json", "--pairs", "1", "--save"]) == 0
    summary = json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))
    assert set(summary["train"]["by_architecture"]) == {"lenetlike/digits", "resnet8/digits"}
    walk = summary["paths"]["train, smallest to largest"]
    assert walk["steps"] == 100 and list(walk["at"]) == zoo.family.names
    assert "trained_mean" not in walk["at"]["vanillacnn/digits"]  # of which the zoo has none
    curves = pd.read_parquet(space / "curves.parquet")
    assert len(curves) == 2 * 100 and set(curves.arch) <= set(zoo.family.names)
    assert main(["eval", *both, "--limit", "2"]) == 0
    assert "by architecture" in capsys.readouterr().out

    run = [*both, "--teacher", str(joined), "--steps", "4", "--every", "2", "--points", "16", "--queries", "64"]
    runs = [str(tmp_path / name) for name in ("one", "two")]
    for folder, seed in zip(runs, "01", strict=True):
        assert main(["lso", *run, "--start", "resnet8-002", "--seed", seed, "--out", folder]) == 0
    assert "best at step" in capsys.readouterr().out
    assert "holds a run already" in refused(capsys, "lso", *run, "--start", "resnet8-002", "--out", runs[0])
    assert "this space has no" in refused(
        capsys, "lso", *run, "--start", "mean", "--want", "siren64", "--out", tmp_path / "x"
    )
    assert main(["compare", *runs, "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in compared["runs"]] == runs
    best = [row["best"] for row in compared["runs"]]
    assert compared["summary"]["best"]["mean"] == pytest.approx(sum(best) / 2)
    assert main(["compare", *runs]) == 0 and "+-" in capsys.readouterr().out

    assert main(["zoo", "add", "--zoo", str(joined), "--run", runs[0], "--name", "made"]) == 0
    kept = netspace.Zoo.load(joined)
    assert len(kept) == 9 and kept.records.split.iloc[-1] == "optimised"
    assert kept.records.test_accuracy.iloc[-1] == pytest.approx(best[0])
    params = read_best(runs[0]).network.params
    assert all(torch.allclose(p, params[name], atol=2e-3) for name, p in kept["made"].params.items())  # kept in half
    words = refused(capsys, "zoo", "add", "--zoo", joined, "--run", runs[0], "--name", "made")
    assert "holds a network 'made' already" in words
    assert kept.ids("train") == zoo.ids("train")
    assert main([*train, "--teacher", f"{joined}:lenetlike-002", "--resume"]) == 0  # the zoo is the same to it


@pytest.mark.long
def test_networks_made_elsewhere_are_imported_and_placed(tmp_path, capsys, tiny_zoo_folder, tiny_space_folder):
    zoo, both = Zoo.load(tiny_zoo_folder), ["--space", str(tiny_space_folder), "--among", str(tiny_zoo_folder)]
    heldout = zoo.ids(HELDOUT)
    (tmp_path / "made").mkdir()
    for i in heldout:
        torch.save(zoo[i].module().state_dict(), tmp_path / "made" / f"{zoo.records.name[i]}.pt")
    (tmp_path / "made" / "broken.pt").write_bytes(b"PK")
    words = ["zoo", "import", str(tmp_path / "made"), "--out", str(tmp_path / "zoo"), *both, "--device", "cpu"]
    words += ["--as", "paper"]  # too briefly fitted to be distances yet
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [refusal["name"] for refusal in told["refused"]] == ["broken"]
    assert [row["name"] for row in told["placed"]] == zoo.records.name[heldout].tolist()
    pair = ["--space", str(tiny_space_folder), "--zoo", str(tiny_zoo_folder), "--device", "cpu", "--json"]
    assert main(["eval", *pair]) == 0
    measured = json.loads(capsys.readouterr().out)["heldout"]
    overlaps = [1 - row["error"] for row in told["placed"]]
    assert np.median(overlaps) == pytest.approx(measured["iou_median"], abs=0.001)
    words[4] = str(tmp_path / "again")
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "refused broken" in out and "imported 2 networks (2 siren64)" in out and "nearest training network" in out
    assert "holds a zoo already" in refused(capsys, *words)
    assert "is not of the space's family" in refused(
        capsys, *words[:4], tmp_path / "other", *words[5:-2], "--arch", "siren256"
    )
    z = [
        "embed",
        "--space",
        str(tiny_space_folder),
        "--zoo",
        str(tmp_path / "zoo"),
        "--out",
        str(tmp_path / "z.parquet"),
    ]
    assert main([*z, "--map", "pca", "--among", str(tiny_zoo_folder)]) == 0
    placed, told = pd.read_parquet(tmp_path / "z.parquet"), capsys.readouterr().out
    assert list(placed)[3:11] == ["x", "y", "error", "nearest", "distance", "off_manifold", "why_off", "z0"]
    assert placed.off_manifold.all() and (placed.error > 0.5).all()  # the space is hardly trained
    assert all(f"  off the manifold: {why}" in told for why in placed.why_off)


def test_directions_are_told_and_measured(capsys, monkeypatch, tiny_zoo_folder, tiny_space_folder):
    both = ["directions", "--space", str(tiny_space_folder), "--zoo", str(tiny_zoo_folder), "--device", "cpu"]
    assert "too few for a direction" in refused(capsys, *both)
    monkeypatch.setattr("netspace.latent.directions.LEAST", 4)
    monkeypatch.setattr("netspace.latent.directions.FOLDS", 2)
    assert main([*both, "--column", "seat_height", "--networks", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["columns"][0]["count"] == 4 and len(told["moved"][0]["measured"]) == 9
    assert main([*both, "--column", "seat_height", "--networks", "1"]) == 0
    assert "measured seat_height rises throughout for" in capsys.readouterr().out
    assert "no column of different numbers 'beauty'" in refused(capsys, *both, "--column", "beauty")
    assert "--networks measures decoded networks" in refused(capsys, *both, "--column", "width", "--networks", "1")


def test_a_shape_is_fitted_by_its_embedding_alone(tmp_path, capsys, tiny_zoo_folder, tiny_space_folder):
    run = ["lso", "--space", tiny_space_folder, "--zoo", tiny_zoo_folder, "--start", "mean", "--steps", "2"]
    assert "--target" in refused(capsys, *run, "--out", tmp_path / "without")
    assert main([*map(str, run), "--target", "chair:1", "--out", str(tmp_path / "run")]) == 0
    assert "iou on test data" in capsys.readouterr().out
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert "flat.obj" in refused(capsys, *run, "--target", tmp_path / "flat.obj", "--out", tmp_path / "flat")


def test_wrong_images_are_refused_in_one_sentence(tmp_path, capsys, tiny_cnn_zoo_folder, tiny_cnn_space_folder):
    both = ["--space", tiny_cnn_space_folder, "--zoo", tiny_cnn_zoo_folder]
    for i in range(3):
        (tmp_path / "own" / "one").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(tmp_path / "own" / "one" / f"{i}.png")
    assert "one class" in refused(capsys, "images", "own", "--folder", tmp_path / "own")
    assert "no folder" in refused(capsys, "images", "own", "--folder", tmp_path / "nothing")
    (tmp_path / "own" / "two").mkdir()
    for i in range(9):
        Image.new("RGB", (40, 40), (i, 0, 0)).save(tmp_path / "own" / "two" / f"{i}.png")
        Image.new("RGB", (40, 40), (i, 0, 0)).save(tmp_path / "own" / "one" / f"{i}.png")
    other = ["zoo", "fit-cnn", "--out", tmp_path / "zoo", "--data", tmp_path / "own", "--arch"]
    said = refused(capsys, *other, "resnet8/32px-2c")
    assert "reads images of 32 pixels in 2 classes" in said and "40 pixels" in said
    assert "needs images of at least 32" in refused(capsys, *other, "resnet8/16px-2c")
    path = ["interpolate", *both, "--a", "lenetlike-000", "--b", "lenetlike-001", "--out", tmp_path / "path"]
    import torch

    torch.save(netspace.ARCHS["lenetlike/digits"].fresh(0).state_dict(), tmp_path / "net.pt")
    torch.save(netspace.nets.archs.arch_named("lenetlike/24px-2c").fresh(0).state_dict(), tmp_path / "own.pt")
    fuse = ["fuse", "--arch", "lenetlike/24px-2c", "--state", tmp_path / "own.pt", "--data", tmp_path / "own"]
    assert "reads images of 24 pixels" in refused(capsys, *fuse, "--out", tmp_path / "fused.safetensors")
    assert "image classifiers have no picture to draw" in refused(
        capsys, "zoo", "thumbnails", "--zoo", tiny_cnn_zoo_folder
    )
    assert main([*map(str, path), "--steps", "2"]) == 0
    fused = tmp_path / "new" / "fused.safetensors"
    words = ["fuse", "--arch", "lenetlike/digits", "--state", str(tmp_path / "net.pt"), "--out", str(fused)]
    assert main(words) == 0 and fused.exists()
    chairs = ["eval", *both[:2], "--zoo", tmp_path / "zoo"]
    assert "no folder" in refused(capsys, *chairs)


def test_a_network_of_any_image_folder_is_trained_and_listed(tmp_path, capsys):
    for name, grey in (("dark", 40), ("light", 200)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for i in range(20):
            Image.new("RGB", (24, 24), (grey + i,) * 3).save(tmp_path / "own" / name / f"{i:02d}.png")
    words = ["--arch", "lenetlike/24px-2c", "--count", "2", "--validation", "0", "--heldout", "1", "--epochs", "2"]
    zoo = ["zoo", "fit-cnn", "--out", str(tmp_path / "zoo"), "--data", str(tmp_path / "own"), "--workers", "1"]
    assert main([*zoo, *words]) == 0
    assert netspace.Zoo.load(tmp_path / "zoo").family.names == ["lenetlike/24px-2c"]
    assert main(["archs", "lenetlike/24px-2c", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index("[") :])[0]["class_id"] == 0


def test_batch_norm_is_fused_and_what_is_wrong_is_named(tmp_path, capsys):
    import torch
    from safetensors.torch import load_file

    module = netspace.ARCHS["resnet8/digits"].fresh(0)
    torch.save(module.state_dict(), tmp_path / "fresh.pt")
    module(torch.randn(8, 3, 32, 32))
    torch.save(module.state_dict(), tmp_path / "run.pt")
    words = ["fuse", "--arch", "resnet8/digits", "--out", str(tmp_path / "fused.safetensors"), "--state"]
    assert main([*words, str(tmp_path / "run.pt")]) == 0
    said = capsys.readouterr().out
    assert "360" not in said and "on 256 test images of digits its logits differ" in said and "warning" not in said
    fused = load_file(tmp_path / "fused.safetensors")
    netspace.Network.of(netspace.ARCHS["resnet8/digits"], fused, (8, 10_000))
    assert main([*words, str(tmp_path / "fresh.pt")]) == 0
    assert "warning: bn1, layer1.0.bn1" in capsys.readouterr().out
    state = module.state_dict()
    state["extra"] = state.pop("fc.bias")
    torch.save(state, tmp_path / "other.pt")
    said = refused(capsys, *words, tmp_path / "other.pt")
    assert "not a trained resnet8/digits: missing fc.bias; unknown extra" in said
    torch.save(module, tmp_path / "pickle.pt")
    assert "cannot be read as plain weights" in refused(capsys, *words, tmp_path / "pickle.pt")
    (tmp_path / "half.pt").write_bytes((tmp_path / "run.pt").read_bytes()[:5000])
    assert "cannot be read as plain weights" in refused(capsys, *words, tmp_path / "half.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    assert "holds no state dict" in refused(capsys, *words, tmp_path / "list.pt")


def test_archs_lists_counts_class_ids_and_prep_sizes(capsys):
    assert main(["archs", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["resnet8/cifar10"]
    assert (row["trained_parameters"], row["parameters"], row["prep"]) == (78_042, 77_706, [8, 10_000])
    assert row["class_id"] == 2 and rows["resnet56/tiny-imagenet"]["class_id"] is None


def test_errors_are_one_sentence(tmp_path, capsys, tiny_zoo_folder, tiny_space_folder):
    both = ["--space", tiny_space_folder, "--zoo", tiny_zoo_folder]
    path = ["interpolate", "--out", tmp_path / "out"]
    assert "no network 'sofa'" in refused(capsys, *path, *both, "--a", "sofa", "--b", "chair-0001")
    assert "no folder" in refused(capsys, "eval", "--space", tmp_path / "x", "--zoo", tiny_zoo_folder)
    assert "no folder" in refused(capsys, "eval", "--space", tiny_space_folder, "--zoo", tmp_path / "x")
    assert "no folder" in refused(capsys, "zoo", "fit-sdf", "--meshes", tmp_path / "x", "--out", tmp_path / "zoo")
    (tmp_path / "empty").mkdir()
    assert "no mesh" in refused(capsys, "zoo", "fit-sdf", "--meshes", tmp_path / "empty", "--out", tmp_path / "zoo")
    assert "holds a zoo already" in refused(capsys, "zoo", "fit-sdf", "--chairs", 2, "--out", tiny_zoo_folder, *FIT)
    assert "holds a run already" in refused(capsys, "train", "--zoo", tiny_zoo_folder, "--out", tiny_space_folder)
    assert "--device foo is not usable" in refused(capsys, "eval", *both, "--device", "foo")
    assert "--pairs is -1" in refused(capsys, "eval", *both, "--pairs", -1)
    assert "holds a zoo already" in refused(
        capsys, "zoo", "select", "--zoo", tiny_zoo_folder, "--train", 1, "--heldout", 0, "--out", tiny_zoo_folder
    )
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    flat = ["zoo", "fit-sdf", "--meshes", tmp_path / "flat", "--out", tmp_path / "flat-zoo", *FIT]
    assert "every shape was skipped" in refused(capsys, *flat)
    two = [*path, *both, "--a", "chair-0000", "--b", "chair-0001"]
    assert "at least 2 steps" in refused(capsys, *two, "--steps", 1)


def test_a_zoo_of_another_size_names_both(tmp_path, capsys, tiny_zoo_folder):
    netspace.NetSpace(netspace.Family.of("siren256"), embedding=8, hidden=16).save(tmp_path)
    said = refused(capsys, "eval", "--space", tmp_path, "--zoo", tiny_zoo_folder)
    assert "siren64 as PReps (4, 10000)" in said and "siren256 as PReps (8, 10000)" in said


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["eval", "--space"], "argument --space: expected one argument; see `netspace eval --help`"),
        (["eval"], "the following arguments are required: --space, --zoo"),
        (["zoo", "weigh"], "argument COMMAND: invalid choice: 'weigh' (choose from"),
        (["interpolate", "--method", "magic"], "argument --method: invalid choice: 'magic' (choose from"),
        (["interpolate", "--format", "doc"], "argument --format: invalid choice: 'doc' (choose from"),
        (["train", "--recipe", "soup"], "argument --recipe: invalid choice: 'soup' (choose from"),
        (["shapes", "chairs", "--count", "many"], "argument --count: invalid int value: 'many'"),
    ],
)
def test_a_wrong_option_is_named_in_a_sentence(capsys, argv, sentence):
    assert sentence in refused(capsys, *argv)


@pytest.mark.all_methods
def test_every_command_has_examples_that_are_commands():
    """In the module that it is: its docstring is what --help prints."""
    for parser in parsers(build_parser()):
        if parser.get_default("run"):
            module = sys.modules[parser.get_default("run").__module__]
            assert module.__doc__ in parser.format_help(), module.__name__
            text = module.__doc__.replace("\\\n", " ")
            examples = [line.split()[1:] for line in text.splitlines() if line.strip().startswith("netspace ")]
            assert examples, f"{module.__name__} has no example"
            for words in examples:
                assert build_parser().parse_args(words).run is module.run, words


def test_a_recipe_is_used_however_it_is_written(capsys, tmp_path):
    for words in (["--recipe", "chairs-prep"], ["--recipe=chairs-prep"], ["--rec", "chairs-prep"]):
        args = parse(["train", "--zoo", "z", "--out", "o", *words, "--steps", "7"])
        assert (args.hidden, args.steps) == (CHAIRS_PREP.hidden, 7), words


def test_a_recipe_gives_the_defaults_and_options_win():
    words = ["train", "--zoo", "z", "--out", "o", "--recipe", "chairs-prep", "--steps", "7"]
    args = build_parser("chairs-prep").parse_args(words)
    assert (args.hidden, args.steps) == (CHAIRS_PREP.hidden, 7)
    fit = build_parser("paper-sdf-zoo").parse_args(["zoo", "fit-sdf", "--chairs", "1", "--out", "o"])
    assert fit.half_inside and fit.steps == 10_000


def test_ended_from_outside_it_keeps_what_was_finished(tmp_path):
    words = ["zoo", "fit-sdf", "--chairs", "50", "--out", str(tmp_path / "zoo"), "--workers", "1", *FIT]
    process = subprocess.Popen([sys.executable, "-m", "netspace", *words], stdout=subprocess.PIPE, text=True)
    assert "IoU" in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=240)
    assert process.returncode == 130
    assert 1 <= len(netspace.Zoo.load(tmp_path / "zoo")) < 50


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    from netspace.train import fit_sdf

    def interrupted(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(fit_sdf, "fit_sdf_zoo", interrupted)
    assert main(["zoo", "fit-sdf", "--chairs", "2", "--out", str(tmp_path)]) == 130
    assert "--resume goes on" in capsys.readouterr().err
