"""A family in headless Chromium: what a drag along the probabilities of its architectures does."""

import pytest
import torch
from browsing import as_the_paper, rest, viewer, wait
from playwright.sync_api import expect
from test_importing import FIFTY_REFUSED, write_fifty

import netspace
from benchmarks.browser import served
from netspace.zoo.store import TRAIN

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tiny_family_zoo, tiny_family_space_folder, tmp_path_factory):
    """The tiny family, whose class head learns to name one architecture after the other along the first path."""
    space = netspace.load(tiny_family_space_folder)
    known = tiny_family_zoo.records.loc[tiny_family_zoo.ids(TRAIN)].sort_values("test_accuracy")
    a, b = (known.index[known.arch == arch][-1] for arch in (space.family.names[0], space.family.names[-1]))
    gamma = torch.linspace(0, 1, 33).unsqueeze(1)  # (33, 1)
    with torch.no_grad():
        ends = space.encode(tiny_family_zoo.preps([a, b]))
        z = (1 - gamma) * ends[0] + gamma * ends[1]
    optimiser = torch.optim.Adam(space.head.requires_grad_().parameters(), lr=0.02)
    for _ in range(400):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(space.head(z), (gamma[:, 0] * 2).round().long()).backward()
        optimiser.step()
    assert space.head(z).argmax(dim=1)[[2, 16, 30]].tolist() == [0, 1, 2]
    folder = tmp_path_factory.mktemp("browser-family") / "space"
    space.save(folder)
    with served(tiny_family_zoo.folder.parent, folder.parent) as (address, _):
        yield address


def test_a_drag_goes_through_the_architectures_and_sends_nothing(page):
    page.goto("/classifiers?space=space&zoo=zoo&gamma=0.5")
    wait(page, "d.frames === '33' && d.full === '33' && d.pictures === '16'", "classifier")
    rest(page)
    label = page.locator(".classifier .architecture b")
    expect(label).to_have_text("VanillaCNN")
    expect(page.locator(".classifier .chip")).to_have_text(
        ["latent path", "no raw weights", "no aligned weights", "no aligned + REPAIR"]
    )
    expect(page.locator(".classifier .name.here")).to_have_text("VanillaCNN")
    assert viewer(page, "classifier")["stars"] == "1"
    box = page.locator(".classifier .chart").bounding_box()
    band = box["y"] + box["height"] - 20 - 23  # the middle of the probabilities
    pixels = page.locator(".classifier .chart").evaluate(
        """(el) => {
          const scale = el.width / el.clientWidth, pen = el.getContext("2d");
          const y = (el.clientHeight - 20 - 4) * scale;
          const x = (at) => (48 + at * (el.clientWidth - 56)) * scale;
          return [0.06, 0.94].map((at) => [...pen.getImageData(x(at), y, 1, 1).data]);
        }"""
    )
    assert pixels[0][0] > 150 > pixels[0][1] and pixels[1][1] > 130 > pixels[1][0], "red, then green"
    sent = len(page.sent)
    page.mouse.move(box["x"] + box["width"] / 2 + 20, band)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, band, steps=6)
    wait(page, "d.architecture === 'LeNetLike' && d.method === 'latent'", "classifier")
    expect(label).to_have_text("LeNetLike")
    page.mouse.move(box["x"] + box["width"] - 12, band, steps=6)
    wait(page, "d.architecture === 'ResNet8' && Number(d.probability) > 0.5", "classifier")
    expect(page.locator(".classifier .architecture i")).to_contain_text("77,706 parameters")
    assert len(page.sent) == sent, "a message was sent while dragging"
    page.mouse.up()
    page.wait_for_url("**gamma=1&**")


def test_networks_made_elsewhere_are_brought_and_all_but_three_are_on_the_map(page, import_name, tmp_path):
    write_fifty(tmp_path)
    for k in range(32, 50):
        (tmp_path / f"net-{k}.pt").unlink()
    page.goto("/zoo_map?space=space&zoo=zoo&projection=pca")
    wait(page, "d.count === '12'", "zoo-map")
    page.get_by_role("button", name="Bring your own").click()
    folder = page.get_by_role("textbox", name="Or a folder")
    folder.fill(str(tmp_path))
    folder.press("Enter")
    naming = page.get_by_role("textbox", name="Name")
    naming.fill(import_name)
    naming.press("Enter")
    as_the_paper(page)
    rest(page)  # what was written has reached the app
    page.get_by_role("button", name="Import", exact=True).click()
    wait(page, "d.count === '41'", "zoo-map")
    expect(page.get_by_role("heading", name=f"{import_name} / zoo: 29 networks imported, 3 refused")).to_be_visible()
    for reason in FIFTY_REFUSED.values():
        expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_text("Batch norm of 14 networks fused")).to_be_visible()
