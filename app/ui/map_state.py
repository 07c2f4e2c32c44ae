"""Map: the state of the page, which its link holds: the projection, what points look like, and what is picked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.backend import behaviour, catalogue, charts, filters, likeness, points, projections
from app.backend.behaviour import Confusion
from app.backend.catalogue import Loaded
from app.backend.charts import Chart, Column
from app.backend.filters import Filter
from app.backend.projections import PROJECTIONS, Projection
from app.backend.words import sentence
from app.ui import links, page
from app.ui.links import one_of
from app.ui.page import PageField, PageState

ONE_COLOUR = ""
"""the choice of no column"""


def _setting(name: str) -> PageField:
    """A setting of UMAP, which the link holds if it is unusual."""
    return PageField(
        lambda state: state.options[name]["default"], link=name, terse=True,
        check=lambda state, value: projections.accept_setting(state.options[name])(value),
    )  # fmt: skip


def _look(name: str, default: str | Callable[[Any], str], terse: bool = True) -> PageField[str]:
    """A column that the points show as their colour, size or shape."""
    words = f"The networks cannot be told apart by {{}} as {name}; showing another."
    return PageField(default, link=name, check=one_of(lambda state: state.offered[name], words), terse=terse)


class MapState(PageState):
    """Which zoos are on the map of a zoo, and how networks are projected."""

    key = "map"

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.zoos = loaded, charts.others(loaded)
        self.options = {option["name"]: option for option in projections.umap_options()}
        super().__init__()

    def all_fit(self, ids: list[str]) -> list[str]:
        lost = [id for id in ids if id not in self.zoos]
        if lost:
            raise ValueError(f"There is no zoo “{lost[0]}” that fits this space; the map is shown without it.")
        return ids

    guests = PageField[list[str]](
        lambda state: [], link="with", parse=lambda text: [id for id in text.split(",") if id], check=all_fit,
        write=lambda ids: ",".join(ids) or None,
    )  # fmt: skip
    """ids of the other zoos"""
    neighbours, min_dist, metric, seed = map(_setting, ("neighbours", "min_dist", "metric", "seed"))
    projection = PageField(
        "umap", link="projection", check=one_of(PROJECTIONS, "There is no projection {}; showing UMAP.")
    )
    way: PageField[dict[str, Any] | None] = PageField(None)
    """what is drawn on the map of the networks that are moved through below it, and the `key` of what they are of"""
    way_by: PageField[tuple] = PageField(())
    """what the ways through the space were made for"""

    @classmethod
    def invite(cls, id: str) -> None:
        """Show another zoo on the map from the next run on."""
        state = cls.kept()
        state.change(guests=list(dict.fromkeys([*(state.guests or ()), id])))

    @property
    def settings(self) -> tuple[tuple[str, Any], ...]:
        """UMAP's settings by name."""
        return tuple((name, getattr(self, name)) for name in self.options)

    def load_guests(self) -> list[Loaded]:
        """Return the other zoos; a notice says which cannot be loaded."""
        found = []
        for id in self.guests:
            try:
                found.append(catalogue.load(self.loaded.space_info, self.zoos[id]))
            except ValueError as problem:
                page.notice(f"{sentence(problem)} The map is shown without it.")
        return found

    def link(self) -> dict[str, str]:
        link = super().link()
        return link if self.projection == "umap" else {k: text for k, text in link.items() if k not in self.options}


class ConfusionState(PageState):
    """The classes of which the map shows how often one is taken for the other; neither, or both."""

    key = "map.takes"

    def __init__(self, chart: Chart) -> None:
        self.classes = behaviour.classes_of(chart.loaded)
        super().__init__()

    truth, answer = (
        PageField(
            "", link=name, terse=True,
            check=one_of(lambda state: ("", *state.classes), "There is no class {} whose images are here."),
        )
        for name in ("takes", "for")
    )  # fmt: skip

    @property
    def column(self) -> str:
        """Name of the column; empty for none."""
        if not (self.truth and self.answer):
            return ""
        return Confusion(self.classes.index(self.truth), self.classes.index(self.answer)).column

    def show(self) -> None:
        """Colour the points by the classes that are chosen by now."""
        if self.column:
            LookState.kept().change(colour=self.column)
            FilterState.kept().change(column=self.column, bounds=None)


