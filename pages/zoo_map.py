"""Map: the networks of a zoo as points of its space, what each of them is, and what is near it."""

import streamlit as st

from app import frontend
from app.backend import charts, filters, groups, inspection, orbits, points, projections, second_space, selections
from app.backend.charts import Chart
from app.backend.moves import Place
from app.backend.path import method_colour, method_names
from app.backend.words import plain, sentence
from app.tasks import app_task
from app.ui import bringing, moves, page, sidebar
from app.ui.inspector import inspect_network
from app.ui.map_controls import choose_map
from app.ui.map_state import MapParts, MapState
from app.ui.pair import PairState, shared_key
from app.ui.second_map import SecondMap, SecondState
from app.ui.selection import show_selection

VIEW = "map"


# -- what is on the map ------------------------------------------------------------------------------------------------


def embedded() -> Chart:
    """The networks as points of the space; while they are not, the page shows how far they are, and ends."""
    try:
        found = charts.chart(loaded, guests)
    except ValueError as problem:
        page.show_notices()
        st.error(plain(sentence(problem)))
        st.stop()
    if found is None:
        page.show_notices()
        st.fragment(wait_for_embeddings, run_every=1)()
        st.stop()
    return found


def wait_for_embeddings() -> None:
    done, total = charts.embedding_progress(loaded, guests)
    try:
        if charts.chart(loaded, guests) is not None:
            page.refresh()
    except ValueError:
        page.refresh()  # the page says why
    st.markdown("##### The networks are being embedded")
    st.progress(done / max(1, total), f"{done} of {total} embedded; they are kept for the next time")


def placed() -> projections.Placed:
    """The places of the points; if there are none, the page says why, and ends."""
    try:
        return projections.placed(chart, asked)
    except ValueError as problem:
        page.show_notices()
        st.info(f"There is no map of this zoo: {plain(str(problem))}.", icon=":material/scatter_plot:")
        bringing.bring_alone(loaded.space_info)
        st.stop()


def write_link() -> None:
    link = sidebar.choice_link(loaded) | {"a": pair.a, "b": pair.b} | moves.ways_link()
    page.write_link(link | parts.link() | (beside.link() if beside.space else {}))


def ends() -> dict[str, int | None]:
    """Ids of A and B on the map."""
    return {"a": chart.labels.get(pair.a), "b": chart.labels.get(pair.b)}


# -- the map and what is beside it -------------------------------------------------------------------------------------


@st.fragment
def board() -> None:
    """The map, the network that is picked on it, and what is selected."""
    i, point = pick.id, inspection.point_of(chart, where, pick.id, pick.place)
    near = [] if point is None else inspection.near_in_space(chart, point, i)
    work = None
    if near:
        work = inspection.rebuilt(chart, i) if i is not None else inspection.decoded_at(chart, point)
    orbit = orbits.orbit_work(chart, i) if pick.orbit and near and i is not None else None
    selected = what_is_selected()
    picked = work is not None or i is not None
    aside = picked and not second_shown
    place, *rest = st.columns([7, 5] if aside else 1, gap="medium")
    with place:
        show_maps(work, near, orbit, selected)
        if not picked:
            say_how()
        st.caption(
            "Distance on this map is not distance in the space: neighbours and distances are measured in the space "
            f"itself (E = {chart.z.shape[1]})."
        )
    if picked:
        with rest[0] if aside else st.container():
            if work:
                inspect_network(pick, pair, where, point, near, work, orbit)
            else:
                st.markdown(f"##### {plain(inspection.known(chart, i).name)}")
                st.info("Its weights are not all numbers: it has no embedding, no decode and no place on the map.")
    if selected is not None:
        show_selection(pick, where, selected, clear_selection)
    if moves.way_kind():
        write_link()
    if way_by() != state.way_by:
        page.refresh()


def what_is_selected():
    """Ids of the selected networks on the map, None if no area is drawn on it or on the second one."""
    if pick.polygon:
        return selections.selected(where, pick.polygon, left_on_map)
    return second.selected() if second_shown else None


def clear_selection() -> None:
    pick.change(polygon=None)
    beside.change(polygon=None)


def show_maps(
    work: inspection.BesideDecode | None, near: list[inspection.Near], orbit: orbits.OrbitWork | None, selected
) -> None:
    """The map and, if one is chosen, that of a second space beside it."""
    if not second_shown:
        if second:
            second.say()
        show_map(work, near, orbit, selected)
        return
    with st.container(key="twin-maps"):
        shown = ((loaded.space_info.title, show_map), (beside.title, show_second))
        for place, (title, show) in zip(st.columns(2, gap="small"), shown, strict=True):
            with place:
                st.caption(f"**{plain(title)}**")
                show(work, near, orbit, selected)
    st.caption(plain(second_space.agreement_words(second.shared, len(chart))))
    if beside.alone and pick.id is None:
        st.info(plain(f"{beside.alone} is in {beside.title} alone, not on the first map."))


def show_second(*_) -> None:
    second.show(VIEW, ends(), look_key, filter_key)


def show_map(
    work: inspection.BesideDecode | None, near: list[inspection.Near], orbit: orbits.OrbitWork | None, selected
) -> None:
    way = state.way or {}
    decoded = pick.place and where.plane is not None
    data = {
        "points": where.key,
        "look": look_key,
        "filter": filter_key,
        "axes": where.axes,
        "note": where.note,
        "liftable": where.plane is not None,
        "message": where.waiting,
        "picked": pick.id,
        "of": work.id if work else "",
        "orbit": orbits.orbit_key(where, orbit),
        "neighbours": [{"id": one.id, "kind": "latent"} for one in near],
        "selection": {"polygon": pick.polygon, "count": len(selected)} if pick.polygon else None,
        "ends": ends(),
        "path": way_on_map(),
        "anchors": way.get("anchors", []) if moves.way_kind() != "path" else [],
        "groups": groups.named_groups(labels),
        "extra": {"place": pick.place, "words": "decoded here"} if decoded else None,
        "view": pick.corner,
        "twin": second.twin_of_first() if second_shown else None,
        "token": page.state_version(),
    }
    on_pick, on_area = (lambda: pick.take_click(VIEW)), (lambda: pick.take_selection(VIEW))
    if second_shown:
        on_pick, on_area = second.of_first(VIEW)
    frontend.zoo_map(VIEW, data, on_pick, on_area, lambda: pick.take_view(VIEW))


