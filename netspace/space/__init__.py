"""The space: encoders, decoders, class head and losses (section III)."""

from .config import SpaceConfig
from .space import Decoded, NetSpace, load

__all__ = ["Decoded", "NetSpace", "SpaceConfig", "load"]
