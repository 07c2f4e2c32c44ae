"""What Python and the browser tell each other: a typed dictionary per view and direction.

`XData` is what Python hands a view, `XSays` what the view tells back: the names of its states, or of its triggers. What
is drawn (meshes, answers, places) comes by feeds, whose headers the backend writes.
"""

from typing import Literal, NotRequired, TypedDict


class SideItem(TypedDict):
    """A method, or another way of making the network of every step; a view has a column or a chip for each."""

    name: str
    title: str
    help: str
    """how its networks are made"""
    ends: str
    """what its first and its last network are"""
    between: str
    """what the others are"""
    kinds: list[str] | None
    """what the network of every step is; None where `ends` and `between` say it"""
    colour: str
    dash: list[float]
    """of its lines: strokes and gaps in pixels, empty for a solid line"""
    mark: str
    key: str
    """that brings it into focus"""
    fixed: bool
    """whether it is one network at all steps, with which the others are compared"""
    embedded: bool
    """whether its networks are decoded from points of the space: these may lie off the manifold, and the class head
    predicts their architectures"""


class AbsentItem(TypedDict):
    """A method that does not lead from A to B, and why."""

    title: str
    help: str


class EndItem(TypedDict):
    """What stands at an end of the slider."""

    name: str
    words: str
    split: str
    held_out: bool
    accuracy: NotRequired[float | None]
    arch: NotRequired[str]
    letter: NotRequired[str]
    """where it is not A or B"""


class EndItems(TypedDict):
    a: EndItem
    b: EndItem


class AxisItem(TypedDict):
    """The parameter of a family of networks, where that is not gamma from A to B."""

    title: str
    help: str
    values: list[float] | None
    digits: NotRequired[int]
    said: NotRequired[list[str]]
    """of every step, where no number says it"""


class MarkItem(TypedDict):
    frame: int
    label: str


class PathData(TypedDict):
    """What all views of a path are told."""

    id: str
    token: int
    """another one where Python's state is to replace the view's"""
    path: str
    """another one where the networks are others"""
    steps: int
    frame: int
    method: str
    sides: list[SideItem]
    ends: EndItems
    same: bool
    """whether A and B are one network"""
    axis: NotRequired[AxisItem]
    off: NotRequired[list[bool]]
    """steps off the manifold"""
    far: NotRequired[list[float]]
    """distance to the nearest training network, in units of the reach of these"""
    marks: NotRequired[list[MarkItem]]
    padded: NotRequired[bool]
    """whether a pad moves the slider"""
    alone: NotRequired[bool]
    """whether nothing beside the view chooses its networks"""


class ChartItem(TypedDict):
    """What the viewer draws along the path."""

    key: str
    """among the numbers of a frame"""
    title: str
    help: str
    asked: bool
    """whether the parameter asks for it, which is drawn too"""


class SliceItem(TypedDict):
    """A plane through the cube, and what is shown in it."""

    axis: Literal["x", "y", "z"]
    """that it crosses"""
    at: float
    """where, -1 to 1"""
    shown: Literal["field", "eikonal"]


class ViewerData(PathData):
    camera: list[float] | None
    """azimuth, elevation, distance; None as it starts"""
    hero: bool
    """whether it plays by itself, without words"""
    still: bool
    """whether there is nothing to slide through"""
    numbers: list[list[str]]
    """key, label and help of what is said of every mesh"""
    chart: ChartItem
    sliceable: bool
    """whether Python sends slices of the fields: packets with `slices`, of every network field and Eikonal error"""
    slice: SliceItem | None


class FrameItem(TypedDict):
    frame: int


class ViewerViewItem(FrameItem):
    camera: list[float] | None
    slice: SliceItem | None


class ViewerSays(TypedDict):
    view: ViewerViewItem
    """when slider or camera are released"""
    method: str
    """the side that was clicked"""


class ArchItem(TypedDict):
    name: str
    title: str
    parameters: int
    colour: str
    mark: str
    hatch: str


class StarItem(TypedDict):
    """A step at which the interpolation loss asks for an architecture (Eq. 12)."""

    gamma: float
    arch: int


class FamilyItem(TypedDict):
    """Architectures along a path in a space of several."""

    archs: list[ArchItem]
    probabilities: list[list[float]]
    """softmax of the class head's logits, (steps, A)"""
    stars: list[StarItem]
    ends: list[int]
    """ClassIds of what the path is compared with"""


