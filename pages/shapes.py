"""Shapes: drag one chair into another, by every method, beside each other."""

import streamlit as st

from app import frontend
from app.backend import chairs, take_away
from app.backend.path import method_colour
from app.backend.visitors import is_visitor
from app.backend.words import plain
from app.tasks import app_task
from app.ui import downloads, links, mesh_view, page, sidebar
from app.ui.page import PageField, sent
from app.ui.pair import PairState, shared_key, show_remarks

VIEW = "shapes"


class ShapesState(PairState):
    """The pair, and from where its shapes are seen."""

    camera = PageField[list[float] | None](None, link="camera", parse=links.camera, write=links.three_decimals)
    """azimuth, elevation and distance; None for the usual view"""


loaded = sidebar.choose(sidebar.Subject.of_page("shapes"))
task = app_task(loaded)
state = ShapesState(shared_key(loaded), loaded, task.default_pair)


def pick() -> None:
    """Take the network that was clicked as A or B."""
    choice = sent("picker").get("pick")
    if choice:
        state.change(**{choice["slot"]: state.names[choice["id"]]})


def choose_ends() -> None:
    """Choose A and B from the zoo's thumbnails."""
    frontend.picker("picker", chairs.picker_data(loaded, *state.ids), pick, state.swap, state.draw)
    thumbnails = chairs.atlas(loaded)
    if thumbnails:
        with st.container(key="feeds-atlas"):
            frontend.feed(f"atlas-{loaded.zoo_info.id}", thumbnails)


@st.fragment
def slide() -> None:
    page.write_link(state.link())
    step = state.frame_number
    work = task.pair_path(loaded, *state.ids, state.methods, step)
    head, actions = st.columns([1, 1], vertical_alignment="center")
    head.markdown("##### Drag from A to B: every frame is a network")
    data = task.view_data(loaded, work, *state.ids, frame=step, method=state.method) | {"camera": state.camera}
    frontend.viewer(
        VIEW, data | {"token": page.state_version()}, lambda: state.take_view(VIEW, "camera"),
        lambda: state.take_method(VIEW),
    )  # fmt: skip
    show_remarks(state)
    with st.container(key="feeds", gap=None):
        for k, part in enumerate(work.parts()):
            frontend.feed(f"{VIEW}-{k}", work.part(part, f"part-{k}", VIEW))
            if k == 0:  # the frame in view is there
                with actions.container(horizontal=True, horizontal_alignment="right"):
                    offer(work)
        frontend.feed(f"{VIEW}-detail", work.detail(step, VIEW))


def offer(work: chairs.PathWork) -> None:
    """What can be done with the network in view: inspect it, or download it and its mesh."""
    method, step = state.method, state.frame_number
    solid = work.has_surface(method, step)
    if not is_visitor() and page.button("Inspect", "shapes_inspect", icon=":material/3d_rotation:", disabled=not solid):
        inspect(work)
    with st.popover("Export", icon=":material/download:"):
        downloads.offer_path(state, work)


@st.dialog("One still mesh", width="large")
def inspect(work: chairs.PathWork) -> None:
    method, between = state.method, f"{plain(state.a)} to {plain(state.b)}"
    st.caption(f"{take_away.method_title(method)}, gamma {state.shown_gamma:.2f}, {between}, {chairs.AT_REST}³")
    vertices, faces = chairs.mesh_arrays(work, method, state.frame_number)
    mesh_view.show_mesh(vertices, faces, method_colour(method), dark=st.context.theme.type == "dark")


page.show_notices()
top, bottom = st.container(), st.container()
with bottom:
    choose_ends()
with top:
    slide()
