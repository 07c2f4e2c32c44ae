"""Scorecards and audits as tables, in Markdown and in LaTeX (booktabs), from the JSON that they are kept as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DASH = "–"


class TextTable(NamedTuple):
    """A table of texts."""

    caption: str
    headings: Sequence[str]
    groups: Sequence[Sequence[Sequence[str]]]
    """rows of cells, in groups between which a line is drawn"""
    below: Sequence[str]
    """sentences that explain it"""


def spread_words(spread: Mapping[str, Any] | None) -> str:
    """Return "median [first quartile, third quartile]" with 3 digits, and how often the measure was not defined."""
    if spread is None:
        return DASH
    median, q1, q3 = (DASH if spread[name] is None else f"{spread[name]:.3g}" for name in ("median", "q1", "q3"))
    undefined = f" ({spread['undefined']} undefined)" if spread["undefined"] else ""
    return f"{median} [{q1}, {q3}]{undefined}"


def column_words(columns: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what each column is, in a sentence that begins with its heading."""
    better = {"higher": " Higher is better.", "lower": " Lower is better.", "": ""}
    return [f"{one['title']}: {one['words']}{better[one['better']]}" for one in columns]


def score_table(card: Mapping[str, Any]) -> TextTable:
    """Return a scorecard as a table, a row per kind of pair and method."""
    columns, splits, methods = card["columns"], card["splits"], card["methods"]
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for part in card["summary"]:
        paths = f"{part['pairs'] - part['without_path']} of {part['pairs']}"
        paths += f" ({part['different_pairs']} different)" if part["different_pairs"] < part["pairs"] else ""
        cells = [spread_words(part["measures"].get(one["name"])) for one in columns]
        head = [f"{splits[part['split']]}, {part['kind']}", methods[part["method"]], paths]
        groups.setdefault((part["split"], part["kind"]), []).append(head + cells)
    seeds, pairs = card["settings"]["seeds"], card["settings"]["pairs"]
    caption = f"{card['space']['folder']} on {card['zoo']['folder']}: median [quartiles] over pairs of networks"
    whys = dict.fromkeys(why for part in card["summary"] for why in part["why"])
    below = [
        f"Pairs of each kind: {pairs} for each of the seeds {', '.join(map(str, seeds))}; steps: "
        f"{card['settings']['steps']}; all methods on the same pairs. What is not defined counts as the worst.",
        *([f"Measured on {card['data']}."] if card["data"] else []),
        *column_words(columns), *card["notes"], *(f"Without a path: {why}" for why in whys),
    ]  # fmt: skip
    return TextTable(
        caption, ["pairs", "method", "paths", *(one["title"] for one in columns)], [*groups.values()], below
    )


def audit_table(found: Mapping[str, Any]) -> TextTable:
    """Return an audit as a table, a row per source of networks."""
    likeness, *qualities = found["columns"]
    groups: dict[str, list[list[str]]] = {}
    for part in found["sources"]:
        spreads = [spread_words(part["likeness"]), *(spread_words(part["qualities"].get(q["name"])) for q in qualities)]
        origin = DASH if part["nearest_is_origin"] is None else f"{part['nearest_is_origin']:.0%}"
        rival = f"{part['rival']}: {part['beaten']:.0%}, {part['beats']:.0%}" if part["rival"] else DASH
        groups.setdefault(part["role"], []).append([part["source"], str(part["count"]), *spreads, origin, rival])
    newer = {"higher": "Higher is newer.", "lower": "Lower is newer."}[likeness["better"]]
    below = [
        *([f"Measured on {found['data']}."] if found["data"] else []),
        f"{likeness['title']}: {likeness['words']} {newer}", *column_words(qualities),
        "nearest is origin: share of networks whose nearest training network is one that they were made of.",
        "rival: the baseline that beats these most often; in so many pairs of networks it is as new and as good, and "
        "more so in one respect; in so many it is the other way round.",
        *found["notes"],
    ]  # fmt: skip
    caption = f"{found['space']['folder']} on {found['zoo']['folder']}: memorisation, median [quartiles]"
    headings = ["networks", "count", likeness["title"], *(q["title"] for q in qualities), "nearest is origin", "rival"]
    return TextTable(caption, headings, [*groups.values()], below)


def symmetry_table(found: Mapping[str, Any]) -> TextTable:
    """Return a symmetry audit as a table, a row per split."""
    columns, rows = found["columns"], []
    for part in found["summary"]:
        spreads = [spread_words(part["measures"][column["name"]]) for column in columns]
        rows.append([found["splits"][part["split"]], str(part["count"]), *spreads])
    below = [
        f"{found['settings']['copies']} functionally equal copies of each network.",
        *([f"Measured on {found['data']}."] if found["data"] else []), *column_words(columns), *found["notes"],
    ]  # fmt: skip
    caption = f"{found['space']['folder']} on {found['zoo']['folder']}: symmetry, median [quartiles] over networks"
    return TextTable(caption, ["networks", "count", *(c["title"] for c in columns)], [rows], below)


def markdown(table: TextTable, command: str = "") -> str:
    """Return a table as Markdown, with its sentences and the command that made it."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    rows = [line(row) for group in table.groups for row in group]
    head = [line(table.headings), line(["---"] * len(table.headings))]
    made = ["", f"Made by `{command}`."] if command else []
    return "\n".join([f"**{table.caption}**", "", *head, *rows, "", *(f"- {each}" for each in table.below), *made, ""])


def latex(table: TextTable, command: str = "") -> str:
    """Return a table as LaTeX, as wide as the text; it needs the packages booktabs and graphicx."""

    def line(cells: Sequence[str]) -> str:
        return "  " + " & ".join(map(latex_text, cells)) + r" \\"

    body = "\n  \\midrule\n".join("\n".join(map(line, group)) for group in table.groups)
    made = [f"% made by: {' '.join(command.split())}"] if command else []
    return "\n".join([
        *made, r"\begin{table}", r"  \centering", f"  \\caption{{{latex_text(table.caption)}. "
        f"{latex_text(' '.join(table.below))}}}", r"  \resizebox{\textwidth}{!}{%",
        f"  \\begin{{tabular}}{{{'l' * len(table.headings)}}}", r"  \toprule", line(table.headings), r"  \midrule",
        body, r"  \bottomrule", r"  \end{tabular}}", r"\end{table}", "",
    ])  # fmt: skip


ESCAPED = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", DASH: "--", "|": r"\textbar{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
} | {letter: f"\\{letter}" for letter in "&%$#_{}"}  # fmt: skip


def latex_text(text: str) -> str:
    """Return a text with LaTeX's special characters escaped."""
    return "".join(ESCAPED.get(letter, letter) for letter in text)
