"""The image fields that ship: small, good enough, made by the recipes, and measured again here for a few networks."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import was_made_by
from reading import read_picture

import netspace
from netspace.recipes import DIGITS_IMAGES_SPACE, DIGITS_IMAGES_ZOO
from netspace.tasks import TASKS
from netspace.zoo.store import HELDOUT, SPLITS, TRAIN, VALIDATION

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "digits-images"
WORDS = {TRAIN: "training", VALIDATION: "validation", HELDOUT: "held-out"}
TASK = TASKS["image-field"]


@pytest.fixture(scope="module")
def zoo():
    return netspace.Zoo.load(FOLDER / "zoo")


@pytest.fixture(scope="module")
def summary():
    return json.loads((FOLDER / "space" / "eval.json").read_text())


def card(part: str) -> str:
    return (FOLDER / part / "README.md").read_text()


@pytest.mark.parametrize("part", ["zoo", "space"])
def test_each_has_a_card(part):
    for heading in ("Command", "Seed", "Data", "Time", "Machine", "Date"):
        assert re.search(rf"^\| {heading} \| .+ \|$", card(part), re.MULTILINE), heading


def test_they_are_small_and_made_by_the_recipes(zoo):
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3e6
    about = json.loads((FOLDER / "space" / "config.json").read_text())["about"]
    assert was_made_by(zoo.about["config"], DIGITS_IMAGES_ZOO) and was_made_by(about["config"], DIGITS_IMAGES_SPACE)


def test_the_zoo_holds_its_digits(zoo):
    records = zoo.records
    assert [len(zoo.ids(split)) for split in SPLITS] == [400, 40, 40] and set(records.label) == set("0123456789")
    assert records.psnr.median() >= 40 and records.psnr.min() >= 35
    assert f"median {records.psnr.median():.1f} dB, lowest {records.psnr.min():.1f} dB" in card("zoo")


def test_every_network_has_its_thumbnail(zoo):
    grid = json.loads((FOLDER / "zoo" / "thumbnails.json").read_text())
    size = read_picture(FOLDER / "zoo" / "thumbnails.webp").size
    assert grid["columns"] * grid["rows"] >= len(zoo)
    assert size == (grid["columns"] * grid["size"], grid["rows"] * grid["size"])


def test_held_out_pictures_come_back(summary):
    assert summary[HELDOUT]["psnr_median"] >= 27 and summary[TRAIN]["psnr_median"] >= 32
    latent, weights = summary["paths"]["latent"], summary["paths"]["weights"]
    assert latent["variation_worst_step"] < weights["variation_median"]


def test_the_summary_is_that_of_the_rows_and_the_card_says_it(summary):
    rows = pd.read_csv(FOLDER / "space" / "eval.csv", dtype={"problem": str}).fillna({"problem": ""})
    again = TASK.summarise(rows.itertuples(index=False))
    for split, words in WORDS.items():
        m = summary[split]
        assert again[split] == pytest.approx(m, abs=1e-4)
        figures = (m["agreement_median"], m["psnr_median"], m["truth_psnr_median"])
        assert "| {} | {} | {:.3f} | {:.1f} | {:.1f} |".format(words, m["count"], *figures) in card("space")
    for name, title in (("latent", "latent path"), ("weights", "raw weights")):
        m = summary["paths"][name]
        figures = (m["variation_median"], m["variation_middle"], m["variation_worst_step"])
        assert "| {} | {:.3f} | {:.3f} | {:.3f} |".format(title, *figures) in card("space")


def test_a_few_networks_are_measured_again(zoo):
    space, rows = netspace.load(FOLDER / "space"), pd.read_csv(FOLDER / "space" / "eval.csv")
    for split in SPLITS:
        i = zoo.ids(split)[5]
        again, row = TASK.reconstruct(space, zoo, i), rows[rows.name == zoo.records.name[i]].iloc[0]
        assert again.psnr == pytest.approx(row.psnr, abs=0.1)
        assert again.truth_psnr == pytest.approx(row.truth_psnr, abs=0.1)
        assert np.isclose(again.agreement, row.agreement, atol=0.01)
