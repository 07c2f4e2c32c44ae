"""Map: the networks of a zoo as points of its space, what each of them is, and what is near it."""

import math

import streamlit as st

from app import components, frame
from app.session import chairs, classifiers, zoo_map
from app.session.zoo_map import PROJECTIONS, Projection

state = st.session_state
loaded = frame.loaded(frame.ANYTHING)
shapes = zoo_map.is_shapes(loaded)
PAIR = "shape" if shapes else "class"
VIEW = "map"

# -- the state of the page, which its link holds ---------------------------------------------------------------------


def numbers(asked: str | list[float], count: int | None = None) -> list[float]:
    """Numbers of a link; ValueError where they are none, or not as many."""
    found = [float(v) for v in (asked.split() if isinstance(asked, str) else asked)]
    if not all(map(math.isfinite, found)) or (count is not None and len(found) != count):
        raise ValueError
    return found


def place(asked: str | list[float] | None) -> list[float] | None:
    try:
        return None if not asked else numbers(asked, 2)
    except ValueError:
        raise ValueError(f"The link's place “{asked}” is not two numbers; nothing is decoded there.") from None


def view(asked: str | list[float] | None) -> list[float] | None:
    try:
        found = None if not asked else numbers(asked, 3)
        if found and found[2] <= 0:
            raise ValueError
        return found
    except ValueError:
        raise ValueError(f"The link's view “{asked}” is not three numbers; showing the whole map.") from None


def polygon(asked: str | list | None) -> list[list[float]] | None:
    try:
        found = numbers(asked) if isinstance(asked, str) else [v for corner in asked or [] for v in corner]
        if len(found) % 2 or 0 < len(found) < 6:
            raise ValueError
        return [found[k : k + 2] for k in range(0, len(found), 2)] or None
    except ValueError:
        raise ValueError("The link's selection is not the corners of a polygon; nothing is selected.") from None


def known_guests(asked: str) -> str:
    lost = [id for id in asked.split(",") if id and id not in others]
    if lost:
        raise ValueError(f"There is no zoo “{lost[0]}” that fits this space; the map is shown without it.")
    return asked


others = zoo_map.others(loaded)
frame.linked("map_guests", "with", "", known_guests)
guests = []
for id in filter(None, state["map_guests"].split(",")):
    try:
        guests.append(zoo_map.guest(loaded, others[id]))
    except ValueError as problem:
        frame.notice(f"{str(problem)[:1].upper()}{str(problem)[1:]}. The map is shown without it.")

pair = chairs.default_pair(loaded) if shapes else classifiers.default_pair(loaded)
a, b = frame.linked_path(PAIR, loaded, pair)
options = zoo_map.umap_options()
for option in options:
    frame.linked(f"map_{option['name']}", option["name"], option["default"], zoo_map.accept_setting(option))
frame.linked(
    "map_projection", "projection", "umap",
    frame.one_of(list(PROJECTIONS), "There is no projection {}; showing UMAP."),
)  # fmt: skip
frame.linked("map_at", "at", None, place)
frame.linked("map_view", "view", None, view)
frame.linked("map_polygon", "selection", None, polygon)


def tell(problem: ValueError) -> None:
    words = str(problem).rstrip(".")
    frame.notice(f"{words[:1].upper()}{words[1:]}.")


# -- what is on the map ----------------------------------------------------------------------------------------------

try:
    chart = zoo_map.chart(loaded, guests)
except ValueError as problem:
    frame.notices()
    st.error(f"{str(problem)[:1].upper()}{str(problem)[1:]}.")
    st.stop()


def wait_for_embeddings() -> None:
    """In the place of the map, until it is there."""
    done, total = zoo_map.progress(loaded, guests)
    if zoo_map.chart(loaded, guests) is not None:
        st.rerun()
    st.markdown("##### The networks are embedded")
    st.progress(done / max(1, total), f"{done} of {total} embedded; this is kept for the next time")


if chart is None:
    frame.notices()
    st.fragment(wait_for_embeddings, run_every=1)()
    st.stop()

columns = chart.columns
COLOURS = ["", *columns]
SIZES = ["", *(name for name, column in columns.items() if column.numbers is not None)]
SHAPES = ["", *(name for name, column in columns.items() if 0 < len(column.categories) <= 6)]
AXES = [*(str(k + 1) for k in range(zoo_map.component_count(chart)))]
frame.linked("map_colour", "colour", zoo_map.usual_colour(chart), frame.one_of(COLOURS, "There is no column {}."))
frame.linked("map_size", "size", "", frame.one_of(SIZES, "There is no column of numbers {}."))
frame.linked("map_shape", "shape", "", frame.one_of(SHAPES, "There is no column of a few kinds {}."))
for axis, usual in (("x", "1"), ("y", "2")):
    frame.linked(f"map_{axis}", axis, usual, frame.one_of(AXES, "There is no direction {}."))
