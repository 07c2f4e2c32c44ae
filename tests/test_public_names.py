"""Public names: each is there, says what it is, and costs nothing before it is used."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["netspace", *(f"netspace.{p.parent.name}" for p in sorted((ROOT / "netspace").glob("*/__init__.py")))]
PUBLIC = [(package, name) for package in PACKAGES for name in getattr(import_module(package), "__all__", ())]
IN_README = (
    "METHODS", "TASKS", "ARCHS", "train_space", "optimise", "surface_of", "classify", "accuracy", "load", "Zoo",
    "NetSpace", "Network", "import_networks", "RECIPES", "start_job",
)  # fmt: skip


def documented(package: str, name: str) -> str:
    """The docstring of a function or class; of a constant, the string below it."""
    value = getattr(import_module(package), name)
    if callable(value) and getattr(value, "__module__", "").startswith("netspace"):
        return value.__doc__ or ""
    for path in (ROOT / "netspace").rglob("*.py"):
        body = ast.parse(path.read_text()).body
        for node, after in zip(body, body[1:], strict=False):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            named = {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
            if name in named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return str(after.value.value)
    return ""


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=lambda part: part)
def test_a_public_name_is_there_and_says_what_it_is(package, name):
    assert documented(package, name), f"{package}.{name} has no docstring"


def test_a_notebook_finds_what_readme_names():
    assert set(IN_README) <= set(import_module("netspace").__all__)


def test_what_a_type_checker_sees_is_what_is_there():
    for package in PACKAGES:
        path = ROOT.joinpath(*package.split(".")) / "__init__.py"
        blocks = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
        seen = {alias.name for node in blocks for each in node.body for alias in each.names}
        assert not seen or seen == set(import_module(package).__all__), package


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = import_module("netspace").nothing


def test_importing_the_library_loads_no_torch():
    code = "import sys, netspace; assert 'METHODS' in dir(netspace); print('torch' in sys.modules, len(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == "False"


@pytest.mark.parametrize("words", [["--help"], ["zoo", "--help"], ["jobs", "list", "runs"], ["app", "--help"]])
def test_a_command_that_computes_nothing_loads_no_torch(words):
    code = (
        "import sys\nfrom netspace.cli.main import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\nprint('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "False"
