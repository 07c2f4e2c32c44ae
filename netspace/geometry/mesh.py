"""The zero level set of an SDF network as a mesh: coarse to fine, so that only points near the surface are evaluated.

World coordinates: the grid of N cells an axis covers [-1, 1]^3. Blocks are culled by f(centre) and a Lipschitz bound.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..data.shapes import Mesh
from ..errors import NoSurface, UsageError
from ..io import atomic_write
from ..nets.fields import SDF
from ..nets.network import Network, fast_dtype

ScalarField = Callable[[Tensor], Tensor]
"""A signed distance, negative inside: points (n, 3) -> (n,)"""

COARSEST = 8
"""Blocks along an axis on the first level."""
COARSE_ERROR = 0.002
"""What the coarse field may be off by; a SIREN with a bfloat16 hidden product was off by 0.0015 at most."""
RESOLUTIONS = (32, 64, 128, 256, 512)
MESH_KINDS = ("glb", "stl", "ply", "obj", "off")


def check_finite(values: np.ndarray | Tensor) -> None:
    """Raise NoSurface if a field has values that are not finite."""
    finite = values.isfinite().all() if isinstance(values, Tensor) else np.isfinite(values).all()
    if not finite:
        raise NoSurface("no surface: the field has values that are not finite")


class Surface(NamedTuple):
    """A mesh and the grid it was taken from."""

    mesh: Mesh
    values: np.ndarray
    """(N+1, N+1, N+1) float32 at the grid's points, x first; away from the surface only the sign is right"""
    resolution: int
    """N; smaller than what was asked for where the budget did not allow it"""
    evaluations: int
    """points at which the field was evaluated"""

    @property
    def inside(self) -> np.ndarray:
        """(N+1, N+1, N+1) bool: the grid points inside the shape."""
        return self.values < 0


SLOPE_POINTS = 512
SAFETY = 1.0