frame.linked(
    "map_network", "network", "", frame.one_of(["", *chart.labels], "There is no network {} on this map.")
)  # fmt: skip

asked = Projection(
    state["map_projection"],
    (state["map_x"], state["map_y"]),
    tuple((option["name"], state[f"map_{option['name']}"]) for option in options),
)
try:
    where = zoo_map.placed(chart, asked)
except ValueError as problem:
    frame.notices()
    st.info(f"There is no map of this zoo: {problem}.", icon=":material/scatter_plot:")
    st.stop()


def write_link() -> None:
    link = {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id, "projection": state["map_projection"]}
    if state["map_projection"] == "umap":
        settings = {option["name"]: state[f"map_{option['name']}"] for option in options}
        link |= {o["name"]: f"{settings[o['name']]}" for o in options if settings[o["name"]] != o["default"]}
    else:
        link |= {axis: state[f"map_{axis}"] for axis in "xy"}
    link |= {name: state[f"map_{name}"] for name in ("colour", "size", "shape")}
    link |= {"a": state[f"{PAIR}_a"], "b": state[f"{PAIR}_b"]}
    link |= {"with": state["map_guests"], "network": state["map_network"]}
    for name, key in (("at", "map_at"), ("view", "map_view")):
        link[name] = " ".join(f"{v:.5g}" for v in state[key] or ())
    link["selection"] = " ".join(f"{v:.5g}" for corner in state["map_polygon"] or () for v in corner)
    frame.write_link({name: value for name, value in link.items() if value or name == "colour"})


# -- the row above the map -------------------------------------------------------------------------------------------


def taken(name: str) -> None:
    state[f"map_{name}"] = state[f"map_{name}_box"]
    frame.acted()


def reprojected(name: str) -> None:
    """Places mean something else now: nothing is kept of them."""
    if state[f"map_{name}_box"] is None:  # the chosen one was clicked again
        return
    taken(name)
    state["map_at"] = state["map_view"] = state["map_polygon"] = None
    frame.retold()


def column_box(column, name: str, names: list[str], none: str, help: str) -> None:
    state[f"map_{name}_box"] = state[f"map_{name}"]
    column.selectbox(
        name.capitalize(), names, key=f"map_{name}_box", help=help, on_change=taken, args=(name,),
        format_func=lambda key: columns[key].title if key else none,
    )  # fmt: skip


def settings() -> None:
    """Of the projection that is chosen."""
    kind = state["map_projection"]
    if kind == "umap":
        for option in options:
            key = f"map_{option['name']}_box"
            state[key] = state[f"map_{option['name']}"]
            words = {"label": option["name"].replace("_", " "), "help": option["help"], "key": key}
            words |= {"on_change": reprojected, "args": (option["name"],)}
            if option["choices"]:
                st.selectbox(options=option["choices"], **words)
            else:
                kinds = float if isinstance(option["default"], float) else int
                st.number_input(min_value=kinds(option["least"]), max_value=kinds(option["most"]), **words)
        return
    for axis, title in (("x", "Horizontal"), ("y", "Vertical")):
        state[f"map_{axis}_box"] = state[f"map_{axis}"]
        st.selectbox(
            title, AXES, key=f"map_{axis}_box", on_change=reprojected, args=(axis,),
            format_func=lambda axis: f"principal component {axis}",
        )  # fmt: skip


def controls() -> None:
    left, middle, *boxes = st.columns([3.3, 1.9, 2.4, 2.4, 2.4], vertical_alignment="bottom")
    state["map_projection_box"] = state["map_projection"]
    left.segmented_control(
        "Projection", list(PROJECTIONS), key="map_projection_box", format_func=PROJECTIONS.get,
        on_change=reprojected, args=("projection",), width="stretch",
    )  # fmt: skip
    with middle.popover("Settings", icon=":material/tune:", width="stretch"):
        settings()
        if others:
            state["map_guests_box"] = [guest.zoo_info.id for guest in guests]
            st.multiselect(
                "Also on the map", list(others), key="map_guests_box", format_func=lambda id: others[id].title,
                placeholder="other zoos that fit this space", on_change=invited,
            )  # fmt: skip
    column_box(boxes[0], "colour", COLOURS, "one colour", "What is known of the networks, as colours")
    column_box(boxes[1], "size", SIZES, "one size", "A column of numbers, as sizes of the points")
    column_box(boxes[2], "shape", SHAPES, "as colour", "A column of at most six kinds, as shapes of the points")


def invited() -> None:
    state["map_guests"] = ",".join(state["map_guests_box"])
    frame.acted()


# -- the map and what is told beside it ------------------------------------------------------------------------------


