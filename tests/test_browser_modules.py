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