def slope(field: ScalarField, device: torch.device | str = "cpu") -> float:
    """How steep a field is where it is small: the 90th percentile over the quarter of spread points nearest to 0.

    By forward differences. About 1.2 for a SIREN fitted to an SDF, less for an average of weights.
    """
    x = torch.quasirandom.SobolEngine(3).draw(SLOPE_POINTS).to(device) * 1.98 - 1  # (p, 3)
    step = 4e-3
    offsets = torch.cat([torch.zeros(1, 3), step * torch.eye(3)]).to(device)  # (4, 3)
    values = field((x + offsets[:, None]).view(-1, 3)).view(4, SLOPE_POINTS)
    check_finite(values)
    steepness = ((values[1:] - values[0]) / step).norm(dim=0)  # (p,)
    nearest = values[0].abs().argsort()[: SLOPE_POINTS // 4]
    return float(steepness[nearest].quantile(0.9))


def extract(
    field: ScalarField,
    resolution: int = 128,
    *,
    coarse: ScalarField | None = None,
    budget: int | None = None,
    device: torch.device | str = "cpu",
) -> Surface:
    """The surface of a field, closed, its faces pointing outwards.

    A block with centre c and edge e is culled where |f(c)| >= L sqrt(3)/2 e; L is SAFETY times the slope.
    A kept block through whose face the surface leaves brings its neighbour back, so that a bound that is too small
    somewhere does not tear the surface.

    Args:
        field: points (n, 3) -> signed distance (n,), negative inside.
        resolution: N, cells along an axis, one of RESOLUTIONS.
        coarse: the same field, faster and less precise, for the levels above the last.
        budget: most evaluations allowed; a field that needs more is taken at half the resolution instead.
        device: where the field is evaluated.

    Raises:
        NoSurface: the field does not change its sign.
    """
    if resolution not in RESOLUTIONS:
        raise UsageError(f"resolution {resolution} is not one of {RESOLUTIONS}")
    slope_bound = SAFETY * slope(field, device)  # L
    bound = slope_bound * 3**0.5 / 2
    coarse = coarse or field
    used = 4 * SLOPE_POINTS
    n, cell = COARSEST, 2 / resolution
    blocks = torch.cartesian_prod(*[torch.arange(n, device=device)] * 3)  # (m, 3)
    fill = torch.empty(n, n, n, device=device)
    while True:
        edge = 2 / n
        centres = coarse((blocks + 0.5) * edge - 1)
        used += len(blocks)
        fill[tuple(blocks.T)] = centres
        keep = centres.abs() < bound * edge + COARSE_ERROR
        if n == resolution // 2:
            break
        blocks = blocks[keep]
        blocks = (2 * blocks[:, None] + torch.cartesian_prod(*[torch.arange(2, device=device)] * 3)).view(-1, 3)
        fill = fill.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)
        n *= 2
        if budget and used + len(blocks) + 9 * len(blocks) // 2 > budget and resolution > RESOLUTIONS[0]:
            return extract(field, resolution // 2, coarse=coarse, budget=budget, device=device)
    values, evaluated = _last_level(field, blocks[keep], fill, cell, slope_bound)
    used += evaluated
    return _surface(values, resolution, used)


def _surface(grid: Tensor, resolution: int, evaluations: int) -> Surface:
    """The surface in a grid of values (N+1, N+1, N+1)."""
    values: np.ndarray = grid.cpu().numpy()
    check_finite(values)
    if not (values < 0).any() or not (values >= 0).any():
        raise NoSurface(f"no surface: the field is {'negative' if values.flat[0] < 0 else 'positive'} everywhere")
    return Surface(isosurface(values), values, resolution, evaluations)


def _last_level(
    field: ScalarField, blocks: Tensor, fill: Tensor, cell: float, slope_bound: float
) -> tuple[Tensor, int]:
    """Grid values (N+1, N+1, N+1) and the number of evaluations, from 2-cell blocks (m, 3) and their centres' `fill`.

    The field at every corner of a cell that it changes sign in; elsewhere a value of the right sign.

    A block's corners are evaluated first. With its centre they leave no point of it further than sqrt(5)/4 edges from
    a known value, which culls about a third of the blocks, and settle the sign of most other points.
    """
    n = fill.shape[0]
    points = 2 * n + 1
    device = fill.device
    nearest = fill.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)  # (N, N, N)
    values = torch.nn.functional.pad(nearest[None, None], (0, 1) * 3, mode="replicate")[0, 0].contiguous().view(-1)
    known = torch.zeros(points**3, dtype=torch.bool, device=device)
    kept = torch.zeros(n, n, n, dtype=torch.bool, device=device)
    strides = torch.tensor([points * points, points, 1], device=device)  # CUDA has no product of integer matrices
    offsets = torch.cartesian_prod(*[torch.arange(3, device=device)] * 3)  # (27, 3)
    corners = (offsets % 2 == 0).all(dim=1)  # 8 of 27
    centre = (offsets == 1).all(dim=1)  # 1 of 27
    sampled = torch.cat([offsets[corners], offsets[centre]]).float()
    reach = slope_bound * cell * torch.cdist(sampled, offsets.float())  # (9, 27): most the field can change between
    steps = torch.arange(points, device=device) * cell - 1
    evaluated = 0

    def evaluate(index: Tensor) -> int:
        fresh = torch.zeros_like(known)
        fresh[index.flatten()] = True
        at = (fresh & ~known).nonzero().squeeze(1)  # (q,)
        x = torch.stack([steps[at // (points * points)], steps[at // points % points], steps[at % points]], dim=1)
        values[at] = field(x)
        known[at] = True
        return len(at)

    while len(blocks):
        kept[tuple(blocks.T)] = True
        index = ((2 * blocks[:, None] + offsets) * strides).sum(dim=2)  # (m, 27)
        evaluated += evaluate(index[:, corners])
        samples = torch.cat([values[index[:, corners]], fill[tuple(blocks.T)].unsqueeze(1)], dim=1)  # (m, 9)
        crossed = (samples < 0).any(dim=1) & (samples >= 0).any(dim=1)
        near = crossed | (samples.abs().amin(dim=1) < slope_bound * 5**0.5 / 4 * 2 * cell)
        blocks, index, samples = blocks[near], index[near], samples[near]
        bound, settled = _bounded(samples, reach)
        guessed = settled & ~known[index]
        values[index[guessed]] = bound[guessed]
        evaluated += evaluate(index[~settled])
        while True:  # what is evaluated may turn a guessed sign
            fresh = evaluate(index[_at_sign_changes(values[index] < 0)])
            evaluated += fresh
            if not fresh:
                break
        blocks = _torn(blocks, values[index], fill, kept, offsets)
    return values.view(points, points, points), evaluated


def _bounded(samples: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """How far from 0 samples (m, 9) keep a block's points (m, 27) at least, with sign; and where that sign is sure.

    `reach` (9, 27) is the most by which the field can change between a sample and a point.
    """
    positive = torch.full((len(samples), reach.shape[1]), -torch.inf, device=samples.device)
    negative = positive.clone()
    for sample, change in zip(samples.split(1, dim=1), reach, strict=True):  # (m, 1), (27)
        margin = sample.abs() - change  # (m, 27)
        torch.maximum(positive, margin.masked_fill(sample < 0, -torch.inf), out=positive)
        torch.maximum(negative, margin.masked_fill(sample >= 0, -torch.inf), out=negative)
    return torch.where(positive > 0, positive, -negative), (positive > 0) != (negative > 0)


def _at_sign_changes(inside: Tensor) -> Tensor:
    """Which of the points (m, 27) of 2-cell blocks are corners of a cell that has corners inside and outside."""
    some = every = inside.view(-1, 3, 3, 3)
    for axis in (1, 2, 3):
        some = some.narrow(axis, 0, 2) | some.narrow(axis, 1, 2)
        every = every.narrow(axis, 0, 2) & every.narrow(axis, 1, 2)
    points = some & ~every  # (m, 2, 2, 2) cells, then their corners
    for axis in (1, 2, 3):
        last = points.narrow(axis, 1, 1)
        points = torch.cat([points.narrow(axis, 0, 1), points.narrow(axis, 0, 1) | last, last], dim=axis)
    return points.view(-1, 27)


def _torn(blocks: Tensor, corner_values: Tensor, fill: Tensor, kept: Tensor, offsets: Tensor) -> Tensor:
    """Culled neighbours (m', 3) of kept blocks whose assumed sign the values (m, 27) on the shared face contradict."""
    n = kept.shape[0]
    negative = corner_values < 0
    torn = []
    for axis in range(3):
        for side, step in ((0, -1), (2, 1)):
            neighbours = blocks.clone()
            neighbours[:, axis] += step
            on_grid = (neighbours[:, axis] >= 0) & (neighbours[:, axis] < n)
            neighbours = neighbours[on_grid]
            face = negative[on_grid][:, offsets[:, axis] == side]  # (m, 9)
            assumed = fill[tuple(neighbours.T)] < 0
            wrong = (face != assumed[:, None]).any(dim=1) & ~kept[tuple(neighbours.T)]
            torn.append(neighbours[wrong])
    return torch.cat(torn).unique(dim=0)


def extract_dense(field: ScalarField, resolution: int = 128, device: torch.device | str = "cpu") -> Surface:
    """The surface from a full grid: the reference for `extract`. Raises NoSurface."""
    steps = torch.arange(resolution + 1, device=device) * (2 / resolution) - 1
    values = torch.stack([field(torch.cartesian_prod(x[None], steps, steps)) for x in steps])
    return _surface(values.view(resolution + 1, resolution + 1, resolution + 1), resolution, values.numel())


def surface_of(network: Network, resolution: int, preview: bool = False, budget: int | None = None) -> Surface:
    """The surface of an SDF network. Raises NoSurface.

    An occupancy has no slope that bounds where its surface can be: it is taken from the full grid.

    Args:
        preview: the hidden product in the device's fastest precision, which moves the surface by a twentieth of a
            voxel at 64^3 at most.
        budget: see `extract`.
    """
    device = network.prep.device
    fast = network.compiled(fast_dtype(device))
    if network.arch.field != SDF:
        return extract_dense(fast if preview else network.compiled(), resolution, device)
    return extract(fast if preview else network.compiled(), resolution, coarse=fast, budget=budget, device=device)


def surface_or_none(network: Network, resolution: int, preview: bool = False) -> Surface | None:
    """The surface of an SDF network, or None where it has none."""
    try:
        return surface_of(network, resolution, preview)
    except NoSurface:
        return None


def sign_changing_cells(values: np.ndarray) -> np.ndarray:
    """(N, N, N) bool: cells whose eight corners do not all have the same sign."""
    corners = (values < 0).astype(np.uint8)
    for axis in range(3):
        ahead = np.delete(corners, 0, axis)
        corners = ahead + np.delete(corners, -1, axis)
    return (corners > 0) & (corners < 8)


def isosurface(values: np.ndarray) -> Mesh:
    """Zero level set of grid values (N+1, N+1, N+1) over [-1, 1]^3, closed where it meets the grid's boundary.

    By VTK's flying edges, or by scikit-image's marching cubes where VTK is not installed.
    """
    n = values.shape[0] - 1
    cell = 2 / n
    padded = np.pad(values.astype(np.float32), 1, constant_values=cell)
    padded[padded == 0] = 1e-9  # an exact zero would give triangles without area
    try:
        vertices, faces = _flying_edges(padded)
    except ImportError:
        from skimage.measure import marching_cubes

        vertices, faces, _, _ = marching_cubes(padded, 0.0, gradient_direction="descent")
    check_finite(vertices)  # differences of very large values overflow
    return Mesh((vertices - 1.0) * cell - 1, faces)


def _flying_edges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

    image = vtkImageData()
    image.SetDimensions(values.shape[::-1])  # VTK's first axis runs fastest, numpy's last one does
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=False))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.0)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    output = edges.GetOutput()
    vertices = vtk_to_numpy(output.GetPoints().GetData())[:, ::-1].astype(np.float64)
    faces = vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    return vertices, faces  # reversing the axes has turned the faces outwards


def vertex_normals(mesh: Mesh) -> np.ndarray:
    """(v, 3) unit normals, each the mean of its faces' normals weighted by area."""
    v, f = mesh
    a, b, c = (v[f[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    at = f.ravel()
    normals = np.stack([np.bincount(at, np.repeat(face[:, k], 3), len(v)) for k in range(3)], axis=1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def pieces(mesh: Mesh) -> np.ndarray:
    """(v) connected piece of the surface, from 0, that each vertex belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    v, f = mesh
    links = coo_array((np.ones(2 * len(f), np.int8), (f[:, [0, 1]].ravel(), f[:, [1, 2]].ravel())), (len(v), len(v)))
    return connected_components(links, directed=False)[1]


def components(mesh: Mesh) -> int:
    """Number of connected pieces of the surface."""
    return int(pieces(mesh).max(initial=-1)) + 1


def export(mesh: Mesh, kind: str) -> bytes:
    """The mesh as a file of one of the MESH_KINDS."""
    import trimesh

    if kind not in MESH_KINDS:
        raise UsageError(f"cannot write {kind!r}; choose one of {', '.join(MESH_KINDS)}")
    shape: Any = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    if kind == "glb":  # y up by its standard
        shape.vertex_normals = vertex_normals(mesh)
        shape.visual = trimesh.visual.TextureVisuals(material=trimesh.visual.material.PBRMaterial(**NEUTRAL))
        return shape.export(file_type=kind, include_normals=True)
    data = shape.export(file_type=kind)
    return _marked(data.encode() if isinstance(data, str) else data, kind)


NEUTRAL = {"name": "neutral", "baseColorFactor": [200, 200, 200, 255], "metallicFactor": 0.0, "roughnessFactor": 0.8}
"""Material of exported GLB files."""
MARK = b"up axis: y"


def _marked(data: bytes, kind: str) -> bytes:
    """The file with a comment that says what is up, which no format but GLB does."""
    if kind == "obj":
        return b"# " + MARK + b"\n" + data
    if kind == "off":
        return data.replace(b"OFF\n", b"OFF\n# " + MARK + b"\n", 1)
    if kind == "ply":
        return data.replace(b"\nelement", b"\ncomment " + MARK + b"\nelement", 1)
    return MARK.ljust(80) + data[80:]  # the header of a binary STL file


def write(mesh: Mesh, path: Path) -> None:
    """Write a mesh file, its kind taken from the suffix."""
    content = export(mesh, path.suffix.removeprefix(".").lower())
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
