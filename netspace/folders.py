"""Where the product lies, and where its user works: one folder in a checkout, two once it is installed."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

CODE = _PACKAGE.parent
"""What `netspace` is imported from: the checkout, or site-packages."""
CHECKOUT = (CODE / "app" / "Home.py").is_file() and (CODE / "pyproject.toml").is_file()
"""Whether that is a checkout (an editable install is one too); else the product was installed from a wheel."""
APP = CODE if CHECKOUT else _PACKAGE / "_app"
"""Holds app/ and pages/: in a wheel they lie inside the package, where they clash with no other `app`."""
HOME = CODE if CHECKOUT else Path.cwd()
"""Where runs/ and data/ are, and what relative paths are relative to: the checkout, or the working directory in which
this process started."""
ASSETS = Path(os.environ.get("NETSPACE_ASSETS") or (CODE / "assets" if CHECKOUT else _PACKAGE / "assets")).absolute()
"""The spaces and zoos that come with the product, or those of the folder that NETSPACE_ASSETS names."""


def placeless(word: str) -> str:
    """Return a word of a command; of an absolute path without the part that tells of this machine and its user."""
    path = Path(word).expanduser()
    if not path.is_absolute():
        return word
    below = (path.relative_to(root) for root in (Path.cwd(), Path.home()) if path.is_relative_to(root))
    return next(below, Path(*path.parts[1:][-2:])).as_posix()
