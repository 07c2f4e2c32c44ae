"""Signed distance functions of shapes in the app: meshes that are dragged into each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.backend import chairs
from app.backend.catalogue import Loaded
from app.backend.engine import Engine
from app.backend.path import Route, StepPacket
from netspace.data.meshes import load_source
from netspace.data.shapes import MEASURES, chair, chair_params, describe
from netspace.geometry.mesh import Surface, surface_or_none
from netspace.nets.network import Network
from netspace.space.losses import Queries, sdf_queries
from netspace.tasks.measures import agreement
from netspace.tasks.sdf import ShapeGoal
from netspace.tasks.surfaces import Step, measure

from .task import AppTask, EndAnswers, Question, Score, Scores, Target

DEFAULT_PAIR = ("chair-0086", "chair-0120")
"""two chairs that look well together"""
POINTS_ASKED = 4096
"""points around a shape's surface at which answers are compared"""
MESH_NUMBERS = (
    ["volume", "volume", "Volume enclosed by the surface, world units; the cube has 8."],
    ["components", "components", "Connected pieces of the surface; 0 where there is no surface."],
)
IOU = "Intersection over union with {}, on the points of the grid."
GRID_NUMBER = [
    "grid", "grid", f"Cells along each axis: {chairs.PREVIEW} while dragging, {chairs.AT_REST} when at rest."
]  # fmt: skip
ENCODER_NOTES = {
    "prep": "This encoder reads weights: it knows the networks it was trained on, and no others.",
    "probe": "This encoder reads answers: it also understands networks it has never seen.",
}


