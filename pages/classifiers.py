"""Classifiers: drag one image classifier into another and watch what the networks in between still recognise."""

import streamlit as st

from app import frontend
from app.backend import catalogue, classifiers, take_away
from app.backend.words import plain, sentence
from app.tasks import app_task
from app.ui import downloads, image_data, page, sidebar
from app.ui.pair import PairState, choose_ends, shared_key, show_remarks
from app.ui.streams import stream

VIEW = "classifiers"
COLUMNS = {
    "test accuracy": st.column_config.ProgressColumn(
        format="%.3f", min_value=0.0, max_value=1.0, help="Share of all test images that are classified correctly"
    ),
    "architecture": st.column_config.TextColumn(help="Architecture of the network"),
    "parameters": st.column_config.NumberColumn(format="localized", help="Of its architecture, batch norm fused"),
    "epochs": st.column_config.NumberColumn(format="%.2f", help="Passes through the training images"),
    "seed": st.column_config.NumberColumn(format="%d", help="Of its batches and, unless it is shared, initialisation"),
    "split": st.column_config.TextColumn(
        help="The space is trained on train, and its best checkpoint selected by validation; it never sees held-out. "
        "Optimised networks were made by latent space optimisation."
    ),
}

loaded = sidebar.choose(sidebar.Subject.of_page("classifiers"))
task, names, here = app_task(loaded), loaded.names, classifiers.here(loaded)
recorded = {} if here else {(one.a, one.b): one.kind for one in classifiers.recorded(loaded)}
first = next(((names.index(a), names.index(b)) for a, b in recorded), None)
state = PairState(shared_key(loaded), loaded, lambda loaded: first or task.default_pair(loaded))
if recorded and state.ends not in recorded:
    page.notice(f"No path from {state.a} to {state.b} was recorded; showing another.")
    state.ends = next(iter(recorded))
if state.method not in state.methods:
    state.method = state.methods[0]


@st.fragment
def slide(work: classifiers.ClassifierWork | None) -> None:
    """The path, from work on it or, without the test images, as its curves were recorded."""
    state.write_link()
    step, method = state.frame_number, state.method
    data = classifiers.answers_data(loaded, work, state.methods, *state.ids, frame=step, method=method)
    frontend.classifier(
        VIEW, data | {"token": page.state_version()}, lambda: state.take_view(VIEW), lambda: state.take_method(VIEW)
    )
    ids = state.ids
    curves = None if work else classifiers.recorded_curves(loaded, *state.ends)
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        show_remarks(state)
    actions = right.container(horizontal=True, horizontal_alignment="right")
    with actions.popover("Export", icon=":material/download:"):
        if work:
            downloads.offer_path(state, work)
        else:
            st.markdown("**The recorded curves**")
            downloads.offer_exports(
                loaded, take_away.CURVE, lambda: classifiers.curve_subject(loaded, curves, *ids),
                f"{state.a}_{state.b}_accuracy",
            )  # fmt: skip
    if not work:
        with st.container(key="feeds-recorded"):
            frontend.feed(f"{VIEW}-recorded", classifiers.recorded_feed(VIEW, data["path"], curves))


def choose_recorded() -> None:
    """Choose one of the pairs whose curves were recorded."""
    st.selectbox(
        "Recorded path", list(recorded), label_visibility="collapsed",
        format_func=lambda ends: f"{ends[0]} to {ends[1]} · {recorded[ends]}", **state.widget("ends"),
    )  # fmt: skip


def all_networks() -> None:
    """The zoo as a table, from which A and B can be taken."""
    st.markdown("##### Networks of this zoo")
    table = task.table(loaded)
    if not here:
        st.dataframe(table, hide_index=True, column_config=COLUMNS)
        return
    left, right = st.columns([3, 1])
    rows = left.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="single-row", key="class_table",
        column_config=COLUMNS,
    ).selection.rows  # fmt: skip
    i = table.index[rows[0]] if rows else None
    card = None if i is None else catalogue.card(loaded, i)
    right.caption("Select a row, then:" if card is None else f"**{plain(card.name)}**, {plain(card.words)}")
    for end in "ab":
        right.button(
            f"Set as {end.upper()}", key=f"class_set_{end}", disabled=card is None, width="stretch",
            on_click=state.change, kwargs={end: card and card.name},
        )  # fmt: skip


def say_missing() -> None:
    image_data.say_missing(
        loaded,
        purpose="these networks are tested on it.",
        unnamed="Only recorded curves can be shown. This command records some; replace FOLDER by the folder's path:",
        command=take_away.eval_command(loaded, data="FOLDER", pairs="5"),
    )


page.show_notices()
if here:
    choose_ends(state, task.table(loaded).index.tolist())
    try:
        work = task.pair_path(loaded, *state.ids, state.methods, state.frame_number)
    except ValueError as error:
        st.error(plain(sentence(error)))
        st.stop()
    slide(work)
    stream(work, VIEW)
else:
    if recorded:
        choose_recorded()
        slide(None)
    say_missing()
with st.container(key="aside-networks"):
    all_networks()