def way_on_map() -> dict | None:
    """The way that is moved along below the map, as a line on it."""
    way = state.way
    if not way or not way["lined"] or way["key"] != loaded.key:
        return None
    about = {name: way[name] for name in ("follows", "frame", "words", "line")}
    places = projections.path_places(where, way["embeddings"])
    return about | {"places": places, "colour": method_colour(method_names()[0])}


def say_how() -> None:
    place = " Click an empty place to decode what lies there." if where.plane is not None else ""
    lost = f" {chart.lost} have weights that are not all numbers and no place on the map." if chart.lost else ""
    st.markdown(
        "Click a network for its decode and the training networks nearest to it, in the space and by what they do."
        f"{place} A box or a lasso selects networks for a table, a file or a zoo of their own. "
        f"{len(chart):,} networks on the map.{lost}"
    )


# -- the ways through the space ----------------------------------------------------------------------------------------


@st.fragment
def ways() -> None:
    """The ways through the space below the map, which shows the one that is chosen."""
    st.divider()
    i, point, place = pick.id, inspection.point_of(chart, where, pick.id, pick.place), None
    if point is not None and (i is None or i >= len(loaded.zoo)):  # the zoo's table knows nothing of a guest
        name = "the clicked place" if i is None else inspection.known(chart, i).name
        place = Place(name, tuple(map(float, point)))
    way = moves.show_ways(loaded, i, place, *ends().values(), write_link)
    before, state.way = state.way, way and way | {"key": loaded.key}
    write_link()
    if drawn(way) != drawn(before):
        page.refresh()


def drawn(way: dict | None) -> tuple | None:
    """What the map shows of a way."""
    return way and (way["follows"], way["lined"], way["words"], tuple(way["anchors"]), way["embeddings"].tobytes())


def way_by() -> tuple:
    """What the ways depend on: A and B and, unless it is the path between these, what is picked."""
    picked = (pick.network, pick.place) if moves.way_kind() not in (None, "path") else ()
    return (*ends().values(), *picked)


# -- what becomes known meanwhile --------------------------------------------------------------------------------------


def known() -> tuple:
    """Differs when more is known of what the map shows."""
    now = projections.placed(chart, asked)
    shown = len(charts.chart(loaded, guests)), len(charts.failures(guests))
    return now.key, now.waiting, points.version(chart, columns), shown


def say_embedding() -> None:
    """Which zoos come to the map as soon as they are embedded."""
    words = charts.embedding_words(guests)
    if words:
        st.caption(plain(words))


def watch() -> None:
    if known() != before or (not labelled and groups.all_found(labels)) or (second and second.has_news()):
        page.refresh()


# -- the page ----------------------------------------------------------------------------------------------------------

bringing.take_imported()
loaded = sidebar.choose(sidebar.ANY_NETWORKS, bringing.bring_alone)
state = MapState(loaded)
guests = state.load_guests()
chart = embedded()
for problem in charts.failures(guests):
    page.notice(problem)
parts = MapParts.of(state, chart)
pick, look, left, columns, asked = parts.pick, parts.look, parts.left, parts.columns, parts.projection
pair = PairState(shared_key(loaded), loaded, app_task(loaded).default_pair)
where = placed()
left_on_map = filters.left_by(chart, look.columns, left.asked)
look_key = points.look_key(chart, *look.chosen)
labels = groups.groups_work(chart, where, look.labelled)
labelled = groups.all_found(labels)
filter_key = filters.filter_key(f"{chart.key}|{points.version(chart, columns)}", left.asked)

beside = SecondState(loaded)
second = SecondMap(beside, parts, chart, where) if beside.space else None
second_shown = second is not None and second.is_shown
choose_map(parts, beside, [guest.zoo_info.id for guest in guests])
page.show_notices()
bringing.show_progress()
if charts.embedding_words(guests):
    st.fragment(say_embedding, run_every=1)()
if where.problem:
    st.info(plain(where.problem), icon=":material/scatter_plot:")
    if where.failed and page.button("Try again", "map_again", icon=":material/refresh:"):
        projections.forget(chart, asked)
        page.refresh()
top, below = st.container(), st.container()
with st.container(key="feeds-map", gap=None):
    looks = points.look_feed(VIEW, look_key, chart, *look.chosen)
    frontend.feed("map-look", looks)
    frontend.feed("map-points", points.points_feed(VIEW, where.key, where))
    if filter_key:
        frontend.feed("map-filter", filters.filter_feed(VIEW, filter_key, left_on_map))
    frontend.feed("map-names", points.names_feed(VIEW, where.key, chart.key, chart))
    atlas = points.atlas_feed(VIEW, where.key, chart)
    if atlas:
        frontend.feed("map-atlas", atlas)
    if second_shown:
        second.send(VIEW, look_key, looks, filter_key)
state.way_by = way_by()
with top:
    board()
with below:
    ways()
bringing.show_reports(chart)
before = known()
if points.pending(chart, asked, guests, columns) or not labelled or (second and second.is_waiting):
    st.fragment(watch, run_every=1)()
