"""Pictures: drag one network that holds a picture into another; any kind of network that has no page of its own."""

import streamlit as st

from app import frontend
from app.backend.path import NetworkPath
from app.backend.words import plain
from app.tasks import app_task
from app.ui import downloads, page, sidebar
from app.ui.pair import PairState, choose_ends, shared_key, show_remarks
from app.ui.streams import stream

VIEW = "pictures"

loaded = sidebar.choose(sidebar.Subject.of_page("pictures"))
task = app_task(loaded)
state = PairState(shared_key(loaded), loaded, task.default_pair)


@st.fragment
def slide(work: NetworkPath) -> None:
    state.write_link()
    data = task.view_data(loaded, work, *state.ids, frame=state.frame_number, method=state.method)
    frontend.path_view(task.view)(
        VIEW, data | {"token": page.state_version()}, lambda: state.take_view(VIEW), lambda: state.take_method(VIEW)
    )
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        show_remarks(state)
    actions = right.container(horizontal=True, horizontal_alignment="right")
    with actions.popover("Export", icon=":material/download:"):
        downloads.offer_path(state, work)


def all_networks() -> None:
    """The zoo as a table, from which A and B can be taken."""
    st.markdown("##### Networks of this zoo")
    left, right = st.columns([3, 1])
    table = task.table(loaded)
    rows = left.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="single-row", key=f"{VIEW}_table"
    ).selection.rows  # fmt: skip
    name = table["name"].iloc[rows[0]] if rows else ""
    right.caption(f"**{plain(name)}**" if name else "Select a row, then:")
    for end in "ab":
        right.button(
            f"Set as {end.upper()}", key=f"{VIEW}_set_{end}", disabled=not name, width="stretch",
            on_click=state.change, kwargs={end: name},
        )  # fmt: skip


page.show_notices()
choose_ends(state, task.table(loaded).index.tolist())
work = task.pair_path(loaded, *state.ids, state.methods, state.frame_number)
slide(work)
stream(work, VIEW)
with st.container(key="aside-networks"):
    all_networks()
