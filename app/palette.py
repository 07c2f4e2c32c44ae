"""The app's colours and marks, in one place: its figures and tables read them here, the front end as CSS variables.

Methods have theirs in `netspace.latent.paths.METHODS`, architectures in `app.backend.looks`, the theme in
`.streamlit/config.toml`. Colour is never the only carrier: a mark, a dash or a word says the same.
"""

from __future__ import annotations

from typing import NamedTuple

TRUTH_COLOUR = "#64748B"
"""ground truth, originals, targets, badges"""
UNKNOWN = "#7C8B99"
"""networks of which a value is not known"""
RIGHT, WRONG = "#2E9E5B", "#D6455D"
"""answers"""
RAMP = ("#54408C", "#3F6DB0", "#2795A3", "#5BB474", "#D8CF56")
"""numbers from low to high; its lightness rises evenly, so that it can be read without colour"""
RUN_COLOURS = ("#D6336C", "#8A63D2", "#D9711F")
"""runs drawn over each other, from the second on: the first has the colour of text"""
WEIGHT_COLOURS = {
    "light": {"low": "#1F5FBF", "middle": "#F4F6F7", "high": "#C73E1D", "none": "#E0A800"},
    "dark": {"low": "#5AA2FF", "middle": "#182128", "high": "#FF7F57", "none": "#FFD54A"},
}
"""values of weights in either theme: negative, zero, positive, not finite"""

MARKS = ("circle", "square", "triangle", "diamond", "pentagon", "star")
"""shapes of points, as the front end draws them; a byte in what it is sent is the index of one"""


class StatusLook(NamedTuple):
    """How the status of a job is shown."""

    icon: str
    """as Streamlit names it"""
    colour: str
    """of a badge"""
    meaning: str


STATUSES = {
    "starting": StatusLook(":material/hourglass_top:", "gray", "Its process is starting"),
    "queued": StatusLook(":material/schedule:", "gray", "Waiting for two others: two jobs run at a time"),
    "running": StatusLook(":material/play_circle:", "green", "Running, also after this page or the app is closed"),
    "stopping": StatusLook(":material/hourglass_top:", "gray", "Asked to stop; saving what is finished"),
    "stopped": StatusLook(":material/pause_circle:", "blue", "Stopped on request; it can be resumed"),
    "finished": StatusLook(":material/check_circle:", "gray", "Finished"),
    "failed": StatusLook(":material/error:", "red", "Failed; see the message"),
    "crashed": StatusLook(
        ":material/bolt:", "orange", "The process exited unexpectedly (killed, disk full, power loss)"
    ),
    "unreadable": StatusLook(":material/broken_image:", "red", "Its records are damaged"),
}
"""by status"""


def variables() -> str:
    """Return the palette as CSS variables of whatever holds a component."""
    values = {"slate": TRUTH_COLOUR, "unknown": UNKNOWN, "right": RIGHT, "wrong": WRONG}
    values |= {"ramp": ", ".join(RAMP), "runs": ", ".join(RUN_COLOURS)}
    for theme, colours in WEIGHT_COLOURS.items():
        values |= {f"{name}-{theme}": colour for name, colour in colours.items()}
    return f":host {{ {' '.join(f'--{name}: {value};' for name, value in values.items())} }}\n"
