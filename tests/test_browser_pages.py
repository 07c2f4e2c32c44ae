"""Every page in both themes as axe-core judges it, and at 768 px: its name, and nothing cut off or covered."""

import importlib.util
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LOOK = "Look inside the space of trained networks"
PAGES = {
    "Home": "",
    "Shapes": "shapes?space=chairs/space-prep&zoo=chairs/zoo",
    "Classifiers": "classifiers?space=space&zoo=zoo",
    "Pictures": "pictures",
    "Map": "zoo_map?space=space&zoo=zoo",
    "Optimise": "optimise?space=space&zoo=zoo",
    "Networks as images": "networks?space=space&zoo=zoo",
    "Scorecard": "scorecard?space=space&zoo=zoo",
    "Jobs": "jobs",
}
GRAVE = ("serious", "critical")
FLAT = """() => {
  const style = ".board, .stage, .map, .field { background: var(--st-secondary-background-color) !important; }"
    + ".card:nth-child(n + 3) { display: none !important; }";
  const flatten = (root) => { for (const el of root.querySelectorAll("*")) if (el.shadowRoot) {
    el.shadowRoot.append(Object.assign(document.createElement("style"), { textContent: style }));
    flatten(el.shadowRoot);
  } };
  flatten(document);
}"""
"""axe judges no words on a gradient: panels get its stronger end. Of hundreds of equal cards two are enough."""
THEMES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""options of axe by theme: of the second, what a theme can change"""
JUDGE = """async (options) => (await axe.run({preload: false, resultTypes: ["violations"], ...options}))
  .violations.flatMap(({id, impact, nodes}) =>
    nodes.map(({html, any}) => ({id, impact, html, why: any.map(({message}) => message)})))"""
CUT = """() => {
  const cut = [], header = document.querySelector("[data-testid=stHeader]").getBoundingClientRect().bottom;
  const main = document.querySelector("[data-testid=stMain]");
  if (main.scrollWidth > main.clientWidth + 1) cut.push("the page is wider than the window");
  const first = document.querySelector("[data-testid=stMainBlockContainer] h1").getBoundingClientRect();
  if (first.top < header - 1) cut.push("the header covers the title");
  for (const words of main.querySelectorAll("button p"))
    if (words.scrollWidth > words.clientWidth + 1) cut.push(words.textContent);
  return cut;
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which a package for tests carries: nothing is fetched."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None and not os.environ.get("CI"):
        pytest.skip("NO AXE: install the packages of requirements-dev.txt")
    return (Path(found.origin).parent / "axe.min.js").read_text()


def test_every_page_has_its_name_fits_and_is_accessible(page, axe):
    page.set_viewport_size({"width": 768, "height": 800})
    wrong = {}
    for name, link in PAGES.items():
        page.goto(f"/{link}")
        expect(page.get_by_role("heading", name=LOOK if name == "Home" else name, level=1)).to_be_visible()
        expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
        assert page.title() == f"{name} · NetSpace Explorer"
        assert page.evaluate(CUT) == [], name
        page.evaluate(axe)
        page.evaluate(FLAT)
        for theme, options in THEMES.items():
            page.emulate_media(color_scheme=theme)
            grave = [one for one in page.evaluate(JUDGE, options) if one["impact"] in GRAVE]
            wrong |= {(name, theme): grave} if grave else {}
    assert not wrong