class ClassifierData(PathData):
    absent: list[AbsentItem]
    family: FamilyItem | None
    classes: list[str]
    chance: float
    recorded: bool
    """whether there are curves alone"""
    missing: str
    """in the place of the matrix of a recorded curve"""
    hint: str
    """in the place of its test images"""
    subset: int
    """test images of the first estimate"""
    full: int
    strip: int
    """test images that are shown"""


class ClassifierSays(TypedDict):
    view: FrameItem
    method: str


class NumberItem(TypedDict):
    """A number of every network, which is drawn along the path if it is chosen."""

    key: str
    label: str
    help: str
    digits: int
    most: float | None
    """at which its axis ends at most"""


class RasterData(PathData):
    """Pictures come by packets: `frames` with the `size` [H, W, C] of each, and `ends`, the originals."""

    absent: list[AbsentItem]
    still: bool
    """whether there is nothing to slide through"""
    numbers: list[NumberItem]
    """the first is drawn along the path"""


class RasterSays(TypedDict):
    view: FrameItem
    method: str
    """the side that was clicked"""


class PrepsData(PathData):
    absent: list[AbsentItem]
    all_steps: int
    """steps where no network is too large"""
    against: Literal["nearer", "a", "b"]
    scale: Literal["own", "one"]
    layer: str
    family: bool
    shades: int
    """quanta at which colours saturate"""
    asked: NotRequired[str]
    """of what answers are compared"""
    without: NotRequired[str]
    """in the place of these"""


class PrepsViewItem(FrameItem):
    against: str
    scale: str
    layer: str


class PrepsSays(TypedDict):
    view: PrepsViewItem
    """when the slider is released or something is chosen"""
    method: str


class CardItem(TypedDict):
    """A network to choose."""

    name: str
    words: str
    split: str
    held_out: bool


class PickerData(TypedDict):
    id: str
    zoo: str
    networks: list[CardItem]
    a: int
    b: int


class PickItem(TypedDict):
    slot: Literal["a", "b"]
    id: int


class PickerSays(TypedDict):
    """Triggers."""

    pick: PickItem
    swap: dict
    random: dict


class HintData(TypedDict):
    id: str
    """under which the browser keeps that it was seen"""
    words: str


class PadData(TypedDict):
    """Mixtures of networks; it tells the view that it moves, and Python nothing."""

    id: str
    follows: str
    """the view whose slider it moves"""
    side: str
    """the side of that view that colours it"""
    path: str
    frame: int
    names: list[str]
    xy: list[list[float]]
    """places of the mixtures, 0 to 1"""
    weights: list[list[float]]
    off: list[bool] | None
    what: str
    """what its colours are"""


class ScoreItem(TypedDict):
    """A score on test data, with its interval where that is known."""

    value: float | None
    low: NotRequired[float]
    high: NotRequired[float]


class RunItem(TypedDict):
    """A run of latent space optimisation; lists have an entry per measurement."""

    title: str
    state: str
    words: str
    details: str
    steps: int
    at: list[int]
    scores: list[float | None]
    moved: list[float | None]
    sure: list[float | None]
    architectures: list[str]
    terms: dict[str, list[float | None]]
    best: int | None
    places: list[list[float]]
    tests: dict[str, ScoreItem]
    count: int


class StartItem(TypedDict):
    where: str
    place: list[float]


class MapArchItem(TypedDict):
    name: str
    colour: str
    mark: str


class ReferenceItem(TypedDict):
    name: str
    validation: float
    test: float | None


class OptimiseData(TypedDict):
    id: str
    map: str
    embedded: float
    """share of the networks that are embedded"""
    shares: list[float] | None
    """of the variance, on either axis"""
    score: str
    measured: str
    """what networks are judged by, in a word"""
    asked: str
    """on what, in a word: points, images, pixels"""
    originals: bool
    """whether the networks that runs start from are measured too"""
    archs: list[MapArchItem]
    range: list[float] | None
    """of the networks' accuracies"""
    start: StartItem | None
    reference: ReferenceItem | None
    terms: dict[str, list[str]]
    """title and help of the terms of the loss"""
    runs: list[RunItem]
    part: Literal["", "board", "numbers"]
    """which part is shown alone"""


class StartSaysItem(TypedDict):
    """Where the next run is to start: one of `network` and `at`."""

    network: NotRequired[int]
    at: NotRequired[list[float]]
    click: int


class OptimiseSays(TypedDict):
    start: StartSaysItem
