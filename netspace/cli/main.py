"""The program `netspace`, also `python -m netspace`: parses the words, runs the command, and says what went wrong."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence

from ..errors import Elsewhere, NetSpaceError, UsageError, message_of
from ..memory import size_in_words
from .registry import build_parser
from .torchrun import speaks


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command, those of its recipe where none are given beside it."""
    if any("\0" in word for word in argv):
        raise UsageError("a word of the command holds a null byte, which no name of a file can")
    args = build_parser(argv=argv).parse_args(argv)
    if getattr(args, "recipe", None):
        args = build_parser(args.recipe, argv).parse_args(argv)
    args.argv = list(argv)
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 for a user's mistake, or 130 if it was stopped."""
    args = argparse.Namespace()
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        from .execute import execute

        execute(args)
    except Elsewhere:
        return 2
    except (ValueError, KeyError, OSError, MemoryError) as error:
        _say(args, error)
        return 2
    except RuntimeError as error:
        if "memory" not in str(error):  # torch's word for an allocation that failed
            raise
        _say(args, error)
        return 2
    except KeyboardInterrupt:
        kept = "; what was finished is kept, --resume goes on" if "resume" in args else ""
        if speaks(args):
            print(f"netspace: stopped{kept}", file=sys.stderr)
        return 130
    return 0


def _say(args: argparse.Namespace, error: BaseException) -> None:
    """Print why a command ended; of processes that torchrun started, what is wrong with the command only once."""
    if "world" in args or speaks(args):
        print(f"netspace: {_sentence(error)}", file=sys.stderr)


MOST_LETTERS = 1000
"""of a message, which may have a value of any length in it"""


def _sentence(error: BaseException) -> str:
    """Return an error as one line: of the system's, file and reason; of memory that there is not, how much."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        words = f"{error.filename}: {(error.strerror or 'cannot be used').lower()}"
    elif isinstance(error, RuntimeError | MemoryError) and not isinstance(error, NetSpaceError):
        asked = re.search(r"tried to allocate (\d+) bytes|allocate ([\d.]+ [KMGT]iB)", str(error))
        size = f" {size_in_words(float(asked[1])) if asked[1] else asked[2]} more" if asked else " more"
        words = f"there is not enough memory for this: it asked for{size}; try smaller sizes"
    else:
        words = " ".join(message_of(error).split())
    return words if len(words) <= MOST_LETTERS else f"{words[: MOST_LETTERS - 200]} ... {words[-200:]}"


def entry() -> None:
    """The program `netspace`: exits with 0, 2 for a user's mistake, or 130 when it was stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside it stops with the same care
    sys.exit(main())
