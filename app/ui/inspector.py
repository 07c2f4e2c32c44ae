"""The network picked on the map, beside it: what is known of it, its decode, and the networks nearest to it."""

from __future__ import annotations

import streamlit as st

from app import frontend as components
from app.backend import catalogue, inspection, manifold
from app.backend.charts import Chart
from app.backend.inspection import Near, Rebuilt
from app.backend.projections import Placed
from app.ui import frame
from app.ui.pair import PairState

POLL = 0.7
"""seconds between two looks at what has become known"""
LONG = 8
"""looks after which nobody seems to click any more"""


state = st.session_state


def section(
    chart: Chart, where: Placed, pair: PairState, i: int | None, point, near: list[Near], work: Rebuilt
) -> None:
    """What is known of a network, or of a point of the space; beside its decode.

    Args:
        pair: the pair whose A or B it can become.
        i: its id; None of a point (E) that is decoded where an empty place was clicked.
    """
    if i is None:
        x, y = state["map_at"]
        st.markdown("##### Decoded at the clicked place")
        st.caption(f"A point of the plane: {x:.3g}, {y:.3g}")
    else:
        _about(chart, pair, i)
    far = manifold.far(chart, point, i)
    if far is not None and far > 1:
        st.warning(frame.sentence(manifold.words(far)), icon=":material/warning:")
    if work.shapes:
        components.viewer("rebuilt", inspection.viewer_data(work) | {"token": 0}, lambda: None, lambda: None)
    done = work.done
    st.fragment(lambda: _arriving(chart, where, near, work, done), run_every=None if done else POLL)()


def _about(chart: Chart, pair: PairState, i: int) -> None:
    """Name and records of a network, and what can be done with it."""
    known = inspection.known(chart, i)
    guest = bool(known.zoo)
    with st.container(gap=None):
        st.markdown(f"##### {frame.plain(known.name)} :gray-badge[{frame.plain(known.split)}]")
        st.caption(frame.plain(" · ".join(filter(None, (known.words, known.zoo)))))
        if known.function:
            st.caption(f"Taken to be: {frame.plain(known.function)}")
        if known.warning:
            st.warning(frame.plain(frame.sentence(known.warning)), icon=":material/warning:")
    with st.container(horizontal=True, gap="xsmall"):
        no_guests = "A and B are networks of the zoo that is chosen in the sidebar" if guest else None
        for end in "ab":
            st.button(
                f"Set as {end.upper()}", key=f"map_set_{end}", on_click=pair.change, kwargs={end: known.name},
                disabled=guest, help=no_guests or f"Set as {end.upper()} of the path",
            )  # fmt: skip
        target = "Shapes" if catalogue.is_shapes(chart.loaded) else "Classifiers"
        if st.button(target, icon=":material/open_in_new:", key="map_open", help=f"The path from A to B in {target}"):
            st.switch_page(f"../pages/{target.lower()}.py")
        with st.popover(":material/info:", help="All that is recorded of it"):
            st.dataframe(
                [{"column": name, "value": value} for name, value in known.facts], hide_index=True, width="content"
            )


def _compared(work: Rebuilt, family: bool) -> None:
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
    if family:
        words.insert(0, f"Decoded as {found['architecture']}.")
    st.caption(" ".join(words))


def _neighbours(kinds: str, help: str, found: list[Near], digits: str) -> None:
    """Buttons that show the nearest networks of a kind."""
    st.caption(f"**Nearest {kinds}**", help=help)
    with st.container(key=f"near-{kinds}", gap=None):
        for one in found:
            words = f"{frame.plain(one.name)} :gray[{digits.format(one.figure)}]"
            if st.button(words, key=f"near-{kinds}-{one.id}", type="tertiary"):
                state["map_network"], state["map_at"] = one.name, None
                frame.rerun()


def _arriving(chart: Chart, where: Placed, near: list[Near], work: Rebuilt, before: bool) -> None:
    """What becomes known of a network's decode while someone looks at it.

    It is laid out here alone: the page answers clicks meanwhile, and is laid out anew when nobody clicks any more.
    """
    looks = state.get("map_looks", ("", 0))
    looks = (work.id, looks[1] + 1 if looks[0] == work.id else 1)
    state["map_looks"] = looks
    if looks[1] > 1 or before:
        work.rest()
    if work.problem:
        st.warning(f"The decode cannot be shown. {frame.plain(frame.sentence(work.problem))}")
    elif not work.shapes:
        _compared(work, family=len(chart.loaded.zoo.family.names) > 1)
    words = [f"IoU of original and decode {work.iou:.3f}"] if work.iou is not None else []
    among = work.among
    if among.missing:
        words.append("by function they are compared where the test images are")
    elif work.not_compared:
        st.warning(f"Networks cannot be compared by what they do. {frame.plain(frame.sentence(work.not_compared))}")
    elif work.near is None:
        words.append(f"comparing what networks do, {among.done:,} of {len(among.ids):,}")
    st.caption(" · ".join(words))
    with st.container(key="feeds-rebuilt", gap=None):
        for name, content in work.feeds("rebuilt"):
            components.feed(f"rebuilt-{name}", content)
        content = inspection.function_feed("map", where.key, work)
        if content:
            components.feed("map-function", content)
    left, right = st.columns(2, gap="small")
    with left:
        _neighbours("in the space", "Training networks by Euclidean distance of embeddings", near, "{:.3g}")
    with right:
        if work.near is not None:
            what = "shapes, 1 - IoU" if work.shapes else "test images put into different classes"
            some = f"; {len(among.ids):,} of {among.total:,} are compared" if among.total > len(among.ids) else ""
            _neighbours("by function", f"Training networks by the share of {what}{some}", work.near, "{:.1%}")
    if work.done and not before and looks[1] > LONG:
        frame.again()
