"""Which paths that a file names may be used: folders come from other people too, and are data.

A job's words, a zoo's table and a run's description hold paths. One of them is followed only if it leads into the
folder that names it, into what ships with the product, or to a place that the user named to this program: in a command
on this machine, which is kept in a file of the user's, or in NETSPACE_PLACES or NETSPACE_DATA. What a user types may
name any path; only what is read from a file is asked about here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .errors import FormatError
from .folders import ASSETS

NAMED_BY = ("NETSPACE_PLACES", "NETSPACE_DATA")
"""variables of the environment that name folders"""


def places_file() -> Path:
    """Return the file that keeps what the user named, a JSON text per line; below NETSPACE_STATE if that is set."""
    usual = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "netspace"
    return Path(os.environ.get("NETSPACE_STATE") or usual) / "places.jsonl"


def note_places(paths: Iterable[str | Path]) -> None:
    """Keep paths that the user named, for as long as this user has an account on this machine."""
    known = _noted()
    new: set[str] = set()
    for place in sorted(map(_resolved, paths)):
        if not any(map(place.is_relative_to, known | new)):
            new.add(str(place))
    if not new:
        return
    file = places_file()
    with suppress(OSError):  # a home that cannot be written: what is named is asked for again
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
            out.write("".join(f"{json.dumps(place)}\n" for place in sorted(new)))


def is_known(path: str | Path, folder: Path | None = None) -> bool:
    """Return whether a path that stands in a file may be followed.

    Args:
        folder: the folder that the file stands in; None if the path leads out of it in any case.
    """
    place = _resolved(path)
    named = [Path(p).expanduser() for variable in NAMED_BY for p in os.environ.get(variable, "").split(os.pathsep) if p]
    own = [ASSETS, *named, *([] if folder is None else [folder])]
    return any(place.is_relative_to(_resolved(top)) for top in own) or any(map(place.is_relative_to, _noted()))


def check_known(path: str | Path, folder: Path | None = None, hint: str = "") -> None:
    """Raise FormatError, in one sentence, unless a path that stands in a file may be followed.

    Args:
        hint: what else to do about it than to name the path in NETSPACE_PLACES.
    """
    if not is_known(path, folder):
        raise FormatError(
            f"it names {path}, which lies elsewhere and was not named by you on this machine: {hint}name it in "
            "NETSPACE_PLACES if you trust what says so"
        )


def leads_out(name: str) -> bool:
    """Return whether a file's name for another beside it leads out of their folder."""
    return os.path.isabs(name) or ".." in name.replace("\\", "/").split("/") or "://" in name  # noqa: PTH117


def check_own(folder: Path, *names: str) -> None:
    """Raise FormatError if a file of a folder is a link that leads out of it: it would be read or written there."""
    for name in names:
        path = folder / name
        if path.is_symlink() and not _resolved(path).is_relative_to(_resolved(folder)):
            raise FormatError(f"{path} is a link that leads out of its folder")


def _noted() -> set[str]:
    """What was named so far; lines that cannot be read are left out."""
    found: set[str] = set()
    with suppress(OSError):
        for line in places_file().read_text(errors="replace").splitlines():
            with suppress(ValueError, RecursionError):
                if isinstance(place := json.loads(line), str) and Path(place).is_absolute():
                    found.add(place)
    return found


NOWHERE = Path(os.devnull) / "nowhere"


def _resolved(path: str | Path) -> Path:
    """A path without links; NOWHERE if links lead in circles or it is no path."""
    with suppress(OSError, RuntimeError, ValueError):
        return Path(path).resolve()
    return NOWHERE
