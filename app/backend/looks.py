"""How architectures look wherever they are told apart: the colours of Fig. 5, and a mark and a hatch of their own."""

from __future__ import annotations

from typing import NamedTuple

from netspace.nets.archs import arch_title


class ArchLook(NamedTuple):
    """Colour is never the only carrier: every architecture also has a mark and a hatch."""

    title: str
    colour: str
    """at least 3:1 against paper and panels of either theme"""
    mark: str
    """as the views draw it"""
    glyph: str
    """the mark in text"""
    marker: str
    """the mark in matplotlib"""
    hatch: str
    """in matplotlib, and one such line or dot in the views"""


ARCH_LOOKS = {
    "lenetlike": ArchLook("LeNetLike", "#D12A36", "circle", "●", "o", ""),
    "vanillacnn": ArchLook("VanillaCNN", "#3868DE", "square", "■", "s", "/"),
    "resnet8": ArchLook("ResNet8", "#389E51", "triangle", "▲", "^", "."),
    "resnet32": ArchLook("ResNet32", "#DD50D6", "diamond", "◆", "D", "\\"),
    "resnet56": ArchLook("ResNet56", "#B7791F", "pentagon", "⬟", "p", "-"),
}
"""by what stands before the slash in an architecture's name: red, blue, green and fuchsia as in the paper"""


def arch_look(name: str) -> ArchLook:
    """Of an architecture by its name; others are slate."""
    base = name.split("/")[0]
    return ARCH_LOOKS.get(base, ArchLook(arch_title(name), "#64748B", "pentagon", "⬟", "p", "-"))


def arch_words(name: str) -> str:
    """Of an architecture, in words."""
    return arch_title(name)


def arch_titles(names: list[str]) -> str:
    """Of a family's architectures, in words."""
    return ", ".join(map(arch_title, names))
