"""Shapes: drag one chair into another, latent path on the left, raw weights on the right."""

import math

import streamlit as st

from app import frontend as components
from app.backend import chairs, take_away
from app.backend.catalogue import COLOURS
from app.backend.chairs import AT_REST
from app.backend.path import STEPS, sides_between
from app.ui import frame, viewport

state = st.session_state
loaded = frame.loaded(frame.SHAPES)
names = loaded.names

# -- the state of the page, which its link holds ---------------------------------------------------------------------


def camera(asked: str | list[float]) -> list[float]:
    try:
        azimuth, elevation, distance = (float(v) for v in (asked.split() if isinstance(asked, str) else asked))
        if not all(math.isfinite(v) for v in (azimuth, elevation, distance)):
            raise ValueError
    except ValueError:
        raise ValueError(f"The link's camera “{asked}” is not three numbers; showing the usual view.") from None
    return [math.remainder(azimuth, 2 * math.pi), min(max(elevation, -1.5), 1.5), min(max(distance, 1.6), 9.0)]


a, b = frame.linked_path("shape", loaded, chairs.default_pair(loaded))
frame.linked("shape_camera", "camera", None, camera)


def write_link() -> None:
    link = frame.path_link("shape", loaded)
    if state["shape_camera"]:
        link["camera"] = " ".join(f"{v:.3f}" for v in state["shape_camera"])
    frame.write_link(link)


# -- choosing ------------------------------------------------------------------------------------------------------


def pick() -> None:
    choice = state["picker"]["pick"]
    state[f"shape_{choice['slot']}"] = names[choice["id"]]
    frame.acted()


frame.notices()
top, bottom = st.container(), st.container()
with bottom:
    components.picker(
        "picker", chairs.picker_data(loaded, a, b), pick, lambda: frame.swap("shape"),
        lambda: frame.random_pair("shape", loaded),
    )  # fmt: skip
    thumbnails = chairs.atlas(loaded)
    if thumbnails:
        with st.container(key="feeds-atlas"):
            components.feed(f"atlas-{loaded.zoo_info.id}", thumbnails)


# -- sliding -------------------------------------------------------------------------------------------------------


def released() -> None:
    view = state["shapes"]["view"]
    state["shape_gamma"], state["shape_camera"] = view["frame"] / (STEPS - 1), view["camera"]
    frame.acted()


def chosen() -> None:
    state["shape_method"] = state["shapes"]["method"]
    frame.acted()


@st.fragment
def slide() -> None:
    write_link()
    i, method = round(state["shape_gamma"] * (STEPS - 1)), state["shape_method"]
    work = chairs.path_work(loaded, a, b, sides_between(loaded, a, b), i)
    head, actions = st.columns([1, 1], vertical_alignment="center")
    head.markdown("##### Drag from A to B: every frame is a network")
    data = chairs.viewer_data(loaded, work, a, b, frame=i, method=method, camera=state["shape_camera"])
    components.viewer("shapes", data | {"token": frame.token()}, released, chosen)
    remarks = frame.remarks(loaded, a, b)
    if remarks:
        st.caption(frame.plain(remarks))
    with st.container(key="feeds", gap=None):
        for k, part in enumerate(work.parts()):
            components.feed(f"shapes-{k}", work.part(part, f"part-{k}", "shapes"))
            if k == 0:
                with actions.container(horizontal=True, horizontal_alignment="right"):
                    keep(work, i, method)
        components.feed("shapes-detail", work.detail(i, "shapes"))


def keep(work: chairs.PathWork, i: int, method: str) -> None:
    """What can be kept of the chosen side at this gamma."""
    gamma = i / (STEPS - 1)
    solid = work.has_surface(method, i)
    file = f"{names[a]}_{names[b]}_{method}_{gamma:.3f}"
    if st.button("Inspect", icon=":material/3d_rotation:", disabled=not solid):
        inspection(work, i, method)
    with st.popover("Take away", icon=":material/download:"):
        st.markdown(f"**{take_away.method_title(method)}, gamma {gamma:.2f}**")
        st.caption(f"Mesh at {AT_REST}³" if solid else "There is no surface here to write as a mesh.")
        for column, kind in zip(st.columns(3), ("glb", "stl", "ply"), strict=True):
            frame.download(
                column, kind.upper(), lambda kind=kind: chairs.mesh_file(work, method, i, kind), f"{file}.{kind}",
                disabled=not solid,
            )  # fmt: skip
        frame.keep_network(work, method, i, names[a], names[b])


@st.dialog("One still mesh", width="large")
def inspection(work: chairs.PathWork, i: int, method: str) -> None:
    between = f"{frame.plain(names[a])} to {frame.plain(names[b])}"
    st.caption(f"{take_away.method_title(method)}, gamma {i / (STEPS - 1):.2f}, {between}, {AT_REST}³")
    vertices, faces = chairs.mesh_arrays(work, method, i)
    viewport.inspect(vertices, faces, COLOURS[method], dark=st.context.theme.type == "dark")


with top:
    slide()
