"""The top of every page in Chromium: a list of views that came with a link, its presentation, pairs and the link."""

import re

import pytest
from browsing import until, viewer, wait
from playwright.sync_api import expect
from test_browser_pages import CUT, FLAT, GRAVE, JUDGE, THEMES, axe  # noqa: F401 (fixture)

from app.backend.saved_views import link_text, saved_view

pytestmark = pytest.mark.browser

HERE = {"space": "space", "zoo": "zoo"}
NAME = "<b>Measures</b> of **the** zoo"
LISTED = link_text([saved_view("Two networks", "networks", HERE), saved_view(NAME, "scorecard", HERE)])


def rows(page) -> list[str]:
    return page.locator(".list .place b").all_text_contents()


def test_a_list_of_views_is_changed_walked_through_and_copied(page, axe):  # noqa: F811
    page.set_viewport_size({"width": 768, "height": 800})
    page.goto(f"/networks?space=space&zoo=zoo&views={LISTED}")
    expect(page.locator(".list")).to_be_visible()  # it opens by itself
    assert rows(page) == ["Two networks", NAME]
    field = page.get_by_label("Name of this view")
    expect(field).to_be_focused()
    field.fill("Third")
    page.keyboard.press("Enter")
    until(lambda: rows(page) == ["Two networks", NAME, "Third"])
    page.get_by_role("button", name="Move “Third” up").click()
    until(lambda: rows(page) == ["Two networks", "Third", NAME])
    page.get_by_role("button", name="Delete “Third”").click()
    until(lambda: rows(page) == ["Two networks", NAME])
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.wait_for_url(re.compile(re.escape(LISTED)))
    assert page.evaluate(CUT) == []
    page.evaluate(axe)
    page.evaluate(FLAT)
    for theme, options in THEMES.items():
        page.emulate_media(color_scheme=theme)
        assert not [one for one in page.evaluate(JUDGE, options) if one["impact"] in GRAVE], theme

    page.get_by_role("button", name="Present", exact=True).click()
    wait(page, "d.frame === '0'", "preps")
    expect(page.locator(".saved > .bar")).to_have_text(re.compile(r"Two networks\s*1 / 2"))
    for hidden in ("stHeader", "stSidebar"):
        expect(page.get_by_test_id(hidden)).to_be_hidden()
    expect(page.get_by_role("heading", name="Networks as images", level=1)).to_be_hidden()
    page.keyboard.press("ArrowRight")  # the slider's
    wait(page, "d.frame === '1'", "preps")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("leave the presentation")
    page.keyboard.press("PageDown")
    page.wait_for_url(re.compile(r"/scorecard.*present=2"))
    expect(page.locator(".saved > .bar")).to_contain_text(NAME)
    page.keyboard.press("PageDown")  # it is the last
    page.keyboard.press("ArrowLeft")  # without a slider
    page.wait_for_url(re.compile(r"/networks.*present=1"))
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "present" not in url)
    expect(page.locator(".saved > .bar")).to_be_hidden()
    expect(page.get_by_test_id("stHeader")).to_be_visible()


def test_a_pair_is_gone_back_to_and_the_link_is_copied(page):
    page.goto("/networks?space=space&zoo=zoo")
    wait(page, "d.frame", "preps")
    page.wait_for_url(re.compile("a=.*b="))
    first = page.url
    expect(page.locator("button.pairs")).to_be_hidden()
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    page.get_by_role("button", name="swap_horiz").click()
    until(lambda: viewer(page, "preps")["frame"] != "0")  # a swap keeps the network in view
    page.wait_for_url(lambda url: url != first and "gamma=0&" not in url)  # which the link says a moment later
    swapped = page.url
    page.get_by_role("button", name="Pairs").click()
    page.locator(".seen .place").click()
    page.wait_for_url(first)
    page.go_back()
    page.wait_for_url(swapped)
    until(lambda: viewer(page, "preps")["frame"] != "0")  # a swap keeps the network in view
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.evaluate("navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; 0")
    page.locator("button.copy").click()
    expect(page.get_by_label("to copy the link")).to_have_value(swapped)
