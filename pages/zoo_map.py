"""Map: the networks of a zoo as points of its space, what each of them is, and what is near it."""

import math

import streamlit as st

from app import components, frame, moves
from app.session import chairs, classifiers, imports, zoo_map
from app.session.moves import Place
from app.session.zoo_map import PROJECTIONS, Projection

state = st.session_state
loaded = frame.loaded(frame.ANYTHING)
shapes = zoo_map.is_shapes(loaded)
PAIR = "shape" if shapes else "class"
VIEW = "map"
STYLE = """
<style>
[class*="st-key-near-"] button { min-height: 1.6rem; height: 1.6rem; padding: 0; }
[class*="st-key-near-"] { margin-top: -0.7rem; }
</style>
"""
LOOKS = ("colour", "size", "shape")

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
work = state.get("map_import")
if work and work.over and not work.problem:  # what has been imported is shown
    ids = [*filter(None, state.get("map_guests", "").split(",")), work.id]
    state["map_guests"], state["map_import"] = ",".join(dict.fromkeys(ids)), None
    frame.acted()
frame.linked("map_guests", "with", "", known_guests)
guests = []
for id in filter(None, state["map_guests"].split(",")):
    try:
        guests.append(zoo_map.guest(loaded, others[id]))
    except ValueError as problem:
        frame.notice(f"{str(problem)[:1].upper()}{str(problem)[1:]}. The map is shown without it.")

options = zoo_map.umap_options()
for option in options:
    frame.linked(f"map_{option['name']}", option["name"], option["default"], zoo_map.accept_setting(option))
frame.linked(
    "map_projection", "projection", "umap",
    frame.one_of(list(PROJECTIONS), "There is no projection {}; showing UMAP."),
)  # fmt: skip
kind = state["map_projection"]
frame.linked("map_at", "place", None, place)
frame.linked("map_view", "view", None, view)
frame.linked("map_polygon", "selection", None, polygon)


def sentence(problem: ValueError | str) -> str:
    words = str(problem).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


def again() -> None:
    """Lay the page out anew, for what has become known: what was told stays."""
    state["notices"] = [*notices, *state.get("notices", [])]
    st.rerun()


# -- bringing networks ---------------------------------------------------------------------------------------------

BRING_HELP = "Networks that were trained elsewhere, shown among those of this zoo"


def dismissed() -> None:
    state["map_bringing"] = False


@st.dialog("Bring your own networks", width="large", on_dismiss=dismissed)
def bring() -> None:
    names = zoo_map.architectures(loaded)
    st.markdown(
        f"State dicts of {names}, as `.safetensors`, `.pt` or `.pth` files of plain weights, a zip of such files, or a "
        "folder, as the Hugging Face hub lays it out too. Layers are recognised by their shapes, batch norm is fused, "
        "and nothing in the files is run."
    )
    files = st.file_uploader(
        "Files", type=list(imports.KINDS), accept_multiple_files=True, key="bring_files",
        help="Of more than 500 MB: give the path of a folder",
    )  # fmt: skip
    left, right = st.columns([3, 2])
    folder = left.text_input(
        "Or a folder, where the app runs", key="bring_folder", placeholder="/data/my-networks",
        help="For what is larger than 500 MB, and for what is there already",
    )  # fmt: skip
    state.setdefault("bring_name", imports.free_name())
    name = right.text_input("Name", key="bring_name", help="Of the zoo, in runs/imports/")
    problem = imports.name_problem(name.strip())
    if problem:
        st.warning(problem)
    if st.button("Import", type="primary", icon=":material/upload:", disabled=bool(problem or not (files or folder))):
        try:
            work = imports.begin(loaded.space_info, loaded.space, files or folder.strip(), name.strip())
            state["map_import"] = work
            dismissed()
            st.rerun()
        except ValueError as error:
            st.error(sentence(error))


def importing() -> None:
    """How far an import is, until it is over."""
    work = state["map_import"]
    if work.over:
        st.rerun()
    words = work.words or "the files are read"
    st.progress(work.done / max(1, work.total), f"Importing {work.name}: {work.done} of {work.total}. {words}")


def imported() -> None:
    """What became of an import."""
    work = state.get("map_import")
    if work is None:
        return
    if not work.over:
        st.fragment(importing, run_every=0.5)()
        return
    if work.problem:
        st.warning(f"{work.name}: {work.problem}")
        if work.refused:
            st.dataframe(work.refused, hide_index=True)
        st.button("Dismiss", on_click=lambda: state.pop("map_import"))


