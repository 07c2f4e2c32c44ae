"""The family that ships and the recorded optimisation: good enough, measured as their cards say, and measured again."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import was_made_by

import netspace
from netspace.data.images import load_images
from netspace.recipes import DIGITS_FAMILY_SPACE, DIGITS_LSO
from netspace.tasks.curves import WALK_STEPS, Curve, curve_pairs, summarise_walks
from netspace.tasks.measures import accuracy, classify
from netspace.tasks.recognition import recognise, summarise_recognition
from netspace.train.lso_files import read_best, read_result, read_run, read_trajectory
from netspace.zoo.store import HELDOUT, TRAIN

ASSETS = Path(__file__).resolve().parent.parent / "assets"
FAMILY, RUN = ASSETS / "digits-family", ASSETS / "digits" / "lso"
NAMES = [f"{base}/digits" for base in ("lenetlike", "vanillacnn", "resnet8", "resnet32")]
WALK = f"{HELDOUT}, smallest to largest"


@pytest.fixture(scope="module")
def zoo():
    return netspace.Zoo.load(FAMILY / "zoo")


@pytest.fixture(scope="module")
def space():
    return netspace.load(FAMILY / "space")


def measured(name: str = "eval.json") -> dict:
    """On the zoo that ships, or (eval-148.json, unseen-148.json) on the whole one, of which that is a part."""
    return json.loads((FAMILY / "space" / name).read_text())


@pytest.mark.parametrize("folder", [FAMILY / "zoo", FAMILY / "space", RUN], ids=lambda f: f.name)
def test_each_has_a_card(folder):
    card = (folder / "README.md").read_text()
    for heading in ("Command", "Seed", "Data", "Time", "Machine", "Date"):
        assert re.search(rf"^\| {heading} \| .+ \|$", card, re.MULTILINE), heading
    assert "python -m netspace" in card


def test_the_space_was_made_by_the_recipe(space):
    about = json.loads((FAMILY / "space" / "config.json").read_text())["about"]
    assert was_made_by(about["config"], DIGITS_FAMILY_SPACE) and about["networks"] == 81
    assert space.family.names == NAMES


@pytest.mark.parametrize("name", ["eval.json", "eval-148.json"])
def test_held_out_networks_come_back_as_what_they_were(name):
    summary = measured(name)
    assert summary[HELDOUT]["architecture_right"] >= 0.95
    assert set(summary[HELDOUT]["by_architecture"]) == set(NAMES)
    for figures in summary[HELDOUT]["by_architecture"].values():
        assert figures["accuracy_mae"] <= 0.03


def test_the_walk_passes_the_architectures_in_order():
    for kind in (WALK, f"{TRAIN}, smallest to largest"):
        walk = measured("eval-148.json")["paths"][kind]
        assert walk["pairs"] == 10 and walk["in_order"] >= 9
        assert all(at["ratio"] >= 0.95 for at in walk["at"].values())


def test_architectures_that_were_never_seen_are_decoded_as_good_as_trained_ones():
    walk = measured("unseen-148.json")["paths"][WALK]
    for name in NAMES[1:3]:
        assert walk["at"][name]["architecture_right"] >= 0.9 and walk["at"][name]["ratio"] >= 0.8


def test_the_summary_is_that_of_the_rows_and_of_the_recorded_walks(zoo):
    summary, rows = measured(), pd.read_csv(FAMILY / "space" / "eval.csv")
    assert sorted(rows.name) == sorted(zoo.records.name)
    again = json.loads(json.dumps(summarise_recognition(rows.itertuples(index=False))))
    for split, figures in again.items():
        assert figures["architecture_right"] == summary[split]["architecture_right"]
        for name, mine in figures["by_architecture"].items():
            recorded = summary[split]["by_architecture"][name]
            assert mine["accuracy_mae"] == pytest.approx(recorded["accuracy_mae"], abs=1e-4)
    table = pd.read_parquet(FAMILY / "space" / "curves.parquet")
    curves = []
    for (kind, method, a, b), mine in table.groupby(["kind", "method", "a", "b"], sort=False):
        assert len(mine) == WALK_STEPS and mine.gamma.is_monotonic_increasing and method == "latent"
        curves.append(Curve(kind, method, a, b, (0.0, 0.0), tuple(mine.accuracy), tuple(mine.arch)))
    assert {(c.kind, c.a, c.b) for c in curves} == {
        (p.kind, zoo.records.name[p.a], zoo.records.name[p.b]) for p in curve_pairs(zoo, 10)
    }
    assert summarise_walks(zoo, curves) == summary["paths"]


def test_the_card_says_what_eval_measured():
    card, summary = (FAMILY / "space" / "README.md").read_text(), measured("eval-148.json")
    for name, figures in summary[HELDOUT]["by_architecture"].items():
        right, mae = figures["architecture_right"], figures["accuracy_mae"]
        assert f"| {name.split('/')[0]} | {figures['count']} | {right:.3f} | {mae:.3f} |" in card


def test_a_few_networks_are_measured_again(zoo, space):
    rows = pd.read_csv(FAMILY / "space" / "eval.csv").set_index("name")
    images = load_images("digits", "test")
    for name in NAMES[:3]:
        i = next(i for i in zoo.ids(HELDOUT) if zoo.records.arch[i] == name)
        again, row = recognise(space, zoo, i, images), rows.loc[zoo.records.name[i]]
        assert again.predicted_arch == row.predicted_arch == name
        assert again.target_accuracy == pytest.approx(row.target_accuracy, abs=0.006)
        assert again.predicted_accuracy == pytest.approx(row.predicted_accuracy, abs=0.012)


def test_the_recorded_optimisation_is_what_it_says():
    """Its best embedding decodes, in the space that ships, to a network of the recorded accuracy."""
    run, result, best = read_run(RUN), read_result(RUN), read_best(RUN)
    assert run["config"] == asdict(DIGITS_LSO) | {"seed": run["config"]["seed"]}
    digits, images = netspace.load(ASSETS / "digits" / "space"), load_images("digits", "test")
    networks = digits.networks(best.z[None])
    assert torch.allclose(networks[0].prep, best.network.prep, atol=1e-5)
    assert accuracy(classify(networks[0], images), images.labels) == pytest.approx(result.test["best"], abs=0.006)
    lines = [json.loads(line) for line in (RUN / "metrics.jsonl").read_text().splitlines()]
    trajectory = read_trajectory(RUN)
    assert len(lines) == len(trajectory)
    at = [line["step"] for line in lines].index(result.best_step)
    assert torch.equal(trajectory[at], best.z) and best.step == result.best_step
    assert result.test["best"] > result.test["start"] + 0.5  # from a weak network
    card = (RUN / "README.md").read_text()
    for name, value in result.test.items():
        assert re.search(rf"{name}\D*{value:.3f}", card), name
