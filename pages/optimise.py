"""Optimise: move an embedding through the frozen space until its network does what is asked, and watch it go."""

import streamlit as st

from app import frontend
from app.backend import optimise
from app.backend.optimise import LsoRun
from app.backend.visitors import is_visitor
from app.backend.words import plain
from app.tasks import app_task
from app.ui import page, sidebar
from app.ui.run_choice import RunsState, choose_run
from app.ui.run_setup import StartState, can_launch, choose_setup, say_images_missing

VIEW = "optimise"
TELL = {"stopped": st.info, "finished": st.warning, "crashed": st.warning}  # of other states as an error

loaded = sidebar.choose(sidebar.ANY_NETWORKS)
state, starts = RunsState(loaded, optimise.find_runs(loaded)), StartState(loaded)


def mapped() -> bool:
    """Whether all networks of the zoo have their place on the map."""
    return optimise.embedded(loaded) == 1


def progress_of(runs: list[LsoRun]) -> list[tuple[str, bool]]:
    """What the rows above the map depend on."""
    return [(run.state, optimise.has_best(run)) for run in runs]


def watch() -> None:
    """The map, the curves and the numbers, once a second while a run is under way."""
    if starts.once("clicked"):
        st.rerun()  # the row above shows the start that was clicked
    page.write_link(state.link())
    now = [optimise.read_lso(run.folder) for run in state.shown]
    if progress_of(now) != seen or mapped() != with_map:
        st.rerun()  # one has begun, has its first network or has ended, or the map is there
    readable = [run for run in now if run.state != "unreadable"]
    start, seed = (starts.start, setup.seed) if setup else ("", 0)
    data = optimise.progress_data(loaded, readable, start, seed)
    for run, item in zip(readable, data["runs"], strict=True):
        if item["trouble"] and not run.alive:  # else its first checkpoint is about to be written
            st.warning(plain(item["trouble"]))
    if not (readable and optimise.is_drawn(loaded)):
        frontend.optimise(VIEW, data | {"part": ""}, lambda: starts.take_click(VIEW))
        return
    left, right = st.columns([5, 4], gap="medium")
    with left:
        frontend.optimise(VIEW, data | {"part": "board"}, lambda: starts.take_click(VIEW))
    with right:
        above, numbers = st.container(), f"{VIEW}-numbers"
        frontend.optimise(numbers, data | {"part": "numbers"}, lambda: starts.take_click(numbers))
        with above:  # last: the numbers do not wait for it
            show_best(readable[0])


def show_best(run: LsoRun) -> None:
    """The best network beside its target."""
    data = optimise.best_data(loaded, run)
    if not data:
        st.caption("The first network is about to be decoded.")
        return
    frontend.path_view(app_task(loaded).view)("optimised", data | {"token": 0}, lambda: None, lambda: None)
    with st.container(key="feeds-meshes", gap=None):
        for name, content in optimise.best_feeds(loaded, run, "optimised"):
            frontend.feed(f"optimised-{name}", content)


page.show_notices()
if state.kept:
    st.success(plain(state.once("kept")))
if optimise.no_map(loaded):
    st.info(f"There is no map of this zoo: {plain(optimise.no_map(loaded))}.", icon=":material/scatter_plot:")
    st.stop()
setup = None
if is_visitor():
    pass  # the sidebar says so
elif can_launch(loaded):
    setup = choose_setup(loaded, starts, state)
else:
    say_images_missing(loaded)
if state.run:
    choose_run(state)
    run = state.by_id[state.run]
    if run.message:
        TELL.get(run.state, st.error)(plain(run.message))
seen, with_map = progress_of(state.shown), mapped()
live = not with_map or any(run.alive for run in state.shown)
st.fragment(watch, run_every=1 if live else None)()
if with_map:
    with st.container(key="feeds-map"):
        frontend.feed(f"{VIEW}-map", optimise.map_feed(loaded, VIEW))