# -- what is on the map ----------------------------------------------------------------------------------------------

try:
    chart = zoo_map.chart(loaded, guests)
except ValueError as problem:
    frame.notices()
    st.error(sentence(problem))
    st.stop()


def wait_for_embeddings() -> None:
    """In the place of the map, until it is there."""
    done, total = zoo_map.progress(loaded, guests)
    try:
        if zoo_map.chart(loaded, guests) is not None:
            st.rerun()
    except ValueError:
        st.rerun()  # it is told there
    st.markdown("##### The networks are embedded")
    st.progress(done / max(1, total), f"{done} of {total} embedded; they are kept for the next time")


if chart is None:
    frame.notices()
    st.fragment(wait_for_embeddings, run_every=1)()
    st.stop()

columns = zoo_map.all_columns(chart)
COLOURS = ["", *columns]
SIZES = ["", *(name for name, column in columns.items() if column.numbers is not None)]
SHAPES = ["", *(name for name, column in columns.items() if 0 < len(column.categories) <= zoo_map.MOST_SHAPES)]
AXES = [str(k + 1) for k in range(zoo_map.component_count(chart))]
if kind == "directions":
    AXES += zoo_map.direction_columns(chart)
for name, usual, offered in (
    ("colour", zoo_map.usual_colour(chart), COLOURS), ("size", "", SIZES), ("shape", "", SHAPES),
):  # fmt: skip
    lost = f"The networks cannot be told apart by {{}} as {name}; showing another."
    frame.linked(f"map_{name}", name, usual, frame.one_of(offered, lost))
for axis, usual in zip("xy", zoo_map.usual_axes(chart, kind), strict=True):
    lost = f"There is no direction {{}} to be an axis; showing {zoo_map.axis_title(usual)}."
    frame.linked(f"map_{kind}_{axis}", axis, usual, frame.one_of(AXES, lost))


def on_map(asked: str) -> str:
    if asked and asked not in chart.labels:
        raise ValueError(f"There is no network “{asked}” on this map.")
    return asked


frame.linked("map_network", "network", "", on_map)
pair = [chart.labels.get(state.get(f"{PAIR}_{end}")) for end in "ab"]
if None in pair:
    pair = chairs.default_pair(loaded) if shapes else classifiers.default_pair(loaded)
a, b = frame.linked_path(PAIR, loaded, pair)

asked = Projection(
    kind,
    (state[f"map_{kind}_x"], state[f"map_{kind}_y"]),
    tuple((option["name"], state[f"map_{option['name']}"]) for option in options),
)
try:
    where = zoo_map.placed(chart, asked)
except ValueError as problem:
    frame.notices()
    st.info(f"There is no map of this zoo: {problem}.", icon=":material/scatter_plot:")
    st.stop()


def write_link() -> None:
    link = {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id, "projection": kind}
    if kind == "umap":
        settings = {option["name"]: state[f"map_{option['name']}"] for option in options}
        link |= {o["name"]: f"{settings[o['name']]}" for o in options if settings[o["name"]] != o["default"]}
    else:
        link |= {axis: state[f"map_{kind}_{axis}"] for axis in "xy"}
    link |= {name: state[f"map_{name}"] for name in LOOKS}
    link |= {"a": state[f"{PAIR}_a"], "b": state[f"{PAIR}_b"]}
    link |= {"with": state["map_guests"], "network": state["map_network"]}
    for name, key in (("place", "map_at"), ("view", "map_view")):
        link[name] = " ".join(f"{v:.5g}" for v in state[key] or ())
    link["selection"] = " ".join(f"{v:.5g}" for corner in state["map_polygon"] or () for v in corner)
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
            words = {"label": TITLES[option["name"]], "help": sentence(option["help"]), "key": key}
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
                format_func=zoo_map.axis_title,
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
        st.button("Bring your own", icon=":material/upload:", help=BRING_HELP, on_click=bringing)
    if state.get("map_bringing"):  # also when the page is laid out anew meanwhile
        bring()


def bringing() -> None:
    state["map_bringing"] = True
    state.pop("bring_name", None)


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


def moved() -> None:
    if "view" not in state[VIEW]:
        return
    told = state[VIEW]["view"]
    state["map_view"] = told and [told["x"], told["y"], told["scale"]]
    frame.acted()


def show(name: str) -> None:
    """Another network."""
    state["map_network"], state["map_at"] = name, None
    frame.acted()


