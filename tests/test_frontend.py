"""The front end's sources: modules that import each other become one text, and every file is used."""

import re
import textwrap
from pathlib import Path

import pytest

from app.frontend import SOURCES, bundle
from app.frontend.bundle import BadModule

FRONTEND = SOURCES.parent
ENTRIES = [*sorted(SOURCES.glob("*.js")), FRONTEND / "page" / "page.js"]


@pytest.fixture
def write(tmp_path):
    """Writes files by name, and returns the first."""

    def files(**texts: str) -> Path:
        paths = [tmp_path / name.replace("_", ".") for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(textwrap.dedent(text).lstrip("\n"))
        return paths[0]

    return files


def test_a_module_comes_once_and_after_what_it_imports(write):
    entry = write(
        view_js="""
            // A view.

            import { b } from "./b.js";
            // said of the next
            import { c as d } from "./c.js";

            export default b + d;
        """,
        b_js='import { c } from "./c.js";\nexport const b = c + 1;\n',
        c_js="export const c = 1;\nconst hidden = 2;\n",
    )
    text = bundle.script(entry)
    assert re.findall(r"^// (\w+\.js)$", text, re.MULTILINE) == ["c.js", "b.js", "view.js"]
    assert "const { c: d } = $c;" in text and "const { b } = $b;" in text
    assert "return { c };" in text, "what is not exported stays inside"
    assert text.endswith("export default $view.default;\n")
    assert text.count("export ") == 1 and "import " not in text
    assert bundle.script(entry) == text


@pytest.mark.parametrize(
    "other, sentence",
    [
        ('import { a } from "./view.js";\nexport const b = 1;', "circle: view.js → b.js → view.js"),
        ("export const c = 1;", "view.js imports b, which b.js does not export"),
        ("export let b = 1;", "b.js:1: not understood: export let b = 1;"),
        ("const b = 1;\n\nexport { b };", "b.js:3: not understood: export { b };"),
        ('import b from "./view.js";', 'b.js:1: not understood: import b from "./view.js";'),
        ('export const b = 1;\nimport { a } from "./view.js";', "b.js:2: not understood: import { a }"),
        ('import { a } from "./nowhere.js";\nexport const b = 1;', "b.js:1: there is no file ./nowhere.js"),
        ('import { a } from "three";\nexport const b = 1;', "b.js:1: there is no file three"),
        ("export const b = 1;\nexport const b = 2;", "b.js exports a name twice"),
    ],
)
def test_what_is_not_understood_is_refused(write, other, sentence):
    entry = write(view_js='import { b } from "./b.js";\nexport const a = 1;\nexport default b;\n', b_js=other)
    with pytest.raises(BadModule, match=re.escape(sentence)):
        bundle.script(entry)


def test_a_view_without_a_default_export_is_refused(write):
    with pytest.raises(BadModule, match=r"view\.js has no default export"):
        bundle.script(write(view_js="export const a = 1;\n"))
    entry = write(
        page_js='import { default as view } from "./view.js";\nexport default view;\n', view_js="const a = 1;\n"
    )
    with pytest.raises(BadModule, match=r"page\.js imports default, which view\.js does not export"):
        bundle.script(entry)


def test_a_page_imports_what_a_view_exports_by_default(write):
    entry = write(
        page_js='import { default as view } from "./view.js";\nexport default view;\n', view_js="export default 1;\n"
    )
    assert "const { default: view } = $view;" in bundle.script(entry)


def test_a_style_sheet_comes_once_and_a_part_of_a_page_as_often_as_it_is_asked_for(write):
    entry = write(
        view_css='@import "./a.css";\n@import "./b.css";\n.view {}\n',
        a_css='@import "./b.css";\n.a {}\n',
        b_css=".b {}\n",
    )
    assert bundle.style(entry) == ".b {}\n.a {}\n.view {}\n"
    entry = write(
        view_html='<div>\n  <include src="./a.html">\n  <include src="./a.html">\n</div>\n', a_html="<p></p>\n"
    )
    assert bundle.markup(entry) == "<div>\n<p></p>\n<p></p>\n</div>\n"
    with pytest.raises(BadModule, match=r"a\.css contains itself"):
        bundle.style(write(a_css='@import "./a.css";\n'))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: path.stem)
def test_every_view_is_one_text(entry):
    text = bundle.script(entry)
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1
    for kind in ("css", "html"):
        if entry.with_suffix(f".{kind}").exists():
            text = (bundle.style if kind == "css" else bundle.markup)(entry.with_suffix(f".{kind}"))
            assert "@import" not in text and "<include" not in text


def test_every_file_is_used():
    used = set()
    for entry in ENTRIES:
        used |= set(bundle._in_order(entry))
        for kind, pattern in (("css", bundle.STYLES), ("html", bundle.INCLUDE)):
            waiting = [entry.with_suffix(f".{kind}")] if entry.with_suffix(f".{kind}").exists() else []
            while waiting:
                path = waiting.pop()
                used.add(path)
                waiting += [(path.parent / found["source"]).resolve() for found in pattern.finditer(path.read_text())]
    files = {path for kind in ("js", "css", "html") for path in FRONTEND.rglob(f"*.{kind}")}
    assert files == used
