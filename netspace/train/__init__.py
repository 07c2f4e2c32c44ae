"""What runs an optimizer: zoos of networks, spaces of them, and optimization inside a space.

The public names below are loaded when they are first used: `from netspace.train import train_space`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "loop": ("LogEntry",),
    "space": ("TrainConfig", "new_space", "train_space"),
    "lso": ("LsoConfig", "optimise"),
    "starts": ("Start", "start_from", "wanted_class"),
    "lso_files": ("Best", "Result", "read_best", "read_result", "read_run", "read_trajectory"),
    "fit_sdf": ("FitConfig", "chair_sources", "file_sources", "fit_sdf_zoo"),
    "fit_cnn": ("CnnConfig", "fit_cnn_zoo"),
    "zoos": ("Made", "ZooPlan", "make_zoo"),
    "executors": ("EXECUTORS", "Executor"),
}
"""module -> its public names"""
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
