"""Every page through Streamlit's AppTest, with good and bad links and folders; and the session behind them."""

import gzip
import io
import json
import math
import os
import shlex
import shutil
import struct
import sys
import threading
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from reading import read
from streamlit.testing.v1 import AppTest
from taking import taken

import netspace
from app.backend import catalogue, chairs, classifiers, engine, preps, take_away
from app.backend.path import STEPS, between
from app.tasks import APP_TASKS, app_task
from app.tasks.sdf import POINTS_ASKED
from app.ui import downloads, mesh_view
from app.ui.page import Slot
from netspace.cli.main import main
from netspace.export import EXPORTS
from netspace.export.table import CURVE, NETWORK, PATH, SURFACE, Export
from netspace.geometry.mesh import surface_of
from netspace.space.losses import sdf_queries
from netspace.tasks.image_field import values_of
from netspace.tasks.measures import accuracy, agreement, classify, wilson
from netspace.tasks.surfaces import Step, measure
from netspace.zoo.store import select, write_zoo

ROOT = Path(__file__).resolve().parent.parent
SHOWN = [
    ("home", "tiny"),
    ("home", "cnn"),
    ("shapes", "tiny"),
    ("classifiers", "cnn"),
    ("networks", "tiny"),
    ("networks", "cnn"),
    ("home", "images"),
    ("pictures", "images"),
    ("networks", "images"),
]
"""Pages, each with the folders of a kind that it shows: tiny holds shapes, cnn image classifiers, images fields."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder, and nothing else to be found."""
    monkeypatch.setattr(catalogue, "roots", lambda: [tmp_path])
    monkeypatch.setattr(chairs, "PREVIEW", 32)
    monkeypatch.setattr(chairs, "AT_REST", 64)
    monkeypatch.setattr(classifiers, "SUBSET", 60)
    return tmp_path


@pytest.fixture
def lay(request, root):
    """Puts the zoo and the space of a kind into the root, as copies to damage."""
    fixtures = {
        "tiny": ("tiny_zoo_folder", "tiny_space_folder"),
        "cnn": ("tiny_cnn_zoo_folder", "tiny_cnn_space_folder"),
    }
    fixtures["images"] = ("tiny_image_zoo_folder", "tiny_image_space_folder")

    def copy(kind: str) -> Path:
        for name, fixture in zip(("zoo", "space"), fixtures[kind], strict=True):
            source = request.getfixturevalue(fixture)
            (root / kind / name).mkdir(parents=True)
            for path in source.iterdir():
                if path.is_file():
                    (root / kind / name / path.name).write_bytes(path.read_bytes())
        return root / kind

    return copy


@pytest.fixture
def folders(lay):
    """The zoo and the space of shapes, and nothing else."""
    return lay("tiny")


def test_every_page_is_tried():
    elsewhere = {path.stem.removeprefix("test_app_") for path in (ROOT / "tests").glob("test_app_*.py")}
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} <= {page for page, _ in SHOWN} | elsewhere


def link_of(at: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[0] for key, value in at.query_params.items()}


def open_page(name: str | None = None, **link) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "session.py"), default_timeout=240)
    for key, value in link.items():
        at.query_params[key] = value
    if name and name != "home":
        at.switch_page(f"../pages/{name}.py")
        for key, value in link.items():  # going to a page drops them
            at.query_params[key] = value
    return at.run()


def unpack_feed(data: bytes) -> tuple[dict, bytes]:
    (length,) = struct.unpack("<I", data[:4])
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def said(elements) -> str:
    return read(" ".join(element.value for element in elements))


@pytest.mark.parametrize(("page", "kind"), SHOWN)
def test_every_page_opens(lay, page, kind):
    lay(kind)
    at = open_page(page)
    assert not at.exception and not at.error and not at.warning


@pytest.mark.parametrize("page", dict(SHOWN))
def test_every_page_opens_where_there_are_both_kinds(lay, page):
    lay("tiny"), lay("cnn")
    at = open_page(page)
    assert not at.exception and not at.error and not at.warning


@pytest.mark.parametrize("page", dict(SHOWN))
def test_every_page_says_what_to_do_without_any_data(root, page):
    at = open_page(page)
    assert not at.exception
    assert "No space" in said(at.info) and "was found" in said(at.info) and "netspace train" in said(at.code)


@pytest.mark.parametrize(
    ("page", "other", "words", "command"),
    [
        ("shapes", "cnn", "holds shapes", "fit-sdf"),
        ("classifiers", "tiny", "holds image classifiers", "fit-cnn"),
        ("pictures", "tiny", "holds image fields", "fit-image"),
    ],
)
def test_a_page_without_what_it_shows_says_how_to_make_one(lay, page, other, words, command):
    lay(other)
    at = open_page(page)
    assert words in said(at.info) and command in said(at.code) and not at.exception


def test_home_says_what_is_loaded(folders):
    at = open_page()
    text = said(at.markdown)
    assert "6: 4 train, 2 held‑out" in text and "siren64, 4,481 parameters" in text


def test_shapes_writes_its_link(folders):
    at = open_page("shapes")
    folders = {"space": "tiny/space", "zoo": "tiny/zoo"}
    assert link_of(at) == folders | {"a": "chair-0000", "b": "chair-0001", "gamma": "0.5", "method": "latent"}


def test_shapes_opens_what_a_link_says(folders):
    link = {"a": "chair-0003", "b": "chair-0002", "gamma": "0.25", "method": "weights", "camera": "1.000 0.200 3.000"}
    link |= {"slice": "y -0.25 eikonal"}
    at = open_page("shapes", **link)
    assert not at.warning
    assert link.items() <= link_of(at).items()


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"a": "sofa"}, "There is no network “sofa” in the zoo tiny/zoo"),
        ({"b": "sofa"}, "There is no network “sofa” in the zoo tiny/zoo"),
        ({"gamma": "half"}, "gamma “half” is not a number"),
        ({"gamma": "nan"}, "gamma “nan” is not a number"),
        ({"camera": "nan nan nan"}, "camera “nan nan nan” is not three numbers"),
        ({"camera": "front"}, "camera “front” is not three numbers"),
        ({"slice": "x 1.5 field"}, "slice “x 1.5 field” is not like “x 0.25 field”"),
        ({"method": "magic"}, "no method “magic”"),
        ({"space": "lost"}, "names the space “lost”, which is not here"),
        ({"zoo": "lost"}, "names the zoo “lost”, which is not here"),
    ],
)
def test_a_link_to_something_that_is_not_there_is_told_and_the_page_works(folders, link, sentence):
    at = open_page("shapes", **link)
    assert sentence in said(at.warning)
    assert not at.exception and not at.error
    at.run()
    assert not at.warning  # told once


