"""What every page begins with: its title, a sentence of what it is, and a hint for who is there for the first time."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from app import frontend
from app.tasks import AppTask

PRODUCT = "NetSpace Explorer"


class PageWords(NamedTuple):
    """What is said of a page."""

    title: str
    icon: str
    """as Streamlit names it"""
    about: str = ""
    """what the page is, in a sentence"""
    hint: str = ""
    """what to do first; empty where the page itself says so"""


HOME_PAGE = PageWords("Home", ":material/home:")
MAP_PAGE = PageWords(
    "Map",
    ":material/scatter_plot:",
    "The zoo's networks as points of the latent space: what each decodes to, and what lies between them.",
    "Click a network to see its decode and its nearest neighbours; drag to move the map, scroll to zoom.",
)
SCORECARD_PAGE = PageWords(
    "Scorecard",
    ":material/table_chart:",
    "Every method measured on the same pairs of networks, and audits of whether what the space makes is new.",
)
OPTIMISE_PAGE = PageWords(
    "Optimise",
    ":material/route:",
    "Latent space optimisation: an embedding moves until the network decoded from it does what you ask.",
    "Click the map where a run should start, choose what its network is to do, then press Launch.",
)
NETWORKS_PAGE = PageWords(
    "Networks as images",
    ":material/grid_on:",
    "A decoded network can do the same as its original with quite different weights: compare the two as images. Each "
    "image is a PRep, all parameters of a network in one matrix, which the decoder writes.",
    "Drag the slider from A to B; point at an image or a row of the table to see which parameter lies there.",
)
JOBS_PAGE = PageWords(
    "Jobs",
    ":material/list_alt:",
    "Whatever takes longer than a minute: how far it is, its curves, and buttons to stop and resume it.",
)


def words_of_kind(kind: AppTask) -> PageWords:
    """What is said of the page that shows a kind of networks."""
    return PageWords(kind.page_title, kind.icon, kind.page_about, kind.page_hint)


def show_heading(words: PageWords) -> None:
    """The title of the browser's tab, and the top of the page; Home has one of its own."""
    st.set_page_config(page_title=f"{words.title} · {PRODUCT}")
    if not words.about:
        return
    with st.container(key="pagehead", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.title(words.title, anchor=False, width="content")
        st.markdown(words.about)
    if words.hint:
        frontend.hint(f"hint-{words.title}", words.hint)
