"""What the app says, made ready for its pages."""

import re

from .visitors import seen

MARKUP = re.compile(r"[\\`*_\[\]<>$~:#|&]")
LIST = re.compile(r"^(?:[-+=](?=\s|$)|\d+(?=[.)](?:\s|$)))")
SHORT = re.compile(r":(?=[\w+-][\w+/-]*:)|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\S)@(?=\w)", re.IGNORECASE)
JOINER = "\N{WORD JOINER}"
"""Invisible; it keeps what it stands in from being read as an emoji, an icon or an address after unescaping."""


def plain(words: str) -> str:
    """Escape words from elsewhere, such as the name of a file, so that Markdown shows them as they are.

    Everything that Streamlit renders as Markdown needs it: text, labels of buttons, tooltips, progress and messages.
    Visitors read no path of this machine in it.
    """
    line = " ".join(seen(str(words)).split())
    line = SHORT.sub(lambda found: f"{found[0]}{JOINER}", line)
    return MARKUP.sub(r"\\\g<0>", LIST.sub(_escaped_list, line))


def _escaped_list(found: re.Match) -> str:
    """What would begin a list or a rule, behind a character that is not seen."""
    return f"{JOINER}{found[0]}"


def code(words: str) -> str:
    """Words from elsewhere as a code span of Markdown."""
    return f"`{' '.join(seen(str(words)).replace('`', chr(39)).split()) or ' '}`"


def sentence(problem: BaseException | str) -> str:
    """What is wrong: with a capital, and a full stop; the kind of an error that says nothing."""
    named = type(problem).__name__ if isinstance(problem, BaseException) else ""
    words = (str(problem) or named).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
