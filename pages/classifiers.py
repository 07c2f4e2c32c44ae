"""Classifiers: drag one image classifier into another and watch what the networks in between still recognise."""

import streamlit as st

from app import components, frame
from app.session import catalogue, classifiers, take_away
from app.session.path import STEPS

SIDES = ("latent", "weights")
state = st.session_state
loaded = frame.loaded(frame.IMAGES)
names, cards = loaded.names, catalogue.cards(loaded)
here = classifiers.here(loaded)

# -- the state of the page, which its link holds ---------------------------------------------------------------------

known = frame.one_of(names, f"There is no network {{}} in the zoo {loaded.zoo_info.id}; showing another.")
recorded = [] if here else classifiers.recorded(loaded)
first, second = (names[i] for i in classifiers.default_pair(loaded))
if recorded:
    first, second = recorded[0].a, recorded[0].b
a = names.index(frame.linked("class_a", "a", first, known))
b = names.index(frame.linked("class_b", "b", second, known))
if recorded and (names[a], names[b]) not in {(pair.a, pair.b) for pair in recorded}:
    frame.notice(f"No path from {names[a]} to {names[b]} was recorded; showing another.")
    state["class_a"], state["class_b"] = first, second
    a, b = names.index(first), names.index(second)
frame.linked("class_gamma", "gamma", 0.5, frame.position)
frame.linked(
    "class_method", "method", SIDES[0], frame.one_of(list(SIDES), "There is no method {}; the latent path is chosen.")
)


def write_link() -> None:
    frame.write_link(
        {
            "space": loaded.space_info.id,
            "zoo": loaded.zoo_info.id,
            "a": names[a],
            "b": names[b],
            "gamma": f"{state['class_gamma']:.5g}",
            "method": state["class_method"],
        }
    )


# -- choosing ------------------------------------------------------------------------------------------------------


def words(i: int) -> str:
    accuracy = "" if cards[i].accuracy is None else f" · {cards[i].accuracy:.3f}"
    return f"{names[i]}{accuracy} · {cards[i].split}"


def take(slot: str, i: int) -> None:
    state[f"class_{slot}"] = names[i]
    frame.acted()


def swap() -> None:
    state["class_a"], state["class_b"] = state["class_b"], state["class_a"]
    state["class_gamma"] = 1 - state["class_gamma"]  # the same network stays in view
    frame.acted()
    frame.retold()


def random_pair() -> None:
    state["class_a"], state["class_b"] = (names[i] for i in catalogue.random_pair(loaded))
    frame.acted()


def choose() -> None:
    """Two networks among all, the most accurate first."""
    order = classifiers.table(loaded).index.tolist()
    columns = st.columns([10, 1.6, 10, 4], vertical_alignment="bottom")
    for column, slot, i in ((columns[0], "a", a), (columns[2], "b", b)):
        state[f"class_{slot}_box"] = i
        column.selectbox(
            f"Network {slot.upper()}",
            order,
            key=f"class_{slot}_box",
            format_func=lambda i, slot=slot: f"{slot.upper()}  {words(i)}",
            label_visibility="collapsed",
            on_change=lambda slot=slot: take(slot, state[f"class_{slot}_box"]),
        )
    columns[1].button(":material/swap_horiz:", help="Swap A and B", on_click=swap, width="stretch")
    columns[3].button(
        "Random pair", help="Two networks of the training set, drawn at random", on_click=random_pair, width="stretch"
    )


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
    "epochs": st.column_config.NumberColumn(format="%.2f", help="Passes through the training images"),
    "seed": st.column_config.NumberColumn(format="%d", help="Of its initialisation and its batches"),
    "split": st.column_config.TextColumn(help="Whether the space was trained on it"),
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
    right.caption("Select a row, then:" if i is None else f"**{names[i]}**, {cards[i].words}")
    for slot in ("a", "b"):
        right.button(
            f"Set as {slot.upper()}", key=f"class_set_{slot}", disabled=i is None, on_click=take, args=(slot, i),
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
    write_link()
    i = round(state["class_gamma"] * (STEPS - 1))
    data = classifiers.view_data(loaded, work, SIDES, a, b, frame=i, method=state["class_method"])
    components.classifier("classifiers", data | {"token": frame.token()}, released, focused)
    left, right = st.columns([3, 1], vertical_alignment="center")
    doubt = catalogue.doubt(loaded, a, b)
    if doubt:
        left.caption(doubt)
    if work:
        with right.container(horizontal=True, horizontal_alignment="right"):
            keep(work, i, state["class_method"])
    else:
        with st.container(key="feeds-recorded"):
            components.feed(
                "classifiers-recorded",
                classifiers.recorded_feed(loaded, "classifiers", data["path"], names[a], names[b]),
            )


def keep(work: classifiers.ClassifierWork, i: int, method: str) -> None:
    """What can be kept of the side in focus at this gamma."""
    with st.popover("Take away", icon=":material/download:"):
        st.markdown(f"**{take_away.method_title(method)}, gamma {i / (STEPS - 1):.2f}**")
        frame.keep_network(work, method, i, names[a], names[b])


def feeds(work: classifiers.ClassifierWork) -> None:
    """Send what is ready; where that is not all, this is called again until it is."""
    work.first_ready()
    with st.container(key="feeds", gap=None):
        for name, content in work.feeds("classifiers"):
            if content:
                components.feed(f"classifiers-{name}", content)


def feeds_until_done(work: classifiers.ClassifierWork) -> None:
    feeds(work)
    if work.done:
        st.rerun()


def fetch() -> None:
    """What to do where the images are not here."""
    title, command = classifiers.data_title(loaded), classifiers.download_command(loaded)
    st.info(f"{title} is not here, on which these networks are tested.", icon=":material/image_not_supported:")
    if command is None:
        return
    st.markdown("Fetch it with this command or the button, or name a folder that holds it in NETSPACE_DATA.")
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.code(command, language="bash")
    if right.button(f"Download {title}", icon=":material/download:", width="stretch"):
        try:
            with st.spinner(f"Downloading {title} …"):
                classifiers.download(loaded)
            st.rerun()
        except ValueError as error:
            st.error(f"{str(error)[0].upper()}{str(error)[1:]}.")


frame.notices()
if here:
    choose()
    try:
        work = classifiers.classifier_work(loaded, a, b, SIDES, round(state["class_gamma"] * (STEPS - 1)))
    except ValueError as error:
        st.error(f"{str(error)[0].upper()}{str(error)[1:]}.")
        st.stop()
    slide(work)
    if work.done:
        feeds(work)
    else:
        st.fragment(feeds_until_done, run_every=1)(work)
else:
    if recorded:
        choose_recorded()
        slide(None)
    fetch()
all_networks()
