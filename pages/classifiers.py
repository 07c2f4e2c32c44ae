"""Classifiers: drag one image classifier into another and watch what the networks in between still recognise."""

from collections.abc import Callable

import streamlit as st

from app import frontend
from app.backend import catalogue, classifiers, take_away
from app.backend.path import several
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
    page.write_link(state.link())
    step, method = state.frame_number, state.method
    data = classifiers.answers_data(loaded, work, state.methods, *state.ids, frame=step, method=method)
    frontend.classifier(
        VIEW, data | {"token": page.state_version()}, lambda: state.take_view(VIEW), lambda: state.take_method(VIEW)
    )
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        show_remarks(state)
    actions = right.container(horizontal=True, horizontal_alignment="right")
    with actions.popover("Export", icon=":material/download:"):
        if work:
            offer_curves(work.curves)
            st.markdown(f"**{take_away.method_title(method)}, gamma {state.shown_gamma:.2f}**")
            downloads.offer_path_network(work, method, step, *state.ends)
        else:
            offer_curves(lambda: classifiers.recorded_curves(loaded, *state.ends))
    if not work:
        curves = classifiers.recorded_curves(loaded, *state.ends)
        with st.container(key="feeds-recorded"):
            frontend.feed(f"{VIEW}-recorded", classifiers.recorded_feed(VIEW, data["path"], curves))


def offer_curves(curves: Callable[[], classifiers.Curves]) -> None:
    """Download buttons for what is known of the accuracy curves."""
    both, family = len(state.methods) > 1, several(loaded)
    st.markdown(f"**{'Both curves' if both else 'The curve'}**, as far as {'they are' if both else 'it is'} known")
    table, *figures = st.columns(3)
    file = f"{state.a}_{state.b}_accuracy"
    downloads.offer_file(
        table, "CSV", lambda: classifiers.curves_csv(curves()), f"{file}.csv",
        "Method, gamma, accuracy with its 95 % Wilson interval, number of test images, whether these are all"
        + (", architecture" if family else ""),
    )  # fmt: skip
    for column, suffix in zip(figures, ("png", "pdf"), strict=True):
        downloads.offer_file(
            column, suffix.upper(), lambda kind=suffix: classifiers.curves_figure(loaded, curves(), *state.ids, kind),
            f"{file}.{suffix}", f"Accuracy over gamma, as in Fig. {'5' if family else '3b'} of the paper",
        )  # fmt: skip


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
all_networks()
