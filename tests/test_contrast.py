"""Colours of graphics can be seen in both themes: 3:1 at least against the paper and the panels they are drawn on."""

import re
import tomllib
from pathlib import Path

import pytest

from app import palette
from app.backend.charts import PALETTE
from app.backend.jobs import LINES
from app.backend.looks import ARCH_LOOKS
from app.frontend import SOURCES
from netspace.latent.paths import METHODS

CONFIG = tomllib.loads((Path(__file__).parent.parent / "app" / ".streamlit" / "config.toml").read_text())["theme"]
LEAST = 3.0
"""of graphics, by WCAG 2.2, success criterion 1.4.11"""
COLOURS = {
    **{f"method {name}": method.look.colour for name, method in METHODS.items()},
    **{f"architecture {name}": look.colour for name, look in ARCH_LOOKS.items()},
    **{f"run {k + 1}": colour for k, colour in enumerate(palette.RUN_COLOURS, start=1)},
    **{f"category {k}": colour for k, colour in enumerate(PALETTE)},
    **{f"curve {name}": shade for name, (_, _, shade) in LINES.items()},
    "truth": palette.TRUTH_COLOUR,
    "unknown": palette.UNKNOWN,
    "right": palette.RIGHT,
    "wrong": palette.WRONG,
}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1, as WCAG has it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, paper: str, share: float) -> str:
    """A share of the paper over a colour."""
    parts = [[int(each[k : k + 2], 16) for k in (1, 3, 5)] for each in (colour, paper)]
    return "#" + "".join(f"{round(under + share * (over - under)):02X}" for under, over in zip(*parts, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_graphics_stand_out_from_what_they_are_drawn_on(theme):
    papers = CONFIG[theme]["backgroundColor"], CONFIG[theme]["secondaryBackgroundColor"]
    faint = {name: c for name, c in COLOURS.items() if min(contrast(c, paper) for paper in papers) < LEAST}
    assert not faint


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_labels_on_the_map_are_read_over_dots_of_any_colour(theme):
    """4.5:1, criterion 1.4.3."""
    share = float(re.search(r"const PAPER = ([\d.]+);", (SOURCES / "map" / "badges.js").read_text())[1])
    paper, text = CONFIG[theme]["backgroundColor"], CONFIG[theme]["textColor"]
    grounds = [mixed(colour, paper, share) for colour in COLOURS.values()]
    assert share < 1 and min(contrast(text, ground) for ground in grounds) >= 4.5


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#E8743B", "#F5F8F9") == pytest.approx(2.81, abs=0.01)
