"""The section of the page Map that moves through the space: past A and B, along directions, by sums and mixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import frontend as components
from app.backend import chairs, moves
from app.backend.catalogue import Loaded, is_shapes
from app.backend.moves import Family, Place
from app.ui import frame

KINDS = {
    "path": ("Path A to B", "The straight line through both embeddings, and beyond both ends"),
    "direction": ("Direction", "One network, moved along the direction of a column of the zoo's table"),
    "arithmetic": ("Arithmetic", "What sets a apart from b, added to c"),
    "mix": ("Mix", "Weighted means of three or four embeddings"),
    "spline": ("Spline", "A smooth way through a list of networks"),
}
VIEWS = {True: "move_shapes", False: "move_classifiers"}
"""id of the view, by whether it shows shapes"""
MOST_LISTED = 2000
"""networks that lists offer"""
SEPARATOR = "|"
"""between the names of networks in a link"""

state = st.session_state


def section(
    loaded: Loaded,
    picked: int | None,
    point: Place | None,
    a: int | None,
    b: int | None,
    write_link: Callable[[], None],
) -> dict[str, Any] | None:
    """Choose a family of networks and slide through it; returns what the map is to draw of it, None where nothing.

    Args:
        picked: id of the network that is picked on the map.
        point: a point of the space that is no network of the zoo: where an empty place was clicked, or the embedding
            of a network that is shown among this zoo's. It is moved instead.
        a, b: ids of A and B; like `picked` they may be of a zoo shown among this one, or None.
        write_link: writes the page's whole link, as is done at once where the slider was released.
    """
    kind = _kind()
    picked = picked if picked is not None and picked < len(loaded.zoo) else None
    try:
        for i, end in ((a, "A"), (b, "B")):
            if i is None or i >= len(loaded.zoo):
                raise ValueError(
                    f"{end} is no network of {loaded.zoo_info.id}, through which this moves: choose another {end}."
                )
        family = _CONTROLS[kind](loaded, picked, point, a, b)
        i = _step(family)
        frame.notices()  # of what the link asked for here
        if not moves.can_ask(loaded):
            st.info("The test images of these networks are not here: where they are, this family is shown.")
            frame.offer_download(loaded)
        else:
            _show(loaded, family, i, write_link)
    except ValueError as problem:
        st.info(frame.plain(frame.sentence(problem)))
        return None
    return {
        "follows": VIEWS[is_shapes(loaded)],
        "embeddings": family.z,
        "frame": i,
        "words": family.words,
        "line": family.lattice is None,  # the mixtures of a pad are spread out, not one after another
        "anchors": list(family.anchors),
    }


def link(loaded: Loaded) -> dict[str, str]:
    """What the link holds of the section, after `section` has run."""
    kind = state.get("move_kind", "path")
    held = {"move": kind}
    if state.get(f"move_at_{kind}") is not None:
        held["at"] = f"{state[f'move_at_{kind}']:.5g}"
    if kind == "direction" and state.get("move_column"):
        held["column"] = state["move_column"]
    if kind in ANCHORS and state.get(f"move_{kind}"):
        held[kind] = SEPARATOR.join(state[f"move_{kind}"])
    return held


# -- what is chosen ------------------------------------------------------------------------------------------------


def _kind() -> str:
    """The kind of family, chosen in a row of buttons."""
    kind = frame.linked("move_kind", "move", "path", frame.one_accepted(list(KINDS), "There is no way of moving {}."))
    state["move_kind_box"] = kind

    def taken() -> None:
        chosen = state["move_kind_box"]
        if chosen:  # clicking the chosen one again unchooses it
            state["move_kind"] = chosen
            state.setdefault(f"move_at_{chosen}", None)  # the link's is that of another kind
        frame.acted()

    head, row = st.columns([2, 5], vertical_alignment="center")
    head.markdown("##### Move through the space")
    row.segmented_control(
        "Family of networks", list(KINDS), key="move_kind_box", format_func=lambda k: KINDS[k][0],
        label_visibility="collapsed", on_change=taken, help=KINDS[kind][1],
    )  # fmt: skip
    return kind


def _step(family: Family) -> int:
    """The step at the slider: as session or link have it, else where the family starts."""
    last = family.route.steps - 1

    def accept(asked: str | float) -> float:
        try:
            return frame.position(asked)
        except ValueError:
            raise ValueError(
                f"The link's position “{asked}” is not a number; showing where the family starts."
            ) from None

    return round(frame.linked(f"move_at_{family.kind}", "at", family.start / last, accept) * last)


def _names(loaded: Loaded, kind: str, fallback: list[int], least: int, most: int) -> list[int]:
    """Ids of the networks that a family is made of, as session or link have them."""
    names = loaded.names

    def accept(asked: str | list[str]) -> list[str]:
        found = asked.split(SEPARATOR) if isinstance(asked, str) else list(asked)
        for name in found:
            if name not in names:
                raise ValueError(f"There is no network “{name}” in the zoo {loaded.zoo_info.id}; showing others.")
        if not least <= len(found) <= most:
            raise ValueError(
                f"The link names {len(found)} networks where {least} to {most} are needed; showing others."
            )
        return found

    return [names.index(name) for name in frame.linked(f"move_{kind}", kind, [names[i] for i in fallback], accept)]


def _options(loaded: Loaded, chosen: list[str], *more: int | None) -> list[str]:
    """Names that lists offer: all of the zoo's, of a large one the first, those chosen and these ids."""
    names = loaded.names
    if len(names) <= MOST_LISTED:
        return names
    return list(dict.fromkeys([*chosen, *(names[i] for i in more if i is not None), *names[:MOST_LISTED]]))


