"""The section of the Map that moves through the space: past A and B, along directions, by sums and mixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import frontend
from app.backend import moves, take_away
from app.backend.catalogue import Loaded
from app.backend.moves import Move, Place
from app.backend.path import method_names
from app.backend.words import plain, sentence
from app.tasks import app_task
from app.ui import downloads, image_data, links, page
from app.ui.links import one_of
from app.ui.page import PageField, PageState, sent
from app.ui.streams import stream

WAY_TITLES = {
    "path": ("Path A to B", "The straight line through both embeddings, and beyond both ends"),
    "direction": ("Direction", "One network, moved along the direction of a column of the zoo's table"),
    "arithmetic": ("Arithmetic", "The difference of a and b, added to c"),
    "mix": ("Mix", "Weighted means of three or four embeddings"),
    "spline": ("Spline", "A smooth way through a list of networks"),
}
"""title and help of each kind of family"""
MOST_OFFERED = 2000
"""networks that lists offer"""
SEPARATOR = "|"
"""between the names of networks in a link"""


def view_of(loaded: Loaded) -> str:
    """Id of the view that shows a family."""
    return f"move_{app_task(loaded).page}"


# -- the state of the section ------------------------------------------------------------------------------------------


class WayState(PageState):
    """The kind of family that is chosen, and how its networks are shown."""

    key = "move"
    kind = PageField(
        lambda state: next(iter(WAY_TITLES)), link="move", check=one_of(WAY_TITLES, "There is no way of moving {}.")
    )  # fmt: skip
    lined = PageField(True, link="line", parse=links.yes, write=links.yes_or_no, terse=True)
    """whether its way is drawn on the map"""
    method = PageField(lambda state: method_names()[0])
    camera = PageField[list[float] | None](None)
    released = PageField(False)
    """whether the slider was released since the view was drawn"""


class ColumnState(PageState):
    """The column of the zoo's table along whose direction a network is moved."""

    key = "move.direction"

    def __init__(self, options: list[str]) -> None:
        self.options = options
        super().__init__()

    def usual(self) -> str:
        return next((name for name in ("seat_height", "test_accuracy") if name in self.options), self.options[0])

    column = PageField(
        usual, link="column", check=one_of(lambda state: state.options, "There is no direction of {}; showing another.")
    )


