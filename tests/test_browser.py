"""The app in headless Chromium: what a drag does, what it sends, and what a link restores."""

from pathlib import Path

import pytest
from browsing import rest, until, viewer, wait
from playwright.sync_api import expect

from benchmarks.browser import PATIENCE

pytestmark = pytest.mark.browser


def open_shapes(page, link: str = "") -> None:
    page.goto(f"/shapes{link}")
    wait(page, "d.frames === '66'")


def slide_to(page, share: float) -> None:
    box = page.locator(".viewer input[type=range]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for k in range(1, 9):  # from the middle, as a hand would
        page.mouse.move(box["x"] + 8 + (0.5 + (share - 0.5) * k / 8) * (box["width"] - 16), y)
    return None


def test_shapes_shows_its_first_chairs_without_a_click(page):
    page.goto("/shapes")
    wait(page, "Number(d.triangles) > 1000")
    assert page.get_by_text("latent path").first.is_visible()


def test_a_drag_draws_other_meshes_moves_no_camera_and_sends_nothing(page):
    open_shapes(page)
    rest(page)
    before, sent, link = viewer(page), len(page.sent), page.url
    picture = page.locator(".viewer .stage").screenshot()
    slide_to(page, 0.1)
    wait(page, "Number(d.frame) < 8")
    during = viewer(page)
    assert len(page.sent) == sent, "a message was sent while dragging"
    assert during["triangles"] != before["triangles"]
    assert during["camera"] == before["camera"]
    page.mouse.up()
    page.wait_for_url(lambda url: url != link)
    assert len(page.sent) == sent + 1, "one message on release"
    assert page.locator(".viewer .stage").screenshot() != picture
    assert "gamma=0." in page.url
    assert viewer(page)["camera"] == before["camera"]


def test_a_file_that_is_being_made_says_so(page):
    page.goto("/shapes?a=chair-0003&b=chair-0007&gamma=0.4375")  # no other test takes it: what was made is kept
    page.get_by_role("button", name="Export").click()
    button = page.get_by_role("button", name="GLB")
    with page.expect_download() as made:
        button.click()
        expect(button.get_by_test_id("stSpinnerIcon")).to_be_visible()
    expect(button.get_by_test_id("stSpinnerIcon")).to_have_count(0)
    assert Path(made.value.path()).read_bytes().startswith(b"glTF")


def test_play_draws_frame_after_frame(page):
    open_shapes(page)
    rest(page)
    before = viewer(page)
    page.locator(".viewer .play").click()
    frames = []
    for _ in range(3):
        wait(page, f"Number(d.draws) > {before['draws']} + 20 && !{frames}.includes(d.frame)")
        frames.append(viewer(page)["frame"])
    assert float(viewer(page)["milliseconds"]) > 0  # what JavaScript took a frame, which the benchmark `viewer` reads


def test_keys_step_play_and_explain(page):
    open_shapes(page, "?gamma=0")
    page.keyboard.press("ArrowRight")  # nothing has been clicked
    wait(page, "d.frame === '1'")
    page.get_by_role("button", name="Hide this hint").click()
    expect(page.locator(".hint")).to_be_hidden()
    page.keyboard.press("Shift+ArrowRight")
    wait(page, "d.frame === '5'")
    page.keyboard.press("End")
    wait(page, "d.frame === '32'")
    page.keyboard.press("?")
    assert page.get_by_text("one network (with").is_visible()
    page.keyboard.press("b")
    assert "on" in page.locator(".picker .slot").nth(1).get_attribute("class")
    page.keyboard.press("Space")
    wait(page, "d.frame !== '32'")


def test_turning_the_camera_is_in_the_link_and_a_reload_restores_it(page):
    open_shapes(page, "?a=chair-0001&b=chair-0004&gamma=0.25")
    box = page.locator(".viewer .stage").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 220, steps=4)
    page.mouse.up()
    page.wait_for_url("**camera=**")
    turned = viewer(page)["camera"]
    page.reload()
    wait(page, "d.frames === '66'")
    assert [float(v) for v in viewer(page)["camera"].split()] == pytest.approx(
        [float(v) for v in turned.split()], abs=2e-3
    )
    assert viewer(page)["frame"] == "8"
    assert page.locator(".end.a .who").inner_text() == "chair-0001"


def test_a_click_on_a_picture_changes_the_pair_and_swap_swaps(page):
    open_shapes(page)
    rest(page)
    page.locator(".picker .search").fill("stool cross")
    page.locator(".picker .card:visible").first.click()
    picked = page.locator(".picker .slot").first.locator(".who")
    page.wait_for_function("() => new URL(document.location).searchParams.get('a') !== 'chair-0086'")
    expect(picked).not_to_have_text("chair-0086")
    name = picked.inner_text()
    other = page.locator(".end.b .who").inner_text()
    page.locator(".picker .swap").click()
    page.wait_for_function("name => new URL(document.location).searchParams.get('b') === name", arg=name)
    expect(page.locator(".end.a .who")).to_have_text(other)


