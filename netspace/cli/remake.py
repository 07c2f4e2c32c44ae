"""Make a zip of `netspace collect` again from the recipe in it, and tell which files are equal byte for byte.

A recipe cannot make this program read any folder: name the space and the zoo, unless they ship with the product.

Examples:
    netspace remake runs/chairs.zip --out runs/again.zip
    netspace remake theirs.zip --space runs/theirs/space --zoo runs/theirs/zoo --out runs/again.zip
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError
from ..folders import HOME
from ..places import is_known
from .options import add_device, add_image_folder, open_both
from .outputs import Output

NAME, HELP = "remake", "make a zip of `collect` again from its recipe"
NAMED = 5
"""files that differ, of which the names are told"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="FILE.zip", help="zip of `collect`, or the recipe.json out of it")
    parser.add_argument("--space", type=Path, help="folder of the space; else the recipe's, if it ships")
    parser.add_argument("--zoo", type=Path, help="folder of the zoo; else the recipe's, if it ships")
    add_image_folder(parser)
    parser.add_argument("--out", action=Output, suffixes=(".zip",), required=True, metavar="FILE.zip", help="to write")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    from ..export.collection import Collected, check_replaceable, write_collection

    check_replaceable(args.out)
    before = Collected.read(args.source)
    for name in ("space", "zoo"):
        setattr(args, name, getattr(args, name) or _own(getattr(before.recipe, name), name))
    space, zoo = open_both(args)
    before.recipe.check(space, zoo)
    for line in write_collection(space, zoo, before.recipe, args.out, args.data):
        print(line, flush=True)
    print(compared(before.files, Collected.read(args.out).files))


def _own(name: str, option: str) -> Path:
    """The folder that a recipe names, if it ships with the product or this user has named it before."""
    path = HOME / name
    if not is_known(path) or not path.is_dir():
        raise UsageError(f"the recipe's {option} is {name!r}, which is not at hand: name its folder by --{option}")
    return path


def compared(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return in a sentence which of two collections' files, path -> SHA-256, are equal."""
    unlike = [name for name, content in before.items() if now.get(name) != content]
    more = [name for name in now if name not in before]
    said = f"{len(before) - len(unlike)} of {len(before)} files are equal byte for byte"
    if unlike:
        rest = f" and {len(unlike) - NAMED} more" if len(unlike) > NAMED else ""
        said += f"; not {', '.join(unlike[:NAMED])}{rest}: compare 'made' in both recipes"
    return said + (f"; {len(more)} are new, such as {more[0]}" if more else "")
