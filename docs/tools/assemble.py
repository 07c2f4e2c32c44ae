"""python docs/tools/assemble.py: write the sources of the site, with everything that is generated, to build/docs.

The pages in docs/ link to files of the repository by relative paths, so that the links work where the repository is
read. In build/docs such a link leads to the page that is made of the file. Tutorials are run, unless SKIP_TUTORIALS is
set. What comes out is plain Markdown: any builder of Markdown sites that knows mkdocs.yml makes the site of it.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import house  # noqa: E402
import notebooks  # noqa: E402
import reference  # noqa: E402

OUT = ROOT / "build" / "docs"
PARTS = {**reference.PARTS, "house": house.draw}
"""what `<!-- generated: NAME -->` in a page stands for"""
INCLUDED = {
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "findings/README.md": "findings/index.md",
    "examples/README.md": "examples/index.md",
}
"""file of the repository -> page that is made of it"""
BESIDE = ("assets/*.png", "findings/*.sh", "examples/*.py")
"""files of the repository that pages show or link to"""
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")


def places() -> dict[str, str]:
    """Return file of the repository -> page or file of the site that is made of it."""
    found = dict(INCLUDED)
    for path in sorted((ROOT / "assets").rglob("README.md")):
        found[_name(path)] = f"cards/{path.parent.relative_to(ROOT / 'assets').as_posix()}.md"
    found |= {_name(path): _name(path) for pattern in BESIDE for path in sorted(ROOT.glob(pattern))}
    for path in sorted((ROOT / "docs").rglob("*")):
        inside = path.relative_to(ROOT / "docs")
        if path.is_file() and inside.parts[0] != "tools" and "__pycache__" not in inside.parts:
            found[_name(path)] = inside.as_posix()
    return found | {name: _tutorial(place) for name, place in found.items() if place.startswith("tutorials/")}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tutorial(place: str) -> str:
    return place.removesuffix(".py") + ".md"


def assemble(execute: bool = True) -> None:
    """Write build/docs anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    found = places()
    for source, place in found.items():
        path = OUT / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if source.startswith("docs/tutorials/"):
            print(f"docs: {'running' if execute else 'reading'} {source}", flush=True)
            text, beside = notebooks.page(ROOT / source, execute)
            for name, content in beside.items():
                path.with_name(name).write_bytes(content)
            shutil.copy(ROOT / source, path.parent)
        elif place.endswith(".md"):
            text = (ROOT / source).read_text()
        else:
            shutil.copy(ROOT / source, path)
            continue
        text = re.sub(r"<!-- generated: (\w+) -->", lambda match: PARTS[match[1]](), text)
        path.write_text(moved(text, source, place, found))


def moved(text: str, source: str, place: str, found: dict[str, str]) -> str:
    """Return a page whose links lead to the places that files of the repository have in the site."""

    def link(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        if target not in found:
            return match[0]
        return f"]({posixpath.relpath(found[target], posixpath.dirname(place) or '.')}{match[2] or ''})"

    return LINK.sub(link, text)


if __name__ == "__main__":
    assemble(execute=not os.environ.get("SKIP_TUTORIALS"))
