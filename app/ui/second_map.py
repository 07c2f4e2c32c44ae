"""Map: a second space beside the first, its state and its map, on which the same networks are marked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import streamlit as st

from app import frontend
from app.backend import catalogue, charts, filters, inspection, points, projections, second_space, selections
from app.backend.catalogue import Loaded
from app.backend.charts import Chart
from app.backend.projections import Placed, Projection
from app.backend.second_space import SharedNetworks
from app.backend.words import plain, sentence
from app.ui import links, page
from app.ui.links import one_of
from app.ui.map_state import MapParts, PickState
from app.ui.page import PageField, PageState

VIEW = "second-map"
SECOND_HELP = (
    "Another space that embeds these networks, or some of them: its map stands beside this one, and what is pointed "
    "at, picked, searched or selected on either is marked on both"
)


class SecondState(PageState):
    """Which space stands beside the map's, and what is selected on its map."""

    key = "map.second"

    def __init__(self, loaded: Loaded) -> None:
        self.offered = second_space.seconds(loaded)
        super().__init__()

    space = PageField(
        "", link="second", terse=True,
        check=one_of(lambda state: ("", *state.offered), "There is no space {} to stand beside this one."),
    )  # fmt: skip
    """as `second_space.seconds` names it; empty for none"""
    view = PageField[list[float] | None](None, link="second_view", parse=links.view, write=links.text)
    polygon = PageField[list[list[float]] | None](
        None, link="second_selection", parse=links.polygon, write=links.corners
    )
    alone = PageField("")
    """name of the network that is picked on the second map and is not on the first"""

    @property
    def title(self) -> str:
        return self.title_of(self.space)

    def title_of(self, key: str) -> str:
        """What a space is called; with its zoo, if that is not the map's."""
        if key not in self.offered:
            return "none"
        space, zoo = self.offered[key]
        return f"{space.title}, {zoo.title}" if "|" in key else space.title

    def forget_places(self) -> None:
        """Drop what depends on which space it is and how it is projected."""
        self.change(view=None, polygon=None, alone="")
        page.adopt()


def choose_second(state: SecondState) -> None:
    """Whether a second space is shown, and which."""
    if state.offered:
        st.selectbox(
            "Second space", ["", *state.offered], format_func=state.title_of, help=SECOND_HELP,
            **state.widget("space", then=state.forget_places, lazy=True),
        )  # fmt: skip


