"""Optimise: the run in view, the runs shown over it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.backend import optimise, take_away
from app.backend.catalogue import Loaded
from app.backend.optimise import LsoRun
from app.backend.visitors import is_visitor
from app.backend.words import plain
from app.ui import downloads, page, sidebar
from app.ui.page import PageField, PageState

MOST_OVER = 3
"""runs that are shown over another"""


class RunsState(PageState):
    """The run in view and those shown over it, by id."""

    key = "optimise"

    def __init__(self, loaded: Loaded, found: list[LsoRun]) -> None:
        self.loaded, self.by_id = loaded, {run.id: run for run in found}
        super().__init__()

    def usual_run(self) -> str | None:
        """The first that can be read."""
        return next(iter([*self.readable, *self.by_id]), None)

    def known(self, id: str) -> str:
        if id not in self.by_id:
            raise ValueError(f"There is no run “{id}” in this space; showing another.")
        return id

    def all_known(self, ids: list[str]) -> list[str]:
        lost = [id for id in ids if id not in self.by_id]
        if lost:
            raise ValueError(f"There is no run “{lost[0]}” in this space to compare with.")
        return ids

    run = PageField[str | None](usual_run, link="run", check=known)
    over = PageField[list[str]](
        lambda state: [], link="with", parse=lambda text: [id for id in text.split(",") if id], check=all_known,
        write=lambda ids: None,
    )  # fmt: skip
    kept = PageField("")
    """what became of a network that was kept, to be shown once"""

    @property
    def readable(self) -> list[str]:
        """Ids of the runs whose records can be read."""
        return [id for id, run in self.by_id.items() if run.state != "unreadable"]

    @property
    def others(self) -> list[str]:
        """Ids of the runs over the one in view."""
        return [id for id in self.over if id != self.run]

    @property
    def shown(self) -> list[LsoRun]:
        """The run in view, then those over it."""
        return [self.by_id[id] for id in (self.run, *self.others) if id in self.by_id]

    def link(self) -> dict[str, str]:
        link = sidebar.choice_link(self.loaded) | super().link()
        return link | {"with": ",".join(self.others)} if self.others else link


class KeptState(PageState):
    """The name under which the best network of a run is kept."""

    def __init__(self, run: LsoRun) -> None:
        self.run = run
        super().__init__(f"optimise.keep.{run.id}")

    name = PageField(
        lambda state: state.run.folder.name if state.run.title != state.run.id else state.run.id.replace("/", "-")
    )


def choose_run(state: RunsState) -> None:
    """The run in view, the runs that are shown over it, and buttons for what can be done with it."""
    run = state.by_id[state.run]

    def brief(id: str) -> str:
        return optimise.brief(state.by_id[id])

    with st.container(horizontal=True, vertical_alignment="center"):
        st.selectbox(
            "Run", list(state.by_id), format_func=brief, label_visibility="collapsed", width="stretch",
            **state.widget("run"),
        )  # fmt: skip
        if len(state.readable) > 1:
            count = f" ({len(state.others)})" if state.others else ""
            with st.popover(f"Compare{count}", icon=":material/stacked_line_chart:"):
                st.multiselect(
                    "Shown over this run", [id for id in state.readable if id != run.id], format_func=brief,
                    max_selections=MOST_OVER, placeholder="other runs in this space",
                    **state.widget("over", shown=state.others),
                )  # fmt: skip
        if is_visitor():
            pass
        elif run.alive:
            st.button(
                "Stop", icon=":material/stop:", disabled=run.state == "stopping", on_click=_act,
                args=(optimise.stop_run, run), help="What it has found is kept, and it can be resumed",
            )  # fmt: skip
        elif run.resumable:
            st.button(
                "Resume", icon=":material/play_arrow:", type="primary", on_click=_act, args=(optimise.resume_run, run),
                help="Go on, to the same numbers as without a break",
            )  # fmt: skip
        if optimise.has_best(run):
            _offer_best(state, run)


def _act(what: Callable[[LsoRun], None], run: LsoRun) -> None:
    with page.problems_noticed():
        what(run)


def _offer_best(state: RunsState, run: LsoRun) -> None:
    """The best network of a run: for the zoo, and as files."""
    loaded, name = state.loaded, KeptState(run)
    with st.popover("Keep", icon=":material/bookmark_add:"):
        st.markdown("**The best network of this run**")
        if not is_visitor():
            _offer_zoo(state, run, name)
        downloads.offer_exports(
            loaded, take_away.NETWORK, lambda: optimise.best_subject(loaded, run), f"{run.folder.name}_best",
            "As a file",
        )  # fmt: skip
        if optimise.run_command(run):
            page.show_command(optimise.run_command(run), "The command of this run")


def _offer_zoo(state: RunsState, run: LsoRun, name: KeptState) -> None:
    """The best network of a run for the zoo, or for its copy."""
    st.text_input("Name in the zoo", **name.widget("name"))
    folder, missing = optimise.zoo_to_keep_in(state.loaded)
    where = plain(optimise.shown_path(folder))
    if folder == state.loaded.zoo_info.folder:
        st.caption(f"It joins {where}, marked as optimised: no space is trained on it.")
    else:
        copy = f"a copy of it, {where}, is made and" if missing else f"its copy, {where},"
        st.caption(f"This zoo ships with the product and stays as it is: {copy} gets the network.")
    st.button(
        "Keep in the zoo", icon=":material/add:", type="primary", on_click=_keep, args=(state, run, name),
        width="stretch",
    )  # fmt: skip


def _keep(state: RunsState, run: LsoRun, named: KeptState) -> None:
    with page.problems_noticed():
        name = named.typed("name")
        zoo = optimise.keep(state.loaded, run, name)
        sidebar.choose_zoo(zoo)
        state.kept = f"{name} is now in {zoo}, marked as optimised."
