"""Tutorials: Python files in cells (`# %%`, `# %% [markdown]`), as pages with their outputs and as Jupyter notebooks.

The files are plain scripts, so an editor, a diff and a linter read them; Jupytext, VS Code and Spyder open them as
notebooks. `run` executes one in this process, so that torch is imported once for all.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from itertools import repeat
from pathlib import Path
from pprint import pformat
from typing import Any, NamedTuple

MARK, WORDS = "# %%", "# %% [markdown]"


class Cell(NamedTuple):
    """A part of a tutorial."""

    text: str
    is_code: bool


class Output(NamedTuple):
    """What a cell printed and showed."""

    text: str
    html: str
    pictures: list[bytes]
    """PNG files"""


NOTHING = Output("", "", [])


def cells_of(source: str) -> list[Cell]:
    """Split the source of a tutorial into its cells; ValueError if it does not begin with one."""
    found: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        if line.startswith(MARK):
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise ValueError(f"a tutorial begins with a cell, got {line!r}")
    return [Cell(_words(lines) if mark == WORDS else "\n".join(lines).strip(), mark != WORDS) for mark, lines in found]


def _words(lines: list[str]) -> str:
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines).strip()


def notebook(cells: list[Cell]) -> str:
    """Return the cells as a Jupyter notebook without outputs."""
    made = []
    for k, cell in enumerate(cells):
        kind: dict[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": []}
        made.append(
            (kind if cell.is_code else {"cell_type": "markdown"})
            | {"id": f"cell-{k}", "metadata": {}, "source": cell.text.splitlines(keepends=True)}
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(about, indent=1) + "\n"


def run(cells: list[Cell], name: str) -> Iterator[Output]:
    """Execute the cells in an empty folder; yield what each of the code cells shows, as a notebook does."""
    os.environ.setdefault("MPLBACKEND", "agg")
    names: dict[str, Any] = {"__name__": name}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for cell in cells:
            if cell.is_code:
                printed = io.StringIO()
                with redirect_stdout(printed):
                    shown = _execute(cell.text, names, name)
                text, html, pictures = _shown(shown)
                yield Output("\n".join(filter(None, [printed.getvalue().rstrip(), text])), html, pictures)


def _execute(code: str, names: dict[str, Any], name: str) -> Any:
    """Run a cell and return the value of its last line, if that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    return eval(compile(ast.Expression(last.value), name, "eval"), names) if last else None


def _shown(value: Any) -> Output:
    """A value as text or as HTML, and pictures: of an image, and of all figures that are open."""
    import matplotlib.pyplot as plt

    pictures, html, text = [], "", ""
    if hasattr(value, "_repr_png_"):
        pictures.append(value._repr_png_())
    elif hasattr(value, "_repr_html_"):
        html = re.sub(r"<style.*?</style>| border=\"1\"", "", value._repr_html_(), flags=re.DOTALL)
    elif value is not None and not plt.get_fignums():
        text = pformat(value, width=100)
    for number in plt.get_fignums():
        picture = io.BytesIO()
        plt.figure(number).savefig(picture, format="png", dpi=110, bbox_inches="tight")
        pictures.append(picture.getvalue())
    plt.close("all")
    return Output(text, html, pictures)


def page(path: Path, execute: bool = True) -> tuple[str, dict[str, bytes]]:
    """Run a tutorial; return its page as Markdown, and the files that belong beside it by name."""
    cells = cells_of(path.read_text())
    shown = run(cells, path.name) if execute else repeat(NOTHING)
    files = {f"{path.stem}.ipynb": notebook(cells).encode()}
    parts = []
    for cell in cells:
        if not cell.is_code:
            parts.append(cell.text)
            continue
        output = next(shown)
        parts.append(f"```python\n{cell.text}\n```")
        if output.text:
            parts.append(f'```text title="Output"\n{output.text}\n```')
        if output.html:
            parts.append(f'<div class="md-typeset__table cell-output">{output.html}</div>')
        for picture in output.pictures:
            name = f"{path.stem}_{len(files)}.png"
            files[name] = picture
            parts.append(f"![What the cell above draws]({name})")
    offered = {f"{path.stem}.ipynb": "notebook", path.name: "script"}
    links = [f'<a href="{name}" download>{kind}</a>' for name, kind in offered.items()]
    get = f"*Download as {' or '.join(links)}. The outputs are those of this build.*"
    return "\n\n".join([parts[0], get, *parts[1:]]) + "\n", files
