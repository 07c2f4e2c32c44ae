"""From a signed distance network to its surface."""

from typing import TYPE_CHECKING

from ..lazy import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    mesh=("Surface", "components", "extract", "isosurface", "surface_of", "surface_or_none"),
    slices=("FieldSlice", "SlicePlane", "slice_field", "slice_of"),
)

if TYPE_CHECKING:
    from .mesh import Surface as Surface
    from .mesh import components as components
    from .mesh import extract as extract
    from .mesh import isosurface as isosurface
    from .mesh import surface_of as surface_of
    from .mesh import surface_or_none as surface_or_none
    from .slices import FieldSlice as FieldSlice
    from .slices import SlicePlane as SlicePlane
    from .slices import slice_field as slice_field
    from .slices import slice_of as slice_of
