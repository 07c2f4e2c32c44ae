"""Videos that the browser makes of what it draws, read by PyAV: the frames that were asked for, at their times."""

from pathlib import Path
from typing import NamedTuple

import av
import browsing
import numpy as np
import pytest
from browsing import rest
from PIL import Image
from playwright.sync_api import Page, expect
from test_browser_bundle import shown, wait  # noqa: F401 (fixtures)

from app.backend import bundles
from app.backend.bundles import BundleOrder
from app.bundle import writing

pytestmark = pytest.mark.browser

STEPS = 5
MARGIN = 16
"""around the view in a video, in pixels of its smallest size"""


class Video(NamedTuple):
    frames: list[np.ndarray]
    """(H, W) each, 0 to 255"""
    suffix: str


def save(page: Page, what: str, seconds: str, fps: int, folder: Path) -> Video:
    """Save a video in the dialog, which is open, and check that it is what was asked for."""
    dialog = page.get_by_role("dialog", name="Save as a video")
    dialog.get_by_label("Show").select_option(what)
    dialog.get_by_label("Seconds").fill(seconds)
    dialog.get_by_label("Frames per second").select_option(str(fps))
    sizes = dialog.get_by_label("Pixels")
    sizes.select_option("1")
    size = tuple(map(int, sizes.locator("option").first.inner_text().split(" × ")))
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save").click()
    name, count = download.value.suggested_filename, round(float(seconds) * fps)
    expect(dialog.get_by_role("status")).to_contain_text(f"Saved {name}")
    expect(dialog.get_by_role("status")).to_contain_text(f"{count} frames at {fps} per second")
    path = folder / name
    download.value.save_as(path)
    with av.open(path) as film:
        (stream,) = film.streams
        frames = list(film.decode(stream))
        assert stream.average_rate == fps
        assert film.duration / av.time_base == pytest.approx(count / fps, abs=0.002)
        format_name = {"h264": "MP4 (H.264)", "vp9": "WebM (VP9)", "vp8": "WebM (VP8)"}[stream.codec_context.name]
    expect(dialog.get_by_role("status")).to_contain_text(format_name)
    assert path.suffix == f".{format_name[:4].lower().strip()}"
    assert [frame.time for frame in frames] == pytest.approx([k / fps for k in range(count)], abs=0.001)
    assert {(frame.width, frame.height) for frame in frames} == {size} and not any(length % 2 for length in size)
    return Video([frame.to_ndarray(format="gray").astype(float) for frame in frames], path.suffix)


def changed(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether more than what an encoder does differs between two frames."""
    return int((np.abs(a - b) > 40).sum()) > 100


@pytest.fixture
def bundle(shown, tiny_space_folder, tiny_zoo_folder, tmp_path) -> Page:  # noqa: F811
    """A bundle of one path, opened from the disk at A, of an odd width."""
    held = bundles.gathered(
        bundles.open_both_at(tiny_space_folder, tiny_zoo_folder), BundleOrder([(0, 1)], steps=STEPS, map="none")
    )
    (tmp_path / "one.html").write_bytes(writing.bundle_file(held, "one").content)
    shown.set_default_timeout(1000 * browsing.PATIENCE)
    shown.set_viewport_size({"width": 1101, "height": 800})
    a, b = (end.split()[-1] for end in held.paths[0].title.split(" → "))
    shown.goto((tmp_path / "one.html").as_uri() + f"#path={a}%3A{b}&gamma=0")
    wait(shown, "viewer", f"d.frames === '{2 * STEPS}' && d.frame === '0' && Number(d.triangles) > 0")
    return shown


def test_a_path_is_saved_there_and_back_as_it_is_seen_and_a_shape_is_turned(bundle, tmp_path):
    seen = bundle.locator(".viewer")
    picture = Image.open(tmp_path / "seen.png") if seen.screenshot(path=tmp_path / "seen.png") else None
    bundle.get_by_role("button", name="Video").click()
    frames, _ = save(bundle, "back", "0.4", 25, tmp_path)
    steps = [0, 1, 2, 2, 3, 4, 3, 2, 2, 1]
    assert [changed(a, b) for a, b in zip(frames, frames[1:], strict=False)] == (np.diff(steps) != 0).tolist()
    assert not changed(frames[1], frames[9]) and not changed(frames[4], frames[6])

    height, width = (length // 2 for length in np.array(frames[0].shape) - 2 * MARGIN)  # of half as many pixels
    inner = frames[0][MARGIN : MARGIN + 2 * height, MARGIN : MARGIN + 2 * width]
    mine = inner.reshape(height, 2, width, 2).mean(axis=(1, 3))
    its = np.asarray(picture.convert("L").resize((width, height))).astype(float)
    assert np.corrcoef(mine.ravel(), its.ravel())[0, 1] > 0.9, "what is seen is what is saved"

    frames, _ = save(bundle, "turn", "0.5", 24, tmp_path)
    assert len(frames) == 12 and all(changed(a, b) for a, b in zip(frames, frames[1:], strict=False))
    words = slice(int(0.8 * frames[0].shape[0]), None)
    assert not changed(frames[0][words], frames[6][words]), "slider and numbers stand still while the shape turns"
    wait(bundle, "viewer", "d.frame === '0' && d.camera.startsWith('0.6200')")  # as it was before


def test_a_video_is_cancelled_and_why_there_is_none_is_said(bundle):
    bundle.keyboard.press("v")
    dialog = bundle.get_by_role("dialog", name="Save as a video")
    dialog.get_by_label("Seconds").fill("120")
    dialog.get_by_label("Frames per second").select_option("60")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("status")).to_contain_text("of 7,200")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_role("status")).to_have_text("Nothing was saved.")
    wait(bundle, "viewer", "d.frame === '0'")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    bundle.evaluate("window.VideoEncoder = undefined")
    bundle.get_by_role("button", name="Video").click()
    expect(dialog.get_by_role("status")).to_contain_text("has no WebCodecs")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()


def test_the_app_loads_what_writes_videos_when_the_first_is_saved(page, tmp_path):
    asked = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    page.goto("/pictures?space=digits-images/space&zoo=digits-images/zoo&gamma=0.5")
    browsing.wait(page, "d.frames === '66' && d.originals === '2'", "raster")
    rest(page)
    sent = len(page.sent)
    page.get_by_role("button", name="Video", exact=True).click()
    assert "mediabunny.js" not in asked
    for seconds in ("0.5", "0.25"):
        frames, _ = save(page, "path", seconds, 24, tmp_path)
        assert changed(frames[0], frames[len(frames) // 2]) and changed(frames[0], frames[-1])
    assert asked.count("mediabunny.js") == 1
    browsing.wait(page, "d.frame === '16'", "raster")
    assert len(page.sent) == sent, "nothing is told to Python"