class LikenessState(PageState):
    """The file that was handed in, which the map's networks are compared with."""

    key = "map.like"

    def __init__(self, chart: Chart) -> None:
        self.loaded, self.kinds = chart.loaded, likeness.kinds_of(chart.loaded)
        super().__init__()

    file = PageField("", check=lambda state, key: key if state.kinds and likeness.is_file_kept(key) else None)
    """the key by which it is known; empty for none"""
    handed = PageField("")
    """which upload that was, as Streamlit names it"""

    @property
    def column(self) -> str:
        """Name of the column about it; empty for none."""
        return likeness.column_of(self.file) if self.file else ""

    def hand_in(self, name: str, content: bytes) -> None:
        """Have a file read, and colour the points by how much they are like it; a notice says if that is not done."""
        with page.problems_noticed():
            self.file = likeness.hand_in(self.loaded, name, content)
            LookState.kept().change(colour=self.column)


class LookState(PageState):
    """Which columns of the zoo's table the points show; ONE_COLOUR, and the like, for none."""

    key = "map.look"

    def __init__(self, chart: Chart, asked: Sequence[str]) -> None:
        self.chart, self.columns = chart, points.known_columns(chart, asked)
        found = self.columns.items()
        self.offered = {
            "colour": [ONE_COLOUR, *self.columns],
            "size": ["", *(name for name, column in found if column.numbers is not None)],
            "shape": ["", *(name for name, column in found if 0 < len(column.categories) <= charts.MOST_SHAPES)],
        }
        super().__init__()

    colour = _look("colour", lambda state: points.usual_colour(state.chart), terse=False)
    size = _look("size", "")
    shape = _look("shape", "")
    labels = PageField(True, link="labels", parse=links.yes, write=links.yes_or_no, terse=True)
    """whether groups of networks of one colour are named on the map"""

    @property
    def chosen(self) -> tuple[str, str, str]:
        return self.colour, self.size, self.shape

    @property
    def told_apart(self) -> Column | None:
        """The column whose categories are shown as colours."""
        return points.told_apart_by(self.columns, self.colour, self.shape)

    @property
    def labelled(self) -> Column | None:
        """The column whose categories are named on the map."""
        return self.told_apart if self.labels else None


class FilterState(PageState):
    """Which of the networks are left on the map."""

    key = "map.filter"

    def __init__(self, look: LookState) -> None:
        self.columns = look.columns
        self.offered = look.offered["size"]
        super().__init__()

    def known(self, value: tuple[float, float]) -> tuple[float, float] | None:
        """Bounds, None where they leave out none."""
        if not self.column:
            return None
        low, high, *_ = filters.extent_of(self.columns[self.column])
        value = (max(low, value[0]), min(high, value[1]))
        return None if value == (low, high) or value[0] > value[1] else value

    search = PageField("", link="search", terse=True)
    column = PageField(
        "", link="range", terse=True,
        check=one_of(lambda state: state.offered, "The networks have no column of numbers {}; all are shown."),
    )  # fmt: skip
    """of numbers, whose range is chosen; empty for none"""
    bounds = PageField[tuple[float, float] | None](
        None, link="between", parse=links.bounds, check=known, write=links.text
    )

    @property
    def asked(self) -> Filter:
        return Filter(self.search, self.column, self.bounds)