def test_a_click_while_the_connection_is_down_is_answered_once_it_is_up(page):
    open_shapes(page)
    rest(page)
    a, b = (page.locator(f".end.{end} .who").inner_text() for end in "ab")
    down = """async () => {
      const app = document.querySelector("[data-testid=stApp]");
      const find = (root) => { for (const el of root.querySelectorAll("*")) {
        if (el.matches(".picker .swap")) return el;
        const inner = el.shadowRoot && find(el.shadowRoot); if (inner) return inner;
      } };
      const swap = find(document);
      window.socket.close();
      const moment = () => new Promise((ready) => setTimeout(ready, 1));
      for (let k = 0; k < 5000 && app.dataset.testConnectionState === "CONNECTED"; k += 1) await moment();
      swap.click();
      return app.dataset.testConnectionState;
    }"""
    assert page.evaluate(down) != "CONNECTED"
    expect(page.locator(".end.a .who")).to_have_text(b)
    expect(page.locator(".end.b .who")).to_have_text(a)


def test_pictures_do_not_overlap(page):
    open_shapes(page)
    boxes = [page.locator(".picker .card").nth(i).bounding_box() for i in (0, 20)]
    assert boxes[0]["height"] > 90 and boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]


def test_without_a_surface_the_viewer_says_so(page):
    open_shapes(page)
    expect(page.locator(".side .message").nth(1)).to_be_visible()
    assert page.locator(".side .message").nth(1).inner_text() == "no surface at gamma 0.50"


def test_a_plane_through_the_fields_is_drawn_also_without_a_surface_and_is_in_the_link(page):
    page.goto("/shapes?slice=x+0.00+field")
    wait(page, "d.slices === '2' && d.plane === 'x 0 field'")
    about = page.locator(".viewer .side .plane").nth(1)
    assert about.inner_text().startswith("in this plane: nothing inside, mean Eikonal error 0.")
    stage = page.locator(".viewer .stage")
    field = stage.screenshot()
    page.locator(".cutting button", has_text="Eikonal error").click()
    wait(page, "d.slices === '2' && d.plane === 'x 0 eikonal'")
    assert stage.screenshot() != field
    page.locator(".viewer").press("]")
    wait(page, "d.slices === '2' && d.plane === 'x 0.05 eikonal'")
    page.wait_for_url("**slice=x+0.05+eikonal**")
    page.locator(".viewer").press("s")
    wait(page, "d.slices === '0' && d.plane === ''")
    page.wait_for_url(lambda url: "slice=" not in url)


def test_home_plays_by_itself(page):
    page.goto("/")
    wait(page, "d.frames === '33'")
    first = viewer(page)["frame"]
    wait(page, f"d.frame !== '{first}'")
    page.get_by_text("Slide between chairs").click()
    page.wait_for_url("**/shapes**")


def test_the_dark_theme_is_dark(browser, address):
    context = browser.new_context(color_scheme="dark", base_url=address)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto("/shapes")
    page.locator(".viewer").wait_for()
    colour = page.locator(".stApp").evaluate("el => getComputedStyle(el).backgroundColor")
    assert max(int(v) for v in colour.removeprefix("rgb(").rstrip(")").split(",")[:3]) < 60
    context.close()


def test_the_back_button_goes_back(page):
    open_shapes(page, "?gamma=0")
    page.locator(".viewer").focus()
    page.keyboard.press("End")
    page.wait_for_url("**gamma=1**")
    page.go_back()
    page.wait_for_url("**gamma=0&**")
    wait(page, "d.frame === '0'")


def test_swapping_keeps_the_same_network_in_view(page):
    open_shapes(page, "?gamma=0.25")
    page.locator(".picker .swap").click()
    wait(page, "d.frame === '24' && d.frames === '66'")


def test_the_help_button_opens_the_keys_and_chooses_nothing(page):
    open_shapes(page)
    page.locator(".viewer .help").click()
    expect(page.locator(".viewer .keys")).to_be_visible()
    rest(page)
    assert "method=latent" in page.url
    page.locator(".picker .search").click()
    expect(page.locator(".viewer .keys")).to_be_hidden()


def test_the_inspection_view_shows_a_mesh(page):
    open_shapes(page, "?gamma=0")
    page.get_by_role("button", name="Inspect").click()
    page.wait_for_function("() => document.querySelector('[role=dialog]')")
    frame = page.frame_locator("#stpyvistaframe")
    frame.locator("canvas").first.wait_for()


# -- classifiers ---------------------------------------------------------------------------------------------------


def open_classifiers(page, link: str = "") -> None:
    page.goto(f"/classifiers?space=space&zoo=zoo{link}")
    wait(page, "d.frames === '66' && d.full === '66' && d.pictures === '16'", "classifier")


