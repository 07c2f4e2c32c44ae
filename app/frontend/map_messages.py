"""What Python and the browser tell each other of the map of a zoo, as `messages` does of other views."""

from typing import Literal, NotRequired, TypedDict


class NeighbourItem(TypedDict):
    id: int
    kind: str


class SelectionItem(TypedDict):
    polygon: list[list[float]]


class MapEndItems(TypedDict):
    a: int | None
    b: int | None


class MapPathItem(TypedDict):
    """A path drawn on the map."""

    follows: str
    """the view whose slider it shows"""
    frame: int
    words: str
    line: bool
    """whether its steps lie one after another"""
    places: list[list[float]]
    colour: str


class GroupItem(TypedDict):
    """A dense group of networks of one category, which is named on the map."""

    id: int
    """of the network in its midst"""
    category: int
    """index into those of the look"""


class ExtraItem(TypedDict):
    """An empty place whose decode is shown."""

    place: list[float]
    words: str


class MapViewItem(TypedDict):
    x: float
    y: float
    scale: float
    """1 shows everything"""


class TwinItem(TypedDict):
    """The other map beside this one, on which the same networks are marked."""

    id: str
    key: str
    """which feed of networks that are the same"""


class MapData(TypedDict):
    id: str
    token: int
    points: str
    """which feeds of places, names and pictures it shows"""
    look: str
    """which feed of looks"""
    filter: str
    """which feed of the networks that a search and a range leave; empty for all of them"""
    marks: list[str]
    """as the looks number them"""
    axes: list[str]
    note: str
    liftable: bool
    """whether a place of the map can be decoded"""
    grid: bool
    """whether distances on the map are those in a plane of the space"""
    legend: bool
    """whether it says what colours, sizes and marks mean"""
    twin: TwinItem | None
    message: str
    picked: int | None
    of: str
    """which feed of neighbours by function"""
    orbit: str
    """which feed of copies of the picked network; empty for none"""
    neighbours: list[NeighbourItem]
    selection: SelectionItem | None
    ends: MapEndItems
    path: MapPathItem | None
    anchors: list[int]
    groups: list[GroupItem]
    extra: ExtraItem | None
    view: MapViewItem | None


class MapPickItem(TypedDict):
    """What was clicked: one of `network`, `at` and `none`."""

    network: NotRequired[int]
    at: NotRequired[list[float]]
    none: NotRequired[bool]
    click: int
    times: int
    """how often it was told before: a message is lost while the page is laid out"""


class MapSelectItem(TypedDict):
    tool: Literal["box", "lasso", "none"]
    polygon: list[list[float]]
    click: int


class MapSays(TypedDict):
    pick: MapPickItem
    select: MapSelectItem
    view: MapViewItem | None
    """when zoom and pan have rested"""
