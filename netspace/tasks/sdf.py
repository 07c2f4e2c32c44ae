"""Signed distance functions of shapes: Eq. 2 as an objective, a shape as a goal, and the task itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.meshes import MESH_SUFFIXES, is_chair, load_source, read_mesh
from ..data.shapes import MEASURES, Mesh
from ..data.solid_check import check
from ..data.solids import Solid, occupancy_points, sample_sdf
from ..errors import UsageError
from ..geometry.mesh import surface_or_none
from ..geometry.mesh import write as write_mesh
from ..geometry.render import Studio
from ..io import content_hash
from ..nets.archs import Arch
from ..nets.network import Network, run_many
from ..nets.prep import pack
from ..share import WHOLE, Share
from ..space.losses import Queries, sdf_distillation, sdf_queries
from ..space.space import NetSpace
from ..zoo.store import Zoo
from .measures import agreement, count_true, iou
from .score_shapes import CHAMFER_NEAREST, SHAPE_COLUMNS, SHAPE_QUALITIES, PathOfShapes, shapes_audit
from .surfaces import Reconstruction, measure, reconstruct, summarise_paths, summarise_reconstruction
from .task import (
    GoalSettings,
    Objective,
    PathStep,
    Resemblance,
    Task,
    TrainSettings,
    decoded,
    noisy_embeddings,
    refuse_several,
    refuse_teacher,
)


def _stretches(queries: Queries, copies: int, stretch: float, seed: int) -> Tensor:
    """Factors (copies, 3) by which copies of an SDF are stretched; the first copy is the SDF itself.

    Proportions change by up to `stretch`; the longest side stays as long as it was, as normalised shapes have it.
    """
    device = queries.points.device
    inside = queries.points[queries.values < 0]
    extent = inside.amax(dim=0) - inside.amin(dim=0) if len(inside) else torch.ones(3, device=device)  # (3,)
    generator = torch.Generator(device).manual_seed(seed)
    factors = 1 + stretch * (2 * torch.rand(copies, 3, device=device, generator=generator) - 1)
    factors = factors * (extent.max() / (factors * extent).amax(dim=1, keepdim=True))
    factors[0] = 1
    return factors


class SdfObjective:
    """Eq. 2 over a zoo of SDF networks: what the encoder reads and what the targets answer is computed once."""

    score = "agreement"
    VALIDATION = 2048
    """the first so many query points of a network are for validation alone"""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> None:  # fmt: skip
        """Ask the networks `ids` once."""
        refuse_teacher(teacher)
        if not config.queries:
            raise UsageError("--queries 0 is for image classifiers: an SDF is asked at stored points")
        self.arch, self.points, self.noise = space.family.archs[0], config.points, config.noise
        self.dtype = getattr(torch, config.hidden_dtype)
        self.row = {i: k for k, i in enumerate(ids)}
        prepared, asked, factors = [], [], []
        with torch.no_grad():
            for i in ids:
                network = zoo[i].to(space.device)
                queries = sdf_queries(network, self.VALIDATION + config.queries, config.seed + i)
                stretches = _stretches(queries, config.copies, config.stretch, config.seed + i)  # (copies, 3)
                copies = [self.arch.stretch_params(network.params, f) for f in stretches]
                preps = torch.stack([pack(params, space.family.size) for params in copies])
                prepared.append(space.encoder.prepare(preps))
                asked.append(queries)
                factors.append(stretches)
        self.prepared = torch.stack(prepared)  # (N, copies, ...)
        self.factors = torch.stack(factors)  # (N, copies, 3)
        self.queries = Queries(torch.stack([q.points for q in asked]), torch.stack([q.values for q in asked]))

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""
        space.encoder.calibrate(self.prepared[[self.row[i] for i in ids], 0])

    def terms(
        self, space: NetSpace, ids: Sequence[int], generator: torch.Generator, share: Share = WHOLE
    ) -> dict[str, Tensor]:
        """The loss terms of a step by name; their sum is minimised."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        first, last = self.VALIDATION, self.queries.points.shape[1]
        pick = torch.randint(first, last, (len(ids), self.points), device=rows.device, generator=generator)
        copy = torch.randint(self.factors.shape[1], (len(ids),), device=rows.device, generator=generator)
        z = noisy_embeddings(space, self.prepared[rows, copy], self.noise, self.dtype, generator, share)
        mine = share.of(len(ids))
        rows, pick, copy = rows[mine], pick[mine], copy[mine]
        x = self.queries.points[rows[:, None], pick] * self.factors[rows, copy].unsqueeze(1)  # (b, n, 3)
        target = self.queries.values[rows[:, None], pick]  # (b, n)
        predicted = run_many(self.arch, decoded(space, z, self.dtype).preps, x, self.dtype).squeeze(-1)  # (b, n)
        return {"pred": share.weigh(sdf_distillation(predicted, target), len(ids))}

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Median agreement and mean squared error at points that no step has used."""
        pairs = [self._answers(space, ids[k : k + 8]) for k in range(0, len(ids), 8)]
        predicted, target = (torch.cat(side) for side in zip(*pairs, strict=True))
        error = sdf_distillation(predicted, target).item()
        return {"agreement": agreement(predicted, target).median().item(), "mse": error}

    def _answers(self, space: NetSpace, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Predicted and target answers (b, n)."""
        rows = [self.row[i] for i in ids]
        x = self.queries.points[rows, : self.VALIDATION]
        preps = space.decode(space.encoder.read(self.prepared[rows, 0])).preps
        return run_many(self.arch, preps, x).squeeze(-1), self.queries.values[rows, : self.VALIDATION]


