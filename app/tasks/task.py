"""What a kind of network is to the app, as a value: `AppTask` carries whatever pages and backend would else branch on.

Its defaults show networks as pictures, measured as the library's task measures them: a further kind of network needs no
page and no view of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, cast

import numpy as np
import pandas as pd

from app.backend import rasters
from app.backend.catalogue import READS, SPLIT_WORDS, Loaded, cards, reconstruction
from app.backend.engine import Engine
from app.backend.path import AnyPath, Route, StepPacket, between, path_at_work, path_data, several
from app.backend.visitors import seen_data
from netspace.export.table import CurveSubject, PathSubject
from netspace.latent.paths import METHODS
from netspace.nets.network import Network
from netspace.tasks import TASKS, Task
from netspace.tasks.task import PathStep
from netspace.zoo.store import HELDOUT, SPLITS


@dataclass(frozen=True)
class Score:
    """A figure of eval.json: its key and the decimals that are shown."""

    key: str
    digits: int


@dataclass(frozen=True)
class Scores:
    """What `eval --save` measures of a kind of networks."""

    columns: Mapping[str, Score]
    note: str
    undefined: str
    """what a figure is called that is not defined"""


class Measure(NamedTuple):
    """A number that a picture view shows of every network: a column of `PathStep.row` of the library."""

    key: str
    """the column; of what is compared with an end, without its letter"""
    label: str
    help: str
    """in which {} stands for the end"""
    digits: int = 3
    compared: bool = False
    """whether it is measured against each end"""
    most: float | None = None
    """at which the axis of its curve ends at most"""


PAIR_ENDS = {"a": ("A", "the original network A"), "b": ("B", "the original network B")}
"""What the steps of a path between two networks are compared with: a letter or word, and what that is."""


class Question(NamedTuple):
    """What can be said of networks from elsewhere that their files do not hold: an option of `import`."""

    option: str
    label: str
    placeholder: str
    help: str


class Target(NamedTuple):
    """A kind of thing that a network can be optimised towards: numbered ones of a source, or a file."""

    title: str
    label: str
    """of the number, or the formats of a file"""
    source: str = ""
    """what stands before the number and a colon; empty for a file"""
    usual: int = 0
    most: int = 10**6
    example: str = ""
    """name of a file"""


class EndAnswers(NamedTuple):
    """How a network of a path answers."""

    same: list[float]
    """shares of answers like A's and like B's"""
    accuracy: float | None
    """of a classifier"""


class AppTask(Generic[AnyPath]):
    """A kind of network. Its instances, one per kind, stand in `app.tasks.APP_TASKS`."""

    name: str
    """as `netspace.tasks.TASKS` has it"""
    networks: str
    """plural, for sentences"""
    commands: str
    """commands that make a zoo and a space of them"""

    # -- its page

    page = "pictures"
    """file in pages/, without its suffix"""
    page_title = "Pictures"
    icon = ":material/image:"
    invitation = "Slide between pictures"
    """what a button says that leads there"""
    page_about = "One picture turned into another: each is drawn by a network on the path from A to B."
    """what the page is, in a sentence"""
    page_hint = "Drag the slider, or press ← and →; click a picture to choose its method. ? lists the keys."
    """what to do first there"""
    pair_key = "picture"
    """under which the pages of this kind share A and B"""

    # -- its view

    view = "raster"
    """component of app.frontend that shows a path"""
    measures: tuple[Measure, ...] = ()
    """numbers of a picture view; the first is drawn along the path"""
    pad_value = ""
    """what a pad of mixtures is coloured by, in a word"""
    measured_columns: tuple[str, ...] = ()
    """columns of the zoo's table that the view can measure of every network"""
    camera = False
    """whether the view has a camera, which it tells with its slider"""

    # -- words

    scores = Scores({}, "", "not defined")
    sort_by = ""
    """column of the zoo's table by which lists are sorted, the highest first"""
    columns: Mapping[str, str] = {}
    """titles of the columns of the zoo's table that lists show, by name"""
    answers_words = "answers"
    """on what Networks-as-images compares networks, in words"""
    function_words = "difference of their answers"
    """by what networks are near in function, to follow "by the share of" in a sentence"""
    error_words = "Share of different answers"
    """what the reconstruction error of imported networks is"""
    decodes_differ = "decodes by {:.3f} (at most {:.3f})"
    """how far decodes of a network's copies are from its own, the median and the most, to follow "move" in words"""
    likeness_words = ""
    """what the figure is that `draw` returns, to stand before it"""
    better_encoder = ""
    """what to do if the encoder reads weights and has not seen a network"""
    questions: tuple[Question, ...] = ()
    """what may have to be said of networks from elsewhere; empty if none can be imported"""
    import_words = ""
    """what the files of such networks do not hold"""

    asks_data = False
    """whether networks are compared on data that may be missing"""

    @property
    def task(self) -> Task:
        """The same kind in the library."""
        return TASKS[self.name]

    # -- pairs and lists

    def default_pair(self, loaded: Loaded) -> tuple[int, int]:
        """Return the ids of the pair that pages open with: the first two networks, training networks first."""
        split = [i for name in SPLITS for i in loaded.zoo.ids(name)]
        ids = split or range(len(loaded.zoo))  # imported and optimised ones are of no such split
        return ids[0], ids[min(1, len(ids) - 1)]

    def table(self, loaded: Loaded) -> pd.DataFrame:
        """Return all networks with what is known of them, the best first; the index is a network's id."""
        known, records, found = cards(loaded), loaded.zoo.records, {}
        found["name"] = [card.name for card in known]
        if several(loaded):
            parameters = {arch.name: arch.num_params for arch in loaded.zoo.family.archs}
            found["architecture"] = [card.arch for card in known]
            found["parameters"] = records.arch.map(parameters).tolist()
        found["split"] = records.split.map(lambda split: SPLIT_WORDS.get(split, split)).tolist()
        found |= {title: records[name].tolist() for name, title in self.columns.items() if name in records}
        frame, first = pd.DataFrame(found), self.columns.get(self.sort_by)
        return seen_data(frame.sort_values(first, ascending=False) if first in frame else frame)

    # -- paths

    def can_show(self, loaded: Loaded) -> bool:
        """Whether a path can be shown; not if that takes data that are missing."""
        return True

    def prepare(self, loaded: Loaded) -> None:
        """Read what work on a path needs. DataError if it cannot be read."""

    def work(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> AnyPath:
        """Begin the work on a route, near its step `first`."""
        return cast(AnyPath, rasters.RasterPath(engine, loaded, route, first, self.task))

    def bundled_work(self, engine: Engine, loaded: Loaded, route: Route) -> AnyPath:
        """Begin the work on a route for a bundle, which is to be small."""
        return self.work(engine, loaded, route, route.steps // 2)

    def pair_path(self, loaded: Loaded, a: int, b: int, sides: tuple[str, ...], first: int) -> AnyPath:
        """Return the path between two networks, begun if it is not there yet.

        Raises:
            DataError: the data that it takes cannot be read.
        """
        self.prepare(loaded)
        key = (loaded.space_info, loaded.zoo_info, a, b, sides)

        def begun(engine: Engine) -> AnyPath:
            return self.work(engine, loaded, between(loaded, a, b, sides), first)

        return path_at_work(key, begun)

    def route_path(self, loaded: Loaded, route: Route, first: int) -> AnyPath:
        """Return the work on any route, as `pair_path`."""
        self.prepare(loaded)
        return path_at_work(("route", route.id), lambda engine: self.work(engine, loaded, route, first))

    def view_data(self, loaded: Loaded, work: AnyPath, a: int, b: int, *, frame: int, method: str) -> dict:
        """Return what the view shows beside what is sent in packets."""
        return path_data(loaded, work, a, b, frame=frame, method=method) | {"numbers": self.numbers(PAIR_ENDS)}

    def numbers(self, compared: Mapping[str, tuple[str, str]], measured: str = "") -> list:
        """Return the numbers that the view shows of every network, as it takes them.

        Args:
            compared: what networks are compared with, as PAIR_ENDS has it.
            measured: title of a column that is measured too, of `measured_columns`.
        """
        found = []
        for one in self.measures:
            about = {"digits": one.digits, "most": one.most}
            if not one.compared:
                found.append({"key": one.key, "label": one.label, "help": one.help} | about)
            for end, (word, words) in compared.items() if one.compared else ():
                told = {"key": f"{one.key}_{end}", "label": f"{one.label} {word}", "help": one.help.format(words)}
                found.append(told | about)
        return found

    def has_surface(self, work: AnyPath, side: str, i: int) -> bool:
        """Return whether a network of a path has a surface to export; only asked of kinds that have surfaces."""
        return True

    def path_steps(self, work: AnyPath, side: str) -> list[PathStep]:
        """Return what is shown and measured of the networks of a side, for files of the whole path; takes a while."""
        measure = self.task.measuring(*work.ends)
        return [measure(work.network(side, i)) for i in range(work.route.steps)]

    def settled(self, work: AnyPath) -> bool:
        """Return whether `path_steps` and `curve_subject` would say the same later: here they wait for all steps."""
        return True

    def chance(self, loaded: Loaded) -> float:
        """Return the score of a guess, for kinds without a picture."""
        return 0.0

    def path_subject(
        self, work: AnyPath, side: str, through: Sequence[tuple[float, str]], *, name: str = "", axis: str = "gamma",
        xy: np.ndarray | None = None,
    ) -> PathSubject:  # fmt: skip
        """Return a side of a path as it is exported.

        Args:
            through, axis, xy: as `PathSubject` has them.
            name: what its networks are; else the method's title.
        """
        method, chance = METHODS[side], self.chance(work.loaded)
        name, steps = name or method.title, self.path_steps(work, side)
        return PathSubject(self.task, name, method.look, work.gammas, steps, axis, through, chance, xy)

    def curve_subject(self, work: AnyPath, side: str, a: int, b: int) -> CurveSubject:
        """Return what was measured along a side of the path from network a to b, as it is exported: a table."""
        steps = zip(work.gammas, self.path_steps(work, side), strict=True)
        return CurveSubject(pd.DataFrame([{"gamma": gamma} | step.row for gamma, step in steps]), float_format="%.6g")

    # -- what networks do

    def data_to_ask(self, loaded: Loaded) -> Any:
        """Return data on which networks are compared quickly; None if they need none, or it is not here."""
        return None

    def classes(self, loaded: Loaded) -> tuple[str, ...]:
        """Return the classes that networks may confuse, without reading those data; none of other kinds."""
        return ()

    def can_ask(self, loaded: Loaded) -> bool:
        """Whether those data are here, without reading them."""
        return True

    def asked_about(self, loaded: Loaded) -> str:
        """On what the answers of networks are compared, in words."""
        return self.answers_words

    def reference(self, end: Network, k: int, data: Any) -> Any:
        """Return what an original answers: A for k = 0, B for k = 1."""
        return self.task.outputs(end, data)

    def answers(self, network: Network, references: Sequence[Any], data: Any) -> EndAnswers:
        """Return how a network of a path answers, against what `reference` returned for both originals."""
        mine = self.task.outputs(network, data)
        return EndAnswers([1 - float(self.task.distance(mine, end)) for end in references], None)

    def reference_scores(self, references: Sequence[Any], data: Any) -> tuple[list[float] | None, int]:
        """Return the accuracies of both originals, if networks have one, and how many answers were compared."""
        return None, len(references[0])

    # -- latent space optimisation

    targets: tuple[Target, ...] = ()
    """what a network can be optimised towards; empty if that is an objective with a teacher"""
    target_help = ""
    score_title = "score"
    """what a run is judged by, in a word"""
    asked_inputs = "inputs"
    """on what networks are measured, in a word"""

    def target_words(self, target: str) -> str:
        """Return what a numbered target is. DataError, UsageError if there is none."""
        return target

    def target_title(self, target: str) -> str:
        """Return a target as the view names it."""
        return f"{target}, {self.target_words(target)}" if ":" in target else Path(target).name

    def sources(self, records: pd.DataFrame) -> pd.Series:
        """Return what the networks of a zoo were made from, as targets are named."""
        return records["source"]

    def draw_still(self, side: str, network: Network, detail: int) -> StepPacket:
        """Draw a network by itself."""
        return rasters.pack_picture(side, 0, self.task.show(network), {})

    def draw_target(self, loaded: Loaded, target: str) -> StepPacket:
        """Draw a target; DataError, UsageError if it cannot be read."""
        raise NotImplementedError

    def test_count(self, loaded: Loaded) -> int:
        """Return on how many inputs a test score stands; 0 if that is not known. DataError if they cannot be read."""
        return 0

    # -- a network beside its decode

    @property
    def drawings(self) -> tuple[int, ...]:
        """How finely networks are drawn, one after the other, the finest last; empty if they are not drawn."""
        return (64,)

    def draw(self, networks: Mapping[str, Network], detail: int) -> tuple[list[StepPacket], float | None]:
        """Draw networks by side, as fine as `detail` says; the second is how like the original its decode is."""
        return rasters.still_pictures(self.task, networks, f"{self.measures[0].key}_a" if self.measures else "")

    def facts(self, loaded: Loaded, networks: Mapping[str, Network]) -> dict | None:
        """Return what is told of networks that are not drawn; None of others."""
        return None

    # -- the map

    map_colour = ""
    """column of the zoo's table that the map is coloured by at first"""
    tile: tuple[int, int] | None = (28, 28)
    """height and width of a picture of a network for tooltips, if the zoo has no thumbnails; None for none"""

    def tile_picture(self, network: Network) -> np.ndarray:
        """Return a picture (*tile, 3) uint8 of a network."""
        return rasters.coloured(self.task.show(network, self.tile[0]))

    # -- what to expect of a space

    def reads_note(self, loaded: Loaded) -> str:
        """Return what to expect of the space on networks that it has not seen."""
        measured = (reconstruction(loaded) or {}).get(HELDOUT)
        says = f"This encoder {READS[loaded.space.config.encoder]}"
        return f"{says}; {self.expected(measured)}" if measured else f"{says}."

    def expected(self, measured: Mapping[str, Any]) -> str:
        """Return, as the end of a sentence, what was measured of held-out networks."""
        return f"{measured['count']} held-out networks were decoded."

    def doubt(self, loaded: Loaded, a: int, b: int) -> str:
        """Return why a path may look broken that is not; empty if there is no such reason."""
        strangers = [card.name for card in (cards(loaded)[i] for i in dict.fromkeys((a, b))) if card.held_out]
        if not strangers or loaded.space.config.encoder != "prep":
            return ""
        return f"The space was not trained on {' and '.join(strangers)}. {self.reads_note(loaded)}{self.better_encoder}"
