"""Latent space optimisation towards a picture: the set-up and its command, the best network beside its target."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_app import lay, root  # noqa: F401  (fixtures)
from test_app_optimise import box, button, command, open_page, said, view

from app.backend import catalogue, embeddings, optimise
from app.backend.optimise import setup
from netspace.cli.registry import build_parser
from netspace.data.pictures import load_picture
from netspace.space.space import load
from netspace.tasks import task_of
from netspace.train.lso import LsoConfig
from netspace.train.lso import optimise as run_lso
from netspace.train.starts import start_from, wanted_class
from netspace.zoo.store import Zoo

TINY_PICTURE = LsoConfig(steps=6, points=64, every=2)


@pytest.fixture(autouse=True)
def anew(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "RUNS", tmp_path)
    monkeypatch.setattr(embeddings, "PATIENCE", 240.0)


def run_towards(folder: Path, target: str) -> Path:
    """A finished run in the space of a folder."""
    space, zoo = load(folder / "space"), Zoo.load(folder / "zoo")
    where, out = start_from(space, zoo, "mean", 0), folder.parent / "lso" / "one"
    goal = task_of(space).goal(space, TINY_PICTURE, target=target)
    about = {"space": str(folder / "space"), "zoo": str(folder / "zoo"), "teacher": None, "target": target}
    out.mkdir(parents=True)
    for _ in run_lso(space, where, goal, TINY_PICTURE, out, want=wanted_class(space, where, ""), about=about):
        pass
    return out


def test_a_picture_is_a_digit_or_a_file(lay, tmp_path):  # noqa: F811
    lay("images")
    at = open_page()
    args = build_parser().parse_args(command(at))
    assert args.target == "digits:1000" and not at.exception and not at.warning
    assert "new to the zoo: a 1" in said(at.caption)
    at.number_input(key="lso_digits").set_value(3).run()
    assert "digit-0003: a 3" in said(at.caption)
    box(at, "Target").set_value("image file").run()
    assert button(at, "Launch").disabled and "Name an image file" in said(at.warning)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    at.text_input(key="lso_file").set_value(str(tmp_path / "a.png")).run()
    assert not button(at, "Launch").disabled and not at.warning


def test_a_run_is_shown_with_its_scores_and_the_best_beside_its_target(lay):  # noqa: F811
    folder = run_towards(lay("images"), "digits:7")
    at = open_page()
    told = view(at)
    assert not at.exception and not at.warning
    assert (told["measured"], told["asked"], told["originals"]) == ("PSNR", "pixels", False)
    (run,) = told["runs"]
    assert run["tests"]["best"]["value"] > 0 and len(run["at"]) > 2
    loaded = catalogue.load(*(next(f for f in catalogue.find() if f.kind == kind) for kind in ("space", "zoo")))
    found = {}
    for _, content in optimise.best_feeds(loaded, optimise.read_lso(folder), "optimised"):
        (length,) = struct.unpack("<I", content[:4])
        (frame,) = json.loads(content[4 : 4 + length])["frames"]
        found[frame["side"]] = frame, content[4 + length :]
    assert found["target"][1] == load_picture("digits:7").permute(1, 2, 0).numpy().tobytes()
    assert found["best"][0]["size"] == [64, 64, 1] and len(found["best"][1]) == 4096
    assert "digits:7, a 7" in str(optimise.best_data(loaded, optimise.read_lso(folder))["sides"][1])
