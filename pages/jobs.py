"""Jobs: everything that takes long, how far it is, and the curves of one job."""

from collections.abc import Callable

import streamlit as st

from app.backend import jobs
from app.backend.visitors import is_visitor
from app.backend.words import code, plain
from app.palette import STATUSES
from app.ui import page, sidebar
from app.ui.links import one_of
from app.ui.page import PageField, PageState

COLUMNS = [2.2, 3.8, 2.3, 2.5, 1.8]  # widths in the list
SHOWN = 6  # rows of the list until all are asked for
CHARTS = 3  # per row


class JobsState(PageState):
    """Which job is shown in detail, and whether the list is complete."""

    def __init__(self, found: list[jobs.Run]) -> None:
        self.by_id = {run.id: run for run in found}
        super().__init__("jobs")

    def usual(self) -> str | None:
        """A job that is running, else the one started last."""
        return next((run.id for run in self.by_id.values() if run.state == "running"), next(iter(self.by_id), None))

    run = PageField(
        usual, link="run", check=one_of(lambda state: state.by_id, "There is no job in {}; showing another.")
    )
    complete = PageField(False)


# -- the list ----------------------------------------------------------------------------------------------------------


def badge(run: jobs.Run) -> None:
    look = STATUSES[run.state]
    st.badge(run.state, icon=look.icon, color=look.colour, help=look.meaning)


def row(state: JobsState, run: jobs.Run) -> None:
    mark, name, kind, bar, time = st.columns(COLUMNS, vertical_alignment="center")
    with mark:
        badge(run)
    with name.container(gap=None, key=f"jobwords-{run.id}"):
        here, words = run.id == state.run, plain(run.id)
        st.button(
            f"**{words}**" if here else words, key=f"job-{run.id}", type="tertiary", help="Show this job below",
            icon=":material/chevron_right:" if here else None, on_click=state.change, kwargs={"run": run.id},
        )  # fmt: skip
        if run.state in ("failed", "unreadable"):
            st.caption(plain(run.job.message))
    if run.job.kind:
        kind.markdown(code(run.job.kind))
    if run.far:
        bar.progress(run.share, text=run.far)
    time.caption(run.time)


def listing(state: JobsState) -> None:
    found = list(state.by_id.values())
    shown = found if state.complete else found[:SHOWN]
    chosen = state.by_id[state.run]
    with st.container(gap="xsmall"):
        for run in [*shown, *([chosen] if chosen not in shown else [])]:
            row(state, run)
        if len(shown) < len(found):
            st.button(
                f"Show all {len(found)}", type="tertiary", icon=":material/expand_more:", on_click=state.change,
                kwargs={"complete": True},
            )  # fmt: skip


# -- one job -----------------------------------------------------------------------------------------------------------


def act(what: Callable[[jobs.Run], None], run: jobs.Run) -> None:
    """Stop or resume a job."""
    with page.problems_noticed():
        what(run)


def heading(run: jobs.Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="jobhead"):
        st.markdown(f"##### {plain(run.id)}", width="stretch")
        badge(run)
        if run.alive:
            st.button(
                "Stop", icon=":material/stop:", disabled=run.stopping, on_click=act, args=(jobs.stop, run),
                help="Finished work is kept, and the job can be resumed",
            )  # fmt: skip
        elif run.resumable:
            st.button(
                "Resume", icon=":material/play_arrow:", type="primary", on_click=act, args=(jobs.resume, run),
                help="Continue from the finished work",
            )  # fmt: skip


def details(run: jobs.Run) -> None:
    """Message, curves, command and last lines of a job."""
    heading(run)
    if run.job.message:
        (st.error if run.state in ("failed", "unreadable") else st.caption)(plain(run.job.message))
    charts = list(jobs.charts(run).items())
    for first in range(0, len(charts), CHARTS):
        for column, (title, figure) in zip(st.columns(CHARTS, gap="medium"), charts[first:], strict=False):
            column.markdown(f"**{plain(title)}**")
            column.plotly_chart(figure, key=f"chart-{run.id}-{title}", config={"displayModeBar": False})
    if run.alive and not charts:
        st.caption("Curves appear with the first logged numbers.")
    if run.job.command:
        page.show_command(run.job.command, "Command")
    lines = jobs.log(run)
    if lines:
        with st.expander("Last lines", expanded=run.state in ("failed", "crashed")):
            st.code(lines, language=None, wrap_lines=True)
            st.caption(f"The complete log is {plain(run.id)}/log.txt")


def empty() -> None:
    st.info(
        "No jobs yet. Anything that takes longer than a minute (making a zoo, training a space, optimising an "
        "embedding) is a job: a process with its own folder. It continues if this page is closed, and can be stopped "
        "and resumed here. Each of these commands starts one:",
        icon=":material/list_alt:",
    )
    page.show_command("\n".join(task.commands for task in sidebar.ANY_NETWORKS.tasks))


# -- the page ----------------------------------------------------------------------------------------------------------


def watch() -> None:
    """The list and the chosen job, once a second while a job runs."""
    state = JobsState(jobs.list_runs())
    if any_alive(state) != live or page.has_notices():
        st.rerun()  # to start or stop watching; notices are shown above, outside of this fragment
    page.write_link(state.link())
    if state.run is None:
        empty()
        return
    listing(state)
    st.divider()
    details(state.by_id[state.run])


def any_alive(state: JobsState) -> bool:
    return any(run.alive for run in state.by_id.values())


sidebar.without_choice()
if is_visitor():
    st.info("Jobs are shown to the user of this machine alone.", icon=":material/list_alt:")
    st.stop()
live = any_alive(JobsState(jobs.list_runs()))
page.show_notices()
st.fragment(watch, run_every=1 if live else None)()
