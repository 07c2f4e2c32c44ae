"""All methods in Chromium, and one that is registered: a column each, a curve each, with no other file touched."""

import pytest
from browsing import PATIENCE, served_with, viewer, wait
from third_method import THIRD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tiny_cnn_zoo_folder, tiny_cnn_space_folder, tmp_path_factory):
    """Of an app in which a further method is registered before it starts."""
    setup, offered = (
        "import third_method; third_method.register()",
        (tiny_cnn_zoo_folder.parent, tiny_cnn_space_folder.parent),
    )
    with served_with(setup, tmp_path_factory.mktemp("third"), *offered) as address:
        yield address


def test_the_viewer_draws_a_column_for_each(page):
    page.goto("/shapes")
    wait(page, "d.columns === '4' && d.frames === '132'")
    names = page.locator(".viewer .side .name")
    assert names.all_inner_texts() == ["latent path", "raw weights", "aligned weights", THIRD.title]
    left = [box["x"] for box in (names.nth(k).bounding_box() for k in range(4))]
    assert left == sorted(set(left))
    colour = page.locator(".viewer .side").nth(3).evaluate("el => el.style.getPropertyValue('--method')")
    assert colour == THIRD.look.colour
    page.locator(".viewer").press(THIRD.look.key)
    page.wait_for_url("**method=third**", timeout=1000 * PATIENCE)


def test_classifiers_have_a_curve_for_each(page):
    page.goto("/classifiers?space=space&zoo=zoo")
    wait(page, "d.frames === '165' && d.full === '165'", "classifier")
    chips = page.locator(".classifier .chip").all_inner_texts()
    assert chips == ["latent path", "raw weights", "aligned weights", "aligned + REPAIR", THIRD.title]
    page.locator(".classifier").press(THIRD.look.key)
    wait(page, "d.method === 'third'", "classifier")
    assert viewer(page, "classifier")["method"] == "third"


def test_pictures_have_a_column_for_each(page):
    page.goto("/pictures")
    wait(page, "d.columns === '4' && d.frames === '132' && d.originals === '2'", "raster")
    canvases = page.locator(".raster .pane.side canvas")
    assert canvases.count() == 4
    drawn = "el => new Set(el.getContext('2d').getImageData(0, 0, el.width, el.height).data).size"
    assert all(canvases.nth(k).evaluate(drawn) > 10 for k in range(4)), "every column shows a picture"
