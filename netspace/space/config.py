"""What a space is built from."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..config import MOST_WIDTH, check_number, option, short
from ..errors import UsageError


@dataclass(frozen=True)
class SpaceConfig:
    """What a space is built from, beside its family; travels with the weights."""

    preset: str = option("tokens", "tokens, or paper: exactly the authors' encoder and decoder")
    encoder: str = option("prep", "prep: reads the weights (the paper); probe: reads the answers at fixed inputs")
    embedding: int = option(256, "E; the paper's is 4096", least=1, most=MOST_WIDTH)
    chunk: int = option(128, "values of a PRep written at once (tokens)", least=1, most=MOST_WIDTH)
    hidden: int = option(256, "width of the MLP shared by all chunks (tokens)", least=2, most=MOST_WIDTH)
    probes: int = option(
        24, "points along each axis of the grid on which the probe encoder asks a field", least=1, most=128
    )
    images: int = option(128, "training images on which the probe encoder asks a classifier", least=1, most=MOST_WIDTH)

    def __post_init__(self) -> None:
        """Raise UsageError, with name and value, unless the sizes are whole numbers that a model can have."""
        for f in fields(self):
            if f.metadata["least"] is not None:
                value = getattr(self, f.name)
                if type(value) is not int:
                    raise UsageError(f"{f.name} is {short(value)}, it must be a whole number")
                check_number(f.name, value, f.metadata)
            elif not isinstance(getattr(self, f.name), str):
                raise UsageError(f"{f.name} is {short(getattr(self, f.name))}, it must be a text")

    @classmethod
    def paper(cls) -> SpaceConfig:
        """The authors' model: E = 4096."""
        return cls(preset="paper", encoder="prep", embedding=4096)
