"""Front-end sources as the strings that Streamlit's components take: one of JavaScript, one of CSS, one of HTML.

Streamlit serves a component's files, and so their relative imports, only from an installed distribution that declares
an asset folder; from a clone it takes text. So modules that import each other are put into one text here: each becomes
a function that is called once and returns its exports. Style sheets are joined by `@import "FILE";`, and pages by
`<include src="FILE">`. There is nothing to build, and the order is that of the imports.

Understood of JavaScript's modules, each as a statement that begins a line:
    import { a, b as c } from "./file.js";      above everything else in its module; `default as a` too
    export function, async function, class, const
    export default EXPRESSION;                  of the module that a view or a page begins with
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

IMPORT = re.compile(r'import\s*\{(?P<names>[^{}]*)\}\s*from\s*"(?P<source>[^"\n]+)";[^\S\n]*\n?')
EXPORT = re.compile(r"^export (?P<kind>async function|function|class|const) (?P<name>[\w$]+)", re.MULTILINE)
DEFAULT = re.compile(r"^export default ", re.MULTILINE)
ABOVE = re.compile(r"(?:\s+|//[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
"""blank space and comments, which may stand between imports"""
STYLES = re.compile(r'^@import "(?P<source>[^"\n]+)";\n?', re.MULTILINE)
INCLUDE = re.compile(r'[^\S\n]*<include src="(?P<source>[^"\n]+)">\n?')
STRAY = re.compile(r"^(?:import\b(?!\s*[.(]).*|export\b.*)", re.MULTILINE)


class BadModule(Exception):
    """A source that cannot be bundled; the sentence names its file and line."""


class Module(NamedTuple):
    """A JavaScript module, taken apart."""

    imports: dict[Path, dict[str, str]]
    """by file: what it exports, by the name it has here"""
    exports: tuple[str, ...]
    default: bool
    body: str
    """without imports and the word export"""


def parse_module(path: Path) -> Module:
    """Take a module apart.

    Raises:
        BadModule: it imports or exports in a way that is not understood.
    """
    text = path.read_text()
    imports: dict[Path, dict[str, str]] = {}
    at = kept = 0
    above = []
    while True:
        gap = ABOVE.match(text, at)
        after = gap.end() if gap else at
        found = IMPORT.match(text, after)
        if not found:
            break
        above.append(text[kept : found.start()])
        at = kept = found.end()
        source = _beside(path, found["source"], text, found.start())
        for part in filter(None, (part.strip() for part in found["names"].split(","))):
            name, _, here = part.partition(" as ")
            imports.setdefault(source, {})[(here or name).strip()] = name.strip()
    body = "".join(above) + text[kept:]
    exports = tuple(found["name"] for found in EXPORT.finditer(body))
    defaults = len(DEFAULT.findall(body))
    stray = STRAY.search(DEFAULT.sub("", EXPORT.sub(lambda found: f"{found['kind']} {found['name']}", body)))
    if stray:
        raise BadModule(f"{path.name}:{text[: text.index(stray[0])].count(chr(10)) + 1}: not understood: {stray[0]}")
    if defaults > 1 or len(set(exports)) < len(exports):
        raise BadModule(f"{path.name} exports a name twice.")
    return Module(imports, exports, bool(defaults), body)


def script(entry: Path) -> str:
    """A view's module with all that it imports as one module, whose default export is the view's.

    Raises:
        BadModule: modules import each other in a circle, a name that is not exported is imported, or the view has no
            default export.
    """
    modules = _in_order(entry.resolve())
    root = _root(list(modules))
    parts = [_wrapped(path, module, modules, root) for path, module in modules.items()]
    if not modules[entry.resolve()].default:
        raise BadModule(f"{entry.name} has no default export.")
    return "\n".join([*parts, f"export default {_variable(entry.resolve(), root)}.default;\n"])


def _in_order(entry: Path) -> dict[Path, Module]:
    """All modules that one needs, each after those that it imports itself."""
    done: dict[Path, Module] = {}

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            circle = " → ".join(each.name for each in (*trail[trail.index(path) :], path))
            raise BadModule(f"Modules import each other in a circle: {circle}.")
        if path in done:
            return
        module = parse_module(path)
        for source, names in module.imports.items():
            visit(source, (*trail, path))
            missing = set(names.values()) - set(done[source].exports) - ({"default"} if done[source].default else set())
            if missing:
                raise BadModule(
                    f"{path.name} imports {', '.join(sorted(missing))}, which {source.name} does not export."
                )
        done[path] = module

    visit(entry, ())
    return done


def _wrapped(path: Path, module: Module, modules: dict[Path, Module], root: Path) -> str:
    """A module as a function that is called once and returns its exports."""
    lines = []
    for source, names in module.imports.items():
        taken = ", ".join(name if name == here else f"{name}: {here}" for here, name in names.items())
        lines.append(f"const {{ {taken} }} = {_variable(source, root)};")
    body = EXPORT.sub(lambda found: f"{found['kind']} {found['name']}", module.body)
    body = DEFAULT.sub("const $default = ", body)
    given = [*module.exports, *(["default: $default"] if module.default else [])]
    return "\n".join(
        [
            f"// {path.relative_to(root).as_posix()}",
            f"const {_variable(path, root)} = (() => {{",
            *lines,
            body.rstrip("\n"),
            f"return {{ {', '.join(given)} }};",
            "})();",
        ]
    )


def _variable(path: Path, root: Path) -> str:
    """The variable of a module's exports: no name of our own begins like it."""
    return "$" + re.sub(r"\W", "_", path.relative_to(root).with_suffix("").as_posix())


def _root(paths: list[Path]) -> Path:
    """The innermost folder that holds them all."""
    root = paths[0].parent
    while not all(path.is_relative_to(root) for path in paths):
        root = root.parent
    return root


def style(path: Path) -> str:
    """A style sheet after all that it imports, each file once.

    Raises:
        BadModule: an imported file does not exist, or style sheets import each other in a circle.
    """
    return _joined(path.resolve(), STYLES, once=True)


def markup(path: Path) -> str:
    """HTML with the parts that it includes in their places.

    Raises:
        BadModule: a part does not exist, or parts include each other in a circle.
    """
    return _joined(path.resolve(), INCLUDE, once=False)


def _joined(path: Path, statement: re.Pattern, once: bool) -> str:
    seen: set[Path] = set()

    def text_of(path: Path, trail: tuple[Path, ...]) -> str:
        if path in trail:
            raise BadModule(f"{path.name} contains itself.")
        text = path.read_text()

        def insert(found: re.Match) -> str:
            source = _beside(path, found["source"], text, found.start())
            if once and source in seen:
                return ""
            seen.add(source)
            return text_of(source, (*trail, path))

        return statement.sub(insert, text)

    return text_of(path, ())


def _beside(path: Path, source: str, text: str, at: int) -> Path:
    """The file that a source in another one names, relative to it."""
    found = (path.parent / source).resolve()
    if not source.startswith(("./", "../")) or not found.is_file():
        line = text[:at].count("\n") + 1
        raise BadModule(f"{path.name}:{line}: there is no file {source}; name one of ours relative to this.")
    return found
