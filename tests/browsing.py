"""What the tests in headless Chromium share: an app, a browser, and ways to wait for what happens in it."""

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from benchmarks.browser import CHROMIUM, PATIENCE, launch, served

ROOT = Path(__file__).resolve().parent.parent

LISTEN = """
window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words);
    window.socket = this;
    this.addEventListener("message", () => { window.heard = performance.now(); });
  }
  send(data) { window.asked = performance.now(); super.send(data); }
};
"""

expect.set_options(timeout=1000 * PATIENCE)


@contextmanager
def served_with(setup: str, folder: Path, *offered: Path) -> Iterator[str]:
    """Address of an app that offers what lies in these folders, and runs a line of Python before it starts."""
    (folder / "sitecustomize.py").write_text(setup)
    path = os.pathsep.join(map(str, (folder, Path(__file__).parent, ROOT)))
    with served(*offered, PYTHONPATH=path) as (address, _):
        yield address


@pytest.fixture(scope="session")
def address(tiny_cnn_zoo_folder, tiny_cnn_space_folder, tmp_path_factory):
    """Of an app that all tests share, which offers the tiny zoo of classifiers beside the assets."""
    setup, offered = (
        "import two_methods; two_methods.drop()",
        (tiny_cnn_zoo_folder.parent, tiny_cnn_space_folder.parent),
    )
    with served_with(setup, tmp_path_factory.mktemp("two"), *offered) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("NO BROWSER: install Debian's chromium to run the browser tests")
    with sync_playwright() as play:
        browser = launch(play)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """An empty page, which keeps what it sends, what breaks in it, and what it asks of other hosts."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=0.5, base_url=address)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.add_init_script(LISTEN)
    page.sent, page.errors, page.foreign = [], [], []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: page.sent.append(data)))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or page.foreign.append(request.url),
    )
    yield page
    assert not page.errors
    assert not page.foreign, "the app works offline"
    context.close()


@pytest.fixture
def import_name():
    """Of an import, whose folder does not stay."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    shutil.rmtree(ROOT / "runs" / "imports" / name, ignore_errors=True)


def viewer(page, name: str = "viewer") -> dict:
    """What a view reports of itself."""
    return page.locator(f".{name}").evaluate("el => ({...el.dataset})")


def wait(page, condition: str, name: str = "viewer") -> None:
    page.locator(f".{name}").wait_for()
    page.wait_for_function(
        f"() => {{ const find = (root) => {{ for (const el of root.querySelectorAll('*')) {{"
        f"  if (el.classList.contains('{name}')) return el;"
        "  if (el.shadowRoot) { const inner = find(el.shadowRoot); if (inner) return inner; } } };"
        f" const d = find(document)?.dataset; return d && ({condition}); }}"
    )


def until(condition: Callable[[], object]) -> None:
    """What is drawn a moment after it was asked for."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def rest(page) -> None:
    """Wait until the page asks for nothing more; while there is more to come it asks every second."""
    page.wait_for_function("window.heard > window.asked && performance.now() - window.heard > 2500")


def as_the_paper(page) -> None:
    """Say in the import dialog that the networks were made as the paper's."""
    page.get_by_role("dialog").get_by_role("combobox").last.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("combobox").last).to_have_value(re.compile("the paper's networks"))
