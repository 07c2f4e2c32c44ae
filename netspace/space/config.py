"""What a space is built from."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import MOST_WIDTH, check_number
from ..errors import UsageError

SIZES = {
    "embedding": (1, MOST_WIDTH),
    "chunk": (1, MOST_WIDTH),
    "hidden": (2, MOST_WIDTH),
    "probes": (1, 128),
    "images": (1, MOST_WIDTH),
}
"""smallest and largest value of the sizes in a `SpaceConfig`"""


@dataclass(frozen=True)
class SpaceConfig:
    """What a space is built from, beside its family; travels with the weights."""

    preset: str = "tokens"
    """tokens, or paper: exactly the authors' encoder and decoder"""
    encoder: str = "prep"
    """prep: reads the weights (the paper); probe: reads the answers at fixed inputs"""
    embedding: int = 256
    """E; the paper's is 4096"""
    chunk: int = 128
    """values of a PRep written at once (tokens)"""
    hidden: int = 256
    """width of the MLP shared by all chunks (tokens)"""
    probes: int = 24
    """the probe encoder asks an SDF on a grid of this many points along each axis"""
    images: int = 128
    """the probe encoder asks an image classifier on this many training images"""

    def __post_init__(self) -> None:
        """Raise ValueError, with name and value, unless the sizes are whole numbers that a model can have."""
        for name, (least, most) in SIZES.items():
            value = getattr(self, name)
            if type(value) is not int:
                raise UsageError(f"{name} is {value!r}, it must be a whole number")
            check_number(name, value, {"least": least, "most": most})

    @classmethod
    def paper(cls) -> SpaceConfig:
        """The authors' model: E = 4096."""
        return cls(preset="paper", encoder="prep", embedding=4096)
