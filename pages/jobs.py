"""Jobs: what takes long, how far it is, and the curves of one."""

import streamlit as st

from app.backend import jobs
from app.ui import frame

state = st.session_state
SHOWN = 6  # in the list, before all are asked for
COLUMNS = [1.5, 4.4, 1.5, 3.2, 2]
BADGES = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/play_circle:", "green"),
    "stopping": (":material/hourglass_top:", "gray"),
    "stopped": (":material/pause_circle:", "blue"),
    "finished": (":material/check_circle:", "gray"),
    "failed": (":material/error:", "red"),
    "crashed": (":material/bolt:", "orange"),
    "unreadable": (":material/broken_image:", "red"),
}
MEANING = {
    "queued": "It waits until fewer than two other jobs run",
    "running": "It goes on when this page is closed, and when the app ends",
    "stopping": "It was asked to stop and saves what it finished",
    "stopped": "It was asked to stop; resuming goes on from what it finished",
    "finished": "It is done",
    "failed": "It ended and said why",
    "crashed": "Its process is gone without a word: killed, or the machine went down",
    "unreadable": "Its records are damaged",
}
CHARTS = 3  # in a row
STYLE = """
<style>
[class*="st-key-jobwords"] p { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
</style>
"""

# -- the state of the page, which its link holds ---------------------------------------------------------------------


def take(id: str) -> None:
    state["job_run"] = id
    frame.acted()


def more() -> None:
    state["job_all"] = True


def chosen(found: list[jobs.Run]) -> jobs.Run | None:
    """The run whose details are shown: as session or link have it, else one that is running, else the newest."""
    usual = next((run.id for run in found if run.state == "running"), found[0].id if found else None)
    ids = [run.id for run in found]
    id = frame.linked("job_run", "run", usual, frame.one_of(ids, "There is no job in {}; showing another."))
    return next((run for run in found if run.id == id), None)


# -- acting on a run -------------------------------------------------------------------------------------------------


def tell(act, run: jobs.Run) -> None:
    """Stop or resume a run; why it cannot be is told at the top of the page."""
    try:
        act(run)
    except ValueError as problem:
        frame.notice(frame.sentence(problem))
    frame.acted()


# -- the page ----------------------------------------------------------------------------------------------------------


def badge(run: jobs.Run) -> None:
    icon, colour = BADGES[run.state]
    st.badge(run.state, icon=icon, color=colour, help=MEANING[run.state])


def row(run: jobs.Run, here: bool) -> None:
    """A run in the list."""
    mark, name, kind, bar, time = st.columns(COLUMNS, vertical_alignment="center")
    with mark:
        badge(run)
    with name.container(gap=None, key=f"jobwords-{run.id}"):
        words = frame.plain(run.id)
        st.button(
            f"**{words}**" if here else words, key=f"job-{run.id}", type="tertiary", help="Show it below",
            icon=":material/chevron_right:" if here else None, on_click=take, args=(run.id,),
        )  # fmt: skip
        if run.state in ("failed", "unreadable"):
            st.caption(frame.plain(run.job.message))
    if run.job.kind:
        kind.markdown(frame.code(run.job.kind))
    if run.far:
        bar.progress(run.share, text=run.far)
    time.caption(run.time)


def listing(found: list[jobs.Run], run: jobs.Run) -> None:
    shown = found if state.get("job_all") else found[:SHOWN]
    with st.container(gap="xsmall"):
        for each in [*shown, *([run] if run not in shown else [])]:
            row(each, each.id == run.id)
        if len(shown) < len(found):
            st.button(f"Show all {len(found)}", type="tertiary", icon=":material/expand_more:", on_click=more)


def details(run: jobs.Run) -> None:
    """Of one run: what can be done, how it goes, its command and its last lines."""
    with st.container(horizontal=True, vertical_alignment="center", key="jobhead"):
        st.markdown(f"##### {frame.plain(run.id)}", width="stretch")
        badge(run)
        if run.alive:
            st.button(
                "Stop", icon=":material/stop:", disabled=run.stopping, on_click=tell, args=(jobs.stop, run),
                help="What it finished is kept, and it can be resumed",
            )  # fmt: skip
        elif run.resumable:
            st.button(
                "Resume", icon=":material/play_arrow:", type="primary", on_click=tell, args=(jobs.resume, run),
                help="Go on from what it finished",
            )  # fmt: skip
    if run.job.message:
        (st.error if run.state in ("failed", "unreadable") else st.caption)(frame.plain(run.job.message))
    charts = list(jobs.charts(run).items())
    for first in range(0, len(charts), CHARTS):
        for column, (title, figure) in zip(st.columns(CHARTS, gap="medium"), charts[first:], strict=False):
            column.markdown(f"**{frame.plain(title)}**")
            column.plotly_chart(figure, key=f"chart-{run.id}-{title}", config={"displayModeBar": False})
    if run.alive and not charts:
        st.caption("Curves appear with its first line of numbers.")
    if run.job.command:
        st.caption("Command")
        st.code(run.job.command, language="bash", wrap_lines=True)
    said = jobs.log(run)
    if said:
        with st.expander("Last lines", expanded=run.state in ("failed", "crashed")):
            st.code(said, language=None, wrap_lines=True)
            st.caption(f"All of them are in {frame.plain(run.id)}/log.txt")


def empty() -> None:
    st.info(
        "Nothing was started yet. What takes longer than a minute, making a zoo, training a space or optimising an "
        "embedding, is a job: a "
        "process with a folder of its own. It goes on when this page is closed, and can be stopped and resumed here. "
        "These commands start one each:",
        icon=":material/list_alt:",
    )
    st.code(f"{frame.SHAPES.commands}\n{frame.IMAGES.commands}", language="bash")


def watch() -> None:
    found = jobs.find()
    run = chosen(found)
    if any(run.alive for run in found) != live or frame.has_notices():
        frame.rerun()  # to look again by itself from here on, or no longer; notices are told above, where they stay
    frame.write_link({"run": run.id} if run else {})
    if run is None:
        empty()
        return
    listing(found, run)
    st.divider()
    details(run)


frame.without_choice()
st.html(STYLE)
st.header("Jobs")
found = jobs.find()
live = any(run.alive for run in found)
chosen(found)
frame.notices()
st.fragment(watch, run_every=1 if live else None)()
