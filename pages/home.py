"""Home: what this is, in one moving picture and two sentences."""

import streamlit as st

from app import components, frame, session

loaded = frame.loaded()
frame.notices()
left, right = st.columns([5, 7], vertical_alignment="center", gap="large")
with left:
    st.title("Look inside the space of trained networks")
    st.markdown(
        "Every frame of this film is a neural network, decoded from one point of a learnt latent space and meshed "
        "as it is shown. NetSpace embeds trained networks, so that they can be interpolated, mapped and optimised."
    )
    if st.button("Slide between chairs", type="primary", icon=":material/chair:"):
        st.switch_page("../pages/shapes.py")
    st.caption("After “Learning the Space of Deep Models”, Berardi, De Luigi, Salti and Di Stefano, ICPR 2022.")
with right:
    a, b = session.default_pair(loaded)
    work = session.path_work(loaded, a, b, ("latent",), 0)
    components.viewer(
        "home", session.viewer_data(loaded, work, a, b, frame=0, method="latent", hero=True), lambda: None, lambda: None
    )
    feeds = st.container(key="feeds", gap=None)

st.subheader("What is loaded")
columns = st.columns(5)
for column, (name, value) in zip(columns, session.summary(loaded).items(), strict=True):
    column.markdown(f"**{name}**  \n{value}")

with feeds:
    for k, part in enumerate(work.parts()):
        components.feed(f"home-{k}", work.part(part, f"part-{k}", "home"))