def path_data() -> dict | None:
    """The way that is moved along below the map, as a line on it."""
    told = state.get("map_told")
    if not told or told["key"] != loaded.key:
        return None
    places = zoo_map.path_places(chart, asked, where, told["embeddings"])
    if places is None:
        return None
    about = {name: told[name] for name in ("follows", "frame", "words", "line")}
    return about | {"places": places, "colour": zoo_map.PATH}


def board() -> None:
    """The map, the network that is picked on it, what is selected, and the ways through the space."""
    i, at = chart.labels.get(state["map_network"]), state["map_at"]
    point = zoo_map.point_of(chart, where, i, at)
    near = [] if point is None else zoo_map.near_in_space(chart, point, i)
    work = None
    if point is not None and near:
        work = zoo_map.rebuilt(chart, i) if i is not None else zoo_map.decoded_at(chart, point)
    does = (work and work.near) or []
    ids = zoo_map.selected(chart, where, state["map_polygon"]) if state["map_polygon"] else None
    told = state.get("map_told") or {}
    data = {
        "points": where.key,
        "look": look,
        "axes": where.axes,
        "note": where.note,
        "liftable": where.plane is not None,
        "message": where.waiting,
        "picked": i,
        "neighbours": [
            {"id": one.id, "kind": name, "rank": k + 1}
            for name, found in (("latent", near), ("function", does))
            for k, one in enumerate(found)
        ],
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
        components.zoo_map(VIEW, data, picked, selected, moved)
        st.caption(
            "Distance on this map is not distance in the space: neighbours and distances are measured in the space "
            f"itself (E = {chart.z.shape[1]})."
        )
    with right:
        if work:
            inspector(i, point, near, work)
        elif i is not None:
            st.markdown(f"##### {zoo_map.known(chart, i).name}")
            st.info("Its weights are not all numbers: it has no embedding, no decode and no place on the map.")
        else:
            hint()
    if ids is not None:
        selection(ids)
    if "move_kind" in state:
        write_link()  # at once: what comes next may take a moment
    move(i, point)
    write_link()


def a_now() -> int | None:
    return chart.labels.get(state[f"{PAIR}_a"])


def b_now() -> int | None:
    return chart.labels.get(state[f"{PAIR}_b"])


def move(i: int | None, point) -> None:
    """The ways through the space below the map; the map shows the one that is chosen."""
    st.divider()
    empty = None if i is not None or point is None else Place("the clicked place", tuple(map(float, point)))
    told = moves.section(loaded, i, empty, a_now(), b_now())
    before = state.get("map_told")
    state["map_told"] = told and told | {"key": loaded.key}
    if drawn(told) != drawn(before):
        again()


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


# -- the network that is picked ------------------------------------------------------------------------------------


def inspector(i: int | None, point, near: list[zoo_map.Near], work: zoo_map.Rebuilt) -> None:
    """What is known of a network, its decode beside it, and its nearest training networks."""
    far = zoo_map.far(chart, point, i)
    if i is None:
        st.markdown("##### Decoded at the clicked place")
        st.caption(f"A point of the plane: {state['map_at'][0]:.3g}, {state['map_at'][1]:.3g}")
    else:
        about(i)
    if far is not None and far > 1:
        st.warning(sentence(zoo_map.far_words(far)), icon=":material/warning:")
    done, here = work.done, work.arrived  # before it is shown: what comes meanwhile is shown the next time
    if work.shapes:
        components.viewer("rebuilt", zoo_map.viewer_data(work) | {"token": 0}, lambda: None, lambda: None)
    else:
        compared(work)
    st.fragment(lambda: arriving(work, done, here), run_every=None if done else 0.3)()
    left, right = st.columns(2, gap="small")
    with left:
        neighbours("in the space", "Training networks by Euclidean distance of embeddings", near, "{:.3g}")
    with right:
        if work.near is not None:
            what = "shapes, 1 - IoU" if work.shapes else "test images put into different classes"
            neighbours("by function", f"Training networks by the share of {what}", work.near, "{:.1%}")


def about(i: int) -> None:
    """Name and records of a network, and what can be done with it."""
    known = zoo_map.known(chart, i)
    guest = bool(known.zoo)
    with st.container(gap=None):
        st.markdown(f"##### {known.name} :gray-badge[{known.split}]")
        st.caption(" · ".join(filter(None, (known.words, known.zoo))))
    with st.container(horizontal=True, gap="xsmall"):
        no_guests = "A and B are networks of the zoo that is chosen in the sidebar" if guest else None
        for end in "ab":
            st.button(
                f"Set as {end.upper()}", key=f"map_set_{end}", on_click=frame.take, args=(PAIR, end, known.name),
                disabled=guest, help=no_guests or f"Set as {end.upper()} of the path",
            )  # fmt: skip
        target = "Shapes" if shapes else "Classifiers"
        if st.button(target, icon=":material/open_in_new:", key="map_open", help=f"The path from A to B in {target}"):
            st.switch_page(f"../pages/{target.lower()}.py")
        with st.popover(":material/info:", help="All that is recorded of it"):
            st.dataframe(
                [{"column": name, "value": value} for name, value in known.facts], hide_index=True, width="content"
            )


def compared(work: zoo_map.Rebuilt) -> None:
    """A classifier beside its decode: pictures of the weights, and what both answer."""
    found = work.compared
    if found is None:
        st.caption("The network is decoded and both are asked about test images.")
        return
    for column, side, picture in zip(st.columns(len(work.sides)), work.sides, found["pictures"], strict=True):
        accuracy = found.get("accuracy", {}).get(side)
        said = "" if accuracy is None else f" · accuracy {accuracy:.3f}"
        column.markdown(f"**{side}**{said}")
        column.image(picture, width="stretch")
    words = ["In every cell of the pictures the weight furthest from 0: orange below, teal above."]
    if "same" in found:
        words.insert(0, f"Same answer on {found['same']:.1%} of {found['count']} test images.")
    elif "count" not in found:
        words.insert(0, "The test images are not here, on which both would be asked.")
    if len(loaded.zoo.family.names) > 1:
        words.insert(0, f"Decoded as {found['architecture']}.")
    st.caption(" ".join(words))


def neighbours(kinds: str, help: str, found: list[zoo_map.Near], digits: str) -> None:
    """Buttons that show the nearest networks of a kind."""
    st.caption(f"**Nearest {kinds}**", help=help)
    with st.container(key=f"near-{kinds}", gap=None):
        for one in found:
            st.button(
                f"{one.name} :gray[{digits.format(one.figure)}]", key=f"near-{kinds}-{one.id}", type="tertiary",
                on_click=show, args=(one.name,),
            )  # fmt: skip


def arriving(work: zoo_map.Rebuilt, done: bool, before: tuple) -> None:
    """Sends what is ready of a network's decode; the page shows the rest when all of it is there."""
    words = [f"IoU of original and decode {work.iou:.3f}"] if work.iou is not None else []
    if work.near is None:
        among = work.among
        if among.missing:
            words.append("by function they are compared where the test images are")
        else:
            words.append("comparing what networks do" + (f", {among.done} of {len(among.ids)}" if not done else ""))
    st.caption(" · ".join(words))
    if work.shapes:
        with st.container(key="feeds-rebuilt", gap=None):
            for name, content in work.feeds("rebuilt"):
                components.feed(f"rebuilt-{name}", content)
    if work.arrived != before:
        again()


# -- the networks that are selected --------------------------------------------------------------------------------


def selection(ids) -> None:
    """The selected networks as a table, as a file, as a zoo."""
    count = len(ids)
    head, row = st.columns([3, 2], vertical_alignment="center")
    head.markdown(f"##### {count:,} network{'s' if count != 1 else ''} selected")
    if not count:
        head.caption("There is no network inside this area.")
        return
    with row.container(horizontal=True, horizontal_alignment="right"):
        st.download_button(
            "CSV", lambda: zoo_map.selection_csv(chart, where, ids), "selection.csv", "text/csv", on_click="ignore",
            key="map_csv", icon=":material/download:", help="All that is recorded of them, and their places on the map",
        )  # fmt: skip
        with st.popover("Save as a zoo", icon=":material/folder_copy:"):
            save(ids)
        st.button("Clear", icon=":material/close:", on_click=cleared)
    if "map_saved" in state:
        st.success(state.pop("map_saved"))
    left, right = st.columns([7, 5], gap="medium")
    left.dataframe(zoo_map.selection_table(chart, ids), hide_index=True, height=280)
    if count > zoo_map.MOST_ROWS:
        left.caption(f"The first {zoo_map.MOST_ROWS:,} of {count:,}; the file holds all of them.")
    means = zoo_map.selection_means(chart, ids)
    if len(means):
        right.dataframe(
            means, hide_index=True, height=280,
            column_config={
                name: st.column_config.NumberColumn(format="%.4g")
                for name in ("selection", "all", zoo_map.DIFFERENCE)
            },
        )  # fmt: skip


def cleared() -> None:
    state["map_polygon"] = None
    frame.acted()


def save(ids) -> None:
    """A form for a zoo of the selected networks of one of the zoos."""
    counts = zoo_map.selected_by_zoo(chart, ids)
    member = next(iter(counts))
    if len(counts) > 1:
        member = st.selectbox(
            "Networks of", list(counts), key="map_save_of",
            format_func=lambda k: f"{chart.members[k].zoo_info.title}, {counts[k]} selected",
        )  # fmt: skip
        st.caption("A zoo is made of networks of one zoo: save those of the others by themselves.")
    st.text_input("Name", key="map_save_name", placeholder="my-selection", help="Its folder below runs/zoos/")
    st.button("Save", type="primary", on_click=saved, args=(ids, member), width="stretch")


def saved(ids, member: int) -> None:
    try:
        folder = zoo_map.save_selection(chart, ids, member, state["map_save_name"].strip())
        state["map_saved"] = f"Saved as {folder}, which the sidebar offers from now on."
    except (ValueError, OSError) as problem:
        frame.notice(sentence(problem))
    frame.acted()


# -- networks from elsewhere ---------------------------------------------------------------------------------------


def elsewhere() -> None:
    """Of every imported zoo on the map what became of its files, and where the space places its networks."""
    for member in zoo_map.imported(chart):
        report = imports.report(member)
        count, refused = report["imported"], report["refused"]
        words = f"{count} network{'s' if count != 1 else ''} imported, {len(refused)} refused"
        with st.container(border=True):
            st.markdown(f"##### {member.zoo_info.title}: {words}")
            if report["fused"]:
                st.caption(
                    f"Batch norm was fused in {report['fused']}; logits changed by {report['difference']:.1e} at most."
                )
            work = zoo_map.placements(chart, member)
            left, right = st.columns([7, 5], gap="medium")
            with left:
                over = work.future.done()
                st.fragment(lambda member=member, over=over: placed(member, over), run_every=None if over else 1)()
            if len(refused):
                right.caption("Not imported")
                right.dataframe(refused, hide_index=True)


def placed(member, over: bool) -> None:
    """The table of an imported zoo's networks, as far as they are placed."""
    work = zoo_map.placements(chart, member)
    if work.problem:
        st.warning(work.problem)
    elif not work.future.done():
        st.caption(f"{len(work.rows)} of {work.total} reconstructed and placed")
    st.dataframe(
        work.table(loaded), hide_index=True,
        column_config={
            "reconstruction error": st.column_config.NumberColumn(
                format="%.3f", help="1 - IoU of decode and original" if shapes else "Share of different answers"
            ),
            "distance": st.column_config.NumberColumn(format="%.3g", help="To that network, in the space"),
            "off manifold": st.column_config.TextColumn(help=zoo_map.FAR_HELP),
        },
    )  # fmt: skip
    if work.future.done() and not over:
        again()


def arrived() -> tuple:
    """Differs where more is known of what the map shows."""
    now = zoo_map.placed(chart, asked)
    told = state.get("map_told")
    way = bool(told) and zoo_map.path_places(chart, asked, now, told["embeddings"]) is not None
    return now.key, now.waiting, zoo_map.version(chart), len(zoo_map.chart(loaded, guests)), way


def watch() -> None:
    """Shows what has become known in the background."""
    if arrived() != before:
        again()


look = zoo_map.look_key(chart, *(state[f"map_{name}"] for name in LOOKS))
st.html(STYLE)
controls()
notices = list(state.get("notices", []))
frame.notices()
imported()
if where.problem:
    st.info(where.problem, icon=":material/scatter_plot:")
top = st.container()
with st.container(key="feeds-map", gap=None):
    components.feed("map-look", zoo_map.look_feed(VIEW, look, chart, *(state[f"map_{n}"] for n in LOOKS)))
    components.feed("map-points", zoo_map.points_feed(VIEW, where.key, where))
    components.feed("map-names", zoo_map.names_feed(VIEW, where.key, chart.key, chart))
    atlas = zoo_map.atlas_feed(VIEW, where.key, chart)
    if atlas:
        components.feed("map-atlas", atlas)
with top:
    st.fragment(board)()
elsewhere()
before = arrived()
way = (state.get("map_told") or {}).get("embeddings")
if zoo_map.pending(chart, asked, guests, way):
    st.fragment(watch, run_every=1)()
