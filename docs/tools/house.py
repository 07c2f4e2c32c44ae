"""The house: packages of the library and the app on floors, drawn as SVG from what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Graph = dict[str, set[str]]
BOX, FLOOR, GAP, LETTER, MARGIN = 30, 56, 14, 7.6, 12
"""pixels: height of a box and of a floor, space between boxes, width of a letter, and around all"""
NARROWEST = 660
"""pixels: leaves room beside the boxes for what the ground says"""
TOGETHER = {"tasks": "backend + tasks", "backend": "backend + tasks"}
"""packages of the app on one floor that import each other"""


def imports_of(root: str) -> Graph:
    """Return which parts of `root` (netspace or app) import which others of it; a part is a package or a module."""
    graph: Graph = {}
    for path in sorted((ROOT / root).rglob("*.py")):
        part = _part(path.relative_to(ROOT / root).with_suffix("").parts[0], root)
        if part != "__init__":
            graph.setdefault(part, set()).update(_named(part, root) for part in _imported(path, root))
    return {part: {other for other in used if other in graph} - {part} for part, used in graph.items()}


def _part(name: str, root: str) -> str:
    return TOGETHER.get(name, name) if root == "app" else name


_named = _part


def _imported(path: Path, root: str) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith(f"{root}."))


def floors(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the parts by floor, the lowest first; ValueError if imports go round in a circle."""
    level: dict[str, int] = {}
    while len(level) < len(graph):
        ready = [part for part, used in graph.items() if part not in level and used <= level.keys()]
        if not ready:
            raise ValueError(f"imports go round in a circle: {sorted(graph.keys() - level.keys())}")
        for part in ready:
            level[part] = max((level[other] + 1 for other in graph[part]), default=0)
    return [sorted(p for p, found in level.items() if found == k) for k in range(max(level.values()) + 1)]


def direct(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others."""

    def below(part: str) -> set[str]:
        return graph[part].union(*(below(other) for other in graph[part]))

    return [
        (part, other)
        for part, used in graph.items()
        for other in sorted(used)
        if not any(other in below(between) for between in used - {other})
    ]


def draw() -> str:
    """Return the house as an SVG element that takes its colors from the page."""
    app = imports_of("app")
    app["pages"] = set(app) - {"Home", "session", "warming"}
    app = {f"app/{part}" if part != "pages" else part: {f"app/{o}" for o in used} for part, used in app.items()}
    library = imports_of("netspace")
    library.pop("__main__", None)
    upper, lower = floors(app), floors(library)
    rows = [*lower, *upper]
    places, width = _places(rows)
    height = len(rows) * FLOOR + 2 * MARGIN
    ground = height - MARGIN - len(lower) * FLOOR
    size = f'style="max-width: {width:.0f}px" viewBox="0 0 {width:.0f} {height}"'
    parts = [f'<svg class="house" {size} role="img">', "<title>Packages of the app and the library, on floors</title>"]
    parts += [_line(places[a], places[b]) for graph in (library, app) for a, b in direct(graph)]
    parts.append(f'<path class="ground" d="M0 {ground} H{width:.0f}"/>')
    for y, words in ((ground - 6, "the app, on the public names of"), (ground + 16, "the library netspace")):
        parts.append(f'<text class="side" x="{width - 4:.0f}" y="{y}" text-anchor="end">{words}</text>')
    parts += [_box(name, *place) for name, place in places.items()]
    return "\n".join([*parts, "</svg>"])


def _places(rows: list[list[str]]) -> tuple[dict[str, tuple[float, float, float]], float]:
    """Left edge, top edge and width of every box, and the width of all."""
    widths = {name: len(name) * LETTER + 20 for row in rows for name in row}
    lengths = [sum(widths[name] for name in row) + GAP * (len(row) - 1) for row in rows]
    whole = max(NARROWEST, *lengths) + 2 * MARGIN
    places = {}
    for k, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        x, y = (whole - length) / 2, MARGIN + (len(rows) - 1 - k) * FLOOR + (FLOOR - BOX) / 2
        for name in row:
            places[name] = (x, y, widths[name])
            x += widths[name] + GAP
    return places, whole


def _box(name: str, x: float, y: float, width: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BOX}" rx="4"/>'
        f'<text x="{x + width / 2:.1f}" y="{y + 20:.1f}" text-anchor="middle">{name}</text>'
    )


def _line(upper: tuple[float, float, float], lower: tuple[float, float, float]) -> str:
    x1, y1, x2, y2 = upper[0] + upper[2] / 2, upper[1] + BOX, lower[0] + lower[2] / 2, lower[1]
    bend = (y2 - y1) / 2
    return f'<path d="M{x1:.1f} {y1:.1f} C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"/>'
