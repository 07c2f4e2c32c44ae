"""A bundle in headless Chromium, opened from the disk as by a double click: no server, and no request to anywhere."""

import io
import zipfile

import browsing
import numpy as np
import pytest
from browsing import ROOT
from PIL import Image
from playwright.sync_api import expect

from app import frontend
from app.backend import bundles
from app.backend.bundles import BundleOrder
from app.backend.grid_meshes import PARTS, cell_triangles, pack_grid
from app.bundle import writing
from netspace.geometry.mesh import Surface, isosurface, vertex_normals

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(browser, tmp_path):
    """An empty page that keeps what it asks for and what breaks in it."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, device_scale_factor=0.5)
    page = context.new_page()
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
    yield page
    assert not page.errors
    assert all(url.startswith((tmp_path.as_uri(), "blob:")) for url in page.asked), page.asked
    context.close()


def wait(page, view: str, condition: str) -> None:
    """Wait until what a view reports of itself fulfils a condition."""
    page.locator(f".{view}").wait_for()
    page.wait_for_function(
        f"() => {{ const d = document.querySelector('.mounted')?.shadowRoot.querySelector('.{view}')?.dataset;"
        f" return d && ({condition}); }}"
    )


def test_the_browser_unpacks_the_mesh_that_was_packed(browser):
    """Two balls, one of them cut off by the cube: the same triangles, turned the same way, with normals outwards."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, 13)] * 3, indexing="ij")
    balls = [np.sqrt((x - c) ** 2 + y**2 + (z + c) ** 2) - r for c, r in ((-0.4, 0.35), (0.7, 0.5))]
    values = np.minimum(*balls).astype(np.float32)
    mesh = isosurface(values)
    entry, body = pack_grid(Surface(mesh, values, 12, 0))
    page = browser.new_page()
    source = (frontend.SOURCES / "viewer" / "gridmesh.js").read_text().replace("export function", "function")
    page.add_script_tag(content=source)
    unpacked = """([entry, body, triangles]) => {
      const { entry: made, bytes } = fromGrid(entry, new Uint8Array(body), triangles), v = made.vertices;
      const position = [...new Uint16Array(bytes, 0, 4 * v)], normal = [...new Int8Array(bytes, 8 * v, 4 * v)];
      return { ...made, position, normal, index: [...new Uint16Array(bytes, 12 * v, 3 * made.triangles)] };
    }"""
    made = page.evaluate(unpacked, [entry, list(body), cell_triangles()])
    page.close()
    position, normal = (np.array(made[name]).reshape(-1, 4)[:, :3] for name in ("position", "normal"))
    vertices = np.array(made["low"]) + np.array(made["size"]) * position / 65535
    distances = np.linalg.norm(vertices[:, None] - mesh.vertices, axis=2)  # (v, v)
    same = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 2 / 12 / PARTS and sorted(same) == list(range(len(same)))
    assert _turned(same[np.array(made["index"])].reshape(-1, 3)) == _turned(mesh.faces)
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    assert (unit * vertex_normals(mesh)[same]).sum(axis=1).min() > 0.99


def _turned(faces: np.ndarray) -> set[tuple[int, ...]]:
    """Triangles, each from its smallest corner on."""
    return {min((a, b, c), (b, c, a), (c, a, b)) for a, b, c in faces.tolist()}


def test_a_bundle_opens_from_the_disk(shown, tiny_space_folder, tiny_zoo_folder, tmp_path):
    loaded = bundles.open_both_at(tiny_space_folder, tiny_zoo_folder)
    held = bundles.gathered(loaded, BundleOrder([(0, 1), (2, 3)], steps=5, map="pca"))
    c, d = loaded.names[2:4]
    (tmp_path / "one.html").write_bytes(writing.bundle_file(held, "one").content)
    with zipfile.ZipFile(io.BytesIO(writing.bundle_file(held, "two", ".zip").content)) as files:
        files.extractall(tmp_path)

    shown.goto((tmp_path / "one.html").as_uri())
    wait(shown, "viewer", "d.frames === '10' && d.frame === '2' && Number(d.triangles) > 0")
    slider = shown.get_by_role("slider")
    box = slider.bounding_box()
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 1, box["y"] + box["height"] / 2)
    wait(shown, "viewer", "d.frame === '0' && d.messages === '0'")
    shown.mouse.up()
    shown.wait_for_url("**gamma=0&**")
    shown.keyboard.press("ArrowRight")
    shown.wait_for_url("**gamma=0.25&**")
    assert shown.locator(".numbers b").first.inner_text() != "–"

    shown.get_by_role("tab", name="Map").click()
    wait(shown, "zoo-map", "Number(d.count) === 6")
    shown.get_by_role("searchbox").fill(d)
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("heading", name=d)).to_be_visible()
    shown.wait_for_url(f"**network={d}**")

    link = f"#path={c}%3A{d}&gamma=0.75&method=weights&camera=1+0.2+4"  # a link into the unpacked folder
    shown.goto((tmp_path / "two" / "index.html").as_uri() + link)
    wait(shown, "viewer", "d.frames === '10' && d.frame === '3' && d.camera === '1.0000 0.2000 4.0000'")
    expect(shown.locator(".chosen .name")).to_have_text("raw weights")
    shown.evaluate("location.hash = '#path=nobody:else'")
    expect(shown.get_by_role("status")).to_have_text("This file holds no path nobody:else.")
    assert {url.rsplit("/", 1)[1] for url in shown.asked if url.endswith(".js")} >= {"path-1.js"}


def test_a_bundle_shows_the_frame_that_the_app_shows(page, shown, tmp_path):
    """The app shows a mesh of twice as many cells at rest; the pictures differ by less than 2 % all the same."""
    chairs = ROOT / "assets" / "chairs"
    loaded = bundles.open_both_at(chairs / "space-prep", chairs / "zoo")
    a, b = (loaded.names.index(name) for name in ("chair-0086", "chair-0120"))
    held = bundles.gathered(loaded, BundleOrder([(a, b)], ["latent", "weights"], steps=3, map="none"))
    (tmp_path / "one.html").write_bytes(writing.bundle_file(held, "one").content)
    page.goto("/shapes?a=chair-0086&b=chair-0120&gamma=0.5")
    browsing.wait(page, "d.frame === '16' && d.triangles.split(' ').some(Number) && d.waiting !== '1'")
    browsing.rest(page)
    in_app = page.locator("canvas.scene")
    shown.goto((tmp_path / "one.html").as_uri())
    for _ in range(3):  # as wide as in the app
        wait(shown, "viewer", "d.frames === '6' && d.frame === '1' && d.triangles.split(' ').some(Number)")
        wider = in_app.bounding_box()["width"] - shown.locator("canvas.scene").bounding_box()["width"]
        if abs(wider) < 1:
            break
        shown.set_viewport_size({"width": round(shown.viewport_size["width"] + wider), "height": 800})
    pictures = [_pixels(one.locator("canvas.scene")) for one in (page, shown)]
    height, width = (min(one.shape[axis] for one in pictures) for axis in (0, 1))
    mine, its = (one[:height, :width] for one in pictures)
    assert np.ptp(mine) > 100, "something is shown"
    assert np.abs(mine - its).mean() / 255 < 0.02
    assert np.abs(mine - np.roll(its, width // 4, axis=1)).mean() / 255 > 0.02, "the test tells chairs from none"


def _pixels(canvas) -> np.ndarray:
    """What is seen of a canvas, (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")).astype(float)