class AxesState(PageState):
    """The axes of a projection to a plane: principal components by number, or columns; each projection has its own."""

    def __init__(self, chart: Chart, kind: str) -> None:
        self.kind = kind
        self.usual = dict(zip("xy", projections.usual_axes(chart, kind), strict=True))
        self.offered = [str(k + 1) for k in range(projections.component_count(chart))]
        if kind == "directions":
            self.offered += projections.direction_columns(chart)
        super().__init__(axes_key(kind))

    def known(self, axis: str, value: str) -> str:
        if value not in self.offered:
            usual = projections.axis_title(self.usual[axis])
            raise ValueError(f"There is no direction “{value}” to be an axis; showing {usual}.")
        return value

    x = PageField(lambda state: state.usual["x"], link="x", check=lambda state, value: state.known("x", value))
    y = PageField(lambda state: state.usual["y"], link="y", check=lambda state, value: state.known("y", value))

    def link(self) -> dict[str, str]:
        return {} if self.kind == "umap" else super().link()


class PickState(PageState):
    """What is picked and selected on the map, and which part of it is in view."""

    key = "map.pick"

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        super().__init__()

    def on_map(self, name: str) -> str:
        if name and name not in self.chart.labels:
            raise ValueError(f"There is no network “{name}” on this map.")
        return name

    network = PageField("", link="network", check=on_map, terse=True)
    """name of the picked network; empty for none"""
    place = PageField[list[float] | None](None, link="place", parse=links.place, write=links.text)
    """x and y of an empty place that was clicked"""
    orbit = PageField(False, link="orbit", parse=links.yes, write=links.yes_or_no, terse=True)
    """whether copies of the picked network with permuted hidden units are shown"""
    view = PageField[list[float] | None](None, link="view", parse=links.view, write=links.text)
    """x and y of the middle of what is in view, and its scale; None for the whole map"""
    polygon = PageField[list[list[float]] | None](None, link="selection", parse=links.polygon, write=links.corners)
    """corners of the selected area"""

    @property
    def id(self) -> int | None:
        """Id of the picked network on the map."""
        return self.chart.labels.get(self.network)

    @property
    def corner(self) -> Mapping[str, float] | None:
        """The view as the front end is told of it."""
        return self.view and dict(zip(("x", "y", "scale"), self.view, strict=True))

    def forget_places(self) -> None:
        """Drop what depends on the projection, which has changed: places mean something else now."""
        self.change(place=None, view=None, polygon=None)
        page.adopt()

    def take_click(self, view: str) -> None:
        clicked = page.sent(view).get("pick")
        if not clicked:  # the view was mounted anew
            return
        self.network, self.place = "", None
        if "network" in clicked and 0 <= clicked["network"] < len(self.chart):
            self.network = self.chart.label(clicked["network"])
        elif "at" in clicked:
            self.place = clicked["at"]

    def take_selection(self, view: str) -> None:
        drawn = page.sent(view).get("select")
        if drawn:
            self.change(polygon=drawn["polygon"] or None)

    def take_view(self, view: str) -> None:
        sent = page.sent(view)
        if "view" in sent:
            seen = sent["view"]
            self.change(view=seen and [seen["x"], seen["y"], seen["scale"]])


def axes_key(projection: str) -> str:
    return f"map.{projection}"


@dataclass(frozen=True)
class MapParts:
    """The state of all parts of the map."""

    state: MapState
    takes: ConfusionState
    like: LikenessState
    axes: AxesState
    pick: PickState
    look: LookState
    left: FilterState

    @classmethod
    def of(cls, state: MapState, chart: Chart) -> MapParts:
        """Settle the parts that depend on which networks are on the map."""
        takes, like = ConfusionState(chart), LikenessState(chart)
        axes, pick = AxesState(chart, state.projection), PickState(chart)
        look = LookState(chart, (takes.column, like.column))
        return cls(state, takes, like, axes, pick, look, FilterState(look))

    @property
    def columns(self) -> tuple[str, str]:
        """Names of the columns that are asked for beside those of the zoo's table; empty for none."""
        return self.takes.column, self.like.column

    @property
    def projection(self) -> Projection:
        """The projection that is chosen, as the backend takes it."""
        return Projection(self.state.projection, (self.axes.x, self.axes.y), self.state.settings)

    def link(self) -> dict[str, str]:
        parts = (self.state, self.takes, self.look, self.left, self.axes, self.pick)
        return {name: text for part in parts for name, text in part.link().items()}
