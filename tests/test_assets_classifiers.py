"""The classifiers that ship: good enough, measured as their cards say, and measured again here for a few networks."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import was_made_by

import netspace
from netspace.data.images import load_images
from netspace.latent.paths import PATH_STEPS
from netspace.recipes import CIFAR10_SPACE, CIFAR10_ZOO, DIGITS_SPACE, DIGITS_ZOO
from netspace.tasks.curves import Curve, curve_pairs, summarise_curves
from netspace.tasks.measures import accuracy, classify
from netspace.tasks.recognition import recognise, summarise_recognition
from netspace.zoo.store import HELDOUT, SPLITS, TRAIN, VALIDATION

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SETS = {"digits": (DIGITS_ZOO, DIGITS_SPACE), "cifar10": (CIFAR10_ZOO, CIFAR10_SPACE)}
ALL = pytest.mark.parametrize("name", SETS)


def zoo_of(name):
    return netspace.Zoo.load(ASSETS / name / "zoo")


def evaluated(name):
    folder = ASSETS / name / "space"
    return json.loads((folder / "eval.json").read_text()), pd.read_csv(folder / "eval.csv")


def test_all_assets_together_are_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 90e6


@ALL
@pytest.mark.parametrize("part", ["zoo", "space"])
def test_each_has_a_card(name, part):
    card = (ASSETS / name / part / "README.md").read_text()
    for heading in ("Command", "Seed", "Data", "Time", "Machine", "Date"):
        assert re.search(rf"^\| {heading} \| .+ \|$", card, re.MULTILINE), heading
    assert "python -m netspace" in card


@ALL
def test_zoo_and_space_were_made_by_the_recipes(name):
    zoo_recipe, space_recipe = SETS[name]
    about = json.loads((ASSETS / name / "space" / "config.json").read_text())["about"]
    assert was_made_by(zoo_of(name).about["config"], zoo_recipe) and was_made_by(about["config"], space_recipe)
    assert space_recipe.select == VALIDATION


def test_the_zoos_are_as_large_as_promised():
    digits, cifar10 = zoo_of("digits"), zoo_of("cifar10")
    assert len(digits) >= 64 and digits.family.names == ["resnet8/digits"]
    assert [len(cifar10.ids(split)) for split in SPLITS] == [100, 16, 16]
    for zoo in (digits, cifar10):
        scores = zoo.records.test_accuracy
        assert scores.max() - scores.min() > 0.35  # networks of different performance
        assert zoo.records.fused_difference.max() <= 1e-4 and not zoo.records.norms_never_run.any()


@ALL
def test_held_out_networks_come_back_as_good_as_they_were(name):
    summary, _ = evaluated(name)
    assert summary[HELDOUT]["accuracy_mae"] <= 0.03 and summary[HELDOUT]["pearson"] >= 0.9


@ALL
def test_accuracy_rises_along_latent_paths_and_collapses_along_raw_weights(name):
    paths = evaluated(name)[0]["paths"]
    rising = paths[f"{TRAIN}, weakest to strongest, latent"]
    assert rising["pairs"] == 20 and rising["spearman_median"] >= 0.9
    latent, weights = (paths[f"{TRAIN}, random, {method}"] for method in ("latent", "weights"))
    assert latent["barrier_mean"] < 0.5 * weights["barrier_mean"]


@ALL
def test_the_summary_is_that_of_the_rows_and_of_the_recorded_curves(name):
    summary, rows = evaluated(name)
    zoo = zoo_of(name)
    assert sorted(rows.name) == sorted(zoo.records.name)
    (arch,) = zoo.family.names
    again = summarise_recognition(rows.assign(arch=arch, predicted_arch=arch).itertuples(index=False))
    for split in SPLITS:
        assert again[split]["count"] == summary[split]["count"]
        for figure in ("accuracy_mae", "pearson", "spearman"):
            assert again[split][figure] == pytest.approx(summary[split][figure], abs=1e-4)
    table = pd.read_parquet(ASSETS / name / "space" / "curves.parquet")
    accuracies = dict(zip(rows.name, rows.target_accuracy, strict=True))
    curves = []
    for (kind, method, a, b), mine in table.groupby(["kind", "method", "a", "b"], sort=False):
        assert len(mine) == PATH_STEPS and mine.gamma.is_monotonic_increasing
        ends, archs = (accuracies[a], accuracies[b]), (arch,) * PATH_STEPS
        curves.append(Curve(kind, method, a, b, ends, tuple(mine.accuracy), archs))
    assert set(table["count"]) == {{"digits": 360, "cifar10": 10_000}[name]}
    assert len(curves) == 2 * len({(p.kind, p.a, p.b) for p in curve_pairs(zoo, 20)})
    for kind, figures in summarise_curves(curves).items():
        for figure, value in figures.items():
            assert value == pytest.approx(summary["paths"][kind][figure], abs=2e-4), (kind, figure)


@ALL
def test_cards_say_what_eval_measured(name):
    summary, _ = evaluated(name)
    card = (ASSETS / name / "space" / "README.md").read_text()
    for split in SPLITS:
        m = summary[split]
        assert f"| {m['count']} | {m['accuracy_mae']:.3f} | {m['pearson']:.3f} | {m['spearman']:.3f} |" in card
    for m in summary["paths"].values():
        assert (
            f"| {m['spearman_median']:.2f} | {m['middle_accuracy_mean']:.2f} ± {m['middle_accuracy_std']:.2f} |" in card
        )


def test_a_few_digits_networks_are_measured_again():
    """CIFAR-10's images are not redistributed: its figures are measured again only where somebody has them."""
    space, zoo, (_, rows) = netspace.load(ASSETS / "digits" / "space"), zoo_of("digits"), evaluated("digits")
    images = load_images("digits", "test")
    for split in SPLITS:
        i = zoo.ids(split)[3]
        again, row = recognise(space, zoo, i, images), rows[rows.name == zoo.records.name[i]].iloc[0]
        assert again.target_accuracy == pytest.approx(row.target_accuracy, abs=0.006)
        assert again.predicted_accuracy == pytest.approx(row.predicted_accuracy, abs=0.012)
        stored = accuracy(classify(zoo[i], images), images.labels)
        assert stored == pytest.approx(zoo.records.test_accuracy[i], abs=0.006)
