"""The network picked on the map, beside it: what is known of it, its decode, and the networks nearest to it."""

from __future__ import annotations

import streamlit as st

from app import frontend
from app.backend import inspection, manifold, orbits
from app.backend.charts import Chart
from app.backend.inspection import BesideDecode, Near
from app.backend.orbits import OrbitWork
from app.backend.projections import Placed
from app.backend.words import plain, sentence
from app.tasks import app_task
from app.ui import page
from app.ui.map_state import PickState
from app.ui.page import PageField, PageState
from app.ui.pair import PairState

POLL = 0.7
"""seconds between two looks at what has become known"""
ORBIT_HELP = (
    f"Show where {orbits.COPIES} copies lie that do the same: their hidden units are in another order, those of sines "
    "also with other signs and phases"
)
LONG = 8
"""looks after which nobody seems to click any more"""


class WatchState(PageState):
    """How often one has looked at what becomes known of a network."""

    key = "map.watch"
    work = PageField("")
    """id of what is looked at"""
    times = PageField(0)

    def look_at(self, work: str) -> int:
        """Note a look, and return how many there were at this."""
        self.work, self.times = work, self.times + 1 if self.work == work else 1
        return self.times


def inspect_network(
    pick: PickState, pair: PairState, where: Placed, point, near: list[Near], work: BesideDecode,
    orbit: OrbitWork | None,
) -> None:  # fmt: skip
    """What is known of the picked network or, if a place is picked, of its point (E); beside its decode.

    Args:
        pair: the pair whose A or B it can become.
        orbit: of its copies, if these are shown.
    """
    chart, i = pick.chart, pick.id
    if i is None:
        x, y = pick.place
        st.markdown("##### Decoded at the clicked place")
        st.caption(f"A point of the plane: {x:.3g}, {y:.3g}")
    else:
        _about(chart, pair, i)
    far = manifold.far(chart, point, i)
    if far is not None and far > 1:
        st.warning(sentence(manifold.words(far)), icon=":material/warning:")
    if work.drawn:
        data = inspection.still_data(work) | {"token": 0}
        frontend.path_view(work.kind.view)("rebuilt", data, lambda: None, lambda: None)
    if i is not None:
        st.toggle("Permute its hidden units", help=ORBIT_HELP, **pick.widget("orbit"))
    done = work.done and (orbit is None or orbit.done)
    st.fragment(lambda: _arriving(pick, where, near, work, orbit, done), run_every=None if done else POLL)()


def _about(chart: Chart, pair: PairState, i: int) -> None:
    """Name and records of a network, and what can be done with it."""
    known = inspection.known(chart, i)
    guest = bool(known.zoo)
    with st.container(gap=None):
        st.markdown(f"##### {plain(known.name)} :gray-badge[{plain(known.split)}]")
        st.caption(plain(" · ".join(filter(None, (known.words, known.zoo)))))
        if known.function:
            st.caption(f"Taken to be: {plain(known.function)}")
        if known.warning:
            st.warning(plain(sentence(known.warning)), icon=":material/warning:")
    with st.container(horizontal=True, gap="xsmall"):
        no_guests = "A and B are networks of the zoo that is chosen in the sidebar" if guest else None
        for end in "ab":
            st.button(
                f"Set as {end.upper()}", key=f"map_set_{end}", on_click=pair.change, kwargs={end: known.name},
                disabled=guest, help=no_guests or f"Set as {end.upper()} of the path",
            )  # fmt: skip
        kind = app_task(chart.loaded)
        help = f"The path from A to B in {kind.page_title}"
        if page.button(kind.page_title, "map_open", icon=":material/open_in_new:", help=help):
            st.switch_page(f"../pages/{kind.page}.py")
        with st.popover(":material/info:", help="All that is recorded of it"):
            st.dataframe(
                [{"column": name, "value": value} for name, value in known.facts], hide_index=True, width="content"
            )


def _compared(work: BesideDecode, family: bool) -> None:
    """A classifier beside its decode: pictures of the weights, and what both answer."""
    found = work.compared
    if found is None:
        st.caption("Decoding the network, then classifying test images with both …")
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
        words.insert(0, "The test images are not here, on which both would be compared.")
    if family:
        words.insert(0, f"Decoded as {found['architecture']}.")
    st.caption(" ".join(words))


def _neighbours(pick: PickState, kinds: str, help: str, found: list[Near], digits: str) -> None:
    """Buttons that show the nearest networks of a kind."""
    st.caption(f"**Nearest {kinds}**", help=help)
    with st.container(key=f"near-{kinds}", gap=None):
        for one in found:
            words = f"{plain(one.name)} :gray[{digits.format(one.figure)}]"
            if page.button(words, f"near-{kinds}-{one.id}", type="tertiary"):
                pick.network, pick.place = one.name, None
                st.rerun()


def _orbit(where: Placed, orbit: OrbitWork) -> None:
    """How far a network's copies go, and their places for the map."""
    if orbit.problem:
        st.warning(f"Its copies cannot be shown. {plain(sentence(orbit.problem))}")
    else:
        st.caption(plain(orbit.figures or orbit.progress), help=orbits.HELP)
    content = orbits.orbit_feed("map", where, orbit)
    if content:
        with st.container(key="feeds-orbit", gap=None):
            frontend.feed("map-orbit", content)


def _arriving(
    pick: PickState, where: Placed, near: list[Near], work: BesideDecode, orbit: OrbitWork | None, before: bool
) -> None:
    """What becomes known of a network's decode and copies while someone looks at it.

    A fragment, so that the page stays responsive; a full rerun follows once the user stops clicking.
    """
    chart, looks = pick.chart, WatchState().look_at(work.id)
    if looks > 1 or before:
        work.rest()
    if orbit:
        _orbit(where, orbit)
    if work.problem:
        st.warning(f"The decode cannot be shown. {plain(sentence(work.problem))}")
    elif not work.drawn:
        _compared(work, family=len(chart.loaded.zoo.family.names) > 1)
    words = [f"{work.kind.likeness_words} {work.likeness:.3f}"] if work.likeness is not None else []
    among = work.among
    if among.missing:
        words.append("by function they are compared where the test images are")
    elif work.not_compared:
        st.warning(f"Networks cannot be compared by what they do. {plain(sentence(work.not_compared))}")
    elif work.near is None:
        words.append(f"comparing what networks do, {among.done:,} of {len(among.ids):,}")
    st.caption(" · ".join(words))
    with st.container(key="feeds-rebuilt", gap=None):
        for name, content in work.feeds("rebuilt"):
            frontend.feed(f"rebuilt-{name}", content)
        content = inspection.function_feed("map", where.key, work)
        if content:
            frontend.feed("map-function", content)
    left, right = st.columns(2, gap="small")
    with left:
        _neighbours(pick, "in the space", "Training networks by Euclidean distance of embeddings", near, "{:.3g}")
    with right:
        if work.near is not None:
            what = work.kind.function_words
            some = f"; {len(among.ids):,} of {among.total:,} are compared" if among.total > len(among.ids) else ""
            _neighbours(pick, "by function", f"Training networks by the share of {what}{some}", work.near, "{:.1%}")
    if work.done and (orbit is None or orbit.done) and not before and looks > LONG:
        page.refresh()
