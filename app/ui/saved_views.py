"""What all pages have at their top: a link to copy, and the pairs to go back to."""

from __future__ import annotations

import streamlit as st

from app import frontend
from app.ui import page
from app.ui.page import sent
from app.ui.pair import PairHistory, SeenPair

_KEY = "saved-views"


def begin_page(name: str, pages: dict[str, st.Page], titles: dict[str, str]) -> None:
    """Begin a run of the app: follow where it was asked to go, and show what all pages share.

    Args:
        name: of the page that is shown, a file in pages/.
        pages: those that whoever asks may see, by file.
        titles: of all of them, by file.
    """
    page.set_page(name)
    page.follow_link()
    page.follow_place(pages)
    with st.container(key="common"):
        frontend.saved(_KEY, {"page": name, "pairs": [pair_item(pair, titles) for pair in _pairs()]}, _gone)


def pair_item(pair: SeenPair, titles: dict[str, str]) -> dict[str, str]:
    """Return what the front end is told of a pair."""
    name, space, zoo, a, b = pair.names
    return {"page": name, "space": space, "zoo": zoo, "a": a, "b": b, "about": f"{titles.get(name, name)} · {zoo}"}


def _pairs() -> tuple[SeenPair, ...]:
    return PairHistory.kept().seen


def _gone() -> None:
    """Go to what was clicked."""
    names = tuple(map(str, (sent(_KEY).get("go") or {}).get("pair", ())))
    found = next((pair for pair in _pairs() if pair.names == names), None)
    if found:
        page.go(found.page, found.link)
