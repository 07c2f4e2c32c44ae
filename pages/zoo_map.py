"""Map: the networks of a zoo as points of its space, what each of them is, and what is near it."""

import streamlit as st

from app import frontend as components
from app.backend import catalogue, chairs, charts, classifiers, inspection, placements, points, projections, selections
from app.backend.moves import Place
from app.backend.projections import PROJECTIONS, Projection
from app.ui import bringing, frame, inspector, links, moves, selection
from app.ui.pair import PairState, shared_key

bringing.take()
state = st.session_state
loaded = frame.loaded(frame.ANYTHING, bringing.alone)
shapes = catalogue.is_shapes(loaded)
VIEW = "map"
LOOKS = ("colour", "size", "shape")

# -- the state of the page, which its link holds ---------------------------------------------------------------------

others = charts.others(loaded)


def known_guests(asked: str) -> str:
    lost = [id for id in asked.split(",") if id and id not in others]
    if lost:
        raise ValueError(f"There is no zoo “{lost[0]}” that fits this space; the map is shown without it.")
    return asked


frame.linked("map_guests", "with", "", known_guests)
guests = []
for id in filter(None, state["map_guests"].split(",")):
    try:
        guests.append(catalogue.load(loaded.space_info, others[id]))
    except ValueError as problem:
        frame.notice(f"{frame.sentence(problem)} The map is shown without it.")

options = projections.umap_options()
for option in options:
    frame.linked(f"map_{option['name']}", option["name"], option["default"], projections.accept_setting(option))
frame.linked(
    "map_projection", "projection", "umap",
    frame.one_accepted(list(PROJECTIONS), "There is no projection {}; showing UMAP."),
)  # fmt: skip
kind = state["map_projection"]
frame.linked("map_at", "place", None, links.place)
frame.linked("map_view", "view", None, links.view)
frame.linked("map_polygon", "selection", None, links.polygon)


# -- what is on the map ----------------------------------------------------------------------------------------------

try:
    chart = charts.chart(loaded, guests)
except ValueError as problem:
    frame.notices()
    st.error(frame.plain(frame.sentence(problem)))
    st.stop()


def wait_for_embeddings() -> None:
    """In the place of the map, until it is there."""
    done, total = charts.progress(loaded, guests)
    try:
        if charts.chart(loaded, guests) is not None:
            frame.again()
    except ValueError:
        frame.again()  # it is told there
    st.markdown("##### The networks are embedded")
    st.progress(done / max(1, total), f"{done} of {total} embedded; they are kept for the next time")


if chart is None:
    frame.notices()
    st.fragment(wait_for_embeddings, run_every=1)()
    st.stop()

for problem in charts.failures(guests):
    frame.notice(problem)
columns = placements.columns(chart)
COLOURS = ["", *columns]
SIZES = ["", *(name for name, column in columns.items() if column.numbers is not None)]
SHAPES = ["", *(name for name, column in columns.items() if 0 < len(column.categories) <= charts.MOST_SHAPES)]
AXES = [str(k + 1) for k in range(projections.component_count(chart))]
if kind == "directions":
    AXES += projections.direction_columns(chart)
for name, usual, offered in (
    ("colour", points.usual_colour(chart), COLOURS), ("size", "", SIZES), ("shape", "", SHAPES),
):  # fmt: skip
    lost = f"The networks cannot be told apart by {{}} as {name}; showing another."
    frame.linked(f"map_{name}", name, usual, frame.one_accepted(offered, lost))
for axis, usual in zip("xy", projections.usual_axes(chart, kind), strict=True):
    lost = f"There is no direction {{}} to be an axis; showing {projections.axis_title(usual)}."
    frame.linked(f"map_{kind}_{axis}", axis, usual, frame.one_accepted(AXES, lost))


def on_map(asked: str) -> str:
    if asked and asked not in chart.labels:
        raise ValueError(f"There is no network “{asked}” on this map.")
    return asked


frame.linked("map_network", "network", "", on_map)
pair = PairState(
    shared_key(loaded), loaded, chairs.default_pair(loaded) if shapes else classifiers.default_pair(loaded)
)

asked = Projection(
    kind,
    (state[f"map_{kind}_x"], state[f"map_{kind}_y"]),
    tuple((option["name"], state[f"map_{option['name']}"]) for option in options),
)
try:
    where = projections.placed(chart, asked)
except ValueError as problem:
    frame.notices()
    st.info(f"There is no map of this zoo: {frame.plain(str(problem))}.", icon=":material/scatter_plot:")
    bringing.alone(loaded.space_info)
    st.stop()


def write_link() -> None:
    link = {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id, "projection": kind}
    if kind == "umap":
        settings = {option["name"]: state[f"map_{option['name']}"] for option in options}
        link |= {o["name"]: f"{settings[o['name']]}" for o in options if settings[o["name"]] != o["default"]}
    else:
        link |= {axis: state[f"map_{kind}_{axis}"] for axis in "xy"}
    link |= {name: state[f"map_{name}"] for name in LOOKS}
    link |= {"a": pair.a, "b": pair.b}
    link |= {"with": state["map_guests"], "network": state["map_network"]}
    link |= {"place": links.text(state["map_at"]), "view": links.text(state["map_view"])}
    link["selection"] = links.text(v for corner in state["map_polygon"] or () for v in corner)
    link |= moves.link(loaded)
    frame.write_link({name: value for name, value in link.items() if value or name == "colour"})


