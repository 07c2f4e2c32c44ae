"""The networks most like a mesh or picture that is handed in on the map."""

import io

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from test_app import lay, open_page, root  # noqa: F401 (fixtures)

from app.backend import catalogue, charts, likeness, points, visitors
from netspace.errors import UsageError
from netspace.geometry.mesh import surface_of, write
from netspace.tasks import TASKS, task_of


@pytest.fixture
def chart(lay):  # noqa: F811
    def made(kind: str) -> charts.Chart:
        lay(kind)
        found = {f.kind: f for f in catalogue.find()}
        loaded = catalogue.load(found["space"], found["zoo"])
        return charts.Chart([loaded], [torch.randn(len(loaded.zoo), 8)])

    return made


def settled(chart: charts.Chart, key: str) -> likeness.LikenessToFile:
    for _ in range(2):  # the answers of networks are asked for in parts, once they have been looked for on the disk
        for work in [likeness.answers_of(member) for member in chart.members]:
            work.future.result()
            [part.result() for part in work.parts]
    found = likeness._files[key].answers
    found.exception()
    return likeness.likeness(chart, key)


def test_a_mesh_of_a_network_is_most_like_that_network(chart, tmp_path, monkeypatch):
    chart = chart("tiny")
    zoo, path = chart.loaded.zoo, tmp_path / "shape.ply"
    write(surface_of(zoo[2], 64).mesh, path)
    task = task_of(zoo)
    # a file is scaled as those that zoos are made of; the networks of this zoo hold anything
    monkeypatch.setattr("netspace.tasks.sdf.read_mesh", lambda file: type("Read", (), {"mesh": _as_filed(file)}))
    key = likeness.hand_in(chart.loaded, "shape.ply", path.read_bytes())
    found = settled(chart, key)
    assert not found.waiting and not found.problem
    assert found.most[0].id == 2 and found.most[0].distance < 0.1 < found.most[1].distance
    column = likeness.likeness_columns(chart, [likeness.column_of(key), "height"])
    assert list(column) == [likeness.column_of(key)] and "shape.ply" in column[likeness.column_of(key)].title
    assert likeness.column_of(key) in points.known_columns(chart, [likeness.column_of(key)])
    assert points.version(chart, [likeness.column_of(key)]) != points.version(chart, [])
    assert task.distance(task.outputs(zoo[2])[None], task.outputs(zoo[2])).item() == 0


def _as_filed(path):
    from netspace.data.shapes import Mesh

    mesh = trimesh.load(path)
    return Mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces))


def test_a_box_is_inside_where_it_is(tmp_path):
    trimesh.creation.box((2, 1, 1)).export(tmp_path / "box.stl")
    inside = TASKS["sdf"].outputs_of_file(tmp_path / "box.stl", None)
    assert inside.shape == (24**3,) and inside.dtype == torch.bool
    assert 0.1 < inside.float().mean() < 0.3  # a quarter of a cube of 0.9


def test_a_picture_is_most_like_the_network_that_holds_it(chart):
    chart = chart("images")
    zoo = chart.loaded.zoo
    pixels = task_of(zoo).outputs(zoo[1]).reshape(32, 32, -1).squeeze(-1).numpy()
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    found = settled(chart, likeness.hand_in(chart.loaded, "a.png", out.getvalue()))
    assert found.most[0].id == 1 and found.most[0].distance < 1e-6 < found.most[1].distance


def test_a_file_that_is_none_is_told_of(chart):
    chart = chart("tiny")
    with pytest.raises(UsageError, match=r"a\.exe is none of obj"):
        likeness.hand_in(chart.loaded, "a.exe", b"MZ")
    found = settled(chart, likeness.hand_in(chart.loaded, "a.obj", b"hello"))
    assert found.problem and "/tmp" not in found.problem and np.isnan(found.distances).all() and not found.most
    assert likeness.likeness(chart, "0" * 16).problem.endswith("hand it in again")
    assert likeness.key_of("like 0123") == "" == likeness.key_of("height")


def test_the_last_files_alone_are_kept(chart):
    chart = chart("tiny")
    keys = [likeness.hand_in(chart.loaded, "a.obj", f"# {k}".encode()) for k in range(likeness.FILES_KEPT + 1)]
    assert not likeness.is_file_kept(keys[0]) and all(map(likeness.is_file_kept, keys[1:]))


def test_visitors_hand_nothing_in(chart, monkeypatch):
    chart = chart("tiny")
    monkeypatch.setenv(visitors.VARIABLE, "1")
    with pytest.raises(visitors.RefusedToVisitors):
        likeness.hand_in(chart.loaded, "a.obj", b"")


@pytest.mark.parametrize(("kind", "offered"), [("tiny", True), ("images", True), ("cnn", False)])
def test_the_map_asks_for_a_file_where_networks_hold_things(lay, kind, offered):  # noqa: F811
    lay(kind)
    at = open_page("zoo_map", projection="pca")
    assert not at.exception
    assert bool([one for one in at.get("file_uploader") if "Most like" in one.proto.label]) is offered