class ShapeGoal:
    """Hold the signed distance of a shape that is known by samples alone (Eq. 2, with the samples as target)."""

    score = "iou"
    OCCUPANCY = 16_384
    """points in the shape's bounding box for either IoU"""

    def __init__(self, space: NetSpace, config: GoalSettings, source: str | None) -> None:
        """Samples a shape: "chair:<seed>" or a mesh file.

        Raises:
            ValueError: no shape is named, the loss is for images, or the mesh cannot be read or encloses no volume.
        """
        if not source:
            raise UsageError("an SDF is optimised towards a shape: name one by --target, a mesh file or chair:SEED")
        if config.loss not in ("auto", "mse"):
            raise UsageError(f"--loss {config.loss} is for image classifiers; shapes have mse")
        if not config.queries:
            raise UsageError("--queries 0 is for image classifiers: a shape is sampled once")
        try:
            mesh, record = load_source(source)
            solid = Solid(mesh)
            self.notes = [] if is_chair(source) else target_notes(solid, record)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from error
        mesh_is = () if is_chair(source) else (mesh.vertices, mesh.faces)  # a chair's digits differ between libraries
        self.made_of = content_hash(source, *mesh_is)
        device = space.device
        self.samples = torch.from_numpy(sample_sdf(solid, config.queries, config.seed)).to(device)  # (q, 4)
        self.parts = []
        for seed in (config.seed + 1, config.seed + 2):
            points, inside = occupancy_points(solid, self.OCCUPANCY, seed)
            self.parts.append((torch.from_numpy(points).to(device), inside))
        self.points, self.dtype = config.points, getattr(torch, config.hidden_dtype)

    def terms(self, network: Network, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error at some of the samples."""
        pick = torch.randint(len(self.samples), (self.points,), device=self.samples.device, generator=generator)
        batch = self.samples[pick]  # (n, 4)
        predicted = run_many(network.arch, network.prep, batch[:, :3], self.dtype).squeeze(-1)  # (n)
        return {"pred": sdf_distillation(predicted, batch[:, 3])}

    def validate(self, network: Network) -> float:
        """IoU with the shape on points in its bounding box."""
        return self._iou(network, *self.parts[0])

    def test(self, network: Network) -> float:
        """The same on other points."""
        return self._iou(network, *self.parts[1])

    @staticmethod
    def _iou(network: Network, points: Tensor, inside) -> float:
        return iou((network.compiled()(points) < 0).cpu().numpy(), inside)


def target_notes(solid: Solid, record: dict) -> list[str]:
    """What is to be known of a mesh file as a target: its up axis and what was mended; then its warnings."""
    said = f"target: {record['up']} up, measured against {solid.words}"
    warnings = (*filter(None, [record["warnings"]]), *check(solid).warnings)
    return [said, *(f"warning: target: {each}" for each in warnings)]


OFF_IOU = 0.5
"""A decode that overlaps its original less does not count as it."""
OCCUPANCY_GRID = 24
"""points along each axis at which networks are compared by their outputs"""
INPUT_POINTS = 4096
"""random points at which two networks are compared"""


def _column(name: str, network: Network, resolution: int) -> float:
    """Measure a column of a network's surface; not a number if it has none."""
    surface = surface_or_none(network, resolution)
    return MEASURES[name](surface.mesh) if surface else math.nan


class Sdf(Task[Reconstruction]):
    """Coordinate networks (3 -> 1) that hold the signed distance of a shape."""

    name = "sdf"
    networks = "SDFs"
    score = "iou"
    columns = {name: partial(_column, name) for name in MEASURES}  # noqa: RUF012  (never changed)
    file = ("mesh", "meshes")
    lacking = "surface"
    files_compared = MESH_SUFFIXES
    goal_score = "IoU with the target"
    goal_terms = {  # noqa: RUF012  (never changed)
        "pred": ("squared error", "Mean squared error of the signed distance at samples of the shape (Eq. 2)"),
    }

    def lso_recipe(self, data: str) -> str:
        """That of the chairs."""
        return "chairs-lso"

    def inputs(self, arch: Arch, data: Any = None) -> Tensor:
        """Random points (n, 3) of the cube."""
        return torch.rand(INPUT_POINTS, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def objective(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> Objective:  # fmt: skip
        """Eq. 2."""
        refuse_several(self, space.family)
        return SdfObjective(space, zoo, ids, config, data, teacher)

    def goal(
        self, space: NetSpace, config: GoalSettings, *, data: Path | None = None, teacher: Network | None = None,
        target: str | None = None,
    ) -> ShapeGoal:  # fmt: skip
        """Hold a shape: `target` is "chair:<seed>" or a mesh file."""
        if teacher is not None:
            raise UsageError("--teacher is for image classifiers; an SDF learns from a shape's samples")
        return ShapeGoal(space, config, target)

    def reconstruct(self, space: NetSpace, zoo: Zoo, i: int, data: Any = None, resolution: int = 64) -> Reconstruction:
        """Compare answers, overlap and surface, with the original network and with the shape it was fitted to."""
        return reconstruct(space, zoo, i, resolution)

    def summarise(self, rows: Iterable[Reconstruction]) -> dict[str, dict]:
        """Medians by split."""
        return summarise_reconstruction(rows)

    def error(self, row: Reconstruction) -> float:
        """1 - IoU."""
        return 1 - row.iou

    def doubts(self, row: Reconstruction) -> list[str]:
        """Little overlap."""
        return [f"its decode overlaps it by {row.iou:.2f}"] if row.iou < OFF_IOU else []

    def measuring(
        self, a: Network | None, b: Network | None, data: Any = None, resolution: int = 64
    ) -> Callable[[Network], PathStep]:
        """Mesh, volume, area, components, and the overlap with the originals on the same grid."""
        first, second = (None if network is None else surface_or_none(network, resolution) for network in (a, b))
        unknown = {"surface", *(f"iou_{key}" for key, network in (("a", a), ("b", b)) if network is None)}

        def of(network: Network) -> PathStep:
            step = measure(network, first, second, resolution)
            mesh = step.surface.mesh if step.surface else None
            words = f"volume {step.volume:.3f}, {step.components} components" if mesh else "no surface"
            return PathStep({k: v for k, v in step._asdict().items() if k not in unknown}, words, mesh)

        return of

    def write(self, measured: PathStep, network: Network, path: Path, suffix: str) -> str:
        """A mesh file."""
        if measured.shown is None:
            return ""
        name = path.with_suffix(f".{suffix}")
        write_mesh(measured.shown, name)
        return name.name

    def artist(self, size: int, colour: str) -> Callable[[Mesh], np.ndarray]:
        """Meshes as the app's viewer shows them at first."""
        studio = Studio(size)
        return lambda mesh: studio.picture(mesh, colour)

    def show(self, network: Network, resolution: int = 64) -> Mesh | None:
        """The surface, at the speed of a preview."""
        surface = surface_or_none(network, resolution, preview=True)
        return surface and surface.mesh

    def summarise_paths(self, paths: Sequence[Sequence[PathStep]]) -> dict[str, float | int | None]:
        """What becomes of the surface."""
        return summarise_paths([[step.row["components"] for step in path] for path in paths])._asdict()

    strengths = ("fit_iou",)
    score_columns, likeness, qualities = SHAPE_COLUMNS, CHAMFER_NEAREST, SHAPE_QUALITIES

    def scoring(self, a: Network, b: Network, data: Any = None, resolution: int = 64) -> PathOfShapes:
        """Surfaces, ends, steps and the Eikonal error."""
        return PathOfShapes(a, b, resolution)

    def auditing(
        self, known: Sequence[Network], data: Any = None, resolution: int = 64
    ) -> Callable[[Network, int | None], Resemblance]:
        """By the Chamfer distance of surfaces."""
        return shapes_audit(known, self.outputs, self.distance, resolution)

    def outputs(self, network: Network, data: Any = None) -> Tensor:
        """Whether the points of a grid are inside, (n) bool."""
        steps = torch.linspace(-1, 1, OCCUPANCY_GRID, device=network.prep.device)
        points = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).view(-1, 3)
        return network.compiled()(points) < 0

    def outputs_of_file(self, path: Path, arch: Arch) -> Tensor:
        """Whether the points of the grid of `outputs` are inside the solid of a mesh file, scaled as zoos' are."""
        solid = Solid(read_mesh(path).mesh)
        steps = np.linspace(-1, 1, OCCUPANCY_GRID)
        points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        return torch.from_numpy(solid.inside(points))

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """1 - IoU of occupancies (*b, n) bool."""
        union = count_true(a | b)
        return 1 - torch.where(union > 0, count_true(a & b) / union.clamp(min=1), 1.0)
