"""Scorecard: every method on the same pairs of networks, and whether what the space makes is new."""

import streamlit as st

from app.backend import scorecards
from app.backend.words import plain
from app.ui import page, sidebar
from app.ui.links import one_of
from app.ui.page import PageField, PageState

NOTHING = (
    "Nothing was measured of this space yet. A scorecard puts every method on the same pairs of networks; the audits "
    "ask whether what the space makes is new, and whether networks that do the same have the same embedding."
)


class ScoreState(PageState):
    """Which measure is drawn."""

    def __init__(self, found: list[scorecards.Report]) -> None:
        self.measures = next((report.measures for report in found if report.measures), {})
        super().__init__("scorecard")

    def usual(self) -> str | None:
        return next(iter(self.measures), None)

    measure = PageField(
        usual, link="measure", check=one_of(lambda state: state.measures, "There is no measure {}; showing another."),
        terse=True,
    )  # fmt: skip


def show(report: scorecards.Report, state: ScoreState) -> None:
    st.subheader(report.title)
    if report.measures:
        chosen = state.measure if state.measure in report.measures else next(iter(report.measures))
        st.selectbox("Measure", list(state.measures), format_func=state.measures.get, **state.widget("measure"))
        st.plotly_chart(scorecards.figure(report, chosen), config={"displayModeBar": False})
        st.markdown(scorecards.measure_table(report, chosen))
        with st.expander("All measures"):
            st.dataframe(report.cells, hide_index=True)
    else:
        st.markdown(report.table)
    with st.expander("What the columns are"):
        st.markdown("\n".join(f"- {words}" for words in report.explained))
    st.caption(plain(report.folder))
    page.show_command(report.command, "Made by")


loaded = sidebar.choose(sidebar.ANY_NETWORKS)
found, problems = scorecards.reports(loaded)
state = ScoreState(found)
page.write_link(sidebar.choice_link(loaded) | state.link())
page.show_notices()
for problem in problems:
    st.warning(plain(problem))
for report in found:
    first = next(r for r in found if r.kind == report.kind)
    if report is first:
        show(report, state)
    else:
        with st.expander(f"{plain(report.title)}: {plain(report.folder)}"):
            st.dataframe(report.cells, hide_index=True)
if not found:
    st.info(NOTHING, icon=":material/table_chart:")
    page.show_command(scorecards.commands(loaded))
