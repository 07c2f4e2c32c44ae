"""README's and the cards' commands exist and run; what they link to is there."""

import re
import shlex
from pathlib import Path

import pytest
import torch

from netspace.cli.main import main
from netspace.cli.registry import build_parser

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "assets").rglob("README.md"))]
LONG = {"fit-sdf", "fit-cnn", "fit-image", "train", "eval", "--download", "lso"}
WITH_WHAT_THESE_MADE = {"join", "compare", "add", "select", "import", "--among"}


def commands(page: Path) -> list[list[str]]:
    """The words after `python -m netspace` of every such line in a page's code."""
    text = "\n".join(re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL))
    text += "\n".join(re.findall(r"`(python -m netspace [^`]+)`", page.read_text()))
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[3:] for line in lines if line.strip().startswith("python -m netspace ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.parent.name)
def test_every_command_is_understood(page):
    assert commands(page)
    for words in commands(page):
        build_parser().parse_args(words)


@pytest.mark.long
def test_readmes_short_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    ran = 0
    for words in commands(README):
        if not set(words) & (LONG | WITH_WHAT_THESE_MADE):
            words = [str(tmp_path / word) if word.startswith("runs/") else word for word in words]
            assert main(words) == 0
            ran += 1
    assert ran >= 3


def test_readmes_python_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {"points": torch.rand(5, 3)}
    exec(code, names)
    assert names["distance"].shape == (5, 1) and names["z"].shape == (2, 256)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.parent.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", page.read_text()):
        target = "".join(target)
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_make_targets_named_in_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([\w-]+)", README.read_text(), re.MULTILINE))
    assert {"app", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_map_names_every_package_and_nothing_else():
    """Packages of the library and the app, modules that stand beside them, and pages; and no file that is gone."""
    text = README.read_text()
    parts = [p for folder in ("netspace", "app") for p in (ROOT / folder).iterdir()]
    named = [f"{p.relative_to(ROOT)}/" for p in parts if (p / "__init__.py").exists()]
    named += [str(p.relative_to(ROOT)) for p in parts if p.suffix == ".py" and p.name != "__init__.py"]
    named += [str(p.relative_to(ROOT)) for p in (ROOT / "pages").glob("*.py")]
    missing = [name for name in named if f"`{name}`" not in text]
    assert not missing
    for path in re.findall(r"`((?:netspace|app|pages|assets)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
