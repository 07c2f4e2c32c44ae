"""Every page through Streamlit's AppTest, with good and bad links and folders; and the session behind them."""

import gzip
import io
import json
import shlex
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import netspace
from app import session, viewport
from netspace.__main__ import main
from netspace.interpolate import Step, measure
from netspace.mesh import surface_of
from netspace.zoo import select

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "pages").glob("*.py"))


@pytest.fixture
def folders(tmp_path, tiny_zoo_folder, tiny_space_folder, monkeypatch):
    """A root that holds the tiny zoo and space as copies to damage, and nothing else."""
    for name, source in (("zoo", tiny_zoo_folder), ("space", tiny_space_folder)):
        (tmp_path / "tiny" / name).mkdir(parents=True)
        for path in source.iterdir():
            if path.is_file():
                (tmp_path / "tiny" / name / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(session, "roots", lambda: [tmp_path])
    monkeypatch.setattr(session, "PREVIEW", 32)
    monkeypatch.setattr(session, "AT_REST", 64)
    return tmp_path / "tiny"


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


def said(elements) -> str:
    return " ".join(element.value for element in elements)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_page_opens(folders, page):
    at = open_page(page.stem)
    assert not at.exception and not at.error and not at.warning


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_page_says_what_to_do_without_any_data(monkeypatch, tmp_path, page):
    monkeypatch.setattr(session, "roots", lambda: [tmp_path])
    at = open_page(page.stem)
    assert not at.exception
    assert "No space was found" in said(at.info) and "netspace train" in said(at.code)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
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
def test_damaged_folders_are_told_in_a_sentence(folders, page, damage, sentence):
    damage(folders)
    at = open_page(page.stem)
    assert sentence in said(at.error) and "Choose another" in said(at.error)
    assert not at.exception


def test_a_space_of_another_size_names_both(folders):
    netspace.NetSpace(netspace.Family.of("siren256"), embedding=8, hidden=16).save(folders / "space")
    at = open_page("shapes")
    assert "siren64 as PReps (4, 10000)" in said(at.error) and "siren256 as PReps (8, 10000)" in said(at.error)


# -- the session ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(folders) -> session.Loaded:
    found = {f.kind: f for f in session.find()}
    return session.load(found["space"], found["zoo"])


@pytest.fixture
def work(loaded) -> session.PathWork:
    return session.PathWork(session.Engine(2), loaded, 0, 1, ("latent", "weights"), first=16)


def unpack_feed(data: bytes) -> tuple[dict, bytes]:
    (length,) = struct.unpack("<I", data[:4])
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def test_a_frame_packs_its_mesh(tiny_zoo):
    ends = [surface_of(tiny_zoo[i], 64) for i in (0, 1)]
    step = measure(tiny_zoo[0], *ends, 64)
    frame = session.pack_frame("weights", 3, step, 64)
    raw = gzip.decompress(frame.body)
    v, t = frame.entry["vertices"], frame.entry["triangles"]
    position = np.frombuffer(raw, np.uint16, 4 * v).reshape(v, 4)[:, :3] / 65535
    vertices = np.array(frame.entry["low"]) + position * np.array(frame.entry["size"])
    assert np.abs(vertices - step.surface.mesh.vertices).max() < 2e-5
    faces = np.frombuffer(raw, np.uint32 if frame.entry["wide"] else np.uint16, 3 * t, 12 * v).reshape(t, 3)
    assert np.array_equal(faces, step.surface.mesh.faces)
    assert frame.entry["numbers"]["iou_a"] == 1


def test_a_frame_without_a_surface_is_a_frame():
    frame = session.pack_frame("weights", 3, Step(None, None, None, 0, 0.0, 0.0), 64)
    assert frame.body == b"" and frame.entry["triangles"] == 0 and frame.entry["numbers"]["volume"] is None
    json.dumps(frame.entry, allow_nan=False)


def test_parts_hold_every_frame_once_the_wanted_one_first(work):
    parts = work.parts()
    assert parts[0] == [("latent", 16), ("weights", 16)]
    flat = [key for part in parts for key in part]
    assert sorted(flat) == sorted((side, i) for side in ("latent", "weights") for i in range(session.STEPS))
    header, body = unpack_feed(work.part(parts[0], "part-0", "shapes"))
    assert [(f["side"], f["index"]) for f in header["frames"]] == parts[0]
    assert sum(f["bytes"] for f in header["frames"]) == len(body)


def test_the_ends_of_the_weights_path_are_the_originals(work):
    header, _ = unpack_feed(work.part([("weights", 0), ("weights", 32)], "ends", "shapes"))
    first, last = header["frames"]
    assert first["numbers"]["iou_a"] == 1 and last["numbers"]["iou_b"] == 1


def test_the_newest_path_is_served_first():
    engine = session.Engine(1)
    order, gate = [], session.threading.Event()
    engine.submit((0, 0), gate.wait)
    futures = [engine.submit((-serial, rank), order.append, (serial, rank)) for serial in (1, 2) for rank in (1, 0)]
    gate.set()
    for future in futures:
        future.result(timeout=10)
    assert order == [(2, 0), (2, 1), (1, 0), (1, 1)]


def test_an_error_in_the_background_reaches_who_waits():
    future = session.Engine(1).submit((0, 0), lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result(timeout=10)


@pytest.mark.parametrize("side", ["latent", "weights"])
def test_the_network_can_be_taken_away(work, side):
    about = session.about_network(work, side, 8, "chair-0000", "chair-0001")
    state = torch.load(io.BytesIO(session.network_file(work, side, 8, about, "pt")), weights_only=True)
    bundle = zipfile.ZipFile(io.BytesIO(session.network_file(work, side, 8, about, "zip")))
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

    mesh = trimesh.load(io.BytesIO(session.mesh_file(work, "weights", 0, kind)), file_type=kind, force="mesh")
    assert mesh.volume == pytest.approx(surface_of(work.ends[0], 64).mesh.volume, rel=1e-3)


def test_the_command_writes_the_same_path(work, loaded, tmp_path, monkeypatch):
    import pandas as pd

    words = shlex.split(session.command(loaded, "chair-0000", "chair-0001", "weights", steps=5))
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
    assert [card.held_out for card in session.cards(loaded)] == [False, False, True] * 2


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
        loaded = session.Loaded(None, None, None, netspace.Zoo.load(tmp_path / str(len(ids))))
        assert set(session.random_pair(loaded)) == expected
