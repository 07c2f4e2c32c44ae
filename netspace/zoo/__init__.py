"""Folders of trained networks: stacked safetensors and a Parquet table."""

from .store import (
    HELDOUT,
    IMPORTED,
    OPTIMISED,
    SPLITS,
    TRAIN,
    VALIDATION,
    Zoo,
    add,
    join,
    select,
)

__all__ = ["HELDOUT", "IMPORTED", "OPTIMISED", "SPLITS", "TRAIN", "VALIDATION", "Zoo", "add", "join", "select"]