# -- the row above the map -------------------------------------------------------------------------------------------

TITLES = {"neighbours": "Neighbours", "min_dist": "Minimum distance", "metric": "Metric", "seed": "Seed"}


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


def column_box(name: str, names: list[str], none: str, help: str) -> None:
    state[f"map_{name}_box"] = state[f"map_{name}"]
    st.selectbox(
        name.capitalize(), names, key=f"map_{name}_box", help=help, on_change=taken, args=(name,),
        width=150 if name == "colour" else 118,
        format_func=lambda key: columns[key].title if key else none,
    )  # fmt: skip


def settings() -> None:
    """Of the projection that is chosen."""
    if kind == "umap":
        for option in options:
            key = f"map_{option['name']}_box"
            state[key] = state[f"map_{option['name']}"]
            words = {"label": TITLES[option["name"]], "help": frame.sentence(option["help"]), "key": key}
            words |= {"on_change": reprojected, "args": (option["name"],)}
            if option["choices"]:
                st.selectbox(options=option["choices"], **words)
            else:
                number = type(option["default"])
                st.number_input(min_value=number(option["least"]), max_value=number(option["most"]), **words)
    else:
        for axis, title in (("x", "Horizontal"), ("y", "Vertical")):
            name = f"{kind}_{axis}"
            state[f"map_{name}_box"] = state[f"map_{name}"]
            st.selectbox(
                title, AXES, key=f"map_{name}_box", on_change=reprojected, args=(name,),
                format_func=projections.axis_title,
            )  # fmt: skip
        if kind == "directions":
            st.caption("A column is read off the embeddings by ridge regression on the training networks.")
    if others:
        state["map_guests_box"] = [guest.zoo_info.id for guest in guests]
        st.multiselect(
            "Also on the map", list(others), key="map_guests_box", format_func=lambda id: others[id].title,
            placeholder="other zoos that fit this space", on_change=invited,
            help="They are placed on the map of this zoo, which does not change",
        )  # fmt: skip


def invited() -> None:
    state["map_guests"] = ",".join(state["map_guests_box"])
    frame.acted()


def controls() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        state["map_projection_box"] = kind
        st.segmented_control(
            "Projection", list(PROJECTIONS), key="map_projection_box", format_func=PROJECTIONS.get,
            on_change=reprojected, args=("projection",), label_visibility="collapsed",
        )  # fmt: skip
        with st.popover("Settings", icon=":material/tune:"):
            settings()
        column_box("colour", COLOURS, "one colour", "What is known of the networks, as colours")
        column_box("size", SIZES, "one size", "A column of numbers, as sizes of the points")
        column_box("shape", SHAPES, "as colour", "A column of at most six kinds, as shapes of the points")
        bringing.button(loaded.space_info)


# -- the map and what is told beside it ------------------------------------------------------------------------------


def told_by_map(name: str) -> dict | None:
    """What the map has sent last; None where it was mounted anew since, which counts as a change."""
    return state[VIEW].get(name)


def picked() -> None:
    what = told_by_map("pick")
    if not what:
        return
    state["map_network"], state["map_at"] = "", None
    if "network" in what and 0 <= what["network"] < len(chart):
        state["map_network"] = chart.label(what["network"])
    elif "at" in what:
        state["map_at"] = what["at"]
    frame.acted()


def selected() -> None:
    what = told_by_map("select")
    if what:
        state["map_polygon"] = what["polygon"] or None
        frame.acted()


def looked() -> None:
    if "view" not in state[VIEW]:
        return
    told = state[VIEW]["view"]
    state["map_view"] = told and [told["x"], told["y"], told["scale"]]
    frame.acted()


def path_data() -> dict | None:
    """The way that is moved along below the map, as a line on it."""
    told = state.get("map_told")
    if not told or told["key"] != loaded.key:
        return None
    places = projections.path_places(chart, asked, where, told["embeddings"])
    if places is None:
        return None
    about = {name: told[name] for name in ("follows", "frame", "words", "line")}
    return about | {"places": places, "colour": catalogue.COLOURS["latent"]}


def chosen() -> tuple:
    """The network that is picked, and its embedding (E), or that of the empty place that is."""
    i = chart.labels.get(state["map_network"])
    return i, inspection.point_of(chart, where, i, state["map_at"])


