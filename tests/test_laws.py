"""Laws of the code that are cheap to keep: sizes, names that mean one thing, and no branches on the kind of network."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(p for part in ("netspace", "app", "pages") for p in (ROOT / part).rglob("*.py"))
LIBRARY = [p for p in SOURCES if p.relative_to(ROOT).parts[0] != "pages"]
"""Pages are scripts: their names are nobody else's."""
EACH = pytest.mark.parametrize("path", SOURCES, ids=lambda p: "-".join(p.relative_to(ROOT).with_suffix("").parts))

MOST_LINES, MOST_FUNCTION = 500, 80
MOST_SHARED_NAMES, MOST_BRANCHES = 7, 2
"""What there is today: to fall, to 25 and 8, and never to rise."""
TASKS = {"sdf", "classification", "image-field", "images"}
"""The kinds of network; "images" is what classifiers were called before they were a task."""
HOMES = ("netspace/tasks/", "app/tasks/")
"""What a kind of network is stands here."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@EACH
def test_no_module_and_no_function_is_long(path):
    lines = path.read_text().count("\n")
    assert lines <= MOST_LINES
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MOST_FUNCTION, node.name


def public_names(path: Path) -> set[str]:
    """Names that a module defines at its top level, without those that begin with an underscore."""
    found = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def test_a_name_means_one_thing():
    """Command modules share NAME, HELP, add_arguments and run, which is their interface: counted once."""
    homes = defaultdict(set)
    for path in LIBRARY:
        for name in public_names(path):
            homes[name].add(str(path.relative_to(ROOT)))
    shared = {name: sorted(where) for name, where in homes.items() if len(where) > 1}
    assert len(shared) <= MOST_SHARED_NAMES, shared


def branches(path: Path) -> list[int]:
    """Lines where something depends on the kind of network by its name: a comparison, or a key of a table."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        else:
            continue
        words = {leaf.value for part in parts for leaf in ast.walk(part) if isinstance(leaf, ast.Constant)}
        if words & TASKS:
            found.add(node.lineno)
    return sorted(found)


def test_hardly_anything_branches_on_the_kind_of_network():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if not str(path.relative_to(ROOT)).startswith(HOMES)
        for line in branches(path)
    ]
    assert len(found) <= MOST_BRANCHES, found


@EACH
def test_no_page_asks_a_button_of_streamlit_whether_it_was_clicked(path):
    """Its word is lost with a run that is interrupted: it has a callback, or is `page.button`."""
    asked = [node.lineno for node in ast.walk(parsed(path)) if is_button(node) and not has_callback(node)]
    assert not asked or path.name == "page.py"


def is_button(node: ast.AST) -> bool:
    """Whether this is a call of `button` of Streamlit or of one of its containers."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "button"
    return called and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "page")


def has_callback(node: ast.Call) -> bool:
    return any(keyword.arg == "on_click" for keyword in node.keywords)
