"""A third method in Chromium: a column more in the viewer, a curve more on Classifiers, with no other file touched."""

import os
from pathlib import Path

import pytest
from browsing import PATIENCE, ROOT, served, viewer, wait
from third_method import THIRD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tiny_cnn_zoo_folder, tiny_cnn_space_folder, tmp_path_factory):
    """Of an app in which a third method is registered before it starts."""
    folder = tmp_path_factory.mktemp("third")
    (folder / "sitecustomize.py").write_text("import third_method\n\nthird_method.register()\n")
    path = os.pathsep.join(map(str, (folder, Path(__file__).parent, ROOT)))
    with served(tiny_cnn_zoo_folder.parent, tiny_cnn_space_folder.parent, PYTHONPATH=path) as (address, _):
        yield address


def test_the_viewer_draws_three_columns(page):
    page.goto("/shapes")
    wait(page, "d.columns === '3' && d.frames === '99'")
    names = page.locator(".viewer .side .name")
    assert names.all_inner_texts()[2] == THIRD.title and names.count() == 3
    left = [box["x"] for box in (names.nth(k).bounding_box() for k in range(3))]
    assert left[0] < left[1] < left[2]
    colour = page.locator(".viewer .side").nth(2).evaluate("el => el.style.getPropertyValue('--method')")
    assert colour == THIRD.look.colour
    page.locator(".viewer").press(THIRD.look.key)
    page.wait_for_url("**method=third**", timeout=1000 * PATIENCE)


def test_classifiers_have_three_curves(page):
    page.goto("/classifiers?space=space&zoo=zoo")
    wait(page, "d.frames === '99' && d.full === '99'", "classifier")
    assert page.locator(".classifier .chip").all_inner_texts()[2] == THIRD.title
    page.locator(".classifier").press(THIRD.look.key)
    wait(page, "d.method === 'third'", "classifier")
    assert viewer(page, "classifier")["method"] == "third"


def test_pictures_have_three_columns(page):
    page.goto("/pictures")
    wait(page, "d.columns === '3' && d.frames === '99' && d.originals === '2'", "raster")
    canvases = page.locator(".raster .pane.side canvas")
    assert canvases.count() == 3
    drawn = "el => new Set(el.getContext('2d').getImageData(0, 0, el.width, el.height).data).size"
    assert all(canvases.nth(k).evaluate(drawn) > 10 for k in range(3)), "every column shows a picture"
