"""Slow results, kept on disk by content: those of this user, and those that come with the product."""

from __future__ import annotations

import os
from pathlib import Path

from .folders import ASSETS

SHIPPED = ASSETS / "computed"
"""Results for the spaces and zoos that come with the product, so that nobody waits for them; read, never written."""


def cache_folder() -> Path:
    """Return the folder that keeps slow results between runs: NETSPACE_CACHE, else the user's cache folder."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netspace"
    return Path(os.environ.get("NETSPACE_CACHE") or usual)


def kept_files(part: str, cache: Path | None = None) -> list[Path]:
    """Return the files, of those that exist, in which a result may be: one below a cache, one that is shipped.

    Args:
        part: path below such a folder, which holds the content that the result was computed from.
        cache: folder of the user's results, `cache_folder` unless given.
    """
    return [file for folder in (cache or cache_folder(), SHIPPED) if (file := folder / part).is_file()]
