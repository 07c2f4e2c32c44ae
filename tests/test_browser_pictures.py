"""The page Pictures in Chromium: dragging shows other pictures and sends nothing until it is let go."""

import re

import pytest
from browsing import rest, viewer, wait
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PIXELS = "el => [...el.getContext('2d').getImageData(0, 0, el.width, el.height).data].join()"


def open_pictures(page, link: str = "") -> None:
    page.goto(f"/pictures?space=digits-images/space&zoo=digits-images/zoo{link}")
    wait(page, "d.frames === '66' && d.originals === '2'", "raster")


def shown(page) -> list[str]:
    canvases = page.locator(".raster .pane.side canvas")
    return [canvases.nth(k).evaluate(PIXELS) for k in range(canvases.count())]


def test_a_drag_shows_other_pictures_and_sends_one_message(page):
    open_pictures(page)
    rest(page)
    before, sent = shown(page), len(page.sent)
    box = page.locator(".raster input[type=range]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, y, steps=6)
    wait(page, "d.frame === '32'", "raster")
    page.wait_for_timeout(100)
    after = shown(page)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert len(page.sent) == sent, "a message was sent while dragging"
    page.mouse.up()
    page.wait_for_url("**gamma=1&**")
    assert len(page.sent) == sent + 1, "one message on release"


def test_raw_weights_at_b_are_the_original(page):
    open_pictures(page, "&gamma=1")
    page.wait_for_timeout(300)
    original = page.locator(".raster .pane.original canvas").nth(1).evaluate(PIXELS)
    assert shown(page)[1] == original and shown(page)[0] != original


def test_a_number_is_drawn_along_the_path_when_it_is_clicked(page):
    open_pictures(page)
    picture = page.locator(".raster .chart").screenshot()
    page.locator(".raster .cell.variation").first.click()
    wait(page, "d.plotted === 'variation'", "raster")
    assert page.locator(".raster .chart").screenshot() != picture
    assert page.locator(".raster .track .label b").inner_text() == "variation"


def test_keys_step_and_choose_a_method(page):
    open_pictures(page, "&gamma=0.5")
    page.locator(".raster").press("ArrowRight")
    wait(page, "d.frame === '17'", "raster")
    page.locator(".raster").press("2")
    page.wait_for_url("**method=weights**")
    assert viewer(page, "raster")["frame"] == "17"
    expect(page.locator(".raster .pane.chosen .name")).to_have_text(re.compile("^raw weights"))
