"""Every example runs, says something, writes to runs/examples alone, and stands in the list of examples."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))
LISTED = (EXAMPLES[0].parent / "README.md").read_text()


@pytest.mark.all_methods
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch, capsys):
    from netspace.latent.paths import METHODS

    for name, method in METHODS.items():  # one that an example adds is gone after it
        monkeypatch.setitem(METHODS, name, method)
    before = list(METHODS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        for name in [name for name in METHODS if name not in before]:
            del METHODS[name]
    assert capsys.readouterr().out.strip()
    written = {p.relative_to(tmp_path).parts[:2] for p in tmp_path.rglob("*") if p.is_file()}
    assert written <= {("runs", "examples")}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_listed_and_says_how_it_is_run(path):
    assert f"]({path.name})" in LISTED
    assert path.read_text().startswith(f'"""python examples/{path.name}: ')
