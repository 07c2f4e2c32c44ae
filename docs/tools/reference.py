"""Pages that are written from the program: its command line, its public names, its formats and the cards of assets."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


# -- command line --------------------------------------------------------------------------------------------------


def command_line() -> str:
    """Return every command with its options, from the parsers."""
    from netspace.cli.registry import named_parsers

    parsers = named_parsers()
    lines = ["| command | what it does |", "| --- | --- |"]
    for name, parser in parsers.items():
        lines.append(f"| [{name}](#{name.replace(' ', '-')}) | {_summary(parser)} |")
    for name, parser in parsers.items():
        lines += ["", f"## {name}", "", *_described(parser), "", *_options(parser)]
    return "\n".join(lines) + "\n"


def _summary(parser: argparse.ArgumentParser) -> str:
    return " ".join((parser.description or "").strip().split("\n\n")[0].split())


def _described(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The docstring of a command: its paragraphs, and its examples as code."""
    words, _, examples = (parser.description or "").strip().partition("\nExample")
    yield words.strip()
    if examples:
        lines = examples.partition("\n")[2].rstrip().splitlines()
        yield "\n```bash\n" + "\n".join(line.removeprefix("    ") for line in lines) + "\n```"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| option | default | meaning |"
    yield "| --- | --- | --- |"
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            yield f"| {_named(action)} | {_default(action)} | {_meaning(action, parser)} |"


def _named(action: argparse.Action) -> str:
    name = f"`{', '.join(action.option_strings) or action.metavar or action.dest}`"
    values = action.metavar if isinstance(action.metavar, str) else "" if action.nargs == 0 else action.dest.upper()
    if action.choices:
        return name
    return name if not action.option_strings or not values else f"{name} {values.replace('_', '-')}"


def _default(action: argparse.Action) -> str:
    if action.required and action.nargs not in ("*", "?"):
        return "*required*"
    empty = action.default in (None, argparse.SUPPRESS, "", False) or action.default == []
    return "" if empty else f"`{action.default}`"


def _meaning(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    words = (action.help or "") % {**vars(action), "prog": parser.prog} if action.help else ""
    choices = "; one of " + ", ".join(f"`{choice}`" for choice in action.choices) if action.choices else ""
    return (words + choices).removeprefix("; ").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


# -- Python --------------------------------------------------------------------------------------------------------


def python() -> str:
    """Return the legend of letters, and an entry for mkdocstrings per public name."""
    legend = import_module("netspace").__doc__.partition("library:\n")[2].partition("\n\n")[0]
    lines = ["```text", *(line.removeprefix("    ") for line in legend.splitlines()), "```"]
    seen: dict[str, str] = {}
    for package in packages():
        new, old = [], []
        for name in sorted(import_module(package).__all__, key=str.lower):
            full = defined_as(package, name)
            (old if full in seen else new).append((name, full))
            seen.setdefault(full, name)
        lines += ["", f"## {package}", "", _first_line(package)]
        lines += [f"\n::: {full}" if _alone(full) else _constant(package, name) for name, full in new]
        if old:
            lines += ["", "Also: " + ", ".join(f"[`{name}`][{full}]" for name, full in old) + "."]
    return "\n".join(lines) + "\n"


def _alone(full: str) -> bool:
    """Whether a name is defined by a statement of its own, which mkdocstrings finds."""
    module, _, name = full.rpartition(".")
    path = ROOT.joinpath(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    several = [node for node in tree.body if isinstance(node, ast.Assign) and len(list(_targets(node))) > 1]
    return name not in {target for node in several for target in _targets(node)}


def _targets(node: ast.Assign) -> Iterator[str]:
    return (leaf.id for target in node.targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))


def _constant(package: str, name: str) -> str:
    return f"\n### `{name}`\n\n```python\n{name} = {getattr(import_module(package), name)!r}\n```"


def packages() -> list[str]:
    """Return netspace and its packages that export names."""
    below = sorted(path.parent.name for path in (ROOT / "netspace").glob("*/__init__.py"))
    found = ["netspace", *(f"netspace.{name}" for name in below)]
    return [name for name in found if getattr(import_module(name), "__all__", ())]


def _first_line(package: str) -> str:
    return (import_module(package).__doc__ or "").strip().splitlines()[0]


def defined_as(package: str, name: str) -> str:
    """Return the full name of what a package exports, where it is defined."""
    path = ROOT.joinpath(*package.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and any((one.asname or one.name) == name for one in node.names):
            parts = package.split(".") if path.is_dir() else package.split(".")[:-1]
            base = parts[: len(parts) - node.level + 1]
            return defined_as(".".join([*base, *filter(None, [node.module])]), name)
    return f"{package}.{name}"


# -- formats and cards ---------------------------------------------------------------------------------------------


def formats() -> str:
    """Return the table of format versions, from `netspace.io.FORMATS`."""
    from netspace.io import FORMATS

    rows = [f"| {what} | {newest} | {_read(newest)} |" for what, newest in FORMATS.items()]
    return "\n".join(["| format | version written | versions read |", "| --- | --: | --- |", *rows])


def _read(newest: int) -> str:
    return "1" if newest == 1 else f"1 to {newest}"


def cards() -> str:
    """Return a list of the cards of the assets."""
    lines = []
    for path in sorted((ROOT / "assets").rglob("README.md")):
        folder, title = path.parent.relative_to(ROOT).as_posix(), path.read_text().splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}](../../{folder}/README.md) (`{folder}`)")
    return "\n".join(lines)


PARTS = {"command_line": command_line, "python": python, "formats": formats, "cards": cards}
"""what `<!-- generated: NAME -->` in a page stands for"""
