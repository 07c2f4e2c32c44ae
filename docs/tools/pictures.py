"""python docs/tools/pictures.py [NAME ...] [--app]: make the pictures of README and of the documentation again.

Each picture of PICTURES is written by a command of the product, run on the assets that ship; --app also takes the
screenshots of SCREENSHOTS, in a headless Chromium. All of them go to docs/pictures/ and are committed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
CHAIRS = ("--space", "assets/chairs/space-probe", "--zoo", "assets/chairs/zoo")
DIGITS = ("--space", "assets/digits/space", "--zoo", "assets/digits/zoo")
FIELDS = ("--space", "assets/digits-images/space", "--zoo", "assets/digits-images/zoo")
DRAG = ("interpolate", *CHAIRS, "--a", "chair-0086", "--b", "chair-0120", "--resolution", "64", "--steps", "17")
FILM = ("--export", "gif", "--fps", "12")

COMMANDS = {
    "drag-latent.gif": ("path.gif", [*DRAG, *FILM]),
    "drag-weights.gif": ("path.gif", [*DRAG, *FILM, "--method", "weights"]),
    "drag-aligned.gif": ("path.gif", [*DRAG, *FILM, "--method", "aligned"]),
    "classifiers.gif": (
        "path.gif",
        ["interpolate", *DIGITS, "--a", "resnet8-001", "--b", "resnet8-079", "--steps", "17", *FILM],
    ),
    "direction.png": (
        "path.png",
        ["path", *CHAIRS, "--direction", "seat_height", "--a", "chair-0086", "--steps", "7", "--resolution", "64"],
    ),
    "fields.png": ("path.png", ["path", *FIELDS, "--a", "digit-0000", "--b", "digit-0007", "--steps", "9"]),
    "map.png": ("map.png", ["embed", *CHAIRS, "--map", "umap", "--figure", "{out}/map.png", "--colour", "seat_height"]),
}
"""by name of the picture: the file to keep of what a command writes, and the command; `{out}` is a temporary folder"""

SCREENSHOTS = {
    "app-map.png": ("/zoo_map", "zoo-map", "Number(d.count) > 200"),
    "app-shapes.png": ("/shapes", "viewer", "Number(d.frames) > 60"),
    "app-classifiers.png": ("/classifiers", "classifier", "Number(d.full) > 60"),
    "app-optimise.png": ("/optimise", "optimise", "true"),
}
"""by name of the picture: the page of the app, its view, and what the view's data say once it is worth a picture"""
FIND = """([name, ready]) => {
  const find = (root) => { for (const el of root.querySelectorAll("*")) {
    if (el.classList.contains(name)) return el;
    if (el.shadowRoot) { const inner = find(el.shadowRoot); if (inner) return inner; } } };
  const d = find(document)?.dataset; return d && new Function("d", `return ${ready}`)(d); }"""
PATIENCE = 900
"""seconds that a view may take"""


def make(name: str) -> None:
    """Run the command of a picture and keep its file."""
    from netspace.cli.main import main as netspace_command

    file, words = COMMANDS[name]
    with tempfile.TemporaryDirectory() as folder:
        out = "{out}/embeddings.parquet" if words[0] == "embed" else "{out}/path"
        words = [word.format(out=folder) for word in [*words, "--out", out]]
        if netspace_command(words):
            raise SystemExit(f"{name} was not made")
        (found,) = Path(folder).rglob(file)
        shutil.copy(found, PICTURES / name)


def photograph(names: list[str]) -> None:
    """Take screenshots of pages of the app once they have nothing more to draw."""
    from playwright.sync_api import sync_playwright

    from benchmarks.browser import launch, served

    with sync_playwright() as play, served() as (address, _):
        browser = launch(play)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(PATIENCE * 1000)
        for name in names:
            where, view, ready = SCREENSHOTS[name]
            page.goto(address + where)
            page.wait_for_function(FIND, arg=[view, ready])
            page.wait_for_timeout(3000)  # what was sent is drawn
            page.screenshot(path=PICTURES / name)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*COMMANDS, *SCREENSHOTS, []], help="pictures; default: all")
    parser.add_argument("--app", action="store_true", help="also the screenshots of the app")
    args = parser.parse_args()
    for name in args.names or COMMANDS:
        if name in COMMANDS:
            make(name)
    shots = [name for name in args.names or SCREENSHOTS if name in SCREENSHOTS]
    if shots and (args.app or args.names):
        photograph(shots)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
