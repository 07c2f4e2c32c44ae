"""The page Jobs in headless Chromium: a job outlives a reload, and is stopped and resumed by its buttons."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from netspace.jobs import control, records

pytestmark = pytest.mark.browser
FIT = ["--arch", "siren64", "--steps", "40", "--batch", "64", "--samples", "500", "--workers", "0"]


def test_a_job_goes_on_after_a_reload_and_is_stopped_and_resumed(page, tiny_cnn_zoo_folder):
    folder = tiny_cnn_zoo_folder.parent / "job"
    control.start_words(["zoo", "fit-sdf", "--chairs", "400", "--out", str(folder), *FIT])
    try:
        page.goto(f"/jobs?run={quote(str(folder.resolve()), safe='')}")  # other jobs of this machine are listed too
        main = page.get_by_test_id("stMain")
        expect(main.get_by_text("running").first).to_be_visible()
        expect(main.get_by_text("fit IoU")).to_be_visible()
        far = main.get_by_text("of 400 networks")
        page.reload()
        before = far.inner_text()
        expect(far).not_to_have_text(before)  # by itself
        assert f"run={folder.resolve()}".replace("/", "%2F") in page.url
        page.get_by_role("button", name="Stop").click()
        expect(main.get_by_text("stopped").first).to_be_visible()
        done = records.read_job(folder).done
        page.get_by_role("button", name="Resume").click()
        expect(main.get_by_text("running").first).to_be_visible()
        page.wait_for_function(f"() => document.body.innerText.match(/(\\d+) of 400/)?.[1] > {done}")
    finally:
        if records.read_job(folder).alive:
            control.stop_job(folder)
