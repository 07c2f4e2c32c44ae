"""Home: what this is, in one moving picture and two sentences."""

import streamlit as st

from app import frontend
from app.backend import catalogue, scores, take_away
from app.backend.path import method_names
from app.backend.visitors import is_visitor
from app.tasks import app_task, pages_of_kinds
from app.ui import page, sidebar

FILM = (
    "Every frame of this film is a neural network, decoded from one point of a learnt latent space and meshed as it is "
    "shown. Drag the path yourself, beside those through raw and aligned weights, along which the shape falls apart."
)
WITHOUT_FILM = (
    "Between two trained networks lies a path of networks, each decoded from one point of a learnt latent space. Drag "
    "along it yourself, beside those through raw weights and through weights whose units are matched first."
)

loaded = sidebar.choose(sidebar.ANY_NETWORKS)
subject = sidebar.Subject.of_page("shapes")
film = loaded if subject.suits(loaded.space_info) else sidebar.last_used(subject)
page.write_link(sidebar.choice_link(loaded))
page.show_notices()

left, right = st.columns([5, 7], vertical_alignment="center", gap="large")
with left:
    st.title("Look inside the space of trained networks")
    st.markdown(FILM if film else WITHOUT_FILM)
    st.caption("After “Learning the Space of Deep Models”, Berardi, De Luigi, Salti and Di Stefano, ICPR 2022.")
if film:
    with right:
        task = app_task(film)
        (a, b), method = task.default_pair(film), method_names()[0]
        work = task.pair_path(film, a, b, (method,), 0)
        data = task.view_data(film, work, a, b, frame=0, method=method) | {"hero": True}
        frontend.viewer("home", data, lambda: None, lambda: None)
        feeds = st.container(key="feeds", gap=None)

with st.container(key="doors"):
    first = app_task(film or loaded).page
    for name, kind in pages_of_kinds().items():
        look = "primary" if name == first else "secondary"
        if page.button(kind.invitation, f"home_{name}", type=look, icon=kind.icon, width="stretch"):
            st.switch_page(f"../pages/{name}.py")
    if page.button("Explore the map", "home_map", icon=":material/scatter_plot:", width="stretch"):
        st.switch_page("../pages/zoo_map.py")

st.subheader("What is loaded")
summary = catalogue.summary(loaded)
for column, (name, value) in zip(st.columns(len(summary)), summary.items(), strict=True):
    column.markdown(f"**{name}**  \n{value}")

st.subheader("How well the space reproduces them")
measured = scores.tables(loaded)
if measured:
    st.markdown(measured.splits)
    st.caption(measured.note)
    for split, table in measured.architectures.items():
        with st.expander(f"By architecture, {split}"):
            st.markdown(table)
else:
    st.markdown("Not measured yet." + ("" if is_visitor() else " This command measures it:"))
    page.show_command(take_away.eval_command(loaded))

if film:
    with feeds:  # last: the page stands before the film is computed
        for k, part in enumerate(work.parts()):
            frontend.feed(f"home-{k}", work.part(part, f"part-{k}", "home"))
