"""Map: the row above it, of the projection, of what points look like, and of which are left."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from app.backend import behaviour, filters, likeness, projections
from app.backend.projections import PROJECTIONS
from app.backend.visitors import is_visitor
from app.backend.words import plain, sentence
from app.ui import bringing, page
from app.ui.map_state import AxesState, LookState, MapParts, axes_key
from app.ui.second_map import SecondState, choose_second

SETTING_TITLES = {"neighbours": "Neighbours", "min_dist": "Minimum distance", "metric": "Metric", "seed": "Seed"}
AXIS_TITLES = {"x": "Horizontal", "y": "Vertical"}
LOOK_BOXES = {
    "colour": ("one colour", "What is known of the networks, as colours"),
    "size": ("one size", "A column of numbers, as sizes of the points"),
    "shape": ("as colour", "A column of at most six kinds, as shapes of the points"),
}
"""words for no column, and help of each box"""
SEARCH_HELP = (
    "Part of a name, or of the text in any column. `legs:splayed` or `epochs:12` looks in one column. Several words: "
    "networks that have all of them."
)


def choose_map(parts: MapParts, second: SecondState, guests: list[str]) -> None:
    """The row of controls; `guests` are the ids of the other zoos that could be loaded."""
    state, look = parts.state, parts.look

    def reprojected() -> None:
        AxesState.ignore_link(axes_key(state.projection))  # the link's are those of the projection before
        parts.pick.forget_places()
        second.forget_places()

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.segmented_control(
            "Projection", list(PROJECTIONS), format_func=PROJECTIONS.get, label_visibility="collapsed",
            **state.widget("projection", then=reprojected),
        )  # fmt: skip
        with st.popover("Settings", icon=":material/tune:"):
            if state.projection == "umap":
                _choose_settings(parts)
            else:
                _choose_axes(parts)
            if state.zoos:
                _choose_guests(parts, guests)
            choose_second(second)
            for name in ("size", "shape"):
                _choose_look(look, name, lazy=True)
            st.toggle(
                "Labels on the map", disabled=look.told_apart is None,
                help="The name of every colour over the largest dense group of its networks: of colours that are "
                "kinds, such as architectures", **look.widget("labels", lazy=True),
            )  # fmt: skip
        _choose_look(look, "colour", width=140)
        st.text_input("Search", placeholder="name or value", help=SEARCH_HELP, width=155, **parts.left.widget("search"))
        with st.popover("Filter", icon=":material/filter_alt:"):
            _choose_range(parts)
            if parts.takes.classes:
                _choose_confusion(parts)
            if parts.like.kinds and not is_visitor():
                _choose_likeness(parts)
        bringing.offer_import(state.loaded.space_info)


def _choose_look(
    look: LookState, name: str, width: int | Literal["stretch"] = "stretch", lazy: bool = False
) -> None:  # fmt: skip
    """The column of a look."""
    none, help = LOOK_BOXES[name]
    st.selectbox(
        name.capitalize(), look.offered[name], help=help, width=width,
        format_func=lambda column: look.columns[column].title if column else none, **look.widget(name, lazy=lazy),
    )  # fmt: skip


def _choose_range(parts: MapParts) -> None:
    """A column of numbers, and which of them are left."""
    left = parts.left
    st.selectbox(
        "Column", left.offered, format_func=lambda column: left.columns[column].title if column else "none",
        help="Networks outside its range are faint, and cannot be clicked",
        **left.widget("column", then=lambda: left.change(bounds=None), lazy=True),
    )  # fmt: skip
    if left.column:
        low, high, step, digits = filters.extent_of(left.columns[left.column])
        st.slider(
            left.columns[left.column].title.capitalize(), low, high, step=step, label_visibility="collapsed",
            format=f"%.{digits}f" if digits < 7 else "%.2e",
            **left.widget("bounds", shown=left.bounds or (low, high), lazy=True),
        )  # fmt: skip
        st.caption("Networks whose value is not known are left out of any narrower range.")


def _choose_confusion(parts: MapParts) -> None:
    """Two classes, by which networks are coloured and filtered."""
    takes, look = parts.takes, parts.look
    asked, answered = st.columns(2)
    for place, name, label in ((asked, "truth", "Takes"), (answered, "answer", "for")):
        place.selectbox(
            label, ["", *takes.classes], format_func=lambda one: one or "any",
            help="Share of the test images of one class that a network puts into another",
            **takes.widget(name, then=takes.show, lazy=True),
        )  # fmt: skip
    works = behaviour.asking(look.chart, [takes.column])

    def tell_progress() -> None:
        words = behaviour.progress_words(works)
        if words:
            st.caption(plain(words))

    st.fragment(tell_progress, run_every=1 if behaviour.progress_words(works) else None)()


def _choose_likeness(parts: MapParts) -> None:
    """A file, by the likeness to which networks are coloured, and those that are most like it."""
    like, look = parts.like, parts.look
    kinds = ", ".join(kind.upper() for kind in like.kinds)
    handed = st.file_uploader("Most like this file", type=list(like.kinds), key="map_like", help=kinds)
    if handed is not None and handed.file_id != like.handed:
        like.handed = handed.file_id
        like.hand_in(handed.name, handed.getvalue())
        page.refresh()
    if not like.file:
        return
    found = likeness.likeness(look.chart, like.file)
    if found.problem or found.waiting:
        st.caption(plain(sentence(found.problem)) if found.problem else "The networks are compared with it …")
    if found.most:
        st.caption(plain(sentence(found.words)))
    for one in found.most:
        name = look.chart.label(one.id)
        if page.button(f"{plain(name)} · {one.distance:.3f}", f"like_{one.id}", help=found.words, type="tertiary"):
            parts.pick.change(network=name, place=None)
            page.refresh()


def _choose_settings(parts: MapParts) -> None:
    """UMAP's settings."""
    for name, option in parts.state.options.items():
        words = {"label": SETTING_TITLES[name], "help": sentence(option["help"])}
        words |= parts.state.widget(name, then=parts.pick.forget_places, lazy=True)
        if option["choices"]:
            st.selectbox(options=option["choices"], **words)
        else:
            number = type(option["default"])
            st.number_input(min_value=number(option["least"]), max_value=number(option["most"]), **words)


def _choose_axes(parts: MapParts) -> None:
    axes = parts.axes
    for axis, title in AXIS_TITLES.items():
        st.selectbox(
            title, axes.offered, format_func=projections.axis_title,
            **axes.widget(axis, then=parts.pick.forget_places, lazy=True),
        )  # fmt: skip
    if axes.kind == "directions":
        st.caption("A column is read off the embeddings by ridge regression on the training networks.")


def _choose_guests(parts: MapParts, guests: list[str]) -> None:
    """The other zoos on the map."""
    state = parts.state
    st.multiselect(
        "Also on the map", list(state.zoos), format_func=lambda id: state.zoos[id].title,
        placeholder="other zoos that fit this space", help="They are placed on the map of this zoo, which does not "
        "change", **state.widget("guests", shown=guests, lazy=True),
    )  # fmt: skip
