"""The networks selected on the map, below it: as a table, as a file, as a zoo."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.backend import selections
from app.backend.charts import Chart
from app.backend.projections import Placed
from app.backend.visitors import is_visitor
from app.backend.words import plain
from app.ui import page
from app.ui.downloads import offer_file
from app.ui.map_state import PickState
from app.ui.page import PageField, PageState


class SaveState(PageState):
    """The form for a zoo of the selected networks."""

    key = "map.save"
    name = PageField("")
    saved = PageField("")
    """what was saved, to be shown once"""


def show_selection(pick: PickState, where: Placed, ids, clear: Callable[[], None]) -> None:
    """The networks with these ids, and a button that calls `clear`."""
    chart, state, count = pick.chart, SaveState(), len(ids)
    head, row = st.columns([3, 2], vertical_alignment="center")
    head.markdown(f"##### {count:,} network{'s' if count != 1 else ''} selected")
    if not count:
        head.caption("There is no network inside this area.")
        return
    with row.container(horizontal=True, horizontal_alignment="right"):
        offer_file(
            st, "CSV", lambda: selections.csv(chart, where, ids), "selection.csv",
            "All that is recorded of them, and their places on the map", key="map_csv", icon=":material/download:",
            width="content",
        )  # fmt: skip
        if not is_visitor():
            with st.popover("Save as a zoo", icon=":material/folder_copy:"):
                _offer_zoo(state, chart, ids)
        st.button("Clear", icon=":material/close:", on_click=clear)
    if state.saved:
        st.success(plain(state.once("saved")))
    left, right = st.columns([7, 5], gap="medium")
    left.dataframe(selections.selection_table(chart, ids), hide_index=True, height=280)
    if count > selections.MOST_ROWS:
        left.caption(f"The first {selections.MOST_ROWS:,} of {count:,}; the file holds all of them.")
    means = selections.means(chart, ids)
    if len(means):
        figures = ("selection", "all", selections.DIFFERENCE)
        number = st.column_config.NumberColumn(format="%.4g")
        right.dataframe(means, hide_index=True, height=280, column_config=dict.fromkeys(figures, number))


def _offer_zoo(state: SaveState, chart: Chart, ids) -> None:
    """A form for a zoo of the selected networks of one of the zoos."""
    counts = selections.by_zoo(chart, ids)
    member = next(iter(counts))
    if len(counts) > 1:
        member = st.selectbox(
            "Networks of", list(counts), key="map_save_of",
            format_func=lambda k: f"{chart.members[k].zoo_info.title}, {counts[k]} selected",
        )  # fmt: skip
        st.caption("A zoo is made of networks of one zoo: save those of the others by themselves.")
    st.text_input("Name", placeholder="my-selection", help="Its folder below runs/zoos/", **state.widget("name"))
    st.button("Save", type="primary", on_click=_save, args=(state, chart, ids, member), width="stretch")


def _save(state: SaveState, chart: Chart, ids, member: int) -> None:
    with page.problems_noticed():
        folder = selections.save(chart, ids, member, state.typed("name").strip())
        state.saved = f"Saved as {folder}, which the sidebar offers from now on."
