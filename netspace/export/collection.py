"""All files of one path in a zip, with a recipe from which `netspace remake` makes the same zip again.

    recipe.json    what was asked for, of which space and zoo (names and content), and the SHA-256 of every file
    path/          as `netspace path` writes it: weights and a mesh or picture per step, path.csv, pictures, films
    map/           the zoo's map as PNG and SVG at print size, and as PDF

A recipe is data: it names no file that is read. The one who remakes it names space and zoo, or they ship with the
product.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_type_hints

import torch

from ..config import check_number
from ..errors import FormatError, InUse, UsageError
from ..geometry.mesh import RESOLUTIONS
from ..io import FORMATS, atomic_write, check_format, check_types, open_regular, read_bytes
from ..kept import cache_folder
from ..latent.embeddings import embed_zoo, space_content, zoo_content
from ..latent.paths import METHODS, gammas
from ..latent.projection import Plane, UmapConfig, UmapMap
from ..space.space import NetSpace
from ..tasks import task_of
from ..tasks.task import Task
from ..zoo.store import Zoo
from . import EXPORTS
from .archives import undated_zip
from .map_figure import MAP_KINDS, zoo_map_figure
from .path_files import steps_between, write_steps
from .table import CURVE, PATH, exports_of

RECIPE = "recipe.json"
MAP_WAYS = ("pca", "umap", "none")
MOST_COLLECTED, FASTEST = 201, 60
"""networks of a path, and frames per second"""
MOST_RECIPE_BYTES = 16 << 20
MAKERS = ("torch", "numpy", "pillow", "matplotlib", "av", "pyvista", "trimesh")
"""packages on whose versions the bytes of files may depend"""


@dataclass(frozen=True)
class Recipe:
    """What a collection is made of, and how."""

    space: str
    """its folder, as it is to be named to others"""
    zoo: str
    space_content: str
    """`latent.embeddings.space_content`"""
    zoo_content: str
    a: str
    """name of the network at gamma 0"""
    b: str
    method: str
    """a key of METHODS"""
    steps: int
    """networks along the path, ends included"""
    resolution: int
    """cells of a surface's grid along an axis"""
    fps: int
    """frames per second of animations"""
    map: str
    """one of MAP_WAYS"""

    @classmethod
    def of(cls, space: NetSpace, zoo: Zoo, names: tuple[str, str], **asked: Any) -> Recipe:
        """Return the recipe of a path of a space and a zoo.

        Args:
            names: what the folders of the two are called in the recipe.
            asked: the other fields.
        """
        return cls(*names, space_content(space), zoo_content(zoo), **asked)

    def check(self, space: NetSpace, zoo: Zoo) -> None:
        """Raise UsageError, saying which, if a space or a zoo holds something else than the recipe was written for."""
        pairs = (("space", self.space, self.space_content, space_content(space)),
                 ("zoo", self.zoo, self.zoo_content, zoo_content(zoo)))  # fmt: skip
        for what, name, wanted, found in pairs:
            if found != wanted:
                raise UsageError(
                    f"the recipe was made with another {what}, {name} of content {wanted}; this one has {found}"
                )


@dataclass(frozen=True)
class Collected:
    """A recipe with the files that were made by it."""

    recipe: Recipe
    files: Mapping[str, str]
    """path in the zip -> SHA-256 in hex"""

    @classmethod
    def read(cls, path: Path) -> Collected:
        """Read the recipe of a collection: of the zip, or of the recipe.json that was taken out of it.

        Raises:
            FormatError: it is neither, or says what no collection has.
        """
        content = _recipe_bytes(path)
        try:
            about = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"{path} holds no recipe: {RECIPE} is not valid JSON") from error
        if not isinstance(about, dict):
            raise FormatError(f"{path} holds no recipe: {RECIPE} is no JSON object")
        check_format(about, "collection", path)
        check_types(about, path, {"recipe": dict, "files": dict})
        check_types(about["recipe"], path, get_type_hints(Recipe))
        if not all(isinstance(one, str) for pair in about["files"].items() for one in pair):
            raise FormatError(f"{path} has no usable 'files'")
        recipe = Recipe(**{f.name: about["recipe"][f.name] for f in fields(Recipe)})
        _check_choices(recipe, path)
        return cls(recipe, about["files"])


