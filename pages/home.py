"""Home: what this is, in one moving picture and two sentences."""

import streamlit as st

from app import components, frame, session

SPLITS = {"train": "training networks", "heldout": "held-out networks"}


def shown(value: float | None, digits: int) -> str:
    return "no surface" if value is None else f"{value:.{digits}f}"


loaded = frame.loaded()
frame.notices()
left, right = st.columns([5, 7], vertical_alignment="center", gap="large")
with left:
    st.title("Look inside the space of trained networks")
    st.markdown(
        "Every frame of this film is a neural network, decoded from one point of a learnt latent space and meshed "
        "as it is shown. Drag the path yourself, beside the one through raw weights, along which the shape falls apart."
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

st.subheader("How well the space reproduces them")
measured = session.reconstruction(loaded)
if measured:
    st.markdown(
        "| | networks | agreement | IoU | Chamfer distance |\n|---|--:|--:|--:|--:|\n"
        + "\n".join(
            f"| {SPLITS[split]} | {m['count']} | {shown(m['agreement_median'], 3)} | {shown(m['iou_median'], 3)} "
            f"| {shown(m['chamfer_median'], 4)} |"
            for split, m in measured.items()
        )
    )
    st.caption(
        "Medians over networks, decoded against original. Agreement: share of points near the surface at which both "
        "answers are within 0.01. " + session.reads_note(loaded)
    )
else:
    st.markdown("Not measured yet. This command measures it:")
    st.code(session.eval_command(loaded), language="bash", wrap_lines=True)

with feeds:
    for k, part in enumerate(work.parts()):
        components.feed(f"home-{k}", work.part(part, f"part-{k}", "home"))
