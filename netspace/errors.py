"""What can go wrong, as exceptions: each message is one sentence for the person who reads it.

NetSpaceError        all of them; a ValueError, so that callers who know nothing of this library catch them too
  UsageError         a wrong argument, option or combination of them
    UnknownName      no network, column or choice of this name
    MissingPackage   an optional package that is not installed: says how to install it
  FormatError        a zoo, space, run, job or file that cannot be read
    InUse            a folder that another process is writing, or that holds something else
  DataError          images that cannot be read
    MissingData      images that are not there: says what to run or where to put them
  Diverged           training that left the finite numbers, or went far from every network
  MeshError          a mesh that has no inside
    NoSurface        a field that is nowhere zero
  ImportRefused      a file made elsewhere that is not imported
  Elsewhere          what another of several processes says; this one ends without a word
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class NetSpaceError(ValueError):
    """Base class of this library's errors."""


class UsageError(NetSpaceError):
    """An argument, an option or a combination of them that is not allowed; the message names it and its value."""


class UnknownName(UsageError, KeyError):
    """There is nothing of this name; the message says what there is."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class MissingPackage(UsageError, ImportError):
    """An optional package that is not installed; the message says what needs it and how to install it."""


class FormatError(NetSpaceError):
    """A folder or file that cannot be read; the message names it and what is wrong with it."""


class InUse(FormatError):
    """A folder that holds something already, or that another process is writing."""


class DataError(NetSpaceError):
    """A data set that cannot be read; the message names what and where."""


class MissingData(DataError):
    """A data set that is not there; the message says what to run or where to put it."""


class Diverged(NetSpaceError):
    """Training that cannot go on: its loss or weights are not finite, or the loss is far too high; names the step."""


class MeshError(NetSpaceError):
    """A mesh that has no inside to take a signed distance to; the message says why."""


class NoSurface(MeshError):
    """The field has the same sign everywhere on the grid, or values that are not finite: there is nothing to mesh."""


class ImportRefused(NetSpaceError):
    """A file that is not imported; the message says why, without its name."""


class Elsewhere(NetSpaceError):
    """Another of several processes that work together cannot go on, and says why; this one only ends."""


class ZooWarning(UserWarning):
    """Some networks of a zoo cannot be read, and others can."""


def message_of(error: BaseException) -> str:
    """Return an error's message for whoever asked; KeyError would show its own in quotes."""
    return str(error.args[0] if isinstance(error, KeyError) and error.args else error)


def one_line(error: BaseException, most: int = 200) -> str:
    """Return an error of another library as it fits into a sentence: its first line, shortened."""
    words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return words if len(words) <= most else f"{words[:most]} ..."


OPTIONAL = {
    "trimesh": ("trimesh", "geometry"),
    "igl": ("libigl", "geometry"),
    "manifold3d": ("manifold3d", "geometry"),
    "scipy": ("scipy", "geometry"),
    "vtkmodules": ("vtk", "geometry"),
    "PIL": ("pillow", "images"),
    "av": ("av", "video"),
    "sklearn": ("scikit-learn", "images"),
    "torchvision": ("torchvision", "images"),
    "umap": ("umap-learn", "umap"),
    "onnx": ("onnx", "onnx"),
    "onnxscript": ("onnxscript", "onnx"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "tensorboard": ("tensorboard", "train"),
    "matplotlib": ("matplotlib", "figures"),
    "ray": ("ray", "ray"),
}
"""Optional packages by the name under which they are imported: the name they are installed by, and an extra of this
package that brings them."""


@contextmanager
def required_for(purpose: str, extra: str | None = None) -> Iterator[None]:
    """Inside, import optional packages: `with required_for("reading meshes"): import trimesh`.

    Args:
        purpose: what needs them, as the beginning of a sentence.
        extra: what to install if it is not the extra that OPTIONAL names.

    Raises:
        MissingPackage: one of OPTIONAL is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in OPTIONAL:
            raise
        raise MissingPackage(missing_words(purpose, missing, extra)) from error


def missing_words(purpose: str, module: str, extra: str | None = None) -> str:
    """Return the sentence of `required_for` for a module of OPTIONAL that is not installed."""
    package, usual = OPTIONAL[module]
    return f"{purpose} needs the package {package}: pip install 'netspace[{extra or usual}]'"
