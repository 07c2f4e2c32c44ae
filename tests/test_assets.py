"""What ships: small enough, good enough, measured as its cards say, and measured again here for a few networks."""

import json
import re
import statistics
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import was_made_by
from reading import read_picture

import netspace
from netspace.data.meshes import load_source
from netspace.data.solids import Solid, occupancy_points
from netspace.recipes import CHAIRS_PREP, CHAIRS_PROBE, CHAIRS_ZOO
from netspace.tasks.surfaces import reconstruct
from netspace.train.fit_sdf import IOU_POINTS
from netspace.zoo.store import HELDOUT, TRAIN

CHAIRS = Path(__file__).resolve().parent.parent / "assets" / "chairs"
SPACES = ("space-prep", "space-probe")
MEASURES = ("agreement", "iou", "chamfer")


@pytest.fixture(scope="module")
def zoo():
    return netspace.Zoo.load(CHAIRS / "zoo")


def evaluated(space: str) -> tuple[dict, pd.DataFrame]:
    return json.loads((CHAIRS / space / "eval.json").read_text()), pd.read_csv(CHAIRS / space / "eval.csv")


def test_they_are_small():
    assert sum(path.stat().st_size for path in CHAIRS.rglob("*") if path.is_file()) < 45e6


@pytest.mark.parametrize("folder", ["zoo", *SPACES])
def test_each_has_a_card(folder):
    card = (CHAIRS / folder / "README.md").read_text()
    for heading in ("Command", "Seed", "Data", "Time", "Machine", "Date"):
        assert re.search(rf"^\| {heading} \| .+ \|$", card, re.MULTILINE), heading
    assert "python -m netspace" in card


def test_the_zoo_is_large_and_fits_its_shapes(zoo):
    assert len(zoo) >= 256 and len(zoo.ids(HELDOUT)) >= 32
    assert zoo.records.fit_iou.median() >= 0.90 and zoo.records.fit_iou.min() >= 0.75
    card = (CHAIRS / "zoo" / "README.md").read_text()
    assert f"median {zoo.records.fit_iou.median():.3f}, lowest {zoo.records.fit_iou.min():.3f}" in card


@pytest.mark.parametrize("i", [0, 131, 259])
def test_fit_iou_is_measured_again(zoo, i):
    mesh, _ = load_source(zoo.records.source[i])
    points, inside = occupancy_points(Solid(mesh), IOU_POINTS, seed=int(zoo.records.seed[i]) + 1)
    occupied = (zoo[i].compiled()(torch.from_numpy(points)) < 0).numpy()
    measured = np.count_nonzero(occupied & inside) / np.count_nonzero(occupied | inside)
    assert measured == pytest.approx(zoo.records.fit_iou[i], abs=1e-3)


def test_every_network_has_its_thumbnail(zoo):
    grid = json.loads((CHAIRS / "zoo" / "thumbnails.json").read_text())
    assert grid["columns"] * grid["rows"] >= len(zoo) > grid["columns"] * (grid["rows"] - 1)
    width, height = read_picture(CHAIRS / "zoo" / "thumbnails.webp").size
    assert width / grid["columns"] == height / grid["rows"]


@pytest.mark.parametrize("space", SPACES)
def test_eval_covers_the_whole_zoo_and_its_medians_are_those_of_its_rows(zoo, space):
    summary, rows = evaluated(space)
    assert rows.name.tolist() == zoo.records.name[zoo.ids(TRAIN) + zoo.ids(HELDOUT)].tolist()
    for split in (TRAIN, HELDOUT):
        mine = rows[rows.split == split]
        assert summary[split]["count"] == len(mine)
        for measure in MEASURES:
            assert summary[split][f"{measure}_median"] == pytest.approx(statistics.median(mine[measure]), abs=1e-4)


def test_they_were_made_by_the_recipes(zoo):
    assert zoo.about["config"].items() <= asdict(CHAIRS_ZOO).items()  # fields for mesh files came later
    for name, recipe in zip(SPACES, (CHAIRS_PREP, CHAIRS_PROBE), strict=True):
        about = json.loads((CHAIRS / name / "config.json").read_text())["about"]
        assert was_made_by(about["config"], recipe)


@pytest.mark.parametrize("name", SPACES)
def test_a_few_rows_of_eval_are_measured_again(zoo, name):
    space, (_, rows) = netspace.load(CHAIRS / name), evaluated(name)
    for split in (TRAIN, HELDOUT):
        i = zoo.ids(split)[7]
        again, row = reconstruct(space, zoo, i), rows[rows.name == zoo.records.name[i]].iloc[0]
        assert again.agreement == pytest.approx(row.agreement, abs=0.01)
        assert again.iou == pytest.approx(row.iou, abs=0.01)
        assert again.chamfer == pytest.approx(row.chamfer, abs=1e-3)


@pytest.mark.parametrize("name", SPACES)
def test_cards_say_what_eval_measured(name):
    summary, _ = evaluated(name)
    card = (CHAIRS / name / "README.md").read_text()
    for split in (TRAIN, HELDOUT):
        agreement, iou, chamfer = (summary[split][f"{m}_median"] for m in MEASURES)
        assert f"| {summary[split]['count']} | {agreement:.3f} | {iou:.3f} | {chamfer:.4f} |" in card
    for measures in summary["paths"].values():
        assert (
            f"| {measures['whole']} | {measures['broken_in_the_middle']} | {measures['components_median']:g} |" in card
        )


def test_the_spaces_reproduce_networks_as_well_as_promised():
    prep, probe = (evaluated(name)[0] for name in SPACES)
    assert prep[TRAIN]["agreement_median"] >= 0.90 and prep[TRAIN]["iou_median"] >= 0.85
    assert probe[HELDOUT]["iou_median"] >= 0.70
    latent, weights = prep["paths"]["latent"], prep["paths"]["weights"]
    assert latent["pairs"] == latent["whole"] == 20 and latent["components_median"] <= 3
    assert weights["whole"] == 0 and weights["broken_in_the_middle"] >= 15