class SecondMap:
    """The map of the second space, as far as it is known by now."""

    def __init__(self, state: SecondState, parts: MapParts, chart: Chart, where: Placed) -> None:
        self.state, self.parts, self.first, self.where_first = state, parts, chart, where
        self.problem = ""
        """why there is none, in a sentence"""
        self.chart: Chart | None = None
        self.where: Placed | None = None
        self.search: Future | None = None
        self.shared: SharedNetworks | None = None
        try:
            self.loaded = catalogue.load(*state.offered[state.space])
            self.chart = charts.chart(self.loaded)
            if self.chart is not None:
                self.where = projections.placed(self.chart, self._asked())
                self.search = second_space.search_work(chart, self.chart)
        except ValueError as error:
            self.problem = sentence(error)
        if self.search is not None and self.search.done():
            self._take(self.search)

    def _take(self, search: Future) -> None:
        """What came of the search for networks that are on both maps."""
        if search.exception():
            self.problem = f"The networks of {self.state.title} cannot be compared with these: {search.exception()}."
        elif not search.result().count:
            self.problem = (
                f"No network of this map is in {self.state.title}: neither weights nor names are the same. There is "
                "nothing to compare."
            )
        else:
            self.shared = search.result()

    def _asked(self) -> Projection:
        kind = self.parts.projection.kind
        return Projection(kind, projections.usual_axes(self.chart, kind), self.parts.projection.settings)

    @property
    def is_shown(self) -> bool:
        return self.shared is not None and not self.problem

    @property
    def is_waiting(self) -> bool:
        """Whether more will be known of it."""
        return not self.problem and (self.shared is None or bool(self.where.waiting))

    def has_news(self) -> bool:
        """Whether more is known by now than this object knows."""
        if not self.is_waiting:
            return False
        now = SecondMap(self.state, self.parts, self.first, self.where_first)
        return now._known() != self._known()

    def _known(self) -> tuple:
        return self.where and (self.where.key, self.where.waiting), self.is_shown, self.problem

    def say(self) -> None:
        """Say what is missing of the second map, if it is not shown."""
        if self.problem:
            st.info(plain(self.problem), icon=":material/compare:")
        elif self.chart is None:
            done, total = charts.embedding_progress(self.loaded)
            st.caption(f"The networks are being embedded in {plain(self.state.title)}: {done} of {total}.")
        elif self.shared is None:
            st.caption(f"Networks that are in {plain(self.state.title)} too are being looked for.")

    # -- what is the same on both ------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """Which feeds say what is the same on both maps."""
        return f"{self.first.key}||{self.chart.key}"

    def twin_of_first(self) -> dict[str, str]:
        """What the first map is told of the second."""
        return {"id": VIEW, "key": self.key}

    def picked(self, pick: PickState) -> int | None:
        """Id of what is picked, on this map."""
        if pick.id is not None:
            return self._there(pick.id)
        return self.chart.labels.get(self.state.alone)

    def _there(self, i: int | None) -> int | None:
        found = -1 if i is None else int(self.shared.there[i])
        return found if found >= 0 else None

    def left(self) -> np.ndarray:
        """Which networks (c) search and range leave."""
        parts = self.parts
        first = filters.left_by(self.first, parts.look.columns, parts.left.asked)
        return second_space.left_there(self.chart, self.shared, parts.left.asked, first)

    def selected(self) -> np.ndarray | None:
        """Ids on the first map of what is selected on this one; None if nothing is."""
        if not self.state.polygon:
            return None
        return self.shared.ids_here(selections.selected(self.where, self.state.polygon, self.left()))

    # -- the map -----------------------------------------------------------------------------------------------------

    def show(self, first_view: str, ends: dict[str, int | None], look_key: str, filter_key: str) -> None:
        """The second map.

        Args:
            first_view: id of the first map.
            ends: ids of A and B on the first map.
            look_key, filter_key: of the first map's feeds.
        """
        state, pick, where = self.state, self.parts.pick, self.where
        picked = self.picked(pick)
        near = [] if picked is None else inspection.near_in_space(self.chart, self.chart.z[picked].numpy(), picked)
        data: dict[str, Any] = {
            "points": where.key,
            "look": self._look_key(look_key),
            "filter": filter_key and f"{filter_key}|{self.key}",
            "axes": where.axes,
            "note": where.note,
            "liftable": False,
            "grid": where.plane is not None,
            "legend": False,
            "message": where.waiting,
            "picked": picked,
            "of": "",
            "orbit": "",
            "neighbours": [{"id": one.id, "kind": "latent"} for one in near],
            "selection": {"polygon": state.polygon} if state.polygon else None,
            "ends": {name: self._there(i) for name, i in ends.items()},
            "path": None,
            "anchors": [],
            "extra": None,
            "view": state.view and dict(zip(("x", "y", "scale"), state.view, strict=True)),
            "twin": {"id": first_view, "key": self.key},
            "token": page.state_version(),
        }
        frontend.zoo_map(VIEW, data, self._take_click, self._take_selection, self._take_view)

    def _look_key(self, look_key: str) -> str:
        return f"{look_key}|{self.key}"

    def send(self, first_view: str, look_key: str, first_look: bytes, filter_key: str) -> None:
        """The feeds of both maps that are about the second."""
        where, key = self.where, self.key
        frontend.feed("map-twins", second_space.twins_feed(first_view, key, self.shared.there))
        frontend.feed("second-map-twins", second_space.twins_feed(VIEW, key, self.shared.here))
        look = second_space.second_look_feed(VIEW, self._look_key(look_key), first_look, self.chart, self.shared)
        frontend.feed("second-map-look", look)
        frontend.feed("second-map-points", points.points_feed(VIEW, where.key, where))
        frontend.feed("second-map-names", points.names_feed(VIEW, where.key, self.chart.key, self.chart))
        if filter_key:
            frontend.feed("second-map-filter", filters.filter_feed(VIEW, f"{filter_key}|{key}", self.left()))
        atlas = points.atlas_feed(VIEW, where.key, self.chart)
        if atlas:
            frontend.feed("second-map-atlas", atlas)

    # -- hands on it -------------------------------------------------------------------------------------------------

    def _take_click(self) -> None:
        clicked = page.sent(VIEW).get("pick")
        if not clicked:  # the view was mounted anew
            return
        pick, network, alone = self.parts.pick, "", ""
        if 0 <= clicked.get("network", -1) < len(self.chart):
            j = clicked["network"]
            i = int(self.shared.here[j])
            network, alone = (self.first.label(i), "") if i >= 0 else ("", self.chart.label(j))
        pick.change(network=network, place=None)
        self.state.change(alone=alone)

    def _take_selection(self) -> None:
        drawn = page.sent(VIEW).get("select")
        if drawn:
            self.state.change(polygon=drawn["polygon"] or None)
            self.parts.pick.change(polygon=None)

    def _take_view(self) -> None:
        sent = page.sent(VIEW)
        if "view" in sent:
            seen = sent["view"]
            self.state.change(view=seen and [seen["x"], seen["y"], seen["scale"]])

    def of_first(self, view: str) -> tuple[Callable[[], None], Callable[[], None]]:
        """What is done about clicks and selections on the first map, of which these forget what was done here."""
        pick, state = self.parts.pick, self.state

        def on_pick() -> None:
            if page.sent(view).get("pick"):
                state.change(alone="")
            pick.take_click(view)

        def on_area() -> None:
            if page.sent(view).get("select"):
                state.change(polygon=None)
            pick.take_selection(view)

        return on_pick, on_area