@pytest.mark.parametrize(("page", "kind"), SHOWN)
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "space" / "model.safetensors").write_bytes(b"\x10" * 100), "model.safetensors is truncated"),
        (lambda f: (f / "space" / "config.json").write_text("{"), "is not valid JSON"),
        (lambda f: next((f / "zoo").glob("weights*")).unlink(), "has no weights"),
        (lambda f: (f / "zoo" / "records.parquet").write_bytes(b"PAR1"), "records.parquet cannot be read"),
    ],
    ids=["truncated space", "broken config", "missing weights", "broken records"],
)
def test_damaged_folders_are_told_in_a_sentence(lay, page, kind, damage, sentence):
    damage(lay(kind))
    at = open_page(page)
    assert sentence in said(at.error) and "Choose another" in said(at.error)
    assert not at.exception


def test_a_space_of_another_size_names_both(folders):
    netspace.NetSpace(netspace.Family.of("siren256"), embedding=8, hidden=16).save(folders / "space")
    at = open_page("shapes")
    assert "siren64 as PReps (4, 10000)" in said(at.error) and "siren256 as PReps (8, 10000)" in said(at.error)


# -- spaces of two kinds -------------------------------------------------------------------------------------------


@pytest.fixture
def both(lay):
    """Zoos and spaces of both kinds."""
    return lay("tiny"), lay("cnn")


def go(at: AppTest, page: str) -> AppTest:
    """Go to another page, which drops the link."""
    at.query_params.clear()
    return at.switch_page(f"../pages/{page}.py").run()


def test_the_sidebar_offers_what_suits_the_page(both):
    for page, options in (
        ("shapes", ["tiny"]), ("classifiers", ["cnn"]), ("home", ["tiny", "cnn"]), ("networks", ["tiny", "cnn"])
    ):  # fmt: skip
        at = open_page(page)
        assert [box.options for box in at.sidebar.selectbox] == [
            [f"{o} / space" for o in options],
            [f"{o} / zoo" for o in options],
        ]


def test_what_was_chosen_of_a_kind_is_chosen_again(both, root):
    shutil.copytree(root / "cnn", root / "later")
    at = open_page("classifiers")
    at.sidebar.selectbox[0].set_value("later/space").run()
    assert link_of(go(at, "shapes"))["space"] == "tiny/space" and not at.warning
    assert link_of(go(at, "classifiers"))["space"] == "later/space" and not at.warning


@pytest.mark.parametrize("changed", ["space", "zoo"])
def test_choosing_one_that_does_not_fit_takes_the_other_along(both, changed):
    at = open_page("networks")
    assert {link_of(at)["space"], link_of(at)["zoo"]} == {"tiny/space", "tiny/zoo"}
    at.sidebar.selectbox[0 if changed == "space" else 1].set_value(f"cnn/{changed}").run()
    assert (link_of(at)["space"], link_of(at)["zoo"]) == ("cnn/space", "cnn/zoo")
    assert not at.error and not at.warning and not at.exception


def test_the_zoo_beside_the_space_comes_before_others_that_fit(both, root):
    shutil.copytree(root / "cnn", root / "another")
    at = open_page("classifiers", space="cnn/space")
    assert link_of(at)["zoo"] == "cnn/zoo"
    assert link_of(open_page("classifiers", zoo="cnn/zoo"))["space"] == "cnn/space"


@pytest.mark.parametrize("page", ["shapes", "classifiers"])
def test_a_page_offers_networks_of_its_own_kind_alone(both, lay, page):
    lay("images")
    at = open_page(page, space="images/space")
    assert not at.exception and not at.error
    assert "“images/space”, which holds no" in said(at.warning)
    options = at.sidebar.selectbox[0].options
    assert options and "images / space" not in options


def test_a_link_to_another_kind_is_told_and_falls_back(both):
    at = open_page("classifiers", space="tiny/space", zoo="tiny/zoo")
    assert "the space “tiny/space”, which holds no image classifiers" in said(at.warning)
    assert link_of(at)["space"] == "cnn/space" and link_of(at)["zoo"] == "cnn/zoo" and not at.error


def test_home_plays_its_film_while_classifiers_are_chosen(both):
    at = open_page(space="cnn/space", zoo="cnn/zoo")
    assert not at.error and not at.exception
    assert "lenetlike/digits" in said(at.markdown) and "Every frame of this film" in said(at.markdown)


def test_home_without_shapes_has_no_film(lay):
    lay("cnn")
    assert "Every frame of this film" not in said(open_page().markdown)


# -- classifiers ---------------------------------------------------------------------------------------------------


def test_classifiers_writes_its_link(lay, tiny_cnn_zoo):
    lay("cnn")
    link = link_of(open_page("classifiers"))
    accuracy = tiny_cnn_zoo.records.set_index("name").test_accuracy
    train = tiny_cnn_zoo.records.name[tiny_cnn_zoo.ids("train")]
    assert accuracy[link["a"]] == min(accuracy[train]) and accuracy[link["b"]] == max(accuracy[train])
    assert link | {"space": "cnn/space", "zoo": "cnn/zoo", "gamma": "0.5", "method": "latent"} == link


def test_classifiers_opens_what_a_link_says(lay):
    lay("cnn")
    link = {"a": "lenetlike-003", "b": "lenetlike-001", "gamma": "0.25", "method": "weights"}
    at = open_page("classifiers", **link)
    assert not at.warning and link.items() <= link_of(at).items()
    swap = next(button for button in at.main.button if "swap" in button.label)
    swap.click().run()
    assert link_of(at) | {"a": "lenetlike-001", "b": "lenetlike-003", "gamma": "0.75"} == link_of(at)


