"""The page Map through Streamlit's AppTest, and the session behind it: places, looks, neighbours, selections."""

import gzip
import io
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from test_app import lay, link_of, open_page, root, said, unpack_feed  # noqa: F401  (lay and root are fixtures)
from test_app_family import folder  # noqa: F401  (a fixture)
from test_importing import CifarResNet, lived

from app.backend import (
    behaviour,
    catalogue,
    chairs,
    charts,
    embeddings,
    filters,
    imports,
    inspection,
    manifold,
    orbits,
    placements,
    points,
    projections,
    selections,
)
from app.tasks import app_task
from app.ui import bringing
from netspace.evaluate.symmetry import orbit_of
from netspace.latent import groups
from netspace.latent.manifold import Reach
from netspace.latent.projection import UmapConfig, UmapMap
from netspace.tasks import task_of
from netspace.tasks.measures import classify
from netspace.zoo.store import Zoo, select, write_zoo

PCA = {"projection": "pca"}
Unlayered = SimpleNamespace(arch=SimpleNamespace(name="one", units=()))


@pytest.fixture(autouse=True)
def anew(tmp_path, monkeypatch):
    """What is kept is of this test's zoos alone, pages wait for what they show, and what is saved goes to the test's
    folder."""
    monkeypatch.setenv("NETSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embeddings, "PATIENCE", 240.0)
    monkeypatch.setattr(manifold, "PATIENCE", 240.0)
    monkeypatch.setattr(chairs, "PREVIEW", 32)
    monkeypatch.setattr(chairs, "AT_REST", 64)
    monkeypatch.setattr(selections, "ZOOS", tmp_path / "zoos")
    monkeypatch.setattr(imports, "IMPORTS", tmp_path / "imports")
    for cached in (
        embeddings._embedding_work, charts._chart, manifold._manifold, inspection._by_function, inspection._rebuilt,
        behaviour._answers,
        projections._fit_plane, projections._on_plane, placements._placements, orbits._orbit,
    ):  # fmt: skip
        cached.clear()


@pytest.fixture(params=["tiny", "cnn"])
def kind(lay, request):  # noqa: F811
    lay(request.param)
    return request.param


@pytest.fixture
def shapes(lay):  # noqa: F811
    return lay("tiny")


def loaded(zoo: str = "zoo") -> catalogue.Loaded:
    known = catalogue.find()
    space = next(f for f in known if f.kind == "space")
    return catalogue.load(space, next(f for f in known if f.kind == "zoo" and f.id.endswith(zoo)))


def view(at: AppTest) -> dict:
    """What the map is told."""
    for element in at.get("bidi_component"):
        if element.proto.component_name.endswith("netspace_map"):
            return json.loads(element.proto.json)
    raise AssertionError("there is no map")


def feeds(at: AppTest) -> dict[str, tuple[dict, bytes]]:
    """Header and body of what the map is sent, by name."""
    found = {}
    for element in at.get("bidi_component"):
        if element.proto.component_name.endswith("netspace_feed"):
            header, body = unpack_feed(element.proto.bytes)
            if header["view"] == "map":
                found[header["feed"]] = header, body
    return found


def open_map(**link) -> AppTest:
    at = open_page("zoo_map", **(PCA | link))
    assert not at.exception, at.exception
    return at


def button(at: AppTest, label: str):
    return next(each for each in at.button if each.label == label)


def rewrite(zoo: Zoo, folder, change) -> None:  # noqa: F811
    """The zoo with other records or weights, in the same folder."""
    records, weights = zoo.records.copy(), {name: stack.clone() for name, stack in zoo.weights.items()}
    change(records, weights)
    write_zoo(folder, zoo.family, records, weights, {})


# -- the map -------------------------------------------------------------------------------------------------------


def test_every_network_has_a_place_a_look_and_a_name(kind):
    at = open_map()
    mine, data, sent = loaded(), view(at), feeds(at)
    count = len(mine.zoo)
    for name in ("points", "look", "names"):
        assert sent[name][0]["count"] == count and sent[name][0]["path"] == data["points" if name != "look" else "look"]
    places = np.frombuffer(sent["points"][1], np.float32).reshape(count, 2)
    chart = charts.chart(mine)
    assert np.allclose(places, projections.placed(chart, projections.Projection("pca")).places)
    words = json.loads(gzip.decompress(sent["names"][1]))
    assert words["names"] == mine.names and len(words["splits"]) == count
    flags = np.frombuffer(sent["look"][1], np.uint8)[-count:]
    assert ((flags & 1) == (mine.zoo.records.split != "train")).all() and not (flags & 4).any()
    assert data["liftable"] and data["picked"] is None


def test_architectures_keep_their_colours_and_marks(folder):  # noqa: F811
    colour = feeds(open_map(colour="arch"))["look"][0]["colour"]
    assert [(c["name"], c["mark"]) for c in colour["categories"]] == [
        ("LeNetLike", "circle"), ("VanillaCNN", "square"), ("ResNet8", "triangle"),
    ]  # fmt: skip
    assert sum(c["count"] for c in colour["categories"]) == 12


def test_groups_of_one_colour_are_named_where_colours_are_kinds(folder, monkeypatch):  # noqa: F811
    monkeypatch.setattr(groups, "LEAST_IN_GROUP", 2)
    mine = loaded()
    wait_until(lambda: view(open_map(colour="arch"))["groups"])
    named = view(open_map(colour="arch"))["groups"]
    names = [mine.zoo.family.names[one["category"]] for one in named]
    assert len(set(names)) == len(names) and mine.zoo.records.arch.iloc[[one["id"] for one in named]].tolist() == names
    at = open_map(colour="arch", labels="no")
    assert view(at)["groups"] == [] and link_of(at)["labels"] == "no"
    next(each for each in at.toggle if each.label == "Labels on the map").set_value(True).run()
    assert view(at)["groups"] == named and "labels" not in link_of(at)
    at = open_map(colour="test_accuracy")
    assert view(at)["groups"] == [] and next(e for e in at.toggle if e.label == "Labels on the map").disabled


def test_what_is_not_known_of_a_network_is_told_and_not_drawn_as_a_number(shapes):
    def forget(records, weights):
        records.loc[0, "seat_height"] = np.nan

    rewrite(Zoo.load(shapes / "zoo"), shapes / "zoo", forget)
    header, body = feeds(open_map(colour="seat_height", size="height", shape="legs"))["look"]
    tints = np.frombuffer(body[: 4 * 6], np.float32)
    assert header["colour"]["missing"] == 1 and np.isnan(tints[0]) and np.nanmin(tints) == 0 and np.nanmax(tints) == 1
    assert header["size"]["title"] == "height" and header["mark"]["title"] == "legs"


def test_umap_is_awaited_as_pca_and_then_shown(kind, monkeypatch):
    monkeypatch.setattr(projections, "_umap", lambda chart, asked: None)
    data = view(open_map(projection="umap"))
    assert data["axes"] == ["PC 1", "PC 2"] and "UMAP" in data["message"]
    places = torch.arange(2.0 * len(loaded().zoo)).view(-1, 2)
    monkeypatch.setattr(projections, "_umap", lambda chart, asked: UmapMap(chart.z, places, UmapConfig()))
    at = open_map(projection="umap", neighbours="3")
    ends = [places[i] for i in view(at)["ends"].values()]
    apart = torch.cdist(torch.tensor(view(at)["path"]["places"]), torch.stack(ends))
    assert apart.amin(dim=0).max() < 1e-3, "the way leads through both dots"
    assert view(at)["axes"] == ["UMAP 1", "UMAP 2"] and not view(at)["liftable"] and not view(at)["message"]
    assert "neighbours 3" in view(at)["note"] and link_of(at)["neighbours"] == "3"
    monkeypatch.setattr(projections, "_umap", lambda chart, asked: "UMAP ended without a word")
    at = open_map(projection="umap")
    assert "without a word. This is PCA" in said(at.info) and view(at)["axes"] == ["PC 1", "PC 2"]


def test_a_search_and_a_range_leave_some_networks(shapes):
    records = loaded().zoo.records
    legs, low = records.legs[0], float(records.seat_height.sort_values().iloc[1])
    asked = {"search": f"legs:{legs[:-1].upper()} {records.name[0][:3]}", "range": "seat_height", "between": f"{low} 9"}
    at = open_map(selection="-99 -99 99 -99 99 99 -99 99", **asked)
    header, body = feeds(at)["filter"]
    left = ((records.legs == legs) & (records.seat_height >= low - 1e-4)).to_numpy()
    assert 0 < left.sum() < len(left) and np.frombuffer(body, np.uint8).astype(bool).tolist() == left.tolist()
    assert view(at)["filter"] == header["path"] and view(at)["selection"]["count"] == left.sum()
    link = link_of(at)
    assert (
        link["search"] == asked["search"]
        and link["range"] == "seat_height"
        and link["between"].startswith(f"{low:.3f}")
    )
    next(each for each in at.text_input if each.label == "Search").set_value("").run()
    assert np.frombuffer(feeds(at)["filter"][1], np.uint8).sum() > left.sum(), "the range alone leaves more"
    column = next(each for each in at.selectbox if each.label == "Column")
    assert column.proto.set_value, "a popover that was not opened yet has heard of this run alone"
    column.set_value("").run()
    assert not at.exception and not view(at)["filter"] and view(at)["selection"]["count"] == len(left)


def test_networks_are_told_apart_by_what_they_take_for_what(lay):  # noqa: F811
    lay("cnn")
    mine = loaded()
    chart, names = charts.chart(mine), behaviour.classes_of(mine)
    column = behaviour.Confusion(1, 0).column
    assert np.isnan(behaviour.confused_column(chart, behaviour.Confusion(1, 0)).numbers).all(), "asked from now on"
    wait_until(lambda: behaviour.answers_of(mine).answers is not None)
    header, body = feeds(open_map(takes=names[1], colour=column, **{"for": names[0]}))["look"]
    images = app_task(mine).data_to_ask(mine)
    said = torch.stack([classify(mine.zoo[i], images).argmax(dim=1) for i in range(len(mine.zoo))])
    shares = (said[:, images.labels == 1] == 0).float().mean(dim=1).numpy()
    told, tints = header["colour"], np.frombuffer(body[: 4 * len(shares)], np.float32)
    assert told["title"] == f"takes {names[1]} for {names[0]}" and told["missing"] == 0
    np.testing.assert_allclose(told["low"] + tints * (told["high"] - told["low"]), shares, atol=1e-6)


class Three(SimpleNamespace):
    """A chart of three networks."""

    def __len__(self) -> int:
        return 3


def test_words_are_looked_for_in_text_and_asked_of_columns():
    told = {
        "name": ["net-1", "net-12", "other"],
        "arch": ["siren256"] * 3,
        "row": [0, 1, 2],
        "split": ["heldout", "train", "train"],
    }
    told |= {"epochs": [12.0, 120.0, np.nan], "arms": [True, False, False], "Leg kind": ["four", None, "sled"]}
    chart = Three(key=str(uuid.uuid4()), records=pd.DataFrame(told))

    def found(words: str) -> str:
        return "".join(str(int(left)) for left in filters.searched(chart, words))

    assert found("") == "111" and found("NET") == "110" and found("net 12") == "010" and found("held-out") == "100"
    assert found("epochs:12") == "100" and found("arms:no") == "011" and found("leg_kind:FO") == "100"
    assert found("no") == "000" == found("nothing:1"), "columns of yes and no are only searched by name"


def test_outliers_do_not_stretch_colours():
    numbers = np.r_[np.linspace(0, 1, 199), 1000, np.nan].astype(np.float32)
    scale, shares = points._shares(numbers)
    assert scale["high"] < 1.01 and scale["cut"] == [True, True] and np.isnan(shares[-1])
    assert shares[198] > 0.9 and scale["low"] + shares[199] * (scale["high"] - scale["low"]) == pytest.approx(
        1000, rel=1e-3
    )
    scale, _ = points._shares(np.r_[np.zeros(200), 1.0])
    assert (scale["low"], scale["high"], scale["cut"]) == (0, 1, [False, False]), "nearly all are the same"


def test_columns_of_many_kinds_show_the_most_frequent():
    values = pd.Series([f"k{k % 15}" for k in range(45)] + ["k0", None])
    few = charts._with_few_kinds(values)
    assert few.nunique() == len(charts.PALETTE) and few.isna().sum() == 1 and few[0] == "k0" and (few == "others").any()
    names = pd.Series(list("abcdefghijklmno"))
    assert charts._with_few_kinds(names).equals(names), "names are no kinds"


def test_a_direction_is_an_axis(shapes, monkeypatch):
    monkeypatch.setattr("netspace.latent.directions.LEAST", 4)
    monkeypatch.setattr("netspace.latent.directions.FOLDS", 2)
    at = open_map(projection="directions", x="seat_height", y="1")
    assert view(at)["axes"] == ["seat height as read off", "PC 1"] and "R²" in view(at)["note"]
    at = open_map(projection="directions", x="1", y="1")
    assert "two different directions" in said(at.info).lower()


def test_another_projection_does_not_take_the_axes_of_the_one_before_from_the_link(shapes, monkeypatch):
    monkeypatch.setattr("netspace.latent.directions.LEAST", 4)
    monkeypatch.setattr("netspace.latent.directions.FOLDS", 2)
    at = open_map(projection="directions", x="seat_height", y="1")
    kinds = at.get("button_group")[0]
    assert kinds.label == "Projection"
    kinds.set_value("pca").run()
    assert not at.warning and not at.exception and view(at)["axes"] == ["PC 1", "PC 2"]
    at.get("button_group")[0].set_value("directions").run()
    assert view(at)["axes"] == ["seat height as read off", "PC 1"], "each projection keeps its own"


# -- a network -----------------------------------------------------------------------------------------------------


def test_a_network_is_told_with_its_neighbours_in_the_space_and_by_function(kind):
    mine = loaded()
    at = open_map(network=mine.names[0])
    for _ in range(2400):
        if "function" in feeds(at):
            break
        time.sleep(0.1)
        at.run()
    assert f"##### {mine.names[0]}" in said(at.markdown)
    chart = charts.chart(mine)
    work = inspection.rebuilt(chart, 0)
    wait_until(lambda: work.done)
    assert not work.problem and not work.not_compared
    distances = torch.cdist(chart.z[:1], chart.trained)[0]
    order = [int(chart.training[k]) for k in distances.argsort() if int(chart.training[k]) != 0]
    latent = [each["id"] for each in view(at)["neighbours"]]
    assert latent == order[: inspection.NEIGHBOURS]
    among = inspection.by_function(chart)
    differ = task_of(mine.zoo).distance(among.of(mine.zoo[0]), among.answers)
    best = min(float(v) for i, v in zip(among.ids, differ, strict=True) if i != 0)
    header, _ = feeds(at)["function"]
    assert header["of"] == view(at)["of"]
    assert float(differ[among.ids.index(header["ids"][0])]) == best
    assert link_of(at)["network"] == mine.names[0]
    button(at, "Set as B").click().run()
    assert link_of(at)["b"] == mine.names[0] and view(at)["ends"]["b"] == 0


def test_a_neighbour_is_one_click_away(shapes):
    at = open_map(network=loaded().names[0])
    near = next(each for each in at.button if each.key and each.key.startswith("near-in the space"))
    near.click().run()
    assert view(at)["picked"] == int(near.key.rsplit("-", 1)[1])


def test_an_empty_place_of_a_plane_is_decoded(shapes):
    at = open_map(place="0.5 -0.25")
    chart = charts.chart(loaded())
    where = projections.placed(chart, projections.Projection("pca"))
    assert "Decoded at the clicked place" in said(at.markdown)
    assert view(at)["extra"]["place"] == [0.5, -0.25] and link_of(at)["place"] == "0.5 -0.25"
    z = projections.lifted(where, [0.5, -0.25])
    assert np.allclose(where.plane.place(torch.from_numpy(z)), [0.5, -0.25], atol=1e-4)
    assert manifold.far(chart, z + 1e6, None) > 1


# -- its copies with permuted hidden units ----------------------------------------------------------------------------


@pytest.mark.parametrize("read", ["tiny", "images"])
def test_copies_smear_where_weights_are_read_and_stay_a_point_where_answers_are(
    read,
    lay,  # noqa: F811
    monkeypatch,
):
    monkeypatch.setattr(orbits, "COPIES", 3)
    lay(read)
    mine = loaded()
    at = open_map(network=mine.names[1], orbit="yes")
    chart = charts.chart(mine)
    where, work = projections.placed(chart, projections.Projection("pca")), orbits.orbit_work(chart, 1)
    wait_until(lambda: work.done)
    at.run()
    header, body = feeds(at)["orbit"]
    assert header["path"] == view(at)["orbit"] and header["count"] == 3
    apart = np.linalg.norm(np.frombuffer(body, np.float32).reshape(-1, 2) - where.places[1], axis=1)
    usual = np.linalg.norm(np.diff(where.places, axis=0), axis=1).min()
    assert apart.max() < 1e-3 * usual if read == "images" else apart.min() > 0.01 * usual
    (words,) = [each.value for each in at.caption if each.value.startswith("3 copies")]
    copies = orbit_of(mine.zoo[1], 3, 0)
    z = mine.space.encode(torch.stack([copy.prep for copy in copies])).detach()
    moved = (z - chart.z[1]).norm(dim=1).median() / Reach.of(chart.trained).median_nn
    figure = float(words.split("move by ")[1].split()[0])
    assert figure == pytest.approx(float(moved), abs=0.01) and "and the function stays the same" in words
    assert link_of(at)["orbit"] == "yes" and feeds(at)["points"][0]["count"] == len(mine.zoo), "no networks of the zoo"
    next(each for each in at.toggle if each.label.startswith("Permute")).set_value(False).run()
    assert view(at)["orbit"] == "" and "orbit" not in link_of(at) and "3 copies" not in said(at.caption)


def test_why_there_are_no_copies_is_a_sentence(shapes, monkeypatch):
    monkeypatch.setattr(orbits, "orbit_of", lambda network, count, seed: orbit_of(Unlayered, count, seed))
    at = open_map(network=loaded().names[0], orbit="yes")
    work = orbits.orbit_work(charts.chart(loaded()), 0)
    wait_until(lambda: work.done)
    at.run()
    assert "Its copies cannot be shown. One has no hidden units to permute." in said(at.warning)
    assert "orbit" not in feeds(at)


# -- selections ----------------------------------------------------------------------------------------------------


def test_points_in_a_polygon_are_those_that_a_ray_leaves_once():
    rng = np.random.default_rng(0)
    places = rng.uniform(-2, 2, (2000, 2)).astype(np.float32)
    square = [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    assert (selections.inside(square, places) == (np.abs(places) < 1).all(axis=1)).all()
    bent = [[-1, -1], [1, -1], [1, 1], [0, 0], [-1, 1]]  # without the triangle above
    notch = (places[:, 1] > np.abs(places[:, 0])) & (np.abs(places) < 1).all(axis=1)
    assert (selections.inside(bent, places) == ((np.abs(places) < 1).all(axis=1) & ~notch)).all()
    assert not selections.inside(square, np.full((3, 2), np.nan, np.float32)).any()


def test_a_selection_is_a_table_a_file_and_a_zoo(kind, tmp_path):
    mine = loaded()
    where = projections.placed(charts.chart(mine), projections.Projection("pca"))
    some = sorted(range(len(mine.zoo)), key=lambda i: float(where.places[i, 0]))[:3]
    edge = float(np.sort(where.places[:, 0])[2:4].mean())
    at = open_map(selection=f"-1e4 -1e4 {edge} -1e4 {edge} 1e4 -1e4 1e4")
    assert view(at)["selection"]["count"] == 3 and "3 networks selected" in said(at.markdown)
    assert sorted(at.dataframe[0].value.name) == sorted(mine.names[i] for i in some)
    chart = charts.chart(mine)
    table = pd.read_csv(io.BytesIO(selections.csv(chart, where, np.array(sorted(some)))))
    assert table.name.tolist() == [mine.names[i] for i in sorted(some)] and {"map PC 1", "map PC 2"} <= set(table)
    at.text_input(key="map.save.name.widget").set_value("some").run()
    button(at, "Save").click().run()
    assert "zoos/some" in said(at.success).replace("\\", "/")
    kept = Zoo.load(tmp_path / "zoos" / "some")
    assert set(kept.records.name) == {mine.names[i] for i in some}
    button(at, "Save").click().run()
    assert "already" in said(at.warning)
    button(at, "Clear").click().run()
    assert view(at)["selection"] is None and "selection" not in link_of(at)


# -- the link ------------------------------------------------------------------------------------------------------


def test_the_link_shows_the_same(shapes):
    names = loaded().names
    asked = {"x": "2", "y": "1", "colour": "legs", "size": "height", "network": names[1], "a": names[2], "b": names[3]}
    asked |= {"view": "0.5 0.25 3", "selection": "-1 -1 1 -1 0 1", "line": "no"}
    first = open_map(**asked)
    assert view(first)["path"] is None and view(open_map())["path"]["places"], "a way is drawn unless it is hidden"
    link = link_of(first)
    assert asked.items() <= link.items()
    again = open_map(**link)
    assert link_of(again) == link
    for key in ("points", "look", "picked", "selection", "ends", "view"):
        assert view(again)[key] == view(first)[key]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"network": "nobody"}, "no network “nobody” on this map"),
        ({"view": "1 2"}, "not three numbers"),
        ({"selection": "1 2 3"}, "not the corners of a polygon"),
        ({"colour": "taste"}, "cannot be told apart by “taste”"),
        ({"with": "nowhere/zoo"}, "no zoo “nowhere/zoo” that fits"),
        ({"projection": "globe"}, "no projection “globe”"),
        ({"neighbours": "1"}, "neighbours cannot be “1”"),
        ({"place": "here"}, "not two numbers"),
        ({"range": "taste"}, "no column of numbers “taste”"),
        ({"range": "height", "between": "2 1"}, "not two numbers, the lower first"),
        ({"orbit": "maybe"}, "“maybe” where it says yes or no"),
    ],
)
def test_a_link_that_asks_for_what_is_not_there_is_told_and_the_map_is_shown(shapes, link, words, monkeypatch):
    monkeypatch.setattr(projections, "_umap", lambda chart, asked: None)
    at = open_map(**link)
    assert words in said(at.warning) and feeds(at)["points"][0]["count"] == 6


