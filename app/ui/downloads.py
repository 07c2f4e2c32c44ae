"""Files that a page offers: networks, meshes, curves, made when their button is clicked."""

from __future__ import annotations

import itertools
import logging
import mimetypes
from collections.abc import Callable
from typing import Any

import streamlit as st

from app.backend import chairs, take_away
from app.backend.catalogue import Loaded
from app.backend.path import NetworkPath
from app.backend.visitors import is_visitor
from app.backend.words import plain, sentence
from app.bundle import writing
from app.tasks import app_task

from . import page
from .pair import PairState

FILES_HELD = 4
PER_ROW = 3
"""buttons beside each other"""

_turns = itertools.count()

# a file is made outside of any session's run, which Streamlit would remark on in the terminal each time
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(
    lambda record: "asyncio" not in record.getMessage()
)


def offer_file(place, title: str, make: Callable[[], bytes], file: str, help: str | None = None, **looks) -> None:
    """Offer a file that is made when its button is clicked; why the last try failed stands below the button.

    Args:
        place: a column or container, or `st`.
        looks: arguments of `st.download_button`.
    """
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    looks = {"width": "stretch", "key": f"download-{title}"} | looks
    key, failed = looks["key"], page.failed_files()

    def made() -> bytes:
        try:
            content = make()
        except Exception as problem:
            failed[key] = sentence(problem)
            raise
        failed.pop(key, None)
        return _held(content, kind, file)

    place.download_button(title, made, file, kind, help=help, on_click="ignore", **looks)
    if key in failed:
        place.warning(plain(f"{title}: {failed[key]}"))


def offer_exports(
    loaded: Loaded, of: str, subject: Callable[[], Any], file: str, heading: str = "", disabled: bool = False,
    key: take_away.FileKey = tuple,
) -> None:  # fmt: skip
    """Offer what EXPORTS has for these networks, under a heading; nothing if there is none.

    Args:
        of: a kind of subject, of `take_away`.
        subject: what is exported, made when a button is clicked.
        file: its name without the suffix.
        key: as `take_away.files_of` has it.
    """
    found = take_away.files_of(loaded, of, subject, key)
    if found and heading:
        st.caption(heading)
    for start in range(0, len(found), PER_ROW):
        row = found[start : start + PER_ROW]
        for column, one in zip(st.columns(PER_ROW), row, strict=False):
            offer_file(
                column, one.title, one.make, f"{file}.{one.suffix}", one.lacking or one.words,
                key=f"download-{one.name}", disabled=disabled or bool(one.lacking),
            )  # fmt: skip


def offer_step(work: NetworkPath, method: str, step: int, about: dict, file: str) -> None:
    """Offer the network of a path at a step, and its surface if its kind has surfaces; `about` travels with it."""

    def subject() -> Any:
        return take_away.network_subject(work.network(method, step), about)

    there = app_task(work.loaded).has_surface(work, method, step)
    heading = f"The surface, at {chairs.AT_REST}³" if there else "There is no surface here to write as a mesh."

    def key() -> tuple:
        return (work.id, method, step, str(about))

    offer_exports(work.loaded, take_away.SURFACE, subject, file, heading, disabled=not there, key=key)
    offer_exports(work.loaded, take_away.NETWORK, subject, file, "The network", key=key)


def offer_path(state: PairState, work: NetworkPath) -> None:
    """Offer a path between two networks, the one that is shown of them, and the command that writes the path."""
    # files are made outside of the session's run, where its state cannot be read
    kind, method, step, ids, (a, b) = app_task(work.loaded), state.method, state.frame_number, state.ids, state.ends
    st.markdown(f"**{take_away.method_title(method)}, gamma {state.shown_gamma:.2f}**")
    about = take_away.about_network(work, method, step, a, b)
    offer_step(work, method, step, about, take_away.file_name(work, method, step, a, b))
    offer_exports(
        work.loaded, take_away.PATH, lambda: kind.path_subject(work, method, take_away.through_pair(a, b)),
        f"{a}_{b}_{method}", "The whole path, as far as it is known",
        key=lambda: take_away.path_key(work, kind.settled(work), method, a, b),
    )  # fmt: skip
    offer_exports(
        work.loaded, take_away.CURVE, lambda: kind.curve_subject(work, method, *ids), f"{a}_{b}_{kind.task.score}",
        key=lambda: take_away.path_key(work, kind.settled(work), method, *ids),
    )  # fmt: skip
    st.caption("The path by all methods, with map, cards and scorecards")
    offer_file(
        st, "HTML page", writing.pair_bundle(work.loaded, ids), f"{a}_{b}.html",
        "One file that opens by double click, without the app and without a network; it takes some seconds",
        key="download-bundle",
    )  # fmt: skip
    if not is_visitor():
        offer_file(
            st, "All files as a zip", take_away.collection(work.loaded, a, b, method), f"{a}_{b}_{method}.zip",
            "Weights, meshes or pictures, table, films and map, with a recipe from which `netspace remake` makes the "
            "zip again; it takes a minute", key="download-collection",
        )  # fmt: skip
    page.show_command(take_away.path_command(work.loaded, a, b, method), "The command that writes this path")


def _held(content: bytes, kind: str, file: str) -> bytes:
    """Keep a file until FILES_HELD others have been made, and return it.

    Streamlit forgets a file made on a click after two more runs of any session; the browser may ask for it later.
    """
    st.runtime.get_instance().media_file_mgr.add(
        content, kind, f"held-{next(_turns) % FILES_HELD}", file, is_for_static_download=True
    )
    return content
