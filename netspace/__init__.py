"""NetSpace: a small latent space in which trained networks are embedded, interpolated and optimised.

Implements "Learning the Space of Deep Models" (Berardi, De Luigi, Salti, Di Stefano, ICPR 2022).

Letters in shapes, everywhere in this library:
    b  networks        n  inputs (points, images)     P  parameters of a network
    H, W  PRep size    E  embedding size              A  architectures of a family
    C  classes         k  chunks of a PRep            s  steps along a path
"""

__version__ = "0.1.0"

from .errors import FormatError
from .folders import ASSETS
from .nets.archs import ARCHS, Arch, Family
from .nets.network import Network, run_many
from .nets.prep import PrepSize, pack, prep_size, unpack
from .space.config import SpaceConfig
from .space.space import Decoded, NetSpace, load
from .zoo.store import Zoo

__all__ = [
    "ARCHS",
    "ASSETS",
    "Arch",
    "Decoded",
    "Family",
    "FormatError",
    "NetSpace",
    "Network",
    "PrepSize",
    "SpaceConfig",
    "Zoo",
    "__version__",
    "load",
    "pack",
    "prep_size",
    "run_many",
    "unpack",
]
