"""Classifiers: drag one image classifier into another and watch what the networks in between still recognise."""

from collections.abc import Callable

import streamlit as st

from app import frontend as components
from app.backend import catalogue, classifiers, take_away
from app.backend.path import STEPS, several, sides_between
from app.ui import frame

state = st.session_state
loaded = frame.loaded(frame.IMAGES)
names, cards = loaded.names, catalogue.cards(loaded)
here = classifiers.here(loaded)

# -- the state of the page, which its link holds ---------------------------------------------------------------------

recorded = [] if here else classifiers.recorded(loaded)
pair = (names.index(recorded[0].a), names.index(recorded[0].b)) if recorded else classifiers.default_pair(loaded)
a, b = frame.linked_path("class", loaded, pair)
if recorded and (names[a], names[b]) not in {(one.a, one.b) for one in recorded}:
    frame.notice(f"No path from {names[a]} to {names[b]} was recorded; showing another.")
    a, b = pair
    state["class_a"], state["class_b"] = names[a], names[b]
sides = sides_between(loaded, a, b)
if state["class_method"] not in sides:
    state["class_method"] = sides[0]


# -- choosing ------------------------------------------------------------------------------------------------------


def choose_recorded() -> None:
    """One of the pairs whose curves were recorded."""
    pairs = [(pair.a, pair.b) for pair in recorded]
    kinds = {(pair.a, pair.b): pair.kind for pair in recorded}
    state["class_pair"] = (names[a], names[b])

    def taken() -> None:
        state["class_a"], state["class_b"] = state["class_pair"]
        frame.acted()

    st.selectbox(
        "Recorded path",
        pairs,
        key="class_pair",
        format_func=lambda pair: f"{pair[0]} to {pair[1]} · {kinds[pair]}",
        label_visibility="collapsed",
        on_change=taken,
    )


COLUMNS = {
    "test accuracy": st.column_config.ProgressColumn(
        format="%.3f", min_value=0.0, max_value=1.0, help="Share of all test images whose class it names"
    ),
    "architecture": st.column_config.TextColumn(help="What it is built as"),
    "parameters": st.column_config.NumberColumn(format="localized", help="Of its architecture, batch norm fused"),
    "epochs": st.column_config.NumberColumn(format="%.2f", help="Passes through the training images"),
    "seed": st.column_config.NumberColumn(
        format="%d", help="Of its batches and, where it has one of its own, of its initialisation"
    ),
    "split": st.column_config.TextColumn(
        help="The space is trained on train, its best checkpoint selected by validation; held-out it never sees; "
        "optimised ones were made by latent space optimisation"
    ),
}


def all_networks() -> None:
    """The zoo as a table, from which A and B can be taken."""
    st.markdown("##### Networks of this zoo")
    table = classifiers.table(loaded)
    if not here:
        st.dataframe(table, hide_index=True, column_config=COLUMNS)
        return
    left, right = st.columns([3, 1])
    chosen = left.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="class_table",
        column_config=COLUMNS,
    ).selection.rows
    i = table.index[chosen[0]] if chosen else None
    right.caption("Select a row, then:" if i is None else f"**{frame.plain(names[i])}**, {frame.plain(cards[i].words)}")
    for slot in ("a", "b"):
        right.button(
            f"Set as {slot.upper()}", key=f"class_set_{slot}", disabled=i is None, on_click=frame.take,
            args=("class", slot, names[i] if i is not None else ""),
            width="stretch",
        )  # fmt: skip


# -- sliding -------------------------------------------------------------------------------------------------------


def released() -> None:
    state["class_gamma"] = state["classifiers"]["view"]["frame"] / (STEPS - 1)
    frame.acted()


def focused() -> None:
    state["class_method"] = state["classifiers"]["method"]
    frame.acted()


@st.fragment
def slide(work: classifiers.ClassifierWork | None) -> None:
    frame.write_link(frame.path_link("class", loaded))
    i = round(state["class_gamma"] * (STEPS - 1))
    data = classifiers.view_data(loaded, work, sides, a, b, frame=i, method=state["class_method"])
    components.classifier("classifiers", data | {"token": frame.token()}, released, focused)
    left, right = st.columns([3, 1], vertical_alignment="center")
    remarks = frame.remarks(loaded, a, b)
    if remarks:
        left.caption(frame.plain(remarks))
    if work:
        with right.container(horizontal=True, horizontal_alignment="right"):
            keep(work, i, state["class_method"])
    else:
        curves = classifiers.recorded_curves(loaded, names[a], names[b])
        row = right.container(horizontal=True, horizontal_alignment="right")
        with row.popover("Take away", icon=":material/download:"):
            keep_curves(lambda: curves)
        with st.container(key="feeds-recorded"):
            components.feed("classifiers-recorded", classifiers.recorded_feed("classifiers", data["path"], curves))


def keep(work: classifiers.ClassifierWork, i: int, method: str) -> None:
    """What can be kept of the side in focus at this gamma, and of the curves."""
    with st.popover("Take away", icon=":material/download:"):
        keep_curves(work.curves)
        st.markdown(f"**{take_away.method_title(method)}, gamma {i / (STEPS - 1):.2f}**")
        frame.keep_network(work, method, i, names[a], names[b])


def keep_curves(curves: Callable[[], classifiers.Curves]) -> None:
    """Download buttons for the curves as far as they are known."""
    both = len(sides) > 1
    st.markdown(f"**{'Both curves' if both else 'The curve'}**, as far as {'they are' if both else 'it is'} known")
    table, *figures = st.columns(3)
    file, family = f"{names[a]}_{names[b]}_accuracy", several(loaded)
    frame.download(
        table, "CSV", lambda: classifiers.curves_csv(curves()), f"{file}.csv",
        "method, gamma, accuracy, its 95 % Wilson interval, count of test images, whether these are all"
        + (", architecture" if family else ""),
    )  # fmt: skip
    for column, kind in zip(figures, ("png", "pdf"), strict=True):
        frame.download(
            column, kind.upper(), lambda kind=kind: classifiers.curves_figure(loaded, curves(), a, b, kind),
            f"{file}.{kind}", f"accuracy over gamma, as Fig. {'5' if family else '3b'} of the paper",
        )  # fmt: skip


def fetch() -> None:
    """What to do where the images are not here."""
    title, command = classifiers.data_title(loaded), classifiers.download_command(loaded)
    if command is None:
        st.info(
            f"These networks were trained on {title}, and a zoo does not say where that is: only recorded curves can "
            "be shown. This command records some, with the folder's path in the place of FOLDER:",
            icon=":material/image_not_supported:",
        )
        st.code(take_away.eval_command(loaded, "--data", "FOLDER", "--pairs", "5"), language="bash", wrap_lines=True)
        return
    st.info(f"{title} is not here, on which these networks are tested.", icon=":material/image_not_supported:")
    st.markdown("Fetch it with this command or the button, or name a folder that holds it in NETSPACE_DATA.")
    frame.offer_download(loaded)


frame.notices()
if here:
    frame.choose_pair("class", loaded, classifiers.table(loaded).index.tolist())
    try:
        work = classifiers.classifier_work(loaded, a, b, sides, round(state["class_gamma"] * (STEPS - 1)))
    except ValueError as error:
        st.error(frame.plain(frame.sentence(error)))
        st.stop()
    slide(work)
    frame.feeds(work, "classifiers")
else:
    if recorded:
        choose_recorded()
        slide(None)
    fetch()
all_networks()
