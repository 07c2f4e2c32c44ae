"""Every page through Streamlit's AppTest, with good and bad links and folders; and the session behind them."""

import gzip
import io
import json
import shlex
import shutil
import struct
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

import netspace
from app import viewport
from app.session import catalogue, chairs, classifiers, engine, preps, take_away
from app.session.path import STEPS
from netspace.__main__ import main
from netspace.evaluate import classify
from netspace.interpolate import Step, measure
from netspace.mesh import surface_of
from netspace.zoo import select

ROOT = Path(__file__).resolve().parent.parent
SHOWN = [
    ("home", "tiny"),
    ("home", "cnn"),
    ("shapes", "tiny"),
    ("classifiers", "cnn"),
    ("networks", "tiny"),
    ("networks", "cnn"),
]
"""Pages, each with the folders of a kind that it shows: tiny holds shapes, cnn image classifiers."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder, and nothing else to be found."""
    monkeypatch.setattr(catalogue, "roots", lambda: [tmp_path])
    monkeypatch.setattr(chairs, "PREVIEW", 32)
    monkeypatch.setattr(chairs, "AT_REST", 64)
    monkeypatch.setattr(classifiers, "SUBSET", 60)
    return tmp_path


@pytest.fixture
def lay(root, tiny_zoo_folder, tiny_space_folder, tiny_cnn_zoo_folder, tiny_cnn_space_folder):
    """Puts the zoo and the space of a kind into the root, as copies to damage."""
    sources = {"tiny": (tiny_zoo_folder, tiny_space_folder), "cnn": (tiny_cnn_zoo_folder, tiny_cnn_space_folder)}

    def copy(kind: str) -> Path:
        for name, source in zip(("zoo", "space"), sources[kind], strict=True):
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
    assert {page for page, _ in SHOWN} == {path.stem for path in (ROOT / "pages").glob("*.py")}


def link_of(at: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[0] for key, value in at.query_params.items()}


def open_page(name: str | None = None, **link) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "Home.py"), default_timeout=120)
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
    return " ".join(element.value for element in elements)


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
    [("shapes", "cnn", "holds shapes", "fit-sdf"), ("classifiers", "tiny", "holds image classifiers", "fit-cnn")],
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
        (lambda f: (f / "zoo" / "weights.safetensors").unlink(), "has no weights.safetensors"),
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


def test_a_network_can_be_chosen_among_all(lay, tiny_cnn_zoo):
    lay("cnn")
    at = open_page("classifiers")
    table = at.dataframe[0].value
    assert table["test accuracy"].is_monotonic_decreasing and set(table.split) == {"train", "validation", "held-out"}
    at.main.selectbox[0].set_value(tiny_cnn_zoo.index("lenetlike-003")).run()
    assert link_of(at)["a"] == "lenetlike-003" and not at.exception


def test_without_the_images_the_page_says_how_to_get_them(lay, monkeypatch):
    lay("cnn")
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    at = open_page("classifiers")
    assert "digits is not here" in said(at.info) and "--download" in said(at.code) and not at.exception


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
    header, body = unpack_feed(classifiers.recorded_feed(cnn, "view", "path", "lenetlike-001", "lenetlike-005"))
    assert {(f["side"], f["index"]) for f in header["frames"]} == {
        (s, i) for s in ("latent", "weights") for i in range(STEPS)
    }
    assert all(
        f["correct"] == round(f["index"] / 40 * 360) and f["said"] is None and f["full"] for f in header["frames"]
    )
    assert body == b""


def test_a_classifiers_path_is_asked_first_a_part_then_all(cnn, monkeypatch):
    monkeypatch.setattr(classifiers, "AT_ONCE", 100)  # several tasks a network
    work = classifiers.classifier_work(cnn, 0, 7, ("latent", "weights"), first=16)
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
    for _ in range(600):
        feeds = dict(work.feeds("view"))
        if all(feeds.values()):
            return feeds
        time.sleep(0.1)
    raise TimeoutError("not all feeds became ready")