def _check_choices(recipe: Recipe, path: Path) -> None:
    """Raise FormatError unless this version knows what a recipe asks for."""
    choices = {"method": METHODS, "map": MAP_WAYS, "resolution": RESOLUTIONS}
    for name, known in choices.items():
        if getattr(recipe, name) not in known:
            raise FormatError(
                f"{path} asks for the {name} {getattr(recipe, name)!r}; known are {', '.join(map(str, known))}"
            )
    try:
        check_number("steps", recipe.steps, {"least": 2, "most": MOST_COLLECTED})
        check_number("fps", recipe.fps, {"least": 1, "most": FASTEST})
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from error


def _recipe_bytes(path: Path) -> bytes:
    """The text of a recipe, in a zip or beside one."""
    with open_regular(path) as file:
        if not zipfile.is_zipfile(file):
            if path.suffix != ".json":
                raise FormatError(f"{path} is no zip that `netspace collect` wrote")
            return read_bytes(path)
        try:
            with zipfile.ZipFile(file) as held:
                about = held.getinfo(RECIPE)
                if about.file_size > MOST_RECIPE_BYTES:
                    raise FormatError(f"{path} holds a {RECIPE} of {about.file_size / 1e6:.0f} MB, which is none")
                with held.open(about) as content:
                    return content.read(MOST_RECIPE_BYTES)
        except KeyError as error:
            raise FormatError(f"{path} is no zip that `netspace collect` wrote: it holds no {RECIPE}") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise FormatError(f"{path} is a damaged zip, or one that cannot be read ({error})") from error


def check_replaceable(path: Path) -> None:
    """Raise InUse if a file exists that is no collection."""
    if not path.exists():
        return
    try:
        _recipe_bytes(path)
    except (FormatError, OSError) as error:
        raise InUse(f"{path} exists already and is no collection; choose another name") from error


def write_collection(
    space: NetSpace, zoo: Zoo, recipe: Recipe, to: Path, data: Path | None = None
) -> Iterator[str]:  # fmt: skip
    """Write the files of a recipe as a zip; yields what is done, a line each, and lastly what was written.

    Args:
        space, zoo: those of the recipe, see `Recipe.check`.
        data: folder of the images that networks are measured on; None: looked for.

    Raises:
        UsageError: the method does not lead from A to B.
        UnknownName: the zoo has no such network.
    """
    zoo.check_finite([zoo.index(name) for name in (recipe.a, recipe.b)])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        yield from _write_path(space, zoo, recipe, folder / "path", data)
        if recipe.map != "none":
            yield f"drawing the map by {recipe.map.upper()}"
            _write_map(space, zoo, recipe, folder / "map")
        files = {p.relative_to(folder).as_posix(): read_bytes(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    about = {"format": FORMATS["collection"], "recipe": asdict(recipe), "made": made_with(), "files": sums}
    head = {RECIPE: (json.dumps(about, indent=1) + "\n").encode()}
    with atomic_write(to) as temporary:
        temporary.write_bytes(undated_zip(head | files))
    yield f"wrote {len(files)} files and their recipe to {to}"


def _write_path(space: NetSpace, zoo: Zoo, recipe: Recipe, folder: Path, data: Path | None) -> Iterator[str]:
    task = task_of(space)
    found = steps_between(space, zoo, recipe.a, recipe.b, gammas(recipe.steps), recipe.method, data)
    whole = exports_of(EXPORTS, task, PATH, CURVE)
    weights = [EXPORTS["zip"]] if task.file != Task.file else []  # else the files of networks are their weights
    images = task.data(zoo[recipe.a].arch, "test", data)
    for line in write_steps(
        found, task, folder, images, recipe.resolution, "glb", [*whole.values(), *weights],
        {"space": recipe.space, "zoo": recipe.zoo}, recipe.fps, lenient=True,
    ):  # fmt: skip
        yield line.replace(str(folder), f"{folder.name}/")


def _write_map(space: NetSpace, zoo: Zoo, recipe: Recipe, folder: Path) -> None:
    z = embed_zoo(space, zoo, cache_folder())
    places = Plane.of(z).place(z) if recipe.map == "pca" else UmapMap.of(z, UmapConfig(), cache_folder()).places
    folder.mkdir()
    way, about = recipe.map.upper(), f"{len(zoo)} networks of {recipe.zoo}"
    for kind in MAP_KINDS:
        zoo_map_figure(folder / f"map.{kind}", zoo, places.numpy(), way, about, kind)


def made_with() -> dict[str, Any]:
    """Return what the bytes of a collection may depend on, beside its recipe."""
    found = {"netspace": _version_of("netspace"), "python": platform.python_version(), "machine": platform.machine()}
    return found | {"threads": torch.get_num_threads()} | {name: _version_of(name) for name in MAKERS}


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