def _keep(key: str, value: Any) -> None:
    state[key] = value
    frame.acted()


def _network_box(column, names: list[str], kind: str, k: int, label: str) -> None:
    """A select box for the k-th network of a family, one of these names."""
    box = f"move_{kind}_box{k}"
    state[box] = state[f"move_{kind}"][k]

    def taken() -> None:
        chosen = list(state[f"move_{kind}"])
        chosen[k] = state[box]
        _keep(f"move_{kind}", chosen)

    column.selectbox(label, names, key=box, format_func=lambda name: f"{label}  {name}",
                     label_visibility="collapsed", on_change=taken)  # fmt: skip


# -- the kinds -----------------------------------------------------------------------------------------------------


def _path(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Family:
    return moves.path(loaded, a, b)


def _direction(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Family:
    options = moves.columns(loaded)
    if not options:
        raise ValueError("The zoo's table has no column of numbers that differ: there is no direction to move along.")
    known = frame.one_accepted(options, "There is no direction of {}; showing another.")
    usual = next((name for name in ("seat_height", "test_accuracy") if name in options), options[0])
    column = frame.linked("move_column", "column", usual, known)
    state["move_column_box"] = column
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.selectbox(
        "Column", options, key="move_column_box", format_func=moves.title, label_visibility="collapsed",
        on_change=lambda: _keep("move_column", state["move_column_box"]),
    )  # fmt: skip
    family = moves.direction(loaded, point or (a if picked is None else picked), column)
    held = (
        f"Moved so that these columns stay as they are: {', '.join(map(moves.title, family.held))}."
        if family.held
        else None
    )
    right.caption(frame.plain(" ".join(family.notes)), help=held and frame.plain(held))
    return family


def _arithmetic(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Family:
    usual = moves.default_arithmetic(loaded, a, b)
    if len(set(usual)) < 3:
        raise ValueError(f"Arithmetic needs three networks, the zoo has {len(loaded.zoo)}.")
    ids = _names(loaded, "arithmetic", usual, 3, 3)
    options = _options(loaded, state["move_arithmetic"], a, b, picked)
    columns = st.columns([4, 0.4, 4, 0.4, 4], vertical_alignment="center")
    for k, (letter, sign) in enumerate(zip("abc", ("", "−", "+"), strict=True)):
        if sign:
            columns[2 * k - 1].markdown(f"**{sign}**")
        _network_box(columns[2 * k], options, "arithmetic", k, letter)
    return moves.arithmetic(loaded, *ids)


def _mix(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Family:
    usual = moves.default_anchors(loaded, a, b, [picked], 4)
    if len(usual) < 3:
        raise ValueError(f"A mix needs three networks, the zoo has {len(usual)}.")
    ids = _names(loaded, "mix", usual[:3], 3, 4)
    options = _options(loaded, state["move_mix"], a, b, picked)
    columns = st.columns([4] * len(ids) + [2.4], vertical_alignment="center")
    for k, column in enumerate(columns[:-1]):
        _network_box(column, options, "mix", k, str(k + 1))
    names = state["move_mix"]
    more = next((loaded.names[i] for i in usual if loaded.names[i] not in names), None)
    if len(ids) == 4:
        columns[-1].button("Three", icon=":material/remove:", help="Mix three networks", width="stretch",
                           on_click=lambda: _keep("move_mix", names[:3]))  # fmt: skip
    else:
        columns[-1].button("Four", icon=":material/add:", help="Mix four networks", width="stretch",
                           disabled=more is None, on_click=lambda: _keep("move_mix", [*names, more]))  # fmt: skip
    return moves.mix(loaded, ids)


def _spline(loaded: Loaded, picked: int | None, point: Place | None, a: int, b: int) -> Family:
    usual = moves.default_anchors(loaded, a, b, [picked], 4)
    if len(usual) < 2:
        raise ValueError(f"A spline needs two networks, the zoo has {len(usual)}.")
    ids = _names(loaded, "spline", usual, 0, moves.families.MOST_ANCHORS)
    names = state["move_spline"]
    state["move_spline_box"] = names
    left, right = st.columns([5, 1.4], vertical_alignment="center")
    left.multiselect(
        "Networks, in order", _options(loaded, names, a, b, picked), key="move_spline_box",
        max_selections=moves.families.MOST_ANCHORS, label_visibility="collapsed",
        on_change=lambda: _keep("move_spline", list(state["move_spline_box"])),
    )  # fmt: skip
    name = None if picked is None else loaded.names[picked]
    right.button(
        "Add the picked network", icon=":material/add:", width="stretch",
        disabled=name is None or name in names or len(names) == moves.families.MOST_ANCHORS,
        help="Networks picked on the map are added at the end" if name is None else frame.plain(name),
        on_click=lambda: _keep("move_spline", [*names, name]),
    )  # fmt: skip
    return moves.spline(loaded, ids)


_CONTROLS: dict[str, Callable[[Loaded, int | None, Place | None, int, int], Family]] = {
    "path": _path,
    "direction": _direction,
    "arithmetic": _arithmetic,
    "mix": _mix,
    "spline": _spline,
}
ANCHORS = ("arithmetic", "mix", "spline")
"""kinds whose networks are chosen in this section"""


# -- showing -------------------------------------------------------------------------------------------------------


def _show(loaded: Loaded, family: Family, i: int, write_link: Callable[[], None]) -> None:
    """The view of a family, and below it what can be said of the network at the slider."""
    shapes = is_shapes(loaded)
    view, last, key = VIEWS[shapes], family.route.steps - 1, f"move_at_{family.kind}"
    work = moves.work(loaded, family, i)
    method = state.get("move_method")
    if method not in work.sides:
        method = state["move_method"] = "latent"

    def released() -> None:
        told = state[view].get("view")
        if not told:  # the view was mounted anew
            return
        state[key] = told["frame"] / last
        if shapes:
            state["move_camera"] = told["camera"]
        state["move_rests"] = True
        frame.acted()

    def chosen() -> None:
        state["move_method"] = state[view].get("method") or state["move_method"]
        frame.acted()

    @st.fragment
    def slide() -> None:
        step, side = round(state[key] * last), state["move_method"]
        rests = state.pop("move_rests", False)
        if rests:  # the fragment runs alone
            write_link()
        data = moves.view_data(loaded, work, family, step, side) | {"token": frame.token()}
        place = st.container()
        if family.lattice:
            left, place = st.columns([1, 2.2])
            with left:
                pad = family.lattice | {"follows": view, "path": work.id, "frame": step}
                components.pad("move_pad", pad | {"what": "volume" if shapes else "accuracy"})
        with place:
            if shapes:
                components.viewer(view, data | {"camera": state.get("move_camera")}, released, chosen)
            else:
                components.classifier(view, data, released, chosen)
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.caption(frame.plain(moves.remark(loaded, family, step)))
        with right.container(horizontal=True, horizontal_alignment="right"):
            _keep_network(loaded, work, family, step, side)
        if shapes and rests:
            finer("rest")

    def finer(name: str) -> None:
        """Send the shown step as it is drawn at rest; waits for it."""
        with st.container(key=f"feeds-move-{name}"):
            components.feed(f"{view}-{name}", work.detail(round(state[key] * last), view))

    slide()
    frame.feeds(work, view, lambda: finer("detail") if shapes and work.done else None, wait=False)


def _keep_network(loaded: Loaded, work, family: Family, i: int, side: str) -> None:
    """What can be kept of the network of a side at a step."""
    made = moves.made(work, family, side, i)
    file = f"{family.kind}_{i:02d}_{side}"
    with st.popover("Take away", icon=":material/download:"):
        st.markdown(f"**{KINDS[family.kind][0]}, {frame.plain(family.said(i))}**")
        kinds = [
            ("safetensors + JSON", "zip", "weights as safetensors, and how the network was made as JSON"),
            ("state_dict", "pt", "torch.load(file, weights_only=True)"),
        ]
        if is_shapes(loaded):
            st.caption(f"Mesh at {chairs.AT_REST}³")
            for column, kind in zip(st.columns(3), ("glb", "stl", "ply"), strict=True):
                frame.download(
                    column, kind.upper(), lambda kind=kind: chairs.mesh_file(work, side, i, kind), f"{file}.{kind}"
                )
        else:
            kinds.append(("ONNX", "onnx", "normalised images (n, 3, S, S) to logits; takes a few seconds"))
        st.caption("The network")
        for column, (title, kind, words) in zip(st.columns(len(kinds)), kinds, strict=True):
            frame.download(
                column, title, lambda kind=kind: moves.network_file(work, side, i, made, kind), f"{file}.{kind}", words
            )
