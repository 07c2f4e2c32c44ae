"""Networks that hold a picture in the app: their paths, the page Pictures, and their place on other pages."""

import io
import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from test_app import lay, link_of, open_page, root, said, unpack_feed  # noqa: F401  (fixtures)

from app.backend import catalogue, charts, engine, inspection, points, take_away
from app.backend.path import STEPS, between
from app.backend.rasters import RasterPath, pack_picture
from app.backend.thumbnails import read_thumbnails
from app.tasks import APP_TASKS, app_task
from app.tasks.task import AppTask
from netspace.export import EXPORTS
from netspace.tasks import TASKS
from netspace.tasks.image_field import psnr, render, values_of


@pytest.fixture
def fields(lay) -> catalogue.Loaded:  # noqa: F811
    lay("images")
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


def finished(work) -> None:
    for future in work.frames.values():
        future.result(timeout=240)


def test_every_kind_of_the_library_is_shown():
    assert list(APP_TASKS) == list(TASKS)
    for name, task in APP_TASKS.items():
        assert task.name == name and task.task is TASKS[name]


def test_frames_are_the_pictures_of_their_networks_with_their_numbers(fields):
    work = RasterPath(
        engine.Engine(2), fields, between(fields, 0, 4, ("latent", "weights")), 16, TASKS["image-field"]
    )  # fmt: skip
    finished(work)
    feeds = {name: unpack_feed(content) for name, content in work.feeds("view")}
    ends, body = feeds.pop("ends")
    assert [end["side"] for end in ends["ends"]] == ["a", "b"]
    originals = [render(fields.zoo[i]).tobytes() for i in (0, 4)]
    assert body == b"".join(originals)
    seen = set()
    for header, content in feeds.values():
        at = 0
        for entry in header["frames"]:
            network = work.network(entry["side"], entry["index"])
            assert content[at : at + entry["bytes"]] == render(network).tobytes() and entry["size"] == [64, 64, 1]
            at += entry["bytes"]
            seen.add((entry["side"], entry["index"]))
            for k, end in zip("ab", (0, 4), strict=True):
                alike = psnr(values_of(network, 32), values_of(fields.zoo[end], 32)).item()
                assert entry["numbers"][f"psnr_{k}"] == pytest.approx(alike, abs=1e-3)
                assert 0 <= entry["numbers"][f"agreement_{k}"] <= 1
        assert at == len(content)
        json.dumps(header, allow_nan=False)
    assert seen == {(side, i) for side in ("latent", "weights") for i in range(STEPS)}
    first = work.frames["weights", 0].result().entry["numbers"]
    assert first["psnr_a"] == 100 and first["agreement_a"] == 1, "raw weights begin at the original"


def test_numbers_that_are_not_finite_and_missing_pictures_are_left_out():
    packet = pack_picture("latent", 3, None, {"psnr_a": float("nan"), "psnr_b": 3.0, "why": "none"})
    assert packet.body == b"" and packet.entry["numbers"] == {"psnr_b": 3.0} and packet.entry["size"] == [0, 0, 0]
    colours = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert pack_picture("a", 0, colours, {}).body == colours.tobytes()


def test_a_path_nobody_looks_at_is_paused_and_goes_on_when_somebody_does(fields):
    served = engine.Engine(1)
    gate = threading.Event()
    served.submit((-np.inf, 0), gate.wait)
    work = RasterPath(served, fields, between(fields, 0, 4, ("latent",)), 0, TASKS["image-field"])
    work.pause()
    assert all(piece.held for piece in work.frames.values()) and not work.done
    gate.set()
    for _ in range(2400):
        feeds = dict(work.feeds("view"))  # a look
        if all(feeds.values()):
            break
        time.sleep(0.1)
    assert all(feeds.values()) and work.done


def test_the_page_writes_and_reads_its_link(fields):
    at = open_page("pictures")
    link = link_of(at)
    assert link | {"a": "digit-0000", "gamma": "0.5", "method": "latent"} == link and not at.exception
    at = open_page("pictures", a="digit-0003", b="digit-0002", gamma="0.25", method="weights")
    assert not at.warning and link_of(at) | {"a": "digit-0003", "b": "digit-0002", "method": "weights"} == link_of(at)
    next(button for button in at.main.button if "swap" in button.label).click().run()
    assert link_of(at)["a"] == "digit-0002" and link_of(at)["gamma"] == "0.75"
    next(button for button in at.main.button if button.label == "Random pair").click().run()
    assert not at.exception and link_of(at)["a"] != link_of(at)["b"]


