"""What a page's Markdown says to those who read it."""

import re


def read(markdown: str) -> str:
    """Markdown with its escapes taken out, as it is shown."""
    return re.sub(r"\\([\\`*_\[\]<>$~:#|&])", r"\1", markdown).replace("\N{WORD JOINER}", "")