def test_a_network_can_be_chosen_among_all(lay):
    lay("cnn")
    at = open_page("classifiers")
    table = at.dataframe[0].value
    assert table["test accuracy"].is_monotonic_decreasing and set(table.split) == {"train", "validation", "held-out"}
    at.main.selectbox[0].set_value("lenetlike-003").run()
    assert link_of(at)["a"] == "lenetlike-003" and not at.exception


def test_without_the_images_the_page_says_how_to_get_them(lay, monkeypatch):
    lay("cnn")
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    at = open_page("classifiers")
    assert "digits is not here" in said(at.info) and not at.exception
    words = shlex.split(at.code[0].value)
    assert words[:4] == ["python", "-m", "netspace", "images"] and main(words[3:]) == 0


def test_without_the_images_recorded_curves_are_shown(lay, monkeypatch):
    folder = lay("cnn")
    record_curves(folder, "lenetlike-001", "lenetlike-005")
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    at = open_page("classifiers", a="lenetlike-000", b="lenetlike-001")
    assert link_of(at)["a"] == "lenetlike-001" and link_of(at)["b"] == "lenetlike-005"
    assert "No path from lenetlike-000 to lenetlike-001 was recorded" in said(at.warning)
    assert not at.exception and not at.error


def record_curves(folder: Path, a: str, b: str) -> None:
    """Curves as `eval --pairs --save` keeps them."""
    rows = [
        {"kind": "train, random", "method": method, "a": a, "b": b, "count": 360, "gamma": i / 32, "accuracy": i / 40}
        for method in ("latent", "weights")
        for i in range(STEPS)
    ]
    pd.DataFrame(rows).to_parquet(folder / "space" / "curves.parquet", index=False)


@pytest.fixture
def cnn(lay) -> catalogue.Loaded:
    lay("cnn")
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


def test_recorded_curves_fill_a_feed(cnn):
    record_curves(cnn.space_info.folder.parent, "lenetlike-001", "lenetlike-005")
    assert [(pair.a, pair.b) for pair in classifiers.recorded(cnn)] == [("lenetlike-001", "lenetlike-005")]
    curves = classifiers.recorded_curves(cnn, "lenetlike-001", "lenetlike-005")
    header, body = unpack_feed(classifiers.recorded_feed("view", "path", curves))
    assert {(f["side"], f["index"]) for f in header["frames"]} == {
        (s, i) for s in ("latent", "weights") for i in range(STEPS)
    }
    assert all(
        f["correct"] == round(f["index"] / 40 * 360) and f["said"] is None and f["full"] for f in header["frames"]
    )
    assert body == b""
    assert curves.full.all() and len(curves) == 2 * STEPS and (curves["count"] == 360).all()
    row = curves[(curves.method == "weights") & (curves.gamma == 0.5)].iloc[0]
    assert (row.low, row.high) == wilson(144, 360) and row.accuracy == 0.4


def test_both_curves_can_be_taken_away(cnn):
    work = app_task(cnn).pair_path(cnn, 0, 7, ("latent", "weights"), first=16)
    wait_for_feeds(work)
    table = pd.read_csv(io.BytesIO(EXPORTS["csv"].write(classifiers.curve_subject(work.loaded, work.curves(), 0, 1))))
    assert table.columns.tolist() == ["method", "gamma", "accuracy", "low", "high", "count", "full"]
    assert len(table) == 2 * STEPS and table.full.all() and (table["count"] == 360).all()
    ends = table[table.method == "weights"].sort_values("gamma").accuracy
    assert [ends.iloc[0], ends.iloc[-1]] == pytest.approx(cnn.zoo.records.test_accuracy[[0, 7]].tolist(), abs=1e-5)
    assert ((table.low <= table.accuracy) & (table.accuracy <= table.high)).all()


def test_curves_that_are_not_known_in_full_say_so(cnn):
    work = classifiers.ClassifierWork(
        engine.Engine(1), cnn, between(cnn, 0, 1, ("weights",)), 0, classifiers._test_images("digits")
    )
    for future in work.frames.values():
        future.result(timeout=240)
    curves = work.curves()
    assert len(curves) == STEPS and not curves.full.any() and (curves["count"] == 60).all()
    some = curves[curves.gamma < 0.5]
    assert EXPORTS["pdf"].write(classifiers.curve_subject(cnn, some, 0, 1)).startswith(b"%PDF")  # the rest is a gap
    assert EXPORTS["png"].write(classifiers.curve_subject(cnn, curves[:0], 0, 1)).startswith(b"\x89PNG")


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_recorded_curves_can_be_drawn(cnn, kind, start):
    record_curves(cnn.space_info.folder.parent, "lenetlike-001", "lenetlike-005")
    curves = classifiers.recorded_curves(cnn, "lenetlike-001", "lenetlike-005")
    assert EXPORTS[kind].write(classifiers.curve_subject(cnn, curves, 1, 5)).startswith(start)


def test_a_classifier_can_be_taken_away_as_onnx(cnn):
    import onnx

    work = app_task(cnn).pair_path(cnn, 0, 7, ("latent", "weights"), first=16)
    model = onnx.load_from_string(taken("onnx", work, "latent", 16, {}))
    assert [(node.name) for node in (*model.graph.input, *model.graph.output)] == ["images", "logits"]


@pytest.mark.parametrize(("page", "kind", "titles"), [
    ("classifiers", "cnn", [
        "safetensors + JSON", "state_dict", "ONNX", "GIF", "MP4", "CSV", "PNG", "PDF", "HTML page",
        "All files as a zip",
    ]),
    ("shapes", "tiny", [
        "GLB", "STL", "PLY", "OBJ", "OFF", "Turntable", "safetensors + JSON", "state_dict", "Slices", "Film strip",
        "GIF", "MP4", "CSV", "HTML page", "All files as a zip",
    ]),
    ("pictures", "images", [
        "PNG", "safetensors + JSON", "state_dict", "Film strip", "GIF", "MP4", "CSV", "HTML page", "All files as a zip",
    ]),
])  # fmt: skip
def test_what_can_be_taken_away_depends_on_the_networks(lay, page, kind, titles):
    lay(kind)
    assert [button.label for button in open_page(page).get("download_button")] == titles