def picked() -> None:
    what = state[VIEW]["pick"]
    state["map_network"], state["map_at"] = "", None
    if "network" in what and 0 <= what["network"] < len(chart):
        state["map_network"] = chart.label(what["network"])
    elif "at" in what:
        state["map_at"] = what["at"]
    frame.acted()


def selected() -> None:
    state["map_polygon"] = state[VIEW]["select"]["polygon"] or None
    frame.acted()


def moved() -> None:
    told = state[VIEW]["view"]
    state["map_view"] = told and [told["x"], told["y"], told["scale"]]
    frame.acted()


def show(name: str) -> None:
    """Another network."""
    state["map_network"], state["map_at"] = name, None
    frame.acted()


def board() -> None:
    """The map, and the network that is picked on it."""
    write_link()
    i = chart.labels.get(state["map_network"])
    near = zoo_map.near_in_space(chart, i) if i is not None else []
    ids = zoo_map.selected(chart, where, state["map_polygon"]) if state["map_polygon"] else None
    left, right = st.columns([7, 5], gap="medium")
    data = {
        "points": where.key,
        "look": zoo_map.look_key(chart, state["map_colour"], state["map_size"], state["map_shape"]),
        "axes": where.axes,
        "note": where.note,
        "liftable": where.plane is not None,
        "message": where.waiting,
        "picked": i,
        "neighbours": [{"id": one.id, "kind": "latent", "rank": k + 1} for k, one in enumerate(near)],
        "selection": None if ids is None else {"polygon": state["map_polygon"], "count": len(ids)},
        "ends": {end: chart.labels.get(state[f"{PAIR}_{end}"]) for end in "ab"},
        "path": None,
        "anchors": [],
        "extra": {"place": state["map_at"], "words": "decoded here"} if state["map_at"] else None,
        "view": state["map_view"] and dict(zip(("x", "y", "scale"), state["map_view"], strict=True)),
        "token": frame.token(),
    }
    with left:
        components.zoo_map(VIEW, data, picked, selected, moved)
    with right:
        if i is not None:
            inspector(i, near)
        elif state["map_at"] and where.plane is not None:
            decoded()
        else:
            hint()
    if ids is not None:
        selection(ids)


def hint() -> None:
    st.markdown("##### Click a network")
    st.markdown(
        "Its decode is shown beside it, and the training networks that are nearest to it: in the space, and by what "
        "they do."
    )


def inspector(i: int, near: list[zoo_map.Near]) -> None:
    """What is known of a network, its decode beside it, and its nearest training networks."""
    known = zoo_map.known(chart, i)
    st.markdown(f"##### {known.name} :gray-badge[{known.split}]")
    st.caption(f"{known.words}{f' · {known.zoo}' if known.zoo else ''}")
    rebuilt(zoo_map.rebuilt(chart, i))
    st.caption("Nearest training networks in the space")
    with st.container(horizontal=True, gap="xsmall"):
        for one in near:
            st.button(f"{one.name} · {one.figure:.3g}", key=f"near-{one.id}", on_click=show, args=(one.name,))


def decoded() -> None:
    st.markdown("##### Decoded here")
    rebuilt(zoo_map.decoded_at(chart, where, state["map_at"]))


def rebuilt(work: zoo_map.Rebuilt) -> None:
    """Original and decode: surfaces, or pictures of the weights and what both answer."""
    if work.shapes:
        components.viewer("rebuilt", zoo_map.viewer_data(work) | {"token": 0}, lambda: None, lambda: None)
    done = work.done

    def send() -> None:
        if work.shapes:
            with st.container(key="feeds-rebuilt", gap=None):
                for name, content in work.feeds("rebuilt"):
                    components.feed(f"rebuilt-{name}", content)
        if work.done and not done:
            st.rerun()

    st.fragment(send, run_every=None if done else 0.3)()


def selection(ids) -> None:
    st.markdown(f"##### {len(ids)} networks selected")
    st.dataframe(zoo_map.selection_table(chart, ids), hide_index=True)


controls()
frame.notices()
if where.problem:
    st.info(where.problem, icon=":material/scatter_plot:")
st.fragment(board)()
st.caption(
    "Distance on this map is not distance in the space: neighbours and distances are measured in the space itself "
    f"(E = {chart.z.shape[1]})."
)
with st.container(key="feeds-map", gap=None):
    look = [state[f"map_{name}"] for name in ("colour", "size", "shape")]
    components.feed("map-look", zoo_map.look_feed(VIEW, chart, *look))
    components.feed("map-points", zoo_map.points_feed(VIEW, where.key, where))
    components.feed("map-names", zoo_map.names_feed(VIEW, where.key, chart.key, chart))
    atlas = zoo_map.atlas_feed(VIEW, where.key, chart)
    if atlas:
        components.feed("map-atlas", atlas)