def board() -> None:
    """The map, the network that is picked on it, and what is selected: laid out alone where something is clicked."""
    (i, point), at = chosen(), state["map_at"]
    near = [] if point is None else inspection.near_in_space(chart, point, i)
    work = None
    if point is not None and near:
        work = inspection.rebuilt(chart, i) if i is not None else inspection.decoded_at(chart, point)
    ids = selections.selected(where, state["map_polygon"]) if state["map_polygon"] else None
    told = state.get("map_told") or {}
    data = {
        "points": where.key,
        "look": look,
        "axes": where.axes,
        "note": where.note,
        "liftable": where.plane is not None,
        "message": where.waiting,
        "picked": i,
        "of": work.id if work else "",
        "neighbours": [{"id": one.id, "kind": "latent"} for one in near],
        "selection": None if ids is None else {"polygon": state["map_polygon"], "count": len(ids)},
        "ends": {"a": a_now(), "b": b_now()},
        "path": path_data(),
        "anchors": told.get("anchors", []) if state.get("move_kind") != "path" else [],
        "extra": {"place": at, "words": "decoded here"} if at and where.plane is not None else None,
        "view": state["map_view"] and dict(zip(("x", "y", "scale"), state["map_view"], strict=True)),
        "token": frame.token(),
    }
    left, right = st.columns([7, 5], gap="medium")
    with left:
        components.zoo_map(VIEW, data, picked, selected, looked)
        st.caption(
            "Distance on this map is not distance in the space: neighbours and distances are measured in the space "
            f"itself (E = {chart.z.shape[1]})."
        )
    with right:
        if work:
            inspector.section(chart, where, pair, i, point, near, work)
        elif i is not None:
            st.markdown(f"##### {frame.plain(inspection.known(chart, i).name)}")
            st.info("Its weights are not all numbers: it has no embedding, no decode and no place on the map.")
        else:
            hint()
    if ids is not None:
        selection.section(chart, where, ids)
    if "move_kind" in state:
        write_link()
    if ways_by() != state["map_ways_by"]:
        frame.again()


def a_now() -> int | None:
    return chart.labels.get(pair.a)


def b_now() -> int | None:
    return chart.labels.get(pair.b)


def ways_by() -> tuple:
    """What the ways through the space depend on: the path from A to B not on what is picked."""
    picked = (state["map_network"], state["map_at"]) if state.get("move_kind", "path") != "path" else ()
    return a_now(), b_now(), *picked


def ways() -> None:
    """The ways through the space below the map; the map shows the one that is chosen."""
    st.divider()
    (i, point), place = chosen(), None
    if point is not None and (i is None or i >= len(loaded.zoo)):  # of a guest the zoo's table knows nothing
        name = "the clicked place" if i is None else inspection.known(chart, i).name
        place = Place(name, tuple(map(float, point)))
    told = moves.section(loaded, i, place, a_now(), b_now(), write_link)
    before = state.get("map_told")
    state["map_told"] = told and told | {"key": loaded.key}
    write_link()
    if drawn(told) != drawn(before):
        frame.again()


def drawn(told: dict | None) -> tuple | None:
    """What the map shows of a way."""
    if not told:
        return None
    return told["follows"], told["words"], tuple(told["anchors"]), told["embeddings"].tobytes()


def hint() -> None:
    st.markdown("##### Click a network")
    place = " Click an empty place, and what the space decodes there is shown." if where.plane is not None else ""
    st.markdown(
        "Its decode is shown beside it, and the training networks nearest to it: in the space, and by what they do."
        f"{place} A box or a lasso selects networks for a table, a file or a zoo of their own."
    )
    lost = f" {chart.lost} have weights that are not all numbers and no place on the map." if chart.lost else ""
    st.caption(f"{len(chart):,} networks on the map.{lost}")


# -- the page --------------------------------------------------------------------------------------------------------


def arrived() -> tuple:
    """Differs where more is known of what the map shows."""
    now = projections.placed(chart, asked)
    told = state.get("map_told")
    way = bool(told) and projections.path_places(chart, asked, now, told["embeddings"]) is not None
    shown = len(charts.chart(loaded, guests)), len(charts.failures(guests))
    return now.key, now.waiting, points.version(chart), shown, way


def watch() -> None:
    """Shows what has become known in the background."""
    if arrived() != before:
        frame.again()


look = points.look_key(chart, *(state[f"map_{name}"] for name in LOOKS))
controls()
frame.notices()
bringing.progress()
if where.problem:
    st.info(frame.plain(where.problem), icon=":material/scatter_plot:")
    if where.failed and st.button("Try again", icon=":material/refresh:"):
        projections.forget(chart, asked)
        frame.again()
top, below = st.container(), st.container()
with st.container(key="feeds-map", gap=None):
    components.feed("map-look", points.look_feed(VIEW, look, chart, *(state[f"map_{n}"] for n in LOOKS)))
    components.feed("map-points", points.points_feed(VIEW, where.key, where))
    components.feed("map-names", points.names_feed(VIEW, where.key, chart.key, chart))
    atlas = points.atlas_feed(VIEW, where.key, chart)
    if atlas:
        components.feed("map-atlas", atlas)
state["map_ways_by"] = ways_by()
with top:
    st.fragment(board)()
with below:
    st.fragment(ways)()
bringing.report(chart)
before = arrived()
way = (state.get("map_told") or {}).get("embeddings")
if points.pending(chart, asked, guests, way):
    st.fragment(watch, run_every=1)()