def test_what_was_told_stays_where_the_page_is_laid_out_anew(shapes, monkeypatch):
    chart, calls = charts.chart, itertools.count()
    monkeypatch.setattr(charts, "chart", lambda *given: chart(*given) if next(calls) else None)
    at = open_map(**{"with": "nowhere/zoo"})
    assert feeds(at)["points"] and "no zoo “nowhere/zoo” that fits" in said(at.warning)
    at.run()
    assert not at.warning


# -- zoos that are hard to draw ------------------------------------------------------------------------------------


def test_a_zoo_of_one_network_says_why_there_is_no_map(shapes, root):  # noqa: F811
    select(Zoo.load(shapes / "zoo"), [0], root / "one" / "zoo")
    at = open_map(zoo="one/zoo")
    assert "3 training networks at least, and this zoo has 1" in said(at.info)


def test_networks_that_are_all_the_same_say_why_there_is_no_map(shapes):
    def same(records, weights):
        for stack in weights.values():
            stack[:] = stack[:1]

    rewrite(Zoo.load(shapes / "zoo"), shapes / "zoo", same)
    assert "one and the same embedding" in said(open_map().info)


def test_networks_that_hold_nan_have_no_place_and_leave_the_others_theirs(shapes):
    def spoil(records, weights):
        next(iter(weights.values()))[0] = torch.nan

    rewrite(Zoo.load(shapes / "zoo"), shapes / "zoo", spoil)
    at = open_map(network=loaded().names[0])
    places = np.frombuffer(feeds(at)["points"][1], np.float32).reshape(-1, 2)
    assert np.isnan(places[0]).all() and np.isfinite(places[1:]).all()
    assert "not all numbers" in said(at.info)