def test_a_path_that_was_paused_goes_on(cnn):
    served, test = engine.Engine(1), classifiers._test_images("digits")
    gate = threading.Event()
    served.submit((-np.inf, 0), gate.wait)
    work = classifiers.ClassifierWork(served, cnn, 0, 1, ("weights",), 0, test)
    work.resume()
    work.pause()
    assert all(f.cancelled() for futures in work.whole.values() for f in futures)
    work.resume()
    gate.set()
    assert all(wait_for_feeds(work).values()) and work.done


def test_a_networks_pictures_hold_every_value(cnn):
    shown = preps.pictures(cnn, 5)
    arch = cnn.space.family.archs[0]
    assert shown.original.shape == shown.decoded.shape == shown.difference.shape
    assert shown.original.shape[0] * shown.original.shape[1] >= arch.num_params
    assert sum(layer["values"] for layer in shown.layers) == arch.num_params and shown.error > 0


# -- the session ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(folders) -> catalogue.Loaded:
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


@pytest.fixture
def work(loaded) -> chairs.PathWork:
    return chairs.PathWork(engine.Engine(2), loaded, 0, 1, ("latent", "weights"), first=16)


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
        future.result(timeout=10)
    assert order == [(2, 0), (2, 1), (1, 0), (1, 1)]


def test_an_error_in_the_background_reaches_who_waits():
    future = engine.Engine(1).submit((0, 0), lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result(timeout=10)


@pytest.mark.parametrize("side", ["latent", "weights"])
def test_the_network_can_be_taken_away(work, side):
    about = take_away.about_network(work, side, 8, "chair-0000", "chair-0001")
    state = torch.load(io.BytesIO(take_away.network_file(work, side, 8, about, "pt")), weights_only=True)
    bundle = zipfile.ZipFile(io.BytesIO(take_away.network_file(work, side, 8, about, "zip")))
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

    mesh = trimesh.load(io.BytesIO(chairs.mesh_file(work, "weights", 0, kind)), file_type=kind, force="mesh")
    assert mesh.volume == pytest.approx(surface_of(work.ends[0], 64).mesh.volume, rel=1e-3)


def test_the_command_writes_the_same_path(work, loaded, tmp_path, monkeypatch):
    words = shlex.split(take_away.command(loaded, "chair-0000", "chair-0001", "weights", steps=5))
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
    page = viewport.exported(*mesh, "#0F9D8A", dark=True)
    assert "<html" in page.lower() and len(page) > 100_000


def test_the_inspection_view_says_why_it_cannot_be_shown(tiny_zoo, monkeypatch):
    monkeypatch.setattr(viewport.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="nothing was exported"):
        viewport.exported(*surface_of(tiny_zoo[0], 32).mesh, "#0F9D8A", dark=False)


def test_the_sidebar_chooses_another_space(folders):
    (folders.parent / "other").mkdir()
    shutil.copytree(folders / "space", folders.parent / "other" / "space")
    at = open_page("shapes")
    assert at.sidebar.selectbox[0].value == link_of(at)["space"]
    other = ({"other/space", "tiny/space"} - {link_of(at)["space"]}).pop()
    at.sidebar.selectbox[0].set_value(other).run()
    assert link_of(at)["space"] == other and not at.exception
    assert at.sidebar.selectbox[0].value == other


def test_going_back_restores_what_the_link_says(folders):
    at = open_page("shapes", gamma="0.25")
    token = at.session_state["token"]
    at.query_params["gamma"] = "0.75"
    at.run()
    assert link_of(at)["gamma"] == "0.75" and at.session_state["token"] == token + 1


def test_held_out_networks_in_a_space_that_reads_weights_are_explained(folders):
    at = open_page("shapes", a="chair-0002", b="chair-0000")
    assert "chair-0002 was held out from training" in said(at.caption)
    assert "held out from training" not in said(open_page("shapes", a="chair-0001", b="chair-0000").caption)


def test_a_random_pair_is_found_in_the_smallest_zoo(tiny_zoo, tmp_path):
    for ids, expected in (([0], {0}), ([0, 2], {0, 1}), ([0, 1, 2], {0, 1})):  # 2 is held out
        select(tiny_zoo, ids, tmp_path / str(len(ids)))
        loaded = catalogue.Loaded(None, None, None, netspace.Zoo.load(tmp_path / str(len(ids))))
        assert set(catalogue.random_pair(loaded)) == expected
