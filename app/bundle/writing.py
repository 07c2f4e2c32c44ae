"""A bundle as a file: the page, the app's views and what they show, in one HTML file or in a zip of a folder.

In the file everything lies inside; in the folder the large parts are scripts beside the page, since a page that was
opened from a disk may load scripts and nothing else. A policy in the page forbids it any other request. The same
contents make the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import struct
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from app import frontend, palette
from app.backend.bundles import BUNDLE_MARK, BundleContents, BundledMap, BundledPath, gathered, pair_order, undated_zip
from app.backend.catalogue import Loaded
from app.backend.path import STEPS
from app.backend.visitors import is_visitor, working_for
from app.frontend import bundle as sources

MOST_IN_FILE = 30_000_000
"""of one HTML file; a larger bundle is a zip of a folder"""
PAGE = frontend.SOURCES.parent / "page"
VIDEO_WRITER = Path(frontend.__file__).parents[1] / "static" / "mediabunny.js"
"""with which the browser saves a path as a video; its licence, MPL 2.0, stands at its top"""
THEME = Path(frontend.__file__).parents[1] / ".streamlit" / "config.toml"
THEME_VARIABLES = {
    "textColor": "text-color", "backgroundColor": "background-color", "borderColor": "border-color",
    "secondaryBackgroundColor": "secondary-background-color", "primaryColor": "primary-color",
}  # fmt: skip
"""of Streamlit's settings: what views know them as, after --st-"""
FONT = '"Source Sans", "Source Sans 3", system-ui, sans-serif'
POLICY = "default-src 'none'; script-src 'unsafe-inline'{beside}; style-src 'unsafe-inline'; img-src blob: data:"


class BundleFile(NamedTuple):
    """A bundle as it is written."""

    suffix: str
    """.html or .zip"""
    content: bytes


def bundle_file(contents: BundleContents, name: str, suffix: str = "") -> BundleFile:
    """Return a bundle as one HTML file or, if that exceeds MOST_IN_FILE, as a zip of a folder.

    Args:
        name: of the folder.
        suffix: .zip asks for the folder, whatever the size.
    """
    parts = _parts(contents)
    inside = sum(map(len, parts.values())) < MOST_IN_FILE and suffix != ".zip"
    whole = _page(contents, parts if inside else None)
    if inside and len(whole) <= MOST_IN_FILE:
        return BundleFile(".html", whole)
    files = {f"{name}/index.html": _page(contents, None) if inside else whole}
    for part, text in parts.items():
        files[f"{name}/data/{part}.js"] = f"netspacePart({json.dumps(part)}, {json.dumps(text)});\n".encode()
    return BundleFile(".zip", undated_zip(files))


def pair_bundle(loaded: Loaded, pair: tuple[int, int]) -> Callable[[], bytes]:
    """Return what makes a bundle of one path with all that is at hand, for whoever asks now; it takes a while."""
    visitor = is_visitor()

    def make() -> bytes:
        with working_for(visitor):
            return bundle_file(gathered(*pair_order(loaded, pair, STEPS)), "bundle").content

    return make


# -- parts -----------------------------------------------------------------------------------------------------------


def _parts(contents: BundleContents) -> dict[str, str]:
    """The parts of a bundle by name, as base64 of gzip."""
    found = {f"path-{k}": _feeds(path.feeds) for k, path in enumerate(contents.paths)}
    if contents.paths:
        found["mediabunny"] = VIDEO_WRITER.read_bytes()
    if contents.map:
        found |= {
            "map": _feeds(contents.map.feeds),
            "looks": _feeds(content for _, _, content in contents.map.looks),
            "cards": json.dumps(contents.map.cards, separators=(",", ":")).encode(),
        }
    return {name: base64.b64encode(gzip.compress(part, 9, mtime=0)).decode() for name, part in found.items()}


def _feeds(feeds: Iterable[bytes]) -> bytes:
    """Feeds one after another, each after its length."""
    return b"".join(struct.pack("<I", len(content)) + content for content in feeds)


# -- the page --------------------------------------------------------------------------------------------------------


def _page(contents: BundleContents, parts: Mapping[str, str] | None) -> bytes:
    """The page, with its parts inside if they are given."""
    policy = POLICY.format(beside="" if parts is not None else " 'self' file:")
    views = {path.view for path in contents.paths} | ({"map"} if contents.map else set())
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        BUNDLE_MARK,
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(contents.title)}</title>",
        f"<style>\n{_theme()}{sources.style(PAGE / 'page.css')}</style>",
        *(_template(view) for view in sorted(views)),
        f'<script type="application/json" id="index">{in_script(_index(contents))}</script>',
        *(f'<script type="text/plain" id="part-{name}">{text}</script>' for name, text in (parts or {}).items()),
        f'<script type="module">\n{in_module(sources.script(PAGE / "page.js"))}</script>',
        "</html>",
    ]
    return "\n".join(lines).encode()


def in_script(value: Any) -> str:
    """Return JSON that no text in it can end the script of."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def in_module(text: str) -> str:
    """Return a script that no string in it can end."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _template(view: str) -> str:
    """A view's style sheet and page, of which every mounted one has a copy."""
    parts = frontend.component_parts(view)
    return f'<template id="view-{view}"><style>\n{parts["css"]}</style>\n{parts["html"]}</template>'


def _theme() -> str:
    """The colours of the app in either theme, which follow the reader's system until it is switched."""
    given = tomllib.loads(THEME.read_text())["theme"]

    def variables(kind: str) -> str:
        values = given | given[kind]
        colours = " ".join(f"--st-{name}: {values[key]};" for key, name in THEME_VARIABLES.items())
        return f"color-scheme: {kind}; {colours}"

    light, dark = variables("light"), variables("dark")
    return (
        f":root {{ --st-font: {FONT}; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f":root[data-theme=dark] {{ {dark} }}\n{palette.variables().replace(':host', ':root')}"
    )


def _index(contents: BundleContents) -> dict[str, Any]:
    """What the page reads first: all but the large parts."""
    return {
        "title": contents.title,
        "paths": [_told_path(k, path) for k, path in enumerate(contents.paths)],
        "map": contents.map and _told_map(contents.map),
        "reports": contents.reports,
        "made": contents.made,
    }


def _told_path(k: int, path: BundledPath) -> dict[str, Any]:
    data = frontend.PATH_DATA[path.view](f"path-{k}", path.data)
    names = {end: path.data["ends"][end]["name"] for end in "ab"}
    about = {"title": path.title, "view": path.view, "data": data, "part": f"path-{k}", "ends": path.ends}
    return about | names | {"commands": path.commands}


def _told_map(found: BundledMap) -> dict[str, Any]:
    looks: Sequence[dict[str, str]] = [{"title": title, "key": key} for title, key, _ in found.looks]
    return {"data": frontend.map_data("map", found.data), "looks": looks, "ways": found.ways}
