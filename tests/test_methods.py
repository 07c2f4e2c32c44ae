"""A method that only a test knows is measured, written and drawn like any other, with its own look."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from netspace.cli.main import main
from netspace.export.figures import MATPLOTLIB_MARKS, Original, PlotLine, line_style, score_figure
from netspace.latent.paths import METHODS, Look, Method, Path
from netspace.nets.network import Network


class Curved(Path):
    """Weights between those of A and B, slow at first."""

    def __init__(self, space, a: Network, b: Network) -> None:
        self.a, self.b = a, b

    def networks(self, gammas):
        return [Network(self.a.arch, torch.lerp(self.a.prep, self.b.prep, gamma**2)) for gamma in gammas]


@pytest.fixture
def third(monkeypatch) -> Method:
    look = Look("#C2102A", (1, 5), "star", "7")
    words = {"ends": "the original", "between": "curved", "words": "Slow at first."}
    method = Method("dummy", "curved weights", look, **words, open=Curved)
    monkeypatch.setitem(METHODS, method.name, method)
    return method


@pytest.fixture
def lines(monkeypatch) -> list[dict]:
    """What lines are drawn with."""
    from matplotlib.axes import Axes

    drawn, plot = [], Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda *args, **how: (drawn.append(how), plot(*args, **how))[1])
    return drawn


def run(*words) -> None:
    assert main([*map(str, words)]) == 0


@pytest.fixture
def shapes(tiny_space_folder, tiny_zoo_folder) -> list:
    return ["--space", tiny_space_folder, "--zoo", tiny_zoo_folder]


@pytest.fixture
def classifiers(tiny_cnn_space_folder, tiny_cnn_zoo_folder) -> list:
    return ["--space", tiny_cnn_space_folder, "--zoo", tiny_cnn_zoo_folder]


def names(folders: list) -> list[str]:
    return pd.read_parquet(folders[3] / "records.parquet").name.tolist()


def test_evaluation_has_it_as_a_column_more(third, shapes, capsys):
    run("eval", *shapes, "--limit", 1, "--resolution", 32, "--pairs", 1, "--json")
    paths = json.loads(capsys.readouterr().out)["paths"]
    assert list(paths) == ["latent", "weights", "aligned", "dummy"] and paths["dummy"]["pairs"] == 1
    run("eval", *shapes, "--limit", 1, "--resolution", 32, "--pairs", 1)
    assert "curved weights, training networks (1 pairs)" in capsys.readouterr().out


def test_evaluation_of_classifiers_has_it_too(third, classifiers, capsys):
    run("eval", *classifiers, "--limit", 1, "--pairs", 1, "--json")
    kinds = {name.rpartition(", ")[2] for name in json.loads(capsys.readouterr().out)["paths"]}
    assert kinds == set(METHODS)


def test_its_film_has_its_colour(third, shapes, tmp_path):
    a, b = names(shapes)[:2]
    run("path", *shapes, "--a", a, "--b", b, "--steps", 2, "--resolution", 32, "--method", "dummy", "--out", tmp_path)
    with Image.open(tmp_path / "path.png") as image:
        film = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    shape = film[film.min(axis=1) < 200]
    assert len(shape) and (shape[:, 0] > shape[:, 1:].max(axis=1)).mean() > 0.9  # red, which no other method is
    assert third.look.colour not in {one.look.colour for one in METHODS.values() if one is not third}


def test_its_figure_has_its_look(third, classifiers, tmp_path, lines):
    a, b = names(classifiers)[:2]
    run("path", *classifiers, "--a", a, "--b", b, "--steps", 2, "--method", "dummy", "--out", tmp_path)
    mine = [how for how in lines if how.get("label") == third.title]
    assert mine and all(how["color"] == "#C2102A" and how["marker"] == "*" for how in mine)
    assert mine[0]["ls"] == (0, (0.5, 2.5))


def test_a_figure_of_all_methods_tells_them_apart(third, tmp_path, lines):
    plotted = [PlotLine(method.title, method.look, [0.2, 0.8]) for method in METHODS.values()]
    score_figure(tmp_path / "one.png", [0.0, 1.0], plotted, [Original(0.0, "A", 0.2)], 0.1, "100 images")
    titles = {method.title for method in METHODS.values()}
    looks = [(how["color"], how["ls"], how["marker"]) for how in lines if how.get("label") in titles]
    assert len(looks) == 5 and all(len(set(part)) == 5 for part in zip(*looks, strict=True))


def test_every_mark_has_a_marker():
    assert len(set(MATPLOTLIB_MARKS.values())) == len(MATPLOTLIB_MARKS)
    for method in METHODS.values():
        assert line_style(method.look)["marker"] == MATPLOTLIB_MARKS[method.look.mark]