@pytest.mark.parametrize(("page", "kind"), [("classifiers", "cnn"), ("shapes", "tiny"), ("pictures", "images")])
def test_an_entry_of_the_table_is_all_that_a_page_needs(lay, monkeypatch, page, kind):
    """A dummy export of each subject is offered where it suits the networks, and made when its button is clicked."""
    task, made, count = {"classifiers": "classification", "shapes": "sdf", "pictures": "image-field"}[page], {}, []
    for of in (NETWORK, SURFACE, PATH, CURVE):

        def write(subject, of=of):
            count.append(of)
            return made.setdefault(of, subject) and b"it"

        dummy = Export(f"Dummy {of}", of, of, "words", write, (task,))
        monkeypatch.setitem(EXPORTS, f"dummy-{of}", dummy)
    monkeypatch.setitem(EXPORTS, "none", Export("Of others", "no", NETWORK, "words", lambda s: b"", ("another",)))
    offered = {}
    real = downloads.offer_file
    monkeypatch.setattr(
        downloads, "offer_file", lambda place, title, make, file, *args, **looks: (
            offered.update({title: (make, file)}), real(place, title, make, file, *args, **looks)
        ),
    )  # fmt: skip
    lay(kind)
    at = open_page(page)
    assert not at.exception
    labels = [button.label for button in at.get("download_button")]
    assert {f"Dummy {of}" for of in (NETWORK, SURFACE, PATH, CURVE)} <= set(labels) and "Of others" not in labels
    for of in (NETWORK, SURFACE, PATH, CURVE):
        make, file = offered[f"Dummy {of}"]
        assert make() == b"it" and file.endswith(f".{of}")
    for of in (NETWORK, SURFACE) if page == "classifiers" else (NETWORK, SURFACE, PATH, CURVE):
        assert offered[f"Dummy {of}"][0]() == b"it" and len(count) == 4, "at once the second time"
    assert made[NETWORK].network.arch.task == task and made[NETWORK].card["evaluate"]
    assert len(made[PATH].steps) == STEPS and made[PATH].through[1][1].startswith("B: ")
    assert not made[CURVE].table.empty


@pytest.mark.parametrize(("page", "kind"), [("classifiers", "cnn"), ("shapes", "tiny"), ("pictures", "images")])
def test_an_animation_of_the_path_can_be_taken_away(lay, page, kind):
    lay(kind)
    loaded = catalogue.load(*catalogue.find())
    task = app_task(loaded)
    work = task.pair_path(loaded, 0, 1, ("latent", "weights"), first=16)
    subject = task.path_subject(work, "weights", take_away.through_pair("a", "b"))
    animation = Image.open(io.BytesIO(EXPORTS["gif"].write(subject)))
    assert animation.n_frames == 2 * (STEPS - 1) and animation.info["loop"] == 0


def test_an_animation_of_what_is_not_known_yet_has_a_gap(cnn):
    route = between(cnn, 0, 1, ("weights",))
    work = classifiers.ClassifierWork(engine.Engine(1), cnn, route, 0, classifiers._test_images("digits"))
    for key, future in work.frames.items():
        future.result(timeout=240)
        if key[1] > 4:
            work.frames[key] = Future()
    steps = classifiers.known_steps(work, "weights")
    known = [not math.isnan(step.row["accuracy"]) for step in steps]
    assert known == [i <= 4 for i in range(STEPS)] and steps[5].words == "accuracy not known yet"
    subject = app_task(cnn).path_subject(work, "weights", take_away.through_pair("a", "b"))
    assert Image.open(io.BytesIO(EXPORTS["gif"].write(subject))).n_frames == 2 * (STEPS - 1)


def test_recorded_curves_can_be_taken_away(lay, monkeypatch):
    record_curves(lay("cnn"), "lenetlike-001", "lenetlike-005")
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    assert [button.label for button in open_page("classifiers").get("download_button")] == ["CSV", "PNG", "PDF"]


OWN = "lenetlike/16px-3c"


@pytest.fixture
def own(root) -> Path:
    """A zoo of a folder of one's own images, of one network of each split, and a space."""
    family = netspace.Family.of(OWN, width=1000)
    (arch,) = family.archs
    parameters = [arch.initialise(seed) for seed in range(3)]
    records = pd.DataFrame({"name": ["x", "y", "z"], "arch": OWN, "row": range(3), "split": netspace.zoo.SPLITS})
    weights = {f"{OWN}/{name}": torch.stack([one[name] for one in parameters]) for name in arch.shapes}
    write_zoo(root / "own" / "zoo", family, records, weights, {})
    netspace.NetSpace(family, embedding=8, hidden=16).save(root / "own" / "space")
    return root / "own"


def test_what_is_missing_of_ones_own_images_is_told(own, capsys):
    at = open_page("classifiers")
    assert "a folder of one's own (3 classes)" in said(at.info) and not at.button and not at.exception
    words = shlex.split(at.code[0].value)
    assert "--data" in words and "--save" in words
    assert main(words[3:]) and "no folder FOLDER" in capsys.readouterr().err  # and no unknown option


def test_all_three_splits_have_a_name(own):
    found = {f.kind: f for f in catalogue.find()}
    loaded = catalogue.load(found["space"], found["zoo"])
    assert [card.split for card in catalogue.cards(loaded)] == ["train", "validation", "held-out"]
    assert catalogue.summary(loaded)["Networks"] == "3: 1 train, 1 validation, 1 held‑out"
    assert (
        "not trained on y and z" in app_task(loaded).doubt(loaded, 1, 2) and app_task(loaded).doubt(loaded, 0, 0) == ""
    )
    assert APP_TASKS["classification"].default_pair(loaded) == (0, 2) and APP_TASKS["sdf"].default_pair(loaded) == (
        0,
        1,
    )


