"""Networks as images: the weights of an original and of a network on a path from it, side by side."""

import streamlit as st

from app import frontend
from app.backend import preps
from app.tasks import app_task
from app.ui import page, sidebar
from app.ui.links import one_of
from app.ui.page import PageField
from app.ui.pair import PairState, choose_ends, show_remarks
from app.ui.streams import stream

VIEW = "networks"


class ImageState(PairState):
    """The pair, and how its networks are compared."""

    def no_parameter(self, name: str) -> str:
        if name and name not in preps.parameters(self.loaded):
            raise ValueError(f"There is no parameter “{name}” in {preps.titled(self.loaded)}; none is marked.")
        return name

    against = PageField(
        "nearer", link="against", terse=True,
        check=one_of(("nearer", "a", "b"), "There is no end {} to compare with; showing the nearer one."),
    )  # fmt: skip
    scale = PageField(
        "own", link="scale", terse=True,
        check=one_of(("own", "one"), "There is no scale {}; every parameter has its own."),
    )  # fmt: skip
    layer = PageField("", link="layer", terse=True, check=no_parameter)


loaded = sidebar.choose(sidebar.ANY_NETWORKS)
state = ImageState("image", loaded, app_task(loaded).default_pair, gamma=0.0)


@st.fragment
def slide(work: preps.PrepPath) -> None:
    state.write_link()
    data = preps.prep_data(
        loaded, work, *state.ids, frame=state.frame_number, method=state.method, against=state.against,
        scale=state.scale, layer=state.layer,
    )  # fmt: skip
    frontend.preps(
        VIEW, data | {"token": page.state_version()}, lambda: state.take_view(VIEW, "against", "scale", "layer"),
        lambda: state.take_method(VIEW),
    )  # fmt: skip
    show_remarks(state)


page.show_notices()
choose_ends(state, app_task(loaded).table(loaded).index.tolist())
work = preps.prep_path(loaded, *state.ids, state.methods, state.frame_number)
state.steps = work.steps  # large networks have fewer
slide(work)
stream(work, VIEW, after=lambda: preps.ask(work))
