"""The page Optimise in headless Chromium: a run goes on after a reload, is stopped, and the map keeps its zoom."""

import shutil
import time
import uuid
from contextlib import suppress

import pytest
from browsing import ROOT, wait
from playwright.sync_api import expect

from netspace.jobs import control, records

pytestmark = pytest.mark.browser


@pytest.fixture
def name():
    """Of a run, whose folder does not stay."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    folder = ROOT / "runs" / "lso" / name
    yield name
    if (folder / records.JOB).exists():
        with suppress(ValueError):
            control.stop_job(folder)
        while records.read_job(folder).alive:
            time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)


def report(page) -> dict:
    """What the map reports of itself."""
    return page.locator(".optimise").first.evaluate("el => ({...el.dataset})")


def test_a_run_is_launched_goes_on_after_a_reload_and_is_stopped(page, name):
    page.goto("/optimise?space=space&zoo=zoo")
    wait(page, "d.points === '8'", "optimise")
    canvas = page.locator(".optimise .map canvas")
    box = canvas.bounding_box()
    page.locator(".optimise").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait(page, "d.start.startsWith('lenetlike-')", "optimise")
    canvas.click(position={"x": 60, "y": box["height"] - 60})
    wait(page, "d.start.startsWith('at:')", "optimise")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Steps").fill("100000")
    naming = page.get_by_role("textbox", name="Name of the run")
    naming.fill(name)
    naming.press("Enter")
    expect(page.get_by_test_id("stCode").filter(has_text=f"runs/lso/{name}")).to_contain_text("--steps 100000")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch").click()
    wait(page, "d.state === 'running' && Number(d.lines) > 2", "optimise")
    assert f"run=lso%2F{name}" in page.url or f"run=lso/{name}" in page.url
    page.locator(".optimise [data-key='+']").click()
    wait(page, "d.zoomed === 'true'", "optimise")
    before = int(report(page)["step"])
    wait(page, f"Number(d.step) > {before} && d.zoomed === 'true'", "optimise")  # kept while the trajectory grows
    page.reload()
    wait(page, "d.state === 'running' && Number(d.lines) > 2", "optimise")
    before = int(report(page)["step"])
    wait(page, f"Number(d.step) > {before}", "optimise")
    page.get_by_role("button", name="Stop").click()
    wait(page, "d.state === 'stopped'", "optimise")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert int(report(page)["step"]) > before
