"""What networks are trained on: images, meshes, procedural chairs and their signed distances."""

from typing import TYPE_CHECKING

from ..lazy import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    images=("Images", "available", "load_images"),
    pictures=("Pictures",),
    meshes=("load_source",),
    shapes=("Mesh", "chair", "chair_params"),
)

if TYPE_CHECKING:
    from .images import Images as Images
    from .images import available as available
    from .images import load_images as load_images
    from .meshes import load_source as load_source
    from .pictures import Pictures as Pictures
    from .shapes import Mesh as Mesh
    from .shapes import chair as chair
    from .shapes import chair_params as chair_params
