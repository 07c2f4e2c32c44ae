"""The front end's modules in Chromium: as they are, and put into one text as Streamlit is given them."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.frontend import SOURCES, bundle

pytestmark = pytest.mark.browser

ENTRIES = sorted(SOURCES.glob("*.js"))
LOAD = "(url) => import(url).then((found) => typeof found.default, (error) => String(error))"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words) -> None:
        pass


@pytest.fixture(scope="module")
def sources():
    """The address of a server of the front end's folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SOURCES.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: path.stem)
def test_a_view_is_a_module_as_it_is_and_as_one_text(browser, sources, entry):
    page = browser.new_page()
    page.goto(f"{sources}/views/")
    assert page.evaluate(LOAD, f"{sources}/views/{entry.name}") == "function"
    text = bundle.script(entry)
    load = f"(text) => ({LOAD})(URL.createObjectURL(new Blob([text], {{ type: 'text/javascript' }})))"
    assert page.evaluate(load, text) == "function"
    page.close()


ARRANGED = """async (url) => {
  const { arranged, leader, lettered } = await import(url);
  const size = { width: 300, height: 200 };
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const crowd = Array.from({ length: 16 }, () => [100 + 40 * random(), 100 + 40 * random()]);
  const others = Array.from({ length: 8 }, () => [300 * random(), 200 * random()]);
  const badge = (at, k) => lettered(at, String(k), k % 2 ? "circle" : "square", [12, -13]);
  const found = arranged([...crowd, ...others].map(badge), size, [[260, 0, 300, 100]]);
  return [...found, ...arranged([badge([310, 90], 0)], size)].map((each) => ({ ...each, line: leader(each) }));
}"""


def test_badges_cover_neither_each_other_nor_each_others_dots_and_are_joined_to_theirs(browser, sources):
    page = browser.new_page()
    page.goto(f"{sources}/views/")
    *badges, outside = page.evaluate(ARRANGED, f"{sources}/views/map/badges.js")
    page.close()
    assert outside["to"] is None, "its dot is not in the window"
    placed = [badge for badge in badges if badge["to"]]
    assert len(placed) == len(badges) == 24
    edges = [(side, k) for side in (-1, 1) for k in (0, 1)]  # left, top, right, low
    boxes = [[badge["to"][k] + side * badge["size"][k] / 2 for side, k in edges] for badge in placed]
    for k, (left, top, right, low) in enumerate(boxes):
        assert left >= 0 and top >= 0 and right <= 300 and low <= 200
        assert not (right > 260 and top < 100), "it lies below the buttons"
        for other in boxes[:k]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or low <= other[1]
        for other in badges:
            (x, y), own = other["at"], other is placed[k]
            assert own or not (left < x < right and top < y < low)
        (x, y), line = placed[k]["at"], placed[k]["line"]
        gap = max(left - x, 0, x - right) ** 2 + max(top - y, 0, y - low) ** 2
        assert (line is not None) == (gap > 100)
    assert 0 < sum(badge["line"] is not None for badge in placed) < 24
