"""`netspace path` on the assets that ship: beyond the ends, mixtures, splines, directions, sums, and bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from test_cli import refused

import netspace
from netspace.cli.main import main
from netspace.data.shapes import MEASURES
from netspace.geometry.mesh import surface_of
from netspace.latent import directions, families
from netspace.latent.embeddings import embed, embed_zoo
from netspace.tasks import task_of
from netspace.zoo.store import select

ASSETS = netspace.ASSETS
CHAIRS = ["--space", ASSETS / "chairs/space-prep", "--zoo", ASSETS / "chairs/zoo", "--resolution", 32]
PROBE = ["--space", ASSETS / "chairs/space-probe", *CHAIRS[2:]]
DIGITS = ["--space", ASSETS / "digits/space", "--zoo", ASSETS / "digits/zoo"]
ONE, TWO, THREE = "chair-0000", "chair-0287", "chair-0086"
WEAK, MIDDLE, STRONG = "resnet8-001", "resnet8-041", "resnet8-079"


def made(out: Path, *words) -> pd.DataFrame:
    """The table that the command writes."""
    assert main([*map(str, ["path", *words]), "--out", str(out)]) == 0
    return pd.read_csv(out / "path.csv")


def picture(folder: Path) -> np.ndarray:
    """The pixels (height, width, 4) of what the command draws."""
    with Image.open(folder / "path.png") as image:
        return np.asarray(image.convert("RGBA"))


def decoded(both: list, names: list[str], weights: list[float]) -> dict[str, torch.Tensor]:
    """Parameters of the network that a mixture decodes to, by the library alone."""
    space, zoo = netspace.load(both[1]), netspace.Zoo.load(both[3])
    z = torch.tensor([weights]) @ embed(space, zoo, [zoo.index(name) for name in names])
    with torch.inference_mode():
        return space.networks(z)[0].params


@pytest.mark.parametrize("method", ["latent", "weights"])
def test_a_path_goes_on_beyond_its_ends(tmp_path, method):
    ends = ["--a", WEAK, "--b", STRONG, "--method", method, "--steps", 3]
    table = made(tmp_path, *DIGITS, *ends, "--beyond", 0.5)
    assert table.gamma.tolist() == [-0.5, 0, 0.5, 1, 1.5] and table.accuracy.between(0, 1).all()
    between = made(tmp_path / "between", *DIGITS, *ends)
    assert between.gamma.tolist() == [0, 0.5, 1]
    assert np.allclose(table.accuracy[1:4], between.accuracy)
    found = load_file(tmp_path / table.network[4])
    if method == "latent":
        expected = decoded(DIGITS, [WEAK, STRONG], [-0.5, 1.5])
    else:
        a, b = (netspace.Zoo.load(DIGITS[3])[name].params for name in (WEAK, STRONG))
        expected = {name: -0.5 * a[name] + 1.5 * b[name] for name in a}
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, atol=1e-4, rtol=1e-4)
    assert picture(tmp_path).shape[1] > 500 and (tmp_path / "path.pdf").exists()


def test_repaired_weights_are_far_better_than_raw_and_the_command_says_how_units_were_matched(tmp_path, capsys):
    found = {}
    for command, method in (("path", "weights"), ("interpolate", "aligned"), ("path", "repaired")):
        words = [*DIGITS, "--a", "resnet8-078", "--b", STRONG, "--method", method, "--steps", 3, "--out", tmp_path]
        assert main([command, *map(str, words)]) == 0
        found[method] = pd.read_csv(tmp_path / "path.csv").accuracy
        first = capsys.readouterr().out.splitlines()[0]
        matched = first.startswith("B's units are matched with A's by their answers")
        assert (matched and first.endswith(": judged on 400 training images")) == (method != "weights")
        assert np.allclose(found[method][[0, 2]], found["weights"][[0, 2]], atol=0.003)  # rounding
    assert found["repaired"][1] > found["weights"][1] + 0.3


def test_interpolate_and_path_write_the_same(tmp_path):
    words = [*map(str, [*CHAIRS, "--a", ONE, "--b", TWO, "--steps", 3])]
    assert main(["interpolate", *words, "--out", str(tmp_path / "old")]) == 0
    made(tmp_path / "new", *words)
    files = sorted(file.name for file in (tmp_path / "old").iterdir())
    assert files == sorted(file.name for file in (tmp_path / "new").iterdir()) and len(files) == 5
    assert all((tmp_path / "old" / name).read_bytes() == (tmp_path / "new" / name).read_bytes() for name in files)


@pytest.mark.parametrize(("names", "count"), [([ONE, TWO, THREE], 6), ([ONE, TWO, THREE, "chair-0120"], 9)])
def test_a_mix_is_spread_over_a_pad(tmp_path, names, count):
    table = made(tmp_path, *CHAIRS, "--mix", *names, "--steps", 3)
    weights = table[[f"weight {name}" for name in names]]
    assert len(table) == count and np.allclose(weights.sum(axis=1), 1)
    assert all((weights[f"weight {name}"] == 1).any() for name in names)
    assert "iou_a" not in table and table.mesh.notna().any()  # there is no A
    sheet = picture(tmp_path)
    assert sheet.shape == (360, 360, 4)
    corner = sheet[240:, :120, :3]  # the first network stands left at the bottom
    assert (corner != 255).any() == bool(table.volume[0] > 0)


def test_one_mixture_takes_any_number_of_networks(tmp_path):
    table = made(tmp_path, *DIGITS, "--mix", WEAK, STRONG, "--weights", 0.25, 0.75)
    assert table[f"weight {WEAK}"].tolist() == [0.25] and table[f"weight {STRONG}"].tolist() == [0.75]
    found, expected = load_file(tmp_path / table.network[0]), decoded(DIGITS, [WEAK, STRONG], [0.25, 0.75])
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, atol=1e-5, rtol=1e-4)


def test_a_mix_of_classifiers_is_a_figure(tmp_path):
    table = made(tmp_path, *DIGITS, "--mix", WEAK, MIDDLE, STRONG, "--steps", 2)
    assert len(table) == 3 and table.accuracy.between(0, 1).all() and (tmp_path / "path.pdf").exists()
    assert table.accuracy.idxmax() != table[f"weight {WEAK}"].idxmax()


def test_a_spline_passes_its_networks(tmp_path, capsys):
    table = made(tmp_path, *DIGITS, "--spline", WEAK, MIDDLE, STRONG, "--steps", 5)
    assert len(table) == 9 and table["at"].iloc[[0, 4, 8]].tolist() == [1, 2, 3]
    assert "network 2.000: accuracy" in capsys.readouterr().out
    found = load_file(tmp_path / table.network[4])
    for name, values in decoded(DIGITS, [MIDDLE], [1.0]).items():
        torch.testing.assert_close(found[name], values, atol=1e-3, rtol=1e-3)


@pytest.mark.long
def test_a_direction_moves_a_network_and_measures_it(tmp_path):
    whole = netspace.Zoo.load(PROBE[3])
    select(whole, whole.ids("train")[:100], tmp_path / "zoo")
    zoo = netspace.Zoo.load(tmp_path / "zoo")
    both = [*PROBE[:2], "--zoo", zoo.folder, *PROBE[4:]]
    table = made(tmp_path / "out", *both, "--direction", "seat_height", "--a", "chair-0003", "--steps", 3)
    space = netspace.load(PROBE[1])
    own, i = float(zoo.records.seat_height[zoo.index("chair-0003")]), zoo.index("chair-0003")
    z = embed_zoo(space, zoo)
    found = directions.direction_of(z, zoo.records, "seat_height", zoo.ids("train"))
    furthest = families.furthest_along(found, task_of(space).reaches)
    assert np.allclose(table.asked, [own - furthest, own, own + furthest], atol=1e-5)
    assert np.allclose(table.by, [-furthest, 0, furthest], atol=1e-5) and "iou_b" not in table
    measured = table["measured seat_height"]
    assert measured.is_monotonic_increasing and measured.iloc[-1] > measured.iloc[0]
    with torch.inference_mode():
        (network,) = space.networks(found.move(z[i], furthest).unsqueeze(0))
    assert measured.iloc[-1] == pytest.approx(MEASURES["seat_height"](surface_of(network, 32).mesh), abs=1e-4)
    assert picture(tmp_path / "out").shape == (240, 3 * 240, 4)


def test_a_sum_ends_at_a_minus_b_plus_c(tmp_path):
    table = made(tmp_path, *DIGITS, "--arithmetic", WEAK, MIDDLE, STRONG, "--steps", 2)
    assert table.share.tolist() == [0, 1]
    found = load_file(tmp_path / table.network[1])
    for name, values in decoded(DIGITS, [WEAK, MIDDLE, STRONG], [1.0, -1.0, 1.0]).items():
        torch.testing.assert_close(found[name], values, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "a path needs --a and --b; or choose one of --mix, --spline, --direction, --arithmetic"),
        (["--a", ONE], "a path needs --b; or choose"),
        (["--a", ONE, "--b", "sofa"], "no network 'sofa'"),
        (["--mix", ONE, TWO, "sofa"], "no network 'sofa'"),
        (["--spline", ONE, "--mix", TWO], "--mix and --spline are different families: choose one"),
        (["--mix", ONE, TWO, THREE, "--a", ONE], "--mix takes no --a"),
        (["--spline", ONE, TWO, "--beyond", 0.5], "--spline takes no --beyond"),
        (["--spline", ONE, TWO, "--method", "weights"], "--spline takes no --method"),
        (["--a", ONE, "--b", TWO, "--weights", 1], "a path takes no --weights"),
        (["--direction", "seat_height"], "--direction needs --a"),
        (["--direction", "seat_height", "--a", ONE, "--b", TWO], "--direction takes no --b"),
        (["--direction", "beauty", "--a", ONE], "has no column of different numbers 'beauty': "),
        (["--direction", "seat_height", "--a", ONE, "--steps", 4], "an odd number of steps"),
        (["--mix", ONE, TWO], "a mix is of three or four networks, not of 2"),
        (["--mix", ONE, TWO, "--weights", 0.5, 0.6], "weights of a mixture sum to 1"),
        (["--mix", ONE, TWO, "--weights", 1], "a mix of 2 networks has as many weights, got 1"),
        (["--mix", ONE, TWO, "--weights", "nan", 1], "finite numbers"),
        (["--mix", ONE, TWO, "--weights", 0.5, 0.5, "--steps", 3], "one mixture: no --steps"),
        (["--mix", ONE, ONE, ONE], "there is nothing to mix from chair-0000 alone"),
        (["--mix", ONE, TWO, THREE, "--steps", 101], "--steps 101 along an edge of a pad"),
        (["--mix", ONE, TWO, THREE, "--steps", 1], "at least 2 mixtures along an edge, got 1"),
        (["--spline", ONE], "2 to 12 networks, not through 1"),
        (["--spline", ONE, ONE, TWO], "chair-0000 and chair-0000 are embedded at one point"),
        (["--arithmetic", ONE, ONE, TWO], "a − b is nothing"),
        (["--arithmetic", ONE, TWO], "--arithmetic: expected 3 arguments"),
        (["--a", ONE, "--b", TWO, "--beyond", -1], "by a factor of at least 0, got -1.0"),
        (["--a", ONE, "--b", TWO, "--beyond", "inf"], "makes more than 10000 networks"),
        (["--a", ONE, "--b", TWO, "--beyond", "nan"], "by a factor of at least 0, got nan"),
        (["--a", ONE, "--b", TWO, "--steps", 1], "at least 2 steps, got 1"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, capsys, words, sentence):
    out = tmp_path / "out"
    assert sentence in refused(capsys, "path", *CHAIRS, *words, "--out", out)
    assert not out.exists()


def test_a_direction_of_a_few_networks_is_refused(tmp_path, capsys):
    few = ["zoo", "select", "--zoo", ASSETS / "chairs/zoo", "--train", 8, "--heldout", 2, "--out", tmp_path / "few"]
    assert main([*map(str, few)]) == 0
    name = netspace.Zoo.load(tmp_path / "few").records.name[0]
    words = [*CHAIRS[:2], "--zoo", tmp_path / "few", "--direction", "seat_height", "--a", name]
    said = refused(capsys, "path", *words, "--out", tmp_path / "out")
    assert "8 networks with a known seat_height are too few for a direction, 20 are needed" in said