def test_a_step_is_written_as_a_png(fields):
    kind = app_task(fields)
    work = kind.pair_path(fields, 0, 4, ("latent", "weights"), first=16)
    subject = take_away.network_subject(work.network("weights", 32), {})
    picture = Image.open(io.BytesIO(EXPORTS["picture"].write(subject)))
    assert np.array_equal(np.asarray(picture), render(fields.zoo[4])[..., 0])


def test_the_home_page_says_how_well_the_space_does(lay):  # noqa: F811
    folder = lay("images")
    measured = {"psnr_median": 28.61, "agreement_median": 0.5464, "truth_psnr_median": 28.7, "count": 4}
    (folder / "space" / "eval.json").write_text(json.dumps({"zoo": "../zoo", "heldout": measured}))
    at = open_page("home")
    text = said(at.markdown) + said(at.caption)
    assert "| held-out networks | 4 | 28.6 | 0.546 | 28.7 |" in text and "a median PSNR of 28.6 dB" in text


def test_the_map_is_coloured_by_label_and_shows_a_decode_beside_its_original(fields):
    chart = charts.chart(fields)
    for _ in range(2400):
        if chart is not None:
            break
        time.sleep(0.1)
        chart = charts.chart(fields)
    assert points.usual_colour(chart) == "label" and "psnr" in chart.columns
    header, _ = unpack_feed(points.atlas_feed("map", "points", chart))
    assert header["tile"] == [28, 28], "the zoo has no thumbnails: pictures are made"
    beside = inspection.rebuilt(chart, 3)
    (drawing,) = beside.drawings.values()
    drawing.result(timeout=240)
    ((_, content),) = beside.feeds("rebuilt")
    header, body = unpack_feed(content)
    assert [entry["side"] for entry in header["frames"]] == ["original", "decoded"]
    assert body[:4096] == render(fields.zoo[3]).tobytes()
    with torch.no_grad():
        decoded = fields.space.networks(fields.space.encode(fields.zoo[3].prep.unsqueeze(0)))[0]
    alike = psnr(values_of(decoded, 32), values_of(fields.zoo[3], 32)).item()
    assert beside.likeness == pytest.approx(alike, abs=1e-2)


def test_the_map_opens_on_them(fields):
    at = open_page("zoo_map", network="digit-0003", projection="pca")
    assert not at.exception and not at.error
    assert "digit-0003" in said(at.markdown)
    assert "Bring your own" not in [button.label for button in at.main.button], "image fields cannot be imported"


@pytest.mark.parametrize("way", ["path", "direction", "arithmetic", "mix", "spline"])
def test_ways_through_the_space_lead_through_pictures(fields, way):
    at = open_page("zoo_map", projection="pca", move=way)
    assert not at.exception and not at.error


class Bare(AppTask):
    """A kind of network of which no more is said than must be."""

    name = "image-field"
    networks = "bare networks"
    commands = "python -m netspace zoo fit-image --out runs/bare"


@pytest.mark.parametrize("page", ["home", "pictures", "zoo_map", "networks", "optimise"])
def test_a_kind_of_network_needs_no_page_and_no_view_of_its_own(fields, page, monkeypatch):
    monkeypatch.setitem(APP_TASKS, "image-field", Bare())
    at = open_page(page, space="images/space", zoo="images/zoo")
    assert not at.exception and not at.error
    assert link_of(at).get("space", "images/space") == "images/space"


@pytest.mark.parametrize(
    "grid, picture",
    [
        ({"size": 96, "columns": 2, "rows": 1}, b"RIFF....WEBP"),  # of fewer networks
        ({"size": 96, "columns": 0, "rows": 9}, b"RIFF....WEBP"),
        ({"size": 96, "columns": "2", "rows": 2}, b"RIFF....WEBP"),
        ({"columns": 2, "rows": 2}, b"RIFF....WEBP"),
        ([], b"RIFF....WEBP"),
        ({"size": 96, "columns": 2, "rows": 2}, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ({"size": 96, "columns": 2, "rows": 2}, None),
    ],
)
def test_an_atlas_that_is_none_is_left_out(grid, picture, tmp_path):
    loaded = SimpleNamespace(zoo_info=SimpleNamespace(folder=tmp_path), zoo=range(4))
    (tmp_path / "thumbnails.json").write_text(json.dumps({"size": 96, "columns": 2, "rows": 2}))
    (tmp_path / "thumbnails.webp").write_bytes(b"RIFF....WEBP")
    assert read_thumbnails(loaded) == ({"size": 96, "columns": 2, "rows": 2}, b"RIFF....WEBP")
    (tmp_path / "thumbnails.json").write_text(json.dumps(grid))
    (tmp_path / "thumbnails.webp").unlink()
    if picture is not None:
        (tmp_path / "thumbnails.webp").write_bytes(picture)
    assert read_thumbnails(loaded) is None
