"""What is not finite or no valid value is refused in a sentence or named: limits, tables, spaces, networks."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_TRAIN
from safetensors.torch import load_file, save_file
from test_cli import refused

from netspace import load
from netspace.cli.main import main
from netspace.errors import FormatError, NoSurface
from netspace.evaluate.placement import place_networks
from netspace.geometry.mesh import extract, extract_dense
from netspace.latent.embeddings import embed_zoo
from netspace.latent.projection import UmapConfig
from netspace.nets.archs import ARCHS, arch_named
from netspace.nets.network import Network
from netspace.tasks.curves import curve_pairs
from netspace.tasks.distillation import best_of
from netspace.tasks.measures import accuracy
from netspace.train.fit_cnn import CnnConfig
from netspace.train.fit_sdf import FitConfig
from netspace.train.lso import LsoConfig
from netspace.train.lso_files import read_result
from netspace.train.space import TrainConfig, train_space
from netspace.train.starts import start_from
from netspace.zoo.store import Zoo, add, write_zoo

CONFIGS = (FitConfig, CnnConfig, TrainConfig, LsoConfig, UmapConfig)
NUMBERS = [
    (config, f.name)
    for config in CONFIGS
    for f in dataclasses.fields(config)
    if isinstance(f.default, int | float) and not isinstance(f.default, bool)
]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("config", "name"), NUMBERS, ids=lambda v: getattr(v, "__name__", v))
def test_no_setting_takes_what_is_no_number(config, name, value):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} is {value}"):
        config(**{name: value})


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (FitConfig, "lr", 0.0), (FitConfig, "batch", 99_999_999_999), (FitConfig, "seed", 2**31),
        (CnnConfig, "lr", -1.0), (CnnConfig, "momentum", -5.0), (CnnConfig, "momentum", 1.0),
        (TrainConfig, "lr", 0.0), (TrainConfig, "average", 5.0), (TrainConfig, "beta2", 1.0),
        (TrainConfig, "stop_at", 1.1), (TrainConfig, "stretch", 1.5), (TrainConfig, "points", 999_999_999),
        (TrainConfig, "embedding", 10**12), (TrainConfig, "chunk", 10**12), (LsoConfig, "alpha", 1.5),
        (LsoConfig, "temperature", 0.0), (LsoConfig, "lr", 1e31), (UmapConfig, "min_dist", -0.1),
    ],
)  # fmt: skip
def test_settings_have_limits(config, name, value):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} is .*, it must be"):
        config(**{name: value})


def test_counts_of_the_command_line_have_limits(tmp_path, capsys, tiny_zoo_folder, tiny_space_folder):
    fit_sdf = ["zoo", "fit-sdf", "--out", tmp_path / "zoo"]
    for words, sentence in (
        ([*fit_sdf, "--chairs", 1, "--lr", "inf"], "--lr is inf, it must be a finite number"),
        ([*fit_sdf, "--chairs", 10**12], "--chairs is 1000000000000, it must be at most"),
        ([*fit_sdf, "--chairs", 1, "--workers", 10**6], "--workers is 1000000, it must be at most 1024"),
        ([*fit_sdf, "--chairs", 1, "--device", "meta"], "--device meta is not usable here"),
        (["shapes", "chairs", "--count", -1, "--out", tmp_path / "zoo"], "--count is -1, it must be at least 1"),
    ):
        assert sentence in refused(capsys, *words)
        assert not (tmp_path / "zoo").exists()
    both = ["--space", tiny_space_folder, "--zoo", tiny_zoo_folder, "--a", "chair-0000", "--b", "chair-0001"]
    words = ["interpolate", *both, "--out", tmp_path / "path", "--steps", 10**10]
    assert "--steps is 10000000000, it must be at most 10000" in refused(capsys, *words)


# -- tables and files ------------------------------------------------------------------------------------------------


def set_to(column: str, values) -> object:
    return lambda records: records.assign(**{column: values})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_to("row", [-1, 1, 2, 3, 4, 5]), "has -1 in the column 'row', it must be at least 0"),
        (set_to("row", [0.5, 1, 2, 3, 4, 5]), "has a column 'row' of type float64, it must hold whole numbers"),
        (set_to("row", list("012345")), "has a column 'row' of type"),
        (set_to("row", [True, False] * 3), "has a column 'row' of type bool"),
        (set_to("row", pd.array([None, 1, 2, 3, 4, 5], "Int64")), "has a column 'row' of type Int64"),
        (set_to("row", 0), "lists two networks with the weights in row 0 of siren64"),
        (set_to("row", [0, 1, 2, 3, 4, 9]), "lists 6 networks but holds the weights of 6"),
        (set_to("name", "twin"), "lists two networks called 'twin'"),
        (set_to("name", [1, 2, 3, 4, 5, 6]), "has 1 in the column 'name', it must be a text"),
        (set_to("name", ["", *"bcdef"]), "has '' in the column 'name'"),
        (set_to("name", [None, *"bcdef"]), "in the column 'name', it must be a text"),
        (set_to("split", None), "in the column 'split', it must be a text"),
        (set_to("arch", 1.5), "has 1.5 in the column 'arch'"),
        (lambda records: records.iloc[:0], "lists no network"),
    ],
)  # fmt: skip
def test_a_table_that_names_no_networks_is_refused(tmp_path, tiny_zoo, change, sentence):
    records = change(tiny_zoo.records.copy())
    write_zoo(tmp_path, tiny_zoo.family, records, tiny_zoo.weights, {})
    with pytest.raises(FormatError) as told:
        Zoo.load(tmp_path)
    assert sentence in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"', "[" * 100_000, '{"format": 1, "family": 3}',
                                  '{"format": 1, "family": {"archs": ["siren64", "siren64"], "size": [8, 1024]}}',
                                  '{"format": 1, "family": {"archs": ["siren64"], "size": [8.0, 1024.0]}}',
                                  '{"format": 1, "family": {"archs": "siren64", "size": [8, 1024]}}',
                                  '{"format": 1, "family": {"archs": ["resnet8/999999px-99999c"], "size": [8, 8]}}'],
                         ids=lambda text: text[:70])  # fmt: skip
def test_json_of_another_kind_is_refused_in_a_sentence(tmp_path, text):
    for name, read in (("zoo.json", Zoo.load), ("config.json", load)):
        (tmp_path / name).write_text(text)
        with pytest.raises(FormatError):
            read(tmp_path)


@pytest.mark.parametrize(
    "change", [{"embedding": -1}, {"embedding": 10**12}, {"hidden": 0}, {"hidden": 10**12}, {"chunk": 0},
               {"chunk": 10**12}, {"chunk": 1.5}, {"chunk": True}, {"hidden": 60_000, "chunk": 1}, {"preset": []}],
    ids=str,
)  # fmt: skip
def test_a_space_of_impossible_sizes_is_refused_before_memory_is_taken(tmp_path, tiny_space_folder, change):
    config = json.loads((tiny_space_folder / "config.json").read_text())
    config["space"] |= change
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((tiny_space_folder / "model.safetensors").read_bytes())
    with pytest.raises(FormatError):
        load(tmp_path)


def test_a_space_whose_weights_are_not_finite_is_refused(tmp_path, tiny_space_folder):
    tensors = load_file(tiny_space_folder / "model.safetensors")
    tensors["decoder.mix.bias"][3] = math.inf
    (tmp_path / "config.json").write_bytes((tiny_space_folder / "config.json").read_bytes())
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(FormatError, match=r"has values that are not finite, in decoder\.mix\.bias"):
        load(tmp_path)


def test_a_space_is_stored_so_that_no_weight_overflows(tmp_path, tiny_space_folder):
    space = load(tiny_space_folder)
    space.decoder.scale[0, 0] = 1e6  # more than float16 holds
    space.save(tmp_path)
    assert load(tmp_path).decoder.scale[0, 0] == 1e6


# -- networks --------------------------------------------------------------------------------------------------------

VALUES = (math.nan, math.inf)


def spoilt(zoo: Zoo, folder, value: float = math.nan) -> Zoo:
    """A copy of a zoo in which the first network has one weight that is not finite."""
    weights = {name: stack.clone() for name, stack in zoo.weights.items()}
    next(iter(weights.values()))[zoo.records.row[0]].view(-1)[5] = value
    write_zoo(folder, zoo.family, zoo.records, weights, {})
    return Zoo.load(folder)


@pytest.mark.parametrize("value", VALUES)
def test_networks_that_are_not_finite_are_found(tmp_path, tiny_zoo, tiny_family_zoo, value):
    assert tiny_zoo.not_finite == tiny_family_zoo.not_finite == []
    assert spoilt(tiny_zoo, tmp_path / "a", value).not_finite == [0]
    assert spoilt(tiny_family_zoo, tmp_path / "b", value).not_finite == [0]


@pytest.mark.parametrize("kind", ["shapes", "images"])
def test_eval_names_a_network_of_nan_and_does_not_count_it(tmp_path, capsys, request, kind):
    names = ("tiny_zoo", "tiny_space_folder") if kind == "shapes" else ("tiny_cnn_zoo", "tiny_cnn_space_folder")
    zoo, space = map(request.getfixturevalue, names)
    spoilt(zoo, tmp_path / "zoo")
    name, split = zoo.records.name[0], zoo.records.split[0]
    words = ["eval", "--space", str(space), "--zoo", str(tmp_path / "zoo"), "--device", "cpu"]
    words += ["--resolution", "32", "--rows", str(tmp_path / "rows.csv")]
    assert main([*words, "--json"]) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out)[split]
    assert summary["not_counted"] == [name] and summary["count"] == len(zoo.ids(split)) - 1
    assert f"not counted: {name}: it has weights that are not finite" in told.err
    rows = pd.read_csv(tmp_path / "rows.csv").set_index("name")
    assert rows.problem[name] == "it has weights that are not finite" and rows.problem.notna().sum() == 1
    assert rows.loc[name, rows.columns[1:5]].isna().all()
    whole = zoo.records.name.drop(0)
    assert main([*words[:4], str(zoo.folder), *words[5:], "--json"]) == 0
    capsys.readouterr()
    usual = pd.read_csv(tmp_path / "rows.csv").set_index("name")
    pd.testing.assert_frame_equal(usual.loc[whole].iloc[:, 1:5], rows.loc[whole].iloc[:, 1:5])


def test_a_decode_that_is_not_finite_is_named(tmp_path, capsys, tiny_cnn_zoo_folder, tiny_cnn_space_folder):
    space = load(tiny_cnn_space_folder)
    space.decoder.scale.fill_(3e38)
    space.save(tmp_path / "space")
    both = ["--space", str(tmp_path / "space"), "--zoo", str(tiny_cnn_zoo_folder), "--device", "cpu"]
    assert main(["eval", *both]) == 0
    out = capsys.readouterr().out
    assert out.count("its decode has") == 8 and "train (0 networks)" in out and "not defined" in out


def test_answers_that_are_not_finite_count_as_wrong():
    logits = torch.tensor([[1.0, 0.0], [math.nan, 0.0], [math.nan, math.nan], [0.0, math.inf]])
    assert accuracy(logits, torch.tensor([0, 0, 0, 1])) == 0.25


@pytest.mark.parametrize("make", [extract, extract_dense])
def test_a_field_that_is_not_finite_has_no_surface(make):
    """Nothing that is not finite reaches a renderer."""
    for value in (math.nan, math.inf, -math.inf):

        def field(x, value=value):
            distance = x.norm(dim=1) - 0.5
            return torch.where((x[:, 0] > 0.2) & (distance.abs() < 0.1), value, distance)

        with pytest.raises(NoSurface, match="not finite"):
            make(field, 32)


def test_what_learns_from_networks_refuses_those_that_are_not_finite(tmp_path, tiny_cnn_zoo, tiny_cnn_space_folder):
    zoo, space = spoilt(tiny_cnn_zoo, tmp_path / "zoo"), load(tiny_cnn_space_folder)
    name = zoo.records.name[0]
    with pytest.raises(FormatError, match=f"has networks whose weights are not finite: '{name}'; `zoo select`"):
        next(train_space(zoo, TINY_TRAIN, tmp_path / "space"))
    assert not (tmp_path / "space").exists()
    with pytest.raises(FormatError, match="not finite"):
        best_of(zoo, name)
    with pytest.raises(ValueError, match=f"the weights of {name} are not finite"):
        start_from(space, zoo, name)
    for where in ("mean", "noise", "at:0,1"):
        assert start_from(space, zoo, where).z.isfinite().all()  # of the others
    with pytest.raises(ValueError, match="the start 'at:1e38,1e38' is not finite, or too far"):
        start_from(space, zoo, "at:1e38,1e38")
    assert not {0} & {i for pair in curve_pairs(zoo, 5) for i in (pair.a, pair.b)}


def test_paths_and_selections_leave_out_what_is_not_finite(tmp_path, capsys, tiny_zoo, tiny_space_folder):
    zoo = spoilt(tiny_zoo, tmp_path / "zoo")
    name, other = zoo.records.name[:2]
    both = ["--space", tiny_space_folder, "--zoo", tmp_path / "zoo"]
    assert "not finite" in refused(capsys, "interpolate", *both, "--a", name, "--b", other, "--out", tmp_path / "path")
    assert not (tmp_path / "path").exists()
    select = ["zoo", "select", "--zoo", str(tmp_path / "zoo"), "--train", "9", "--heldout", "9"]
    assert main([*select, "--out", str(tmp_path / "part")]) == 0
    assert f"left out {name}: its weights are not finite" in capsys.readouterr().out
    assert Zoo.load(tmp_path / "part").records.name.tolist() == zoo.records.name[1:].tolist()
    bad = Network(zoo[1].arch, zoo[1].prep * 1e30)
    with pytest.raises(ValueError, match="has weights that are not finite"):
        add(tmp_path / "part", bad, {"name": "far", "split": "optimised"})


def test_embed_names_what_is_not_finite_and_what_is_off_the_manifold(tmp_path, capsys, tiny_zoo, tiny_space_folder):
    zoo = spoilt(tiny_zoo, tmp_path / "zoo")
    words = ["embed", "--space", str(tiny_space_folder), "--zoo", str(tmp_path / "zoo"), "--device", "cpu"]
    assert main([*words, "--among", str(tiny_zoo.folder), "--out", str(tmp_path / "z.parquet")]) == 0
    out, table = capsys.readouterr().out, pd.read_parquet(tmp_path / "z.parquet")
    assert f"{zoo.records.name[0]} has weights that are not finite: its embedding is not a number" in out
    assert table.why_off[0] == "it has weights that are not finite" and table.nearest[0] == ""
    assert np.isfinite(table.distance[1:]).all() and (table.nearest[1:] == table.name[1:]).any()
    space = load(tiny_space_folder)
    (one,) = place_networks(space, zoo, [0], embed_zoo(space, tiny_zoo), tiny_zoo.records.name.tolist())
    assert one.off and math.isnan(one.error)


def test_sizes_of_images_have_limits():
    assert "resnet8/48px-37c" not in ARCHS and arch_named("resnet8/48px-37c").num_params
    with pytest.raises(ValueError, match="too large: at most 1024 pixels"):
        arch_named("resnet8/5000px-37c")


@pytest.mark.parametrize("marker", ["zoo.json", "config.json", "lso.json"])
def test_nothing_is_written_into_a_folder_of_another_kind(tmp_path, capsys, tiny_zoo_folder, tiny_space_folder, marker):
    (tmp_path / marker).write_text("{}")
    both = ["--zoo", tiny_zoo_folder, "--space", tiny_space_folder]
    for words in (
        ["zoo", "fit-sdf", "--chairs", 1], ["zoo", "select", *both[:2], "--train", 1, "--heldout", 1],
        ["zoo", "join", *both[:2]], ["train", *both[:2]], ["shapes", "chairs", "--count", 1],
        ["interpolate", *both, "--a", "chair-0000", "--b", "chair-0001"],
        ["lso", *both, "--start", "mean", "--target", "chair:1"],
    ):  # fmt: skip
        assert f"{tmp_path} holds a " in refused(capsys, *words, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [marker]


def test_a_result_without_numbers_is_refused(tmp_path):
    good = {"ended": "steps", "problem": "", "steps": 1, "best_step": 1, "score": "iou", "validation": {"best": 0.5}}
    good |= {"test": {"best": 0.5}, "architecture": {}, "seconds": 1.0}
    for change in ({}, {"steps": "one"}, {"test": {"best": None}}, {"test": "x"}, {"score": 3}, {"seconds": None}):
        (tmp_path / "result.json").write_text(json.dumps(good | change))
        if not change:
            assert read_result(tmp_path).test == {"best": 0.5}
            continue
        with pytest.raises(FormatError, match=r"result\.json has no usable"):
            read_result(tmp_path)
