"""What the Map and the page Optimise still use of their former frame, until each has a `PageState`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.backend.words import code, plain, sentence  # noqa: F401
from app.ui import links, page
from app.ui.downloads import offer_file as download  # noqa: F401
from app.ui.image_data import offer_images as offer_download  # noqa: F401
from app.ui.page import adopt as retold  # noqa: F401
from app.ui.page import has_notices, notice, rerun, write_link  # noqa: F401
from app.ui.page import mark_changed as acted  # noqa: F401
from app.ui.page import refresh as again  # noqa: F401
from app.ui.page import show_notices as notices  # noqa: F401
from app.ui.page import state_version as token  # noqa: F401
from app.ui.sidebar import ANY_NETWORKS as ANYTHING  # noqa: F401
from app.ui.sidebar import choose as loaded  # noqa: F401
from app.ui.streams import stream as feeds  # noqa: F401

position = links.gamma


def linked(key: str, name: str, fallback: Any, accept: Callable[[Any], Any]) -> Any:
    """A value kept in the session under `key`; in a new session the link's parameter `name`.

    `accept` returns the value to keep, or raises ValueError with a sentence for the page; then `fallback` is kept. The
    sentence is shown where the link asked; what the session kept of another space or zoo is dropped without a word.
    """
    state = st.session_state
    state.setdefault(page.Slot.LINKED, set()).add(key)
    by_link = key not in state
    asked = st.query_params.get(name) if by_link else state[key]
    if asked is not None:
        try:
            state[key] = accept(asked)
            return state[key]
        except ValueError as problem:
            if by_link:
                notice(str(problem))
    state[key] = fallback
    return fallback


def one_accepted(options: list[str], words: str) -> Callable[[str], str]:
    """For `linked`: accepts these options; the words say what is wrong with another, which they name as {}."""
    check = links.one_of(options, words)
    return lambda asked: check(None, asked)
