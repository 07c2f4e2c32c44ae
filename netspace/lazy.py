"""Public names of a package that are loaded when they are first used, so that importing the package stays light."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(
    package: str, places: Mapping[str, Sequence[str]] | None = None, **modules: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        places: module below it -> public names that it defines; modules without a dot in their name also as keywords.
    """
    homes = {name: module for module, names in {**(places or {}), **modules}.items() for name in names}

    def get(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f".{homes[name]}", package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted([*vars(import_module(package)), *homes]), sorted(homes)