def test_a_zoo_that_changes_on_disk_is_shown_anew(shapes):
    names = loaded().names
    at = open_map(network=names[-1])
    zoo = Zoo.load(shapes / "zoo")
    time.sleep(0.02)
    write_zoo(shapes / "zoo", zoo.family, zoo.records.iloc[:-1], zoo.weights, {})
    at.run()
    assert not at.exception and feeds(at)["points"][0]["count"] == 5
    assert view(at)["picked"] is None and not at.warning


# -- networks from elsewhere ---------------------------------------------------------------------------------------


def packed(mine: catalogue.Loaded, ids: list[int]) -> SimpleNamespace:
    """A zip of networks of a zoo and of a file that is none, as the browser sends it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for i in ids:
            bundle.writestr(f"net-{i}.safetensors", save({k: p.contiguous() for k, p in mine.zoo[i].params.items()}))
        bundle.writestr("broken.pt", b"no weights")
    return SimpleNamespace(name="mine.zip", getbuffer=buffer.getbuffer)


@pytest.fixture
def brought(root, monkeypatch):  # noqa: F811
    """Imports networks of a zoo where the catalogue finds them; returns the import when it is over."""
    monkeypatch.setattr(imports, "IMPORTS", root / "imports")

    def bring(mine: catalogue.Loaded, source) -> imports.Import:
        work = imports.begin(mine.space_info, source, "mine", {"as": "paper"})
        work.future.result(240)
        assert not work.problem
        return work

    return bring


def test_uploaded_networks_are_shown_among_the_zoo(kind, brought):
    mine = loaded()
    assert len(brought(mine, [packed(mine, [0, 1])]).result.records) == 2
    at = open_map(zoo=mine.zoo_info.id, **{"with": "imports/mine/zoo"})
    sent = feeds(at)
    assert sent["points"][0]["count"] == len(mine.zoo) + 2
    places = np.frombuffer(sent["points"][1], np.float32).reshape(-1, 2)
    assert np.allclose(places[-2:], places[:2], atol=1e-3), "the same networks are at the same places"
    assert (np.frombuffer(sent["look"][1], np.uint8)[-2:] & 4).all()
    assert "2 networks imported, 1 refused" in said(at.markdown)
    chart = charts.chart(mine, [loaded("mine/zoo")])
    done = placements.placements_of(chart, chart.members[1])
    done.future.result(120)
    assert not done.problem and [row.name for row in done.rows] == ["net-0", "net-1"]
    at.run()
    table = next(d.value for d in at.dataframe if "reconstruction error" in d.value)
    assert table.nearest.iloc[0] == mine.names[0] and table.distance.iloc[0] < 1e-3
    guest = open_map(zoo=mine.zoo_info.id, network="imports/mine/zoo:net-1", **{"with": "imports/mine/zoo"})
    assert view(guest)["picked"] == len(mine.zoo) + 1 and button(guest, "Set as A").disabled


def test_errors_of_imported_networks_are_colours(shapes, brought):
    mine = loaded()
    brought(mine, [packed(mine, [0, 1, 2])])
    done = placements.placements_of(charts.chart(mine, [loaded("mine/zoo")]), loaded("mine/zoo"))
    done.future.result(120)
    done.rows[:] = [row._replace(error=error) for row, error in zip(done.rows, (0.125, 0.5, np.nan), strict=True)]
    at = open_map(zoo=mine.zoo_info.id, colour="placed error", **{"with": "imports/mine/zoo"})
    header, body = feeds(at)["look"]
    assert header["colour"] == {
        "title": "reconstruction error", "kind": "number", "low": 0.125, "high": 0.5, "missing": len(mine.zoo) + 1,
        "cut": [False, False],
    }  # fmt: skip
    tints = np.frombuffer(body[: 4 * header["count"]], np.float32)
    assert tints[-3:-1].tolist() == [0, 1] and np.isnan(tints[:-3]).all() and np.isnan(tints[-1])


def test_what_fusing_batch_norm_changes_is_told(folder, root, brought):  # noqa: F811
    mine = loaded()
    (root / "nets").mkdir()
    torch.save(lived(CifarResNet()).state_dict(), root / "nets" / "resnet.pt")
    (record,) = brought(mine, str(root / "nets")).result.records
    at = open_map(zoo=mine.zoo_info.id, **{"with": "imports/mine/zoo"})
    words = (
        f"Batch norm of 1 network fused: logits change by at most {record['fused_difference']:.1e} against the unfused"
    )
    assert words in said(at.caption) and 0 < record["fused_difference"] < 1e-3


def test_a_direction_moves_a_picked_guest(shapes, brought, monkeypatch):
    monkeypatch.setattr("netspace.latent.directions.LEAST", 4)
    monkeypatch.setattr("netspace.latent.directions.FOLDS", 2)
    mine = loaded()
    brought(mine, [packed(mine, [4])])
    link = {"with": "imports/mine/zoo", "network": "imports/mine/zoo:net-4", "move": "direction"}
    at = open_map(zoo=mine.zoo_info.id, column="seat_height", **link)
    way = at.session_state["map.way"]["embeddings"]
    z = charts.chart(mine, [loaded("mine/zoo")]).z
    assert np.allclose(way[len(way) // 2], z[-1], atol=1e-4) and not np.allclose(way[0], way[-1])
    assert "the seat height of net-4" in said(at.caption)


def test_without_a_zoo_an_imported_one_is_chosen(shapes, brought):
    mine = loaded()
    source = [packed(mine, [0, 1, 2, 3])]
    shutil.rmtree(shapes / "zoo")
    at = open_page("zoo_map", **PCA)
    assert not at.exception and "No zoo here fits the space" in said(at.info)
    button(at, "Bring your own").click().run()
    assert at.text_input(key="map.bring.name.widget") and button(at, "Import").disabled
    at.session_state["map.bring.work"] = brought(mine, source)
    at.run()
    assert not at.exception and at.session_state["choice.zoo"] == "imports/mine/zoo"
    assert feeds(at)["points"][0]["count"] == 4 and link_of(at)["zoo"] == "imports/mine/zoo"
    for page in ("home", "shapes", "networks"):
        assert not open_page(page, zoo="imports/mine/zoo").exception


def test_an_import_that_ends_while_the_page_is_laid_out_is_shown(shapes, brought, monkeypatch):
    mine = loaded()
    work, taken = brought(mine, [packed(mine, [0])]), bringing.take_imported
    calls = itertools.count()
    at = open_map(zoo=mine.zoo_info.id)
    monkeypatch.setattr(
        bringing, "take_imported", lambda: taken() if next(calls) else None
    )  # not over when the page begins
    at.session_state["map.bring.work"] = work
    at.run()
    assert not at.exception and feeds(at)["points"][0]["count"] == len(mine.zoo) + 1


def test_an_import_without_a_network_is_told_and_leaves_its_name_free(shapes, tmp_path):
    mine = loaded()
    broken = SimpleNamespace(name="broken.pt", getbuffer=lambda: memoryview(b"no weights"))
    work = imports.begin(mine.space_info, [broken], "mine")
    work.future.result(240)
    assert "No network" in work.problem and work.refused[0]["name"] == "broken"
    assert not imports.name_problem("mine")


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("../out", "x", "letters, digits"),
        ("m" * 300, "x", "80 letters at most"),
        ("mine", "/no/such/folder", "no folder or file"),
        ("mine", "~nobody-of-this-name/x", "cannot be opened: Could not determine"),
        ("mine", "/" + "x" * 5000, "cannot be opened: File name too long"),
        ("mine", [], "Choose files"),
    ],
)
def test_what_cannot_be_imported_is_told(shapes, name, source, words):
    mine = loaded()
    with pytest.raises(ValueError, match=words):
        imports.begin(mine.space_info, source, name)


def test_an_import_that_cannot_begin_leaves_nothing_behind(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    lost = SimpleNamespace(name="lost.pt", getbuffer=lambda: 1 / 0)
    with pytest.raises(ValueError, match="could not be kept for the import: Division by zero"):
        imports.begin(loaded().space_info, [lost], "mine")
    assert not list((tmp_path / "scratch").iterdir()) and not imports.name_problem("mine")
    monkeypatch.setattr(imports, "name_problem", lambda name: "")  # asked before another session took the name
    (imports.IMPORTS / "mine").mkdir(parents=True)
    with pytest.raises(ValueError, match="already: choose another name"):
        imports.begin(loaded().space_info, [lost], "mine")
    assert not list((tmp_path / "scratch").iterdir()) and (imports.IMPORTS / "mine").is_dir()


def test_uploads_are_laid_out_as_import_reads_them(tmp_path):
    def file(name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, getbuffer=lambda: memoryview(b"no weights"))

    assert imports._laid([file("mine.zip"), file("zoo.json")], tmp_path / "a") == tmp_path / "a" / "mine.zip"
    laid = imports._laid([file("ä" * 300 + ".pt"), file("in/net.pt"), file("net.pt")], tmp_path / "b")
    names = sorted(path.name for path in laid.iterdir())
    assert names[:2] == ["2-net.pt", "net.pt"] and names[2].endswith("ä.pt") and len(names[2].encode()) <= 255
    laid = imports._laid([file("2-a.pt"), file("a.pt"), file("a.pt")], tmp_path / "c")
    assert sorted(path.name for path in laid.iterdir()) == ["2-2-a.pt", "2-a.pt", "a.pt"]


def test_a_damaged_zip_is_told_as_such(shapes):
    broken = SimpleNamespace(name="mine.zip", getbuffer=lambda: memoryview(b"PK and no more"))
    work = imports.begin(loaded().space_info, [broken], "mine")
    work.future.exception(240)
    assert "zip is damaged or not a zip" in work.problem and not imports.name_problem("mine")


def test_an_import_ends_with_the_app(shapes, monkeypatch):
    def ends():
        raise RuntimeError("the app ends")

    monkeypatch.setattr(imports, "go_on", ends)
    work = imports.begin(loaded().space_info, [packed(loaded(), [0])], "mine")
    work.future.exception(240)
    assert work.problem == "The app ends." and not imports.name_problem("mine")


def test_one_import_is_under_way_at_a_time(shapes):
    at = open_map()
    at.session_state["map.bring.work"] = imports.Import("first", "imports/first/zoo", words="a_b*: not a [SIREN]")
    button(at, "Bring your own").click().run()
    at.text_input(key="map.bring.folder.widget").set_value("/somewhere").run()
    assert not at.exception and "first is still imported" in said(at.info) and button(at, "Import").disabled
    assert "a\\_b\\*\\: not a \\[SIREN\\]" in at.get("progress")[0].proto.text


def test_an_import_is_known_by_where_it_lies(shapes, tmp_path):
    found = loaded().zoo_info
    assert not imports.is_import(replace(found, folder=tmp_path / "theirs" / "imports" / "zoo"))
    assert imports.is_import(replace(found, folder=imports.IMPORTS / "mine" / "zoo"))


# -- what fails in the background ------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [b"", b"PK and no more", b"\x93NUMPY"])
def test_a_damaged_cache_is_made_anew(shapes, left, tmp_path, kept_maps, monkeypatch):
    monkeypatch.setenv("NETSPACE_CACHE", str(tmp_path))
    chart = charts.chart(loaded())
    first = inspection.ByFunction(chart.loaded)
    wait_until(lambda: first.answers is not None)
    first.file.write_bytes(left)
    second = inspection.ByFunction(chart.loaded)
    wait_until(lambda: second.answers is not None)
    assert (first.answers == second.answers).all() and not second.problem
    ask, mapper = projections.Ask(np.zeros((3, 2)), {}), projections.Mapper()
    mapper._answer = lambda asked: np.ones((3, 2))
    assert (mapper._places(ask) == 1).all()
    (written,) = (tmp_path / "maps").glob("*.npy")
    written.write_bytes(left)
    mapper._answer = lambda asked: np.full((3, 2), 2.0)
    assert (mapper._places(ask) == 2).all()
    mapper._answer = None
    assert (mapper._places(ask) == 2).all()


def wait_until(condition) -> None:
    for _ in range(4800):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never became so")


def test_umap_is_asked_again_once(shapes):
    mapper, answers = projections.Mapper(), [None, np.ones((3, 2)), None, None]
    mapper._answer = lambda asked: answers.pop(0)
    assert (mapper._places(projections.Ask(np.full((3, 2), 7.0), {})) == 1).all()
    with pytest.raises(ValueError, match="ended twice"):
        mapper._places(projections.Ask(np.full((3, 2), 8.0), {}))
    assert not answers


def test_a_map_whose_process_was_killed_is_made_by_another():
    mapper = projections.Mapper()
    z = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    mapper.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1, stdout=-1)
    killed = mapper.process
    assert mapper.places(z, projections.Projection("umap")).result(600).shape == (30, 2)
    assert killed.poll() is not None
    mapper.close()


def test_what_fails_beside_the_map_is_told(kind, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(inspection.BesideDecode, "_draw", fail)
    monkeypatch.setattr(inspection.BesideDecode, "_facts", fail)
    monkeypatch.setattr(inspection.ByFunction, "of", fail)
    mine = loaded()
    at = open_map(network=mine.names[0])
    work = inspection.rebuilt(charts.chart(mine), 0)
    wait_until(lambda: work.problem and work.not_compared)
    at.run()
    assert not at.exception and "cannot be shown. Out of memory." in said(at.warning)
    assert "cannot be compared by what they do. Out of memory." in said(at.warning)
    work.rest()
    wait_until(lambda: work.done)


def test_a_map_that_was_called_off_is_made_when_asked_again(shapes):
    mapper, gate = projections.Mapper(), threading.Event()
    mapper._answer = lambda ask: np.ones((len(ask.z), 2))
    mapper.engine.submit((-np.inf,), gate.wait)
    asked = torch.eye(6), projections.Projection("umap")
    assert mapper.places(*asked).cancel()
    gate.set()
    assert mapper.places(*asked).result(240).shape == (6, 2)


def test_umap_that_failed_is_tried_again_when_asked(shapes, monkeypatch):
    mapper = projections.Mapper()
    monkeypatch.setattr(projections, "_mapper", lambda: mapper)
    answers = ["no memory", np.ones((len(loaded().names), 2))]
    monkeypatch.setattr(projections.Mapper, "_answer", lambda self, ask: answers.pop(0))
    at = open_map(projection="umap")
    wait_until(lambda: "No memory. This is PCA instead." in said(at.run().info))
    assert len(answers) == 1  # not by itself
    button(at, "Try again").click().run()
    wait_until(lambda: view(at.run())["axes"] == ["UMAP 1", "UMAP 2"])
    assert not answers and not [each for each in at.button if each.label == "Try again"]


def test_a_guest_without_embeddings_is_told(shapes, brought, monkeypatch):
    mine = loaded()
    brought(mine, [packed(mine, [0])])
    embed = embeddings.EmbeddingWork._embed

    def fail(self, one):
        if one.zoo_info.id != mine.zoo_info.id:
            raise RuntimeError("out of memory")
        return embed(self, one)

    monkeypatch.setattr(embeddings.EmbeddingWork, "_embed", fail)
    at = open_map(zoo=mine.zoo_info.id, **{"with": "imports/mine/zoo"})
    assert "could not be embedded (out of memory)" in said(at.warning)
    assert feeds(at)["points"][0]["count"] == len(mine.zoo)


def test_a_zoo_without_training_networks_places_guests_and_has_no_unseen_ones(shapes, brought, monkeypatch):
    monkeypatch.setattr("netspace.latent.directions.LEAST", 4)
    monkeypatch.setattr("netspace.latent.directions.FOLDS", 2)
    mine = loaded()
    brought(mine, [packed(mine, [1])])

    def hold_out(records, weights):
        records["split"] = "heldout"

    rewrite(Zoo.load(shapes / "zoo"), shapes / "zoo", hold_out)
    mine = catalogue.load(mine.space_info, next(f for f in catalogue.find() if f.id == mine.zoo_info.id))
    chart = charts.chart(mine, [loaded("mine/zoo")])
    done = placements.placements_of(chart, chart.members[1])
    done.future.result(120)
    assert not done.problem and done.rows[0].nearest == mine.names[1]
    assert projections.direction_along(chart, "seat_height").count_unseen == 0


def test_zeros_and_ones_are_numbers_and_yes_and_no_are_not(shapes):
    def more(records, weights):
        records["count"] = [0, 1, 0, 1, 0, 1]
        records["known"] = [True, None, False, True, None, False]

    rewrite(Zoo.load(shapes / "zoo"), shapes / "zoo", more)
    columns = charts.chart(loaded()).columns
    assert columns["count"].numbers.tolist() == [0, 1] * 3 and columns["count"].categories == ("0", "1")
    assert columns["known"].numbers is None and columns["known"].categories == ("no", "yes")