def test_a_classifiers_path_is_asked_first_a_part_then_all(cnn, monkeypatch):
    monkeypatch.setattr(classifiers, "AT_ONCE", 100)  # several tasks a network
    work = app_task(cnn).pair_path(cnn, 0, 7, ("latent", "weights"), first=16)
    feeds = wait_for_feeds(work)
    images, pixels = unpack_feed(feeds.pop("images"))
    assert len(pixels) == images["count"] * images["size"] ** 2 * 3
    frames = {"part": {}, "full": {}}
    for name, content in feeds.items():
        header, body = unpack_feed(content)
        assert header["path"] == work.id and sum(f["bytes"] for f in header["frames"]) == len(body)
        at = 0
        for f in header["frames"]:
            confusion = np.frombuffer(body, np.uint16, 100, at).reshape(10, 10)
            at += f["bytes"]
            assert confusion.trace() == f["correct"] and confusion.sum() == f["count"] and f["low"] <= f["high"]
            rows = np.bincount(work.test.labels[: f["count"]], minlength=10)
            assert np.array_equal(confusion.sum(axis=1), rows), "rows are true classes"
            frames[name.split("-")[0]][f["side"], f["index"]] = f
    assert {f["count"] for f in frames["part"].values()} == {60} and {f["count"] for f in frames["full"].values()} == {
        360
    }
    assert next(iter(frames["part"])) == ("latent", 16) and len(frames["full"]) == 2 * STEPS
    for index, i in ((0, 0), (STEPS - 1, 7)):  # the ends through raw weights are the originals
        f = frames["full"]["weights", index]
        assert f["correct"] / 360 == pytest.approx(cnn.zoo.records.test_accuracy[i], abs=1e-6)
        answers = classify(cnn.zoo[i], work.test.take(slice(16))).softmax(dim=1)
        assert f["said"] == answers.argmax(dim=1).tolist() and np.allclose(f["sure"], answers.amax(dim=1), atol=1e-4)


def wait_for_feeds(work: classifiers.ClassifierWork) -> dict[str, bytes]:
    for _ in range(2400):
        feeds = dict(work.feeds("view"))
        if all(feeds.values()):
            return feeds
        time.sleep(0.1)
    raise TimeoutError("not all feeds became ready")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is that of the whole process")
def test_workers_give_way_to_clicks():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    served = engine.Engine(1)
    assert served.submit((0,), niceness).result(60) == min(19, niceness() + engine.NICE)
    served.close()


def test_who_waits_for_a_path_gets_it_though_another_session_pauses_it(cnn, monkeypatch):
    served, test = engine.Engine(1), classifiers._test_images("digits").take(slice(64))
    gate = threading.Event()
    served.submit((-np.inf, 0), gate.wait)
    work = classifiers.ClassifierWork(served, cnn, between(cnn, 0, 1, ("weights",)), 0, test)
    monkeypatch.setattr(type(work), "pausable", lambda work: work.frames.values())
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(work.first_ready)
        while not work.waiting:
            time.sleep(0.01)
        assert not work.is_idle
        work.pause()  # as a session does that looked at it just before
        gate.set()
        waits.result(timeout=240)
    assert not work.waiting and not any(piece.cancelled() for piece in work.frames.values())


def test_a_path_that_was_paused_goes_on(cnn):
    served, test = engine.Engine(1), classifiers._test_images("digits")
    gate = threading.Event()
    served.submit((-np.inf, 0), gate.wait)
    work = classifiers.ClassifierWork(served, cnn, between(cnn, 0, 1, ("weights",)), 0, test)
    work.resume()
    work.pause()
    assert all(piece.held for pieces in work.whole.values() for piece in pieces)
    work.resume()
    gate.set()
    assert all(wait_for_feeds(work).values()) and work.done


# -- networks as images --------------------------------------------------------------------------------------------


@pytest.fixture(params=["tiny", "cnn", "images"])
def any_kind(lay, request) -> catalogue.Loaded:
    lay(request.param)
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


def prep_path(loaded: catalogue.Loaded, a: int = 0, b: int = 4, first: int = 16) -> preps.PrepPath:
    """A path all of which is done."""
    work = preps.PrepPath(engine.Engine(1), loaded, a, b, ("latent", "weights"), first)
    preps.ask(work)
    for future in (*work.frames.values(), *work.answers.values()):
        future.result(timeout=240)
    return work


def quanta(packed: bytes) -> np.ndarray:
    low, high = np.frombuffer(gzip.decompress(packed), np.uint8).reshape(2, -1)
    return np.stack([low, high], axis=1).copy().view("<i2")[:, 0]


def test_a_path_of_pictures_fills_its_feeds(any_kind):
    work = prep_path(any_kind)
    feeds = {name: unpack_feed(content) for name, content in work.feeds("view")}
    about, body = feeds["ends"]
    (parameters,) = (words["parameters"] for words in about["archs"].values())
    arch = any_kind.zoo[0].arch
    assert [(p["name"], tuple(p["shape"])) for p in parameters] == [(n, tuple(s)) for n, s in arch.shapes.items()]
    sizes = [shape.numel() for shape in arch.shapes.values()]
    unit = np.repeat([p["scale"] / preps.SHADES for p in parameters], sizes)
    originals = [any_kind.zoo[i].prep.flatten()[: arch.num_params].numpy() for i in (0, 4)]
    assert sum(about["bytes"]) == len(body) and about["bad"] == [0, 0]
    for sent, original in zip((body[: about["bytes"][0]], body[about["bytes"][0] :]), originals, strict=True):
        assert (np.abs(quanta(sent) * unit - original) <= unit * 0.501).all()
    largest = np.abs(np.stack(originals))
    assert about["scale"] == pytest.approx(np.quantile(largest, 0.99), rel=1e-5)
    assert next(iter(dict(work.feeds("view")))) == "ends" and "part-0" in feeds
    seen, first = set(), feeds["part-0"][0]["frames"][0]
    assert (first["side"], first["index"]) == ("latent", 16)
    for name, (header, content) in feeds.items():
        at = 0
        for f in header.get("frames", []):
            seen.add((f["side"], f["index"]))
            sent, at = content[at : at + f["bytes"]], at + f["bytes"]
            values = work.network(f["side"], f["index"]).prep.flatten()[: arch.num_params].numpy()
            if f["side"] == "latent":
                assert (np.abs(quanta(sent) * unit - values) <= unit * 0.501).all()
            else:
                assert sent == b""
            assert f["cosine"][1] == preps.compare(originals[1], values, work.layouts[0].starts)[0]
        assert at == len(content) or name == "ends"
    assert seen == {(side, i) for side in ("latent", "weights") for i in range(STEPS)}


