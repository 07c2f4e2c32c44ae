"""Scorecards and audits of a space, found by its content wherever they lie, as tables and figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from netspace.errors import FormatError
from netspace.export.score_tables import TextTable, audit_table, markdown, score_table, spread_words, symmetry_table
from netspace.io import check_format, check_types, find_files, read_json
from netspace.jobs import Command
from netspace.latent.embeddings import space_content
from netspace.latent.paths import METHODS

from . import catalogue
from .caches import cached_value
from .catalogue import Loaded
from .take_away import both_folders
from .visitors import seen_data
from .words import plain

KINDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], TextTable]]] = {
    "score": ("Every method on the same pairs", score_table),
    "audit": ("Is it new, or one of the training networks?", audit_table),
    "symmetry": ("Networks that do the same, with their hidden units permuted", symmetry_table),
}
"""kind of report, which is also the command that makes it: what stands above it, and how its table is made"""
UNKNOWN_METHOD = ("#64748B", "circle")
SHOWN_FIRST = ("middle", "volume_drift", "variation")
"""measures that tell most: what a path is worth half-way, or what it loses of a shape on its way"""
BETWEEN_MARKS = 0.14
"""between the marks of two methods; kinds of pair are 1 apart"""


@dataclass(frozen=True)
class Report:
    """A scorecard or an audit of the space."""

    kind: str
    title: str
    folder: str
    """where it lies, below the folder that it was found in"""
    table: str
    """as Markdown"""
    cells: pd.DataFrame
    """the same table, for those that are wider than a page"""
    explained: list[str]
    """sentences below it, as Markdown"""
    command: str
    card: Mapping[str, Any]
    """as it was read"""

    @property
    def measures(self) -> dict[str, str]:
        """What can be drawn of it, by name: titles."""
        titles = {c["name"]: c["title"] for c in self.card["columns"]} if self.kind == "score" else {}
        return {name: titles[name] for name in sorted(titles, key=lambda name: name not in SHOWN_FIRST)}


def reports(loaded: Loaded) -> tuple[list[Report], list[str]]:
    """Return the reports of the space that is loaded, in the order of KINDS, and what is wrong with others."""
    found, problems = [], []
    for root in catalogue.roots():
        for path in find_files(root, 3, *(f"{kind}.json" for kind in KINDS)):
            try:
                report = read_report(path, loaded, path.parent.relative_to(root).as_posix())
                found += [report] if report else []
            except FormatError as error:
                problems.append(str(error))
    return sorted(found, key=lambda report: list(KINDS).index(report.kind)), problems


def read_report(path: Path, loaded: Loaded, folder: str) -> Report | None:
    """Return a report, a file whose name says its kind; None if it is of another space.

    Raises:
        FormatError: it cannot be shown; the sentence names the file.
    """
    kind = path.stem
    try:
        card = read_json(path)
        check_types(card, path, {"space": dict, "command": str, "columns": list})
        if card["space"].get("content") != content_of(loaded):
            return None
        check_format(card, kind, path)
        report = _report(kind, folder, KINDS[kind][1](card), card)
        for name in report.measures:
            figure(report, name), measure_table(report, name)  # what is not whole is told here
        return report
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError):
        raise FormatError(f"{path} is no {kind} that can be shown") from None


def content_of(loaded: Loaded) -> str:
    """Return the content hash of the space that is loaded."""
    return _content(loaded.key, loaded)


@cached_value(max_entries=16)
def _content(key: str, _loaded: Loaded) -> str:
    return space_content(_loaded.space)


def _report(kind: str, folder: str, table: TextTable, card: Mapping[str, Any]) -> Report:
    groups = [[[plain(cell) for cell in row] for row in group] for group in table.groups]
    shown = TextTable("", [plain(heading) for heading in table.headings], groups, [])
    below = [plain(words) for words in table.below]
    cells = pd.DataFrame([row for group in table.groups for row in group], columns=_different(table.headings))
    return Report(kind, KINDS[kind][0], folder, _rows(shown), seen_data(cells), below, card["command"], card)


def _rows(table: TextTable) -> str:
    """The table alone, as Markdown."""
    return "\n".join(line for line in markdown(table).splitlines() if line.startswith("|"))


def _different(headings: Sequence[str]) -> list[str]:
    """Headings of which no two are equal."""
    return [f"{heading}{' ' * headings[:k].count(heading)}" for k, heading in enumerate(headings)]


def measure_table(report: Report, measure: str) -> str:
    """Return one measure of a scorecard as Markdown: a row per kind of pair, a column per method that has a path."""
    card, rows, methods = report.card, [], _leading(report.card)
    spreads = {(p["split"], p["kind"], p["method"]): p["measures"].get(measure) for p in card["summary"]}
    for split, kind in dict.fromkeys((split, kind) for split, kind, _ in spreads):
        of_methods = (spread_words(spreads.get((split, kind, method))) for method in methods)
        rows.append([f"{card['splits'][split]}, {kind}", *of_methods])
    headings = ["pairs", *(card["methods"][method] for method in methods)]
    escaped = [[plain(cell) for cell in row] for row in rows]
    return _rows(TextTable("", [plain(heading) for heading in headings], [escaped], []))


def _leading(card: Mapping[str, Any]) -> list[str]:
    """The methods that lead from one network to another for at least one pair."""
    leading = {part["method"] for part in card["summary"] if part["pairs"] > part["without_path"]}
    return [method for method in card["methods"] if method in leading]


def commands(loaded: Loaded) -> str:
    """Return the commands that make all of them."""
    return "\n".join(Command(kind, both_folders(loaded), out=Path("runs") / kind).line for kind in KINDS)


def figure(report: Report, measure: str) -> go.Figure:
    """Return medians with quartiles of a measure, by kind of pair and method."""
    card, drawn = report.card, go.Figure()
    kinds = list(dict.fromkeys((part["split"], part["kind"]) for part in card["summary"]))
    methods = _leading(card)
    for k, method in enumerate(methods):
        known = {(p["split"], p["kind"]): p["measures"].get(measure) for p in card["summary"] if p["method"] == method}
        colour, mark = _method_look(method)
        places = [kind for kind in kinds if known.get(kind) and known[kind]["median"] is not None]
        middle = [known[kind]["median"] for kind in places]
        drawn.add_scatter(
            x=[kinds.index(kind) + (k - (len(methods) - 1) / 2) * BETWEEN_MARKS for kind in places], y=middle,
            error_y={
                "symmetric": False, "array": [_gap(known[kind], "q3") for kind in places],
                "arrayminus": [_gap(known[kind], "q1") for kind in places],
            },
            mode="markers", name=_text(card["methods"][method]), hovertemplate="%{y:.4g}",
            marker={"color": colour, "symbol": {"triangle": "triangle-up"}.get(mark, mark), "size": 8},
        )  # fmt: skip
    labels = [_text(f"{card['splits'][split]}<br>{kind}").replace("&lt;br>", "<br>") for split, kind in kinds]
    drawn.update_layout(
        height=340, margin={"l": 0, "r": 8, "t": 30, "b": 0}, uirevision=measure,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        xaxis={"tickvals": list(range(len(kinds))), "ticktext": labels, "range": [-0.5, len(kinds) - 0.5]},
        yaxis={"title": _text(report.measures[measure])},
    )  # fmt: skip
    return drawn


def _method_look(name: str) -> tuple[str, str]:
    """Colour and mark of a method, which may be one that this program does not know."""
    return (METHODS[name].look.colour, METHODS[name].look.mark) if name in METHODS else UNKNOWN_METHOD


def _gap(spread: Mapping[str, Any], quartile: str) -> float:
    """How far a quartile is from the median; 0 if it is not defined."""
    value = spread[quartile]
    return 0.0 if value is None or not math.isfinite(value) else abs(value - spread["median"])


def _text(words: str) -> str:
    """Words from a file for plotly, which reads some HTML in names."""
    return words.replace("&", "&amp;").replace("<", "&lt;")


def shown_report(report: Report) -> dict[str, Any]:
    """Return a report as a bundle shows it: its table as texts, and what its figures are drawn from."""
    card, table = report.card, KINDS[report.kind][1](report.card)
    found: dict[str, Any] = {
        "kind": report.kind, "title": report.title, "headings": list(table.headings),
        "groups": [[list(row) for row in group] for group in table.groups], "below": list(table.below),
        "command": report.command, "figure": None,
    }  # fmt: skip
    if report.measures:
        methods = []
        for name, title in card["methods"].items():
            colour, mark = _method_look(name)
            methods.append({"name": name, "title": title, "colour": colour, "mark": mark})
        kinds = list(dict.fromkeys((part["split"], part["kind"]) for part in card["summary"]))
        spreads = [
            {"pairs": kinds.index((p["split"], p["kind"])), "method": p["method"], "measures": p["measures"]}
            for p in card["summary"]
        ]
        pairs = [f"{card['splits'][split]}, {kind}" for split, kind in kinds]
        found["figure"] = {"measures": report.measures, "methods": methods, "pairs": pairs, "spreads": spreads}
    return seen_data(found)
