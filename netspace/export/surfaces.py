"""The surface of an SDF as a mesh file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..errors import required_for
from ..geometry.mesh import export, surface_of
from .table import NetworkSubject


def mesh_writer(kind: str) -> Callable[[NetworkSubject], bytes]:
    """Return what writes a surface as a file of this kind of `geometry.mesh.MESH_KINDS`; NoSurface if it has none."""
    return partial(_write, kind)


def _write(kind: str, subject: NetworkSubject) -> bytes:
    with required_for("a mesh file"):
        mesh = subject.shown or surface_of(subject.network, subject.resolution).mesh
        return export(mesh, kind)
