"""A zoo's map as a figure, drawn at print size, on the command line."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reading import read_picture

from netspace.cli.main import main
from netspace.errors import UsageError
from netspace.export.map_figure import MAP_DPI, MAP_SIZE, MapPoints, map_figure


def drawn(points: MapPoints, kind: str, behind: int = 0) -> bytes:
    buffer = io.BytesIO()
    map_figure(buffer, points, np.zeros((behind, 2)), "PCA", "40 networks", kind)
    return buffer.getvalue()


@pytest.fixture
def points():
    draw = np.random.default_rng(0)
    return MapPoints(draw.normal(size=(40, 2)), np.arange(40) % 4 > 0, pd.Series([*"aabb"] * 10, name="arch"))


def marks(content: bytes) -> int:
    """Marks in an SVG, outside the legend."""
    return len(re.findall(r"<use [^>]* y=", content.decode().partition('id="legend_1"')[0]))


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_map_is_drawn_at_print_size_and_the_same_again(points, kind, start):
    content = drawn(points, kind)
    assert content.startswith(start) and drawn(points, kind) == content
    if kind == "png":
        assert Image.open(io.BytesIO(content)).size == tuple(round(MAP_DPI * side) for side in MAP_SIZE)
    if kind == "svg":
        assert f'width="{72 * MAP_SIZE[0]:g}pt"' in content.decode()


def test_every_network_with_a_place_is_a_mark(points):
    before = marks(drawn(points, "svg"))
    assert before == 40
    points.places[3] = np.nan
    assert marks(drawn(points, "svg")) == 39
    numbers = points._replace(values=pd.Series(np.r_[np.nan, np.arange(39.0)], name="fit_iou"))
    assert b"fit" in drawn(numbers, "svg") and drawn(numbers, "svg") != drawn(points, "svg")
    assert marks(drawn(points, "svg", behind=5)) == 39 + 5


def test_more_categories_than_marks_are_refused(points):
    many = points._replace(values=pd.Series([f"name-{k}" for k in range(40)], name="name"))
    with pytest.raises(UsageError, match="column 'name' has 40 different values: a figure tells 8 apart"):
        drawn(many, "png")


def test_the_command_line_draws_it(tmp_path, capsys, tiny_cnn_space_folder, tiny_cnn_zoo_folder):
    both = ["embed", "--space", str(tiny_cnn_space_folder), "--zoo", str(tiny_cnn_zoo_folder)]
    both += ["--device", "cpu", "--out", str(tmp_path / "z.parquet")]
    figure = ["--figure", str(tmp_path / "map.png")]
    for options, words in (
        (figure, "--figure draws a map: choose one with --map"),
        (["--map", "pca", "--colour", "arch"], "--colour is for --figure"),
        (["--map", "pca", *figure, "--colour", "nothing"], "has no column 'nothing'; choose from name,"),
    ):
        assert main([*both, *options]) == 2
        assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([*both, "--map", "pca", *figure]) == 0
    assert f"drawn in {tmp_path / 'map.png'}" in capsys.readouterr().out
    assert read_picture(tmp_path / "map.png").format == "PNG"