class SdfInApp(AppTask[chairs.PathWork]):
    """Networks (3 -> 1) whose zero level is a surface."""

    name = "sdf"
    networks = "shapes"
    commands = (
        "python -m netspace zoo fit-sdf --chairs 64 --out runs/my/zoo\n"
        "python -m netspace train --zoo runs/my/zoo --out runs/my/space"
    )
    page, page_title, icon = "shapes", "Shapes", ":material/chair:"
    invitation = "Slide between chairs"
    page_about = "One shape turned into another, in the latent space and through the weights: every frame is a network."
    page_hint = "Drag the slider, or press ← and →; drag a shape to turn it. ? lists the keys."
    pair_key = "shape"
    view, camera = "viewer", True
    measured_columns = tuple(MEASURES)
    pad_value = "volume"
    scores = Scores(
        {
            "agreement": Score("agreement_median", 3),
            "IoU": Score("iou_median", 3),
            "Chamfer distance": Score("chamfer_median", 4),
        },
        "Medians over networks, decoded against original. Agreement: share of points near the surface at which both "
        "answers are within 0.01.",
        "no surface",
    )
    answers_words = "points around its surface, within 0.01"
    function_words = "shapes, 1 - IoU"
    error_words = "1 - IoU of decode and original"
    decodes_differ = "decodes by {:.3f} (at most {:.3f}) in 1 - IoU"
    likeness_words = "IoU of original and decode"
    better_encoder = " A space that reads answers fits better here."
    questions = (
        Question("activation", "Activation", "sin, relu, ...", "sin for SIRENs; otherwise the name of the activation"),
        Question("omega", "Factor of the sines", "30", "x is mapped to sin(omega (W x + b)); 30 in the paper"),
        Question(
            "omega_first", "Factor in the first layer", "as the others",
            "siren-pytorch has 30 here and 1 in the others",
        ),
        Question("inside", "Sign inside", "negative or positive", "Occupancies are usually positive inside"),
        Question("encoding", "Positional encoding", "pe6, pe6pi, ...", "Of the points, before the first layer"),
        Question("box", "Half edge of its cube", "1", "0.5 for networks that live in [-0.5, 0.5]^3"),
    )  # fmt: skip
    import_words = (
        "The factor of a SIREN's sines and the sign inside are found out from what the network does, if its values are "
        "signed distances."
    )
    map_colour = "seat_height"
    targets = (
        Target("chair", "Seed of a chair", "chair", usual=1000),
        Target("mesh file", "OBJ, OFF, PLY, STL or GLB", example="chair.obj"),
    )
    target_help = (
        "The shape to become, of which only samples are known: a procedural chair, which a seed makes the same "
        "everywhere, or a mesh."
    )
    score_title, asked_inputs = "IoU", "points"
    tile = None

    def default_pair(self, loaded: Loaded) -> tuple[int, int]:
        """Two chairs that look well together, else the first two of all."""
        names = loaded.names
        if all(name in names for name in DEFAULT_PAIR):
            return names.index(DEFAULT_PAIR[0]), names.index(DEFAULT_PAIR[1])
        return super().default_pair(loaded)

    def work(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> chairs.PathWork:
        return chairs.PathWork(engine, loaded, route, first)

    def bundled_work(self, engine: Engine, loaded: Loaded, route: Route) -> chairs.PathWork:
        return chairs.GridPathWork(engine, loaded, route, route.steps // 2)

    def view_data(
        self, loaded: Loaded, work: chairs.PathWork, a: int, b: int, *, frame: int, method: str
    ) -> dict[str, Any]:  # fmt: skip
        data = super().view_data(loaded, work, a, b, frame=frame, method=method)
        if work.redrawn:
            return data
        return data | {"numbers": [*data["numbers"][:-1], [*GRID_NUMBER[:2], "Cells along each axis."]]}

    def numbers(self, compared: Mapping[str, tuple[str, str]], measured: str = "") -> list[list[str]]:
        """Key, label and help of each."""
        asked = [["measured", "measured", f"{measured} measured of the mesh, world units"]] if measured else []
        ends = [[f"iou_{end}", f"IoU to {word}", IOU.format(words)] for end, (word, words) in compared.items()]
        return [*MESH_NUMBERS, *asked, *ends, GRID_NUMBER]

    def has_surface(self, work: chairs.PathWork, side: str, i: int) -> bool:
        return work.has_surface(side, i)

    def reference(self, end: Network, k: int, data: None) -> Queries:
        return sdf_queries(end, POINTS_ASKED, seed=k)

    def answers(self, network: Network, references: Sequence[Queries], data: None) -> EndAnswers:
        run = network.compiled()
        return EndAnswers([agreement(run(end.points), end.values).item() for end in references], None)

    def reference_scores(self, references: Sequence[Queries], data: None) -> tuple[None, int]:
        return None, POINTS_ASKED

    @property
    def drawings(self) -> tuple[int, ...]:
        return chairs.PREVIEW, chairs.AT_REST

    def draw(self, networks: Mapping[str, Network], detail: int) -> tuple[list[StepPacket], float | None]:
        """Surfaces, and the IoU of both."""
        preview, original = detail == chairs.PREVIEW, None
        if "original" in networks:
            original = surface_or_none(networks["original"], detail, preview)
        step = measure(networks["decoded"], original, None, detail, preview)
        frames = [chairs.pack_frame("decoded", 0, step, detail)]
        if "original" in networks:
            frames.append(chairs.pack_frame("original", 0, step._replace(surface=original), detail))
        return frames, step.iou_a if original and step.surface else None

    def target_words(self, target: str) -> str:
        """What a procedural chair is."""
        return describe(chair(chair_params(int(target.removeprefix("chair:"))))[1]).removeprefix("chair: ")

    def draw_still(self, side: str, network: Network, detail: int) -> StepPacket:
        return self._still(side, surface_or_none(network, detail), detail)

    def draw_target(self, loaded: Loaded, target: str) -> StepPacket:
        return self._still("target", Surface(load_source(target)[0], None, chairs.AT_REST, 0), chairs.AT_REST)

    @staticmethod
    def _still(side: str, surface: Surface | None, detail: int) -> StepPacket:
        return chairs.pack_frame(side, 0, Step(surface, None, None, 1, 0.0, 0.0), detail)

    def test_count(self, loaded: Loaded) -> int:
        return ShapeGoal.OCCUPANCY

    def reads_note(self, loaded: Loaded) -> str:
        return ENCODER_NOTES[loaded.space.config.encoder]
