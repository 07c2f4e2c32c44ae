"""Files that a page offers: networks, meshes, curves, made when their button is clicked."""

from __future__ import annotations

import itertools
import logging
import mimetypes
from collections.abc import Callable

import streamlit as st

from app.backend import take_away
from app.backend.catalogue import Loaded
from app.backend.path import NetworkPath
from app.tasks import app_task

FILES_HELD = 8
NETWORK_FORMATS = {
    "zip": ("safetensors + JSON", "Weights as safetensors, and where they come from as JSON"),
    "pt": ("state_dict", "torch.load(file, weights_only=True)"),
    "onnx": ("ONNX", "Normalised images (n, 3, S, S) to logits; takes a few seconds"),
}
"""title and help by suffix"""

_turns = itertools.count()

# a file is made outside of any session's run, which Streamlit would remark on in the terminal each time
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(
    lambda record: "asyncio" not in record.getMessage()
)


def offer_file(place, title: str, make: Callable[[], bytes], file: str, help: str | None = None, **looks) -> None:
    """Offer a file that is made when its button is clicked.

    Args:
        place: a column or container, or `st`.
        looks: arguments of `st.download_button`.
    """
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    looks = {"width": "stretch", "key": f"download-{title}"} | looks
    place.download_button(title, lambda: _held(make(), kind, file), file, kind, help=help, on_click="ignore", **looks)


def offer_network(loaded: Loaded, make: Callable[[str], bytes], file: str) -> None:
    """Offer a network in each format that its kind has.

    Args:
        make: returns the file of a suffix of NETWORK_FORMATS.
        file: its name without the suffix.
    """
    formats = app_task(loaded).network_formats
    for column, suffix in zip(st.columns(len(formats)), formats, strict=True):
        title, help = NETWORK_FORMATS[suffix]
        offer_file(column, title, lambda suffix=suffix: make(suffix), f"{file}.{suffix}", help)


def offer_step(work: NetworkPath, method: str, step: int, file: str) -> None:
    """Offer what the network of a path at a step shows, a mesh or a picture, in each format that its kind has."""
    kind = app_task(work.loaded)
    title, suffixes = kind.step_format
    if not suffixes:
        return
    there = kind.has_step(work, method, step)
    st.caption(title if there else f"There is nothing here to write as a {title.split()[0].lower()}.")
    for column, suffix in zip(st.columns(max(3, len(suffixes))), suffixes, strict=False):
        offer_file(
            column, suffix.upper(), lambda suffix=suffix: kind.step_file(work, method, step, suffix),
            f"{file}.{suffix}", disabled=not there,
        )  # fmt: skip


def offer_path_network(work: NetworkPath, method: str, step: int, a: str, b: str) -> None:
    """Offer the network of a path at a step, and show the command that writes the path from A to B."""
    st.caption("The network")
    about = take_away.about_network(work, method, step, a, b)
    file = take_away.file_name(work, method, step, a, b)
    offer_network(work.loaded, lambda suffix: take_away.step_file(work, method, step, about, suffix), file)
    st.caption("The command that writes this path")
    st.code(take_away.path_command(work.loaded, a, b, method), language="bash", wrap_lines=True)


def _held(content: bytes, kind: str, file: str) -> bytes:
    """Keep a file until FILES_HELD others have been made, and return it.

    Streamlit forgets a file made on a click after two more runs of any session; the browser may ask for it later.
    """
    st.runtime.get_instance().media_file_mgr.add(
        content, kind, f"held-{next(_turns) % FILES_HELD}", file, is_for_static_download=True
    )
    return content
