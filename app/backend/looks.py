"""How architectures look wherever they are told apart: the colours of Fig. 5, and a mark and a hatch of their own."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """Colour is never the only carrier: every architecture also has a mark and a hatch."""

    title: str
    colour: str
    """at least 3:1 against the paper of either theme"""
    mark: str
    """as the views draw it"""
    glyph: str
    """the mark in text"""
    marker: str
    """the mark in matplotlib"""
    hatch: str
    """in matplotlib, and one such line or dot in the views"""


LOOKS = {
    "lenetlike": Look("LeNetLike", "#CF2632", "circle", "●", "o", ""),
    "vanillacnn": Look("VanillaCNN", "#2A5BD7", "square", "■", "s", "/"),
    "resnet8": Look("ResNet8", "#3DA556", "triangle", "▲", "^", "."),
    "resnet32": Look("ResNet32", "#DF54D8", "diamond", "◆", "D", "\\"),
    "resnet56": Look("ResNet56", "#B7791F", "pentagon", "⬟", "p", "-"),
}
"""by what stands before the slash in an architecture's name: red, blue, green and fuchsia as in the paper"""


def look(name: str) -> Look:
    """Of an architecture by its name; others are slate."""
    base = name.split("/")[0]
    return LOOKS.get(base, Look(base, "#64748B", "pentagon", "⬟", "p", "-"))


def title(name: str) -> str:
    """ "resnet8/digits" -> "ResNet8" """
    return look(name).title


def titles(names: list[str]) -> str:
    """Of a family's architectures, in words."""
    return ", ".join(map(title, names))
