"""The page Map in headless Chromium: a click, a lasso and a link; networks are brought and shown among the others."""

from pathlib import Path

import pytest
from browsing import as_the_paper, rest, until, wait
from playwright.sync_api import expect
from safetensors.torch import save_file

pytestmark = pytest.mark.browser


def at_rest(page, link: str) -> None:
    """Open the map and wait until the page asks for nothing more: what is laid out then was asked for by hand."""
    page.goto(link)
    wait(page, "d.count === '8'", "zoo-map")
    rest(page)


def report(page) -> dict:
    """What the map reports of itself."""
    return page.locator(".zoo-map").evaluate("el => ({...el.dataset})")


def test_a_network_is_clicked_some_are_lassoed_and_others_are_brought(page, import_name, tiny_cnn_zoo, tmp_path):
    page.goto("/zoo_map?space=space&zoo=zoo&projection=pca")
    wait(page, "d.count === '8'", "zoo-map")
    page.locator(".zoo-map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait(page, "Number(d.answered) === 1", "zoo-map")
    picked = tiny_cnn_zoo.records.name[int(report(page)["picked"])]
    expect(page.get_by_role("heading", name=picked)).to_be_visible()
    expect(page.get_by_text("Same answer on")).to_be_visible()

    wait(page, "d.frame === '24'", "classifier")  # the middle of the way past A and B
    page.locator(".classifier").focus()
    page.keyboard.press("End")
    page.wait_for_url("**at=1**")  # the whole link, at once
    assert f"network={picked}" in page.url and "projection=pca" in page.url

    rest(page)
    page.locator(".zoo-map [data-key=l]").click()
    box = page.locator(".zoo-map .over").bounding_box()
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
    for k, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if not k:
            page.mouse.down()
    page.mouse.up()
    wait(page, "d.selected === '8'", "zoo-map")
    expect(page.get_by_role("heading", name="8 networks selected")).to_be_visible()
    page.wait_for_url("**selection=**")  # all is laid out
    with page.expect_download() as download:
        page.locator(".st-key-map_csv button").first.click()
    table = Path(download.value.path()).read_text().splitlines()
    assert len(table) == 9 and "map PC 1" in table[0] and picked in "".join(table)

    page.goto(page.url)
    wait(page, "d.count === '8' && d.selected === '8' && d.picked !== ''", "zoo-map")
    assert page.request.get(download.value.url).text().splitlines() == table  # held over many runs

    files = [tmp_path / "one.safetensors", tmp_path / "none.pt"]
    save_file({key: p.contiguous() for key, p in tiny_cnn_zoo[0].params.items()}, files[0])
    files[1].write_bytes(b"no weights")
    page.get_by_role("button", name="Bring your own").click()
    page.get_by_role("dialog").locator("input[type=file]").set_input_files(files)
    naming = page.get_by_role("textbox", name="Name")
    naming.fill(import_name)
    naming.press("Enter")
    as_the_paper(page)
    rest(page)
    page.get_by_role("button", name="Import", exact=True).click()
    wait(page, "d.count === '9'", "zoo-map")
    expect(page.get_by_role("heading", name=f"{import_name} / zoo: 1 network imported, 1 refused")).to_be_visible()
    assert f"imports%2F{import_name}%2Fzoo" in page.url


def test_copies_of_the_picked_network_lie_around_it_until_they_are_no_longer_asked_for(page, tiny_cnn_zoo):
    names = list(tiny_cnn_zoo.records.name)
    page.goto(f"/zoo_map?space=space&zoo=zoo&projection=pca&network={names[0]}&orbit=yes")
    wait(page, "d.copies === '32' && d.count === '8'", "zoo-map")
    expect(page.locator(".zoo-map .foot")).to_contain_text("32 copies with permuted hidden units")
    expect(page.get_by_text("32 copies (seed 0): embeddings move by")).to_be_visible()
    expect(page.locator(".zoo-map .foot")).to_contain_text("nearest by function")
    page.locator(".zoo-map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait(page, "Number(d.answered) === 1 && d.picked !== '0' && d.copies === '32'", "zoo-map")
    page.wait_for_function("!location.search.includes('network=" + names[0] + "&')")
    expect(page.locator(".zoo-map .foot")).to_contain_text("nearest by function")  # of this one too
    page.get_by_text("Permute its hidden units").click()
    wait(page, "d.copies === '' && d.count === '8'", "zoo-map")
    expect(page.locator(".zoo-map .foot")).not_to_contain_text("copies")
    page.wait_for_function("!location.search.includes('orbit')")


def test_the_ways_follow_what_is_picked(page, tiny_cnn_zoo):
    names = list(tiny_cnn_zoo.records.name)
    page.add_init_script(
        "const send = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (data) { if (!(window.left-- <= 0)) send.call(this, data); };"
    )
    at_rest(page, f"/zoo_map?space=space&zoo=zoo&projection=pca&move=spline&spline={names[0]}|{names[1]}")
    add = page.get_by_role("button", name="Add the picked network")
    expect(add).to_be_disabled()
    page.locator(".zoo-map").focus()
    for turn, key in enumerate(("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft"), 1):
        page.keyboard.press(key)
        page.evaluate("window.left = 1")  # the click: no look at the background lays the page out anew
        page.keyboard.press("Enter")
        wait(page, f"Number(d.answered) === {turn}", "zoo-map")
        if int(report(page)["picked"]) > 1:
            break
        page.evaluate("window.left = undefined")
        rest(page)
    expect(add).to_be_enabled()
    page.evaluate("window.left = undefined")
    add.click()
    picked = names[int(report(page)["picked"])]
    page.wait_for_url(f"**spline={names[0]}%7C{names[1]}%7C{picked}**")


def test_what_a_search_leaves_is_what_hands_reach(page, tiny_cnn_zoo):
    page.goto("/zoo_map?space=space&zoo=zoo&projection=pca")
    wait(page, "d.count === '8' && d.left === ''", "zoo-map")
    search = page.get_by_role("textbox", name="Search")
    search.fill(tiny_cnn_zoo.records.name[3])
    search.press("Enter")
    wait(page, "d.left === '1'", "zoo-map")
    expect(page.locator(".zoo-map .found")).to_have_text("1 of 8 match")
    page.locator(".zoo-map").focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        assert report(page)["hovered"] in ("", "3")
    assert report(page)["hovered"] == "3"


def test_a_click_that_is_lost_on_its_way_is_told_again(page, tiny_cnn_zoo):
    page.add_init_script(
        "const send = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (data) {"
        " if (window.losing) { window.losing = false; window.lost = true; } else send.call(this, data); };"
    )
    at_rest(page, "/zoo_map?space=space&zoo=zoo&projection=pca")
    page.locator(".zoo-map").focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("window.losing = true")
    page.keyboard.press("Enter")
    wait(page, "Number(d.answered) === 1", "zoo-map")
    assert page.evaluate("window.lost")
    name = tiny_cnn_zoo.records.name[int(report(page)["picked"])]
    expect(page.get_by_role("heading", name=name)).to_be_visible()


BOTH = "els => els.map((el) => ({ ...el.dataset }))"


def test_two_spaces_beside_each_other_show_one_selection(page):
    """The chairs that ship, in both of their spaces: ids are the same on both maps."""

    def both() -> list[dict]:
        return page.locator(".zoo-map").evaluate_all(BOTH)

    def alike(name: str, other: str, value=lambda text: text not in ("", "0")) -> bool:
        shown = both()
        return len(shown) == 2 and shown[0][name] == shown[1][other] and value(shown[0][name])

    page.goto("/zoo_map?space=chairs/space-prep&zoo=chairs/zoo&projection=pca&second=chairs/space-probe")
    until(lambda: [one.get("count") for one in both()] == ["260", "260"])
    expect(page.get_by_text("260 of 260 networks are in both spaces, by their weights.")).to_be_visible()
    rest(page)
    first, second = (page.locator(".zoo-map").nth(k) for k in (0, 1))
    tops = [one.locator(".map").bounding_box() for one in (first, second)]
    assert tops[0]["y"] == tops[1]["y"] and tops[0]["x"] + tops[0]["width"] < tops[1]["x"]
    first.focus()
    page.keyboard.press("ArrowRight")
    until(lambda: alike("hovered", "echo"))
    page.keyboard.press("Enter")
    until(lambda: alike("picked", "picked"))

    second.locator("[data-key=b]").click()
    box = second.locator(".over").bounding_box()
    page.mouse.move(box["x"] + 16, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] - 20, steps=4)
    page.mouse.up()
    until(lambda: alike("selected", "selected", lambda text: 0 < int(text) < 260))
    page.wait_for_url("**second_selection=**")
    count = both()[0]["selected"]
    expect(page.get_by_role("heading", name=f"{count} networks selected")).to_be_visible()

    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto(page.url)
    until(lambda: alike("selected", "selected", lambda text: text == count) and alike("picked", "picked"))
    tops = [page.locator(".zoo-map .map").nth(k).bounding_box() for k in (0, 1)]
    assert tops[0]["y"] + tops[0]["height"] < tops[1]["y"] and tops[0]["x"] == tops[1]["x"]