def test_statistics_are_those_of_every_parameter(any_kind):
    work = prep_path(any_kind)
    original, other = any_kind.zoo[0], work.network("latent", 5)
    entry = work.frames["latent", 5].result().entry
    cosine, norm = entry["cosine"][0], entry["norm"][0]
    pairs = [(p.flatten(), other.params[name].flatten()) for name, p in original.params.items()]
    pairs = [tuple(torch.cat(side) for side in zip(*pairs, strict=True)), *pairs]
    assert len(cosine) == len(norm) == len(pairs)
    for (x, y), c, r in zip(pairs, cosine, norm, strict=True):
        assert c == pytest.approx(float(x.double() @ y.double() / (x.double().norm() * y.double().norm())), abs=2e-4)
        assert r == pytest.approx(float(y.double().norm() / x.double().norm()), rel=1e-3)
    ends = work.frames["weights", 0].result().entry, work.frames["weights", STEPS - 1].result().entry
    assert set(ends[0]["cosine"][0]) == set(ends[1]["norm"][1]) == {1.0}


def test_answers_are_compared_with_both_ends(any_kind):
    work = prep_path(any_kind)
    network, ends = work.network("latent", 0), [any_kind.zoo[i] for i in (0, 4)]
    found = work.answers["latent", 0].result()
    if any_kind.zoo[0].arch.task == "sdf":
        queries = [sdf_queries(end, POINTS_ASKED, seed=k) for k, end in enumerate(ends)]
        same = [agreement(network(q.points)[:, 0], q.values).item() for q in queries]
        assert found.same == pytest.approx(same, abs=2e-3) and found.accuracy is None
    elif work.data is None:
        mine, *theirs = (values_of(one, 32).flatten() for one in (network, *ends))
        same = [((mine - end).abs() <= 0.05).float().mean().item() for end in theirs]
        assert found.same == pytest.approx(same, abs=2e-3) and found.accuracy is None
    else:
        said_by = [classify(n, work.data) for n in (network, *ends)]
        same = [accuracy(said_by[0], one.argmax(dim=1)) for one in said_by[1:]]
        assert found.same == pytest.approx(same) and found.accuracy == pytest.approx(
            accuracy(said_by[0], work.data.labels)
        )
    assert work.answers["weights", 0].result().same[0] == work.answers["weights", STEPS - 1].result().same[1] == 1
    assert work.done and "asked" in work.words


def test_values_that_are_not_finite_are_told_apart():
    values = np.array([0.5, np.nan, -1.0, np.inf, 200.0], np.float32)
    packed = quanta(preps.pack_values(values, np.full(5, 1 / 256)))
    assert packed.tolist() == [128, preps.NOT_FINITE, -256, preps.NOT_FINITE, 32767]
    cosine, norm = preps.compare(values, np.ones(5, np.float32), [0, 1, 2, 4])
    assert cosine == [None, 1.0, None, None, 1.0] and norm == [None, 2.0, None, None, 0.005]
    assert preps.compare(np.zeros(2), np.ones(2), [0, 1]) == ([None] * 3, [None] * 3)
    assert preps.scale_of(np.full(3, np.nan)) == preps.scale_of(np.zeros(3)) == 1


def test_a_network_that_holds_nan_is_shown(lay, tiny_cnn_zoo):
    folder = lay("cnn")
    weights = {name: stack.clone() for name, stack in tiny_cnn_zoo.weights.items()}
    weights["lenetlike/digits/fcs.0.bias"][0, :3] = float("nan")
    write_zoo(folder / "zoo", tiny_cnn_zoo.family, tiny_cnn_zoo.records, weights, {})
    found = {f.kind: f for f in catalogue.find()}
    work = prep_path(catalogue.load(found["space"], found["zoo"]))
    about, _ = unpack_feed(dict(work.feeds("view"))["ends"])
    assert about["bad"] == [3, 0] and work.answers == {} and work.done
    for content in dict(work.feeds("view")).values():
        json.dumps(unpack_feed(content)[0], allow_nan=False)
    assert not open_page("networks", a=tiny_cnn_zoo.records.name[0]).exception


def test_large_networks_have_fewer_steps(any_kind, monkeypatch):
    monkeypatch.setattr(preps, "BUDGET", 12 * any_kind.zoo[0].arch.num_params)
    work = prep_path(any_kind, first=21)
    assert work.steps == 9 and len(work.frames) == 18
    entries = [f.result().entry for f in work.frames.values()]
    assert entries[0]["index"] == 5 and {e["index"] for e in entries} == set(range(9))
    data = preps.prep_data(any_kind, work, 0, 4, frame=5, method="latent", against="a", scale="own", layer="")
    assert data["steps"] == 9 and data["all_steps"] == STEPS


def test_networks_writes_its_link(lay):
    lay("cnn")
    link = {"a": "lenetlike-003", "b": "lenetlike-001", "gamma": "0.25", "method": "weights"}
    more = {"against": "b", "scale": "one", "layer": "fcs.1.weight"}
    at = open_page("networks", **link, **more)
    assert not at.warning and link_of(at) == link | more | {"space": "cnn/space", "zoo": "cnn/zoo"}
    assert {"gamma": "0", "method": "latent"}.items() <= link_of(open_page("networks")).items()
    assert not {"against", "scale", "layer"} & set(link_of(open_page("networks")))


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"a": "sofa"}, "There is no network “sofa”"),
        ({"against": "c"}, "no end “c” to compare with"),
        ({"scale": "huge"}, "no scale “huge”"),
        ({"layer": "fc.9"}, "no parameter “fc.9” in lenetlike/digits"),
    ],
)
def test_a_link_to_pictures_that_are_not_there_is_told(lay, link, sentence):
    lay("cnn")
    at = open_page("networks", **link)
    assert sentence in said(at.warning) and not at.exception and not at.error


