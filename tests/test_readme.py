"""Commands of README, of the documentation and of the cards exist and run; what they link to is there."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from netspace.cli.main import main
from netspace.cli.registry import build_parser

ROOT = Path(__file__).resolve().parent.parent
README, QUICKSTART, MAP = ROOT / "README.md", ROOT / "docs" / "quickstart.md", ROOT / "docs" / "architecture.md"
GUIDES = [README, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"))]
GUIDES += [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs" / "tutorials").glob("*.py"))]
PAGES = [*GUIDES, ROOT / "findings" / "README.md", *sorted((ROOT / "assets").rglob("README.md"))]
LONG = {"fit-sdf", "fit-cnn", "fit-image", "train", "eval", "--download", "lso"}
WITH_WHAT_THESE_MADE = {"join", "compare", "add", "select", "import", "--among"}
MOST_STEPS = 3
"""of a path that is written here"""
ALL = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).with_suffix("").as_posix())


@cache
def commands(page: Path) -> list[list[str]]:
    """The words after `python -m netspace` of every such line in a page's code."""
    text = "\n".join(re.findall(r"^ *```bash\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE))
    text += "\n" + "\n".join(re.findall(r"`(python -m netspace [^`]+)`", page.read_text()))
    lines = text.replace("\\\n", " ").splitlines()
    found = [shlex.split(line, comments=True) for line in lines if line.strip().startswith("python -m netspace ")]
    return [words[3:] for words in found if not words[3].isupper()]


parser = cache(build_parser)


@ALL
def test_every_command_is_understood(page):
    for words in commands(page):
        parser().parse_args(words)


def test_pages_have_commands():
    assert len(commands(README)) >= 1
    assert sum(len(commands(page)) for page in GUIDES) >= 40
    assert all(commands(page) for page in PAGES if "assets" in page.parts)


def few_steps(words: list[str]) -> list[str]:
    """A command whose path has few steps."""
    words = list(words)
    if "--steps" in words:
        place = words.index("--steps") + 1
        words[place] = str(min(int(words[place]), MOST_STEPS))
    return words


@pytest.mark.long
def test_short_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    every = {tuple(words): None for page in GUIDES for words in commands(page)}
    short = [words for words in every if not set(words) & (LONG | WITH_WHAT_THESE_MADE)]
    assert len(short) >= 15
    for words in short:
        words = [str(tmp_path / word) if word.startswith("runs/") else word for word in few_steps(words)]
        assert main(words) == 0, words


@pytest.mark.parametrize("page", [README, QUICKSTART], ids=lambda p: p.stem)
def test_python_runs(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict = {}
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec(code, names)
    assert len(names["mesh"].faces) > 1000
    assert page == README or (names["distance"].shape == (5, 1) and names["z"].shape == (2, 256))


def prose(page: Path) -> str:
    """A page; of a tutorial its words without its code."""
    lines = page.read_text().splitlines()
    return "\n".join(line for line in lines if page.suffix == ".md" or line.startswith("# "))


@ALL
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", prose(page)):
        target = "".join(target)
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    pages = "\n".join(page.read_text() for page in GUIDES)
    targets = set(re.findall(r"(?:^|`)make ([\w-]+)", pages, re.MULTILINE))
    assert {"app", "test", "docs"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_is_short():
    assert len(README.read_text().split()) < 1200


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs" / "tutorials").glob("*.py")]:
        assert page.relative_to(ROOT / "docs").with_suffix(".md").as_posix() in navigation, page


def test_the_map_names_every_package_and_nothing_else():
    """Packages of the library and the app, modules that stand beside them, and pages; and no file that is gone."""
    text = MAP.read_text()
    parts = [p for folder in ("netspace", "app") for p in (ROOT / folder).iterdir()]
    named = [f"{p.relative_to(ROOT)}/" for p in parts if (p / "__init__.py").exists()]
    named += [str(p.relative_to(ROOT)) for p in parts if p.suffix == ".py" and p.name != "__init__.py"]
    named += [str(p.relative_to(ROOT)) for p in (ROOT / "pages").glob("*.py")]
    missing = [name for name in named if f"`{name}`" not in text]
    assert not missing
    for path in re.findall(r"`((?:netspace|app|pages|assets)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
