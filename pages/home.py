"""Home: what this is, in one moving picture and two sentences."""

import streamlit as st

from app import frontend as components
from app.backend import catalogue, chairs, take_away
from app.ui import frame

FILM = (
    "Every frame of this film is a neural network, decoded from one point of a learnt latent space and meshed as it is "
    "shown. Drag the path yourself, beside the one through raw weights, along which the shape falls apart."
)
WITHOUT_FILM = (
    "Between two trained networks lies a path of networks, each decoded from one point of a learnt latent space. Drag "
    "along it yourself, beside the one through raw weights, along which the networks fall apart."
)
SPLITS = {"train": "training networks", "validation": "validation networks", "heldout": "held-out networks"}
# by kind of network: titles, keys and digits of what `eval --save` measured, what they mean, and what None is
FIGURES = {
    "sdf": (
        {
            "agreement": ("agreement_median", 3),
            "IoU": ("iou_median", 3),
            "Chamfer distance": ("chamfer_median", 4),
        },
        "Medians over networks, decoded against original. Agreement: share of points near the surface at which both "
        "answers are within 0.01.",
        "no surface",
    ),
    "images": (
        {
            "error of accuracy": ("accuracy_mae", 3),
            "correlation of accuracies": ("pearson", 3),
            "same answer": ("same_answer", 3),
        },
        "Decoded against original, on all test images: mean absolute difference of the two accuracies, Pearson's "
        "correlation of the two over networks, and the share of images that both put into the same class.",
        "not defined",
    ),
}
OF_FAMILIES = {"architecture right": ("architecture_right", 3)}
OF_FAMILIES_NOTE = "Architecture right: share of networks whose architecture the class head predicts."


def table(rows: dict[str, dict], columns: dict[str, tuple[str, int]], none: str) -> str:
    """Markdown: what was measured, by the rows' titles; empty where a figure was not measured of a row."""

    def cell(figures: dict, key: str, digits: int) -> str:
        return (none if figures[key] is None else f"{figures[key]:.{digits}f}") if key in figures else ""

    lines = [["", "networks", *columns], ["--", *["--:"] * (len(columns) + 1)]]
    for name, figures in rows.items():
        lines.append(
            [frame.plain(name), str(figures["count"]), *(cell(figures, *column) for column in columns.values())]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


loaded = frame.loaded(frame.ANYTHING)
film = loaded if frame.SHAPES.suits(loaded.space_info) else frame.loaded_beside(frame.SHAPES)
frame.notices()
left, right = st.columns([5, 7], vertical_alignment="center", gap="large")
with left:
    st.title("Look inside the space of trained networks")
    st.markdown(FILM if film else WITHOUT_FILM)
    with st.container(horizontal=True):
        if st.button("Slide between chairs", type="primary" if film else "secondary", icon=":material/chair:"):
            st.switch_page("../pages/shapes.py")
        if st.button("Slide between classifiers", type="secondary" if film else "primary", icon=":material/label:"):
            st.switch_page("../pages/classifiers.py")
        if st.button("Explore the map", icon=":material/scatter_plot:"):
            st.switch_page("../pages/zoo_map.py")
    st.caption("After “Learning the Space of Deep Models”, Berardi, De Luigi, Salti and Di Stefano, ICPR 2022.")
if film:
    with right:
        a, b = chairs.default_pair(film)
        work = chairs.path_work(film, a, b, ("latent",), 0)
        data = chairs.viewer_data(film, work, a, b, frame=0, method="latent", hero=True)
        components.viewer("home", data, lambda: None, lambda: None)
        feeds = st.container(key="feeds", gap=None)

st.subheader("What is loaded")
columns = st.columns(5)
for column, (name, value) in zip(columns, catalogue.summary(loaded).items(), strict=True):
    column.markdown(f"**{name}**  \n{value}")

st.subheader("How well the space reproduces them")
measured = catalogue.reconstruction(loaded)
if measured:
    columns, note, none = FIGURES["sdf" if loaded.space_info.data == "sdf" else "images"]
    family = any("architecture_right" in figures for figures in measured.values())
    if family:
        columns, note = columns | OF_FAMILIES, f"{note} {OF_FAMILIES_NOTE}"
    st.markdown(table({SPLITS[split]: figures for split, figures in measured.items()}, columns, none))
    st.caption(f"{note} {catalogue.reads_note(loaded)}")
    for split, parts in catalogue.by_architecture(measured).items():
        with st.expander(f"By architecture, {SPLITS[split]}"):
            st.markdown(table(parts, columns, none))
else:
    st.markdown("Not measured yet. This command measures it:")
    st.code(take_away.eval_command(loaded), language="bash", wrap_lines=True)

if film:
    with feeds:
        for k, part in enumerate(work.parts()):
            components.feed(f"home-{k}", work.part(part, f"part-{k}", "home"))