def test_one_network_is_compared_with_what_is_decoded_of_it(lay, tiny_cnn_zoo, root):
    shutil.rmtree(lay("cnn") / "zoo")
    select(tiny_cnn_zoo, [0], root / "cnn" / "zoo")
    at = open_page("networks")
    assert link_of(at)["a"] == link_of(at)["b"] and not at.exception and not at.error
    assert "1 network, lenetlike/digits" in said(at.sidebar.caption)


def test_without_the_images_answers_are_not_compared(cnn, monkeypatch):
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    work = prep_path(cnn)
    assert work.answers == {} and work.done and "test images" in work.words["without"]
    assert not open_page("networks").exception


# -- the session ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(folders) -> catalogue.Loaded:
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


@pytest.fixture
def work(loaded) -> chairs.PathWork:
    return chairs.PathWork(engine.Engine(2), loaded, between(loaded, 0, 1, ("latent", "weights")), first=16)


def test_a_frame_packs_its_mesh(tiny_zoo):
    ends = [surface_of(tiny_zoo[i], 64) for i in (0, 1)]
    step = measure(tiny_zoo[0], *ends, 64)
    frame = chairs.pack_frame("weights", 3, step, 64)
    raw = gzip.decompress(frame.body)
    v, t = frame.entry["vertices"], frame.entry["triangles"]
    position = np.frombuffer(raw, np.uint16, 4 * v).reshape(v, 4)[:, :3] / 65535
    vertices = np.array(frame.entry["low"]) + position * np.array(frame.entry["size"])
    assert np.abs(vertices - step.surface.mesh.vertices).max() < 2e-5
    faces = np.frombuffer(raw, np.uint32 if frame.entry["wide"] else np.uint16, 3 * t, 12 * v).reshape(t, 3)
    assert np.array_equal(faces, step.surface.mesh.faces)
    assert frame.entry["numbers"]["iou_a"] == 1


def test_a_frame_without_a_surface_is_a_frame():
    frame = chairs.pack_frame("weights", 3, Step(None, None, None, 0, 0.0, 0.0), 64)
    assert frame.body == b"" and frame.entry["triangles"] == 0 and frame.entry["numbers"]["volume"] is None
    json.dumps(frame.entry, allow_nan=False)


def test_parts_hold_every_frame_once_the_wanted_one_first(work):
    parts = work.parts()
    assert parts[0] == [("latent", 16), ("weights", 16)]
    flat = [key for part in parts for key in part]
    assert sorted(flat) == sorted((side, i) for side in ("latent", "weights") for i in range(STEPS))
    header, body = unpack_feed(work.part(parts[0], "part-0", "shapes"))
    assert [(f["side"], f["index"]) for f in header["frames"]] == parts[0]
    assert sum(f["bytes"] for f in header["frames"]) == len(body)


def test_the_ends_of_the_weights_path_are_the_originals(work):
    header, _ = unpack_feed(work.part([("weights", 0), ("weights", 32)], "ends", "shapes"))
    first, last = header["frames"]
    assert first["numbers"]["iou_a"] == 1 and last["numbers"]["iou_b"] == 1


def test_the_newest_path_is_served_first():
    served = engine.Engine(1)
    order, gate = [], threading.Event()
    served.submit((0, 0), gate.wait)
    futures = [served.submit((-serial, rank), order.append, (serial, rank)) for serial in (1, 2) for rank in (1, 0)]
    gate.set()
    for future in futures:
        future.result(timeout=240)
    assert order == [(2, 0), (2, 1), (1, 0), (1, 1)]


