"""The wheel: what it holds, and that it works where nothing is installed but the packages it asks for."""

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
import zipfile
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch

import netspace
from netspace.errors import OPTIONAL, MissingPackage, required_for
from netspace.zoo.store import Zoo

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = ("netspace", "app", "pages", "starter", "setup.py", "pyproject.toml", "README.md", "LICENSE")
MOST_BYTES = 30e6


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built in a copy of the checkout, in which a build leaves nothing."""
    copy = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, copy / name)
    (copy / "assets").symlink_to(ROOT / "assets")
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist", "."]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=copy, check=True)
    (made,) = (copy / "dist").glob("*.whl")
    return made


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """What is installed of these requirements, and of all that they lead to, by name."""
    found, waiting = {}, list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = re.match(r"[\w.-]+", requirement).group()
        if name not in found and "extra ==" not in requirement:
            with suppress(PackageNotFoundError):  # of another system, or another Python
                found[name] = distribution(name)
                waiting += found[name].requires or []
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The Python of a new environment that holds the wheel, what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for found in needed(PROJECT["dependencies"]).values():
        for top in {Path(file).parts[0] for file in found.files} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(found.locate_file(top))
    where = folder / "bin" / "python"
    words = ["--python", str(where), "install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return where


def run(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    environment = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "NETSPACE_CACHE": str(folder / "cache")}
    return subprocess.run([python, *words], cwd=folder, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_the_app_inside_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"netspace", f"netspace-{netspace.__version__}.dist-info"}
    assert {"netspace/_app/app/Home.py", "netspace/_app/app/.streamlit/config.toml", "netspace/py.typed"} <= names
    for folder in ("app", "pages"):
        there = {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob("*") if p.is_file()}
        there = {name for name in there if "__pycache__" not in name}
        assert there == {n.removeprefix("netspace/_app/") for n in names if n.startswith(f"netspace/_app/{folder}/")}
    assert wheel.stat().st_size < MOST_BYTES


def test_the_chairs_of_the_wheel_are_part_of_the_zoo(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    part, whole = (Zoo.load(f / "chairs" / "zoo") for f in (tmp_path / "netspace" / "assets", ROOT / "assets"))
    assert len(part) == 60 and {"chair-0086", "chair-0120"} <= set(part.records.name)
    ids = [whole.index(name) for name in part.records.name]
    assert torch.equal(part.preps(range(60)), whole.preps(ids))
    kept = part.records.drop(columns="row").reset_index(drop=True)
    assert kept.equals(whole.records.iloc[ids].drop(columns="row").reset_index(drop=True))


DECODE = """
import sys, netspace
space = netspace.load(sys.argv[1])
zoo = netspace.Zoo.load(sys.argv[2])
z = space.encode(zoo.preps([zoo.index("chair-0086"), zoo.index("chair-0120")]))
chair = space.networks(z.mean(dim=0, keepdim=True))[0]
import torch
inside = (chair(torch.rand(4096, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1) < 0).float().mean().item()
print(netspace.__version__, netspace.__file__, inside)
"""


def test_it_decodes_a_chair_with_nothing_but_what_it_asks_for(python, tmp_path):
    for name in ("streamlit", "scipy", "sklearn", "PIL"):
        assert run(python, tmp_path, "-c", f"import {name}").returncode
    assets = (
        python.parent.parent / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "netspace" / "assets"
    )
    for folder in (ROOT / "assets", assets):
        done = run(python, tmp_path, "-c", DECODE, *(str(folder / "chairs" / n) for n in ("space-probe", "zoo")))
        assert not done.returncode, done.stderr
        version, file, inside = done.stdout.split()
        assert version == netspace.__version__ and file.startswith(str(python.parent.parent))
        assert 0.01 < float(inside) < 0.2, "a chair fills a few per cent of the cube"


def test_its_program_runs_and_says_what_is_missing(python, tmp_path):
    program = str(python.parent / "netspace")
    done = run(python, tmp_path, program, "--help")
    assert not done.returncode and "interpolate" in done.stdout and "app" in done.stdout
    done = run(python, tmp_path, program, "app")
    assert done.returncode == 2
    assert done.stderr == "netspace: the app needs the package streamlit: pip install 'netspace[app]'\n"


START = "import sys; from netspace.jobs.control import start_words; print(start_words(sys.argv[1:]))"
LONG_JOB = ["zoo", "fit-sdf", "--chairs", "1", "--workers", "0", "--out", "runs/mine"]


def test_a_job_of_an_installed_product_runs_where_it_was_started(python, tmp_path):
    (tmp_path / "netspace").mkdir()
    (tmp_path / "netspace" / "__init__.py").write_text("raise SystemExit('this is another netspace')")
    done = run(python, tmp_path, "-P", "-c", START, *LONG_JOB)
    assert done.stdout.strip() == str(tmp_path / "runs" / "mine"), done.stderr
    about = json.loads((tmp_path / "runs" / "mine" / "job.json").read_text())
    assert about["directory"] == str(tmp_path) and str(tmp_path / "runs" / "mine") in about["argv"]
    log = tmp_path / "runs" / "mine" / "log.txt"
    for _ in range(4800):  # four minutes: a busy machine takes long to import torch
        if "manifold3d" in log.read_text():  # a job of the wheel, in which this package is missing
            break
        time.sleep(0.05)
    else:
        pytest.fail(log.read_text())


def test_versions_agree():
    assert re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1] == netspace.__version__


def test_a_missing_package_is_told_with_what_installs_it():
    with pytest.raises(MissingPackage) as missing, required_for("reading it"):
        raise ModuleNotFoundError("No module named 'trimesh.path'", name="trimesh.path")
    assert str(missing.value) == "reading it needs the package trimesh: pip install 'netspace[geometry]'"
    with pytest.raises(ModuleNotFoundError, match=r"netspace\.missing"), required_for("reading it"):
        import netspace.missing  # noqa: F401
    assert issubclass(MissingPackage, ImportError), "who has another way catches it"


def test_extras_bring_what_the_library_says_they_bring():
    extras = PROJECT["optional-dependencies"]
    for package, extra in OPTIONAL.values():
        assert any(re.match(rf"{package}\b", r) for r in extras[extra]), (package, extra)
