"""Map: the row above it, of the projection and of what points look like."""

from __future__ import annotations

import streamlit as st

from app.backend import projections
from app.backend.projections import PROJECTIONS
from app.backend.words import sentence
from app.ui import bringing
from app.ui.map_state import AxesState, LookState, MapState, PickState, axes_key

SETTING_TITLES = {"neighbours": "Neighbours", "min_dist": "Minimum distance", "metric": "Metric", "seed": "Seed"}
AXIS_TITLES = {"x": "Horizontal", "y": "Vertical"}
LOOK_BOXES = {
    "colour": ("one colour", "What is known of the networks, as colours", 150),
    "size": ("one size", "A column of numbers, as sizes of the points", 118),
    "shape": ("as colour", "A column of at most six kinds, as shapes of the points", 118),
}
"""words for no column, help and width of each box"""


def choose_map(state: MapState, look: LookState, axes: AxesState, pick: PickState, guests: list[str]) -> None:
    """The row of controls; `guests` are the ids of the other zoos that could be loaded."""

    def reprojected() -> None:
        AxesState.ignore_link(axes_key(state.projection))  # the link's are those of the projection before
        pick.forget_places()

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.segmented_control(
            "Projection", list(PROJECTIONS), format_func=PROJECTIONS.get, label_visibility="collapsed",
            **state.widget("projection", then=reprojected),
        )  # fmt: skip
        with st.popover("Settings", icon=":material/tune:"):
            if state.projection == "umap":
                _choose_settings(state, pick)
            else:
                _choose_axes(axes, pick)
            if state.zoos:
                _choose_guests(state, guests)
        for name, (none, help, width) in LOOK_BOXES.items():
            st.selectbox(
                name.capitalize(), look.offered[name], help=help, width=width,
                format_func=lambda column, none=none: look.columns[column].title if column else none,
                **look.widget(name),
            )  # fmt: skip
        bringing.offer_import(state.loaded.space_info)


def _choose_settings(state: MapState, pick: PickState) -> None:
    """UMAP's settings."""
    for name, option in state.options.items():
        words = {"label": SETTING_TITLES[name], "help": sentence(option["help"])}
        words |= state.widget(name, then=pick.forget_places)
        if option["choices"]:
            st.selectbox(options=option["choices"], **words)
        else:
            number = type(option["default"])
            st.number_input(min_value=number(option["least"]), max_value=number(option["most"]), **words)


def _choose_axes(axes: AxesState, pick: PickState) -> None:
    for axis, title in AXIS_TITLES.items():
        st.selectbox(
            title, axes.offered, format_func=projections.axis_title, **axes.widget(axis, then=pick.forget_places)
        )
    if axes.kind == "directions":
        st.caption("A column is read off the embeddings by ridge regression on the training networks.")


def _choose_guests(state: MapState, guests: list[str]) -> None:
    """The other zoos on the map."""
    st.multiselect(
        "Also on the map", list(state.zoos), format_func=lambda id: state.zoos[id].title,
        placeholder="other zoos that fit this space", help="They are placed on the map of this zoo, which does not "
        "change", **state.widget("guests", shown=guests),
    )  # fmt: skip
