"""Shapes: drag one chair into another, by every method, beside each other."""

from collections.abc import Iterable
from typing import Any

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
    slice = PageField[dict[str, Any] | None](None, link="slice", parse=links.field_slice, write=links.write_slice)
    """the plane in which the fields are shown, and which part of them; None for none"""


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
    state.write_link()
    step = state.frame_number
    work = task.pair_path(loaded, *state.ids, state.methods, step)
    data = task.view_data(loaded, work, *state.ids, frame=step, method=state.method)
    data |= {"camera": state.camera, "slice": state.slice, "sliceable": True, "token": page.state_version()}
    frontend.viewer(
        VIEW, data, lambda: state.take_view(VIEW, "camera", "slice"), lambda: state.take_method(VIEW)
    )  # fmt: skip
    left, actions = st.columns([3, 2], vertical_alignment="center")
    with left:
        show_remarks(state)
    with st.container(key="feeds", gap=None):
        for k, part in enumerate(work.parts()):
            frontend.feed(f"{VIEW}-{k}", work.part(part, f"part-{k}", VIEW))
            if k == 0:  # the frame in view is there
                with actions.container(horizontal=True, horizontal_alignment="right"):
                    offer(work)
                if state.slice:
                    send_slices(work.slices_of(step, state.slice["axis"], state.slice["at"], VIEW))
        frontend.feed(f"{VIEW}-detail", work.detail(step, VIEW))
        if state.slice:
            slice_others(work)


def slice_others(work: chairs.PathWork) -> None:
    """Send the fields of all steps as they become ready; moves of the plane are answered meanwhile."""
    axis, at = state.slice["axis"], state.slice["at"]
    done = work.all_sliced(axis, at)

    def send() -> None:
        send_slices(work.slices(axis, at, VIEW))
        if work.all_sliced(axis, at) and not done:
            page.refresh()  # ends the polling, as in `streams.stream`

    st.fragment(send, run_every=None if done else 1)()


def send_slices(packets: Iterable[tuple[str, bytes | None]]) -> None:
    for name, packet in packets:
        if packet:
            frontend.feed(f"{VIEW}-{name}", packet)


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