class AnchorState(PageState):
    """The networks that a family is made of, by name."""

    def __init__(self, loaded: Loaded, kind: str, usual: list[int], least: int, most: int) -> None:
        self.loaded, self.least, self.most = loaded, least, most
        self.usual = [loaded.names[i] for i in usual]
        super().__init__(family_key(kind))

    def known(self, names: list[str]) -> list[str]:
        for name in names:
            if name not in self.loaded.names:
                raise ValueError(f"There is no network “{name}” in the zoo {self.loaded.zoo_info.id}; showing others.")
        if not self.least <= len(names) <= self.most:
            raise ValueError(
                f"The link names {len(names)} networks where {self.least} to {self.most} are needed; showing others."
            )
        return names

    names = PageField[list[str]](
        lambda state: state.usual, link=lambda state: state.kind, parse=lambda text: text.split(SEPARATOR),
        check=known, write=lambda names: SEPARATOR.join(names) or None,
    )  # fmt: skip

    @property
    def kind(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def ids(self) -> list[int]:
        return [self.loaded.names.index(name) for name in self.names]

    def options(self, *more: int | None) -> list[str]:
        """Names that lists offer: all of the zoo's or, of a large zoo, those chosen, these ids' and the first."""
        names = self.loaded.names
        if len(names) <= MOST_OFFERED:
            return names
        some = (names[i] for i in more if i is not None)
        return list(dict.fromkeys([*self.names, *some, *names[:MOST_OFFERED]]))


def _position(text: str) -> float:
    try:
        return links.gamma(text)
    except ValueError:
        raise ValueError(f"The link's position “{text}” is not a number; showing where the family starts.") from None


class StepState(PageState):
    """Where the slider of a family is, from 0 to 1."""

    def __init__(self, family: Move) -> None:
        self.last, self.start = family.route.steps - 1, family.start
        super().__init__(family_key(family.kind))

    at = PageField[float](lambda state: state.start / state.last, link="at", parse=_position, write="{:.5g}".format)

    @property
    def step(self) -> int:
        return round(self.at * self.last)


def family_key(kind: str) -> str:
    """Key of what is kept of a kind of family."""
    return f"move.{kind}"


def way_kind() -> str | None:
    """The kind of family that is chosen; None before the section was shown."""
    return WayState.kept().kind


def ways_link() -> dict[str, str]:
    """What the link holds of the section, after `show_ways` has run."""
    state = WayState.kept()
    kind = state.kind or next(iter(WAY_TITLES))
    held = [state, StepState.kept(family_key(kind))]
    if kind == "direction":
        held.append(ColumnState.kept())
    elif kind in _ANCHORED:
        held.append(AnchorState.kept(family_key(kind)))
    return {name: text for part in held for name, text in part.link().items()}


# -- the section -------------------------------------------------------------------------------------------------------


def show_ways(
    loaded: Loaded,
    picked: int | None,
    point: Place | None,
    a: int | None,
    b: int | None,
    write_link: Callable[[], None],
) -> dict[str, Any] | None:
    """Choose a family of networks and slide through it; return what the map draws of it, None if there is none.

    Args:
        picked: id of the network that is picked on the map.
        point: a point of the space that is no network of the zoo: where an empty place was clicked, or the embedding
            of a network that is shown among this zoo's. It is moved instead.
        a, b: ids of A and B; like `picked` they may be of a zoo shown among this one, or None.
        write_link: writes the page's whole link, which happens as soon as the slider is released.
    """
    state = WayState()
    _choose_kind(state)
    picked = picked if picked is not None and picked < len(loaded.zoo) else None
    try:
        for i, end in ((a, "A"), (b, "B")):
            if i is None or i >= len(loaded.zoo):
                raise ValueError(
                    f"{end} is no network of {loaded.zoo_info.id}, through which this moves: choose another {end}."
                )
        family = _CONTROLS[state.kind](loaded, picked, point, a, b)
        step = StepState(family)
        page.show_notices()  # of what the link asked for here
        if not app_task(loaded).can_show(loaded):
            st.info("The test images of these networks are not here: where they are, this family is shown.")
            image_data.offer_images(loaded)
        else:
            _show(loaded, family, state, step, write_link)
    except ValueError as problem:
        st.info(plain(sentence(problem)))
        return None
    return {
        "follows": view_of(loaded),
        "embeddings": family.z,
        "frame": step.step,
        "words": family.words,
        "lined": state.lined,
        "line": family.pad is None,  # the mixtures of a pad are spread out, not one after another
        "anchors": list(family.anchors),
    }


# -- the kinds ---------------------------------------------------------------------------------------------------------


def _choose_kind(state: WayState) -> None:
    """A row of buttons."""

    def chosen() -> None:
        StepState.ignore_link(family_key(state.kind))  # the link's position is that of the kind before

    head, row, switch = st.columns([2, 4, 1], vertical_alignment="center")
    head.markdown("##### Move through the space")
    switch.toggle("On the map", help="Draw it on the map, from dot to dot", **state.widget("lined"))
    row.segmented_control(
        "Family of networks", list(WAY_TITLES), format_func=lambda kind: WAY_TITLES[kind][0],
        label_visibility="collapsed", help=WAY_TITLES[state.kind][1], **state.widget("kind", then=chosen),
    )  # fmt: skip


def _anchor_box(column, state: AnchorState, options: list[str], k: int, label: str) -> None:
    """A list for the k-th network of a family."""
    column.selectbox(
        label, options, format_func=lambda name: f"{label}  {name}", label_visibility="collapsed",
        **state.widget("names", k),
    )  # fmt: skip


def _path(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Move:
    return moves.path_beyond(loaded, a, b)


def _direction(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Move:
    options = moves.directed_columns(loaded)
    if not options:
        raise ValueError("The zoo's table has no column of numbers that differ: there is no direction to move along.")
    state = ColumnState(options)
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.selectbox(
        "Column", options, format_func=moves.column_title, label_visibility="collapsed", **state.widget("column")
    )
    family = moves.along_column(loaded, point or (a if picked is None else picked), state.column)
    held = (
        f"Moved so that these columns stay as they are: {', '.join(map(moves.column_title, family.controlled))}."
        if family.controlled
        else None
    )
    right.caption(plain(" ".join(family.notes)), help=held and plain(held))
    return family


def _arithmetic(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Move:
    usual = moves.default_arithmetic(loaded, a, b)
    if len(set(usual)) < 3:
        raise ValueError(f"Arithmetic needs three networks, the zoo has {len(loaded.zoo)}.")
    state = AnchorState(loaded, "arithmetic", usual, 3, 3)
    options = state.options(a, b, picked)
    columns = st.columns([4, 0.4, 4, 0.4, 4], vertical_alignment="center")
    for k, (letter, sign) in enumerate(zip("abc", ("", "−", "+"), strict=True)):
        if sign:
            columns[2 * k - 1].markdown(f"**{sign}**")
        _anchor_box(columns[2 * k], state, options, k, letter)
    return moves.sum_of(loaded, *state.ids)


def _mix(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Move:
    usual = moves.default_anchors(loaded, a, b, [picked], 4)
    if len(usual) < 3:
        raise ValueError(f"A mix needs three networks, the zoo has {len(usual)}.")
    state = AnchorState(loaded, "mix", usual[:3], 3, 4)
    names, options = state.names, state.options(a, b, picked)
    *columns, last = st.columns([4] * len(names) + [2.4], vertical_alignment="center")
    for k, column in enumerate(columns):
        _anchor_box(column, state, options, k, str(k + 1))
    more = next((loaded.names[i] for i in usual if loaded.names[i] not in names), None)
    if len(names) == 4:
        last.button(
            "Three", icon=":material/remove:", help="Mix three networks", width="stretch", on_click=state.change,
            kwargs={"names": names[:3]},
        )  # fmt: skip
    else:
        last.button(
            "Four", icon=":material/add:", help="Mix four networks", width="stretch", disabled=more is None,
            on_click=state.change, kwargs={"names": [*names, more]},
        )  # fmt: skip
    return moves.mix_of(loaded, state.ids)


def _spline(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Move:
    usual = moves.default_anchors(loaded, a, b, [picked], 4)
    if len(usual) < 2:
        raise ValueError(f"A spline needs two networks, the zoo has {len(usual)}.")
    state = AnchorState(loaded, "spline", usual, 0, moves.MOST_ON_SPLINE)
    left, right = st.columns([5, 1.4], vertical_alignment="center")
    left.multiselect(
        "Networks, in order", state.options(a, b, picked), max_selections=moves.MOST_ON_SPLINE,
        label_visibility="collapsed", **state.widget("names"),
    )  # fmt: skip
    names, name = state.names, None if picked is None else loaded.names[picked]
    right.button(
        "Add the picked network", icon=":material/add:", width="stretch",
        disabled=name is None or name in names or len(names) == moves.MOST_ON_SPLINE,
        help="Networks picked on the map are added at the end" if name is None else plain(name),
        on_click=state.change, kwargs={"names": [*names, name]},
    )  # fmt: skip
    return moves.spline_through(loaded, state.ids)


_CONTROLS: dict[str, Callable[[Loaded, int | None, Place | None, int, int], Move]] = {
    "path": _path,
    "direction": _direction,
    "arithmetic": _arithmetic,
    "mix": _mix,
    "spline": _spline,
}
_ANCHORED = ("arithmetic", "mix", "spline")
"""kinds whose networks are chosen in this section"""


# -- showing -----------------------------------------------------------------------------------------------------------


def _show(loaded: Loaded, family: Move, state: WayState, position: StepState, write_link: Callable[[], None]) -> None:
    """The view of a family, and below it what can be said of the network at the slider."""
    kind = app_task(loaded)
    view, work = view_of(loaded), moves.work_on(loaded, family, position.step)
    if state.method not in work.sides:
        state.method = method_names()[0]

    def released() -> None:
        seen = sent(view).get("view")
        if not seen:  # the view was mounted anew
            return
        position.change(at=seen["frame"] / position.last)
        state.change(released=True, **({"camera": seen["camera"]} if kind.camera else {}))

    def chosen() -> None:
        state.change(method=sent(view).get("method") or state.method)

    @st.fragment
    def slide() -> None:
        step, side = position.step, state.method
        at_rest = state.once("released")
        if at_rest:  # the fragment runs alone
            write_link()
        data = moves.move_data(loaded, work, family, step, side) | {"token": page.state_version()}
        place = st.container()
        if family.pad:
            left, place = st.columns([1, 2.2])
            with left:
                pad = family.pad | {"follows": view, "path": work.id, "frame": step}
                frontend.pad("move_pad", pad | {"what": kind.pad_value})
        with place:
            frontend.path_view(kind.view)(view, data | {"camera": state.camera}, released, chosen)
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.caption(plain(moves.remark(family, step)))
        with right.container(horizontal=True, horizontal_alignment="right"):
            _offer_network(loaded, work, family, step, side)
        if at_rest:
            finer("rest")

    def finer(name: str) -> None:
        """Send the shown step as it is drawn at rest; waits for it."""
        content = work.detail(position.step, view)
        if content:
            with st.container(key=f"feeds-move-{name}"):
                frontend.feed(f"{view}-{name}", content)

    slide()
    stream(work, view, lambda: finer("detail") if work.done else None, wait=False)


def _offer_network(loaded: Loaded, work, family: Move, step: int, side: str) -> None:
    """Offer the network of a side at a step."""
    about, file = moves.made(family, side, step), f"{family.kind}_{step:02d}_{side}"
    with st.popover("Export", icon=":material/download:"):
        st.markdown(f"**{WAY_TITLES[family.kind][0]}, {plain(family.said(step))}**")
        downloads.offer_step(work, side, step, about, file)
        task = app_task(loaded)
        if side != "original":
            downloads.offer_exports(
                loaded, take_away.PATH, lambda: task.path_subject(work, side, **moves.shown_as(family)),
                f"{family.kind}_{side}", "All of them", key=lambda: take_away.path_key(work, task.settled(work), side),
            )  # fmt: skip