def within(seconds: float, act) -> bool:
    """Whether it ends in time; what never ends is left to a thread that ends with the process."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_what_another_piece_needs_is_done_by_who_needs_it_if_nobody_has_begun_it():
    served, gate, done = engine.Engine(1), threading.Event(), []
    served.submit((0,), gate.wait)
    needed = served.submit((9,), lambda: done.append("needed") or 5)
    asked = served.submit((1,), lambda: served.need(needed) + 1)
    gate.set()
    assert asked.result(timeout=240) == 6 and needed.result(timeout=240) == 5 and done == ["needed"]
    failing = served.submit((9,), lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        served.submit((1,), served.need, failing).result(timeout=240)


def test_an_engine_closes_though_what_is_under_way_needs_what_nobody_has_begun():
    served, gate, begun = engine.Engine(2), threading.Event(), []

    def step() -> None:
        begun.append(1)
        gate.wait()
        served.need(needed)

    for _ in range(2):
        served.submit((0,), step)
    needed = served.submit((9,), lambda: None)
    while len(begun) < 2:
        time.sleep(0.01)
    threading.Timer(0.2, gate.set).start()
    assert within(240, served.close)


def test_a_step_at_rest_is_drawn_though_the_ends_it_is_compared_with_stand_far_back_in_the_queue(loaded):
    """Newer work came between, and the path that was left is looked at again."""
    served, gate = engine.Engine(1), threading.Event()
    work = chairs.PathWork(served, loaded, between(loaded, 0, 1, ("latent", "weights")), first=16)
    work.first_ready()
    served.submit((-1e9,), gate.wait)
    asking = threading.Thread(target=work.detail, args=(3, "shapes"), daemon=True)
    asking.start()
    while len(work.details) < 2:
        time.sleep(0.01)
    work.serial = next(served.count)  # as `resume` has it
    gate_open = threading.Timer(0.2, gate.set)
    gate_open.start()
    assert within(240, lambda: work.detail(4, "shapes"))
    asking.join(240)
    assert not asking.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_memory_is_given_back_where_it_is_quiet_and_again_later(monkeypatch):
    now, waits, trimmed, forgotten = [100.0], [], [], []
    served = SimpleNamespace(worked=100.0, forget=forgotten.append)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        now[0] += seconds
        if len(waits) == 20:
            served.worked = now[0]  # work comes in between
        return len(waits) == 40

    monkeypatch.setattr(engine, "_ending", SimpleNamespace(wait=wait))
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(engine.ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=lambda _: trimmed.append(now[0])))
    engine._give_back(served)
    assert forgotten == [engine.FORGOTTEN] * 39
    assert trimmed == [105.0, 110.0, 120.0, 140.0, 180.0, 205.0, 210.0, 220.0, 240.0, 280.0]


def test_an_error_in_the_background_reaches_who_waits():
    future = engine.Engine(1).submit((0, 0), lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result(timeout=240)


@pytest.mark.parametrize("side", ["latent", "weights"])
def test_the_network_can_be_taken_away(work, side):
    about = take_away.about_network(work, side, 8, "chair-0000", "chair-0001")
    state = torch.load(io.BytesIO(taken("pt", work, side, 8, about)), weights_only=True)
    bundle = zipfile.ZipFile(io.BytesIO(taken("zip", work, side, 8, about)))
    assert sorted(bundle.namelist()) == ["network.json", "network.safetensors"]
    assert json.loads(bundle.read("network.json"))["gamma"] == 0.25
    from safetensors.torch import load

    tensors = load(bundle.read("network.safetensors"))
    module = netspace.ARCHS["siren64"].build()
    module.load_state_dict(state)
    x = torch.rand(50, 3) * 2 - 1
    assert torch.allclose(module(x), work.network(side, 8)(x), atol=1e-5)
    assert all(torch.equal(state[name], tensors[name]) for name in state)


@pytest.mark.parametrize("kind", ["glb", "stl", "ply"])
def test_the_mesh_can_be_taken_away(work, kind):
    import trimesh

    mesh = trimesh.load(io.BytesIO(taken(kind, work, "weights", 0, {})), file_type=kind, force="mesh")
    assert mesh.volume == pytest.approx(surface_of(work.ends[0], 64).mesh.volume, rel=1e-3)


def test_the_command_writes_the_same_path(work, loaded, tmp_path, monkeypatch):
    words = shlex.split(take_away.path_command(loaded, "chair-0000", "chair-0001", "weights", steps=5))
    assert words[:3] == ["python", "-m", "netspace"]
    monkeypatch.chdir(tmp_path)
    assert main([*words[3:], "--resolution", "32"]) == 0
    table = pd.read_csv(tmp_path / "path" / "path.csv")
    header, _ = unpack_feed(work.part([("weights", i) for i in (0, 8, 16, 24, 32)], "some", "shapes"))
    for row, frame in zip(table.itertuples(), header["frames"], strict=True):
        volume = frame["numbers"]["volume"]
        assert (volume is None) == np.isnan(row.volume)
        if volume is not None:
            assert row.volume == pytest.approx(volume, rel=0.03)


def test_held_out_networks_are_marked(loaded):
    assert [card.held_out for card in catalogue.cards(loaded)] == [False, False, True] * 2


def test_home_shows_what_eval_measured_on_this_very_zoo(folders):
    at = open_page()
    assert "eval" in said(at.code) and "--save" in said(at.code)
    space = folders / "space"
    medians = {"agreement_median": 0.912, "iou_median": 0.876, "chamfer_median": None, "count": 4}
    measured = {"zoo": "../zoo", "train": medians}
    (space / "eval.json").write_text(json.dumps(measured))
    assert "| training networks | 4 | 0.912 | 0.876 | no surface |" in said(open_page().markdown)
    (space / "eval.json").write_text(json.dumps(measured | {"zoo": "../another"}))
    assert "0.912" not in said(open_page().markdown)


def test_the_inspection_view_is_exported_in_time(tiny_zoo):
    mesh = surface_of(tiny_zoo[0], 32).mesh
    page = mesh_view.exported(*mesh, "#0F9D8A", dark=True)
    assert "<html" in page.lower() and len(page) > 100_000


def test_the_inspection_view_says_why_it_cannot_be_shown(tiny_zoo, monkeypatch):
    monkeypatch.setattr(mesh_view.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="nothing was exported"):
        mesh_view.exported(*surface_of(tiny_zoo[0], 32).mesh, "#0F9D8A", dark=False)


def test_the_sidebar_chooses_another_space(folders):
    (folders.parent / "other").mkdir()
    shutil.copytree(folders / "space", folders.parent / "other" / "space")
    at = open_page("shapes")
    assert at.sidebar.selectbox[0].value == link_of(at)["space"]
    other = ({"other/space", "tiny/space"} - {link_of(at)["space"]}).pop()
    at.sidebar.selectbox[0].set_value(other).run()
    assert link_of(at)["space"] == other and not at.exception
    assert at.sidebar.selectbox[0].value == other


def test_going_back_restores_what_the_link_says(folders, monkeypatch):
    at = open_page("shapes", gamma="0.25")
    version = at.session_state[Slot.VERSION]
    monkeypatch.setattr("app.ui.page.went_back", lambda: True)
    at.query_params["gamma"] = "0.75"
    at.run()
    assert link_of(at)["gamma"] == "0.75" and at.session_state[Slot.VERSION] == version + 1


def test_held_out_networks_in_a_space_that_reads_weights_are_explained(folders):
    at = open_page("shapes", a="chair-0002", b="chair-0000")
    assert "The space was not trained on chair-0002" in said(at.caption)
    assert "not trained on" not in said(open_page("shapes", a="chair-0001", b="chair-0000").caption)


def test_a_random_pair_is_found_in_the_smallest_zoo(tiny_zoo, tmp_path):
    for ids, expected in (([0], {0}), ([0, 2], {0, 1}), ([0, 1, 2], {0, 1})):  # 2 is held out
        select(tiny_zoo, ids, tmp_path / str(len(ids)))
        loaded = catalogue.Loaded(None, None, None, netspace.Zoo.load(tmp_path / str(len(ids))))
        assert set(catalogue.random_pair(loaded)) == expected