def test_a_drag_in_the_chart_sends_one_message(page):
    open_classifiers(page)
    rest(page)
    chart = page.locator(".classifier .chart").bounding_box()
    sent = len(page.sent)
    picture = page.locator(".classifier .board").screenshot()
    page.mouse.move(chart["x"] + 300, chart["y"] + 100)
    page.mouse.down()
    page.mouse.move(chart["x"] + chart["width"], chart["y"] + 120, steps=6)
    wait(page, "d.frame === '32'", "classifier")
    assert len(page.sent) == sent, "a message was sent while dragging"
    page.mouse.up()
    page.wait_for_url("**gamma=1&**")
    assert len(page.sent) == sent + 1, "one message on release"
    assert page.locator(".classifier .board").screenshot() != picture
    expect(page.locator(".classifier .accuracy i").first).to_have_text("on all 360 test images")


def test_the_method_in_focus_is_in_the_link_and_a_reload_restores_it(page):
    open_classifiers(page, "&gamma=0.25")
    page.locator(".classifier .chip").nth(1).click()
    page.wait_for_url("**method=weights**")
    page.keyboard.press("ArrowRight")  # the keys go on working after a click
    page.wait_for_url("**gamma=0.28125**")
    page.reload()
    wait(page, "d.frame === '9' && d.method === 'weights' && d.full === '66'", "classifier")
    page.locator(".classifier").focus()
    page.keyboard.press("1")
    page.wait_for_url("**method=latent**")


def test_right_and_wrong_answers_are_told_without_colour(page):
    open_classifiers(page, "&gamma=1&method=weights")
    tiles = page.locator(".classifier .tile")
    for k in range(16):
        said, truth = tiles.nth(k).get_attribute("title").replace("true class: ", "").split("\n")
        hit = said.split(" with ")[0] == truth
        assert ("hit" if hit else "miss") in tiles.nth(k).get_attribute("class")
        mark = tiles.nth(k).locator(".mark").evaluate("el => getComputedStyle(el, '::before').content")
        assert mark == ('"✓"' if hit else '"✗"')


def test_going_between_shapes_and_classifiers_changes_the_space(page):
    open_classifiers(page)
    page.get_by_role("link", name="Shapes").click()
    page.wait_for_url("**/shapes?**space=chairs**")
    page.get_by_role("link", name="Classifiers").click()
    page.wait_for_url("**/classifiers?**space=space&**")
    wait(page, "d.full === '66'", "classifier")


# -- networks as images --------------------------------------------------------------------------------------------


def open_networks(page, link: str = "?space=space&zoo=zoo") -> None:
    page.goto(f"/networks{link}")
    wait(page, "d.frames === '66' && d.pictures === '35' && d.answers === '66'", "preps")
    rest(page)


def panels(page) -> list[str]:
    return [page.locator(".preps .values").nth(k).evaluate("el => el.toDataURL()") for k in range(3)]


def test_scrubbing_changes_the_pictures_and_sends_nothing(page):
    # raw weights: what a space decodes that is hardly trained can be alike to the last digit shown
    open_networks(page, "?space=space&zoo=zoo&method=weights")
    before, sent = panels(page), len(page.sent)
    numbers = page.locator(".preps tbody").inner_text()
    box = page.locator(".preps input[type=range]").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 10, steps=6)
    wait(page, "Number(d.frame) > 6", "preps")
    until(lambda: panels(page)[1] != before[1] and panels(page)[2] != before[2])
    during = panels(page)
    assert len(page.sent) == sent, "a message was sent while dragging"
    assert during[0] == before[0]
    assert page.locator(".preps tbody").inner_text() != numbers
    page.mouse.up()
    page.wait_for_url("**gamma=0.**")
    assert len(page.sent) == sent + 1, "one message on release"
    page.locator(".preps").focus()
    page.keyboard.press("End")
    wait(page, "d.against === 'b'", "preps")
    until(lambda: panels(page)[0] != before[0])  # the nearer end is B now


def test_a_parameter_is_marked_in_pictures_and_table_and_kept_in_the_link(page):
    open_networks(page)
    lines = page.locator(".preps .lines").nth(2)
    before = lines.evaluate("el => el.toDataURL()")
    row = page.locator(".preps tbody tr").nth(5)
    row.hover()
    until(lambda: lines.evaluate("el => el.toDataURL()") != before)
    row.click()
    page.wait_for_url("**layer=fcs.0.weight**")
    page.locator(".preps .picture").first.hover(position={"x": 4, "y": 1})
    expect(page.locator(".preps .tip b")).to_have_text("convs.0.weight")
    expect(page.locator(".preps .tip i")).to_contain_text("[0, 0, 0, ")
    page.reload()
    wait(page, "d.layer === 'fcs.0.weight'", "preps")


def test_raw_weights_at_the_ends_are_the_originals(page):
    open_networks(page, "?space=space&zoo=zoo&gamma=1&method=weights")
    until(lambda: (drawn := panels(page))[0] == drawn[1])
    assert "B, the original" in page.locator(".preps .panel").first.inner_text()
