"""Networks as images: the weights of an original and of a network on a path from it, side by side."""

import streamlit as st

from app import frontend as components
from app.backend import preps
from app.backend.path import sides_between
from app.ui import frame

state = st.session_state
loaded = frame.loaded(frame.ANYTHING)

# -- the state of the page, which its link holds ---------------------------------------------------------------------

a, b = frame.linked_path("image", loaded, preps.default_pair(loaded), gamma=0.0)
USUAL = {"against": "nearer", "scale": "own", "layer": ""}
family = loaded.space.family
of = family.names[0] if len(family.names) == 1 else "any of these architectures"
PARAMETERS = ["", *dict.fromkeys(name for arch in family.archs for name in arch.shapes)]
for name, options, sentence in (
    ("against", ["nearer", "a", "b"], "There is no end {} to compare with; showing the nearer one."),
    ("scale", ["own", "one"], "There is no scale {}; every parameter has its own."),
    ("layer", PARAMETERS, f"There is no parameter {{}} in {of}; none is marked."),
):
    frame.linked(f"image_{name}", name, USUAL[name], frame.one_of(options, sentence))


def write_link() -> None:
    unusual = {name: state[f"image_{name}"] for name, usual in USUAL.items() if state[f"image_{name}"] != usual}
    frame.write_link(frame.path_link("image", loaded) | unusual)


# -- sliding -------------------------------------------------------------------------------------------------------


def released() -> None:
    view = state["networks"]["view"]
    state["image_gamma"] = view["frame"] / (work.steps - 1)
    state.update({f"image_{name}": view[name] for name in USUAL})
    frame.acted()


def focused() -> None:
    state["image_method"] = state["networks"]["method"]
    frame.acted()


@st.fragment
def slide(work: preps.PrepPath) -> None:
    write_link()
    data = preps.view_data(
        loaded, work, a, b, frame=round(state["image_gamma"] * (work.steps - 1)), method=state["image_method"],
        **{name: state[f"image_{name}"] for name in USUAL},
    )  # fmt: skip
    components.preps("networks", data | {"token": frame.token()}, released, focused)
    remarks = frame.remarks(loaded, a, b)
    if remarks:
        st.caption(frame.plain(remarks))


frame.notices()
frame.choose_pair("image", loaded, preps.order(loaded))
work = preps.prep_path(loaded, a, b, sides_between(loaded, a, b), state["image_gamma"])
slide(work)
frame.feeds(work, "networks", later=lambda: preps.ask(work))
