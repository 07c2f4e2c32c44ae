"""Facts about the repository: who imports whom, and what `import netspace` does not load."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = [
    {"errors", "folders", "lazy"},
    {"config", "io", "kept", "memory", "places", "share", "threads"},
    {"outputs"},
    {"jobs", "nets"},
    {"data"},
    {"align", "geometry", "zoo"},
    {"space"},
    {"latent"},
    {"tasks"},
    {"evaluate", "train", "importing", "export"},
    {"recipes"},
    {"cli"},
    {"__main__"},
]
"""A module or package of netspace imports only those of earlier floors, and of its own floor none but itself."""

NAMES = set().union(*FLOORS)

SOURCES = sorted((ROOT / "netspace").rglob("*.py"))
MODULES = pytest.mark.parametrize("path", SOURCES, ids=lambda p: "-".join(p.relative_to(ROOT).with_suffix("").parts))


def place(path: Path) -> str:
    """The module or package of netspace that a file belongs to, as FLOORS names it."""
    return path.relative_to(ROOT / "netspace").with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    """Absolute names of everything a file imports, also inside functions; relative imports resolved to netspace."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join(filter(None, [*above, node.module]))
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def inner(path: Path) -> set[str]:
    found = {n.split(".")[1] for n in imports(path) if n.startswith("netspace.") and n.split(".")[1] in NAMES}
    return found - {place(path)}


def test_every_module_has_its_place():
    assert {place(path) for path in SOURCES} == {*NAMES, "__init__"}


@MODULES
def test_a_module_imports_only_those_before_it(path):
    if place(path) == "__init__":
        return
    floor = next(k for k, names in enumerate(FLOORS) if place(path) in names)
    before = set().union(*FLOORS[:floor])
    assert inner(path) <= before, f"{place(path)} imports {inner(path) - before}, which do not come before it"


@MODULES
def test_the_library_knows_nothing_of_the_front_end(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"streamlit", "plotly", "pyvista", "stpyvista", "app", "pages"}


APP_FLOORS = [{"palette"}, {"backend", "tasks"}, {"frontend"}, {"bundle"}, {"ui"}]
"""A module or package of the app imports only those of the same or earlier floors; pages import any of them."""
WITH_STREAMLIT = {"caches.py", "visitors.py"}
"""The modules of the backend that know Streamlit: its caches, and who asks."""


def place_in_app(path: Path) -> str:
    return path.relative_to(ROOT / "app").with_suffix("").parts[0]


APP_SOURCES = sorted((ROOT / "app").glob("*/**/*.py"))


@pytest.mark.parametrize("path", APP_SOURCES, ids=lambda p: "-".join(p.relative_to(ROOT).with_suffix("").parts))
def test_a_module_of_the_app_imports_only_those_before_it(path):
    floor = next(k for k, names in enumerate(APP_FLOORS) if place_in_app(path) in names)
    before, known = set().union(*APP_FLOORS[: floor + 1]), set().union(*APP_FLOORS)
    used = {n.split(".")[1] for n in imports(path) if n.startswith("app.")} & known
    assert used <= before, f"{place_in_app(path)} imports {used - before}, which do not come before it"


def test_only_backend_and_tasks_import_the_library():
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        uses = any(name.split(".")[0] == "netspace" for name in imports(path))
        assert not uses or path.relative_to(ROOT).parts[:2] in (("app", "backend"), ("app", "tasks")), path


def test_the_app_calls_the_library_and_not_its_command_line():
    """Only the process of a job has words: `netspace.jobs.Command` builds them."""
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        assert not any(name.startswith("netspace.cli") for name in imports(path)), path
        assert "argparse" not in imports(path) and "shlex" not in imports(path), path


def test_the_backend_knows_no_streamlit_but_for_its_caches_and_visitors():
    for path in [*(ROOT / "app" / "backend").rglob("*.py"), *(ROOT / "app" / "tasks").glob("*.py")]:
        assert path.name in WITH_STREAMLIT or "streamlit" not in {n.split(".")[0] for n in imports(path)}, path


def test_pages_import_streamlit_and_the_app_alone():
    for path in (ROOT / "pages").glob("*.py"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots - set(sys.stdlib_module_names) <= {"streamlit", "app"}, path


def test_only_the_state_of_a_page_touches_session_and_link():
    """Everything else reads and changes fields of a `PageState`."""
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        if path != ROOT / "app" / "ui" / "page.py":
            assert not {"session_state", "query_params"} & set(re.findall(r"\w+", path.read_text())), path


def test_importing_the_library_loads_nothing_heavy():
    code = "import sys, netspace, netspace.__main__; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    heavy = {"streamlit", "plotly", "pyvista", "vtkmodules", "umap", "torchvision", "trimesh", "pandas", "scipy", "igl"}
    assert not heavy & set(loaded.split())


def test_no_accelerator_is_named_in_the_library():
    """Devices come from the tensors a function is given; only the command line chooses one."""
    for path in (path for path in SOURCES if place(path) != "cli"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant):
                assert node.value not in ("cuda", "mps"), f"{path.name}:{node.lineno}"
